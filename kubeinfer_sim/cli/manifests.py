"""Manifests a command compares: each source loaded by itself, everything that is wrong in any of them said at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from msgspec import Struct

from kubeinfer_sim.diagnostics import Diagnostic
from kubeinfer_sim.errors import InputError
from kubeinfer_sim.manifest.source import SourceText

if TYPE_CHECKING:
    from kubeinfer_sim.manifest.load import Manifests


class Side(Struct, frozen=True):
    """A manifest, by its name or as read already, and what fills its holes."""

    source: str | SourceText
    values: Mapping[str, str]


def load_each(
    sides: Sequence[Side],
    values: Mapping[str, str],
    later: Mapping[str, str] | None = None,
) -> list[Manifests]:
    """The manifests of each side, holes filled.

    One of `values` may be used on any side, but must be on one; one of `later` on the last.

    Raises:
        InputError: with the errors of all sides, or the values nobody asks for.
    """
    from kubeinfer_sim.manifest.load import load_manifest
    from kubeinfer_sim.manifest.template import unknown_values

    loaded: list[Manifests] = []
    errors: list[Diagnostic] = []
    for side in sides:
        try:
            loaded.append(load_manifest([side.source], set_values=side.values, all_values_used=False))
        except InputError as error:
            errors += error.diagnostics
    if not errors:
        errors += unknown_values(values, {hole for each in loaded for hole in each.holes})
        errors += unknown_values(later or (), set(loaded[-1].holes), option="--set-new")
    if errors:
        raise InputError(list(dict.fromkeys(errors)))
    return loaded

"""Manifests a command compares: each source loaded by itself, everything that is wrong in any of them said at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from kubeinfer_sim.diagnostics import Diagnostic
from kubeinfer_sim.errors import InputError

if TYPE_CHECKING:
    from kubeinfer_sim.manifest.load import Manifests


def load_each(
    sources: Sequence[str], values: Mapping[str, str], *, only: str | None = None
) -> list[Manifests]:
    """The manifests of each source, holes filled; a value may be used in any of them, but must be in one.

    Raises:
        InputError: with the errors of all sources, or the values nobody asks for.
    """
    from kubeinfer_sim.manifest.load import load_manifest
    from kubeinfer_sim.manifest.template import unknown_values

    loaded: list[Manifests] = []
    errors: list[Diagnostic] = []
    for source in sources:
        try:
            loaded.append(load_manifest([source], set_values=values, only=only, all_values_used=False))
        except InputError as error:
            errors += error.diagnostics
    if not errors:
        errors = unknown_values(values, {hole for each in loaded for hole in each.holes})
    if errors:
        raise InputError(errors)
    return loaded

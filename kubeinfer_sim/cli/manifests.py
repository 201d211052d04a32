"""Manifests a command compares: each source loaded by itself, everything that is wrong in any of them said at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from msgspec import Struct

from kubeinfer_sim.diagnostics import Diagnostic
from kubeinfer_sim.errors import InputError
from kubeinfer_sim.manifest.chosen import chosen_workload
from kubeinfer_sim.manifest.model import WorkloadSpec
from kubeinfer_sim.manifest.source import SourceText

if TYPE_CHECKING:
    from kubeinfer_sim.manifest.load import Manifests

#: What a manifest is about, and what else owns pods beside it.
Version = tuple[WorkloadSpec, Sequence[WorkloadSpec]]


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


def version_of(manifests: Manifests, name: str | None, file: str) -> Version:
    """The workload an update is of, and what else owns pods in its file.

    Raises:
        UsageError: there is none, or there are several.
    """
    one = chosen_workload(manifests.workloads, name, file)
    return one, [each for each in manifests.workloads if each is not one]

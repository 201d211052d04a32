"""Manifests a command compares: each source loaded by itself, everything that is wrong in any of them said at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from msgspec import Struct

from kubeinfer_sim.diagnostics import Diagnostic
from kubeinfer_sim.errors import InputError, UsageError
from kubeinfer_sim.manifest.model import KINDS_ROLLED_OUT, WorkloadSpec
from kubeinfer_sim.manifest.names_apart import NamesApart, full_name
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
    one = _to_update(manifests.workloads, name, file)
    return one, [each for each in manifests.workloads if each is not one]


def _to_update(workloads: Sequence[WorkloadSpec], name: str | None, file: str) -> WorkloadSpec:
    """The one that is named, else the only one of the first kind of which there is any."""
    updated = [each for each in workloads if each.kind in KINDS_ROLLED_OUT]
    if not updated:
        raise UsageError(f"{file} holds no {', '.join(KINDS_ROLLED_OUT[:-1])} or {KINDS_ROLLED_OUT[-1]}")
    by_kind = [[each for each in updated if each.kind == kind] for kind in KINDS_ROLLED_OUT]
    if name is not None:
        by_kind = [[each for each in some if name in (each.name, full_name(each))] for some in by_kind]
    objects = next(filter(None, by_kind), [])
    if not objects:
        known = _called(updated)
        there = f"{file} has {', '.join(known)}"
        raise UsageError(f"--name {name}: nothing of that name is updated; {there}")
    if len(objects) > 1:
        known = _called(objects)
        kind = objects[0].kind
        raise UsageError(f"{file} holds {len(objects)} {kind}s ({', '.join(known)}): choose one with --name")
    return objects[0]


def _called(workloads: Sequence[WorkloadSpec]) -> list[str]:
    """Their names as `--name` tells them apart."""
    names = NamesApart()
    names.note(workloads)
    return [names.named(each).name for each in workloads]

"""Which workload of a file a command is about: the one that is named, else the only one of the first kind there is."""

from __future__ import annotations

from collections.abc import Sequence

from kubeinfer_sim.errors import UsageError
from kubeinfer_sim.manifest.model import KINDS_ROLLED_OUT, WorkloadSpec
from kubeinfer_sim.manifest.names_apart import NamesApart, full_name, in_namespace


def chosen_workload(
    workloads: Sequence[WorkloadSpec],
    name: str | None,
    file: str,
    kinds: Sequence[str] = KINDS_ROLLED_OUT,
) -> WorkloadSpec:
    """The workload that is meant.

    Args:
        workloads: all that a file holds.
        name: `chat`, `prod/chat` or `Deployment/chat`; None: the only one of the first kind of which there is any.
        file: that file, for messages.
        kinds: those that can be meant, the first first.

    Raises:
        UsageError: there is none, or there are several.
    """
    known = [each for each in workloads if each.kind in kinds]
    if not known:
        raise UsageError(f"{file} holds no {' or '.join([', '.join(kinds[:-1]), kinds[-1]])}")
    by_kind = [[each for each in known if each.kind == kind and _is(each, name)] for kind in kinds]
    meant = next(filter(None, by_kind), [])
    if not meant:
        there = ", ".join(each.name for each in _told_apart(known))
        raise UsageError(f"--name {name}: nothing of that name is updated; {file} has {there}")
    if len(meant) > 1:
        several = ", ".join(each.name for each in _told_apart(meant))
        raise UsageError(f"{file} holds {len(meant)} {meant[0].kind}s ({several}): choose one with --name")
    return meant[0]


def others_than(
    chosen: WorkloadSpec, workloads: Sequence[WorkloadSpec], kinds: Sequence[str] = KINDS_ROLLED_OUT
) -> list[str]:
    """What else could be meant, as `--name` takes it."""
    named = zip(workloads, _told_apart(workloads), strict=True)
    return [f"{each.kind}/{each.name}" for own, each in named if own is not chosen and each.kind in kinds]


def _told_apart(workloads: Sequence[WorkloadSpec]) -> list[WorkloadSpec]:
    """They by the names that tell them apart."""
    names = NamesApart()
    names.note(workloads)
    return [*map(names.named, workloads)]


def _is(workload: WorkloadSpec, name: str | None) -> bool:
    own = in_namespace(workload.name), full_name(workload)
    return name in (None, *own, *(f"{workload.kind}/{each}" for each in own))

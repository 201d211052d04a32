"""Objectives for a first scenario: what its run holds, with the reason for each number; what it misses is left out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import ceil
from typing import Any

from msgspec import Struct

from kubeinfer_sim.manifest.model import WorkloadSpec
from kubeinfer_sim.metrics import Outcome
from kubeinfer_sim.metrics.served import Served
from kubeinfer_sim.report.verdict import Assessment
from kubeinfer_sim.scenario.units import format_duration
from kubeinfer_sim.testing.explained import workloads_of

#: How much more time than it takes an update is given.
_ROOM = 1.25
_MINUTE = 60_000
#: What of its kind nothing reports that it stalls, and of what the nodes say how many pods there are.
_WITH_DEADLINE, _BY_NODES = ("KubeInfer", "Deployment"), ("DaemonSet",)


class Proposed(Struct, frozen=True):
    """One objective.

    Attributes:
        field: its name in a scenario file.
        value: what it asks for; None: nothing, since what one would ask for is missed, or would say nothing.
        why: where the value comes from, or why there is none.
        wanted: what one would ask for and does not hold; None: nothing.
    """

    field: str
    value: Any
    why: str
    wanted: Any = None

    @property
    def missed(self) -> bool:
        """Whether what one would ask for does not hold."""
        return self.wanted is not None


def name_of(workload: WorkloadSpec) -> str:
    """What a workload is called among those that are measured: a KubeInfer by its name, others by kind and name."""
    return workload.name if workload.kind == "KubeInfer" else f"{workload.kind}/{workload.name}"


def propose(assessment: Assessment, updated: Sequence[WorkloadSpec]) -> dict[str, list[Proposed]]:
    """The objectives for each workload that is updated, by its name."""
    there = workloads_of(assessment)
    drawn = assessment.run.by_chance
    return {name_of(each): list(_proposed(each, there[name_of(each)], drawn=drawn)) for each in updated}


def kept_ready(served: Served) -> int | None:
    """How many an update may leave ready, if so many were; None where it may leave none, or fewer were."""
    leaves = _leaves(served)
    return leaves if leaves and served.whole.min_ready.value >= leaves else None


def _leaves(served: Served) -> int:
    updates = [each for each in served.changes if each.is_update]
    return max(updates[-1].replicas - updates[-1].unavailable, 0) if updates else 0


def _proposed(workload: WorkloadSpec, served: Served, *, drawn: bool) -> Iterator[Proposed]:
    if workload.kind not in _BY_NODES:
        yield _min_ready(served)
    update = next((each for each in reversed(served.changes) if each.is_update), None)
    duration = None if update is None else update.duration
    if served.outcome is Outcome.NOTHING:
        why = "Nothing is to be completed here, so no run judges completesWithin: it needs instances."
        yield Proposed("completesWithin", None, why)
    elif duration is None:
        yield Proposed("completes", None, "The update does not complete here.", wanted=True)
    else:
        took = f"It takes {format_duration(duration)} here; a quarter more is room for what takes longer."
        if drawn:
            took += " That is one draw, of this seed: `run -n 300` tells how long others take."
        yield Proposed("completesWithin", format_duration(_with_room(duration)), took)
    if workload.kind in _WITH_DEADLINE:
        if served.stalls:
            yield Proposed("noStall", None, _stalled(workload, completes=duration is not None), wanted=True)
        else:
            yield Proposed("noStall", True, "At no time does it wait for what nothing brings about.")


def _stalled(workload: WorkloadSpec, *, completes: bool) -> str:
    if workload.kind == "Deployment" and completes:
        return "Its progressDeadlineSeconds go by here before it completes: kubectl rollout status fails."
    return "It stalls here."


def _min_ready(served: Served) -> Proposed:
    low, leaves = served.whole.min_ready, _leaves(served)
    wanted = served.desired.last
    if not leaves:
        return Proposed(
            "minReadyInstances",
            None,
            f"An update may take all at once; the fewest ready here are {low.value}.",
        )
    may = f"An update may leave {leaves} of {wanted} ready"
    if low.value >= leaves:
        return Proposed("minReadyInstances", leaves, f"{may}; the fewest here are {low.value}.")
    are = "is" if low.value == 1 else "are"
    why = f"{may}, but only {low.value} {are}, at {format_duration(low.at)}: this is as measured."
    return Proposed("minReadyInstances", low.value or None, why, wanted=leaves)


def _with_room(duration: int) -> int:
    """A quarter more, in whole minutes, beyond half an hour in fives."""
    step = _MINUTE if duration < 30 * _MINUTE else 5 * _MINUTE
    return max(ceil(duration * _ROOM / step), 1) * step

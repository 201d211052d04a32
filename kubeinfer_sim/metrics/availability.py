"""Availability: for how much of the time how much of what was asked for was there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from math import lcm

from kubeinfer_sim.cluster.records import (
    InstanceRef,
    PodCreated,
    PodDeleting,
    PodGone,
    PodNotReady,
    PodReady,
    PodRef,
)
from kubeinfer_sim.controllers.records import InstanceDeleting, InstanceReady
from kubeinfer_sim.engine.history import Record
from kubeinfer_sim.metrics.measure import Measures
from kubeinfer_sim.metrics.steps import Steps, segments


@dataclass(frozen=True, slots=True)
class Level:
    """How often at least so many instances were ready.

    Attributes:
        name: `one`, `budget` (spec.replicas - maxUnavailable), `all`, or a number.
        fraction: of the time.
        outages: how often it was not so, for how long at most and in all (ms).
    """

    name: str
    fraction: float
    outages: int
    longest: int
    total: int


@dataclass(frozen=True, slots=True)
class Availability:
    """Over `since` to `until` (ms).

    Attributes:
        levels: at least one, the budget's floor, all.
        capacity: integral of capacity over desired; an instance's capacity is the smallest fraction, over its roles, of
            ready pods.
        roles: role -> integral of ready pods over wanted ones.
    """

    since: int
    until: int
    levels: tuple[Level, ...]
    capacity: float | None
    roles: Mapping[str, float]


class Capacity:
    """Ready pods of every instance by role, and the capacity that makes; in units of 1/`scale` instances."""

    def __init__(self, roles: Mapping[str, int]) -> None:
        self.roles = {name: number for name, number in roles.items() if number}
        self.scale = lcm(*self.roles.values()) if self.roles else 1
        self.capacity = Steps([(0, 0)])
        self.ready = {name: Steps([(0, 0)]) for name in self.roles}
        self._pods: dict[InstanceRef, dict[PodRef, bool]] = {}
        self._role_ready: dict[InstanceRef, dict[str, int]] = {}
        self._of: dict[InstanceRef, int] = {}
        self._total = 0

    def follow(self, record: Record) -> None:
        """Take the next record."""
        match record:
            case PodCreated():
                self._pods.setdefault(record.pod.instance, {})[record.pod] = False
            case PodReady():
                self._set(record.at, record.pod, ready=True)
            case PodNotReady() | PodDeleting() | PodGone():
                self._set(record.at, record.pod, ready=False)
            case InstanceReady():
                for pod in list(self._pods.get(record.instance, ())):
                    self._set(record.at, pod, ready=True)
            case InstanceDeleting():
                for pod, ready in self._pods.pop(record.instance, {}).items():
                    if ready:
                        self._count(record.at, pod, -1)

    def _set(self, at: int, pod: PodRef, *, ready: bool) -> None:
        pods = self._pods.get(pod.instance)
        if pods is not None and pods.get(pod, False) is not ready and pod.instance.kind == "KubeInfer":
            pods[pod] = ready
            self._count(at, pod, 1 if ready else -1)

    def _count(self, at: int, pod: PodRef, by: int) -> None:
        if pod.role not in self.roles:
            return
        counts = self._role_ready.setdefault(pod.instance, dict.fromkeys(self.roles, 0))
        counts[pod.role] += by
        steps = self.ready[pod.role]
        steps.set(at, steps.last + by)
        new = min(min(counts[name], most) * self.scale // most for name, most in self.roles.items())
        self._total += new - self._of.get(pod.instance, 0)
        self._of[pod.instance] = new
        self.capacity.set(at, self._total)


def measure_availability(
    records: Iterable[Record], measures: Measures, roles: Mapping[str, int]
) -> Availability:
    """The availability of a run over the time in which service is owed.

    Args:
        records: the history.
        measures: of the same run.
        roles: role -> pods of one instance.
    """
    capacity = Capacity(roles)
    for record in records:
        capacity.follow(record)
    since, until = measures.whole.since, measures.whole.until
    budget = measures.changes[-1].unavailable if measures.changes else 0
    levels: list[tuple[str, Callable[[int], int]]] = [
        ("one", lambda wanted: min(1, wanted)),
        ("budget", lambda wanted: max(0, wanted - budget)),
        ("all", lambda wanted: wanted),
    ]
    wanted_time = sum((to - at) * wanted for at, to, (wanted,) in segments((measures.desired,), since, until))
    held = sum(
        (to - at) * min(wanted * capacity.scale, have)
        for at, to, (wanted, have) in segments((measures.desired, capacity.capacity), since, until)
    )
    by_role = {}
    for name, pods in capacity.roles.items():
        ready = sum(
            (to - at) * min(wanted * pods, have)
            for at, to, (wanted, have) in segments((measures.desired, capacity.ready[name]), since, until)
        )
        if wanted_time:
            by_role[name] = ready / (wanted_time * pods)
    return Availability(
        since,
        until,
        tuple(_level(name, level, measures, since, until) for name, level in levels),
        held / (wanted_time * capacity.scale) if wanted_time else None,
        by_role,
    )


def _level(name: str, level: Callable[[int], int], measures: Measures, since: int, until: int) -> Level:
    outages = longest = total = current = 0
    for at, to, (wanted, ready) in segments((measures.desired, measures.ready), since, until):
        if ready < level(wanted):
            outages += current == 0
            current += to - at
            total += to - at
            longest = max(longest, current)
        else:
            current = 0
    fraction = 1 - total / (until - since) if until > since else 1.0
    return Level(name, fraction, outages, longest, total)

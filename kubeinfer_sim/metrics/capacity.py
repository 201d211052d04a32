"""How much the instances can take over time: each as much as its weakest role, as far as readiness and speed tell.

An instance's share is the smallest, over its roles, of ready pods ÷ pods of the role; where the scenario says what a
pod takes (`spec.load.podServes`), what its weakest role takes ÷ what that is with all pods ready. A pod whose NPU is
slow slows down its whole role: the pods of a role are taken for one collective group (as in
`controllers/kubeinfer/peers.py`), whose steps last as long as their slowest part's. That is an assumption: of a role
of independent replicas, only the one would be slower.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from math import lcm

from kubeinfer_sim.cluster.fault_records import PodSlowed
from kubeinfer_sim.cluster.records import (
    PodCreated,
    PodDeleting,
    PodGone,
    PodNotReady,
    PodReady,
    PodRef,
    PodRemoved,
)
from kubeinfer_sim.controllers.kubeinfer.records import (
    InstanceConcerning,
    InstanceCreated,
    InstanceDeleting,
    InstanceFailed,
    InstanceReady,
    InstanceRestarting,
)
from kubeinfer_sim.engine.history import Record
from kubeinfer_sim.metrics.steps import Steps

_NOTHING = Fraction(0)


@dataclass(frozen=True, slots=True)
class Amount:
    """A sum of fractions over time: `steps` counts in units of `unit`."""

    steps: Steps
    unit: Fraction


@dataclass(frozen=True, slots=True)
class Capacity:
    """What the instances can take together.

    Attributes:
        share: in whole instances.
        serves: in the unit of the load.
        roles: role -> sum over the instances of ready pods ÷ pods of the role.
    """

    share: Amount
    serves: Amount
    roles: Mapping[str, Amount]


@dataclass(slots=True)
class _Sum:
    """Adds up what each instance has; fractions are made whole numbers at the end, all at once."""

    changes: list[tuple[int, int, Fraction]] = field(default_factory=list)
    now: dict[int, Fraction] = field(default_factory=dict)

    def set(self, at: int, uid: int, value: Fraction) -> None:
        if self.now.get(uid, _NOTHING) != value:
            self.now[uid] = value
            self.changes.append((at, uid, value))

    def amount(self) -> Amount:
        values = {value for _, _, value in self.changes}
        scale = lcm(*(value.denominator for value in values))
        whole = {value: int(value * scale) for value in values}
        steps, total, have = Steps([(0, 0)]), 0, dict[int, int]()
        for at, uid, value in self.changes:
            total += whole[value] - have.get(uid, 0)
            have[uid] = whole[value]
            steps.set(at, total)
        return Amount(steps, Fraction(1, scale))


@dataclass(slots=True)
class _Instance:
    """One instance: its pods by place (role -> replicas), and those that are ready."""

    began: int
    places: dict[str, set[int]] = field(default_factory=dict)
    pods: dict[PodRef, None] = field(default_factory=dict)
    ready: dict[PodRef, None] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    slow: dict[PodRef, Fraction] = field(default_factory=dict)
    whole: bool = False


class _Meter:
    def __init__(self, pod_serves: Mapping[str, Fraction], serves: Fraction, *, whole: bool) -> None:
        self._pod_serves = pod_serves
        self._serves = serves
        self._whole = whole
        self._instances: dict[int, _Instance] = {}
        self._known: dict[tuple[tuple[int, int], ...], tuple[Fraction, Fraction]] = {}
        self.share, self.load = _Sum(), _Sum()
        self.roles: dict[str, _Sum] = {}

    def follow(self, record: Record) -> None:
        match record:
            case InstanceCreated():
                self._instances[record.instance.uid] = _Instance(record.at if record.running else -1)
            case PodCreated() if record.pod.instance.uid in self._instances:
                instance = self._instances[record.pod.instance.uid]
                instance.pods[record.pod] = None
                instance.places.setdefault(record.pod.role, set()).add(record.pod.replica)
                instance.counts.setdefault(record.pod.role, 0)
            case PodSlowed() if record.pod.instance.uid in self._instances:
                instance = self._instances[record.pod.instance.uid]
                instance.slow.pop(record.pod, None)
                if record.factor < 1:
                    instance.slow[record.pod] = Fraction(str(record.factor))
                self._weigh(record.at, record.pod.instance.uid, instance)
            case PodReady():
                self._pod(record.at, record.pod, ready=True)
            case PodNotReady() | PodDeleting() | PodRemoved() | PodGone():
                self._pod(record.at, record.pod, ready=False)
            case InstanceReady() if record.instance.uid in self._instances:
                instance = self._instances[record.instance.uid]
                instance.whole = True
                if instance.began == record.at:  # pods that ran at the start say nothing of themselves
                    for pod in instance.pods:
                        self._count(instance, pod, ready=True)
                self._weigh(record.at, record.instance.uid, instance)
            case InstanceConcerning() | InstanceRestarting() | InstanceFailed():
                if (found := self._instances.get(record.instance.uid)) is not None:
                    found.whole = False
                    self._weigh(record.at, record.instance.uid, found)
            case InstanceDeleting():
                if (found := self._instances.pop(record.instance.uid, None)) is not None:
                    for amount in (self.share, self.load, *self.roles.values()):
                        amount.set(record.at, record.instance.uid, _NOTHING)

    def _pod(self, at: int, pod: PodRef, *, ready: bool) -> None:
        instance = self._instances.get(pod.instance.uid)
        if instance is not None and self._count(instance, pod, ready=ready):
            self._weigh(at, pod.instance.uid, instance)

    def _count(self, instance: _Instance, pod: PodRef, *, ready: bool) -> bool:
        if (pod in instance.ready) is ready:
            return False
        if ready:
            instance.ready[pod] = None
        else:
            del instance.ready[pod]
        instance.counts[pod.role] += 1 if ready else -1
        return True

    @staticmethod
    def _speeds(instance: _Instance) -> dict[str, Fraction]:
        """Of the roles that are slower than they should be, the speed of the slowest pod that is ready."""
        speeds: dict[str, Fraction] = {}
        for pod, factor in instance.slow.items():
            if pod in instance.ready:
                speeds[pod.role] = min(factor, speeds.get(pod.role, factor))
        return speeds

    def _weigh(self, at: int, uid: int, instance: _Instance) -> None:
        for role, number in instance.counts.items():
            steps = self.roles.setdefault(role, _Sum())
            steps.set(at, uid, Fraction(number, len(instance.places[role])))
        share, load = self._capacity(instance)
        gated = self._whole and not instance.whole
        self.share.set(at, uid, _NOTHING if gated else share)
        self.load.set(at, uid, _NOTHING if gated else load)

    def _capacity(self, instance: _Instance) -> tuple[Fraction, Fraction]:
        shape = {role: (number, len(instance.places[role])) for role, number in instance.counts.items()}
        key = tuple(shape.values())
        if instance.slow or key not in self._known or self._pod_serves:
            speeds = self._speeds(instance)
            named = {role: each for role, each in self._pod_serves.items() if role in shape}
            full = min((each * shape[role][1] for role, each in named.items()), default=self._serves)
            takes = [
                (number * named[role] if role in named else full * number / of) * speeds.get(role, 1)
                for role, (number, of) in shape.items()
            ]
            load = min(full, *takes) if takes else full
            if instance.slow:
                return load / full, load
            self._known[key] = load / full, load
        return self._known[key]


def measure_capacity(
    records: Iterable[Record],
    *,
    whole: bool,
    pod_serves: Mapping[str, Fraction] | None = None,
    instance_serves: Fraction = Fraction(1),
) -> Capacity:
    """What the instances of a recorded run could take.

    Args:
        records: the history.
        whole: an instance with a pod that is not ready takes nothing (assumption `traffic: wholeInstance`).
        pod_serves: role -> what one ready pod takes; left out: each pod its share.
        instance_serves: what a whole instance takes where `pod_serves` says nothing.
    """
    meter = _Meter(pod_serves or {}, instance_serves, whole=whole)
    for record in records:
        meter.follow(record)
    roles = {name: each.amount() for name, each in meter.roles.items()}
    return Capacity(meter.share.amount(), meter.load.amount(), roles)

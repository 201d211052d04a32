"""How much load the instances can take over time: each as much as its weakest role, by readiness and speed of its pods.

An instance's share is the smallest, over its roles, of ready pods ÷ pods of the role; where the scenario says what a
pod takes (`spec.load.podServes`), what its weakest role takes ÷ what that is with all pods ready. A pod whose NPU is
slow slows down its whole role: the pods of a role are taken for one collective group (as in
`controllers/kubeinfer/peers.py`), whose steps last as long as their slowest part's. That is an assumption: of a role
of independent replicas, only the one would be slower.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from functools import lru_cache
from math import lcm

from msgspec import Struct, field

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
from kubeinfer_sim.engine.meter import End, Handlers
from kubeinfer_sim.metrics.steps import Steps

_NOTHING = Fraction(0)


class Amount(Struct, frozen=True):
    """A sum of fractions over time: `steps` counts in units of `unit`."""

    steps: Steps
    unit: Fraction


class Capacity(Struct, frozen=True):
    """What the instances can take together.

    Attributes:
        share: in whole instances.
        serves: in the unit of the load.
        roles: role -> sum over the instances of ready pods ÷ pods of the role.
    """

    share: Amount
    serves: Amount
    roles: Mapping[str, Amount]


class _Held(Struct, frozen=True, eq=False):
    """The capacity of one instance: its share of the load, what it takes of it, and the ready part of each role.

    There is one for each shape, and it is told from others by that alone.
    """

    share: Fraction
    serves: Fraction
    roles: Mapping[str, Fraction]


_GONE = _Held(_NOTHING, _NOTHING, {})


class _Shape(Struct, frozen=True):
    """All that an instance's capacity depends on; few of them occur in a run, so each is worked out once.

    Attributes:
        roles: names; of each `ready` pods out of `pods`.
        speeds: of the roles that are slower than they should be.
        gated: it takes nothing, since it is ready as a whole or not at all.
    """

    roles: tuple[str, ...]
    ready: tuple[int, ...]
    pods: tuple[int, ...]
    speeds: tuple[tuple[str, Fraction], ...]
    gated: bool


class _Instance(Struct):
    """One instance.

    Attributes:
        ran_since: when it was created, if it ran already then; else None. Its `first` pods say nothing of themselves.
        ready: the pods that are ready, `counts` their number by role.
        places: replicas by role.
        slow: what is left of the speed of pods that are slow.
        whole: all its pods are ready.
    """

    ran_since: int | None
    first: list[PodRef] = field(default_factory=list)
    ready: set[PodRef] = field(default_factory=set)
    counts: dict[str, int] = field(default_factory=dict)
    places: dict[str, set[int]] = field(default_factory=dict)
    slow: dict[PodRef, Fraction] = field(default_factory=dict)
    whole: bool = False

    @property
    def speeds(self) -> tuple[tuple[str, Fraction], ...]:
        """The speed of each role that is slower than it should be: that of its slowest ready pod."""
        speeds: dict[str, Fraction] = {}
        for pod, factor in self.slow.items():
            if pod in self.ready:
                speeds[pod.role] = min(factor, speeds.get(pod.role, factor))
        return tuple(speeds.items())


class CapacityMeter:
    """Follows the pods of the KubeInfer's instances.

    Args:
        whole: an instance with a pod that is not ready takes nothing (assumption `traffic: wholeInstance`).
        pod_serves: role -> what one ready pod takes; left out: each pod its share.
        instance_serves: what a whole instance takes where `pod_serves` says nothing.
    """

    def __init__(
        self,
        *,
        whole: bool,
        pod_serves: Mapping[str, Fraction] | None = None,
        instance_serves: Fraction = Fraction(1),
    ) -> None:
        self._pod_serves = tuple((pod_serves or {}).items())
        self._instance_serves = instance_serves
        self._whole = whole
        self._instances: dict[int, _Instance] = {}
        self._known: dict[_Shape, _Held] = {}
        self._now: dict[int, _Held] = {}
        # Of each instant in which capacity changes how many instances more, or fewer, have which.
        self._changes: list[tuple[int, dict[_Held, int]]] = []

    def handlers(self) -> Handlers:
        """What it listens to."""
        return {
            InstanceCreated: self._created,
            PodCreated: self._pod_created,
            PodSlowed: self._slowed,
            PodReady: self._pod_ready,
            PodNotReady: self._pod_lost,
            PodDeleting: self._pod_lost,
            PodRemoved: self._pod_lost,
            PodGone: self._pod_lost,
            InstanceReady: self._instance_ready,
            InstanceConcerning: self._not_whole,
            InstanceRestarting: self._not_whole,
            InstanceFailed: self._not_whole,
            InstanceDeleting: self._deleting,
        }

    def finish(self, ended_at: int, end: End) -> Capacity:
        """What all of them could take, over time."""
        known = list(dict.fromkeys(held for _, net in self._changes for held in net))
        roles = dict.fromkeys(name for held in known for name in held.roles)
        share = self._amount({held: held.share for held in known})
        by_load = any(held.serves != held.share for held in known)
        return Capacity(
            share,
            self._amount({held: held.serves for held in known}) if by_load else share,
            {name: self._amount({held: held.roles.get(name, _NOTHING) for held in known}) for name in roles},
        )

    def _amount(self, values: Mapping[_Held, Fraction]) -> Amount:
        """The sum over the instances, each having what `values` says; fractions become whole numbers all at once."""
        scale = lcm(*(value.denominator for value in values.values()))
        whole = {held: value.numerator * (scale // value.denominator) for held, value in values.items()}
        points: list[tuple[int, int]] = [(0, 0)]
        total = 0
        for at, net in self._changes:
            total += sum(whole[held] * number for held, number in net.items())
            points.append((at, total))
        return Amount(Steps(points), Fraction(1, scale))

    def _created(self, record: InstanceCreated) -> None:
        self._instances[record.instance.uid] = _Instance(record.at if record.running else None)

    def _pod_created(self, record: PodCreated) -> None:
        pod = record.pod
        if (instance := self._instances.get(pod.instance.uid)) is not None:
            if record.at == instance.ran_since:
                instance.first.append(pod)
            instance.places.setdefault(pod.role, set()).add(pod.replica)
            instance.counts.setdefault(pod.role, 0)

    def _slowed(self, record: PodSlowed) -> None:
        uid = record.pod.instance.uid
        if (instance := self._instances.get(uid)) is not None:
            instance.slow.pop(record.pod, None)
            if record.factor < 1:
                instance.slow[record.pod] = Fraction(str(record.factor))
            self._changed(record.at, uid, instance)

    def _pod_ready(self, record: PodReady) -> None:
        uid = record.pod.instance.uid
        instance = self._instances.get(uid)
        if instance is not None and record.pod not in instance.ready:
            instance.ready.add(record.pod)
            instance.counts[record.pod.role] += 1
            self._changed(record.at, uid, instance)

    def _pod_lost(self, record: PodNotReady | PodDeleting | PodRemoved | PodGone) -> None:
        uid = record.pod.instance.uid
        instance = self._instances.get(uid)
        if instance is not None and record.pod in instance.ready:
            instance.ready.remove(record.pod)
            instance.counts[record.pod.role] -= 1
            self._changed(record.at, uid, instance)

    def _instance_ready(self, record: InstanceReady) -> None:
        uid = record.instance.uid
        if (instance := self._instances.get(uid)) is not None:
            instance.whole = True
            if record.at == instance.ran_since:
                for pod in instance.first:
                    if pod not in instance.ready:
                        instance.ready.add(pod)
                        instance.counts[pod.role] += 1
            self._changed(record.at, uid, instance)

    def _not_whole(self, record: InstanceConcerning | InstanceRestarting | InstanceFailed) -> None:
        uid = record.instance.uid
        if (instance := self._instances.get(uid)) is not None:
            instance.whole = False
            self._changed(record.at, uid, instance)

    def _deleting(self, record: InstanceDeleting) -> None:
        uid = record.instance.uid
        if self._instances.pop(uid, None) is not None and uid in self._now:
            self._count(record.at, self._now.pop(uid), _GONE)

    def _changed(self, at: int, uid: int, instance: _Instance) -> None:
        counts = instance.counts
        shape = _Shape(
            tuple(counts),
            tuple(counts.values()),
            tuple(map(len, instance.places.values())),
            instance.speeds if instance.slow else (),
            self._whole and not instance.whole,
        )
        held = self._known.get(shape)
        if held is None:
            held = self._known[shape] = _work_out(shape, self._pod_serves, self._instance_serves)
        before = self._now.get(uid, _GONE)
        if before is not held:
            self._now[uid] = held
            self._count(at, before, held)

    def _count(self, at: int, before: _Held, after: _Held) -> None:
        """One instance has another capacity from now on."""
        if not self._changes or self._changes[-1][0] != at:
            self._changes.append((at, {}))
        net = self._changes[-1][1]
        net[before] = net.get(before, 0) - 1
        net[after] = net.get(after, 0) + 1


@lru_cache(maxsize=4096)  # the same few in all runs of a scenario
def _work_out(
    shape: _Shape, pod_serves: tuple[tuple[str, Fraction], ...], instance_serves: Fraction
) -> _Held:
    """The capacity of an instance of this shape; what pods and instances serve as for `CapacityMeter`."""
    pods = dict(zip(shape.roles, shape.pods, strict=True))
    ready = dict(zip(shape.roles, shape.ready, strict=True))
    parts = {role: Fraction(ready[role], pods[role]) for role in shape.roles}
    if shape.gated:
        return _Held(_NOTHING, _NOTHING, parts)
    named = {role: each for role, each in pod_serves if role in pods}
    full = min((each * pods[role] for role, each in named.items()), default=instance_serves)
    speeds = dict(shape.speeds)
    takes = [
        (ready[role] * named[role] if role in named else full * part) * speeds.get(role, 1)
        for role, part in parts.items()
    ]
    load = min(full, *takes) if takes else full
    return _Held(load / full, load, parts)

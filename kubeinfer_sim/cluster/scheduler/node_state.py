"""A node as the scheduler sees it, and the pods on it."""

from __future__ import annotations

from collections.abc import Hashable, Mapping

from msgspec import Struct, field

from kubeinfer_sim.cluster.scheduler.npu_rings import Rings
from kubeinfer_sim.cluster.scheduler.pods import Pod, PodSpec
from kubeinfer_sim.scenario.cluster.model import Taint


class NodeState(Struct, eq=False):
    """A node as the scheduler sees it. Amounts: cpu in millicores, everything else in whole units.

    Attributes:
        order: place among the nodes as given; ties are broken by it.
        requested: what the pods placed here ask for, by resource; `pods` is their number.
        scoring: their cpu and memory as the scores see it.
        pods: the pods placed here, by key.
        images: sizes in bytes of the images on the node, by every name they have.
        rings: its NPUs, where they are in rings; the most one pod can have is kept among the resources.
    """

    name: str
    order: int
    labels: Mapping[str, str]
    taints: tuple[Taint, ...]
    allocatable: dict[str, int]
    unlimited: frozenset[str]
    unschedulable: bool = False
    requested: dict[str, int] = field(default_factory=dict)
    scoring: dict[str, int] = field(default_factory=lambda: {"cpu": 0, "memory": 0})
    pods: dict[Hashable, Pod] = field(default_factory=dict)
    images: Mapping[str, int] = field(default_factory=dict)
    rings: Rings | None = None

    def __post_init__(self) -> None:
        if self.rings is not None:
            self.allocatable = {**self.allocatable, **dict(self.rings.when_empty())}
            self._account()

    def free(self, resource: str) -> int:
        """What is left of a resource; negative when the node is over-committed, 0 when it offers none."""
        return self.allocatable.get(resource, 0) - self.requested.get(resource, 0)

    def add(self, pod: Pod, *, back: bool = False) -> None:
        """A pod takes its place here, or with `back` the very place it had here before."""
        self.pods[pod.key] = pod
        self._count(pod.spec, 1)
        if self.rings is not None:
            amount = pod.spec.requests.get(self.rings.resource, 0)
            pod.rings = self.rings.restore(pod.rings) if back else self.rings.take(amount)
            self._account()

    def discard(self, key: Hashable) -> Pod:
        """A pod leaves; raises KeyError if it is not here."""
        pod = self.pods.pop(key)
        self._count(pod.spec, -1)
        if self.rings is not None:
            self.rings.release(pod.rings)
            self._account()
        return pod

    def _account(self) -> None:
        """Keep what is free in the rings where the index looks for what is free."""
        if self.rings is not None:
            for name, free in self.rings.accounts():
                self.requested[name] = self.allocatable[name] - free

    def change_npus(self, npus: int, ring: int | None) -> None:
        """So many NPUs come into service, or with a negative number go out of it; `ring` is None where unknown."""
        if self.rings is not None:
            self.rings.change_npus(npus, ring)
            self._account()

    def in_one_ring(self, spec: PodSpec) -> bool:
        """Whether its rings, if it has any, have room for the NPUs of one more pod of this spec."""
        return self.rings is None or spec.requests.get(self.rings.resource, 0) <= self.rings.largest

    def _count(self, spec: PodSpec, sign: int) -> None:
        requested = self.requested
        for name, amount in spec.demand:
            requested[name] = requested.get(name, 0) + sign * amount
        scoring = self.scoring
        for name, amount in spec.scoring.items():
            scoring[name] += sign * amount

    def fits(self, spec: PodSpec) -> bool:
        """Whether one more pod of this spec finds its resources here (no other filter is asked)."""
        allocatable, requested, unlimited = self.allocatable, self.requested, self.unlimited
        for name, amount in spec.demand:
            if allocatable.get(name, 0) - requested.get(name, 0) < amount and name not in unlimited:
                return False
        return self.rings is None or self.in_one_ring(spec)

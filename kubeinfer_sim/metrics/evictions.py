"""Loops of evictions: pods come to a tainted node, have to leave it, and their successors come to it again."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from kubeinfer_sim.cluster.records import NodeRemoved, NodeTainted
from kubeinfer_sim.controllers.deployment.records import DeploymentApplied
from kubeinfer_sim.engine.meter import End, Handlers
from kubeinfer_sim.metrics.cause_kinds import TAINT_EVICTION
from kubeinfer_sim.metrics.lives import InstanceLife, PodLife

Key = tuple[str, str, str, str]


class Evictions(Struct, frozen=True):
    """Pods of one owner and revision that come to a node again and again, and that its taint evicts each time.

    Pods of the owner are still there at the end, or about to come: it goes on.

    Attributes:
        kind, owner: what made them.
        first, last: when they were evicted, ms.
        number: how many.
        every: the mean time from one to the next, ms; 0 where time stands still meanwhile.
        rejected: the node has rejected some besides: no scheduler was asked, and they do not tolerate its taint.
    """

    kind: str
    owner: str
    node: str
    first: int
    last: int
    number: int
    every: int
    rejected: bool = False


class EvictionsMeter:
    """Finds them among the lives of all pods; while the run goes on it follows taints and templates alone."""

    def __init__(self) -> None:
        # Since when a node has the NoExecute taints that it has; None without any. Not in here: from the start.
        self._tainted: dict[str, int | None] = {}
        # Since when an owner's pods are made as they are now: they may tolerate more than those before.
        self._template: dict[tuple[str, str], int] = {}
        # Owners that are to have pods.
        self._wants: dict[tuple[str, str], bool] = {}

    def handlers(self) -> Handlers:
        """What it listens to."""
        return {NodeTainted: self._changed, NodeRemoved: self._removed, DeploymentApplied: self._applied}

    def _changed(self, record: NodeTainted) -> None:
        self._tainted[record.node] = record.at if record.taints else None

    def _removed(self, record: NodeRemoved) -> None:
        self._tainted[record.node] = None

    def _applied(self, record: DeploymentApplied) -> None:
        owner = record.kind, record.deployment
        self._wants[owner] = record.replicas > 0
        if "template" in record.changed:
            self._template[owner] = record.at

    def finish(self, ended_at: int, end: End, instances: Sequence[InstanceLife]) -> tuple[Evictions, ...]:
        """Those that go on, in order of their beginning; `instances`: of all workloads."""
        if end == "settled":
            return ()
        evicted: dict[Key, list[int]] = {}
        standing: set[Key] = set()
        rejected: set[Key] = set()
        for life in instances:
            for pod in life.pods:
                if self._driven_out(pod):
                    evicted.setdefault(_key(life, pod.node), []).append(pod.deleting or 0)
                    if pod.rejected:
                        rejected.add(_key(life, pod.node))
            if _will_have_pods(life):
                standing.add(_key(life, life.pods[-1].node))
        having = {(kind, owner) for kind, owner, _, _ in standing}
        evictions = []
        for key, times in evicted.items():
            kind, owner, revision, node = key
            goes_on = key in standing or (kind, owner, revision, "") in standing
            # Between the last one and the next there may be none.
            goes_on |= self._wants.get((kind, owner), False) and (kind, owner) not in having
            first, last = min(times), max(times)
            # Many in the instant in which the run is given up take no time.
            at_once = end == "quiet" and first == last == ended_at
            if goes_on and (first < last or at_once):
                every = 0 if at_once else (last - first) // (len(times) - times.count(first))
                evictions.append(
                    Evictions(kind, owner, node, first, last, len(times), every, key in rejected)
                )
        return tuple(sorted(evictions, key=lambda each: each.first))

    def _driven_out(self, pod: PodLife) -> bool:
        """Whether it is evicted for taints that were there before it, and would be so if it were made now."""
        if pod.deletion != TAINT_EVICTION or not pod.node:
            return False
        instance, since = pod.pod.instance, self._tainted.get(pod.node, 0)
        template = self._template.get((instance.kind, instance.owner), 0)
        return since is not None and pod.created >= max(since, template)


def _will_have_pods(life: InstanceLife) -> bool:
    """Whether a pod of it is there to stay, or is about to be made anew (of a KubeInfer)."""
    if not life.pods or life.gone is not None or life.deleting is not None:
        return False
    return life.instance.has_roles or life.pods[-1].stays


def _key(life: InstanceLife, node: str) -> Key:
    return life.instance.kind, life.instance.owner, life.revision, node

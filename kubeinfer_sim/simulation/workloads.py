"""The workloads of a run, each made by the room of its kind; a kind is one line here.

A controller is imported when there is something for it to control.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from kubeinfer_sim.cluster.cluster import Cluster
from kubeinfer_sim.cluster.node import Node
from kubeinfer_sim.cluster.pod import Pod, Workload
from kubeinfer_sim.cluster.watcher import Watcher
from kubeinfer_sim.controllers.kubeinfer.policies import RecoveryPlugin
from kubeinfer_sim.controllers.kubeinfer.settings import Settings
from kubeinfer_sim.manifest.model import (
    BarePod,
    DaemonSet,
    Deployment,
    KubeInfer,
    ReplicaSet,
    StatefulSet,
    WorkloadSpec,
)
from kubeinfer_sim.scenario.model import Scenario

if TYPE_CHECKING:
    from kubeinfer_sim.controllers.deployment.member_workload import MemberWorkload
    from kubeinfer_sim.controllers.pod.workload import BarePodWorkload


def _kubeinfer(cluster: Cluster, spec: KubeInfer, settings: Settings) -> Workload:
    from kubeinfer_sim.controllers.kubeinfer.workload import KubeInferWorkload

    return KubeInferWorkload(cluster, spec, settings)


def _deployment(cluster: Cluster, spec: Deployment, settings: Settings) -> Workload:
    from kubeinfer_sim.controllers.deployment.workload import DeploymentWorkload

    return DeploymentWorkload(cluster, spec, settings.timings, preemption=settings.assumptions.preemption)


def _replica_set(cluster: Cluster, spec: ReplicaSet, settings: Settings) -> Workload:
    from kubeinfer_sim.controllers.deployment.replica_set_workload import ReplicaSetWorkload

    return ReplicaSetWorkload(cluster, spec, settings.timings, preemption=settings.assumptions.preemption)


def _daemon_set(cluster: Cluster, spec: DaemonSet, settings: Settings) -> MemberWorkload:
    from kubeinfer_sim.controllers.deployment.daemon_set_control import DaemonSetControl
    from kubeinfer_sim.controllers.deployment.member_workload import MemberWorkload

    return MemberWorkload(
        cluster, spec, settings.timings, DaemonSetControl, preemption=settings.assumptions.preemption
    )


def _stateful_set(cluster: Cluster, spec: StatefulSet, settings: Settings) -> MemberWorkload:
    from kubeinfer_sim.controllers.deployment.member_workload import MemberWorkload
    from kubeinfer_sim.controllers.deployment.stateful_set_control import StatefulSetControl

    counts = settings.kubernetes.stateful_set_max_unavailable
    return MemberWorkload(
        cluster,
        spec,
        settings.timings,
        lambda cluster, members, spec, wake: StatefulSetControl(
            cluster, members, spec, counts_unavailable=counts
        ),
        preemption=settings.assumptions.preemption,
    )


def _bare_pod(cluster: Cluster, spec: BarePod, settings: Settings) -> BarePodWorkload:
    from kubeinfer_sim.controllers.pod.workload import BarePodWorkload

    return BarePodWorkload(cluster, spec, settings.timings, preemption=settings.assumptions.preemption)


class NodeWatch(Watcher):
    """Tells of every node that comes, goes, or is not what it was."""

    def __init__(self, changed: Callable[[Node], None]) -> None:
        self._changed = changed

    def node_added(self, node: Node) -> None:
        """It has come."""
        self._changed(node)

    def node_removed(self, node: Node) -> None:
        """It has gone."""
        self._changed(node)

    def node_spec_changed(self, node: Node) -> None:
        """Its taints keep others off now."""
        self._changed(node)

    def node_labels_changed(self, node: Node) -> None:
        """It may be one of those asked for."""
        self._changed(node)


#: What makes a workload of each kind, in the order in which those of different kinds are started.
KINDS: dict[str, Callable[[Cluster, Any, Settings], Workload]] = {
    DaemonSet.kind: _daemon_set,
    KubeInfer.kind: _kubeinfer,
    Deployment.kind: _deployment,
    ReplicaSet.kind: _replica_set,
    StatefulSet.kind: _stateful_set,
    BarePod.kind: _bare_pod,
}


class Workloads:
    """All workloads: kind by kind, of each in the order in which they were created."""

    def __init__(self, cluster: Cluster, scenario: Scenario, plugin: RecoveryPlugin | None) -> None:
        self._cluster = cluster
        self._settings = Settings(
            scenario.timings, scenario.assumptions, scenario.kubernetes, scenario.recovery, plugin
        )
        self._by_kind: dict[str, dict[str, Workload]] = {kind: {} for kind in KINDS}
        # Deleted, or of a name that another has now; their pods may still be there.
        self._past: list[Workload] = []
        for spec in scenario.workloads:
            self._make(spec)

    def _make(self, spec: WorkloadSpec) -> Workload:
        made = self._by_kind[spec.kind][spec.name] = KINDS[spec.kind](self._cluster, spec, self._settings)
        return made

    def __iter__(self) -> Iterator[Workload]:
        for by_name in self._by_kind.values():
            yield from by_name.values()
        yield from self._past

    def named(self, kind: str, name: str) -> Workload:
        """The workload of this kind and name; `name` "": the only one of its kind."""
        by_name = self._by_kind[kind]
        if name:
            return by_name[name]
        (only,) = by_name.values()
        return only

    def exists(self, kind: str, name: str) -> bool:
        """Whether the API server has an object of this kind and name; a Pod's goes when its life is over."""
        workload = self._by_kind[kind].get(name)
        return workload is not None and (kind != BarePod.kind or any(workload.pods()))

    def create(self, spec: WorkloadSpec) -> None:
        """A workload that does not exist begins."""
        before = self._by_kind[spec.kind].pop(spec.name, None)
        made = self._make(spec)
        if before is not None:
            self._past.append(before)
        if before is not None and spec.kind == BarePod.kind:
            from kubeinfer_sim.controllers.pod.workload import BarePodWorkload

            assert isinstance(made, BarePodWorkload)
            assert isinstance(before, BarePodWorkload)
            made.ordinal = before.ordinal + 1
        made.start(running=False)

    def delete(self, kind: str, name: str) -> None:
        """One that exists is deleted; of a Pod the object stays until its kubelet is done."""
        workload = self._by_kind[kind][name]
        if kind != BarePod.kind:
            self._past.append(self._by_kind[kind].pop(name))
        workload.delete()

    def node_changed(self, node: Node) -> None:
        """A node has come, gone, or is not what it was: a DaemonSet may want another pod."""
        if daemon_sets := self._by_kind[DaemonSet.kind]:
            from kubeinfer_sim.controllers.deployment.member_workload import MemberWorkload

            for each in daemon_sets.values():
                if isinstance(each, MemberWorkload):
                    each.node_changed(node.name)

    @property
    def last_progress(self) -> int:
        """When any of them last came nearer to its end."""
        return max((each.last_progress for each in self), default=0)

    def pods(self) -> Iterator[Pod]:
        """All pods that exist, workload by workload."""
        for workload in self:
            yield from workload.pods()

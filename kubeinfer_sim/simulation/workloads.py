"""The workloads of a run, each made by the room of its kind; a kind is one line here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from kubeinfer_sim.cluster.cluster import Cluster
from kubeinfer_sim.cluster.pod import Pod, Workload
from kubeinfer_sim.controllers.deployment.replica_set_workload import ReplicaSetWorkload
from kubeinfer_sim.controllers.deployment.workload import DeploymentWorkload
from kubeinfer_sim.controllers.kubeinfer.policies import RecoveryPlugin
from kubeinfer_sim.controllers.kubeinfer.settings import Settings
from kubeinfer_sim.controllers.kubeinfer.workload import KubeInferWorkload
from kubeinfer_sim.controllers.pod.workload import BarePodWorkload
from kubeinfer_sim.manifest.model import BarePod, Deployment, KubeInfer, ReplicaSet, WorkloadSpec
from kubeinfer_sim.scenario.model import Scenario

#: What makes a workload of each kind, in the order in which those of different kinds are started.
KINDS: dict[str, Callable[[Cluster, Any, Settings], Workload]] = {
    KubeInfer.kind: KubeInferWorkload,
    Deployment.kind: lambda cluster, spec, settings: DeploymentWorkload(
        cluster, spec, settings.timings, preemption=settings.assumptions.preemption
    ),
    ReplicaSet.kind: lambda cluster, spec, settings: ReplicaSetWorkload(
        cluster, spec, settings.timings, preemption=settings.assumptions.preemption
    ),
    BarePod.kind: lambda cluster, spec, settings: BarePodWorkload(
        cluster, spec, settings.timings, preemption=settings.assumptions.preemption
    ),
}


class Workloads:
    """All workloads: kind by kind, of each in the order in which they were created."""

    def __init__(self, cluster: Cluster, scenario: Scenario, plugin: RecoveryPlugin | None) -> None:
        self._cluster = cluster
        self._settings = Settings(scenario.timings, scenario.assumptions, scenario.recovery, plugin)
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
        found = self._by_kind[kind].get(name)
        return found is not None and (kind != BarePod.kind or any(found.pods()))

    def create(self, spec: WorkloadSpec) -> None:
        """A workload that does not exist begins."""
        before = self._by_kind[spec.kind].pop(spec.name, None)
        made = self._make(spec)
        if before is not None:
            self._past.append(before)
        if isinstance(made, BarePodWorkload) and isinstance(before, BarePodWorkload):
            made.ordinal = before.ordinal + 1
        made.start(running=False)

    def delete(self, kind: str, name: str) -> None:
        """One that exists is deleted; of a Pod the object stays until its kubelet is done."""
        workload = self._by_kind[kind][name]
        if kind != BarePod.kind:
            self._past.append(self._by_kind[kind].pop(name))
        workload.delete()

    @property
    def last_progress(self) -> int:
        """When any of them last came nearer to its end."""
        return max((each.last_progress for each in self), default=0)

    def pods(self) -> Iterator[Pod]:
        """All pods that exist, workload by workload."""
        for workload in self:
            yield from workload.pods()

"""The workloads of a run, each made by the room of its kind; a kind is one line here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from kubeinfer_sim.cluster.cluster import Cluster
from kubeinfer_sim.cluster.pod import Pod, Workload
from kubeinfer_sim.controllers.deployment.workload import DeploymentWorkload
from kubeinfer_sim.controllers.kubeinfer.policies import RecoveryPlugin
from kubeinfer_sim.controllers.kubeinfer.settings import Settings
from kubeinfer_sim.controllers.kubeinfer.workload import KubeInferWorkload
from kubeinfer_sim.manifest.model import Deployment, KubeInfer
from kubeinfer_sim.scenario.model import Scenario


class Workloads:
    """All workloads, in the order in which the scenario has them."""

    def __init__(self, cluster: Cluster, scenario: Scenario, plugin: RecoveryPlugin | None) -> None:
        settings = Settings(scenario.timings, scenario.assumptions, scenario.recovery, plugin)
        kinds: dict[type, Callable[[Any], Workload]] = {
            KubeInfer: lambda spec: KubeInferWorkload(cluster, spec, settings),
            Deployment: lambda spec: DeploymentWorkload(cluster, spec, scenario.timings),
        }
        self._by_object = {(type(spec), spec.name): kinds[type(spec)](spec) for spec in scenario.workloads}

    def __iter__(self) -> Iterator[Workload]:
        return iter(self._by_object.values())

    def of(self, spec: KubeInfer | Deployment) -> Workload:
        """The workload of an object, by kind and name."""
        return self._by_object[type(spec), spec.name]

    @property
    def last_progress(self) -> int:
        """When any of them last came nearer to its end."""
        return max((each.last_progress for each in self), default=0)

    def pods(self) -> Iterator[Pod]:
        """All pods that exist, workload by workload."""
        for workload in self:
            yield from workload.pods()

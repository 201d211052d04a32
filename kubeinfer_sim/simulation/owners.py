"""The workloads of a scenario, whatever their kind."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kubeinfer_sim.cluster.environment import Environment
from kubeinfer_sim.cluster.pod import Pod
from kubeinfer_sim.cluster.scheduler.gang_scheduling import GangScheduling
from kubeinfer_sim.controllers.deployment.workload import DeploymentWorkload
from kubeinfer_sim.controllers.kubeinfer.controller import KubeInferController
from kubeinfer_sim.manifest.model import Deployment
from kubeinfer_sim.scenario.model import Timings


class Owners:
    """The KubeInfer and the Deployments of a scenario."""

    def __init__(
        self,
        env: Environment,
        scheduling: GangScheduling,
        kubeinfer: KubeInferController,
        deployments: Sequence[Deployment],
        timings: Timings,
    ) -> None:
        self._kubeinfer = kubeinfer
        self.deployments = {
            spec.name: DeploymentWorkload(env, scheduling, spec, timings) for spec in deployments
        }

    @property
    def last_progress(self) -> int:
        """When any of them last came nearer to its end."""
        return max(
            self._kubeinfer.last_progress, *(each.last_progress for each in self.deployments.values()), 0
        )

    def pods(self) -> Iterator[Pod]:
        """All pods that exist: the KubeInfer's, then each Deployment's."""
        yield from self._kubeinfer.pods()
        for deployment in self.deployments.values():
            yield from deployment.pods()

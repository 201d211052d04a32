"""Whose pod is it? Hands what scheduler and kubelets report on to the owner of the pod.

Made only for scenarios with Deployments; a KubeInfer alone is its own pods' listener.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import count

from kubeinfer_sim.cluster.kubelet import Kubelet
from kubeinfer_sim.cluster.pod import Pod
from kubeinfer_sim.cluster.scheduler.gang_scheduling import GangScheduling, PodGang
from kubeinfer_sim.controllers.deployment.workload import DeploymentWorkload
from kubeinfer_sim.controllers.kubeinfer.controller import KubeInferController
from kubeinfer_sim.controllers.kubeinfer.recovery import PlatformFault
from kubeinfer_sim.engine.clock import Clock
from kubeinfer_sim.engine.history import History
from kubeinfer_sim.manifest.model import Deployment
from kubeinfer_sim.scenario.model import Timings

Owner = KubeInferController | DeploymentWorkload


class Owners:
    """The KubeInfer and the Deployments of a scenario."""

    def __init__(
        self,
        clock: Clock,
        history: History,
        scheduling: GangScheduling,
        kubelet: Kubelet,
        kubeinfer: KubeInferController,
        deployments: Sequence[Deployment],
        timings: Timings,
    ) -> None:
        self._kubeinfer = kubeinfer
        uids = count(-1, -1)
        self.deployments = {
            spec.name: DeploymentWorkload(clock, history, scheduling, kubelet, spec, timings, uids)
            for spec in deployments
        }

    def of(self, pod: Pod) -> Owner:
        """Who owns the pod."""
        instance = pod.ref.instance
        return self._kubeinfer if instance.kind == "KubeInfer" else self.deployments[instance.kubeinfer]

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

    def evict(self, pod: Pod, reason: str, cause: int) -> None:
        """Somebody else deletes the pod."""
        self.of(pod).evict(pod, reason, cause)

    def npu_fault(self, pod: Pod, fault: PlatformFault, cause: int) -> None:
        """The platform tells of a fault of an NPU the pod holds, or of its machine.

        Nobody listens for a Deployment: its pods stay until somebody drains the machine, or they fail by themselves.
        """
        if pod.ref.instance.kind == "KubeInfer":
            self._kubeinfer.npu_fault(pod, fault, cause)

    def pods_wanted(self, pod: Pod) -> int:
        """How many pods the pod's owner should have."""
        return self.of(pod).pods_wanted(pod)

    def gang_placed(self, gang: PodGang) -> None:
        """A gang got its nodes."""
        self.of(gang.pods[0]).gang_placed(gang)

    def pod_ready(self, pod: Pod) -> None:
        """A pod's Ready condition turned true."""
        self.of(pod).pod_ready(pod)

    def pod_unready(self, pod: Pod, reason: str) -> None:
        """It turned false."""
        self.of(pod).pod_unready(pod, reason)

    def pod_stuck(self, pod: Pod) -> None:
        """A pod will not become ready by itself."""
        self.of(pod).pod_stuck(pod)

    def container_died(self, pod: Pod, reason: str) -> bool:
        """A container is dead; True: its pod is being replaced."""
        return self.of(pod).container_died(pod, reason)

    def pod_gone(self, pod: Pod) -> None:
        """A pod's object is gone."""
        self.of(pod).pod_gone(pod)

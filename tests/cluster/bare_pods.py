"""Pods of an owner that does nothing, for tests of those who only know pods by the API."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from building import pod_template, stage_timings
from msgspec.structs import replace

from kubeinfer_sim.cluster.pod import PlatformFault, Pod
from kubeinfer_sim.cluster.records import InstanceRef, PodRef
from kubeinfer_sim.cluster.start_barrier import StartBarrier
from kubeinfer_sim.manifest.model import Toleration


class Idle:
    """A workload that lets everything happen; tests override what they look at."""

    last_progress = 0
    spec = None

    def start(self, *, running: bool) -> None:
        pass

    def apply(self, spec: object, label: str) -> None:
        pass

    def scale(self, replicas: int) -> None:
        pass

    def pods(self) -> Iterator[Pod]:
        return iter(())

    namespace = "default"
    replicas = 1
    resource = "idles"

    def controller_of(self, pod: Pod) -> Idle:
        return self

    def gang_placed(self, pods: Sequence[Pod]) -> None:
        pass

    def pod_ready(self, pod: Pod) -> None:
        pass

    def pod_unready(self, pod: Pod, reason: str) -> None:
        pass

    def pod_stuck(self, pod: Pod) -> None:
        pass

    def container_died(self, pod: Pod, reason: str, exit_code: int) -> bool:
        return False

    def pod_gone(self, pod: Pod) -> None:
        pass

    def evict(self, pod: Pod, reason: str, cause: int, grace: int | None = None) -> None:
        pass

    def group(self, pod: Pod) -> Sequence[Pod]:
        return [pod]

    def ties_device_plugin(self, pod: Pod) -> bool:
        return False

    def engine_silent(self, pod: Pod, cause: int) -> None:
        pass

    def npu_fault(self, pod: Pod, fault: PlatformFault, cause: int) -> None:
        pass


def bare_pod(owner: Idle, name: str, tolerations: tuple[Toleration, ...] = (), npus: int = 0) -> Pod:
    """A pod that can be told apart by its `role`."""
    template = replace(pod_template(npus=npus), tolerations=tolerations)
    ref = PodRef(InstanceRef(0, "infer", 0), name, 0, 0)
    return Pod(owner, ref, template, stage_timings(), "", "", StartBarrier(1))

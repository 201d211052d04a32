"""A KubeInfer in the simulated cluster: what its users do to it, and what its pods tell.

Stands between its controller, which counts instances, and the API, which knows of pods. The instances and what is
counted about them are in `instances.py`, what is done about failures in `recovery.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec import Struct
from msgspec.structs import replace

from kubeinfer_sim.cluster.cluster import Cluster
from kubeinfer_sim.cluster.kubelet import ImageError
from kubeinfer_sim.cluster.pod import Controller, PlatformFault, Pod
from kubeinfer_sim.cluster.reasons import PROBE_KILLS, of_container
from kubeinfer_sim.controllers.kubeinfer.controller import KubeInferController
from kubeinfer_sim.controllers.kubeinfer.gangs import Gangs
from kubeinfer_sim.controllers.kubeinfer.instance import Instance, InstanceState
from kubeinfer_sim.controllers.kubeinfer.instances import Instances
from kubeinfer_sim.controllers.kubeinfer.policies import Policies
from kubeinfer_sim.controllers.kubeinfer.rebuilding import Rebuilding
from kubeinfer_sim.controllers.kubeinfer.recovery import Recovery
from kubeinfer_sim.controllers.kubeinfer.settings import Settings
from kubeinfer_sim.controllers.kubeinfer.silent_faults import SilentFaults
from kubeinfer_sim.controllers.kubeinfer.stalls import Stalls
from kubeinfer_sim.manifest.model import RESET_LABEL, KubeInfer


class _Unscaled(Struct, frozen=True):
    """An instance as far as the API server tells: without a scale subresource."""

    resource: str = Instance.resource
    replicas: None = None


NO_SCALE = _Unscaled()


class KubeInferWorkload:
    """One KubeInfer and its pods."""

    def __init__(self, cluster: Cluster, spec: KubeInfer, settings: Settings) -> None:
        assumptions = settings.assumptions
        self.namespace = spec.namespace
        self._has_scale = assumptions.scale_subresource == "instance"
        self._gangs = Gangs(self, cluster, settings.timings, assumptions)
        self._instances = Instances(
            cluster.env,
            self._gangs,
            spec,
            assumptions,
            changed=self._changed,
            progressed=self._progressed,
            turned=self._turned,
        )
        self._rebuilding = Rebuilding(cluster, self._instances, self._gangs, assumptions)
        policies = Policies(settings.rules, settings.plugin, assumptions.startup_crash)
        silent = SilentFaults(cluster.env, on=assumptions.silent_faults)
        self._recovery = Recovery(cluster, self._instances, self._gangs, policies, self._rebuilding, silent)
        self._stalls = Stalls(
            spec.name, cluster, self._instances, assumptions.progress_deadline, self._stalled
        )
        self._assumptions = assumptions
        self._controller = KubeInferController(
            cluster.env, spec, assumptions, self._instances, self._recovery, self._stalls
        )

    def _changed(self) -> None:
        self._controller.wake_up()

    def _progressed(self) -> None:
        self._stalls.progressed()

    def _turned(self) -> None:
        self._stalls.turned()

    def _stalled(self, pod_reason: str, cause: int) -> None:
        """Abort an update that finds no place, or whose image cannot be pulled, where the switch says so."""
        gives_up = pod_reason == "Unschedulable" or of_container(pod_reason) in set(ImageError)
        if self._assumptions.on_stall == "abort" and gives_up and self._controller.abort(pod_reason, cause):
            self._rebuilding.revision_changed()
            self._controller.wake_up()

    @property
    def spec(self) -> KubeInfer:
        """The KubeInfer as last applied."""
        return self._controller.spec

    @property
    def last_progress(self) -> int:
        """When it last came nearer to its end: an instance created, ready for the first time, gone."""
        return self._stalls.last_progress

    # -- what the user does --------------------------------------------------------------------------------

    def start(self, *, running: bool) -> None:
        """Create the KubeInfer; with `running`, its instances have run for long (those the cluster has room for)."""
        self._controller.start(running=running)

    def apply(self, spec: KubeInfer, label: str) -> None:
        """The user applies another spec; the newest wins (rule 9)."""
        self._controller.apply(spec, label)
        self._rebuilding.revision_changed()
        self._controller.wake_up()

    def scale(self, replicas: int) -> None:
        """The user changes `spec.replicas` alone."""
        self.apply(replace(self.spec, replicas=replicas), f"scale to {replicas}")

    def delete(self) -> None:
        """Its instances go as if none were wanted any more (assumed: the garbage collector deletes them)."""
        self.apply(replace(self.spec, replicas=0), "deleted")

    # -- what its pods do ----------------------------------------------------------------------------------

    def pods(self) -> Iterator[Pod]:
        """All pods that exist, in the order in which they were made."""
        return iter(self._gangs.instance_of)

    def controller_of(self, pod: Pod) -> Controller:
        """The pod's instance, which has no scale subresource unless that is assumed."""
        return self._gangs.instance_of[pod] if self._has_scale else NO_SCALE

    def gang_placed(self, pods: Sequence[Pod]) -> None:
        """The pods of a gang got their nodes."""
        if self._instances.update_progressing(self._gangs.placed(pods)):
            self._stalls.turned()

    def gang_refused(self, pods: Sequence[Pod]) -> None:
        """A gang was looked at and waits: its instance is not on its way to ready."""
        self._instances.update_progressing(self._gangs.instance_of[pods[0]])
        self._stalls.check()

    def pod_ready(self, pod: Pod) -> None:
        """A pod turned ready; the instance is when all are."""
        instance = self._gangs.instance_of[pod]
        instance.ready_pods += 1
        instance.served.add(pod)
        if pod in instance.restoring:
            self._rebuilding.pod_restored(instance, pod)
        if instance.ready_pods == instance.wanted and instance.state in (
            InstanceState.STARTING,
            InstanceState.CONCERNING,
        ):
            instance.last = pod.last
            self._instances.set_ready(instance)

    def pod_unready(self, pod: Pod, reason: str) -> None:
        """A pod is not ready any more: the instance turns Concerning, which alone is no trigger of recovery."""
        instance = self._gangs.instance_of[pod]
        instance.ready_pods -= 1
        self._instances.concerning(instance, reason, pod.last)

    def pod_stuck(self, pod: Pod) -> None:
        """A pod will not become ready by itself."""
        instance = self._gangs.instance_of[pod]
        instance.failure = pod.failure
        if not instance.ready:
            instance.failed_starts += 1
        instance.reloads = False
        self._instances.update_progressing(instance)
        self._controller.wake_up()

    def container_died(self, pod: Pod, reason: str, exit_code: int) -> None:
        """A container is dead: rebuild the pod or its instance, or leave it to the kubelet."""
        if (instance := self._gangs.instance_of.get(pod)) is not None:
            first = instance.incarnation == instance.ready_incarnation and pod.ref.place not in instance.died
            # An engine that has not started within its window will hardly do so the next time.
            instance.reloads = first and (instance.was_ready or reason not in PROBE_KILLS)
            instance.died.add(pod.ref.place)
            self._instances.update_progressing(instance)
        self._recovery.container_died(pod, reason, exit_code)

    def evict(self, pod: Pod, reason: str, cause: int, grace: int | None = None) -> None:
        """Somebody else deletes the pod (a drain): that too is a trigger of recovery."""
        self._recovery.pod_deleted(pod, reason, cause, grace)

    def group(self, pod: Pod) -> Sequence[Pod]:
        """The pods whose engines compute each step together with this one's, itself included."""
        instance = self._gangs.instance_of.get(pod)
        return [pod] if instance is None else instance.group(pod)

    def ties_device_plugin(self, pod: Pod) -> bool:
        """Whether the device plugin acts for the pod: its template carries the label for it."""
        return pod.template.labels.get(RESET_LABEL) == "true"

    def engine_silent(self, pod: Pod, cause: int) -> None:
        """The pod's engine no longer answers its peers (its machine is down, it hangs), and nobody knows yet."""
        instance = self._gangs.instance_of.get(pod)
        if instance is not None:
            self._rebuilding.peers.lost(instance, pod, cause)

    def npu_fault(self, pod: Pod, fault: PlatformFault, cause: int) -> None:
        """The platform reports a fault of an NPU the pod holds that calls for its recovery policy.

        With external-force-pod-failed it leaves the pod alone, which runs on with the NPUs that are left.
        """
        if self._assumptions.fault_scheduling == "external-force":
            self._recovery.npu_fault(pod, fault, cause)

    def pod_finished(self, pod: Pod, reason: str) -> None:
        """A pod that nobody has deleted will never run again: that, too, is a trigger of recovery."""
        if not pod.terminating:
            self._recovery.pod_finished(pod, reason)

    def pod_gone(self, pod: Pod) -> None:
        """A pod's object is gone."""
        instance = self._gangs.instance_of.pop(pod)
        del instance.pods[pod]
        instance.served.discard(pod)
        self._recovery.pod_gone(instance, pod)
        self._rebuilding.pod_gone(instance, pod)

"""A Pod that no controller makes: it is placed and run like any other, and nobody replaces it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kubeinfer_sim.cluster.cluster import Cluster
from kubeinfer_sim.cluster.pod import PlatformFault, Pod, PodState
from kubeinfer_sim.cluster.records import InstanceRef, PodReady, PodRef, RequestRefused
from kubeinfer_sim.cluster.scheduler.pod_gang import PodGang
from kubeinfer_sim.cluster.start_barrier import StartBarrier
from kubeinfer_sim.controllers.pod.records import BarePodApplied, BarePodEvicted
from kubeinfer_sim.engine.clock import Phase
from kubeinfer_sim.engine.history import NO_CAUSE
from kubeinfer_sim.manifest.model import KUBE_SCHEDULER, BarePod
from kubeinfer_sim.scenario.timings.model import Timings


class BarePodWorkload:
    """One Pod object.

    Attributes:
        spec: the Pod as last applied.
        ordinal: counts those of its name.
        last_progress: when something became of it last; that it is ready once more is none.
    """

    def __init__(self, cluster: Cluster, spec: BarePod, timings: Timings, *, preemption: bool) -> None:
        """Make the workload of a Pod; `preemption`: whether other schedulers than kube-scheduler preempt."""
        self._preempts = preemption or spec.template.scheduler_name == KUBE_SCHEDULER
        self._clock = cluster.env.clock
        self._history = cluster.env.history
        self._api = cluster.env.api
        self._scheduling = cluster.scheduling
        self.spec = spec
        self.namespace = spec.namespace
        self._timings = timings.of(spec.name)
        self.ordinal = 0
        self._gang: PodGang | None = None
        self._was_ready = False
        self.last_progress = 0

    def start(self, *, running: bool) -> None:
        """Create the Pod; with `running` it has run for long, if the cluster has room for it."""
        spec = self.spec
        template = self._api.admission.admit(spec.template, spec.namespace)
        if refusal := self._api.admission.refusal(spec.namespace, [(spec.name, template)]):
            what = f"Pod/{spec.name}"
            self._history.append(RequestRefused(self._clock.now, NO_CAUSE, "creation", what, refusal.message))
            return
        ref = InstanceRef(self._api.new_uid(), spec.name, self.ordinal, spec.kind)
        pod = Pod(
            self,
            PodRef(ref, spec.name, 0, 0),
            template,
            self._timings,
            spec.revision,
            spec.weights_key,
            StartBarrier(1),
        )
        label = "running" if running else "created"
        applied = BarePodApplied(self._clock.now, NO_CAUSE, pod.ref, ("created",), label)
        self._api.create(pod, self._history.append(applied))
        self._gang = gang = PodGang(ref, (pod,), pod.last, self._preempts)
        if running and self._scheduling.adopt(gang):
            pod.last = self._history.append(PodReady(self._clock.now, pod.last, pod.ref))
        else:
            self._scheduling.submit(gang)
            self._clock.after(0, self._explain, phase=Phase.OBSERVER)
        self.last_progress = self._clock.now

    def _explain(self) -> None:
        """Record why it has found no place when it was looked at first, node by node."""
        gang = self._gang
        if gang is not None and self._scheduling.waits(gang) and not self._scheduling.is_untried(gang):
            self._scheduling.diagnose(gang, gang.pods[0].last)

    def apply(self, spec: BarePod, label: str) -> None:
        """The user changes its metadata; a Pod that is being deleted gets no new finalizers."""
        before, now = self.spec.template.finalizers, spec.template.finalizers
        self.spec = spec
        dropped = [each for each in before if each not in now]
        for pod in self.pods():
            added = tuple(each for each in now if each not in (*before, *pod.finalizers))
            if added and pod.state is not PodState.DELETING:
                pod.finalizers = (*pod.finalizers, *added)
            self._api.remove_finalizers(pod, dropped, NO_CAUSE)

    def scale(self, replicas: int) -> None:
        """A Pod is one."""

    def delete(self) -> None:
        """`kubectl delete pod`."""
        if self._gang is not None:
            self._api.evict(self._gang.pods[0], "Deleted", NO_CAUSE)

    def pods(self) -> Iterator[Pod]:
        """Itself, while it exists."""
        return iter(() if self._gang is None else self._gang.pods)

    def controller_of(self, pod: Pod) -> None:
        """Nothing controls it."""

    def gang_placed(self, pods: Sequence[Pod]) -> None:
        """It got its node."""
        self.last_progress = self._clock.now

    def gang_refused(self, pods: Sequence[Pod]) -> None:
        """It found none."""
        self._explain()

    def pod_ready(self, pod: Pod) -> None:
        """Its Ready condition turned true."""
        if not self._was_ready:
            self._was_ready = True
            self.last_progress = self._clock.now

    def pod_unready(self, pod: Pod, reason: str) -> None:
        """It turned false."""

    def pod_stuck(self, pod: Pod) -> None:
        """It will not become ready by itself."""

    def container_died(self, pod: Pod, reason: str, exit_code: int) -> None:
        """A container is dead: its restart policy decides."""

    def evict(self, pod: Pod, reason: str, cause: int, grace: int | None = None) -> None:
        """Somebody deletes it."""
        if pod.state in (PodState.DELETING, PodState.GONE) or self._gang is None:
            return
        self._scheduling.withdraw(self._gang)
        number = self._history.append(BarePodEvicted(self._clock.now, cause, pod.ref, reason))
        self._api.delete(pod, reason, number, grace=grace)

    def group(self, pod: Pod) -> Sequence[Pod]:
        """It computes for itself."""
        return [pod]

    def ties_device_plugin(self, pod: Pod) -> bool:
        """Whether the device plugin acts for it: it does not."""
        return False

    def engine_silent(self, pod: Pod, cause: int) -> None:
        """Its engine answers nobody: nobody asks it."""

    def npu_fault(self, pod: Pod, fault: PlatformFault, cause: int) -> None:
        """The platform tells of a fault: nobody listens."""

    def pod_finished(self, pod: Pod, reason: str) -> None:
        """Nobody makes another one."""
        self.last_progress = self._clock.now

    def pod_gone(self, pod: Pod) -> None:
        """Its object is gone."""
        self._gang = None
        self.last_progress = self._clock.now

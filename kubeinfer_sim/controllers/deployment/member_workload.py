"""A StatefulSet or a DaemonSet in the simulated cluster: its pods, its controller, and the status it writes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any, Protocol

from msgspec.structs import replace

from kubeinfer_sim.cluster.cluster import Cluster
from kubeinfer_sim.cluster.pod import PlatformFault, Pod
from kubeinfer_sim.controllers.deployment.controller_revisions import ControllerRevisions
from kubeinfer_sim.controllers.deployment.members import Member, Members
from kubeinfer_sim.controllers.deployment.progress import Counts
from kubeinfer_sim.controllers.deployment.replica_set import FAILED_CREATE
from kubeinfer_sim.controllers.deployment.requeue import Requeue
from kubeinfer_sim.controllers.deployment.status_writer import StatusWriter, camel_case, changed_fields
from kubeinfer_sim.engine.clock import Phase, Timer
from kubeinfer_sim.engine.history import NO_CAUSE
from kubeinfer_sim.manifest.model import DaemonSet, StatefulSet
from kubeinfer_sim.scenario.timings.model import Timings


class Control(Protocol):
    """What decides which pods there are to be."""

    #: As the API server names what it controls.
    resource: str

    @property
    def replicas(self) -> int | None:
        """How many pods its scale subresource asks for; None: it has none."""
        ...

    @property
    def desired(self) -> int:
        """How many pods there should be now."""
        ...

    @property
    def max_unavailable(self) -> int:
        """How many of them an update may take down at once."""
        ...

    @property
    def max_surge(self) -> int:
        """How many it may add."""
        ...

    @property
    def revisions_in_use(self) -> Collection[str]:
        """Those whose templates it needs, beside what pods have."""
        ...

    def take(self, spec: Any) -> None:
        """The user has applied another spec."""

    def start(self, cause: int, *, running: bool) -> None:
        """The object is created; with `running` its pods have run for long, as far as there is room for them."""

    def sync(self, cause: int) -> None:
        """Create and delete pods as the spec asks; `cause` is the record that made it look."""

    def member_gone(self, member: Member) -> None:
        """A pod's object is gone."""

    def member_changed(self, member: Member) -> None:
        """Something else became of a pod."""

    def node_changed(self, name: str) -> None:
        """A node has come, gone, or is not what it was."""

    def status(self) -> tuple[Counts, bool]:
        """The counts of its pods, and whether all that is asked for is in place and available."""
        ...


class MemberWorkload:
    """One of them.

    Attributes:
        spec: the object as last applied.
    """

    def __init__(
        self,
        cluster: Cluster,
        spec: StatefulSet | DaemonSet,
        timings: Timings,
        control: Callable[[Cluster, Members, Any, Callable[[], None]], Control],
        *,
        preemption: bool,
    ) -> None:
        """Make it with its control; `preemption`: whether other schedulers than kube-scheduler preempt."""
        self._clock = cluster.env.clock
        self.namespace = spec.namespace
        self._members = Members(cluster, self, spec, timings, preemption=preemption)
        self._control = control(cluster, self._members, spec, self._wake_up)
        self.spec = spec
        self._revisions = ControllerRevisions(spec)
        self._status = StatusWriter(cluster.env.clock, cluster.env.history)
        self._cause = NO_CAUSE
        self._deleted = False
        self._run_timer: Timer | None = None
        self._retry = Requeue(self._clock, self._wake_up)

    @property
    def last_progress(self) -> int:
        """When its spec last changed, or its status last got better than it had been since (ms)."""
        return self._status.last_progress

    def controller_of(self, pod: Pod) -> Control:
        """What controls the pod."""
        return self._control

    # -- what the user does --------------------------------------------------------------------------------

    def start(self, *, running: bool) -> None:
        """Create it; with `running`, it has run for long, as far as the cluster has room for it."""
        self._note_applied(("created",), "running" if running else "created")
        self._control.start(self._cause, running=running)
        self._wake_up()

    def apply(self, spec: Any, label: str) -> None:
        """The user applies another spec."""
        before, self.spec = self.spec, spec
        self._revisions.take(spec)
        changed = changed_fields(before, spec, settings=_settings(before, spec))
        self._control.take(spec)
        if before.min_ready_seconds != spec.min_ready_seconds:
            for member in self._members:
                self._await_available(member)
        self._note_applied(changed, label)
        self._wake_up()

    def undo(self) -> str:
        """`kubectl rollout undo`; why it is refused, or ""."""
        spec = self.spec
        live = {*self._control.revisions_in_use, *(each.revision for each in self._members)}
        before = self._revisions.before(live, spec.revision_history_limit)
        if before is None:
            return "error: no last revision to roll back to"
        raw = {**spec.raw, "spec": {**spec.raw["spec"], "template": before.raw["spec"]["template"]}}
        self.apply(replace(spec, template=before.template, raw=raw), "rollback")
        return ""

    def scale(self, replicas: int) -> None:
        """The user changes `spec.replicas` alone."""
        assert isinstance(self.spec, StatefulSet)
        self.apply(replace(self.spec, replicas=replicas), f"scale to {replicas}")

    def delete(self) -> None:
        """The user deletes it, in the background: the garbage collector deletes its pods."""
        self._deleted = True
        self._note_applied(("deleted",), "deleted")
        self._members.collect(self._cause)

    def _note_applied(self, changed: tuple[str, ...], label: str) -> None:
        control = self._control
        self._cause = self._status.applied(
            self.spec,
            changed,
            label,
            desired=0 if self._deleted else control.desired,
            surge=control.max_surge,
            unavailable=control.max_unavailable,
        )

    # -- its controller ------------------------------------------------------------------------------------

    def _wake_up(self) -> None:
        if not self._deleted and (self._run_timer is None or not self._run_timer.pending):
            self._run_timer = self._clock.after(0, self._run, phase=Phase.CONTROLLER)

    def _run(self) -> None:
        if self._deleted:
            return
        self._members.begin_sync()
        self._control.sync(self._cause)
        if self._members.refused:
            self._retry.rate_limited()
        else:
            self._retry.forget()
        self._settled()
        if self._members.to_explain:
            self._clock.after(0, self._members.diagnose, phase=Phase.OBSERVER)

    def _settled(self) -> None:
        """Write down the status if it changed in this instant."""
        counts, complete = self._control.status()
        failure = FAILED_CREATE if self._members.refused else ""
        self._status.settled(self.spec, counts, self._cause, complete=complete, failure=failure)

    def node_changed(self, name: str) -> None:
        """A node has come, gone, or is not what it was."""
        self._control.node_changed(name)
        self._wake_up()

    # -- what its pods do ----------------------------------------------------------------------------------

    def pods(self) -> Iterator[Pod]:
        """All pods that exist, in the order in which they were made."""
        return self._members.pods

    def gang_placed(self, pods: Sequence[Pod]) -> None:
        """A pod got its node."""
        for pod in pods:
            self._members.placed(pod)

    def gang_refused(self, pods: Sequence[Pod]) -> None:
        """It did not."""
        if self._members.to_explain:
            self._clock.after(0, self._members.diagnose, phase=Phase.OBSERVER)

    def pod_ready(self, pod: Pod) -> None:
        """The pod's Ready condition turned true."""
        self._members.ready(pod)
        self._changed(pod)
        self._await_available(self._members.of(pod))

    def _await_available(self, member: Member) -> None:
        """Look again when a pod will have been ready for minReadySeconds."""
        now = self._clock.now
        if member.ready_since is not None:
            due = member.ready_since + 1000 * self.spec.min_ready_seconds
            if due > now:
                self._clock.at(due, self._may_be_available, member, phase=Phase.CONTROLLER)

    def _may_be_available(self, member: Member) -> None:
        if member in self._members:
            self._control.member_changed(member)
            self._wake_up()

    def pod_unready(self, pod: Pod, reason: str) -> None:
        """It turned false."""
        self._members.unready(pod)
        self._changed(pod)

    def _changed(self, pod: Pod) -> None:
        self._control.member_changed(self._members.of(pod))
        self._wake_up()

    def pod_stuck(self, pod: Pod) -> None:
        """The pod will not become ready by itself; its controller waits for it all the same."""

    def container_died(self, pod: Pod, reason: str, exit_code: int) -> None:
        """A container is dead: the kubelet starts it again."""

    def evict(self, pod: Pod, reason: str, cause: int, grace: int | None = None) -> None:
        """Somebody else deletes the pod: another one is made when it is out of the way."""
        number = self._members.evict(pod, reason, cause, grace)
        if number is not None:
            self._cause = number
            self._changed(pod)

    def group(self, pod: Pod) -> Sequence[Pod]:
        """Its pods compute each for itself."""
        return [pod]

    def ties_device_plugin(self, pod: Pod) -> bool:
        """Whether the device plugin acts for the pod: it does not."""
        return False

    def engine_silent(self, pod: Pod, cause: int) -> None:
        """The pod's engine answers nobody: its pods do without each other."""

    def npu_fault(self, pod: Pod, fault: PlatformFault, cause: int) -> None:
        """The platform tells of a fault: nobody listens."""

    def pod_finished(self, pod: Pod, reason: str) -> None:
        """Its phase is final, terminating or not."""
        self._members.of(pod).failed = True
        self._cause = pod.last
        self._changed(pod)

    def pod_gone(self, pod: Pod) -> None:
        """The pod's object is gone."""
        self._cause = pod.last
        self._control.member_gone(self._members.gone(pod))
        self._wake_up()


#: What of a spec is not among its settings.
_OTHERWISE = {"name", "namespace", "template", "replicas", "labels", "annotations", "raw", "source"}


def _settings(before: StatefulSet | DaemonSet, after: StatefulSet | DaemonSet) -> list[str]:
    """The fields that differ, as a manifest names them."""
    fields = (name for name in after.__struct_fields__ if name not in _OTHERWISE)
    return [camel_case(name) for name in fields if getattr(before, name) != getattr(after, name)]

"""The KubeInfer controller: keeps the wanted number of instances of the wanted revision.

Creation, scaling, InstanceRollingUpdate (the numbers in brackets are the rules of section 2 of the semantics
page) and recovery. Every decision is made once per instant, after everything that happened in it, on one
view of the state; its cost follows what changed, not the number of instances.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import replace
from heapq import heapify, heappop, heappush

from kubeinfer_sim.cluster.gang_scheduling import GangScheduling, PodGang
from kubeinfer_sim.cluster.kubelet import Kubelet
from kubeinfer_sim.cluster.pod import Pod, npu_count
from kubeinfer_sim.cluster.records import InstanceRef, PodCreated, PodRef
from kubeinfer_sim.cluster.start_barrier import StartBarrier
from kubeinfer_sim.controllers.budget import resolve
from kubeinfer_sim.controllers.instance import Instance, InstanceState
from kubeinfer_sim.controllers.records import (
    InstanceConcerning,
    InstanceCreated,
    InstanceDeleting,
    InstanceFailed,
    InstanceGone,
    InstanceReady,
    InstanceRestarting,
    PodRebuilding,
    ProgressDeadlineExceeded,
    RestartBackOff,
    SpecApplied,
    Stalled,
    StallEnded,
    UpdateCompleted,
)
from kubeinfer_sim.controllers.recovery import RestartHistory, scope
from kubeinfer_sim.engine.clock import Clock, Phase, Timer
from kubeinfer_sim.engine.history import NO_CAUSE, History
from kubeinfer_sim.manifest.model import KubeInfer, Role
from kubeinfer_sim.scenario.model import Assumptions, Timings


class KubeInferController:
    """The controller of one KubeInfer.

    Attributes:
        spec: the KubeInfer as last applied.
        last_progress: when it last came nearer to its end: an instance created, ready for the first time, gone.
    """

    def __init__(
        self,
        clock: Clock,
        history: History,
        scheduling: GangScheduling,
        kubelet: Kubelet,
        spec: KubeInfer,
        timings: Timings,
        assumptions: Assumptions,
    ) -> None:
        self._clock = clock
        self._history = history
        self._scheduling = scheduling
        self._kubelet = kubelet
        self._timings = timings
        self._assumptions = assumptions
        self.spec = spec
        self._budget = resolve(spec.rolling_update, spec.replicas)
        self._generation = 0
        self._applied = NO_CAUSE
        self._complete = False
        self._stall: tuple[object, ...] | None = None
        self.last_progress = 0
        # Instances by ordinal, terminating ones included, and what is counted about them.
        self.instances: dict[int, Instance] = {}
        self._owner: dict[Pod, Instance] = {}
        self._terminating = 0
        self._old = 0  # of another revision than the spec's, terminating ones included
        self._new_active = 0  # of the spec's revision, not terminating
        self._ready = 0
        self._hopeful = 0  # not ready, but on their way there
        self._in_grace = 0  # not ready, and not yet for as long as rule 4 waits
        # Victims, looked at again when they are taken: an entry may have become stale.
        self._ready_old: list[int] = []  # heap of negative ordinals
        self._overdue_old: dict[Instance, None] = {}
        self._free_ordinals: list[int] = []
        self._next_ordinal = 0
        self._next_uid = 0
        self._generations: dict[int, int] = {}
        self._wake: Timer | None = None
        self._check: Timer | None = None
        self._deadline: Timer | None = None

    # -- what the user does --------------------------------------------------------------------------------

    def start(self, *, running: bool) -> None:
        """Create the KubeInfer; with `running`, its instances have run for long (those the cluster has room for)."""
        self._record_spec(("created",), "running" if running else "created")
        if running:
            for _ in range(self.spec.replicas):
                self._create(running=True)
        self._wake_up()

    def apply(self, spec: KubeInfer, label: str = "") -> None:
        """The user applies another spec; the newest wins (rule 9)."""
        before = self.spec
        changed = []
        if spec.revision != before.revision:
            changed.append("template")
        if spec.replicas != before.replicas:
            changed.append("replicas")
        if spec.rolling_update != before.rolling_update:
            changed.append("strategy")
        if not changed:
            changed.append("metadata" if spec.raw != before.raw else "nothing")
        self.spec = spec
        self._budget = resolve(spec.rolling_update, spec.replicas)  # from the new R, also mid-way (rule 10)
        self._record_spec(tuple(changed), label)
        if "template" in changed:
            self._sort_by_revision()
        self._wake_up()

    def scale(self, replicas: int) -> None:
        """The user changes `spec.replicas` alone."""
        self.apply(replace(self.spec, replicas=replicas), f"scale to {replicas}")

    def _record_spec(self, changed: tuple[str, ...], label: str) -> None:
        self._generation += 1
        self._complete = False
        self._stall = None
        budget = self._budget
        self._applied = self._history.append(
            SpecApplied(
                self._clock.now,
                NO_CAUSE,
                self._generation,
                self.spec.revision,
                budget.replicas,
                budget.surge,
                budget.unavailable,
                changed,
                label,
                budget.warnings,
            )
        )
        self._progress()

    def _sort_by_revision(self) -> None:
        """The template changed: count old and new again. The one place that looks at every instance."""
        revision = self.spec.revision
        self._old = self._new_active = 0
        self._ready_old = []
        self._overdue_old = {}
        for ordinal in sorted(self.instances, reverse=True):
            instance = self.instances[ordinal]
            if instance.revision == revision:
                self._new_active += not instance.terminating
                continue
            self._old += 1
            if instance.ready:
                self._ready_old.append(-ordinal)
            elif instance.overdue and not instance.terminating:
                self._overdue_old[instance] = None
        heapify(self._ready_old)

    # -- decisions -----------------------------------------------------------------------------------------

    def _wake_up(self) -> None:
        """Decide once this instant's events are all in."""
        if self._wake is None:
            self._wake = self._clock.after(0, self._reconcile, phase=Phase.CONTROLLER)

    def _reconcile(self) -> None:
        self._wake = None
        while self._decide():
            pass
        budget = self._budget
        if (
            not self._complete
            and self._old == 0
            and len(self.instances) == self._ready == self._new_active == budget.replicas
        ):
            self._complete = True  # rule 12
            self._history.append(
                UpdateCompleted(
                    self._clock.now, self._applied, self._generation, self.spec.revision, budget.replicas
                )
            )
            self._set_deadline()
        if not self._complete and self._check is None:
            self._check = self._clock.after(0, self._check_stall, phase=Phase.OBSERVER)

    def _decide(self) -> bool:
        """One pass: creates and deletes from one view of the state (rule 6); False when there is nothing to do."""
        budget = self._budget
        ceiling = budget.ceiling if self._old else budget.replicas  # rule 2
        live = len(self.instances)
        active = live - self._terminating
        if self._assumptions.replacement == "TerminationStarted":
            live = active
        creates = max(0, min(ceiling - live, budget.replicas - self._new_active))  # rule 3
        victims: list[tuple[Instance, str]] = []
        if active > ceiling:
            victims += [(instance, "ScaleIn") for instance in self._scale_in_victims(active - ceiling)]
        if self._old:
            taken = {instance for instance, _ in victims}
            victims += [(instance, "NotReady") for instance in self._overdue_victims(taken)]
            ready = self._ready - sum(instance.ready for instance in taken)
            victims += [
                (instance, "Rollout")
                for instance in self._budget_victims(ready - budget.min_available, taken)
            ]
        for _ in range(creates):
            self._create()
        for instance, reason in victims:
            self._delete(instance, reason)
        return bool(creates or victims)

    def _scale_in_victims(self, count: int) -> list[Instance]:
        """Concerning first, then old revision, then highest ordinal (rule 10)."""
        revision = self.spec.revision
        candidates = [instance for instance in self.instances.values() if not instance.terminating]
        candidates.sort(
            key=lambda instance: (
                instance.state is not InstanceState.CONCERNING,
                instance.revision == revision,
                -instance.ref.ordinal,
            )
        )
        return candidates[:count]

    def _overdue_victims(self, taken: set[Instance]) -> list[Instance]:
        """Old instances that were never ready, or have not been for long: free of budget (rule 4)."""
        return sorted(
            (instance for instance in self._overdue_old if instance not in taken),
            key=lambda instance: -instance.ref.ordinal,
        )

    def _budget_victims(self, count: int, taken: set[Instance]) -> list[Instance]:
        """Old instances whose going leaves enough ready ones: not ready first, then highest ordinal (rule 5)."""
        if count <= 0:
            return []
        victims: list[Instance] = []
        if self._in_grace:
            revision = self.spec.revision
            victims = sorted(
                (
                    instance
                    for instance in self.instances.values()
                    if instance.grace_timer is not None
                    and instance.revision != revision
                    and not instance.terminating
                    and instance not in taken
                ),
                key=lambda instance: -instance.ref.ordinal,
            )[:count]
        while len(victims) < count and self._ready_old:
            instance = self.instances.get(-heappop(self._ready_old))
            if (
                instance is not None
                and instance.ready
                and instance.revision != self.spec.revision
                and instance not in taken
                and instance not in victims
            ):
                victims.append(instance)
        return victims

    # -- instances -----------------------------------------------------------------------------------------

    def _create(self, *, running: bool = False) -> None:
        now = self._clock.now
        ordinal = heappop(self._free_ordinals) if self._free_ordinals else self._next_ordinal
        self._next_ordinal = max(self._next_ordinal, ordinal + 1)
        ref = InstanceRef(self._next_uid, self.spec.name, ordinal)
        self._next_uid += 1
        instance = Instance(ref, self.spec)
        instance.unready_since = now
        self.instances[ordinal] = instance
        self._new_active += 1
        self._progress()
        instance.last = self._history.append(
            InstanceCreated(now, self._applied, ref, instance.revision, instance.wanted, running)
        )
        self._make_gang(instance, adopt=running)

    def _make_gang(
        self, instance: Instance, *, adopt: bool = False, prefer: dict[tuple[str, int], str] | None = None
    ) -> None:
        """Create all pods of an instance and have them placed together."""
        instance.ready_pods = 0
        ordinal = instance.ref.ordinal
        generation = self._generations[ordinal] = self._generations.get(ordinal, -1) + 1
        barriers = self._barriers(instance)
        pods = [
            self._new_pod(instance, role, replica, generation, barriers[role.name])
            for role in instance.spec.roles
            for replica in range(role.replicas)
        ]
        if not pods:
            self._set_ready(instance)
            return
        wanted_nodes: dict[Hashable, str] = {}
        if prefer:
            wanted_nodes = {
                pod: prefer[place] for pod in pods if (place := (pod.ref.role, pod.ref.replica)) in prefer
            }
        gang = PodGang(instance.ref, pods, instance.last, instance.spec.namespace, wanted_nodes)
        instance.gang = gang
        if adopt and self._scheduling.adopt(gang):
            instance.ready_pods = instance.wanted
            self._set_ready(instance)
        else:
            self._scheduling.submit(gang)

    def _barriers(self, instance: Instance) -> dict[str, StartBarrier]:
        """The start barrier each role's pods stand at."""
        roles = instance.spec.roles
        kind = self._assumptions.start_barrier
        if kind == "instance":
            return dict.fromkeys((role.name for role in roles), StartBarrier(instance.wanted))
        return {role.name: StartBarrier(role.replicas if kind == "role" else 1) for role in roles}

    def _new_pod(
        self, instance: Instance, role: Role, replica: int, generation: int, barrier: StartBarrier
    ) -> Pod:
        template = role.template
        pod = Pod(
            PodRef(instance.ref, role.name, replica, generation),
            template,
            self._timings.of(role.name),
            instance.revision,
            instance.spec.weights_key,
            barrier,
            npu_count(template.requests),
        )
        instance.pods[pod] = None
        self._owner[pod] = instance
        pod.last = self._history.append(PodCreated(self._clock.now, instance.last, pod.ref))
        return pod

    def _delete(self, instance: Instance, reason: str) -> None:
        """Delete an instance for good: all its pods at once."""
        current = instance.revision == self.spec.revision
        if instance.ready:
            self._ready -= 1
        self._new_active -= current
        self._terminating += 1
        self._overdue_old.pop(instance, None)
        self._end_grace(instance)
        if instance.restart_timer is not None:
            instance.restart_timer.cancel()
            instance.restart_timer = None
        instance.state = InstanceState.TERMINATING
        self._weigh(instance)
        instance.last = self._history.append(
            InstanceDeleting(self._clock.now, self._applied, instance.ref, reason)
        )
        self._delete_pods(instance, reason)
        if not instance.pods:
            self._gone(instance)

    def _delete_pods(self, instance: Instance, reason: str) -> None:
        if instance.gang is not None:
            self._scheduling.withdraw(instance.gang)
        for pod in list(instance.pods):
            self._kubelet.delete(pod, reason, instance.last)

    def _gone(self, instance: Instance) -> None:
        ordinal = instance.ref.ordinal
        del self.instances[ordinal]
        heappush(self._free_ordinals, ordinal)
        self._terminating -= 1
        self._old -= instance.revision != self.spec.revision
        instance.last = self._history.append(InstanceGone(self._clock.now, instance.last, instance.ref))
        self._progress()
        self._wake_up()

    def _set_ready(self, instance: Instance) -> None:
        now = self._clock.now
        if not instance.was_ready:
            self._progress()
        instance.state = InstanceState.READY
        instance.was_ready = True
        instance.overdue = False
        instance.failure = ""
        instance.failed_starts = 0
        self._ready += 1
        self._end_grace(instance)
        self._overdue_old.pop(instance, None)
        if instance.revision != self.spec.revision:
            heappush(self._ready_old, -instance.ref.ordinal)
        self._weigh(instance)
        instance.last = self._history.append(InstanceReady(now, instance.last, instance.ref))
        self._wake_up()

    def _leave_ready(self, instance: Instance, state: InstanceState) -> None:
        """The instance is not ready any more; the window of rule 4 begins."""
        if instance.ready:
            self._ready -= 1
            instance.unready_since = self._clock.now
            grace = self._assumptions.unready_grace
            instance.grace_timer = self._clock.after(grace, self._grace_over, instance)
            self._in_grace += 1
        instance.state = state
        self._weigh(instance)
        self._wake_up()

    def _grace_over(self, instance: Instance) -> None:
        instance.grace_timer = None
        self._in_grace -= 1
        instance.overdue = True
        if instance.revision != self.spec.revision:
            self._overdue_old[instance] = None
        self._wake_up()

    def _end_grace(self, instance: Instance) -> None:
        if instance.grace_timer is not None:
            instance.grace_timer.cancel()
            instance.grace_timer = None
            self._in_grace -= 1

    def pods(self) -> Iterator[Pod]:
        """All pods that exist, in the order in which they were made."""
        return iter(self._owner)

    # -- what the pods do (PodListener) --------------------------------------------------------------------

    def pod_ready(self, pod: Pod) -> None:
        """A pod turned ready; the instance is when all are."""
        instance = self._owner[pod]
        instance.ready_pods += 1
        if instance.ready_pods == instance.wanted and instance.state in (
            InstanceState.STARTING,
            InstanceState.CONCERNING,
        ):
            instance.last = pod.last
            self._set_ready(instance)

    def pod_unready(self, pod: Pod, reason: str) -> None:
        """A pod is not ready any more: the instance turns Concerning, which alone is no trigger of recovery."""
        instance = self._owner[pod]
        instance.ready_pods -= 1
        if instance.ready:
            self._concerning(instance, reason, pod.last)

    def _concerning(self, instance: Instance, reason: str, cause: int) -> None:
        self._leave_ready(instance, InstanceState.CONCERNING)
        instance.failure = reason
        instance.last = self._history.append(InstanceConcerning(self._clock.now, cause, instance.ref, reason))

    def pod_stuck(self, pod: Pod) -> None:
        """A pod will not become ready by itself."""
        instance = self._owner[pod]
        instance.failure = pod.failure
        if not instance.ready:
            instance.failed_starts += 1
        self._weigh(instance)
        self._wake_up()

    def container_died(self, pod: Pod, reason: str) -> bool:
        """A container is dead: rebuild the pod or its instance (True), or leave it to the kubelet."""
        return self._recover(pod, reason, pod.last)

    def evict(self, pod: Pod, reason: str, cause: int) -> None:
        """Somebody else deletes the pod (a drain): that too is a trigger of recovery."""
        if not self._recover(pod, reason, cause):
            self._rebuild_pod(pod, reason, cause)

    def pod_gone(self, pod: Pod) -> None:
        """A pod's object is gone: the instance is gone, or its new gang or pod can be made."""
        instance = self._owner.pop(pod)
        del instance.pods[pod]
        if instance.state is InstanceState.TERMINATING:
            instance.last = pod.last
            if not instance.pods:
                self._gone(instance)
        elif instance.state is InstanceState.RESTARTING:
            instance.last = pod.last
            if not instance.pods:
                self._back_off(instance)
        elif instance.state is not InstanceState.FAILED:
            self._replace_pod(instance, pod)

    # -- recovery ------------------------------------------------------------------------------------------

    def _recover(self, pod: Pod, reason: str, cause: int) -> bool:
        instance = self._owner[pod]
        if instance.state in (InstanceState.TERMINATING, InstanceState.RESTARTING, InstanceState.FAILED):
            return True
        rolling = instance.revision != self.spec.revision
        what = scope(instance, pod, self._assumptions, rolling=rolling)
        if what == "Instance":
            self._restart(instance, reason, cause)
        elif what == "Pod":
            self._rebuild_pod(pod, reason, cause)
        return bool(what)

    def _restart(self, instance: Instance, reason: str, cause: int) -> None:
        """Delete all pods of the instance; when they are gone and the back-off is over, make a new gang."""
        if instance.recovery is None:
            instance.recovery = RestartHistory()
        wait = instance.recovery.restart(self._clock.now, self._assumptions)
        failed = wait is None
        self._leave_ready(instance, InstanceState.FAILED if failed else InstanceState.RESTARTING)
        instance.failure = reason
        instance.wait = wait or 0
        if failed:
            record = InstanceFailed(self._clock.now, cause, instance.ref, reason)
            instance.last = self._history.append(record)
        else:
            instance.incarnation += 1
            instance.last = self._history.append(
                InstanceRestarting(self._clock.now, cause, instance.ref, instance.incarnation, reason)
            )
        instance.keep = {
            (pod.ref.role, pod.ref.replica): pod.node.name for pod in instance.pods if pod.node is not None
        }
        self._delete_pods(instance, reason)

    def _back_off(self, instance: Instance) -> None:
        """The last pod of the old gang is gone: wait, then start the next one."""
        until = self._clock.now + instance.wait
        if instance.wait:
            instance.last = self._history.append(
                RestartBackOff(self._clock.now, instance.last, instance.ref, until)
            )
        instance.restart_timer = self._clock.at(until, self._start_again, instance)

    def _start_again(self, instance: Instance) -> None:
        instance.restart_timer = None
        instance.state = InstanceState.STARTING
        self._make_gang(instance, prefer=instance.keep if self._assumptions.keep_nodes else None)
        self._weigh(instance)

    def _rebuild_pod(self, pod: Pod, reason: str, cause: int) -> None:
        instance = self._owner[pod]
        record = PodRebuilding(self._clock.now, cause, instance.ref, pod.ref.name, reason)
        number = self._history.append(record)
        if pod.ready:
            pod.last = number
            instance.ready_pods -= 1
            if instance.ready:
                self._concerning(instance, reason, number)
        self._kubelet.delete(pod, reason, number)

    def _replace_pod(self, instance: Instance, gone: Pod) -> None:
        role = next(role for role in instance.spec.roles if role.name == gone.ref.role)
        ordinal = instance.ref.ordinal
        generation = self._generations[ordinal] = self._generations[ordinal] + 1
        instance.last = gone.last
        pod = self._new_pod(instance, role, gone.ref.replica, generation, gone.barrier)
        prefer: dict[Hashable, str] = {}
        if self._assumptions.keep_nodes and gone.node is not None:
            prefer[pod] = gone.node.name
        instance.gang = PodGang(instance.ref, (pod,), pod.last, instance.spec.namespace, prefer)
        self._scheduling.submit(instance.gang)

    # -- whether it goes on --------------------------------------------------------------------------------

    def gang_placed(self, gang: PodGang) -> None:
        """A gang got its nodes."""
        instance = self.instances.get(gang.instance.ordinal)
        if instance is not None and instance.gang is gang:
            self._weigh(instance)

    def _weigh(self, instance: Instance) -> None:
        """Keep count of the instances that are on their way to ready."""
        hopeful = (
            instance.state in (InstanceState.STARTING, InstanceState.CONCERNING, InstanceState.RESTARTING)
            and instance.failed_starts == 0
            and not (instance.gang is not None and self._scheduling.waits(instance.gang))
        )
        self._hopeful += hopeful - instance.hopeful
        instance.hopeful = hopeful

    def _check_stall(self) -> None:
        """Nothing terminates, nothing is on its way, no window runs out: it will not go on by itself (rules 7, 8)."""
        self._check = None
        if self._complete:
            return
        if self._terminating or self._hopeful or self._in_grace:
            if self._stall is not None:
                self._stall = None
                self._history.append(StallEnded(self._clock.now, self._applied, self._generation))
            return
        revision = self.spec.revision
        stuck = [i for i in self.instances.values() if not i.ready and not i.terminating]
        new = [i for i in stuck if i.revision == revision] or stuck
        waiting = [i for i in new if i.gang is not None and self._scheduling.waits(i.gang)]
        failing = [i for i in new if i not in waiting and i.failed_starts]
        if failing:
            reason, pod_reason, which = "NewRevisionNotReady", failing[0].failure, failing
        elif waiting:
            reason, pod_reason, which = "Unschedulable", "Unschedulable", waiting
        elif new:
            reason, pod_reason, which = "NewRevisionNotReady", new[0].failure or "NotReady", new
        else:
            return
        key = (reason, pod_reason, tuple(i.ref.uid for i in which))
        if key == self._stall:
            return
        self._stall = key
        details = []
        for instance in waiting[:1]:
            assert instance.gang is not None
            details.append(self._scheduling.diagnose(instance.gang, instance.last).proof)
        if failing:
            details.insert(0, f"{failing[0].ref.name}: {failing[0].failure}")
        self._history.append(
            Stalled(
                self._clock.now,
                which[0].last,
                self._generation,
                reason,
                pod_reason,
                tuple(i.ref for i in which),
                "; ".join(details),
            )
        )

    def _progress(self) -> None:
        self.last_progress = self._clock.now
        self._set_deadline()

    def _set_deadline(self) -> None:
        """The scenario's progressDeadline only reports; it counts from the last progress of an open update."""
        if self._assumptions.progress_deadline is None:
            return
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
        if not self._complete:
            self._deadline = self._clock.after(
                self._assumptions.progress_deadline, self._deadline_exceeded, phase=Phase.OBSERVER
            )

    def _deadline_exceeded(self) -> None:
        self._deadline = None
        self._history.append(ProgressDeadlineExceeded(self._clock.now, self._applied, self._generation))

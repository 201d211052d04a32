"""Recovery: which failures call for something, and what is done about them.

Section 3 of the semantics page. A *trigger* is a container that died (whatever killed it), a pod that somebody
else deleted, or a fault of which the platform tells. What it calls for is decided at once (`policies.py`), since
the kubelet goes on with what is left to it. What recovery itself does is collected and done once, at the end of
the instant, so that of several triggers the widest wins (`rebuilding.py`).

A trigger belongs to the incarnation of the instance in which it happened: one that comes while that is being
rebuilt or deleted, or from a pod that is going, is dropped. Hence two pods of one gang that fail in the same
second cause one restart, and so do the software's and the platform's report of one event. The platform may be the later
one, when the new pods are on their way: those that got the broken hardware again have to go elsewhere, which is part of
the same restart.
"""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from kubeinfer_sim.cluster.cluster import Cluster
from kubeinfer_sim.cluster.device_refusals import UNEXPECTED_ADMISSION_ERROR
from kubeinfer_sim.cluster.node import Node
from kubeinfer_sim.cluster.pod import PlatformFault, Pod, PodState
from kubeinfer_sim.cluster.reasons import InitReason
from kubeinfer_sim.cluster.records import PodRef
from kubeinfer_sim.controllers.kubeinfer.gangs import Gangs
from kubeinfer_sim.controllers.kubeinfer.instance import Instance
from kubeinfer_sim.controllers.kubeinfer.instances import Instances
from kubeinfer_sim.controllers.kubeinfer.policies import KUBELET, WIDTH, Decision, Policies
from kubeinfer_sim.controllers.kubeinfer.rebuilding import Rebuilding
from kubeinfer_sim.controllers.kubeinfer.records import RecoveryDecided, RecoveryWithdrawn
from kubeinfer_sim.controllers.kubeinfer.silent_faults import SilentFaults
from kubeinfer_sim.scenario.recovery.rules import ActionName, Isolation

#: Exit code of a container that was killed by SIGKILL.
SIGKILLED = 137


class Trigger(Struct, frozen=True):
    """Something that calls for recovery.

    Attributes:
        incarnation: of the instance when it happened.
        fault: what happened, in a word.
        cause: id of the record that tells of it.
        decision: what is done about it.
        platform: the fault, when the platform told of it.
        late: it belongs to the restart that is under way: the newest of the pods which that replaced.
        again: such a thing has happened in that restart before: it counts for back-off and limit.
    """

    instance: Instance
    incarnation: int
    pod: Pod
    fault: str
    cause: int
    decision: Decision
    platform: PlatformFault | None = None
    late: PodRef | None = None
    again: bool = False


class Recovery:
    """Follows the failures of all instances of one KubeInfer.

    Attributes:
        pending: the triggers to act upon once this instant's events are all in.
    """

    def __init__(
        self,
        cluster: Cluster,
        instances: Instances,
        gangs: Gangs,
        policies: Policies,
        rebuilding: Rebuilding,
        silent: SilentFaults,
    ) -> None:
        self._clock = cluster.env.clock
        self._history = cluster.env.history
        self._api = cluster.env.api
        self._kubelet = cluster.kubelet
        self._instances = instances
        self._gangs = gangs
        self._policies = policies
        self._rebuilding = rebuilding
        self._silent = silent
        self.pending: dict[Instance, list[Trigger]] = {}
        self._stopping: set[Pod] = set()  # a container of it is stopped by a rule: that is no failure

    # -- triggers ------------------------------------------------------------------------------------------

    def container_died(self, pod: Pod, fault: str, exit_code: int) -> None:
        """A container is dead.

        `fault` is why; of an init container it is an `InitReason`: rules say the container's own.
        """
        instance = self._instance_of(pod)
        if instance is None or instance.incarnation_over or pod in self._stopping:
            return
        self._silent.pod_failed(instance, pod, pod.last)
        decision = KUBELET
        if not self._rebuilding.left_to_rollout(instance):
            own = fault.of_container if isinstance(fault, InitReason) else fault
            decision = self._policies.decide(instance, pod, own, self._clock.now, exit_code=exit_code)
        trigger = Trigger(instance, instance.incarnation, pod, fault, pod.last, decision)
        if self._follow(trigger):
            return
        if self._kubelet.engine_dead(pod):
            self._rebuilding.peers.lost(instance, pod, pod.last)
        instance.served.discard(pod)

    def pod_deleted(self, pod: Pod, reason: str, cause: int, grace: int | None = None) -> None:
        """Somebody else deletes the pod (a drain, the taint manager, a person)."""
        instance = self._instance_of(pod)
        if instance is None:
            return
        decision = None
        if not instance.incarnation_over and not self._rebuilding.left_to_rollout(instance):
            decision = self._policies.decide(instance, pod, reason, self._clock.now)
        if pod.ready:
            self._rebuilding.count_unready(instance, reason, cause)
        self._gangs.regroup(instance, (pod,))
        self._api.delete(pod, reason, cause, grace=grace)
        if decision is not None:
            # Whatever is decided, a pod that is missing has to be made again, and waiting brings nothing back.
            action: ActionName = "RecreatePod" if decision.in_place else decision.action
            decision = replace(decision, action=action, delay=0)
            self._follow(Trigger(instance, instance.incarnation, pod, reason, cause, decision))
        elif not instance.incarnation_over:
            self._rebuilding.withhold(instance, pod, reason, cause)

    def npu_fault(self, pod: Pod, fault: PlatformFault, cause: int) -> None:
        """The platform reports a fault of an NPU the pod holds that calls for its recovery policy."""
        instance = self._instance_of(pod)
        if instance is not None:
            self._silent.hardware_fault(instance)
        if instance is None or instance.incarnation_over or self._rebuilding.left_to_rollout(instance):
            return
        trigger = Trigger(instance, instance.incarnation, pod, fault.kind, cause, KUBELET, fault)
        late = None if pod.ready else _struck_before(instance, pod, fault)
        if late is not None:
            self._begin(replace(trigger, decision=Decision("RecreatePod"), late=late))
            return
        decision = self._policies.decide(instance, pod, fault.kind, self._clock.now)
        if decision is not KUBELET:
            self._follow(replace(trigger, decision=decision))

    def pod_finished(self, pod: Pod, reason: str) -> None:
        """A pod's phase is final: it has to be made again, unless its containers' ends were left to the kubelet.

        `reason`: why its kubelet failed it; "" when its containers have ended as its restart policy allows.

        That a node rejects, for its devices, what is made in a restart of an instance that was ready before, is part
        of that restart: of one event the kubelet may know before the node's status tells the scheduler. From the
        second time in a row on each waits as a restart would.
        """
        instance = self._instance_of(pod)
        if instance is None or instance.incarnation_over or not reason:
            return
        self._instances.concerning(instance, reason, pod.last)
        self._silent.pod_failed(instance, pod, pod.last)
        if self._rebuilding.left_to_rollout(instance):
            return
        trigger = Trigger(instance, instance.incarnation, pod, reason, pod.last, Decision("RecreatePod"))
        ref = pod.ref
        before, instance.rejected[ref.place] = instance.rejected.get(ref.place), ref.generation
        if ref.generation and instance.was_ready and reason == UNEXPECTED_ADMISSION_ERROR:
            replaced = ref._replace(generation=ref.generation - 1)
            self._begin(replace(trigger, late=replaced, again=before == replaced.generation))
            return
        decision = self._policies.decide(instance, pod, reason, self._clock.now)
        action: ActionName = "RecreatePod" if decision.in_place else decision.action
        self._follow(replace(trigger, decision=replace(decision, action=action, delay=0)))

    def pod_gone(self, instance: Instance, pod: Pod) -> None:
        """A pod's object is gone: if nobody has told of its deletion, that is a failure like any other."""
        known = pod.ref.place in instance.rebuilds or any(
            trigger.pod is pod for trigger in self.pending.get(instance, ())
        )
        if instance.incarnation_over or known:
            return
        self._instances.concerning(instance, "Deleted", pod.last)
        if self._rebuilding.left_to_rollout(instance):
            self._rebuilding.withhold(instance, pod, "Deleted", pod.last)
            return
        decision = self._policies.decide(instance, pod, "Deleted", self._clock.now)
        action: ActionName = "RecreatePod" if decision.in_place else decision.action
        decision = replace(decision, action=action, delay=0)
        self._follow(Trigger(instance, instance.incarnation, pod, "Deleted", pod.last, decision))

    def _instance_of(self, pod: Pod) -> Instance | None:
        """The pod's instance; None when the pod is going or gone: nothing it does is a failure then."""
        if pod.state in (PodState.DELETING, PodState.GONE):
            return None
        return self._gangs.instance_of.get(pod)

    # -- decisions -----------------------------------------------------------------------------------------

    def _follow(self, trigger: Trigger) -> bool:
        """Begin with what is decided; False when nothing is done now (or ever), so that the pod stays."""
        decision, instance = trigger.decision, trigger.instance
        if decision.by:
            number = self._history.append(
                RecoveryDecided(
                    self._clock.now,
                    trigger.cause,
                    trigger.pod.ref,
                    trigger.fault,
                    decision.by,
                    decision.action,
                    decision.delay,
                )
            )
            trigger = replace(trigger, cause=number)
        if decision.delay:
            instance.timers.append(self._clock.after(decision.delay, self._delay_over, trigger))
            return False
        return self._begin(trigger)

    def _begin(self, trigger: Trigger) -> bool:
        decision = trigger.decision
        if decision.isolate != "None" and trigger.pod.node is not None:
            self._isolate(trigger.pod, trigger.pod.node, decision.isolate, trigger.cause)
        if decision.in_place:
            if trigger.platform is not None and decision.action == "RestartContainer":
                self._stop_engine(trigger)
            return False
        self.pending.setdefault(trigger.instance, []).append(trigger)
        self._instances.changed()
        return True

    def _isolate(self, pod: Pod, node: Node, scope: Isolation, cause: int) -> None:
        """Take the pod's node, or the NPUs it holds, out of service for new pods."""
        if scope == "Node":
            self._api.cordon(node, True, cause)
        else:
            self._api.isolate_npus(pod, cause)

    def _delay_over(self, trigger: Trigger) -> None:
        """What a rule waited for: nothing is done when the pod is well again, or another one by now."""
        instance, pod = trigger.instance, trigger.pod
        if (
            self._instance_of(pod) is not instance
            or instance.incarnation_over
            or self._rebuilding.left_to_rollout(instance)
        ):
            return
        platform = trigger.platform
        well = pod.ready if platform is None else platform.cleared
        if well:
            self._history.append(RecoveryWithdrawn(self._clock.now, trigger.cause, pod.ref, trigger.fault))
        else:
            self._begin(trigger)

    def _stop_engine(self, trigger: Trigger) -> None:
        """Stop the engine's container on the platform's word; the kubelet starts it again where it is."""
        pod = trigger.pod
        self._stopping.add(pod)
        self._kubelet.crash(pod, trigger.fault, SIGKILLED, cause=trigger.cause)
        self._stopping.discard(pod)

    def carry_out(self) -> None:
        """Act upon the triggers of this instant, the widest of each instance first."""
        pending, self.pending = self.pending, {}
        for instance, triggers in pending.items():
            for trigger in sorted(triggers, key=lambda each: -WIDTH[each.decision.action]):
                if instance.incarnation_over or trigger.incarnation != instance.incarnation:
                    break
                place = trigger.pod.ref.place
                if any(pod.ref.place == place and pod is not trigger.pod for pod in instance.pods):
                    continue  # another trigger of this instant has seen to it: its successor is there
                self._rebuild(trigger)

    def _rebuild(self, trigger: Trigger) -> None:
        instance, pod, rebuilding = trigger.instance, trigger.pod, self._rebuilding
        what = (trigger.fault, trigger.cause)
        if trigger.late is not None:
            newest = trigger.late.generation
            whole = all(each.ref.generation > newest for each in instance.pods)
            if whole or pod.ref.place not in instance.rebuilds:
                rebuilding.go_on(instance, pod, *what, whole=whole, counts=trigger.again)
            return
        match trigger.decision.action:
            case "RecreateInstance":
                rebuilding.restart(instance, pod, *what)
            case "Fail":
                rebuilding.fail(instance, *what)
            case "RecreateRole":
                rebuilding.rebuild_role(instance, pod, *what)
            case "Degrade":
                rebuilding.rebuild_role(instance, pod, *what, trigger.decision.give_up)
            case _:
                rebuilding.rebuild_pod(instance, pod, *what)


def _struck_before(instance: Instance, pod: Pod, fault: PlatformFault) -> PodRef | None:
    """The newest pod of the instance that the fault struck, where this one was made after it; else None."""
    struck = [ref for ref in fault.struck if ref.instance == instance.ref]
    if not struck or pod.ref in struck:
        return None
    newest = max(struck, key=lambda ref: ref.generation)
    return newest if pod.ref.generation > newest.generation else None

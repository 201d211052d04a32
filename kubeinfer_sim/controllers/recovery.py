"""Recovery: what is rebuilt when a pod of an instance fails, and after which wait.

Section 3 of the semantics page. A *trigger* is a container that died (whatever killed it), a pod that somebody
else deleted, or a fault of which the platform tells. The policy of the role whose pod failed says how much is
rebuilt: `Instance` all pods of all roles, `Pod` that pod, `Custom` what the scenario's rules say, without rules
nothing: the kubelet restarts the container.

Triggers are collected and acted upon once, at the end of their instant, so that of several at once the widest
wins. A trigger belongs to the incarnation of the instance in which it happened: one that comes while that is
being rebuilt or deleted, or from a pod that is going, is dropped. Hence two pods of one gang that fail in the
same second cause one restart, and so do the software's and the platform's report of one event.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol

from kubeinfer_sim.cluster.kubelet import Kubelet
from kubeinfer_sim.cluster.pod import Pod, PodState
from kubeinfer_sim.controllers.gangs import Gangs
from kubeinfer_sim.controllers.instance import Instance, InstanceState
from kubeinfer_sim.controllers.instances import Instances
from kubeinfer_sim.controllers.rebuild import Rebuild
from kubeinfer_sim.controllers.records import (
    InstanceFailed,
    InstanceRestarting,
    PodRebuilding,
    RestartBackOff,
)
from kubeinfer_sim.controllers.restart_history import RestartHistory
from kubeinfer_sim.engine.clock import Clock
from kubeinfer_sim.engine.history import History
from kubeinfer_sim.scenario.model import Assumptions


class Scope(IntEnum):
    """How much is rebuilt; the widest wins."""

    NOTHING = 0
    POD = 1
    INSTANCE = 2


class PlatformFault(Protocol):
    """A fault the platform tells of, by its kind."""

    @property
    def kind(self) -> str:
        """Its name in the table of fault kinds."""
        ...


@dataclass(frozen=True, slots=True)
class Trigger:
    """Something that calls for recovery.

    Attributes:
        incarnation: of the instance when it happened.
        fault: what happened, in a word.
        cause: id of the record that tells of it.
        deleted: somebody else has deleted the pod.
    """

    pod: Pod
    incarnation: int
    fault: str
    cause: int
    scope: Scope
    deleted: bool = False


class Recovery:
    """Follows the failures of all instances of one KubeInfer."""

    def __init__(
        self,
        clock: Clock,
        history: History,
        kubelet: Kubelet,
        instances: Instances,
        gangs: Gangs,
        assumptions: Assumptions,
    ) -> None:
        self._clock = clock
        self._history = history
        self._kubelet = kubelet
        self._instances = instances
        self._gangs = gangs
        self._assumptions = assumptions
        self._pending: dict[Instance, list[Trigger]] = {}
        # Instances of another revision of which something is not made anew: they wait to be replaced.
        self._withheld: dict[Instance, None] = {}

    # -- triggers ------------------------------------------------------------------------------------------

    def container_died(self, pod: Pod, fault: str) -> bool:
        """A container is dead: True when recovery sees to the pod, False when it is the kubelet's."""
        instance = self._owner(pod)
        if instance is None or instance.rebuilt:
            return True
        if self._assumptions.startup_crash == "kubelet" and _starting(instance, pod):
            return False
        scope = self._scope(instance, pod)
        if scope is Scope.NOTHING:
            return False
        self._collect(instance, Trigger(pod, instance.incarnation, fault, pod.last, scope))
        return True

    def deleted(self, pod: Pod, reason: str, cause: int) -> None:
        """Somebody else deletes the pod (a drain, the taint manager, a person)."""
        instance = self._owner(pod)
        if instance is None:
            return
        if pod.ready:
            self._take_out(instance, pod, reason, cause)
        self._gangs.regroup(instance, (pod,))
        self._kubelet.delete(pod, reason, cause)
        if not instance.rebuilt:
            # Whatever the policy, a pod that is missing has to be made again.
            scope = max(self._scope(instance, pod), Scope.POD)
            self._collect(instance, Trigger(pod, instance.incarnation, reason, cause, scope, deleted=True))

    def npu_fault(self, pod: Pod, fault: PlatformFault, cause: int) -> None:
        """The platform reports a fault of an NPU the pod holds that calls for its recovery policy."""
        instance = self._owner(pod)
        if instance is None or instance.rebuilt:
            return
        scope = self._scope(instance, pod)
        if scope is not Scope.NOTHING:
            self._collect(instance, Trigger(pod, instance.incarnation, fault.kind, cause, scope))

    def _owner(self, pod: Pod) -> Instance | None:
        """The pod's instance; None when the pod is going or gone: nothing it does is a failure then."""
        if pod.state in (PodState.DELETING, PodState.GONE):
            return None
        return self._gangs.owner.get(pod)

    def _scope(self, instance: Instance, pod: Pod) -> Scope:
        if self._is_replaced(instance):
            return Scope.NOTHING
        role = next(role for role in instance.spec.roles if role.name == pod.ref.role)
        return {"Instance": Scope.INSTANCE, "Pod": Scope.POD, "Custom": Scope.NOTHING}[
            role.recovery_policy.restart
        ]

    def _is_replaced(self, instance: Instance) -> bool:
        """Whether what fails of it is not rebuilt: the rollout replaces it by one of the new revision (rule 11)."""
        return self._instances.is_old(instance) and self._assumptions.old_instance_failure == "replaceNew"

    def _collect(self, instance: Instance, trigger: Trigger) -> None:
        self._pending.setdefault(instance, []).append(trigger)
        self._instances.changed()

    # -- decisions -----------------------------------------------------------------------------------------

    def act(self) -> None:
        """Act upon the triggers of this instant, the widest of each instance first."""
        pending, self._pending = self._pending, {}
        for instance, triggers in pending.items():
            for trigger in sorted(triggers, key=lambda trigger: -trigger.scope):
                if instance.rebuilt or trigger.incarnation != instance.incarnation:
                    break
                if trigger.deleted and self._is_replaced(instance):
                    self._withhold(instance, trigger.pod, trigger.cause)
                elif trigger.scope is Scope.INSTANCE:
                    self._restart(instance, trigger.fault, trigger.cause)
                else:
                    self._rebuild_pod(instance, trigger.pod, trigger.fault, trigger.cause)

    def spec_changed(self) -> None:
        """Another revision is wanted: what was withheld from instances that are of it is made after all."""
        for instance in [each for each in self._withheld if not self._is_replaced(each)]:
            del self._withheld[instance]
            if instance.state is InstanceState.RESTARTING and not instance.pods:
                self._back_off(instance)
            for rebuild in list(dict.fromkeys(instance.rebuilds.values())):
                if rebuild.withheld and not instance.rebuilt:
                    self._go_on_with(instance, rebuild)

    def _go_on_with(self, instance: Instance, rebuild: Rebuild) -> None:
        rebuild.withheld = False
        role, _ = rebuild.places[0]
        policy = next(each for each in instance.spec.roles if each.name == role).recovery_policy
        if policy.restart == "Instance":
            self._restart(instance, instance.failure, rebuild.last)
        elif not rebuild.left:
            self._make_part(instance, rebuild)

    # -- Instance ------------------------------------------------------------------------------------------

    def _restart(self, instance: Instance, reason: str, cause: int) -> None:
        """Delete all pods of the instance; when they are gone and the back-off is over, make a new gang."""
        wait = self._note_restart(instance, None)
        if wait is None:
            self._fail(instance, reason, cause)
            return
        self._instances.leave_ready(instance, InstanceState.RESTARTING)
        instance.failure = reason
        instance.wait = wait
        instance.incarnation += 1
        instance.last = self._history.append(
            InstanceRestarting(self._clock.now, cause, instance.ref, instance.incarnation, reason)
        )
        self._clear(instance, reason)

    def _fail(self, instance: Instance, reason: str, cause: int) -> None:
        """The instance has used up its restarts: its pods are deleted and it is held."""
        self._instances.leave_ready(instance, InstanceState.FAILED)
        instance.failure = reason
        instance.last = self._history.append(InstanceFailed(self._clock.now, cause, instance.ref, reason))
        self._clear(instance, reason)

    def _clear(self, instance: Instance, reason: str) -> None:
        """Delete all that is left of the gang."""
        instance.keep = {
            place: name for rebuild in instance.rebuilds.values() for place, name in rebuild.keep.items()
        } | {pod.ref.place: pod.node.name for pod in instance.pods if pod.node is not None}
        instance.forget_timers()
        instance.rebuilds.clear()
        self._instances.delete_pods(instance, reason)
        if instance.state is InstanceState.RESTARTING and not instance.pods:
            self._back_off(instance)

    def _note_restart(self, instance: Instance, part: object) -> int | None:
        if instance.recovery is None:
            instance.recovery = RestartHistory()
        return instance.recovery.restart(self._clock.now, self._assumptions, part)

    def _back_off(self, instance: Instance) -> None:
        """The last pod of the old gang is gone: wait, then start the next one."""
        if self._is_replaced(instance):
            self._withheld[instance] = None
            return
        until = self._clock.now + instance.wait
        if instance.wait:
            instance.last = self._history.append(
                RestartBackOff(self._clock.now, instance.last, instance.ref, until)
            )
        instance.timers.append(self._clock.at(until, self._start_again, instance))

    def _start_again(self, instance: Instance) -> None:
        if self._is_replaced(instance):
            self._withheld[instance] = None
            return
        instance.state = InstanceState.STARTING
        self._instances.populate(instance)
        self._instances.weigh(instance)

    # -- Pod -----------------------------------------------------------------------------------------------

    def _rebuild_pod(self, instance: Instance, pod: Pod, reason: str, cause: int) -> None:
        """Delete one pod and make it again; the others run on."""
        if pod.ref.place in instance.rebuilds:
            return
        wait = self._note_restart(instance, pod.ref.place)
        if wait is None:
            self._fail(instance, reason, cause)
            return
        number = self._history.append(
            PodRebuilding(self._clock.now, cause, instance.ref, pod.ref.name, reason)
        )
        if pod.ready:
            self._take_out(instance, pod, reason, number)
        self._gangs.regroup(instance, (pod,))
        self._kubelet.delete(pod, reason, number)
        self._watch(instance, Rebuild.of((pod,), wait, number))

    def _withhold(self, instance: Instance, pod: Pod, cause: int) -> None:
        """The pod is missing, and so it stays until the rollout has replaced the instance."""
        self._withheld[instance] = None
        self._watch(instance, Rebuild.of((pod,), 0, cause, withheld=True))

    def _watch(self, instance: Instance, rebuild: Rebuild) -> None:
        instance.rebuilds.update(dict.fromkeys(rebuild.places, rebuild))
        if not rebuild.left:
            self._part_gone(instance, rebuild)

    def _take_out(self, instance: Instance, pod: Pod, reason: str, cause: int) -> None:
        """A ready pod stops counting."""
        pod.last = cause
        pod.ready = False
        instance.ready_pods -= 1
        self._instances.concerning(instance, reason, cause)

    def _part_gone(self, instance: Instance, rebuild: Rebuild) -> None:
        """The last of the pods to be rebuilt is gone: wait, then make them again."""
        if rebuild.withheld:
            return
        if not rebuild.wait:
            self._make_part(instance, rebuild)
            return
        now = self._clock.now
        until = now + rebuild.wait
        rebuild.last = self._history.append(RestartBackOff(now, rebuild.last, instance.ref, until))
        rebuild.timer = self._clock.at(until, self._make_part, instance, rebuild)
        instance.timers.append(rebuild.timer)

    def _make_part(self, instance: Instance, rebuild: Rebuild) -> None:
        if self._is_replaced(instance):
            rebuild.withheld = True
            self._withheld[instance] = None
            return
        for place in rebuild.places:
            del instance.rebuilds[place]
        nodes = rebuild.keep if self._assumptions.keep_nodes else {}
        self._gangs.part(instance, rebuild.places, rebuild.last, nodes)
        self._instances.weigh(instance)

    # -- what follows --------------------------------------------------------------------------------------

    def pod_gone(self, instance: Instance, pod: Pod) -> None:
        """A pod's object is gone: the instance is gone, or its new gang or its new pod can be made."""
        if instance.state is InstanceState.TERMINATING:
            instance.last = pod.last
            if not instance.pods:
                self._withheld.pop(instance, None)
                self._instances.gone(instance)
        elif instance.state is InstanceState.RESTARTING:
            instance.last = pod.last
            if not instance.pods:
                self._back_off(instance)
        elif (rebuild := instance.rebuilds.get(pod.ref.place)) is not None and pod in rebuild.left:
            del rebuild.left[pod]
            rebuild.last = pod.last
            if not rebuild.left:
                self._part_gone(instance, rebuild)


def _starting(instance: Instance, pod: Pod) -> bool:
    """Whether the pod, or the instance as a whole, has not been ready yet."""
    return instance.state is InstanceState.STARTING or not pod.was_ready

"""How instances, and parts of them, are rebuilt: deleted, gone, backed off, made again.

Nothing is reserved in between: what a rebuilt pod held, another instance may take (unless `keepNodes` asks for
the same nodes again, and they are still free). An instance that the rollout replaces is not rebuilt on its
revision (rule 11); should its revision be wanted again, it is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence

from kubeinfer_sim.cluster.cluster import Cluster
from kubeinfer_sim.cluster.pod import Pod
from kubeinfer_sim.cluster.scheduler.pod_gang import PodGang
from kubeinfer_sim.controllers.kubeinfer.degrade import make_room
from kubeinfer_sim.controllers.kubeinfer.gangs import Gangs
from kubeinfer_sim.controllers.kubeinfer.instance import Instance, InstanceState
from kubeinfer_sim.controllers.kubeinfer.instances import Instances
from kubeinfer_sim.controllers.kubeinfer.peers import Peers
from kubeinfer_sim.controllers.kubeinfer.rebuild import Degradation, Rebuild
from kubeinfer_sim.controllers.kubeinfer.records import (
    InstanceDegraded,
    InstanceFailed,
    InstanceRestarting,
    InstanceRestored,
    PodRebuilding,
    RestartBackOff,
    RestartContinued,
    RoleRebuilding,
)
from kubeinfer_sim.controllers.kubeinfer.restart_history import RestartHistory
from kubeinfer_sim.scenario.model import Assumptions
from kubeinfer_sim.scenario.recovery.rules import GiveUp


class Rebuilding:
    """Rebuilds instances and parts of them."""

    def __init__(
        self,
        cluster: Cluster,
        instances: Instances,
        gangs: Gangs,
        assumptions: Assumptions,
    ) -> None:
        self._clock = cluster.env.clock
        self._history = cluster.env.history
        self._api = cluster.env.api
        self._scheduling = cluster.scheduling
        self._instances = instances
        self._gangs = gangs
        self._assumptions = assumptions
        self.peers = Peers(cluster, assumptions.peer_loss_timeout)
        # Instances of which something is not made anew because they are to be replaced.
        self._withheld: dict[Instance, None] = {}

    def left_to_rollout(self, instance: Instance) -> bool:
        """Whether the rollout replaces it by an instance of the new revision, so that it is not rebuilt."""
        return self._instances.is_old(instance) and self._assumptions.old_instance_failure == "replaceNew"

    # -- all of it -----------------------------------------------------------------------------------------

    def go_on(
        self, instance: Instance, pod: Pod, reason: str, cause: int, *, whole: bool, counts: bool
    ) -> None:
        """Delete a pod, or its whole instance, once more in the same restart, since it has to go to another node.

        `counts`: for back-off and limit, as a restart of its own would.
        """
        wait = self._count_restart(instance, None if whole else pod.ref.place) if counts else 0
        if wait is None:
            self.fail(instance, reason, cause)
            return
        what = instance.ref.name if whole else pod.ref.name
        number = self._history.append(RestartContinued(self._clock.now, cause, instance.ref, what, reason))
        if not whole:
            self._delete(instance, [pod], Rebuild.of([[pod]], wait, number, reason), reason)
            return
        self._instances.leave_ready(instance, InstanceState.RESTARTING)
        instance.wait, instance.last = wait, number
        self._clear(instance, reason)

    def restart(self, instance: Instance, pod: Pod | None, reason: str, cause: int) -> None:
        """Delete all pods of the instance; when they are gone and the back-off is over, make a new gang.

        `pod`: the one that failed, if it is there; it goes first where that is assumed.
        """
        wait = self._count_restart(instance, None)
        if wait is None:
            self.fail(instance, reason, cause)
            return
        self._instances.leave_ready(instance, InstanceState.RESTARTING)
        instance.failure = reason
        instance.wait = wait
        instance.incarnation += 1
        self._instances.rebuilt_again(instance)
        instance.last = self._history.append(
            InstanceRestarting(self._clock.now, cause, instance.ref, instance.incarnation, reason)
        )
        self._clear(instance, reason, self._first(pod, instance.pods))

    def _first(self, pod: Pod | None, pods: Collection[Pod]) -> Pod | None:
        """The pod that failed, where the others of these are deleted only when it is gone."""
        return pod if self._assumptions.group_termination == "failedFirst" and pod in pods else None

    def fail(self, instance: Instance, reason: str, cause: int) -> None:
        """The instance is given up: its pods are deleted and it is held."""
        self._instances.leave_ready(instance, InstanceState.FAILED)
        instance.failure = reason
        instance.last = self._history.append(InstanceFailed(self._clock.now, cause, instance.ref, reason))
        self._clear(instance, reason)

    def _clear(self, instance: Instance, reason: str, first: Pod | None = None) -> None:
        instance.keep = {
            place: name for rebuild in instance.rebuilds.values() for place, name in rebuild.keep.items()
        } | {pod.ref.place: pod.node.name for pod in instance.pods if pod.node is not None}
        instance.forget_parts()
        if first is None:
            self._instances.delete_pods(instance, reason)
        else:
            instance.first = first
            self._api.delete(first, reason, instance.last)
        if instance.state is InstanceState.RESTARTING and not instance.pods:
            self._back_off(instance)

    def _count_restart(self, instance: Instance, part: object) -> int | None:
        if instance.recovery is None:
            instance.recovery = RestartHistory()
        return instance.recovery.restart(self._clock.now, self._assumptions, part)

    def _back_off(self, instance: Instance) -> None:
        """The last pod of the old gang is gone: wait, then start the next one."""
        until = self._clock.now + instance.wait
        if instance.wait:
            instance.last = self._history.append(
                RestartBackOff(self._clock.now, instance.last, instance.ref, until)
            )
        instance.timers.append(self._clock.at(until, self._start_again, instance))

    def _start_again(self, instance: Instance) -> None:
        if self.left_to_rollout(instance):
            self._withheld[instance] = None
            return
        instance.state = InstanceState.STARTING
        self._instances.populate(instance)
        if self._instances.update_progressing(instance):
            self._instances.turned()

    # -- a part of it --------------------------------------------------------------------------------------

    def rebuild_pod(self, instance: Instance, pod: Pod, reason: str, cause: int) -> None:
        """Delete one pod and make it again; the others run on."""
        if pod.ref.place in instance.rebuilds:
            return
        wait = self._count_restart(instance, pod.ref.place)
        if wait is None:
            self.fail(instance, reason, cause)
            return
        now = self._clock.now
        number = self._history.append(PodRebuilding(now, cause, instance.ref, pod.ref.name, reason))
        rebuild = Rebuild.of([[pod]], wait, number, reason)
        self._delete(instance, [pod], rebuild, reason)
        self.peers.lost(instance, pod, number)

    def rebuild_role(
        self, instance: Instance, pod: Pod, reason: str, cause: int, give_up: tuple[GiveUp, ...] = ()
    ) -> None:
        """Delete all pods of a pod's role and make them again, together; with `give_up` even if others must go."""
        role = pod.ref.role
        places = [
            (role, replica)
            for each in instance.spec.roles
            if each.name == role
            for replica in range(each.replicas)
        ]
        under_way = dict.fromkeys(instance.rebuilds[place] for place in places if place in instance.rebuilds)
        if any(len(rebuild.places) > 1 or rebuild.degradation for rebuild in under_way):
            return  # the role is being rebuilt, or given up, already
        wait = self._count_restart(instance, role)
        if wait is None:
            self.fail(instance, reason, cause)
            return
        pods = [pod for pod in instance.pods if pod.ref.role == role]  # some may be on their way out
        number = self._history.append(
            RoleRebuilding(self._clock.now, cause, instance.ref, role, len(places), reason)
        )
        rebuild = Rebuild.of([pods], wait, number, reason)
        rebuild.units = (tuple(places),)
        rebuild.give_up = give_up
        for other in under_way:  # single pods of it, which now come back with the rest
            if other.timer is not None:
                other.timer.cancel()
            rebuild.remaining.update(other.remaining)
            rebuild.keep.update(other.keep)
            rebuild.restoring |= other.restoring
        if self._first(pod, pods) is not None:
            rebuild.first, rebuild.after = pod, tuple(each for each in pods if each is not pod)
            pods = [pod]
        self._delete(instance, pods, rebuild, reason)

    def withhold(self, instance: Instance, pod: Pod, reason: str, cause: int) -> None:
        """The pod is missing, and so it stays until the rollout has replaced the instance."""
        self._withheld[instance] = None
        rebuild = Rebuild.of([[pod]], 0, cause, reason)
        rebuild.withheld = True
        self._watch(instance, rebuild)

    def _delete(self, instance: Instance, pods: Sequence[Pod], rebuild: Rebuild, reason: str) -> None:
        number = rebuild.last
        for pod in pods:
            if pod in instance.restoring:
                del instance.restoring[pod]
                rebuild.restoring.add(pod.ref.place)
            if pod.ready:
                self.count_unready(instance, reason, number)
        self._gangs.regroup(instance, pods)
        for pod in pods:
            self._api.delete(pod, reason, number)
        self._watch(instance, rebuild)

    def _watch(self, instance: Instance, rebuild: Rebuild) -> None:
        instance.rebuilds.update(dict.fromkeys(rebuild.places, rebuild))
        if not rebuild.remaining:
            self._all_gone(instance, rebuild)

    def count_unready(self, instance: Instance, reason: str, cause: int) -> None:
        """A ready pod is about to be deleted, and stops counting."""
        instance.ready_pods -= 1
        self._instances.concerning(instance, reason, cause)

    def _all_gone(self, instance: Instance, rebuild: Rebuild) -> None:
        """The last of the pods to be rebuilt is gone: wait, then make them again."""
        if rebuild.withheld:
            return
        if not rebuild.wait:
            self._make(instance, rebuild)
            return
        now = self._clock.now
        until = now + rebuild.wait
        rebuild.last = self._history.append(RestartBackOff(now, rebuild.last, instance.ref, until))
        rebuild.timer = self._clock.at(until, self._make, instance, rebuild)
        instance.timers.append(rebuild.timer)

    def _make(self, instance: Instance, rebuild: Rebuild) -> None:
        if self.left_to_rollout(instance):
            rebuild.withheld = True
            self._withheld[instance] = None
            return
        for place in rebuild.places:
            del instance.rebuilds[place]
        if rebuild.degradation is not None:
            self._gangs.queue(instance, rebuild.degradation.gang, rebuild.degradation.nodes)
        nodes = rebuild.keep if self._assumptions.keep_nodes else {}
        for unit in rebuild.units:
            gang = self._gangs.part(instance, unit, rebuild.last)
            instance.restoring.update({pod: None for pod in gang.pods if pod.ref.place in rebuild.restoring})
            if rebuild.give_up and self._degrade(instance, gang, rebuild):
                continue
            keep = {pod: nodes[pod.ref.place] for pod in gang.pods if pod.ref.place in nodes}
            self._gangs.queue(instance, gang, keep)
        if self._instances.update_progressing(instance):
            self._instances.turned()

    # -- Degrade -------------------------------------------------------------------------------------------

    def _degrade(self, instance: Instance, gang: PodGang, rebuild: Rebuild) -> bool:
        """Give up pods of other roles where the gang finds no room without; it is queued again when they are gone."""
        room = make_room(self._scheduling, instance, gang, rebuild.give_up)
        if room is None or not room[0]:
            return False
        units, nodes = room
        pods = [pod for unit in units for pod in unit]
        number = self._history.append(
            InstanceDegraded(
                self._clock.now,
                rebuild.last,
                instance.ref,
                gang.pods[0].ref.role,
                tuple(Counter(pod.ref.role for pod in pods).items()),
                rebuild.reason,
            )
        )
        going = Rebuild.of(units, 0, number, "GivenUp")
        going.degradation = Degradation(gang, nodes)
        for pod in pods:
            instance.wanted -= 1
            pod.barrier.size -= 1
            going.restoring.add(pod.ref.place)
        self._delete(instance, pods, going, "GivenUp")
        return True

    def pod_restored(self, instance: Instance, pod: Pod) -> None:
        """A pod that had been given up is back."""
        del instance.restoring[pod]
        instance.wanted += 1
        pod.barrier.size += 1
        if not instance.restoring and not any(rebuild.restoring for rebuild in instance.rebuilds.values()):
            instance.last = self._history.append(InstanceRestored(self._clock.now, pod.last, instance.ref))

    # -- what follows --------------------------------------------------------------------------------------

    def pod_gone(self, instance: Instance, pod: Pod) -> None:
        """A pod's object is gone: the instance is gone, or its new gang or its new pod can be made."""
        self.peers.forget(pod)
        instance.restoring.pop(pod, None)
        if instance.state is InstanceState.TERMINATING:
            instance.last = pod.last
            if not instance.pods:
                self._withheld.pop(instance, None)
                self._instances.gone(instance)
        elif instance.state is InstanceState.RESTARTING:
            instance.last = pod.last
            if instance.first is pod:
                self._instances.delete_pods(instance, instance.failure)
            if not instance.pods:
                self._back_off(instance)
        elif (rebuild := instance.rebuilds.get(pod.ref.place)) is not None and pod in rebuild.remaining:
            del rebuild.remaining[pod]
            rebuild.last = pod.last
            if rebuild.first is pod:
                there = [each for each in rebuild.after if each in rebuild.remaining]
                self._delete(instance, there, rebuild, rebuild.reason)
            elif not rebuild.remaining:
                self._all_gone(instance, rebuild)

    def revision_changed(self) -> None:
        """Another revision is wanted: what was withheld from instances that are of it is made after all."""
        for instance in [each for each in self._withheld if not self.left_to_rollout(each)]:
            del self._withheld[instance]
            if instance.state is InstanceState.RESTARTING and not instance.pods:
                self._start_again(instance)
            for rebuild in list(dict.fromkeys(instance.rebuilds.values())):
                if rebuild.withheld and not instance.incarnation_over:
                    self._go_on_with(instance, rebuild)

    def _go_on_with(self, instance: Instance, rebuild: Rebuild) -> None:
        rebuild.withheld = False
        role, _ = rebuild.places[0]
        policy = next(each for each in instance.spec.roles if each.name == role).recovery_policy
        if policy.restart == "Instance":
            self.restart(instance, None, rebuild.reason, rebuild.last)
        elif not rebuild.remaining:
            self._make(instance, rebuild)

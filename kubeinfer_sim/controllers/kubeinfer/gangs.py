"""The pods of an instance and the gangs they are placed in: made, queued, taken back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec.structs import replace

from kubeinfer_sim.cluster.cluster import Cluster
from kubeinfer_sim.cluster.pod import Pod, Workload
from kubeinfer_sim.cluster.reasons import Refusal
from kubeinfer_sim.cluster.records import Place, PodRef
from kubeinfer_sim.cluster.scheduler.pod_gang import InstanceGroup, PodGang
from kubeinfer_sim.cluster.start_barrier import StartBarrier
from kubeinfer_sim.controllers.kubeinfer.instance import Instance
from kubeinfer_sim.manifest.model import Role
from kubeinfer_sim.scenario.model import Assumptions
from kubeinfer_sim.scenario.timings.model import Timings


class Gangs:
    """Makes pods and has them placed together.

    Attributes:
        owner: pod -> its instance, for every pod that exists, in the order in which they were made.
    """

    def __init__(
        self,
        workload: Workload,
        cluster: Cluster,
        timings: Timings,
        assumptions: Assumptions,
    ) -> None:
        self._workload = workload
        self._clock = cluster.env.clock
        self._history = cluster.env.history
        self._api = cluster.env.api
        self._scheduling = cluster.scheduling
        self._timings = timings
        self._assumptions = assumptions
        self.instance_of: dict[Pod, Instance] = {}
        self._generations: dict[int, int] = {}

    def refusal(self, instance: Instance) -> Refusal | None:
        """Why the API server does not take all pods of an instance; None where it does."""
        admission, namespace = self._api.admission, self._workload.namespace
        if not admission.may_refuse(role.template for role in instance.spec.roles):
            return None
        pods = [
            (PodRef(instance.ref, role.name, replica, 0).name, admission.admit(role.template, namespace))
            for role in instance.spec.roles
            for replica in range(role.replicas)
        ]
        return admission.refusal(namespace, pods)

    def whole(self, instance: Instance, *, adopt: bool = False) -> bool:
        """Make all pods of an instance, one gang; True when they run already (`adopt`, and there was room)."""
        instance.ready_pods = 0
        instance.wanted = sum(role.replicas for role in instance.spec.roles)
        instance.barriers = self._barriers(instance)
        generation = self._next_generation(instance)
        pods = [
            pod
            for role in instance.spec.roles
            for pod in self._pods(instance, role, range(role.replicas), generation)
        ]
        if not pods:
            return False
        if instance.pod_group is None or self._assumptions.pod_group == "new":
            instance.pod_group = self._new_group(instance, generation)
        gang = self._gang(instance, pods, instance.last)
        if adopt and self._scheduling.adopt(gang):
            instance.ready_pods = instance.wanted
            instance.served.update(pods)
            return True
        nodes = instance.keep if self._assumptions.keep_nodes else {}
        self.queue(instance, gang, {pod: nodes[pod.ref.place] for pod in pods if pod.ref.place in nodes})
        return False

    def part(self, instance: Instance, places: Iterable[Place], cause: int) -> PodGang:
        """Make the pods of some places of an instance anew, one gang; it is not queued yet."""
        instance.last = cause
        generation = self._next_generation(instance)
        roles = {role.name: role for role in instance.spec.roles}
        pods = [
            pod
            for role, replica in places
            for pod in self._pods(instance, roles[role], [replica], generation)
        ]
        return self._gang(instance, pods, instance.last)

    def queue(self, instance: Instance, gang: PodGang, nodes: Mapping[Pod, str]) -> None:
        """Have a gang placed, on these nodes if its pods fit there."""
        gang.prefer = dict(nodes)
        if gang.group is not None:
            # Assumed: pods that are given up are taken off its minMember.
            gang.group = replace(gang.group, min_member=self._min_member(instance))
        if all(pod in instance.restoring for pod in gang.pods):
            instance.restoring_gangs[gang] = None
        else:
            instance.gangs[gang] = None
        self._scheduling.submit(gang)

    def waits(self, instance: Instance) -> bool:
        """Whether a gang of the instance waits for nodes though it has been looked at."""
        return any(not self._scheduling.is_untried(gang) for gang in instance.gangs)

    def withdraw(self, instance: Instance) -> None:
        """Take back all gangs of the instance that still wait for nodes."""
        for gang in (*instance.gangs, *instance.restoring_gangs):
            self._scheduling.withdraw(gang)
        instance.gangs.clear()
        instance.restoring_gangs.clear()

    def placed(self, pods: Sequence[Pod]) -> Instance:
        """The pods of a gang got their nodes; returns its instance."""
        instance = self.instance_of[pods[0]]
        for waiting in (instance.gangs, instance.restoring_gangs):
            for gang in waiting:
                if gang.pods is pods:
                    del waiting[gang]
                    break
        return instance

    def regroup(self, instance: Instance, pods: Iterable[Pod]) -> None:
        """These pods are deleted: the gangs in which they waited go on without them."""
        going = set(pods)
        waiting = (*instance.gangs, *instance.restoring_gangs)
        for gang in [gang for gang in waiting if not going.isdisjoint(gang.pods)]:
            self._scheduling.withdraw(gang)
            instance.gangs.pop(gang, None)
            instance.restoring_gangs.pop(gang, None)
            left = [pod for pod in gang.pods if pod not in going and not pod.placed]
            if left:
                self.queue(instance, self._gang(instance, left, gang.cause), {})

    def _gang(self, instance: Instance, pods: Sequence[Pod], cause: int) -> PodGang:
        return PodGang(
            instance.ref, pods, cause, preempts=self._assumptions.preemption, group=instance.pod_group
        )

    def _new_group(self, instance: Instance, generation: int) -> InstanceGroup:
        """A PodGroup for all pods that the instance is made of now."""
        return InstanceGroup(instance.ref.name, generation + 1, self._clock.now, self._min_member(instance))

    def _min_member(self, instance: Instance) -> int:
        least = self._assumptions.min_member
        return instance.wanted if least is None else min(least, instance.wanted)

    def _next_generation(self, instance: Instance) -> int:
        ordinal = instance.ref.ordinal
        generation = self._generations[ordinal] = self._generations.get(ordinal, -1) + 1
        return generation

    def _barriers(self, instance: Instance) -> dict[str, StartBarrier[Pod]]:
        """The start barrier each role's pods stand at."""
        roles = instance.spec.roles
        kind = self._assumptions.start_barrier
        if kind == "instance":
            return dict.fromkeys((role.name for role in roles), StartBarrier(instance.wanted))
        return {role.name: StartBarrier(role.replicas if kind == "role" else 1) for role in roles}

    def _pods(
        self, instance: Instance, role: Role, replicas: Iterable[int], generation: int
    ) -> Iterator[Pod]:
        """Make the pods of these places in a role."""
        template = self._api.admission.admit(role.template, self._workload.namespace)
        timings = self._timings.of(role.name)
        revision, weights_key = instance.revision, instance.spec.weights_key
        barrier = instance.barriers[role.name]
        for replica in replicas:
            ref = PodRef(instance.ref, role.name, replica, generation)
            pod = Pod(self._workload, ref, template, timings, revision, weights_key, barrier)
            instance.pods[pod] = None
            self.instance_of[pod] = instance
            self._api.create(pod, instance.last)
            yield pod

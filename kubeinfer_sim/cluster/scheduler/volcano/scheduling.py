"""Volcano at work: its pods, their PodGroups, and the clock of its cycle.

A cycle begins every second, at a phase of its own. One in which nothing can have changed is left out: after a change
the next one is set. Sources: cmd/scheduler (--schedule-period 1s), pkg/controllers/podgroup (which PodGroup a pod gets
that names none).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from functools import partial
from typing import cast

from msgspec import Struct, field

from kubeinfer_sim.cluster.environment import Environment
from kubeinfer_sim.cluster.pod import Pod, PodState
from kubeinfer_sim.cluster.records import Unscheduled
from kubeinfer_sim.cluster.scheduler.binpack import Binpack
from kubeinfer_sim.cluster.scheduler.choice import Placing
from kubeinfer_sim.cluster.scheduler.gang import Gang
from kubeinfer_sim.cluster.scheduler.node_state import NodeState
from kubeinfer_sim.cluster.scheduler.pod_gang import PodGang
from kubeinfer_sim.cluster.scheduler.pods import Pod as ScheduledPod
from kubeinfer_sim.cluster.scheduler.scheduler import Scheduler
from kubeinfer_sim.cluster.scheduler.volcano.cycle import Eviction
from kubeinfer_sim.cluster.scheduler.volcano.job import GroupKey, Job, PodGroup, Task, TaskStatus
from kubeinfer_sim.cluster.scheduler.volcano.pod_groups import PodGroupAt, PodGroupView
from kubeinfer_sim.cluster.scheduler.volcano.scheduler import VolcanoScheduler
from kubeinfer_sim.cluster.scheduler.volcano.verdict import Wait
from kubeinfer_sim.engine.clock import Phase, Timer
from kubeinfer_sim.manifest.names_apart import in_namespace
from kubeinfer_sim.manifest.pod_group_annotations import GROUP_NAME, QUEUE_NAME, min_member
from kubeinfer_sim.manifest.suggest import nearest
from kubeinfer_sim.scenario.cluster import model
from kubeinfer_sim.scenario.cluster.model import DEFAULT_QUEUE, ClusterObject

PERIOD = 1_000


class VolcanoSettings(Struct, frozen=True):
    """Volcano's configuration: whether `preempt` and `enqueue` are on, how nodes are scored, and KubeInfers' queue."""

    preempts: bool = False
    binpack: Binpack = field(default_factory=Binpack)
    placement: Placing = "default"
    queue: str = DEFAULT_QUEUE.name
    enqueues: bool = True


class PlacedPart:
    """An instance of which some pods have their places, and those pods."""

    def __init__(self, job: Job) -> None:
        pods = cast("list[Pod]", list(job.tasks))
        self.pods = [pod for pod in pods if job.tasks[pod].status is TaskStatus.ALLOCATED]
        self.instance = pods[0].ref.instance
        self.text = f"{len(self.pods)} of the {len(pods)} pods of {self.instance.name}"


def _is_instance_s(job: Job) -> bool:
    pod = next(iter(job.tasks))
    return isinstance(pod, Pod) and pod.ref.instance.has_roles


class Words(Struct, frozen=True):
    """What is said of a gang that waits: its PodGroup's condition, what it waits for, its pods' conditions."""

    message: str
    waits: list[Wait]
    conditions: tuple[Unscheduled, ...] = ()


class VolcanoScheduling:
    """The pods that Volcano places.

    Args:
        env: the cluster's.
        scheduler: where the nodes are, which it shares.
        settings: its configuration.
        place: told of pods of a gang that got their nodes.
        refused: told of a gang for which the first cycle found no place.
        evict: told whom a job has evicted.
    """

    def __init__(
        self,
        env: Environment,
        scheduler: Scheduler,
        settings: VolcanoSettings,
        *,
        place: Callable[[PodGang, Mapping[Pod, NodeState]], None],
        refused: Callable[[PodGang], None],
        evict: Callable[[Eviction, PodGang], None],
    ) -> None:
        self._clock = env.clock
        self._api = env.api
        self._streams = env.streams
        self._scheduler = scheduler
        self._settings = settings
        self._place = place
        self._refused = refused
        self._evict = evict
        self.volcano = VolcanoScheduler(
            scheduler.index,
            self._uniform,
            binpack=settings.binpack,
            placement=settings.placement,
            preempts=settings.preempts,
            enqueues=settings.enqueues,
        )
        self._view = PodGroupView(self.volcano)
        self._phase = int(env.streams.named("volcano/cycle").random() * PERIOD)
        self._last = -1
        self._wake: Timer | None = None
        self._gangs: dict[Hashable, PodGang] = {}  # of each pod that waits
        self._untried: dict[PodGang, None] = {}
        self._in_vain: set[Pod] = set()  # those that a cycle has looked at
        self._goes_on: dict[PodGang, bool] = {}  # what the owners of gangs that wait know: see `may_go_on`
        self._made: set[GroupKey] = set()
        for written in env.api.objects.values():
            self.object_put(written)

    def _uniform(self, pod: Hashable, what: int | str) -> Callable[[], float]:
        assert isinstance(pod, Pod)
        return self._streams.named(f"volcano/{pod.stream_name}/{what}").random

    # -- gangs ---------------------------------------------------------------------------------------------

    def submit(self, gang: PodGang) -> None:
        """Pods of a gang wait for the next cycle."""
        for each in gang.request.pods:
            pod = each.key
            assert isinstance(pod, Pod)
            self._gangs[pod] = gang
            self.volcano.jobs.add(self._group_of(gang, pod), self._task(gang, pod))
        self._untried[gang] = None
        self.changed()

    def adopt(self, gang: PodGang) -> dict[Pod, str] | None:
        """Nodes for a gang that ran before the simulation began, which are taken; None where there is no room.

        As Volcano would have chosen them; where that finds no place for all, as a search finds one.
        """
        tasks = {}
        for each in gang.request.pods:
            assert isinstance(each.key, Pod)
            tasks[each.key] = self._task(gang, each.key)
        keys = {pod: self._group_of(gang, pod) for pod in tasks}
        found = self.volcano.place_now(self.volcano.jobs.job(next(iter(keys.values()))), tasks.values(), 0)
        if found is None:
            names = self._scheduler.place_now(gang.request)
            if names is None:
                return None
            found = {pod: self._scheduler.index.nodes[name] for pod, name in names.items()}
        else:
            self._scheduler.note_placed(found)
        for pod, task in tasks.items():
            task.status, task.node = TaskStatus.ALLOCATED, found[pod].name
            self.volcano.jobs.add(keys[pod], task)
        return {pod: found[pod].name for pod in tasks}

    def withdraw(self, gang: PodGang) -> bool:
        """The pods of a gang that still wait are not wanted any more; whether there were any."""
        self._untried.pop(gang, None)
        waiting = [pod for pod in gang.pods if self._gangs.get(pod) is gang]
        for pod in waiting:
            del self._gangs[pod]
            self._forget(pod)
        if waiting:
            self.changed()
        return bool(waiting)

    def waits(self, gang: PodGang) -> bool:
        """Whether pods of the gang are still without a node."""
        return any(self._gangs.get(pod) is gang for pod in gang.pods)

    def is_untried(self, gang: PodGang) -> bool:
        """Whether no cycle has looked at it yet."""
        return gang in self._untried

    def may_go_on(self, gang: PodGang) -> bool:
        """Whether a gang that waits may go on by itself: a cycle is due that sees a change, or it has a promise.

        Its owner is told that it is refused again after a cycle that makes the answer another.
        """
        if not self.waits(gang):
            return False
        goes_on = self.is_untried(gang) or self._cycle_is_due or self._has_promise(gang)
        self._goes_on[gang] = goes_on
        return goes_on

    @property
    def _cycle_is_due(self) -> bool:
        return self._wake is not None and self._wake.when <= self.next_cycle

    def _has_promise(self, gang: PodGang) -> bool:
        """Whether it is promised places that become free by themselves: no finalizer keeps the pods there."""
        job = self.volcano.jobs.job_of(next(pod for pod in gang.pods if self._gangs.get(pod) is gang))
        return (
            job is not None
            and job.promised
            and job.group is not None
            and job.group.queue in self.volcano.jobs.queues
            and not any(isinstance(pod, Pod) and pod.held for pod in self.volcano.jobs.awaited_by(job))
        )

    def waiting(self) -> dict[object, PodGang]:
        """The gangs with pods that wait, by key."""
        return {gang.request.key: gang for gang in self._gangs.values()}

    def _task(self, gang: PodGang, pod: Pod) -> Task:
        template = pod.template
        spec = self._scheduler.templates.spec_of(template, pod.namespace, gang.owner)
        now = self._clock.now
        scheduled = ScheduledPod(
            pod, spec, template.priority, now / 1000, never_preempts=not template.preempts
        )
        luck = self._uniform(pod, "uid")()
        return Task(scheduled, pod.ref.name, now, luck, gang.prefer.get(pod, ""))

    # -- PodGroups and queues ------------------------------------------------------------------------------

    def _group_of(self, gang: PodGang, pod: Pod) -> GroupKey:
        """The PodGroup of a pod: the one it names, else one that its controller, or Volcano's, has made for it."""
        named = pod.template.annotations.get(GROUP_NAME)
        if named:
            return pod.namespace, named, 0
        group, instance = gang.group, gang.instance
        queue = pod.template.annotations.get(QUEUE_NAME)
        if group is not None:
            key: GroupKey = pod.namespace, group.name, group.number
            known = self.volcano.jobs.by_group.get(key)
            if known is not None and known.group is not None:
                known.group.min_member = group.min_member
            elif key not in self._made:
                priority = gang.request.priority
                queue = queue or self._settings.queue
                made = PodGroup(pod.namespace, group.name, group.created, group.min_member, queue, priority)
                self._make(key, made)
            return key
        owner = gang.owner.name if gang.owner is not None else f"{instance.owner}-{pod.revision}"
        if instance.kind in ("StatefulSet", "DaemonSet"):
            owner = instance.owner
        number = 1 + instance.ordinal if instance.is_bare_pod else 1
        key = pod.namespace, f"podgroup-{instance.kind}-{owner}", number
        if key not in self._made:
            said = min_member(gang.annotations)
            members = 1 if said is None else said
            least = {name: amount * members for name, amount in pod.template.requests.items()}
            self._make(
                key,
                PodGroup(
                    pod.namespace,
                    key[1],
                    self._clock.now,
                    members,
                    queue or DEFAULT_QUEUE.name,
                    pod.template.priority,
                    least,
                    "Pending",
                ),
            )
        return key

    def _make(self, key: GroupKey, group: PodGroup) -> None:
        self._made.add(key)
        self.volcano.jobs.set_group(key, group)

    def object_put(self, written: ClusterObject) -> None:
        """A PodGroup or a queue appears, or is changed."""
        match written.content:
            case model.Queue() as queue:
                self.volcano.jobs.queues[queue.name] = queue
            case model.PodGroup() as put:
                key: GroupKey = put.namespace, put.name, 0
                before = self.volcano.jobs.job(key).group
                group = PodGroup(
                    put.namespace,
                    put.name,
                    self._clock.now if before is None else before.created,
                    put.min_member,
                    put.queue,
                    self._api.admission.priority_of(put.priority_class),
                    put.min_resources,
                    "" if before is None else before.phase,
                )
                self.volcano.jobs.set_group(key, group)
            case _:
                return
        self.changed()

    def object_deleted(self, written: ClusterObject) -> None:
        """It is gone: the pods that name the PodGroup, or its queue, are not looked at any more."""
        if written.kind == "Queue":
            self.volcano.jobs.queues.pop(written.name, None)
        elif written.kind == "PodGroup":
            self.volcano.jobs.set_group((written.namespace, written.name, 0), None)

    # -- pods that run -------------------------------------------------------------------------------------

    def terminating(self, pod: Pod) -> None:
        """A pod, of whatever scheduler, has a deletion timestamp: what it holds will be free."""
        node = self._scheduler.where(pod)
        if pod.state is not PodState.GONE and pod.holds_place and node is not None:
            self.volcano.jobs.terminates(pod, node)
            self.changed()

    def finished(self, pod: Pod) -> None:
        """Its phase is final: what it held is free."""
        self.volcano.jobs.ended(
            pod, TaskStatus.SUCCEEDED if pod.final_phase == "Succeeded" else TaskStatus.FAILED
        )
        self.changed()

    def gone(self, pod: Pod) -> None:
        """Its object is gone."""
        self._gangs.pop(pod, None)
        self._forget(pod)
        self.changed()

    def _forget(self, pod: Pod) -> None:
        job = self.volcano.jobs.job_of(pod)
        self._in_vain.discard(pod)
        self.volcano.jobs.remove(pod)
        if job is not None and not job.tasks and job.key in self._made:
            self._made.discard(job.key)
            self.volcano.jobs.set_group(job.key, None)

    # -- the cycle -----------------------------------------------------------------------------------------

    def changed(self) -> None:
        """Something changed: the next cycle may place what waits."""
        if self._wake is None and (self.volcano.jobs.waits or self._untried):
            self._set(self._number(self.next_cycle))

    @property
    def next_cycle(self) -> int:
        """When the next cycle that could see what happens now begins, or would (ms)."""
        number = max(self._number(self._clock.now + PERIOD - 1), self._last + 1)
        return number * PERIOD + self._phase

    def _number(self, at: int) -> int:
        """Of the last cycle that has begun at a time."""
        return (at - self._phase) // PERIOD

    def _set(self, number: int) -> None:
        at = number * PERIOD + self._phase
        self._wake = self._clock.at(at, partial(self._run, number), phase=Phase.SCHEDULER)

    def _run(self, number: int) -> None:
        self._wake = None
        self._last = number
        cycle = self.volcano.run(number)
        for _, tasks in cycle.placed:
            self._placed({task.pod.key: node for task, node in tasks})
        refused = [gang for gang in self._untried if self.waits(gang)]
        self._untried.clear()
        for job in cycle.waiting:
            self._in_vain.update(task.pod.key for task in job.pending())  # type: ignore[misc]
        for gang in refused:
            self._refused(gang)
        for eviction in cycle.evicted:
            gang = next(self._gangs[key] for key in eviction.job.tasks if key in self._gangs)
            self._evict(eviction, gang)
        if cycle.again is not None and self._wake is None and self.volcano.jobs.waits:
            self._set(cycle.again)
        self._tell_who_goes_on()

    def _tell_who_goes_on(self) -> None:
        """Tell the owners that have asked where the cycle has given a promise, or left a gang without."""
        known, self._goes_on = self._goes_on, {}
        for gang, went_on in known.items():
            if self.waits(gang):
                goes_on = self._goes_on[gang] = self._has_promise(gang)
                if goes_on is not went_on:
                    self._refused(gang)

    def _placed(self, nodes: Mapping[Hashable, NodeState]) -> None:
        self._scheduler.note_placed(nodes)
        by_gang: dict[PodGang, dict[Pod, NodeState]] = {}
        for pod, node in nodes.items():
            assert isinstance(pod, Pod)
            by_gang.setdefault(self._gangs.pop(pod), {})[pod] = node
        for gang, placed in by_gang.items():
            gang.leave_out(placed)
            self._place(gang, {pod: placed[pod] for pod in gang.pods if pod in placed})

    def placed_together(self, gang: PodGang) -> Gang:
        """The pods of a gang that waits, with those of others of its PodGroup that it has to be placed with."""
        own = gang.request
        job = self.volcano.jobs.job_of(own.pods[0].key)
        if job is None or job.group is None:
            return own
        others = [
            each
            for task in job.pending()
            if (other := self._gangs[task.pod.key]) is not gang
            for each in other.request.pods
            if each.key == task.pod.key
        ]
        lacking = max(0, job.group.min_member - job.ready - len(own.pods))
        return Gang(own.key, (*own.pods, *others[:lacking]), own.priority, own.preempts)

    def has_place_in_other_draws(self, gang: PodGang) -> bool:
        """Whether a gang without a place would have one, had chance drawn otherwise."""
        return self.volcano.has_place_in_other_draws(self._tasks(gang))

    def _tasks(self, gang: PodGang) -> list[Task]:
        """The pods of a gang that waits, and those that it has to be placed with."""
        tasks = []
        for each in self.placed_together(gang).pods:
            assert isinstance(each.key, Pod)
            job = self.volcano.jobs.job_of(each.key)
            tasks.append(self._task(gang, each.key) if job is None else job.tasks[each.key])
        return tasks

    def in_order(self, gang: PodGang) -> list[ScheduledPod]:
        """These as the nodes know them, in the order in which they are placed."""
        return [task.pod for task in sorted(self._tasks(gang), key=lambda task: task.order)]

    def ahead_of(self, gang: PodGang) -> list[PodGang]:
        """The gangs of other PodGroups that are looked at before it, in their order; shares of queues aside."""

        def turn(each: PodGang) -> tuple[int, int, str]:
            job = self.volcano.jobs.job_of(each.pods[0])
            group = None if job is None else job.group
            if group is None:
                return -each.request.priority, 0, ""
            return -group.priority, group.created // 1000, f"{group.namespace}/{group.name}"

        own = turn(gang)
        return sorted((each for each in self.waiting().values() if turn(each) < own), key=turn)

    def words(self, gang: PodGang, fits: bool) -> Words:
        """What Volcano says of a gang that waits, and all it waits for but room on nodes, which these tell.

        `fits`: a search finds places for all its pods. Of a pod without its PodGroup, or of one without its queue,
        Volcano says nothing.
        """
        pods = [pod for pod in gang.pods if self._gangs.get(pod) is gang]
        pod = pods[0]
        job = self.volcano.jobs.job_of(pod)
        if job is None or job.group is None:
            name = pod.template.annotations.get(GROUP_NAME)
            missing = f"there is no PodGroup {name}, which {pod.ref.name} names"
            return Words("", [Wait(missing, "PodGroup")])
        group = job.group
        if group.queue not in self.volcano.jobs.queues:
            near = nearest(group.queue, self.volcano.jobs.queues)
            meant = f" (is {near} meant?)" if near is not None else ""
            missing = f"there is no queue {group.queue}{meant}, which PodGroup {group.name} names"
            return Words("", [Wait(missing, "queue")])
        verdict = self.volcano.explain(job, max(self._last, 0))
        waits = verdict.waits(pods)
        if fits and not waits:
            tried = "all its pods fit, but not where Volcano tries them one by one, each on the node it scores best"
            waits.append(Wait(tried, "search"))
        conditions = tuple(
            Unscheduled(
                each.ref,
                verdict.reason(task),
                verdict.message(task, f"{each.namespace}/{in_namespace(each.ref.name)}"),
            )
            for each in pods
            if (task := job.tasks.get(each)) is not None
        )
        if job.ready < group.min_member:
            return Words(verdict.pod_group, waits, conditions)
        # Of the PodGroup nothing is said any more, of its pods that wait all the same.
        return Words(conditions[0].message, waits, conditions)

    def partly_placed(self) -> list[PlacedPart]:
        """The instances of which some pods have their places, as minMember allows, and others wait for theirs."""
        return [PlacedPart(job) for job in self.volcano.jobs.partly_placed if _is_instance_s(job)]

    def pod_groups(self) -> tuple[PodGroupAt, ...]:
        """The PodGroups as they are shown now, to be asked after whatever happens."""
        cycle = self._number(self._clock.now)
        return self._view.at(cycle, cycle * PERIOD + self._phase)

    def knows_of(self, pod: Pod) -> bool:
        """Whether it is one of its pods."""
        return self.volcano.jobs.job_of(pod) is not None

    def has_refused(self, pod: Pod) -> bool:
        """Whether a cycle has looked at a pod in vain: what has no PodGroup, or no queue, is never looked at."""
        return pod in self._in_vain

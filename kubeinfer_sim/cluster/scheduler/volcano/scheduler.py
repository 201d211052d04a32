"""Volcano's scheduler: one cycle looks at all PodGroups in their order and gives their pods nodes, or promises them.

It keeps no time: the caller says which cycle it is. Source: pkg/scheduler/actions/enqueue, allocate and preempt,
plugins/gang, priority, drf and conformance, framework/session_plugins.go (JobOrderFn), all of v1.15.1. Left out: tasks
of VolcanoJobs, network topology, `reclaim`, `backfill` (pods without requests are placed as any).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Sequence
from math import inf
from typing import NamedTuple

from msgspec import Struct, field

from kubeinfer_sim.cluster.scheduler.binpack import Binpack
from kubeinfer_sim.cluster.scheduler.choice import NodeChoice, Placing
from kubeinfer_sim.cluster.scheduler.node_class import accepts
from kubeinfer_sim.cluster.scheduler.node_index import NodeIndex
from kubeinfer_sim.cluster.scheduler.node_state import NodeState
from kubeinfer_sim.cluster.scheduler.pods import Pod, PodSpec
from kubeinfer_sim.cluster.scheduler.volcano.job import (
    Account,
    GroupKey,
    HeldBack,
    Job,
    Phase,
    PodGroup,
    Task,
    TaskStatus,
)
from kubeinfer_sim.cluster.scheduler.volcano.other_draws import OtherDraws
from kubeinfer_sim.cluster.scheduler.volcano.places import Places
from kubeinfer_sim.cluster.scheduler.volcano.queues import Share, Shares, Shortage
from kubeinfer_sim.cluster.scheduler.volcano.verdict import Fate, Verdict, misfits
from kubeinfer_sim.manifest.releases import release_of
from kubeinfer_sim.scenario.cluster.model import DEFAULT_QUEUE, Queue

#: So many cycles ahead it is looked whether chance places a gang of unlike pods that has not found its places.
LOOK_AHEAD = 30
#: The Kubernetes libraries Volcano v1.15.1 is built with.
LIBRARIES = release_of("1.35")
#: Priority classes whose pods nobody evicts (plugins/conformance).
_CRITICAL = 2_000_000_000


class Eviction(NamedTuple):
    """A pod that has to go, and the job it goes for; `drawn`: chance chose its node among others of equal score."""

    victim: Task
    job: Job
    drawn: bool


class Cycle(Struct):
    """What came of a cycle.

    Attributes:
        placed: pods with the nodes they got, job by job.
        evicted: pods that have to go.
        waiting: the jobs that were looked at and still have pods without a node.
        again: the number of the next cycle in which, with nothing changed, chance places a gang; None: in none.
    """

    placed: list[tuple[Job, list[tuple[Task, NodeState]]]] = field(default_factory=list)
    evicted: list[Eviction] = field(default_factory=list)
    waiting: list[Job] = field(default_factory=list)
    again: int | None = None


class VolcanoScheduler:
    """All jobs, and the cycle that places their pods.

    Args:
        index: the nodes, which other schedulers may share.
        uniform: draws numbers in [0, 1) for a pod, by what they decide.
        placement: other scores than Volcano's own (`default`).
        preempts: the action `preempt` is configured.
        enqueues: the action `enqueue` is.
    """

    def __init__(
        self,
        index: NodeIndex,
        uniform: Callable[[Hashable, int | str], Callable[[], float]],
        *,
        binpack: Binpack | None = None,
        placement: Placing = "default",
        preempts: bool = False,
        enqueues: bool = True,
    ) -> None:
        self._index = index
        self._uniform = uniform
        self._choice = NodeChoice(
            index,
            placement,
            self._draw,
            binpack=Binpack() if binpack is None else binpack,
            spreads=False,
            kubernetes=LIBRARIES,
        )
        self._preempts = preempts
        self._enqueues = enqueues
        self._attempt: int | str = 0
        self.queues: dict[str, Queue] = {DEFAULT_QUEUE.name: DEFAULT_QUEUE}
        self.jobs: dict[GroupKey, Job] = {}
        self._accounts: dict[str, Account] = {}
        self._limited: dict[GroupKey, Job] = {}
        self._waiting: dict[GroupKey, Job] = {}
        self._tasks: dict[Hashable, tuple[Job, Task]] = {}
        #: Pods that terminate and still hold what they hold: of whatever scheduler.
        self._releasing: dict[Hashable, NodeState] = {}

    def _draw(self, pod: Hashable) -> float:
        return self._uniform(pod, self._attempt)()

    # -- jobs and their pods -------------------------------------------------------------------------------

    @property
    def waits(self) -> bool:
        """Whether any pod waits for a node that the scheduler looks at."""
        return bool(self._waiting)

    @property
    def partly_placed(self) -> list[Job]:
        """The jobs of which some pods run and others, which they can do without, wait."""
        return [
            job
            for job in self._waiting.values()
            if job.group is not None
            and job.group.min_member <= job.ready
            and job.counts[TaskStatus.ALLOCATED]
        ]

    def awaited_by(self, job: Job) -> list[Hashable]:
        """The pods that terminate on the nodes where places are promised to a job."""
        return [pod for pod, node in self._releasing.items() if node.name in job.promised_on]

    def job(self, key: GroupKey) -> Job:
        """The job of a PodGroup, whether or not there is one of this name."""
        job = self.jobs.get(key)
        if job is None:
            job = self.jobs[key] = Job(key)
        return job

    def job_of(self, pod: Hashable) -> Job | None:
        """The job a pod belongs to."""
        found = self._tasks.get(pod)
        return None if found is None else found[0]

    def set_group(self, key: GroupKey, group: PodGroup | None) -> None:
        """There is such a PodGroup from now on, or (None) none any more."""
        job = self.job(key)
        account = None if group is None else self._accounts.setdefault(group.queue, Account())
        job.set_group(group, account)
        self._limited.pop(key, None)
        if group is not None and group.min_resources is not None:
            self._limited[key] = job
        self._settle(job)

    def add(self, key: GroupKey, task: Task) -> None:
        """A pod of a job comes; with a node it runs there already."""
        job = self.job(key)
        job.add(task)
        self._tasks[task.pod.key] = job, task
        self._settle(job)

    def remove(self, pod: Hashable) -> None:
        """A pod is gone; nothing happens if it is of no job."""
        self._releasing.pop(pod, None)
        found = self._tasks.pop(pod, None)
        if found is not None:
            job, _ = found
            self._keep_phase(job)
            job.remove(pod)
            self._settle(job)

    def ended(self, pod: Hashable, status: TaskStatus) -> None:
        """A pod has succeeded or failed: what it held is free, its object stays."""
        self._releasing.pop(pod, None)
        self._set_status(pod, status)

    def terminates(self, pod: Hashable, node: NodeState) -> None:
        """A pod on a node, of whatever scheduler, has a deletion timestamp."""
        self._releasing[pod] = node
        self._set_status(pod, TaskStatus.RELEASING)

    def _set_status(self, pod: Hashable, status: TaskStatus) -> None:
        found = self._tasks.get(pod)
        if found is not None:
            job, task = found
            self._keep_phase(job)
            job.set_status(task, status)
            self._settle(job)

    def _keep_phase(self, job: Job) -> None:
        """Pods of a job are about to go: cycles that were left out since it was let in have seen them run."""
        if job.key in self._limited:
            assert job.group is not None
            if job.group.phase == "Inqueue":
                job.group.phase = job.phase_after("Inqueue", running=False, bound=job.bound())

    def node_gone(self, node: NodeState) -> None:
        """A node is deleted: nothing there is released any more."""
        for key in [key for key, where in self._releasing.items() if where is node]:
            del self._releasing[key]

    def _settle(self, job: Job) -> None:
        """Keep account of whether a job waits."""
        if job.waits:
            self._waiting[job.key] = job
        else:
            self._waiting.pop(job.key, None)
            if job.group is None and not job.tasks:
                self.jobs.pop(job.key, None)

    # -- a cycle -------------------------------------------------------------------------------------------

    def run(self, number: int) -> Cycle:
        """Look at all jobs once; `number` counts cycles."""
        session = _Session(self, number)
        try:
            session.enqueue()
            session.allocate()
            if self._preempts:
                session.preempt()
        finally:
            session.close()
        return session.result

    def explain(self, job: Job, number: int) -> Verdict:
        """What a cycle makes of a job as things are now; nothing is changed."""
        session = _Session(self, number, explained=job)
        try:
            session.enqueue()
            session.allocate()
            shortage, others = session.shortage(job), session.promised_to_others(job)
            ready = session._ready(job)
        finally:
            session.close()
        if others and not self._fits_alone(job, number):
            others = ()
        return Verdict(job, session.fates, session.held_back, session.origin, ready, shortage, others)

    def _fits_alone(self, job: Job, number: int) -> bool:
        """Whether a job would get places, or the promise of them, if no other waited."""
        session = _Session(self, number, explained=job, alone=True)
        try:
            session.enqueue()
            session.allocate()
            return session.gives_enough(job)
        finally:
            session.close()

    def place_now(self, job: Job, tasks: Iterable[Task], number: int) -> dict[Hashable, NodeState] | None:
        """Places for pods of a job at once, past all that wait, which are taken; None when not all find one."""
        places = Places(self._index, self._choice, {})
        taken: list[tuple[Task, NodeState]] = []
        self._attempt = number
        for task in sorted(tasks, key=lambda task: task.order):
            self._index.register(task.pod.spec)
            found = places.find(task.pod, task.prefer)
            if found is None:
                for other, node in taken:
                    places.give_back(other.pod, node)
                return None
            places.take(task.pod, found[0])
            taken.append((task, found[0]))
        return {task.pod.key: node for task, node in taken}

    def find(self, pods: Sequence[Pod], attempt: str) -> dict[Hashable, NodeState] | None:
        """Reserve nodes for pods one by one, with draws of their own; None, and nothing, when one finds none."""
        self._set_attempt(attempt)
        places = Places(self._index, self._choice, {})
        taken: list[tuple[Pod, NodeState]] = []
        for pod in pods:
            found = places.find(pod)
            if found is None:
                for other, node in taken:
                    places.give_back(other, node)
                return None
            places.take(pod, found[0])
            taken.append((pod, found[0]))
        return {pod.key: node for pod, node in taken}

    def remove_tried(self, pod: Hashable, node: NodeState) -> None:
        """Give back what `find` has reserved for a pod."""
        self._index.remove(node, pod)

    def has_place_in_other_draws(self, tasks: Sequence[Task]) -> bool:
        """Whether pods would have places, had chance given those that are placed others of equal nodes."""
        placed = [each for each in self._tasks.values() if each[1].status is TaskStatus.ALLOCATED]
        gangs: dict[tuple[int, GroupKey], list[Task]] = {}
        for job, task in sorted(placed, key=_turn):
            gangs.setdefault((task.cycle, job.key), []).append(task)
        draws = OtherDraws(self._index, self._choice, self._set_attempt, self._draw_of_uid)
        return draws.place(list(gangs.values()), tasks)

    def _set_attempt(self, attempt: str) -> None:
        self._attempt = attempt

    def _draw_of_uid(self, pod: Hashable) -> float:
        return self._uniform(pod, f"uid/{self._attempt}")()


class _Session:
    """One cycle in the making.

    With a job `explained` nothing is decided, and what becomes of that job's pods is noted; `alone`: as if no other job
    waited.
    """

    def __init__(
        self, volcano: VolcanoScheduler, number: int, explained: Job | None = None, *, alone: bool = False
    ) -> None:
        self._volcano = volcano
        self._number = number
        self._explained = explained
        self._alone = alone
        self._index = volcano._index
        self._choice = volcano._choice
        self._places = Places(self._index, self._choice, volcano._releasing)
        self._shares = Shares(
            volcano.queues,
            volcano._accounts,
            [(job, self._phase_now(job)) for job in volcano._limited.values()],
            self._index.total,
            lambda name: self._index.in_use.get(name, 0),
        )
        self.result = Cycle()
        self.fates: dict[Hashable, Fate] = {}
        self.held_back: HeldBack | None = None
        self.origin: str = ""
        self._holds_back = False
        self._admitted: set[GroupKey] = set()
        #: Pods that got places in this cycle: allocated (True) or promised, by job.
        self._given: dict[GroupKey, list[tuple[Task, NodeState, bool]]] = {}
        self._left: dict[GroupKey, list[Task]] = {}
        self._hopeless: set[Hashable] = set()
        self._served: set[GroupKey] = set()

    def _phase_now(self, job: Job) -> Phase:
        """The phase with which a PodGroup that has minResources comes into the cycle.

        What a cycle places is bound in the next, at the end of which the phase follows. For a job that is explained it
        is as if that were done.
        """
        group = job.group
        assert group is not None
        bound = job.bound(self._number - 1 if self._explained is None else None)
        phase = job.phase_after(group.phase, running=bound > 0, bound=bound)
        if self._explained is None:
            group.phase = phase
        return phase

    # -- order ---------------------------------------------------------------------------------------------

    def _given_to(self, job: Job, *, now: bool) -> int:
        return sum(allocated is now for _, _, allocated in self._given.get(job.key, ()))

    def _ready(self, job: Job) -> bool:
        assert job.group is not None
        return job.ready + self._given_to(job, now=True) >= job.group.min_member

    def _pipelined(self, job: Job) -> bool:
        assert job.group is not None
        return job.ready + len(self._given.get(job.key, ())) >= job.group.min_member

    def _order(self, job: Job) -> tuple[float | int | bool | str, ...]:
        """Sort key: priority, jobs that are not ready, those that hold least, age in seconds, name."""
        group = job.group
        assert group is not None
        held = dict(job.allocated)
        for task, _, _ in self._given.get(job.key, ()):
            for name, amount in task.pod.spec.demand:
                held[name] = held.get(name, 0) + amount
        parts = (
            amount / total
            for name, amount in held.items()
            if amount and (total := self._index.total(name)) not in (0, inf)
        )
        return (
            -group.priority,
            self._ready(job),
            max(parts, default=0.0),
            group.created // 1000,
            f"{group.namespace}/{group.name}",
        )

    def _jobs(self) -> list[Job]:
        """The jobs that wait in queues that exist."""
        return [
            job
            for job in self._volcano._waiting.values()
            if job.group is not None
            and job.group.queue in self._shares
            and not (self._alone and job is not self._explained)
        ]

    # -- enqueue -------------------------------------------------------------------------------------------

    def enqueue(self) -> None:
        """Let PodGroups in for whose minResources there is room: all of the first queue, then of the next.

        Without this action `allocate` lets all of them in.
        """
        waiting = [
            job for job in self._jobs() if job.group is not None and job.group.phase in ("", "Pending")
        ]
        let_in = False
        for job in sorted(waiting, key=self._enqueue_order) if len(waiting) > 1 else waiting:
            assert job.group is not None
            why = self._shares.hold_back(job) if self._volcano._enqueues else None
            if job is self._explained:
                self.held_back = why
            if why is None:
                self._admitted.add(job.key)
                let_in |= job.group.min_resources is not None
                if self._explained is None:
                    job.group.phase = "Inqueue"
            else:
                self._holds_back = True
                if self._explained is None:
                    job.group.phase = "Pending"
        if let_in:
            self._look_again()

    def _enqueue_order(
        self, job: Job
    ) -> tuple[tuple[float, float, str], tuple[float | int | bool | str, ...]]:
        # Letting a PodGroup in gives its queue nothing yet, so that the first queue stays the first.
        assert job.group is not None
        return self._queue_order(job.group.queue), self._order(job)

    def _look_again(self) -> None:
        """The next cycle counts PodGroups that are let in otherwise: whom this one holds back it may let in."""
        if self._holds_back:
            self.result.again = self._number + 1

    # -- allocate ------------------------------------------------------------------------------------------

    def allocate(self) -> None:
        """Give the jobs' pods places, the first job of the first queue first, as long as any can be given."""
        lines: dict[str, list[Job]] = {}
        for job in self._jobs():
            group = job.group
            assert group is not None
            if (group.phase in ("", "Pending") and job.key not in self._admitted) or not job.valid:
                self._looked_at(job)
                continue
            self._left[job.key] = job.pending()
            lines.setdefault(group.queue, []).append(job)
        for line in lines.values():
            line.sort(key=self._order, reverse=True)
        while lines:
            name = min(lines, key=self._queue_order) if len(lines) > 1 else next(iter(lines))
            line, share = lines[name], self._shares[name]
            if share.overused:
                for job in lines.pop(name):
                    self._looked_at(job)
                continue
            job = line.pop()
            if self._try(job, share) and self._left[job.key]:
                line.append(job)
                line.sort(key=self._order, reverse=True)
            else:
                self._looked_at(job)
            if not line:
                del lines[name]
        if self._holds_back and any(map(self._is_being_bound, self._volcano._limited.values())):
            self._look_again()

    def _is_being_bound(self, job: Job) -> bool:
        """Whether a PodGroup that counts as let in in this cycle and the next will then count as running."""
        assert job.group is not None
        if job.group.phase != "Inqueue":
            return False
        return job.phase_after("Inqueue", running=False, bound=job.bound()) != "Inqueue"

    def _queue_order(self, name: str) -> tuple[float, float, str]:
        share = self._shares[name]
        return -share.queue.priority, share.part, name

    def _looked_at(self, job: Job) -> None:
        if self._explained is None:
            self._note_promise(job, promised=job.key in self._given and not self._ready(job))
            if self._given_to(job, now=True) < job.counts[TaskStatus.PENDING] or job.promised:
                self.result.waiting.append(job)

    def _note_promise(self, job: Job, *, promised: bool) -> None:
        given = self._given.get(job.key, ()) if promised else ()
        job.promised = promised
        job.promised_on = frozenset(node.name for _, node, now in given if not now)

    def _try(self, job: Job, share: Share) -> bool:
        """Give pods of a job places until it has enough; whether it is ready then."""
        # What has got pods placed in this cycle fits unlike what has not.
        signature = None if job.key in self._served else self._signature(job)
        if signature in self._hopeless and job is not self._explained:
            return False
        if job.first_cycle is None and self._explained is None:
            job.first_cycle = self._number
        first = self._number if job.first_cycle is None else job.first_cycle
        given = self._place(job, share, self._number - first)
        if self._ready(job):
            self._places.keep()
            self._served.add(job.key)
            if self._explained is None:
                self._commit(job)
            return True
        if self._pipelined(job):
            self._places.keep()
            return False
        self._undo(job, share, given)
        if signature is not None and not any(task.prefer for task, _, _ in given):
            self._hopeless.add(signature)
        if self._explained is None:
            self._look_ahead(job, share, self._number - first)
        return False

    def _signature(self, job: Job) -> Hashable:
        """Jobs with equal signatures fit or do not fit alike, but for chance."""
        group = job.group
        assert group is not None
        counts: dict[PodSpec, int] = {}
        for task in self._left[job.key]:
            counts[task.pod.spec] = counts.get(task.pod.spec, 0) + 1
        missing = group.min_member - job.ready
        return group.queue, missing, len(job.tasks) == group.min_member, frozenset(counts.items())

    def _place(self, job: Job, share: Share, attempt: int) -> list[tuple[Task, NodeState, bool]]:
        """Pod by pod, each on the best node for it (allocateResourcesForTasks); returns what was given."""
        group = job.group
        assert group is not None
        explained = job is self._explained
        self._volcano._attempt = attempt
        left = self._left[job.key]
        given = self._given.setdefault(job.key, [])
        before = len(given)
        while left:
            task = left.pop(0)
            self._index.register(task.pod.spec)
            if not share.allows(task):
                continue
            found = self._places.find(task.pod, task.prefer)
            if found is None:
                if explained:
                    self._note_misfit(task)
                if group.min_member == len(job.tasks):
                    break
                continue
            node, now = found
            self._places.take(task.pod, node)
            share.take(task)
            given.append((task, node, now))
            if explained:
                self.fates[task.pod.key] = Fate("allocated" if now else "pipelined", node.name)
            if self._ready(job):
                break
        fresh = given[before:]
        if not given:
            del self._given[job.key]
        return fresh

    def _note_misfit(self, task: Task) -> None:
        text = misfits(self._index, self._choice, task.pod)
        self.fates[task.pod.key] = Fate("unfit", text)
        if not self.origin:
            self.origin = f"{task.name}: {text}"

    def _undo(self, job: Job, share: Share, given: list[tuple[Task, NodeState, bool]]) -> None:
        for task, node, _ in given:
            self._places.give_back(task.pod, node)
            share.take(task, -1)
        kept = self._given.get(job.key)
        if kept is not None:
            del kept[len(kept) - len(given) :]
            if not kept:
                del self._given[job.key]

    def _commit(self, job: Job) -> None:
        """What was given now is given for good (promises are none): the pods count as placed."""
        given = self._given.get(job.key, [])
        placed = [(task, node) for task, node, now in given if now and task.status is TaskStatus.PENDING]
        if not placed:
            return
        for task, node in placed:
            task.node, task.cycle = node.name, self._number
            job.set_status(task, TaskStatus.ALLOCATED)
        self._given[job.key] = [each for each in given if not each[2]]
        if not self._given[job.key]:
            del self._given[job.key]
        job.first_cycle, job.last_cycle = None, self._number
        self._volcano._settle(job)
        self.result.placed.append((job, placed))

    def _look_ahead(self, job: Job, share: Share, attempt: int) -> None:
        """A gang of unlike pods may have better luck in a later cycle, though nothing has changed by then."""
        tasks = job.pending()
        specs = {task.pod.spec for task in tasks}
        if len(specs) < 2 or not self._may_fit(tasks):
            return
        for ahead in range(1, LOOK_AHEAD + 1):
            self._left[job.key] = list(tasks)
            given = self._place(job, share, attempt + ahead)
            lucky = self._ready(job)
            self._undo(job, share, given)
            if lucky:
                cycle = self._number + ahead
                self.result.again = min(cycle, self.result.again or cycle)
                return

    def _may_fit(self, tasks: list[Task]) -> bool:
        counts: dict[PodSpec, int] = {}
        for task in tasks:
            counts[task.pod.spec] = counts.get(task.pod.spec, 0) + 1
        return not self._index.too_little_for(counts) and all(
            self._index.room(spec, number) >= number for spec, number in counts.items()
        )

    # -- preempt -------------------------------------------------------------------------------------------

    def preempt(self) -> None:
        """Evict pods of less important jobs of the same queue for those that lack pods, all or none."""
        starving = [job for job in self._jobs() if job.valid and not self._pipelined(job)]
        for job in sorted(starving, key=self._order):
            group = job.group
            assert group is not None
            if group.phase in ("", "Pending"):
                continue
            self._preempt_for(job, self._shares[group.queue])

    def _preempt_for(self, job: Job, share: Share) -> None:
        group = job.group
        assert group is not None
        victims: list[Eviction] = []
        given = self._given.setdefault(job.key, [])
        before = len(given)
        for task in job.pending():
            if self._pipelined(job):
                break
            if not task.pod.never_preempts:
                found = self._preempt_on_some_node(job, task, share)
                if found is not None:
                    node, gone, drawn = found
                    victims += [Eviction(victim, job, drawn) for victim in gone]
                    self._places.will_have_room(node, task.pod)
                    self._places.take(task.pod, node)
                    share.take(task)
                    given.append((task, node, False))
        if self._pipelined(job):
            self._note_promise(job, promised=True)
            self.result.evicted += victims
            return
        self._undo(job, share, given[before:])
        for victim, _, _ in victims:
            self._places.keeps(victim.pod)
            share.take(victim)

    def _preempt_on_some_node(
        self, job: Job, task: Task, share: Share
    ) -> tuple[NodeState, list[Task], bool] | None:
        """The first of the best nodes where that helps, with those that have to go; whether chance chose it."""
        self._index.stats.nodes += len(self._index.nodes)
        nodes = [node for node in self._index.nodes.values() if accepts(node, task.pod.spec)]
        total = self._choice.totals(task.pod, nodes, self._index.cluster) if len(nodes) > 1 else {}
        draw = self._volcano._uniform(task.pod.key, "preempt")
        luck = {node.name: draw() for node in nodes}
        alike = Counter(total.values())
        for node in sorted(nodes, key=lambda node: (-total.get(node.name, 0), luck[node.name])):
            gone: list[Task] = []
            for victim in self._victims(job, node):
                if share.allows(task) and self._places.will_have_room(node, task.pod):
                    break
                self._places.releases(victim.pod, node)
                share.take(victim, -1)
                gone.append(victim)
            if share.allows(task) and self._places.will_have_room(node, task.pod):
                return node, gone, alike[total.get(node.name, 0)] > 1
            for victim in gone:
                self._places.keeps(victim.pod)
                share.take(victim)
        return None

    def _victims(self, job: Job, node: NodeState) -> list[Task]:
        """Whom a job may have evicted on a node, the least important first."""
        group = job.group
        assert group is not None
        found: list[tuple[Job, Task]] = []
        for key in node.pods:
            other, task = self._volcano._tasks.get(key, (None, None))
            if other is None or task is None or other is job or other.group is None:
                continue
            if (
                task.status is TaskStatus.ALLOCATED
                and task.node == node.name
                and other.group.queue == group.queue
                and other.group.priority < group.priority
                and task.pod.priority < _CRITICAL
                and other.group.namespace != "kube-system"
                and key not in self._places
            ):
                found.append((other, task))
        found.sort(key=lambda each: (self._order(each[0])[:3], each[1].order), reverse=True)
        return [task for _, task in found]

    # -- why a job waits -----------------------------------------------------------------------------------

    def shortage(self, job: Job) -> Shortage | None:
        """What a job's queue may have too little of for the pods that the job still needs."""
        group = job.group
        assert group is not None
        share, tasks = self._shares[group.queue], job.pending()
        own = [task for task, _, _ in self._given.get(job.key, ())]
        for task in own:
            share.take(task, -1)
        short = self._shares.shortage(group.queue, tasks, min(_still_needed(job), len(tasks)))
        for task in own:
            share.take(task)
        return short

    def gives_enough(self, job: Job) -> bool:
        """Whether a job gets as many places, or the promise of them, as it must to have any pod placed."""
        return len(self._given.get(job.key, ())) >= _still_needed(job)

    def promised_to_others(self, job: Job) -> tuple[str, ...]:
        """The PodGroups of other jobs that are promised places until all that they need is free."""
        if self.gives_enough(job):
            return ()
        return tuple(key[1] for key, given in self._given.items() if given and key != job.key)

    # -- the end -------------------------------------------------------------------------------------------

    def close(self) -> None:
        """Promises last no longer than the cycle; all else stands."""
        for given in self._given.values():
            for task, node, _ in given:
                self._places.give_back(task.pod, node)
        self._given.clear()
        self._places.close()


def _turn(placed: tuple[Job, Task]) -> tuple[int, int, int]:
    """Sort key of a pod that is placed: its cycle, and the order there of PodGroups."""
    job, task = placed
    group = job.group
    return (task.cycle, 0, 0) if group is None else (task.cycle, -group.priority, group.created // 1000)


def _still_needed(job: Job) -> int:
    """How many pods of a job that waits have to get places together."""
    assert job.group is not None
    return max(1, job.group.min_member - job.ready)

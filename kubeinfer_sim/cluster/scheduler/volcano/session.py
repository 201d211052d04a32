"""One cycle of Volcano: it looks at all PodGroups in their order and gives their pods nodes, or promises them.

Source: pkg/scheduler/actions/enqueue, allocate and preempt, plugins/gang, priority, drf and conformance,
framework/session_plugins.go (JobOrderFn), all of v1.15.1.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable
from math import inf

from kubeinfer_sim.cluster.scheduler.choice import NodeChoice
from kubeinfer_sim.cluster.scheduler.node_class import accepts
from kubeinfer_sim.cluster.scheduler.node_index import NodeIndex
from kubeinfer_sim.cluster.scheduler.node_state import NodeState
from kubeinfer_sim.cluster.scheduler.pods import PodSpec
from kubeinfer_sim.cluster.scheduler.volcano.cycle import Cycle, Eviction
from kubeinfer_sim.cluster.scheduler.volcano.draws import Draws
from kubeinfer_sim.cluster.scheduler.volcano.job import GroupKey, HeldBack, Job, Phase, Task, TaskStatus
from kubeinfer_sim.cluster.scheduler.volcano.jobs import Jobs
from kubeinfer_sim.cluster.scheduler.volcano.places import Places
from kubeinfer_sim.cluster.scheduler.volcano.queues import Share, Shares, Shortage
from kubeinfer_sim.cluster.scheduler.volcano.verdict import Fate, misfits

#: So many cycles ahead it is looked whether chance places a gang of unlike pods that has not found its places.
LOOK_AHEAD = 30
#: Priority classes whose pods nobody evicts (plugins/conformance).
_CRITICAL = 2_000_000_000


class Session:
    """One cycle in the making.

    With a job `explained` nothing is decided, and what becomes of that job's pods is noted; `alone`: as if no other job
    waited.
    """

    def __init__(
        self,
        jobs: Jobs,
        index: NodeIndex,
        choice: NodeChoice,
        draws: Draws,
        number: int,
        explained: Job | None = None,
        alone: bool = False,
    ) -> None:
        self._jobs = jobs
        self._index = index
        self._choice = choice
        self._draws = draws
        self._number = number
        self._explained = explained
        self._alone = alone
        self._places = Places(index, choice, jobs.releasing)
        self._shares = Shares(
            jobs.queues,
            jobs.accounts,
            [(job, self._phase_now(job)) for job in jobs.limited.values()],
            index.total,
            lambda name: index.in_use.get(name, 0),
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

    def ready(self, job: Job) -> bool:
        """Whether so many of a job's pods have places as must have them together."""
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
            self.ready(job),
            max(parts, default=0.0),
            group.created // 1000,
            f"{group.namespace}/{group.name}",
        )

    def _waiting(self) -> list[Job]:
        """The jobs that wait in queues that exist."""
        return [
            job
            for job in self._jobs.waiting.values()
            if job.group is not None
            and job.group.queue in self._shares
            and not (self._alone and job is not self._explained)
        ]

    # -- enqueue -------------------------------------------------------------------------------------------

    def enqueue(self, *, all_of_them: bool = False) -> None:
        """Let PodGroups in for whose minResources there is room: all of the first queue, then of the next.

        `all_of_them`: as `allocate` does where this action is not configured.
        """
        waiting = [
            job for job in self._waiting() if job.group is not None and job.group.phase in ("", "Pending")
        ]
        let_in = False
        for job in sorted(waiting, key=self._enqueue_order) if len(waiting) > 1 else waiting:
            assert job.group is not None
            why = None if all_of_them else self._shares.hold_back(job)
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
        for job in self._waiting():
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
        if self._holds_back and any(map(self._is_being_bound, self._jobs.limited.values())):
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
            self._note_promise(job, promised=bool(self._given.get(job.key)) and not self.ready(job))
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
        if self.ready(job):
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
        self._draws.begin(attempt)
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
            if self.ready(job):
                break
        return given[before:]

    def _note_misfit(self, task: Task) -> None:
        text = misfits(self._index, self._choice, task.pod)
        self.fates[task.pod.key] = Fate("unfit", text)
        if not self.origin:
            self.origin = f"{task.name}: {text}"

    def _undo(self, job: Job, share: Share, given: list[tuple[Task, NodeState, bool]]) -> None:
        for task, node, _ in given:
            self._places.give_back(task.pod, node)
            share.take(task, -1)
        kept = self._given[job.key]
        del kept[len(kept) - len(given) :]

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
        job.first_cycle, job.last_cycle = None, self._number
        self._jobs.settle(job)
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
            lucky = self.ready(job)
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
        starving = [job for job in self._waiting() if job.valid and not self._pipelined(job)]
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
        draw = self._draws.of_preemption(task.pod.key)
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
            other, task = self._jobs.tasks.get(key, (None, None))
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


def _still_needed(job: Job) -> int:
    """How many pods of a job that waits have to get places together."""
    assert job.group is not None
    return max(1, job.group.min_member - job.ready)

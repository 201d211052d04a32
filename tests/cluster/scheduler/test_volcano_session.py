"""What one of Volcano's cycles makes of its jobs: the order, promises and what is left of them, queues and words."""

from __future__ import annotations

import pytest
from building import NPU

from kubeinfer_sim.cluster.scheduler.node_index import NodeIndex
from kubeinfer_sim.cluster.scheduler.pods import Pod, PodSpec
from kubeinfer_sim.cluster.scheduler.volcano.job import Account, HeldBack, Job, PodGroup, Task, TaskStatus
from kubeinfer_sim.cluster.scheduler.volcano.queues import Shortage
from kubeinfer_sim.cluster.scheduler.volcano.scheduler import VolcanoScheduler
from kubeinfer_sim.cluster.scheduler.volcano.verdict import Verdict
from kubeinfer_sim.scenario.cluster.model import NodeSpec, Queue


class Volcano(VolcanoScheduler):
    """Volcano on nodes n0, n1 … with so many NPUs each, and no chance: of equal nodes the first."""

    def __init__(self, *npus: int, **options: bool) -> None:
        self.index = NodeIndex(
            [NodeSpec(f"n{i}", "pool", {NPU: each, "cpu": 100_000}) for i, each in enumerate(npus)],
            pack=False,
        )
        super().__init__(self.index, lambda pod, what: lambda: 0.0, placement="mostAllocated", **options)
        self.specs: dict[object, PodSpec] = {}
        self.cycles = 0

    def group(
        self, name: str, least: int = 1, *, created: int = 0, queue: str = "default", **asks: int
    ) -> PodGroup:
        """A PodGroup, with minResources where it `asks` for some."""
        resources = {NPU if key == "npus" else key: amount for key, amount in asks.items()} or None
        made = PodGroup("default", name, created, least, queue, 0, resources)
        self.jobs.set_group(("default", name, 0), made)
        return made

    def pods(self, group: str, *npus: int, node: str = "", **more: int) -> list[Task]:
        """Pods of it that ask for so many NPUs, in this order; on a `node` they run already."""
        key, first = ("default", group, 0), len(self.jobs.job(("default", group, 0)).tasks)
        made = []
        for number, each in enumerate(npus, first):
            requests = {**({NPU: each} if each else {}), **more}
            spec = self.specs.setdefault(tuple(requests.items()), PodSpec("default", requests=requests))
            task = Task(Pod(f"{group}-{number}", spec), f"{group}-pod-{number}", 0, 0.0)
            if node:
                task.status, task.node = TaskStatus.ALLOCATED, node
                self.index.register(spec)
                self.index.place(self.index.nodes[node], task.pod)
            self.jobs.add(key, task)
            made.append(task)
        return made

    def cycle(self) -> dict[str, str]:
        """The pods that the next cycle places, with their nodes."""
        placed = self.run(self.cycles).placed
        self.cycles += 1
        return {task.name: node.name for _, tasks in placed for task, node in tasks}

    def job(self, group: str) -> Job:
        return self.jobs.job(("default", group, 0))


def test_a_promise_lasts_no_longer_than_its_cycle_also_where_other_pods_of_the_job_are_placed() -> None:
    """The first pod fits only where one terminates; the second, which is enough, has room now."""
    volcano = Volcano(8, 2)
    volcano.group("old")
    (leaving,) = volcano.pods("old", 8, node="n0")
    volcano.jobs.terminates(leaving.pod.key, volcano.index.nodes["n0"])
    volcano.group("new")
    volcano.pods("new", 8, 2)
    assert volcano.cycle() == {"new-pod-1": "n1"}
    assert volcano.index.in_use[NPU] == 10, "8 that are being released, and 2"
    volcano.index.remove(volcano.index.nodes["n0"], leaving.pod.key)
    volcano.jobs.remove(leaving.pod.key)
    assert volcano.cycle() == {"new-pod-0": "n0"}
    assert volcano.index.in_use[NPU] == 10


def test_a_job_that_is_given_nothing_is_promised_nothing() -> None:
    volcano = Volcano(8)
    volcano.group("running")
    volcano.pods("running", 8, node="n0")
    volcano.group("waits", 2)
    volcano.pods("waits", 8, 8)
    assert volcano.cycle() == {}
    assert not volcano.job("waits").promised


def test_of_two_jobs_that_hold_as_much_the_older_one_goes_first_whether_it_has_it_or_is_promised_it() -> None:
    """The older one is promised 8, and its second pod, which is enough, has room; the other one has 8. Then 4 are left."""
    volcano = Volcano(8, 8, 4)
    volcano.group("old")
    (leaving,) = volcano.pods("old", 8, node="n0")
    volcano.jobs.terminates(leaving.pod.key, volcano.index.nodes["n0"])
    volcano.group("older", created=0)
    volcano.pods("older", 8, 0, 4, cpu=1)
    volcano.group("younger", created=5_000)
    volcano.pods("younger", 8, node="n1")
    volcano.pods("younger", 4)
    placed = volcano.cycle()
    assert placed["older-pod-2"] == "n2"
    assert "younger-pod-1" not in placed


def looked_at(jobs: int) -> int:
    """What one cycle looks at where so many like gangs of two have room for one pod each."""
    volcano = Volcano(8)
    for number in range(jobs):
        volcano.group(f"g{number:02}", 2)
        volcano.pods(f"g{number:02}", 8, 8)
    before = volcano.index.stats.buckets + volcano.index.stats.nodes
    assert volcano.cycle() == {}
    return volcano.index.stats.buckets + volcano.index.stats.nodes - before


def test_of_gangs_that_fit_alike_one_is_tried_in_vain_in_a_cycle() -> None:
    assert looked_at(40) == looked_at(2)


def test_a_job_that_has_had_pods_placed_in_a_cycle_is_tried_for_the_others_whoever_was_tried_in_vain() -> (
    None
):
    """One pod after the other: what is like the job then has not found a place, for it may not do with fewer."""
    volcano = Volcano(8, 8)
    volcano.group("one", 1)
    volcano.pods("one", 8, 8)
    volcano.group("two", 2)
    volcano.pods("two", 8, 8)
    assert volcano.cycle() == {"one-pod-0": "n0", "one-pod-1": "n1"}


def test_a_pod_group_has_the_phase_in_which_the_cycle_has_left_it_and_is_not_changed_by_asking_why_it_waits() -> (
    None
):
    volcano = Volcano(8)
    full = volcano.group("full", npus=8)
    volcano.pods("full", 9)
    over = volcano.group("over", npus=100)
    volcano.pods("over", 100)
    for name in ("full", "over"):
        volcano.explain(volcano.job(name), 0)
    assert (full.phase, over.phase) == ("", "")
    assert volcano.cycle() == {}
    assert (full.phase, over.phase) == ("Inqueue", "Pending")
    over.phase = ""
    volcano.explain(volcano.job("over"), 1)
    assert over.phase == ""


def test_a_pod_that_finds_no_place_beside_one_that_is_given_back_may_find_one_later_in_the_cycle() -> None:
    """The gang takes 8 of each node before it finds that there is no node for its third pod."""
    volcano = Volcano(12, 12)
    volcano.group("gang", 3, created=0)
    volcano.pods("gang", 8, 8, 8)
    volcano.group("alone", created=5_000)
    volcano.pods("alone", 8)
    assert volcano.cycle() == {"alone-pod-0": "n0"}


def test_pods_that_are_gone_do_not_count_as_pods_that_wait() -> None:
    job = Job(("default", "g", 0))
    job.set_group(PodGroup("default", "g", 0, 2), Account())
    for number in range(2):
        job.add(Task(Pod(number, PodSpec()), f"p-{number}", 0, 0.0))
    assert job.valid
    job.remove(0)
    assert not job.valid
    assert job.counts[TaskStatus.PENDING] == 1


def test_a_queue_that_lacks_two_resources_is_said_to_lack_the_first_and_the_other_too() -> None:
    volcano = Volcano(8)
    volcano.jobs.queues["small"] = Queue("small", capability={NPU: 4, "cpu": 2_000})
    volcano.group("g", queue="small")
    volcano.pods("g", 8, cpu=9_000)
    volcano.cycle()
    short = volcano.explain(volcano.job("g"), 0).shortage
    assert short is not None
    assert (short.resource, short.also) == (NPU, ("cpu",))
    assert (short.may_have, short.needs, short.by) == (4, 8, "capability")


def test_what_a_full_queue_lacks_is_said_once_where_it_holds_the_pod_group_back() -> None:
    job = Job(("default", "g", 0))
    job.set_group(PodGroup("default", "g", 0, 1), Account())
    job.add(Task(Pod(0, PodSpec()), "p-0", 0, 0.0))
    short = Shortage("q", NPU, 4, 0, 8, 1, "capability")
    for by_queue, awaits in ((True, ["capability"]), (False, ["minResources", "larger capability"])):
        held = HeldBack("too little", "figures", by_queue)
        waits = Verdict(job, {}, held, "", False, short, ()).waits([0])
        assert [each.awaits for each in waits] == awaits


@pytest.mark.parametrize(("asks", "again"), [({"npus": 8}, 1), ({}, None)])
def test_who_is_held_back_is_looked_at_again_where_one_with_min_resources_is_let_in(
    asks: dict[str, int], again: int | None
) -> None:
    volcano = Volcano(8)
    volcano.group("let-in", **asks)
    volcano.pods("let-in", 9)
    volcano.group("held-back", npus=100)
    volcano.pods("held-back", 100)
    assert volcano.run(0).again == again


def test_a_pod_that_finds_no_place_is_told_why_also_where_another_like_it_has_found_none_before() -> None:
    volcano = Volcano(8, 8)
    for name in ("a", "b"):
        volcano.group(name)
        volcano.pods(name, 9)
    for name in ("a", "b"):
        fates = volcano.explain(volcano.job(name), 0).fates
        assert {pod: fate.kind for pod, fate in fates.items()} == {f"{name}-0": "unfit"}


def test_pods_that_need_all_that_a_capability_allows_wait_for_others_to_end() -> None:
    for needs, awaits in ((4, "quota"), (5, "larger capability")):
        assert Shortage("q", NPU, 4, 1, needs, 1, "capability").awaits == awaits

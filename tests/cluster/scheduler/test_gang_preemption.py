"""A gang has pods of lower priority evicted: as few as kube-scheduler would, all it takes or none."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from pathlib import Path
from random import Random

import pytest
from building import NPU, kubeinfer, scenario
from hypothesis import given, settings
from hypothesis import strategies as st
from kubectl_objects import listed, node, pod
from msgspec.structs import replace
from scenario_files import MANIFEST, SMALLEST

from kubeinfer_sim.cluster.records import GangScheduled, PodPreempted
from kubeinfer_sim.cluster.scheduler import Gang, GangPod, Scheduler
from kubeinfer_sim.cluster.scheduler.pods import Pod, PodSpec
from kubeinfer_sim.errors import InputError
from kubeinfer_sim.manifest.model import PodTemplate
from kubeinfer_sim.manifest.source import SourceText
from kubeinfer_sim.report.result import build_result
from kubeinfer_sim.report.terminal import render
from kubeinfer_sim.report.verdict import assess
from kubeinfer_sim.scenario.cluster.compile import read_real_cluster
from kubeinfer_sim.scenario.cluster.model import NodeSpec, PriorityClass
from kubeinfer_sim.scenario.load import load_scenario
from kubeinfer_sim.scenario.model import Assumptions, Scenario
from kubeinfer_sim.simulation.run import Run
from kubeinfer_sim.simulation.simulate import simulate


def gang(size: int, npus: int, priority: int) -> Gang:
    template = PodTemplate(containers=(), requests={NPU: npus})
    return Gang("gang", tuple(GangPod(i, template) for i in range(size)), priority)


def filled(free: Sequence[int], pods: Sequence[tuple[int, int, int]]) -> Scheduler:
    """Nodes with so many NPUs, and pods on them: (node, NPUs, priority)."""
    scheduler = Scheduler([NodeSpec(f"n{i}", "pool", {NPU: npus}) for i, npus in enumerate(free)])
    for number, (where, npus, priority) in enumerate(pods):
        scheduler.occupy(Pod(f"p{number}", PodSpec(requests={NPU: npus}), priority), f"n{where}")
    return scheduler


def requested(scheduler: Scheduler) -> dict[str, int]:
    return {name: each.requested.get(NPU, 0) for name, each in scheduler.nodes.items()}


def victims(scheduler: Scheduler, wanted: Gang) -> list[object] | None:
    found = scheduler.room_for(wanted)
    return None if found is None else [each.key for each, _ in found.victims]


def test_the_least_important_pods_go_from_as_many_nodes_as_it_takes() -> None:
    scheduler = filled([8, 8, 8], [(0, 8, 5), (1, 8, 1), (2, 8, 3)])
    assert victims(scheduler, gang(2, 8, 10)) == ["p1", "p2"]


def test_nobody_goes_for_a_gang_that_would_not_fit_all_the_same() -> None:
    assert victims(filled([8, 8], [(0, 8, 1), (1, 8, 20)]), gang(2, 8, 10)) is None


def test_pods_of_the_same_priority_are_safe() -> None:
    assert victims(filled([8], [(0, 8, 10)]), gang(1, 8, 10)) is None


def test_what_is_free_is_used_first() -> None:
    assert victims(filled([8, 8], [(0, 8, 1)]), gang(2, 8, 10)) == ["p0"]


pods = st.lists(st.tuples(st.integers(0, 2), st.sampled_from([1, 2, 4, 8]), st.integers(0, 4)), max_size=6)


@given(pods, st.integers(1, 3), st.sampled_from([1, 2, 4, 8]))
@settings(max_examples=150, deadline=None)
def test_victims_make_room_are_less_important_and_none_is_taken_for_nothing(
    placed: list[tuple[int, int, int]], size: int, npus: int
) -> None:
    scheduler = filled([8, 8, 8], placed)
    before = requested(scheduler)
    wanted = gang(size, npus, 3)
    fits_now = scheduler.would_fit(wanted) is not None
    found = victims(scheduler, wanted)
    assert requested(scheduler) == before
    lower = [f"p{i}" for i, (_, _, priority) in enumerate(placed) if priority < 3]
    helps = [
        set(some)
        for count in range(len(lower) + 1)
        for some in combinations(lower, count)
        if scheduler.would_fit(wanted, some) is not None
    ]
    if fits_now:
        assert not found
    elif found is None:
        assert not helps
    else:
        assert set(found) <= set(lower)
        assert set(found) in helps


def on_full_nodes(priority: int, **fields: object) -> Scenario:
    """Two nodes full of pods of priorities 10 and 2 000, one KubeInfer that wants one of them."""
    cluster = read_real_cluster(
        SourceText("nodes.json", listed(node("n0"), node("n1"))),
        SourceText(
            "pods.json",
            listed(
                pod("vip", "n0", npus=8, priority=2000),
                pod("batch", "n1", npus=8, priority=10, terminationGracePeriodSeconds=90),
            ),
        ),
        [],
    )
    spec = kubeinfer(1)
    template = spec.roles[0].template
    spec = replace(
        spec,
        roles=(replace(spec.roles[0], template=replace(template, priority_class_name="c")),),
    )
    made = scenario(spec, 1, initial="empty", **fields)
    return replace(
        made, nodes=cluster.nodes, running=cluster.running, priority_classes=(PriorityClass("c", priority),)
    )


def outcome(run: Run) -> tuple[list[str], list[tuple[int, str]]]:
    return (
        [each.pod for each in run.history if isinstance(each, PodPreempted)],
        [(each.at, each.nodes[0][1]) for each in run.history if isinstance(each, GangScheduled)],
    )


def test_a_pod_of_a_real_cluster_goes_when_its_grace_period_is_over() -> None:
    made = on_full_nodes(100, assumptions=Assumptions(preemption=True))
    assert outcome(simulate(made)) == (["other/batch"], [(90_000, "n1")])


def test_report_and_result_name_who_had_to_go() -> None:
    done = assess(simulate(on_full_nodes(100, assumptions=Assumptions(preemption=True))))
    assert "other/batch on n1, for infer-0 at 0s" in render(done)
    (found,) = build_result(done).preemptions
    assert (found.at_ms, found.pod, found.node, found.by) == (0, "other/batch", "n1", "infer-0")


def test_without_the_switch_nobody_goes() -> None:
    assert outcome(simulate(on_full_nodes(100))) == ([], [])


def test_with_too_little_priority_nobody_goes() -> None:
    assert outcome(simulate(on_full_nodes(10, assumptions=Assumptions(preemption=True)))) == ([], [])


def test_a_priority_class_whose_value_is_not_given_is_an_error(tmp_path: Path) -> None:
    manifest = MANIFEST.replace(
        "nodeSelector: {pool: infer}", "nodeSelector: {pool: infer}\n            priorityClassName: high"
    )
    (tmp_path / "chat.yaml").write_text(manifest)
    (tmp_path / "scenario.yaml").write_text(SMALLEST + "  assumptions: {preemption: true}\n")
    with pytest.raises(InputError, match="PriorityClass 'high', whose value is not given"):
        load_scenario(str(tmp_path / "scenario.yaml"))
    (tmp_path / "scenario.yaml").write_text(
        SMALLEST + "  assumptions: {preemption: true}\n  priorityClasses: {high: 1000}\n"
    )
    assert load_scenario(str(tmp_path / "scenario.yaml")).priority_classes == (PriorityClass("high", 1000),)


def asking(key: str, size: int, npus: int, priority: int, *, preempts: bool = True) -> Gang:
    """A gang whose pods have keys of their own."""
    template = PodTemplate(containers=(), requests={NPU: npus})
    pods = tuple(GangPod((key, i), template) for i in range(size))
    return Gang(key, pods, priority, preempts=preempts)


def promised(scheduler: Scheduler) -> list[list[object]]:
    """The victims of each room that is to be made."""
    rooms, _ = scheduler.make_room()
    return [[pod.key for pod, _ in room.victims] for room in rooms]


def placed(scheduler: Scheduler) -> list[object]:
    return [each.key for each, _ in scheduler.run()]


def test_what_is_promised_is_kept_from_pods_of_no_more_importance() -> None:
    scheduler = filled([8, 8], [(0, 8, 1)])
    scheduler.submit(asking("gang", 2, 8, 10))
    assert placed(scheduler) == []
    assert promised(scheduler) == [["p0"]]
    # The second node is free, and still so for a gang of more importance; the victim's node is neither's yet.
    for name, priority in (("replacement", 1), ("equal", 10)):
        scheduler.submit(asking(name, 1, 8, priority))
        assert placed(scheduler) == []
    assert promised(scheduler) == []
    scheduler.release("p0")
    assert placed(scheduler) == ["gang"]


def test_what_is_promised_is_no_obstacle_to_the_more_important() -> None:
    scheduler = filled([8, 8], [(0, 8, 1)])
    scheduler.submit(asking("gang", 2, 8, 10))
    scheduler.run()
    assert promised(scheduler) == [["p0"]]
    scheduler.submit(asking("top", 1, 8, 20))
    assert placed(scheduler) == ["top"]
    scheduler.release("p0")
    assert placed(scheduler) == []
    # Half of what it was promised is gone, and nobody of less importance is there who could go.
    assert promised(scheduler) == []
    scheduler.submit(asking("low", 1, 8, 1))
    assert placed(scheduler) == ["low"]


def test_a_gang_that_is_withdrawn_gives_back_what_it_was_promised() -> None:
    scheduler = filled([8, 8], [(0, 8, 1)])
    scheduler.submit(asking("gang", 2, 8, 10))
    scheduler.submit(asking("low", 1, 8, 1))
    assert placed(scheduler) == ["low"]
    assert promised(scheduler) == [["p0", ("low", 0)]]
    scheduler.submit(asking("next", 1, 8, 1))
    scheduler.release(("low", 0))
    assert placed(scheduler) == []
    assert scheduler.withdraw("gang")
    assert placed(scheduler) == ["next"]


def test_pods_that_ask_for_the_same_make_room_one_after_the_other() -> None:
    scheduler = filled([8, 8], [(0, 8, 1), (1, 8, 2)])
    for name in "abc":
        scheduler.submit(asking(name, 1, 8, 10))
    assert placed(scheduler) == []
    assert promised(scheduler) == [["p0"], ["p1"]]
    scheduler.release("p1")
    assert placed(scheduler) == ["b"]
    scheduler.release("p0")
    assert placed(scheduler) == ["a"]


def test_nobody_goes_for_a_gang_that_does_not_preempt() -> None:
    scheduler = filled([8], [(0, 8, 1)])
    scheduler.submit(asking("gang", 1, 8, 10, preempts=False))
    assert placed(scheduler) == []
    assert promised(scheduler) == []


waiting = st.lists(
    st.tuples(st.integers(1, 3), st.sampled_from([2, 4, 8]), st.integers(0, 5), st.booleans()),
    min_size=1,
    max_size=6,
)


@given(pods, waiting, st.randoms(use_true_random=False))
@settings(max_examples=150, deadline=None)
def test_it_comes_to_an_end_and_whoever_waits_then_finds_no_room(
    there: list[tuple[int, int, int]], gangs: list[tuple[int, int, int, bool]], chance: Random
) -> None:
    """Each victim is made again at once, as by its owner; in which order victims go is chance."""
    scheduler = filled([8, 8, 8], there)
    left = {f"g{i}": asking(f"g{i}", *each[:3], preempts=each[3]) for i, each in enumerate(gangs)}
    for each in left.values():
        scheduler.submit(each)
    going: dict[object, tuple[int, int]] = {}
    for turn in range(200):
        for each, _ in scheduler.run():
            left.pop(str(each.key), None)
        rooms, freed = scheduler.make_room()
        for room in rooms:
            going |= {pod.key: (pod.spec.requests[NPU], pod.priority) for pod, _ in room.victims}
        if not freed and not going:
            break
        if going:
            key = chance.choice(sorted(going, key=str))
            scheduler.release(key)
            again = asking(f"r{turn}", 1, *going.pop(key))
            left[f"r{turn}"] = again
            scheduler.submit(again)
    else:
        raise AssertionError("it does not come to an end")
    for each in sorted(left.values(), key=lambda each: -each.priority):
        scheduler.withdraw(each.key)
        assert scheduler.would_fit(each) is None
        assert not each.preempts or scheduler.room_for(each) is None

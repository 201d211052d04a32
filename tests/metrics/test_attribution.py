"""Every lost instance-millisecond has one cause and one stage, and they add up."""

from __future__ import annotations

import sys
from typing import Any

import pytest
from building import kubeinfer, nodes, scenario, seconds
from hypothesis import given, settings
from hypothesis import strategies as st
from measured import year
from metering import metered
from msgspec.structs import replace

from kubeinfer_sim.cluster.records import ContainerCrashed, InstanceRef, NodeDrained, NodeFailed, PodRef
from kubeinfer_sim.cluster.stages import CREATE, GRAPH, SERVING, WEIGHTS, StageName
from kubeinfer_sim.controllers.kubeinfer.records import (
    InstanceCreated,
    InstanceReady,
    InstanceRestarting,
    SpecApplied,
)
from kubeinfer_sim.engine.history import NO_CAUSE, History
from kubeinfer_sim.experiment.figures import figures
from kubeinfer_sim.metrics import Measures
from kubeinfer_sim.metrics.attribution import CauseSummary, attribute, by_kind
from kubeinfer_sim.metrics.incidents import Incidents
from kubeinfer_sim.metrics.lives import InstanceLife, PodLife, Span
from kubeinfer_sim.metrics.loss_stages import LossStages
from kubeinfer_sim.metrics.losses import Loss, Losses, first_and_last_parts
from kubeinfer_sim.metrics.pod_losses import Turn
from kubeinfer_sim.metrics.steps import segments
from kubeinfer_sim.report.terminal import render
from kubeinfer_sim.report.verdict import assess
from kubeinfer_sim.scenario.actions.model import (
    Apply,
    Crash,
    Drain,
    Fault,
    ForceDelete,
    Health,
    ImageFault,
    NodeDown,
    NodeUp,
    Scale,
    Target,
)
from kubeinfer_sim.simulation.simulate import simulate

AT = 600_000
ONE = InstanceRef(7, "infer", 1)
STAGES = {
    "weights_warm": seconds(20),
    "graph_warm": seconds(10),
    "image_warm": seconds(1),
    "bind": seconds(3),
    "cleanup": seconds(2),
}


def charged(
    *actions: Any, spec: Any = None, count: int = 4, **fields: Any
) -> tuple[History, Measures, list[CauseSummary]]:
    made = scenario(spec or kubeinfer(2), count, 30, 5, actions=actions, stages=STAGES, **fields)
    run = simulate(made)
    found = figures(run)
    return run.history, found.measures, list(found.causes)


def losses(history: History, ended_at: int) -> list[Loss]:
    return metered(Losses(), history, ended_at=ended_at, end="horizon")


def test_a_crash_is_charged_with_all_stages_of_the_rebuild() -> None:
    history, measures, (only,) = charged(Crash(AT, Target(instances=(0,))))
    assert isinstance(history[only.cause], ContainerCrashed)
    assert only.total == measures.whole.lost
    assert only.lost["terminate"] == 7_000
    assert only.lost["waitForNpu"] == 3_000
    assert only.lost["weights"] == 20_000
    assert only.lost["graph"] == 10_000
    assert only.lost["warmUp"] == 30_000
    assert only.incidents == 1


def test_detection_is_the_time_until_the_instance_is_not_ready() -> None:
    history, _, (only,) = charged(NodeDown(AT, ("node-0",)), NodeUp(AT + 1_200_000, ("node-0",)))
    assert isinstance(history[only.cause], NodeFailed)
    assert only.detection is not None
    assert 40_000 < only.detection < 56_000
    assert only.repair is not None
    assert only.lost["detect"] >= 299_000  # tolerated for 300 s before anything is deleted


def test_an_update_and_a_drain_are_told_apart() -> None:
    spec = kubeinfer(2, surge=0, unavailable=1)
    update = Apply(AT, kubeinfer(2, surge=0, unavailable=1, revision="new"))
    history, measures, found = charged(update, Drain(AT + 900_000, ("node-0",)), spec=spec)
    kinds = {type(history[each.cause]) for each in found if each.total}
    assert kinds == {SpecApplied, NodeDrained}
    assert sum(each.total for each in found) == measures.whole.lost


def test_incidents_have_a_beginning_and_an_end() -> None:
    history, measures, _ = charged(Crash(AT, Target(instances=(0,))))
    incidents = metered(Incidents(), history, ended_at=measures.ended_at, end=measures.end)
    (only,) = (each for each in incidents if not each.first)
    assert (history[only.cause].at, only.since) == (AT, AT)
    assert only.until is not None
    assert history[only.cause].cause == NO_CAUSE


@st.composite
def disturbances(draw: st.DrawFn) -> tuple[Any, ...]:
    actions: list[Any] = []
    for index in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, 2_000)) * 500
        node = (f"node-{draw(st.integers(0, 4))}",)
        target = Target(instances=tuple(draw(st.sets(st.integers(0, 3), max_size=2))))
        kind = draw(
            st.sampled_from(
                ["crash", "health", "drain", "down", "up", "scale", "apply", "force", "image", "fault"]
            )
        )
        match kind:
            case "crash":
                actions.append(Crash(at, target))
            case "health":
                until = at + draw(st.integers(1, 200)) * 1000
                actions.append(Health(at, target, False, until, ("readiness",)))
            case "drain":
                actions.append(Drain(at, node))
            case "down":
                mode = draw(st.sampled_from(("silent", "cutOff", "notReady")))
                actions.append(NodeDown(at, node, mode, at + draw(st.integers(1, 800)) * 1000))
            case "up":
                actions.append(NodeUp(at, node))
            case "scale":
                actions.append(Scale(at, draw(st.integers(0, 4))))
            case "force":
                actions.append(ForceDelete(at, target))
            case "image":
                actions.append(ImageFault(at, until=at + draw(st.integers(1, 300)) * 1000))
            case "fault":
                broken = draw(st.sampled_from(("NpuFault", "HbmFault", "ProcessCrash", "ProcessHang")))
                actions.append(Fault(at, broken, target, clears_after=draw(st.integers(1, 400)) * 1000))
            case "apply":
                actions.append(("apply", at, index))
    return tuple(sorted(actions, key=lambda each: each[1] if isinstance(each, tuple) else each.at))


@settings(max_examples=80, deadline=None)
@given(
    disturbances(),
    st.sampled_from(("Instance", "Pod", "Custom")),
    st.sampled_from(((0, 1), (1, 0), (1, 1), (2, 1))),
    st.sampled_from(("running", "empty")),
    st.integers(3, 6),
)
def test_the_charges_add_up_to_the_loss_to_the_millisecond(
    actions: tuple[Any, ...], restart: str, budgets: tuple[int, int], initial: str, count: int
) -> None:
    surge, unavailable = budgets

    def spec(revision: str) -> Any:
        return kubeinfer(
            2, surge, unavailable, revision, roles={"prefill": 1, "decode": 1}, restart=restart, npus=4
        )

    real = tuple(Apply(each[1], spec(f"r{each[2]}")) if isinstance(each, tuple) else each for each in actions)
    made = scenario(
        spec("old"), count, 30, 5, actions=real, stages=STAGES, initial=initial, horizon=4_000_000
    )
    run = simulate(replace(made, nodes=nodes(max(count, 5))))
    measured = figures(run)
    measures, found = measured.measures, measured.causes
    assert sum(each.total for each in found) == measures.whole.lost
    assert all(run.history[each.cause].cause == NO_CAUSE for each in found)
    assert all(run.history[each.cause] is each.began_with for each in found)
    assert all(length > 0 for each in found for length in each.lost.values())
    open_ = [(loss.since, loss.until) for loss in losses(run.history, run.ended_at)]
    for since, _, (wanted, ready) in segments((measures.desired, measures.ready), 0, run.ended_at):
        assert sum(begin <= since < end for begin, end in open_) == max(0, wanted - ready)
    stages = LossStages({life.instance.uid: life for life in measures.instances})
    for loss in losses(run.history, run.ended_at):
        edges = [edge for since, until, _ in stages.of(loss) for edge in (since, until)]
        assert (edges[0], edges[-1]) == (loss.since, loss.until)
        assert edges[1:-1:2] == edges[2:-1:2]


def test_a_surge_instance_that_starts_while_another_fails_is_not_charged() -> None:
    # The update makes a third instance first; an old one crashes while that loads.
    update = Apply(AT, kubeinfer(2, revision="new"))
    history, measures, found = charged(update, Crash(AT + 20_000, Target(instances=(0,))), count=4)
    (only,) = [each for each in found if each.total]
    assert isinstance(history[only.cause], ContainerCrashed)
    assert only.total == measures.whole.lost


def test_a_loss_is_in_the_stage_of_the_instance_that_makes_it_good() -> None:
    # The surge instance needs 3 s to be bound and 30 s of warm-up (all else is 0 s on a new node).
    update = Apply(AT, kubeinfer(2, revision="new"))
    _, _, found = charged(update, Crash(AT + 20_000, Target(instances=(0,))), count=4)
    assert dict(found[0].lost) == {"warmUp": 13_000}


def test_an_instance_that_comes_back_ends_its_own_loss() -> None:
    flap = Health(AT, Target(instances=(0,)), healthy=False, until=AT + 5_000)
    crash = Crash(AT + 1_000, Target(instances=(1,)))
    history, measures, _ = charged(flap, crash)
    first, second = losses(history, measures.ended_at)
    assert (first.lost, first.made_good) == (0, 0)
    assert (second.lost, second.made_good) == (1, 1)
    assert first.until < second.until


def test_what_never_comes_back_is_charged_until_the_end() -> None:
    # No spare node: the drained instance has no place.
    history, measures, (only,) = charged(Drain(AT, ("node-0",)), count=2, horizon=2 * AT)
    assert isinstance(history[only.cause], NodeDrained)
    assert only.total == measures.whole.lost == AT
    assert only.lost == {"terminate": 7_000, "waitForNpu": AT - 7_000}
    assert only.repair is None


def test_causes_of_one_kind_add_up_with_their_mean_times() -> None:
    crashes = [Crash(AT * (1 + index), Target(instances=(index % 2,))) for index in range(6)]
    _, measures, found = charged(*crashes, horizon=10 * AT)
    kinds = by_kind(found)
    (crash,) = kinds.values()
    assert list(kinds) == ["process ended (Error)"]
    assert (crash.records, crash.incidents, crash.repaired) == (6, 6, 6)
    assert crash.total == measures.whole.lost == sum(crash.repairs)
    assert crash.detection == 0
    assert crash.repair == measures.whole.lost / 6
    assert sum(each.total for each in found) == crash.total  # the single ones are left as they were
    assert [each.repaired for each in found] == [1] * 6


def test_what_was_deleted_and_not_missed_does_not_last() -> None:
    assert CauseSummary(1, detections=[1, 2, 3], repairs=[4], deleted=1).lasting == 1


def test_many_causes_are_told_kind_by_kind() -> None:
    crashes = [Crash(AT * (1 + index), Target(instances=(index % 2,))) for index in range(6)]
    made = scenario(kubeinfer(2), 4, 30, 5, actions=tuple(crashes), stages=STAGES, horizon=10 * AT)
    text = render(assess(simulate(made)), details=True)
    assert "process ended (Error)      6" in text
    assert "stages of all together: back-off 3m · stop 42s" in text
    assert max(map(len, text.splitlines())) <= 80


def attribution_calls(pods: int, crashes: int) -> int:
    """Function calls of charging what the crashes of one instance cost, one after the other."""
    spec = kubeinfer(1, roles={"serve": pods}, npus=1)
    actions = tuple(Crash(AT + 3 * AT * number, Target(instances=(0,))) for number in range(crashes))
    made = scenario(spec, pods, 30, 5, actions=actions, stages=STAGES)
    run = simulate(made)
    figured = figures(run)
    lives = {life.instance.uid: life for life in figured.measures.instances}
    found = losses(run.history, run.ended_at)
    assert len(found) == crashes
    count = 0

    def called(frame: object, event: str, argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(called)
    try:
        attribute(found, (), lives, {}, 0, run.ended_at)
    finally:
        sys.setprofile(None)
    return count


def test_attribution_costs_the_number_of_losses_and_of_pods_not_their_squares() -> None:
    once = attribution_calls(4, 10)
    assert attribution_calls(4, 40) < 5 * once, "four times as many losses, and a little more"
    assert attribution_calls(16, 10) < 5 * once, "four times as many pods"


@pytest.mark.parametrize("few", [0, 4, 10_000])
def test_pods_of_an_instance_are_found_the_same_one_by_one_and_by_their_places(
    few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = simulate(year(3), pods=False)
    causes = figures(run).causes
    assert causes
    monkeypatch.setattr("kubeinfer_sim.metrics.loss_stages.FEW", few)
    assert figures(run).causes == causes


@pytest.mark.parametrize("again", [(), (Crash(AT + 20_000, Target(instances=(1,))),)], ids=["once", "twice"])
def test_what_is_replaced_before_it_is_ready_again_is_missed_until_another_is_ready_in_its_place(
    again: tuple[Crash, ...],
) -> None:
    spec = kubeinfer(2, surge=0, unavailable=1)
    update = Apply(AT + 25_000, kubeinfer(2, surge=0, unavailable=1, revision="new"))
    crash = Crash(AT, Target(instances=(1,)))
    history, measures, found = charged(crash, *again, update, spec=spec)
    incidents = metered(Incidents(), history, ended_at=measures.ended_at, end=measures.end)
    assert [each.deleted for each in incidents if not each.first] == [True]
    struck, *others = sorted(
        (each for each in found if isinstance(history[each.cause], ContainerCrashed)),
        key=lambda each: each.cause,
    )
    assert [(each.incidents, each.total > 0) for each in others] == [(0, True)] * len(again)
    assert (struck.incidents, struck.repaired, struck.deleted, struck.lasting) == (1, 1, 0, 0)
    *_, loss = (each for each in losses(history, measures.ended_at) if each.lost == 1)
    assert struck.repairs == [loss.until - AT]


def test_what_hits_an_instance_that_is_held_up_is_charged_and_so_is_what_holds_it_up_again() -> None:
    lost = Losses()
    lost.wants(Turn(0, "asked", root=1), 1)
    lost.creates(7)
    lost.has_ready(Turn(0, "ran"), 7)
    lost.loses(Turn(10, "unready", root=2), 7)
    lost.holds_up(Turn(20, "waits", root=3), 7, "pod")
    lost.hits(Turn(30, "died", root=4), 7)
    lost.holds_up(Turn(30, "waits", root=3), 7, "pod")
    lost.goes_on(Turn(50, "goesOn"), 7, "pod")
    lost.has_ready(Turn(60, "ready"), 7)
    found = lost.finish(100, "horizon")
    assert [(each.cause, each.since, each.until) for each in found] == [
        (2, 10, 20),
        (3, 20, 30),
        (3, 30, 50),
        (4, 50, 60),
    ]
    assert [(first.since, last.until) for first, last in first_and_last_parts(found)] == [(10, 60)]


def test_what_goes_on_with_what_began_a_loss_is_one_with_it() -> None:
    """The container of one that is not ready dies of the same later."""
    lost = Losses()
    lost.wants(Turn(0, "asked", root=1), 1)
    lost.creates(7)
    lost.has_ready(Turn(0, "ran"), 7)
    lost.loses(Turn(10, "unready", root=2), 7)
    lost.hits(Turn(30, "died", root=2), 7)
    lost.has_ready(Turn(60, "ready"), 7)
    assert [(each.cause, each.since, each.until) for each in lost.finish(100, "horizon")] == [(2, 10, 60)]


def test_one_that_starts_beside_what_makes_a_loss_good_is_not_missed() -> None:
    """The older of two is counted on; what befalls the other one costs nothing."""
    lost = Losses()
    lost.wants(Turn(0, "asked", root=1), 1)
    lost.creates(7)
    lost.has_ready(Turn(0, "ran"), 7)
    lost.creates(8)
    lost.creates(9)
    lost.deletes(Turn(10, "deleted", root=2), 7)
    lost.hits(Turn(30, "died", root=3), 9)
    lost.has_ready(Turn(60, "ready"), 8)
    assert [(each.cause, each.since, each.until) for each in lost.finish(100, "horizon")] == [(2, 10, 60)]


def lived(*pods: tuple[str, int, int | None, StageName], end: int = 100) -> InstanceLife:
    """An instance whose pods were created, and gone, then; each was in one stage all along."""
    made = [
        PodLife(PodRef(ONE, role, 0, number), created, gone=gone, spans=[Span(stage, created, gone or end)])
        for number, (role, created, gone, stage) in enumerate(pods)
    ]
    return InstanceLife(ONE, "rev", 0, pods=made)


@pytest.mark.parametrize("few", [0, 16])
def test_each_pod_that_stood_at_the_place_has_its_part_of_a_loss(
    few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kubeinfer_sim.metrics.loss_stages.FEW", few)
    pods = [("a", 10 * at, 10 * at + 10, (WEIGHTS, GRAPH, CREATE)[at % 3]) for at in range(9)]
    life = lived(*pods, ("a", 90, None, WEIGHTS))
    loss = Loss(0, 0, 20, ONE.uid, until=100, made_good=ONE.uid)
    stages = ["image", "weights", "graph"]
    assert [*LossStages({ONE.uid: life}).of(loss)] == [
        (since, since + 10, stages[index % 3]) for index, since in enumerate(range(20, 100, 10))
    ]


def test_what_holds_an_instance_up_is_the_newest_pod_that_does_not_serve() -> None:
    life = lived(("a", 0, None, WEIGHTS), ("b", 10, None, GRAPH), ("c", 20, None, SERVING))
    stages = LossStages({ONE.uid: life})
    loss = Loss(0, 0, 30, ONE.uid, until=100, made_good=ONE.uid)
    assert [*stages.of(loss)] == [(30, 100, "graph")]
    assert stages.at_the_end(loss) == "graph"


def test_an_instance_that_restarts_while_all_its_pods_are_ready_is_missing_from_then_on() -> None:
    """The platform tells of a fault: nothing of it has failed by itself."""
    records = [
        SpecApplied(0, NO_CAUSE, "infer", 1, "rev", 1, 1, 0, ("created",), "", ()),
        InstanceCreated(0, 0, ONE, "rev", 1, True),
        InstanceReady(0, 0, ONE),
        InstanceRestarting(10, NO_CAUSE, ONE, 1, "NpuLost"),
        InstanceReady(40, 0, ONE),
    ]
    history = History()
    for record in records:
        history.append(record)
    assert [(each.since, each.until, each.cause) for each in losses(history, 100)] == [(10, 40, 3)]

"""A pod's life is cut into spans that add up to it, whatever happens to it."""

from __future__ import annotations

from typing import Any

import pytest
from building import kubeinfer, scenario, seconds
from hypothesis import given, settings
from hypothesis import strategies as st

from kubeinfer_sim.cluster.fault_records import FaultCleared
from kubeinfer_sim.cluster.records import (
    ContainerBackOff,
    ContainerDied,
    ContainerKilling,
    ContainersRunning,
    EngineStarted,
    GangPending,
    GangScheduled,
    ImagePullFailed,
    InstanceRef,
    PodBound,
    PodCreated,
    PodDeleting,
    PodGone,
    PodReady,
    PodRef,
)
from kubeinfer_sim.cluster.stages import (
    CLEANUP,
    COMMUNICATOR,
    CREATE,
    EXIT,
    GRAPH,
    WEIGHTS,
    Stage,
    StageKind,
    StageName,
)
from kubeinfer_sim.controllers.kubeinfer.records import (
    InstanceConcerning,
    InstanceCreated,
    InstanceDegraded,
    InstanceDeleting,
    InstanceGone,
    InstanceReady,
    InstanceRestored,
)
from kubeinfer_sim.engine.history import NO_CAUSE
from kubeinfer_sim.metrics import InstanceLife, Measures, measure
from kubeinfer_sim.metrics.lives import PastFailure, PodLife, ReadinessLoss
from kubeinfer_sim.scenario.actions.model import Apply, Drain, Health, Scale, Target
from kubeinfer_sim.simulation.simulate import simulate

ONE = InstanceRef(7, "infer", 1)
POD = PodRef(ONE, "prefill", 0, 0)
HELPER = PodRef(ONE, "decode", 0, 0)


def measured(*records: Any, end: int = 1000) -> Measures:
    return measure(records, ended_at=end, end="settled")


def life(*records: Any, end: int = 1000, running: bool = False) -> InstanceLife:
    created = InstanceCreated(0, NO_CAUSE, ONE, "rev", 1, running)
    return measured(created, *records, end=end).instances[0]


def stages(found: InstanceLife) -> list[tuple[str, int, int, bool]]:
    assert found.pace is not None
    return [(str(span.stage), span.since, span.until, span.cut) for span in found.pace.spans]


def started(at: int = 0) -> list[Any]:
    return [
        PodCreated(at, 0, POD),
        GangScheduled(at + 5, 0, ONE, ((POD, "node-3"),), 8, 8),
        PodBound(
            at + 8, 0, POD, "node-3", (Stage(StageName(StageKind.IMAGE, "a"), 10, "warm"), Stage(CREATE, 2))
        ),
        ContainersRunning(at + 20, 0, POD, 0),
        EngineStarted(at + 30, 0, POD, (Stage(WEIGHTS, 40, "cold"), Stage(GRAPH, 20))),
    ]


def test_a_start_is_cut_into_what_each_component_did() -> None:
    found = life(*started(), PodReady(100, 0, POD), InstanceReady(100, 0, ONE), end=150)
    assert stages(found) == [
        ("pending", 0, 5, False),
        ("bind", 5, 8, False),
        ("image a", 8, 18, False),
        ("create", 18, 20, False),
        ("barrier", 20, 30, False),
        ("weights", 30, 70, False),
        ("graph", 70, 90, False),
        ("probes", 90, 100, False),
        ("serving", 100, 150, False),
    ]
    assert found.pace is not None
    assert sum(span.until - span.since for span in found.pace.start_up()) == 100
    assert (found.state, found.was_ready, found.pace.node) == ("ready", 50, "node-3")


def test_a_stage_that_was_interrupted_is_cut_where_the_pod_was_deleted() -> None:
    found = life(
        *started(),
        InstanceDeleting(50, 0, ONE, "NotReady"),
        PodDeleting(50, 0, POD, "NotReady", (Stage(EXIT, 5), Stage(CLEANUP, 1))),
        PodGone(56, 0, POD, 8, 0),
        InstanceGone(56, 0, ONE),
    )
    assert stages(found)[-3:] == [
        ("weights", 30, 50, True),
        ("exit", 50, 55, False),
        ("cleanup", 55, 56, False),
    ]
    assert (found.state, found.delete_reason, found.ready) == ("gone", "NotReady", None)


def test_a_stage_that_never_ends_lasts_until_the_end_of_the_run() -> None:
    engine = EngineStarted(30, 0, POD, (Stage(WEIGHTS, None), Stage(GRAPH, 20)))
    found = life(*started()[:-1], engine, end=500)
    assert stages(found)[-1] == ("weights", 30, 500, True)
    assert (found.state, found.pace.stage if found.pace else None) == ("starting", WEIGHTS)


def test_a_crash_loop_is_restart_and_back_off_in_turn_and_counts_restarts() -> None:
    found = life(
        *started(),
        ContainerKilling(60, 0, POD, "engine", "StartupProbeFailed", "3 failures in a row"),
        ContainerDied(65, 0, POD, "engine", "StartupProbeFailed", 143),
        ContainerBackOff(65, 0, POD, "engine", 80),
        ContainersRunning(80, 0, POD, 1),
        end=90,
    )
    assert stages(found)[-3:] == [
        ("weights", 30, 65, True),
        ("back-off", 65, 80, False),
        ("barrier", 80, 90, False),
    ]
    assert found.container_restarts == 1
    assert found.pace is not None
    assert found.pace.trouble == "StartupProbeFailed: 3 failures in a row"


def test_a_container_that_died_is_restarted_until_it_runs_again_and_what_never_did_counts_no_restart() -> (
    None
):
    found = life(
        *started(),
        ContainerDied(65, 0, POD, "engine", "Error", 1),
        ContainersRunning(70, 0, POD, 1),
        end=90,
    )
    assert stages(found)[-3:] == [
        ("weights", 30, 65, True),
        ("restart", 65, 70, False),
        ("barrier", 70, 90, False),
    ]
    assert (found.container_restarts, life(*started()).container_restarts) == (1, 0)


def test_an_engine_goes_on_to_load_while_a_container_beside_it_is_restarted() -> None:
    found = life(
        *started(),
        ContainerDied(40, 0, POD, "metrics", "Error", 1),
        ContainersRunning(50, 0, POD, 1, "metrics", engine=False),
        PodReady(95, 0, POD),
        end=100,
    )
    assert stages(found)[-6:] == [
        ("weights", 30, 40, True),
        ("restart", 40, 50, False),
        ("weights", 50, 70, False),
        ("graph", 70, 90, False),
        ("probes", 90, 95, False),
        ("serving", 95, 100, False),
    ]


def test_an_engine_that_has_started_on_a_broken_device_is_broken_by_that_until_it_is_mended() -> None:
    waits = EngineStarted(30, 0, POD, (Stage(WEIGHTS, 40), Stage(COMMUNICATOR, None, "NpuLost of a/npu0")))
    mended = FaultCleared(60, 0, "NpuLost", "a/npu0", "reset")
    other = FaultCleared(60, 0, "NpuLost", "a/npu1", "reset")
    for records, by in [((), "NpuLost of a/npu0"), ((other,), "NpuLost of a/npu0"), ((mended,), "")]:
        pace = life(*started()[:-1], waits, *records).pace
        assert pace is not None
        assert pace.broken_by == by


@pytest.mark.parametrize(("placed", "pending"), [((HELPER,), False), ((), True)])
def test_a_gang_waits_for_a_place_as_long_as_a_pod_of_it_that_stays_has_none(
    placed: tuple[PodRef, ...], pending: bool
) -> None:
    going = PodRef(ONE, "prefill", 1, 0)
    pods = [PodCreated(0, 0, each) for each in (POD, HELPER, going)]
    found = life(
        *pods,
        GangScheduled(1, 0, ONE, tuple((each, "a") for each in (POD, *placed)), 8, 8),
        GangPending(2, 0, ONE, "0/1 nodes", "needs 1 node"),
        PodDeleting(3, 0, going, "Deleted", ()),
    )
    assert (found.pending is not None) is pending


def test_an_image_that_cannot_be_pulled_is_named_before_the_pod_that_only_waits_for_it() -> None:
    found = life(
        PodCreated(0, 0, HELPER),
        PodCreated(0, 0, POD),
        GangScheduled(0, 0, ONE, ((HELPER, "a"), (POD, "b")), 16, 16),
        PodBound(0, 0, HELPER, "a", ()),
        PodBound(0, 0, POD, "b", ()),
        ImagePullFailed(0, 0, POD, "broken:1", "no such image", "ImagePullBackOff"),
        ContainersRunning(10, 0, HELPER, 0),
    )
    assert found.pace is not None
    assert found.pace.pod == POD
    assert found.pace.trouble == "ImagePullBackOff: broken:1: no such image"


def test_a_gang_without_a_place_is_pending_and_says_why() -> None:
    found = life(PodCreated(0, 0, POD), GangPending(0, 0, ONE, "0/1 nodes", "needs 2, free: 1"))
    assert found.state == "pending"
    assert found.pending is not None
    assert found.pending.proof == "needs 2, free: 1"


def test_an_instance_that_ran_at_the_start_served_all_along() -> None:
    ran = [PodCreated(0, 0, POD), GangScheduled(0, 0, ONE, ((POD, "n"),), 8, 8), InstanceReady(0, 0, ONE)]
    assert stages(life(*ran, running=True)) == [("serving", 0, 1000, False)]
    only_what_the_controller_says = life(
        InstanceReady(0, 0, ONE), PodDeleting(400, 0, POD, "Rollout", (Stage(EXIT, 600),)), running=True
    )
    assert stages(only_what_the_controller_says) == [("serving", 0, 400, False), ("exit", 400, 1000, False)]


def test_an_instance_that_should_run_but_found_no_place_is_pending() -> None:
    found = life(PodCreated(0, 0, POD), running=True)
    assert (found.state, stages(found)) == ("pending", [("pending", 0, 1000, False)])


times = st.integers(0, 400_000)
actions = st.lists(
    st.one_of(
        st.builds(
            lambda at, rev: Apply(at, kubeinfer(3, 1, 1, rev, {"p": 2, "d": 1})),
            times,
            st.sampled_from("abc"),
        ),
        st.builds(Scale, times, st.integers(0, 4)),
        st.builds(lambda at, n: Drain(at, (f"node-{n}",)), times, st.integers(0, 2)),
        st.builds(
            lambda at, n, what: Health(at, Target(instances=(n,)), False, at + 30_000, (what,)),
            times,
            st.integers(0, 3),
            st.sampled_from(["readiness", "liveness"]),
        ),
    ),
    max_size=5,
).map(lambda found: tuple(sorted(found, key=lambda action: action.at)))


@given(actions, st.integers(3, 12), st.sampled_from(["running", "empty"]), st.integers(0, 900_000))
@settings(max_examples=60, deadline=None)
def test_the_spans_of_every_pod_follow_one_another_and_add_up_to_its_life(
    acts: Any, node_count: int, initial: str, horizon: int
) -> None:
    spec = kubeinfer(3, 1, 1, "a", {"p": 2, "d": 1})
    stage_lengths = {"bind": seconds(2), "image_cold": seconds(30), "graph_cold": seconds(20)}
    run = simulate(
        scenario(
            spec, node_count, 60, 10, actions=acts, initial=initial, horizon=horizon, stages=stage_lengths
        )
    )
    found = measure(run.history, ended_at=run.ended_at, end=run.end)
    for instance in found.instances:
        assert instance.was_ready <= run.ended_at
        for pod in instance.pods:
            end = run.ended_at if pod.gone is None else pod.gone
            edges = [pod.created, *(span.until for span in pod.spans)]
            assert [span.since for span in pod.spans] == edges[:-1]
            assert edges[-1] == end or (not pod.spans and pod.created == end)
            assert all(span.until > span.since for span in pod.spans)
    if found.whole.since == 0:
        assert sum(life.was_ready for life in found.instances) == sum(
            n * (to - at) for at, to, n in pieces(found.ready.points, run.ended_at)
        )
    for at, total in found.ready.points:
        assert total == sum(steps.at(at) for steps in found.by_revision.values())


def pieces(points: list[tuple[int, int]], end: int) -> list[tuple[int, int, int]]:
    times = [at for at, _ in points] + [end]
    return [(at, to, n) for (at, n), to in zip(points, times[1:], strict=True)]


# -- what goes round ------------------------------------------------------------------------------------------

#: Readiness lost at 100, 200 and 400 ms of one cause, the last times after 40 and 50 ms.
LOOP = (ReadinessLoss(100, 30, 1), ReadinessLoss(200, 40, 1), ReadinessLoss(400, 50, 1))


def going_round(*losses: ReadinessLoss, **fields: Any) -> InstanceLife:
    made = InstanceLife(ONE, "rev", 0, pods=[PodLife(POD, 0)], **fields)
    for loss in losses:
        made.loses_readiness(loss)
    return made


@pytest.mark.parametrize(
    ("losses", "fields", "at", "unstable"),
    [
        (LOOP, {}, 450, True),
        (LOOP[1:], {}, 450, False),  # twice is not again and again
        (
            (*LOOP[:2], ReadinessLoss(400, 50, 2)),
            {},
            450,
            False,
        ),  # faults that have nothing to do with each other
        (
            tuple(ReadinessLoss(loss.at, loss.lasted, None) for loss in LOOP),
            {},
            450,
            False,
        ),  # checks that failed
        (LOOP, {}, 1000, True),  # a back-off of twice the three before
        (LOOP, {}, 1001, False),
        (LOOP, {"ready_since": 450}, 500, True),  # not yet ready for longer than before
        (LOOP, {"ready_since": 450}, 501, False),
        (
            LOOP,
            {"pending": GangPending(0, NO_CAUSE, ONE, "no", "none is free")},
            450,
            False,
        ),  # it waits for a place
        (LOOP, {"deleting": 430}, 450, False),
        (LOOP, {"gone": 430}, 450, False),
    ],
)
def test_a_crash_loop_that_the_horizon_cuts_is_one_whatever_it_is_in_just_then(
    losses: tuple[ReadinessLoss, ...], fields: dict[str, Any], at: int, unstable: bool
) -> None:
    life = going_round(*losses, **fields)
    life.cut_at(at)
    assert life.unstable == unstable


@pytest.mark.parametrize(("at", "unstable"), [(700, True), (701, False)])
def test_what_was_given_up_goes_round_where_the_last_loss_is_no_longer_ago_than_the_three_took(
    at: int, unstable: bool
) -> None:
    life = going_round(*LOOP)
    life.given_up_at(at)
    assert life.unstable == unstable


def test_what_is_rebuilt_in_the_instant_in_which_it_lost_its_readiness_has_lost_it_once() -> None:
    life = going_round(ReadinessLoss(0, 0, 1))
    life.is_rebuilt(0, 1)
    assert life.losses == [ReadinessLoss(0, 0, 1)]
    life.is_rebuilt(10, 1)
    assert life.losses == [ReadinessLoss(0, 0, 1), ReadinessLoss(10, 0, 1)]
    assert (life.restarts, life.rebuilt) == (2, 10)


def test_the_longest_of_the_last_two_times_ready_is_what_a_longer_one_is_measured_by() -> None:
    life = going_round(*LOOP[:2], ReadinessLoss(400, 10, 1), ready_since=450)
    life.cut_at(490)
    assert life.unstable
    life.cut_at(491)
    assert not life.unstable


def test_of_an_instance_without_roles_its_pod_says_for_how_long_it_has_been_ready() -> None:
    one = InstanceRef(7, "chat", 1, "Deployment")
    life = InstanceLife(
        one, "rev", 0, pods=[PodLife(PodRef(one, "", 0, 0), 0, ready_since=450)], losses=[*LOOP]
    )
    life.cut_at(500)
    assert life.unstable
    life.cut_at(501)
    assert not life.unstable


def test_the_pod_that_was_ready_last_before_its_instance_set_the_pace() -> None:
    pods = [PodLife(POD, 0, ready=at) for at in (30, 50, 40)]
    later = PodLife(POD, 60, ready=90)
    assert InstanceLife(ONE, "rev", 0, ready=50, pods=[*pods, later]).pace is pods[1]


def test_how_often_readiness_was_lost_and_for_how_long_it_was_there() -> None:
    up_and_down = [
        record
        for at in (100, 200)
        for record in (InstanceReady(at, 0, ONE), InstanceConcerning(at + 30, 0, ONE, "checks failed"))
    ]
    found = life(*started(), *up_and_down)
    assert (found.concerning, found.was_ready, found.ready) == (2, 60, 100)
    assert [(loss.at, loss.lasted) for loss in found.losses] == [(130, 30), (230, 30)]


def test_how_many_pods_were_given_up_and_for_how_long_they_were_missing() -> None:
    given_up = [
        record
        for at in (100, 200)
        for record in (
            InstanceDegraded(at, 0, ONE, "decode", (("prefill", 2), ("router", 1)), "no room"),
            InstanceDegraded(at + 10, 0, ONE, "decode", (("prefill", 1),), "no room"),
            InstanceRestored(at + 50, 0, ONE),
        )
    ]
    found = life(*started(), *given_up)
    assert (found.given_up, found.degraded) == (8, 100)


def test_what_a_pod_failed_of_is_past_when_it_is_ready() -> None:
    pod = PodLife(POD, 0)
    pod.is_ready(10)
    assert pod.past is None
    pod.fails("Error", "exit code 1")
    pod.is_ready(20)
    assert pod.past == PastFailure(20, "Error", "exit code 1", "Error: exit code 1")
    assert (pod.ready, pod.ready_since, pod.reason, pod.detail, pod.trouble) == (10, 20, "", "", "")


@pytest.mark.parametrize(
    ("field", "stays"), [("", True), ("deleting", False), ("finished", False), ("gone", False)]
)
def test_a_pod_stays_that_is_neither_deleted_nor_finished_nor_gone(field: str, stays: bool) -> None:
    assert PodLife(POD, 0, **({field: 5} if field else {})).stays is stays  # type: ignore[arg-type]

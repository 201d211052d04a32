"""What a run is said to cost beforehand is what it costs, within a factor of two: in function calls, not in seconds."""

from __future__ import annotations

import gc
import pickle
import sqlite3
import tracemalloc
from contextlib import closing
from cProfile import Profile
from pathlib import Path

import pytest
from building import kubeinfer, nodes
from measured import drawn, rollout, rollout_of_deployment, small, year
from msgspec.structs import replace

from kubeinfer_sim.experiment.estimate import estimate, seconds_per_call
from kubeinfer_sim.experiment.replications import replicate
from kubeinfer_sim.experiment.size import share_with_room
from kubeinfer_sim.experiment.ways_to_finish import ways_to_finish
from kubeinfer_sim.experiment.worker import Chunk
from kubeinfer_sim.report.result import build_result
from kubeinfer_sim.report.verdict import assess
from kubeinfer_sim.scenario.cluster.model import RunningPod
from kubeinfer_sim.scenario.faults.model import FaultPlan, FaultProcess, MixPart
from kubeinfer_sim.scenario.faults.profiles import LLAMA3_MIX
from kubeinfer_sim.scenario.model import Assumptions, Scenario
from kubeinfer_sim.scenario.timings.distributions import Constant, Exponential
from kubeinfer_sim.simulation.simulate import simulate

VOLCANO = replace(rollout(10), assumptions=Assumptions(scheduler="volcano"))


def whole(made: Scenario) -> None:
    """A run with its figures and its result."""
    build_result(assess(simulate(made)))


def on_broken_npus() -> Scenario:
    """Nobody deletes the pods of a Deployment whose NPUs fail: they start again and again."""
    made = rollout_of_deployment(4)
    process = FaultProcess("cards", "node", Exponential(2 * 86_400_000), (MixPart(1, "NpuFault"),))
    deployment = made.workloads[0]
    template = replace(deployment.template, requests={"huawei.com/ascend-1980": 8})  # type: ignore[union-attr]
    return replace(
        made,
        workloads=(replace(deployment, template=template),),
        actions=(),
        faults=FaultPlan((process,)),
        horizon=20 * 86_400_000,
    )


@pytest.mark.parametrize(
    "made",
    [
        pytest.param(rollout(20), id="KubeInfer"),
        pytest.param(drawn(rollout(20)), id="KubeInfer, drawn"),
        pytest.param(rollout_of_deployment(80), id="Deployment"),
        pytest.param(drawn(rollout_of_deployment(80)), id="Deployment, drawn"),
        pytest.param(VOLCANO, id="Volcano"),
        pytest.param(year(10), id="a year of faults"),
        pytest.param(on_broken_npus(), id="a Deployment on NPUs that break"),
        pytest.param(small(), id="small"),
        pytest.param(replace(small(), nodes=nodes(1000)), id="many nodes"),
    ],
)
def test_the_calls_of_a_run_are_known_within_a_factor_of_two(made: Scenario) -> None:
    whole(made)
    profile = Profile()
    profile.runcall(whole, made)
    counted = sum(entry.callcount for entry in profile.getstats())
    assert counted / 2 <= estimate(made).calls <= counted * 2


def without_room(made: Scenario, there: int, scheduler: str = "volcano") -> Scenario:
    assumptions = Assumptions(scheduler=scheduler)  # type: ignore[arg-type]
    return replace(made, actions=(), initial="empty", nodes=nodes(there), assumptions=assumptions)


@pytest.mark.parametrize(
    "made",
    [
        pytest.param(without_room(rollout(40), 8), id="KubeInfer, by Volcano"),
        pytest.param(without_room(rollout(40), 8, "kube-scheduler"), id="KubeInfer"),
        pytest.param(without_room(rollout(20), 44, "kube-scheduler"), id="KubeInfer, half of it"),
        pytest.param(without_room(rollout_of_deployment(400), 4), id="Deployment"),
        pytest.param(without_room(rollout_of_deployment(80), 44), id="Deployment, half of it"),
    ],
)
def test_what_finds_no_room_costs_less_and_the_search_for_what_lets_it_finish_more(made: Scenario) -> None:
    def played() -> None:
        run = simulate(made, pods=False)
        assessment = assess(run)
        assert ways_to_finish(run, assessment.outcome, assessment.cluster) is not None

    played()
    profile = Profile()
    profile.runcall(played)
    counted = sum(entry.callcount for entry in profile.getstats())
    asked = estimate(made)
    assert counted / 2 <= asked.calls + asked.ways <= counted * 2


def test_of_very_many_without_room_nothing_else_is_played() -> None:
    assert estimate(without_room(rollout_of_deployment(100_000), 4)).ways == 0
    assert estimate(rollout(10)).ways == 0, "all have room"


def test_room_is_what_pods_that_are_there_already_leave() -> None:
    made = without_room(rollout_of_deployment(4), 4)
    other = RunningPod("default", "other", "node-0", {}, {"huawei.com/ascend-1980": 8})
    assert share_with_room(made) == 1
    assert share_with_room(replace(made, running=(other,))) == 0.75


@pytest.mark.parametrize(
    ("per", "domain", "faults"),
    [("npu", "", 240), ("node", "", 30), ("pod", "", 40), ("domain", "rack", 10), ("cluster", "", 10)],
)
def test_faults_are_counted_by_what_their_process_strikes(per: str, domain: str, faults: int) -> None:
    """Every hour for ten hours."""
    process = FaultProcess("p", per, Constant(3_600_000), LLAMA3_MIX, domain)  # type: ignore[arg-type]
    made = Scenario(
        "faults",
        (kubeinfer(2, roles={"serve": 2}),),
        nodes(3, labels={"rack": "a"}),
        small().timings,
        horizon=36_000_000,
        faults=FaultPlan((process,)),
    )
    told = estimate(made)
    assert told.faults == faults
    assert told.lives == 4 + 2 * faults, "each fault has the two pods of an instance made anew"


def test_a_result_with_all_pods_needs_more_memory() -> None:
    made = rollout(10)
    assert estimate(made, pods_told=True).bytes > estimate(made).bytes > estimate(small()).bytes


def test_a_large_run_takes_more_time_for_each_call() -> None:
    """What it holds does not fit into caches any more."""
    few, many = estimate(rollout(100)), estimate(rollout(10_000))
    assert few.seconds(1e-6) == few.calls * 1e-6
    assert 1.2 < many.seconds(1e-6) / (many.calls * 1e-6) < 1.6


def test_the_reference_loop_takes_some_time() -> None:
    assert seconds_per_call() > 0


@pytest.mark.parametrize("made", [rollout(10), drawn(rollout(10)), rollout_of_deployment(40), year(2)])
def test_the_memory_of_a_run_is_known_within_a_factor_of_two(made: Scenario) -> None:
    """What it takes beside the process itself, which is there before."""
    nothing = replace(made, workloads=(), nodes=(), actions=(), faults=None)
    asked = estimate(made).bytes - estimate(nothing).bytes
    simulate(made)
    tracemalloc.start()
    run = simulate(made)
    taken = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert run.fired
    assert taken / 2 <= asked <= taken * 2


@pytest.mark.parametrize(
    ("made", "runs"), [pytest.param(small(), 12, id="update"), pytest.param(drawn(year(2)), 2, id="faults")]
)
def test_what_many_runs_come_to_is_known_within_a_factor_of_two(
    made: Scenario, runs: int, tmp_path: Path
) -> None:
    replicate(made, 1, store=tmp_path / "first.db")  # what is there once is
    tracemalloc.start()
    played = replicate(made, runs, store=tmp_path / "runs.db").runs
    gc.collect()
    held = tracemalloc.get_traced_memory()[0] / runs
    tracemalloc.stop()
    sent = len(pickle.dumps(Chunk(played, 1.0))) / runs
    asked = estimate(made)
    for told, counted in ((asked.bytes_held, held), (asked.bytes_sent, sent)):
        assert counted / 2 <= told <= counted * 2
    with closing(sqlite3.connect(tmp_path / "runs.db")) as store:
        ((stored,),) = store.execute("SELECT avg(length(figures) + length(rest)) FROM runs")
    assert stored / 2 <= asked.bytes_stored <= stored * 2

"""What pods' lives, faults and a small run cost: so many events and records, and no more function calls than now.

Times say little on a busy machine; counts say the same everywhere. The calls were counted with Python 3.11; later ones
make fewer, since comprehensions are no calls there. What makes a count go down lowers the bound with it.
"""

from __future__ import annotations

import pytest
from building import nodes
from command_line import ROOT
from measured import calls, calls_of_many, calls_of_result, drawn, rollout, rollout_of_deployment, small, year
from msgspec.structs import replace

from kubeinfer_sim.cluster.fault_records import FaultInjected
from kubeinfer_sim.cluster.records import PodCreated
from kubeinfer_sim.cluster.scheduler.pod_gang import PodGang
from kubeinfer_sim.controllers.deployment.replica_pod import ReplicaPod
from kubeinfer_sim.controllers.kubeinfer.instance import Instance
from kubeinfer_sim.engine.history import Record
from kubeinfer_sim.scenario.load import load_scenario
from kubeinfer_sim.scenario.model import Scenario
from kubeinfer_sim.simulation.simulate import simulate

#: So much more is no growth yet: hashes of texts differ from process to process, and libraries from version to version.
ALLOWED = 1.02

#: What is counted, and calls for one of it; events and records of the whole run.
COSTS = [
    pytest.param(rollout(20), PodCreated, 269, 375, 883, id="KubeInfer"),
    pytest.param(drawn(rollout(20)), PodCreated, 314, 495, 883, id="KubeInfer, drawn"),
    pytest.param(rollout_of_deployment(80), PodCreated, 323, 442, 990, id="Deployment"),
    pytest.param(drawn(rollout_of_deployment(80)), PodCreated, 447, 695, 1238, id="Deployment, drawn"),
    pytest.param(year(10), FaultInjected, 2926, 2569, 4538, id="fault"),
    pytest.param(drawn(year(10)), FaultInjected, 2998, 2569, 4538, id="fault, drawn"),
]


@pytest.mark.parametrize(("made", "unit", "bound", "events", "records"), COSTS)
def test_lives_and_faults_cost_no_more_calls(
    made: Scenario, unit: type[Record], bound: int, events: int, records: int
) -> None:
    number, run = calls(made)
    assert (run.fired, len(run.history)) == (events, records)
    assert number / sum(1 for _ in run.history.of(unit)) <= bound * ALLOWED


def test_a_run_among_many_costs_no_more_calls() -> None:
    """Set-up, figures and all that a run has beside its events; what runs of one process share is there by then."""
    assert calls_of_many(small(), 20) <= 7270 * ALLOWED


def test_a_run_among_many_that_ends_waiting_does_not_play_what_would_give_a_place() -> None:
    """Nobody reads of it there; playing it takes as many calls as the rest."""
    stall = load_scenario(str(ROOT / "scenarios" / "full-cluster-stall.yaml"))
    assert calls_of_many(stall, 10) <= 8410 * ALLOWED


def test_a_small_run_costs_no_more_calls() -> None:
    number, run = calls(small())
    assert (run.fired, len(run.history)) == (38, 73)
    assert number <= 4500 * ALLOWED


@pytest.mark.parametrize(
    "made",
    [pytest.param(rollout(40), id="KubeInfer"), pytest.param(rollout_of_deployment(160), id="Deployment")],
)
def test_what_waits_is_not_looked_through_for_each_that_comes_or_goes(
    made: Scenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To look for one of them in a list takes no call; it compares, though."""
    compared: list[object] = []

    def equal(one: object, other: object) -> bool:
        compared.append(one)
        return one is other

    for waiting in (PodGang, Instance, ReplicaPod):
        monkeypatch.setattr(waiting, "__eq__", equal)
    simulate(replace(made, nodes=nodes(4)), pods=False)
    assert len(compared) <= 10


@pytest.mark.parametrize(
    ("made", "bounds"),
    [
        pytest.param(rollout(20), {"figures": 112, "instances": 22, "pods": 28}, id="KubeInfer"),
        pytest.param(
            drawn(rollout(20)), {"figures": 128, "instances": 22, "pods": 28}, id="KubeInfer, drawn"
        ),
        # Its lost time by cause and stage, which a KubeInfer has among its figures, is worked out for the first document.
        pytest.param(
            drawn(rollout_of_deployment(80)),
            {"figures": 88, "summary": 102, "instances": 18, "pods": 21},
            id="Deployment, drawn",
        ),
    ],
)
def test_figures_and_the_result_of_a_pods_life_cost_no_more_calls(
    made: Scenario, bounds: dict[str, int]
) -> None:
    """All 160 lives are told of, with the conditions of each pod that is there at the end."""
    counts = calls_of_result(made)
    for name, bound in bounds.items():
        assert counts[name] / 160 <= bound * ALLOWED, name


def test_a_summary_of_many_instances_costs_no_more_than_counting_them_and_the_npus_of_their_nodes() -> None:
    few, many = (calls_of_result(rollout(instances))["summary"] for instances in (10, 40))
    nodes = (40 - 10) * 44 // 10
    assert many - few <= 16 * nodes

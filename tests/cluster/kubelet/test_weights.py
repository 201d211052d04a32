"""Weights and compiled graphs: what makes a start cold, and what those cost who start cold together."""

from __future__ import annotations

from typing import Any

import pytest
from building import kubeinfer, nodes, scenario, seconds
from msgspec.structs import replace

from kubeinfer_sim.cluster.records import EngineStarted, PodReady, TransferDone
from kubeinfer_sim.manifest.model import KubeInfer, Probe
from kubeinfer_sim.scenario.actions.model import Apply, Cordon, Crash, Drain, Health, NodeDown, Scale, Target
from kubeinfer_sim.scenario.timings.distributions import Never
from kubeinfer_sim.scenario.timings.model import Link, Transfers
from kubeinfer_sim.simulation.run import Run
from kubeinfer_sim.simulation.simulate import simulate

STAGES = {
    "weights_warm": seconds(41),
    "weights_local": seconds(360),
    "weights_shared": seconds(1200),
    "graph_warm": seconds(7),
    "graph_cold": seconds(774),
}
GB = 1_000_000_000
HOUR = 3_600_000
CHECKED = {
    "startup": Probe(period_seconds=10, failure_threshold=720),
    "liveness": Probe(period_seconds=5, failure_threshold=6),
}


def starts(spec: KubeInfer, *actions: Any, node_count: int = 1, **fields: Any) -> list[tuple[str, str]]:
    """How each start of an engine got its weights and its graph."""
    run = played(spec, *actions, node_count=node_count, **fields)
    regimes = [{str(s.name): s.regime for s in record.stages} for record in run.history.of(EngineStarted)]
    return [(each["weights"], each.get("graph", "")) for each in regimes]


def played(spec: KubeInfer, *actions: Any, node_count: int = 1, **fields: Any) -> Run:
    return simulate(scenario(spec, node_count, 10, 5, actions=actions, stages=STAGES, **fields))


COLD, LOCAL, WARM = "cold, shared storage", "cold, local disk", "warm"


def test_the_first_start_on_a_node_is_cold() -> None:
    assert starts(kubeinfer(), initial="empty") == [(COLD, "cold")]
    assert starts(kubeinfer(weights_volume="local"), initial="empty") == [(LOCAL, "cold")]
    here = nodes(1, weights=frozenset({"*"}))
    assert starts(kubeinfer(), initial="empty", nodes=here) == [(WARM, "cold")]


@pytest.mark.parametrize("restart", ["Custom", "Pod", "Instance"])
def test_a_restart_on_the_same_node_is_warm_and_its_graph_is_kept(restart: str) -> None:
    spec = kubeinfer(restart=restart, **CHECKED)
    assert starts(spec, Crash(HOUR, Target()), horizon=2 * HOUR) == [(WARM, WARM)]
    sick = Health(HOUR, Target(), False, probes=("liveness",), until=HOUR + 40_000)
    assert starts(spec, sick, horizon=2 * HOUR) == [(WARM, WARM)]


def test_a_new_revision_on_the_same_node_compiles_its_graph_anew_and_finds_its_weights() -> None:
    assert starts(kubeinfer(1, 0, 1), Apply(HOUR, kubeinfer(1, 0, 1, "new"))) == [(WARM, "cold")]


def test_back_to_the_revision_before_its_graph_is_still_there() -> None:
    old, new = kubeinfer(1, 0, 1), kubeinfer(1, 0, 1, "new")
    assert starts(old, Apply(HOUR, new), Apply(2 * HOUR, old)) == [(WARM, "cold"), (WARM, WARM)]


def test_another_node_has_neither_weights_nor_graph() -> None:
    assert starts(kubeinfer(), Drain(HOUR, ("node-0",)), node_count=2) == [(COLD, "cold")]


def test_each_role_has_weights_and_graphs_of_its_own() -> None:
    spec = kubeinfer(roles={"prefill": 1, "decode": 1}, npus=4)
    made = replace(spec, replicas=1)
    assert starts(made, initial="empty") == [(COLD, "cold"), (COLD, "cold")]


def test_a_reboot_empties_the_page_cache_and_leaves_the_graphs_on_the_disk() -> None:
    dies = NodeDown(HOUR, ("node-0",), "silent", until=HOUR + 30_000)
    assert starts(kubeinfer(restart="Custom"), dies, horizon=3 * HOUR) == [(COLD, WARM)]


def test_a_machine_that_is_only_cut_off_goes_on_as_before() -> None:
    away = NodeDown(HOUR, ("node-0",), "cutOff", until=HOUR + 30_000)
    assert starts(kubeinfer(restart="Custom"), away, horizon=3 * HOUR) == []


def test_weights_half_read_and_graphs_half_compiled_are_not_there_for_the_next() -> None:
    spec = kubeinfer(restart="Custom")
    in_weights = starts(spec, Crash(600_000, Target()), initial="empty")
    assert in_weights == [(COLD, "cold"), (COLD, "cold")]
    in_graph = starts(spec, Crash(1_500_000, Target()), initial="empty")
    assert in_graph == [(COLD, "cold"), (WARM, "cold")]


def storage(bandwidth: int, size: int, **fields: Any) -> Transfers:
    return Transfers(storage=Link(bandwidth, **fields), default_weights_size=size)


@pytest.mark.parametrize("count", [1, 2, 8, 32])
def test_n_cold_starts_at_once_read_n_times_as_long(count: int) -> None:
    made = scenario(kubeinfer(count), count, initial="empty", transfers=storage(10 * GB, 100 * GB))
    run = simulate(made)
    assert {record.at for record in run.history.of(PodReady)} == {count * 10_000}


def test_one_client_reads_no_faster_than_its_own_line() -> None:
    made = scenario(kubeinfer(4), 4, initial="empty", transfers=storage(10 * GB, 100 * GB, per_client=GB))
    assert {record.at for record in simulate(made).history.of(PodReady)} == {100_000}


def test_those_who_find_their_weights_warm_slow_nobody_down() -> None:
    """Of four that are rebuilt at once, two land on nodes without the weights."""
    made = scenario(kubeinfer(4), 6, 0, 0, transfers=storage(GB, 100 * GB))
    away = Cordon(HOUR - 1_000, ("node-0", "node-1"))
    run = simulate(replace(made, actions=(away, Crash(HOUR, Target()))))
    assert [record.at - HOUR for record in run.history.of(TransferDone)] == [200_000] * 2
    ready = sorted(record.at - HOUR for record in run.history.of(PodReady))
    assert ready == [0, 0, 200_000, 200_000]


def test_who_comes_later_shares_what_is_left_with_those_before() -> None:
    made = scenario(kubeinfer(2), 2, 0, 0, initial="empty", transfers=storage(GB, 100 * GB))
    made = replace(made, workloads=(replace(made.kubeinfer, replicas=1),), actions=(Scale(50_000, 2),))
    run = simulate(made)
    # 50 GB alone, then both at half the speed: 100 s for the other 50 GB, and 50 s alone for the rest.
    assert [record.at for record in run.history.of(TransferDone)] == [150_000, 200_000]


def test_weights_that_never_load_from_a_local_disk_are_not_read_from_the_shared_storage() -> None:
    spec = kubeinfer(weights_volume="local")
    stages = {**STAGES, "weights_local": Never()}
    transfers = Transfers(storage=Link(GB), default_weights_size=GB)
    run = simulate(
        scenario(spec, 1, 10, 5, initial="empty", stages=stages, transfers=transfers, horizon=HOUR)
    )
    assert len([*run.history.of(EngineStarted)]) == 1
    assert not [*run.history.of(TransferDone)]
    assert not [*run.history.of(PodReady)]


def test_an_engine_whose_checks_have_been_changed_while_it_loads_is_asked_again_when_it_has_loaded() -> None:
    """100 GB at 1 GB/s; its probers go by no forecast any more."""
    transfers = Transfers(storage=Link(GB))
    sick = Health(30_000, Target(), False, until=40_000)
    made = scenario(kubeinfer(), 1, 10, 5, initial="empty", stages=STAGES, transfers=transfers, horizon=HOUR)
    (usual,) = simulate(made).history.of(PodReady)
    (ready,) = simulate(replace(made, actions=(sick,))).history.of(PodReady)
    assert 100_000 < ready.at == usual.at

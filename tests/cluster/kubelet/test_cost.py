"""What pods cost, in timers the engine fires: nothing while healthy, at most ten for a life, so many per fault."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest
from building import kubeinfer, pod_template, scenario, seconds
from msgspec.structs import replace

from kubeinfer_sim.cluster.fault_records import FaultInjected
from kubeinfer_sim.cluster.records import ImagePullFailed, PodCreated, PodGone, TransferDone
from kubeinfer_sim.manifest.model import Container, Hook, KubeInfer, Probe
from kubeinfer_sim.scenario.actions.model import Drain, Fault, NodeDown, Scale, Target
from kubeinfer_sim.scenario.faults.kinds import KINDS
from kubeinfer_sim.scenario.model import Scenario
from kubeinfer_sim.scenario.timings.model import Link, Transfers
from kubeinfer_sim.simulation.run import Run
from kubeinfer_sim.simulation.simulate import simulate

pytestmark = pytest.mark.any_version

HOUR = 3_600_000
DAY = 24 * HOUR
#: Periods that share no divisor, so that ticks of different probes do not fall together.
PROBES = {
    "startup": Probe(period_seconds=7, timeout_seconds=3, failure_threshold=720),
    "liveness": Probe(period_seconds=5, timeout_seconds=10, failure_threshold=6),
    "readiness": Probe(period_seconds=11, timeout_seconds=10, failure_threshold=3, success_threshold=3),
}
OF_CONTAINER = {f"{name}_probe": probe for name, probe in PROBES.items()}
TOOLS = "tools:1"
SIDECAR = Container("proxy", TOOLS, restart_policy="Always", **OF_CONTAINER)  # type: ignore[arg-type]


def with_everything(replicas: int) -> KubeInfer:
    """Two init containers and a sidecar of an image of their own, all probes, a preStop hook, two containers."""
    template = pod_template(startup=PROBES["startup"], liveness=PROBES["liveness"], grace=120)
    engine = replace(template.containers[0], pre_stop=Hook("sleep", 20), **OF_CONTAINER)
    template = replace(
        template,
        containers=(engine, Container("router", "engine:1", readiness_probe=PROBES["readiness"])),
        init_containers=(Container("fetch", TOOLS), SIDECAR, Container("unpack", TOOLS)),
    )
    spec = kubeinfer(replicas)
    return replace(spec, roles=(replace(spec.roles[0], template=template),))


def everything(replicas: int, *, nodes: int, **fields: Any) -> Scenario:
    stages = {name: seconds(5) for name in ("init", "bind", "create", "image_warm", "rank_table")}
    made = scenario(with_everything(replicas), nodes, 60, 5, initial="empty", stages=stages)
    return replace(made, **fields)


LINKS = Transfers(
    registry=Link(1_000_000_000, 500_000_000),
    image_sizes={TOOLS: 300_000_000},
    storage=Link(20_000_000_000),
)


def fired_until(made: Scenario, horizon: int) -> int:
    return simulate(replace(made, horizon=horizon)).fired


@pytest.mark.parametrize("names", [(), *[(name,) for name in PROBES], tuple(PROBES)])
def test_a_healthy_pod_costs_no_events_whatever_its_probes(names: tuple[str, ...]) -> None:
    made = scenario(kubeinfer(3, **{"readiness": None, **{name: PROBES[name] for name in names}}), 3)
    assert fired_until(made, DAY) == fired_until(made, 100 * DAY)
    fresh = replace(made, initial="empty")
    assert fired_until(fresh, DAY) == fired_until(fresh, 100 * DAY)


@pytest.mark.parametrize("links", [Transfers(), LINKS], ids=["timings", "links"])
def test_a_healthy_pod_with_sidecars_and_two_containers_costs_no_events(links: Transfers) -> None:
    made = everything(4, nodes=4, transfers=links)
    assert fired_until(made, DAY) == fired_until(made, 100 * DAY)


def test_healthy_pods_on_watched_nodes_cost_no_events() -> None:
    """Heartbeats, leases and the passes of the controllers that watch them are computed, not played."""
    dies = NodeDown(HOUR, ("node-5",), "silent", until=2 * HOUR)
    made = scenario(kubeinfer(3, **PROBES), 6, actions=(dies,))
    assert fired_until(made, DAY) == fired_until(made, 100 * DAY)


@pytest.mark.parametrize("links", [Transfers(), LINKS], ids=["timings", "links"])
@pytest.mark.parametrize("end", ["scaled in", "drained"])
def test_a_life_with_everything_costs_at_most_ten_events(links: Transfers, end: str) -> None:
    """Drained, each life counts with half of the recovery between two of them, one node after the other."""
    pods = 20
    names = tuple(f"node-{i}" for i in range(pods))
    action = Scale(DAY, 0) if end == "scaled in" else Drain(DAY, names)
    run = simulate(everything(pods, nodes=2 * pods, transfers=links, actions=(action,)))
    lives = len(list(run.history.of(PodCreated)))
    assert len(list(run.history.of(PodGone))) == pods
    assert lives == (pods if end == "scaled in" else 2 * pods)
    assert not list(run.history.of(ImagePullFailed))
    assert bool(list(run.history.of(TransferDone))) is (links is LINKS)
    assert run.fired <= 10 * lives


def struck(instances: int, *faults: Fault) -> Run:
    labels = {"modelarts-infer-npu-reset-enable": "true"}
    spec = kubeinfer(instances, 1, 0, labels=labels, **PROBES)
    links = Transfers(storage=Link(1_000_000_000_000), default_weights_size=60_000_000_000)
    return simulate(scenario(spec, instances + 10, 60, 10, actions=faults, horizon=20 * DAY, transfers=links))


@cache
def events_without_a_fault(instances: int) -> int:
    return struck(instances).fired


def target(kind: str) -> Target:
    strikes = KINDS[kind].strikes
    return (
        Target(instances=(7,))
        if strikes == "pod"
        else Target(nodes=("node-7",) if strikes != "cluster" else ())
    )


@pytest.mark.parametrize("few", [25, pytest.param(100, marks=pytest.mark.sweep)])
@pytest.mark.parametrize("kind", KINDS)
def test_a_fault_costs_as_many_events_among_ten_times_as_many_instances(kind: str, few: int) -> None:
    fault = Fault(HOUR, kind, target(kind))
    costs = []
    for instances in (few, 10 * few):
        run = struck(instances, fault)
        assert len(list(run.history.of(FaultInjected))) == 1
        costs.append(run.fired - events_without_a_fault(instances))
    assert costs[0] == costs[1] <= 100

"""A pod's life from placement to the end: stages, warm and cold, barrier, probes, kills, termination, cost."""

from __future__ import annotations

import pytest
from building import kubeinfer, nodes, pod_template, scenario, seconds, stage_timings
from msgspec.structs import replace

from kubeinfer_sim.cluster.records import (
    ContainerBackOff,
    ContainerDied,
    ContainerKilling,
    ContainersRunning,
    EngineStarted,
    GangScheduled,
    ImagePullFailed,
    PodBound,
    PodDeleting,
    PodGone,
    PodNotReady,
    PodReady,
    PodStarted,
    TransferDone,
)
from kubeinfer_sim.cluster.stages import WEIGHTS
from kubeinfer_sim.controllers.kubeinfer.records import (
    InstanceConcerning,
    InstanceReady,
    InstanceRestarting,
    PodRebuilding,
    Stalled,
)
from kubeinfer_sim.manifest.model import Container, Hook, Probe
from kubeinfer_sim.metrics import measure
from kubeinfer_sim.scenario.actions.model import Apply, Drain, Health, Scale, Target
from kubeinfer_sim.scenario.model import Assumptions, Scenario
from kubeinfer_sim.scenario.timings.distributions import Constant, Never
from kubeinfer_sim.scenario.timings.model import Link, Timings, Transfers
from kubeinfer_sim.simulation.run import Run
from kubeinfer_sim.simulation.simulate import simulate

GUIDE_STARTUP = Probe(period_seconds=10, timeout_seconds=10, failure_threshold=720)
GUIDE_LIVENESS = Probe(period_seconds=5, timeout_seconds=10, failure_threshold=6)
GUIDE_READINESS = Probe(period_seconds=5, timeout_seconds=10, failure_threshold=3, success_threshold=3)
GUIDE = {"startup": GUIDE_STARTUP, "liveness": GUIDE_LIVENESS, "readiness": GUIDE_READINESS}
DAY = 86_400_000


def first(run: Run, kind: type) -> int:
    return next(iter(run.history.of(kind))).at


def new_deployment(load: float = 600, term: float = 30, node_count: int = 4, **fields: object) -> Scenario:
    spec = fields.pop("spec", None) or kubeinfer(1, **GUIDE)
    return scenario(spec, node_count, load, term, initial="empty", **fields)  # type: ignore[arg-type]


def test_every_stage_takes_its_time_and_the_probes_add_theirs() -> None:
    run = simulate(
        new_deployment(
            stages={
                "bind": seconds(3),
                "image_cold": seconds(290),
                "create": seconds(3),
                "rank_table": seconds(5),
                "framework_import": seconds(60),
                "communicator": seconds(20),
                "weights_shared": seconds(1200),
                "graph_cold": seconds(774),
                "warm_up": seconds(30),
            }
        )
    )
    assert first(run, PodBound) == 3_000
    assert first(run, ContainersRunning) == 3_000 + 293_000
    assert first(run, EngineStarted) == 296_000
    serving = 296_000 + (5 + 60 + 20 + 1200 + 774 + 30) * 1000
    # The probes' ticks are counted from set-up: the first one at or after serving finds it.
    started = 3_000 + -(-(serving - 3_000) // 10_000) * 10_000
    assert first(run, PodStarted) == started
    assert first(run, PodReady) == started + 10_000  # three successes, the first at once, 5 s apart
    stages = next(iter(run.history.of(EngineStarted))).stages
    assert [(str(s.name), s.regime) for s in stages if s.regime] == [
        ("weights", "cold, shared storage"),
        ("graph", "cold"),
    ]


def test_what_is_on_the_node_decides_between_a_cold_and_a_warm_start() -> None:
    old = kubeinfer(1, 0, 1, "old", weights_volume="local", **GUIDE)
    run = simulate(
        scenario(
            old,
            1,
            actions=(Apply(0, replace(kubeinfer(1, 0, 1, "new", weights_volume="local", **GUIDE))),),
            stages={"image_cold": seconds(290), "weights_local": seconds(360), "weights_warm": seconds(41)},
        )
    )
    (bound,) = run.history.of(PodBound)
    assert [stage.regime for stage in bound.stages][:1] == ["warm"], "the image was there"
    (engine,) = run.history.of(EngineStarted)
    regimes = {str(stage.name): stage.regime for stage in engine.stages}
    assert regimes["weights"] == "warm", "the same weights were in the page cache"
    assert regimes["graph"] == "cold", "the graph cache is the old revision's"


def test_a_restarted_instance_finds_everything_warm_on_its_node() -> None:
    sick = (Health(1_000_000, Target(), healthy=False, probes=("liveness",), until=1_060_000),)
    run = simulate(new_deployment(100, node_count=1, actions=sick))
    engines = list(run.history.of(EngineStarted))
    assert len(engines) == 2
    assert {str(s.name): s.regime for s in engines[1].stages if s.regime} == {
        "weights": "warm",
        "graph": "warm",
    }


def test_engines_start_together_when_the_slowest_pod_of_the_gang_is_up() -> None:
    spec = kubeinfer(1, roles={"prefill": 2, "decode": 1}, **GUIDE)
    slow = stage_timings(60, 30, create=seconds(500))
    made = new_deployment(spec=spec)
    made = replace(made, timings=Timings(stage_timings(60, 30, create=seconds(5)), {"decode": slow}))
    run = simulate(made)
    assert {record.at for record in run.history.of(EngineStarted)} == {500_000}
    by_role = simulate(replace(made, assumptions=Assumptions(start_barrier="role")))
    assert sorted(record.at for record in by_role.history.of(EngineStarted)) == [5_000, 5_000, 500_000]


def test_a_startup_window_of_720_times_10_s_is_7200_s_to_the_second() -> None:
    fits = simulate(new_deployment(7_200))
    assert first(fits, PodStarted) == 7_200_000
    assert not list(fits.history.of(ContainerKilling))
    late = simulate(new_deployment(7_201))
    killing = next(iter(late.history.of(ContainerKilling)))
    assert (killing.at, killing.reason) == (7_200_000, "StartupProbeFailed")


def test_a_window_of_150_times_30_s_loops_for_ever_where_240_times_30_s_survives() -> None:
    short = Probe(period_seconds=30, failure_threshold=150)
    run = simulate(new_deployment(5_000, spec=kubeinfer(1, startup=short)))
    assert run.end == "quiet"
    assert first(run, ContainerKilling) == 4_500_000
    assert len(list(run.history.of(InstanceRestarting))) > 10
    assert not list(run.history.of(InstanceReady))
    (stall,) = run.history.of(Stalled)
    assert (stall.reason, stall.pod_reason) == ("NewRevisionNotReady", "StartupProbeFailed")
    long = Probe(period_seconds=30, failure_threshold=240)
    assert list(simulate(new_deployment(5_000, spec=kubeinfer(1, startup=long))).history.of(InstanceReady))


@pytest.mark.parametrize(("latency", "soonest", "latest"), [(Constant(0), 25, 30), (Never(), 60, 65)])
def test_six_times_five_seconds_is_a_minute_when_the_check_hangs(
    latency: Constant | Never, soonest: int, latest: int
) -> None:
    # The check hangs, or answers at once that it is not well, from 1,000 s on.
    hung = isinstance(latency, Never)
    spec = kubeinfer(1, liveness=GUIDE_LIVENESS)
    sick = (Health(1_000_000, Target(), healthy=False, probes=("liveness",), hang=hung),)
    run = simulate(scenario(spec, 1, 10, actions=sick, horizon=1_200_000))
    found = (first(run, ContainerKilling) - 1_000_000) / 1000
    assert soonest <= found <= latest


def test_losing_readiness_alone_makes_the_instance_concerning_and_restarts_nothing() -> None:
    flap = (Health(1_000_000, Target(), healthy=False, until=1_030_000),)
    run = simulate(scenario(kubeinfer(1, **GUIDE), 1, actions=flap))
    (concerning,) = run.history.of(InstanceConcerning)
    assert 1_010_000 <= concerning.at <= 1_015_000, "three failures, 5 s apart"
    assert not list(run.history.of(InstanceRestarting))
    ready = [record.at for record in run.history.of(InstanceReady)]
    assert len(ready) == 2
    assert 1_040_000 <= ready[1] <= 1_045_000, "three successes again"


def test_two_pods_of_one_gang_that_die_in_one_second_cause_one_restart() -> None:
    sick = (Health(1_000_000, Target(), healthy=False, probes=("liveness",), until=1_060_000),)
    spec = kubeinfer(1, roles={"prefill": 2, "decode": 2}, **GUIDE)
    run = simulate(scenario(spec, 4, 60, actions=sick))
    assert len(list(run.history.of(InstanceRestarting))) == 1
    assert len(list(run.history.of(PodGone))) == 4


def test_pod_recovery_rebuilds_one_pod_and_the_others_run_on() -> None:
    sick = (Health(1_000_000, Target(pods=(1,)), healthy=False, probes=("liveness",), until=1_060_000),)
    spec = kubeinfer(1, roles={"proxy": 3}, restart="Pod", **GUIDE)
    run = simulate(scenario(spec, 3, 60, actions=sick))
    assert [record.pod for record in run.history.of(PodRebuilding)] == ["infer-0-proxy-1"]
    assert len(list(run.history.of(PodGone))) == 1
    assert len(list(run.history.of(InstanceReady))) == 2


def test_custom_without_rules_leaves_the_container_to_the_kubelet_and_its_back_off() -> None:
    sick = (Health(1_000_000, Target(), healthy=False, probes=("liveness",)),)
    spec = kubeinfer(1, restart="Custom", liveness=GUIDE_LIVENESS)
    run = simulate(scenario(spec, 1, 10, 2, actions=sick, horizon=3_000_000))
    assert not list(run.history.of(PodGone))
    died = [record.at for record in run.history.of(ContainerDied)]
    assert len(died) > 5
    waits = [record.until - record.at for record in run.history.of(ContainerBackOff)]
    assert waits[:3] == sorted(waits[:3]), "doubling"
    assert all(300_000 <= wait <= 331_000 for wait in waits[4:]), (
        "at most 300 s, and the retry's own 60 s × 0.5"
    )
    ran = [record.at for record in run.history.of(ContainersRunning)]
    assert ran[0] == died[0], "the first restart is immediate"


def test_a_missing_image_stalls_with_its_own_reason_and_costs_no_further_events() -> None:
    made = new_deployment(broken_images=frozenset({"engine:1"}))
    run = simulate(made)
    assert [record.image for record in run.history.of(ImagePullFailed)] == ["engine:1"]
    (stall,) = run.history.of(Stalled)
    assert stall.pod_reason == "ImagePullBackOff"
    assert run.end == "settled"
    assert run.fired < 20


def test_a_present_image_needs_no_registry_unless_the_policy_is_always() -> None:
    spec = kubeinfer(1, **GUIDE)
    here = nodes(4, images=frozenset({"engine:1"}))
    run = simulate(new_deployment(spec=spec, broken_images=frozenset({"engine:1"}), nodes=here))
    assert list(run.history.of(InstanceReady))


@pytest.mark.parametrize(
    ("hook", "drain", "grace", "expected"),
    [
        (None, 0, 120, [("exit", 30)]),
        (Hook("sleep", 45), 0, 120, [("preStop", 45), ("exit", 30)]),
        (Hook("exec", command=("/bin/sh", "-c", "sleep 45")), 0, 120, [("preStop", 45), ("exit", 30)]),
        (Hook("exec", command=("/drain.sh",)), 100, 120, [("preStop", 100), ("exit", 20)]),
        (Hook("exec", command=("/drain.sh",)), 200, 120, [("preStop", 120), ("exit", 2)]),
        (
            Hook("exec", command=("/bin/sh", "-c", "sleep 3540")),
            0,
            3600,
            [("preStop", 3540), ("exit", 30)],
        ),
    ],
)
def test_termination_spends_the_grace_period_on_pre_stop_first(
    hook: Hook | None, drain: int, grace: int, expected: list[tuple[str, int]]
) -> None:
    template = pod_template(grace=grace)
    container = replace(template.containers[0], pre_stop=hook)
    base = kubeinfer(1)
    role = replace(base.roles[0], template=replace(template, containers=(container,)))
    run = simulate(
        scenario(
            replace(base, roles=(role,)),
            1,
            0,
            30,
            stages={"pre_stop": seconds(drain), "cleanup": seconds(1)},
            actions=(Scale(1000, 0),),
        )
    )
    (deleting,) = run.history.of(PodDeleting)
    stages = [(str(stage.name), (stage.duration or 0) / 1000) for stage in deleting.stages]
    assert stages == [*expected, ("cleanup", 1)]
    assert first(run, PodGone) == 1000 + sum(length for _, length in stages) * 1000


def test_a_drain_evicts_the_pods_of_a_node_and_recovery_rebuilds_the_instance_elsewhere() -> None:
    spec = kubeinfer(1, roles={"prefill": 1, "decode": 1}, **GUIDE)
    run = simulate(scenario(spec, 3, 60, 10, actions=(Drain(1000, ("node-0",)),)))
    (restart,) = run.history.of(InstanceRestarting)
    assert restart.reason == "Drained"
    scheduled = list(run.history.of(GangScheduled))
    assert {node for _, node in scheduled[1].nodes} == {"node-1", "node-2"}


def test_a_pods_life_costs_at_most_ten_kernel_events() -> None:
    pods = 6
    spec = kubeinfer(2, roles={"prefill": 2, "decode": 1}, **GUIDE)
    run = simulate(new_deployment(spec=spec, node_count=pods, actions=(Scale(DAY, 0),)))
    assert len(list(run.history.of(PodGone))) == pods
    assert run.fired <= 10 * pods


def test_a_healthy_pod_costs_no_events_however_long_it_runs() -> None:
    day = simulate(new_deployment(spec=kubeinfer(3, **GUIDE), horizon=DAY))
    year = simulate(new_deployment(spec=kubeinfer(3, **GUIDE), horizon=365 * DAY))
    assert day.fired == year.fired
    assert list(day.history) == list(year.history)


def test_a_year_differs_from_a_day_only_by_what_happened() -> None:
    scale = (Scale(200 * DAY, 2),)
    quiet = simulate(new_deployment(spec=kubeinfer(3, **GUIDE), horizon=365 * DAY))
    busy = simulate(new_deployment(spec=kubeinfer(3, **GUIDE), horizon=365 * DAY, actions=scale))
    # The action, the decision, the pod's exit, the decision that the scaling is done.
    assert busy.fired - quiet.fired <= 5


def test_a_pod_without_probes_counts_as_ready_long_before_it_serves() -> None:
    run = simulate(new_deployment(600, spec=kubeinfer(1, readiness=None)))
    assert first(run, PodReady) == 0


def test_a_sidecar_that_is_killed_restarts_and_its_pod_is_not_ready_meanwhile() -> None:
    base = kubeinfer(1, restart="Custom", liveness=None)
    engine = base.roles[0].template.containers[0]
    sidecar = Container(
        "proxy", "proxy:1", liveness_probe=GUIDE_LIVENESS, readiness_probe=Probe(period_seconds=1)
    )
    template = replace(base.roles[0].template, containers=(engine, sidecar))
    spec = replace(base, roles=(replace(base.roles[0], template=template),))
    sick = (Health(1_000_000, Target(), healthy=False, probes=("liveness",), until=1_031_000),)
    run = simulate(scenario(spec, 1, 10, 5, actions=sick, stages={"create": seconds(2)}))
    assert [record.container for record in run.history.of(ContainerDied)] == ["proxy"]
    not_ready, ready = next(run.history.of(PodNotReady)), next(run.history.of(PodReady))
    assert 1_030_000 <= not_ready.at == ready.at - 2_000, "it was killed, took 5 s to exit and 2 s to start"


def test_a_pull_storm_shares_the_registry_and_an_image_is_pulled_once_per_node() -> None:
    link = Transfers(registry=Link(110_000_000, 55_000_000), default_image_size=16_000_000_000)
    spec = kubeinfer(4, **GUIDE)
    alone = simulate(new_deployment(60, spec=kubeinfer(1, **GUIDE), transfers=link))
    assert first(alone, ContainersRunning) == 290_910, "16 GB at 55 MB/s"
    storm = simulate(new_deployment(60, spec=spec, transfers=link))
    ends = {record.at for record in storm.history.of(ContainersRunning)}
    assert ends == {581_819}, "four nodes share 110 MB/s"
    shared = nodes(1, npus=32)
    together = simulate(new_deployment(60, spec=spec, transfers=link, nodes=shared))
    assert {record.at for record in together.history.of(ContainersRunning)} == {290_910}


def test_cold_weights_over_a_shared_storage_slow_each_other_down() -> None:
    link = Transfers(storage=Link(1_000_000_000), default_weights_size=100_000_000_000)
    run = simulate(new_deployment(0, spec=kubeinfer(3), transfers=link))
    assert {record.at for record in run.history.of(TransferDone)} == {300_000}
    assert {record.at for record in run.history.of(PodReady)} == {300_000}
    life = measure(run.history, ended_at=run.ended_at, end=run.end).instances[0].pods[0]
    weights = next(span for span in life.spans if span.stage == WEIGHTS)
    assert (weights.until - weights.since, weights.cut) == (300_000, False)


def test_a_pod_deleted_while_it_reads_its_weights_gives_its_share_back() -> None:
    link = Transfers(storage=Link(1_000_000_000), default_weights_size=100_000_000_000)
    actions = (Scale(100_000, 1),)
    run = simulate(new_deployment(0, 0, spec=kubeinfer(2), transfers=link, actions=actions))
    assert [record.at for record in run.history.of(PodReady)] == [150_000]

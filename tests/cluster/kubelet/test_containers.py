"""Containers of a pod: init containers, sidecars, exits, back-off, images that cannot be had."""

from __future__ import annotations

from typing import Any

import pytest
from building import EVERY_SECOND, kubeinfer, scenario, seconds, set_up_stages
from msgspec.structs import replace

from kubeinfer_sim.cluster.fault_records import StruckNothing
from kubeinfer_sim.cluster.kubelet.termination import kill_grace_seconds
from kubeinfer_sim.cluster.records import (
    ContainerBackOff,
    ContainerDied,
    ContainerKilling,
    ContainersRunning,
    ImagePullFailed,
    PodBound,
    PodDeleting,
    PodGone,
    PodNotReady,
    PodReady,
)
from kubeinfer_sim.controllers.kubeinfer.records import InstanceRestarting
from kubeinfer_sim.manifest.model import Container, KubeInfer, Probe
from kubeinfer_sim.scenario.actions.model import Crash, Health, ImageFault, NodeDown, Scale, Target
from kubeinfer_sim.scenario.timings.model import CrashBackOff
from kubeinfer_sim.simulation.assembly import assemble
from kubeinfer_sim.simulation.run import Run
from kubeinfer_sim.simulation.simulate import play, simulate

MINUTE = 60_000


def with_template(spec: KubeInfer, **changes: Any) -> KubeInfer:
    roles = tuple(replace(role, template=replace(role.template, **changes)) for role in spec.roles)
    return replace(spec, roles=roles)


def engine_with(spec: KubeInfer, **changes: Any) -> KubeInfer:
    (container,) = spec.roles[0].template.containers
    return with_template(spec, containers=(replace(container, **changes),))


def started(spec: KubeInfer, *actions: Any, load: float = 60, **fields: Any) -> Run:
    return simulate(scenario(spec, 2, load, 5, initial="empty", actions=actions, **fields))


def first(run: Run, kind: type) -> Any:
    return next(record for record in run.history if type(record) is kind)


def times(run: Run, kind: type) -> list[int]:
    return [record.at for record in run.history if type(record) is kind]


ONE, TWO = Container("fetch", "init:1"), Container("unpack", "init:2")


def sidecar(**fields: Any) -> Container:
    return Container("proxy", "proxy:1", restart_policy="Always", **fields)


def test_init_containers_run_one_after_the_other_before_the_containers() -> None:
    spec = with_template(kubeinfer(), init_containers=(ONE, TWO))
    run = started(spec, stages={"init": seconds(7), "create": seconds(2), "image_cold": seconds(3)})
    names = [str(stage.name) for stage in set_up_stages(run)]
    assert names == ["image init:1", "init fetch", "image init:2", "init unpack", "image engine:1", "create"]
    assert times(run, ContainersRunning) == [3 * 3_000 + 2 * 7_000 + 2_000]


def test_an_init_container_that_never_ends_is_said() -> None:
    from kubeinfer_sim.scenario.timings.distributions import Never

    run = started(with_template(kubeinfer(), init_containers=(ONE,)), stages={"init": Never()})
    assert run.end == "settled"
    assert not times(run, ContainersRunning)


def test_a_sidecar_without_startup_probe_holds_nobody() -> None:
    run = started(with_template(kubeinfer(), init_containers=(sidecar(), ONE)), stages={"init": seconds(7)})
    names = [str(stage.name) for stage in set_up_stages(run)]
    assert names == [
        "image proxy:1",
        "sidecar proxy",
        "image init:1",
        "init fetch",
        "image engine:1",
        "create",
    ]
    assert times(run, ContainersRunning) == [7_000]


def test_what_follows_a_sidecar_waits_for_its_startup_probe() -> None:
    waits = sidecar(startup_probe=Probe(period_seconds=10))
    run = started(with_template(kubeinfer(), init_containers=(waits,)))
    assert times(run, ContainersRunning) == [10_000]  # its first tick


def test_a_pod_is_not_ready_before_its_sidecars_are() -> None:
    slow = sidecar(readiness_probe=Probe(period_seconds=100, success_threshold=3))
    run = started(with_template(kubeinfer(), init_containers=(slow,)), load=5)
    # Two rounds at once when the sidecar starts, the third at the tick after them.
    assert times(run, PodReady) == [100_000]


def test_sidecars_stop_last_the_last_started_first_within_what_is_left_of_the_grace_period() -> None:
    other = replace(sidecar(), name="logger")
    spec = with_template(kubeinfer(), init_containers=(sidecar(), other), termination_grace_period_seconds=10)
    run = started(spec, Scale(5 * MINUTE, 0), stages={"sidecar_exit": seconds(4)})
    stages = first(run, PodDeleting).stages
    assert [(str(stage.name), stage.duration) for stage in stages] == [
        ("exit", 5_000),
        ("sidecar logger", 4_000),
        ("sidecar proxy", 2_000),  # 1 s is left; at least 2 s are given
        ("cleanup", 0),
    ]


def test_a_sidecar_that_dies_is_a_trigger_of_recovery() -> None:
    spec = with_template(kubeinfer(), init_containers=(sidecar(),))
    run = started(spec, Crash(10 * MINUTE, Target(), container="proxy"))
    assert times(run, InstanceRestarting) == [10 * MINUTE]


def custom(policy: str = "Always") -> KubeInfer:
    return with_template(kubeinfer(restart="Custom"), restart_policy=policy)


@pytest.mark.parametrize(
    ("policy", "reason", "code", "again"),
    [
        ("Always", "Completed", 0, True),
        ("OnFailure", "Completed", 0, False),
        ("Never", "Completed", 0, False),
        ("Always", "OOMKilled", 137, True),
        ("OnFailure", "OOMKilled", 137, True),
        ("Never", "Error", 1, False),
    ],
)
def test_what_the_kubelet_makes_of_an_exit(policy: str, reason: str, code: int, again: bool) -> None:
    run = started(custom(policy), Crash(10 * MINUTE, Target(), reason, code))
    died = first(run, ContainerDied)
    assert (died.at, died.reason, died.exit_code) == (10 * MINUTE, reason, code)
    assert times(run, PodNotReady) == [10 * MINUTE]
    assert len(times(run, ContainersRunning)) == 1 + again


@pytest.mark.parametrize("code", [0, 1, 137])
def test_an_exit_is_a_trigger_of_instance_recovery_whatever_its_code(code: int) -> None:
    run = started(kubeinfer(), Crash(10 * MINUTE, Target(), "Error", code))
    assert times(run, InstanceRestarting) == [10 * MINUTE]


def crash_loop(spec: KubeInfer | None = None, **fields: Any) -> list[int]:
    """The waits of a container that ends 5 s after each start."""
    crashes = [Crash(at * 1000, Target()) for at in range(100, 4_000, 5)]
    run = started(spec or custom(), *crashes, load=1, horizon=4_000_000, **fields)
    again = times(run, ContainersRunning)[1:]
    for record in run.history.of(ContainerBackOff):
        assert min((at for at in again if at > record.at), default=record.until) >= record.until
    return [record.until - record.at for record in run.history if isinstance(record, ContainerBackOff)]


@pytest.mark.parametrize("policy", ["IfNotPresent", "Always"])
def test_a_crash_loop_waits_10_s_doubling_to_5_minutes(policy: str) -> None:
    waits = crash_loop(engine_with(custom(), image_pull_policy=policy))
    # Up to half longer, and taken up by the next tick of the kubelet's sync loop.
    for wait, least in zip(waits, (10, 20, 40, 80, 160, 300), strict=False):
        assert least * 1000 <= wait <= least * 1500 + 1000


def test_a_node_may_have_a_shorter_longest_wait() -> None:
    waits = crash_loop(crash_back_off=CrashBackOff(maximum=30_000))
    for wait, least in zip(waits, (10, 20, 30, 30), strict=False):
        assert least * 1000 <= wait <= least * 1500 + 1000


def test_the_reduced_wait_begins_with_one_second() -> None:
    waits = crash_loop(crash_back_off=CrashBackOff(reduced=True))
    for wait, least in zip(waits, (1, 2, 4, 8, 16, 32, 60), strict=False):
        assert least * 1000 <= wait <= least * 1500 + 1000


def test_pull_policy_never_without_the_image_is_an_error_of_its_own() -> None:
    run = started(engine_with(kubeinfer(), image_pull_policy="Never"))
    assert "Never" in first(run, ImagePullFailed).message
    assert run.end == "settled"


def test_pull_policy_never_starts_from_what_the_node_has() -> None:
    spec = engine_with(kubeinfer(), image_pull_policy="Never")
    made = scenario(spec, 2, 60, 5, initial="empty")
    there = tuple(replace(node, images=frozenset({"engine:1"})) for node in made.nodes)
    assert times(simulate(replace(made, nodes=there)), PodReady)


@pytest.mark.parametrize(("policy", "starts"), [("Always", False), ("IfNotPresent", True)])
def test_with_the_registry_down_only_always_needs_it_for_an_image_that_is_there(
    policy: str, starts: bool
) -> None:
    spec = engine_with(kubeinfer(), image_pull_policy=policy)
    made = scenario(spec, 2, 60, 5, initial="empty", actions=(ImageFault(0), Scale(1_000, 1)))
    there = tuple(replace(node, images=frozenset({"engine:1"})) for node in made.nodes)
    made = replace(made, nodes=there, workloads=(replace(spec, replicas=0),))
    made = replace(made, actions=(ImageFault(0), Scale(1_000, 1)))
    assert bool(times(simulate(made), PodReady)) is starts


def test_a_pod_tries_again_with_the_pull_back_off_once_the_image_is_there() -> None:
    made = scenario(kubeinfer(), 2, 60, 5, initial="empty")
    made = replace(
        made,
        workloads=(replace(made.kubeinfer, replicas=0),),
        actions=(ImageFault(0, until=100_000), Scale(1_000, 1)),
    )
    run = simulate(made)
    (ready,) = times(run, PodReady)
    # Attempts 10, 20, 40, 80 s after one another, each up to half later: the image was back at 100 s.
    assert 100_000 <= ready - 60_000 <= 1_000 + 150_000 * 1.5 + 4_000
    assert run.fired < 15


def test_a_pod_deleted_while_its_image_is_missing_is_forgotten() -> None:
    actions = (ImageFault(0, until=500_000), Scale(1_000, 1), Scale(60_000, 0))
    made = scenario(kubeinfer(), 2, 60, 5, initial="empty", actions=actions)
    run = simulate(replace(made, workloads=(replace(made.kubeinfer, replicas=0),)))
    assert len(times(run, PodGone)) == 1
    assert not times(run, PodReady)


def test_a_registry_that_is_down_twice_before_the_next_attempt_is_waited_for_once() -> None:
    run = started(kubeinfer(), ImageFault(0, until=11_001), ImageFault(11_002, until=11_003))
    assert len(times(run, PodReady)) == 1
    (bound,) = times(run, PodBound)
    assert bound == 0


def test_a_machine_that_dies_while_an_image_is_missing_sets_the_pod_up_once_when_it_is_back() -> None:
    down = NodeDown(5_000, ("node-0", "node-1"), until=38_000, plugin_after=0)
    run = started(kubeinfer(), ImageFault(0, until=11_000), down, horizon=600_000)
    assert times(run, PodBound) == [0, 38_000]
    (ready,) = times(run, PodReady)
    assert 98_000 <= ready < 99_000, "a kubelet that has just been started sleeps a part of the period first"


def test_a_pod_that_is_being_stopped_does_not_pull_when_its_image_is_back() -> None:
    actions = (ImageFault(0, until=21_000), Scale(20_000, 0))
    run = started(
        with_template(kubeinfer(), init_containers=(sidecar(),)), *actions, stages={"cleanup": seconds(5)}
    )
    assert times(run, PodGone) == [25_000]
    assert not times(run, PodReady)


def test_a_sidecar_that_dies_while_an_image_is_missing_does_not_make_the_pod_forget_it() -> None:
    spec = with_template(kubeinfer(restart="Custom"), init_containers=(sidecar(),))
    broken = ImageFault(0, ("engine:1",), 60_000)
    run = started(spec, broken, Crash(30_000, Target(), container="proxy"))
    assert [record.container for record in run.history if type(record) is ContainerDied] == ["proxy"]
    assert len(times(run, PodReady)) == 1


GUIDE = Probe(period_seconds=5, timeout_seconds=10, failure_threshold=6)


@pytest.mark.parametrize(("hang", "least", "most"), [(False, 25_000, 30_000), (True, 60_000, 65_000)])
def test_a_hang_doubles_the_detection_time(hang: bool, least: int, most: int) -> None:
    spec = kubeinfer(restart="Custom", liveness=GUIDE)
    sick = Health(10 * MINUTE, Target(), False, probes=("liveness",), hang=hang)
    for seed in range(10):
        run = simulate(scenario(spec, 2, 60, 5, actions=(sick,), horizon=12 * MINUTE), seed=seed)
        killed = first(run, ContainerKilling).at
        assert least <= killed - 10 * MINUTE <= most


def test_a_check_slower_than_its_timeout_hangs() -> None:
    spec = kubeinfer(restart="Custom", liveness=GUIDE)
    slow = Health(10 * MINUTE, Target(), False, probes=("liveness",), latency=11_000)
    run = simulate(scenario(spec, 2, 60, 5, actions=(slow,), horizon=12 * MINUTE))
    assert 60_000 <= first(run, ContainerKilling).at - 10 * MINUTE <= 65_000


def test_a_slow_check_within_its_timeout_harms_nobody() -> None:
    spec = kubeinfer(restart="Custom", liveness=GUIDE)
    slow = Health(10 * MINUTE, Target(), False, probes=("liveness",), latency=9_000)
    run = simulate(scenario(spec, 2, 60, 5, actions=(slow,), horizon=120 * MINUTE))
    assert not times(run, ContainerKilling)


def test_a_flapping_check_takes_readiness_away_now_and_then() -> None:
    flaps = Health(10 * MINUTE, Target(), False, probes=("readiness",), flapping=0.2)
    run = simulate(scenario(kubeinfer(), 2, 60, 5, actions=(flaps,), horizon=20 * MINUTE))
    lost = len(times(run, PodNotReady))
    # A container that loses readiness is checked once more at once: both must fail, 600 x 0.2 x 0.2 = 24, +- 4 sigma.
    assert 5 < lost < 43


@pytest.mark.parametrize(("ticks", "loops"), [(12, True), (13, False)])
def test_a_startup_window_one_tick_too_short_loops_for_ever(ticks: int, loops: bool) -> None:
    """The engine answers 120.5 s after its container starts; the checks come every 10 s from 10 s on."""
    probe = Probe(period_seconds=10, failure_threshold=ticks)
    run = started(kubeinfer(restart="Custom", startup=probe), load=120.5, quiet_after=3_600_000)
    assert bool(times(run, PodReady)) is not loops
    assert (run.end == "quiet") is loops


@pytest.mark.vectors("k8s_kill_container_grace_period")
def test_the_grace_period_of_a_kill_is_the_real_kubelet_s(case: dict[str, Any]) -> None:
    probe = {"LivenessProbe": case["liveness_probe_grace"], "StartupProbe": case["startup_probe_grace"]}
    assert (
        kill_grace_seconds(
            pod=case["pod_termination_grace_period_seconds"],
            deletion=case["pod_deletion_grace_period_seconds"],
            probe=probe.get(case["kill_reason"]),
        )
        == case["expected_grace_seconds"]
    )


def test_a_pod_with_everything_costs_at_most_ten_events() -> None:
    probes: dict[str, Any] = {
        "startup_probe": Probe(period_seconds=10, failure_threshold=720),
        "liveness_probe": GUIDE,
        "readiness_probe": EVERY_SECOND,
    }
    spec = kubeinfer(startup=probes["startup_probe"], liveness=GUIDE)
    spec = with_template(spec, init_containers=(ONE, sidecar(**probes), TWO))
    made = scenario(spec, 40, 60, 5, initial="empty", stages={"init": seconds(5), "bind": seconds(3)})
    spec = replace(spec, replicas=30)
    made = replace(made, workloads=(spec,), actions=(Scale(3_600_000, 0),))
    run = simulate(made)
    assert len(times(run, PodGone)) == 30
    assert run.fired / 30 <= 10


@pytest.mark.parametrize(("mode", "told"), [(None, True), ("cutOff", False)])
def test_a_container_whose_image_nobody_has_any_more_is_told_of_as_far_as_its_node_is_heard(
    mode: Any, told: bool
) -> None:
    """Its pod ran when the run began, and asks for the image each time; what follows is put down to that."""
    spec = engine_with(custom(), image_pull_policy="Always")
    actions: tuple[Any, ...] = (Crash(10 * MINUTE, Target()),)
    if mode is not None:
        actions = (NodeDown(10 * MINUTE - 1_000, ("node-0", "node-1"), mode), *actions)
    made = scenario(spec, 2, 60, 5, actions=actions, broken_images=frozenset({"engine:1"}))
    simulation = assemble(replace(made, horizon=10 * MINUTE + 1_000), 0)
    play(simulation)
    (pod,) = simulation.workloads.pods()
    (failed,) = simulation.env.history.of(ImagePullFailed)
    assert (failed.at, failed.reason, failed.took) == (10 * MINUTE, "ImagePullBackOff", 0)
    assert (pod.failure == "ImagePullBackOff") is told
    simulation.env.history.append(PodReady(simulation.env.clock.now, pod.last, pod.ref))
    *_, follows = simulation.env.history.of(PodReady)
    assert follows.cause == failed.id


@pytest.mark.parametrize("container", ["engine", "router"])
def test_a_check_of_a_container_that_has_ended_for_good_is_asked_by_nobody(container: str) -> None:
    """The engine has ended; its pod goes on for the other container."""
    probe = Probe(period_seconds=10, failure_threshold=3)
    spec = custom("Never")
    (engine,) = spec.roles[0].template.containers
    both = replace(engine, liveness_probe=probe), Container("router", "router:1", liveness_probe=probe)
    sick = Health(20 * MINUTE, Target(), False, probes=("liveness",), container=container)
    run = started(
        with_template(spec, containers=both), Crash(10 * MINUTE, Target()), sick, load=5, horizon=30 * MINUTE
    )
    assert times(run, ContainerDied)[0] == 10 * MINUTE
    assert len(times(run, StruckNothing)) == (container == "engine")
    assert len(times(run, ContainerKilling)) == (container == "router")

"""postStart hooks: how long they hold up their pod, and what follows when they fail."""

from __future__ import annotations

from typing import Any

import pytest
from building import EVERY_SECOND, kubeinfer, scenario, seconds
from msgspec.structs import replace

from kubeinfer_sim.cluster.records import (
    ContainerBackOff,
    ContainerDied,
    ContainersRunning,
    EngineStarted,
    PodBound,
    PodReady,
    PodStarted,
    SetUpContinued,
)
from kubeinfer_sim.cluster.stages import Stage, StageKind, StageName
from kubeinfer_sim.controllers.kubeinfer.records import InstanceRestarting
from kubeinfer_sim.engine.history import Record
from kubeinfer_sim.manifest.model import Container, Hook, Probe
from kubeinfer_sim.scenario.actions.model import Action, Crash, Health, Scale, StartFault, Target
from kubeinfer_sim.scenario.model import Scenario
from kubeinfer_sim.scenario.timings.distributions import Never, Uniform
from kubeinfer_sim.simulation.run import Run
from kubeinfer_sim.simulation.simulate import simulate

SLEEPS = Hook("sleep", 20)
MINUTE = 60_000


def starting(
    *actions: Action,
    hook: Hook | None = SLEEPS,
    beside: tuple[Container, ...] = (),
    init: tuple[Container, ...] = (),
    probe: Probe = EVERY_SECOND,
    **fields: Any,
) -> Scenario:
    """One pod, created at 0 s, whose restarts are the kubelet's: 2 s to create, 60 s to load, 5 s to stop."""
    spec = kubeinfer(restart=fields.pop("restart", "Custom"), init_containers=init, readiness=probe)
    (role,) = spec.roles
    engine = replace(role.template.containers[0], post_start=hook)
    template = replace(role.template, containers=(engine, *beside))
    spec = replace(spec, roles=(replace(role, template=template),))
    stages = {"create": seconds(2), "sidecar_exit": seconds(1)} | fields.pop("stages", {})
    return scenario(spec, 2, 60, 5, initial="empty", actions=actions, stages=stages, **fields)


def at(run: Run, kind: type[Record]) -> list[int]:
    return [record.at for record in run.history.of(kind)]


@pytest.mark.parametrize(
    ("hook", "drawn", "takes"),
    [
        (None, 100, 0),
        (Hook("sleep", 20), 100, 20),
        (Hook("exec", command=("/bin/sh", "-c", "touch /tmp/x; sleep 20")), 100, 20),
        (Hook("exec", command=("/warm.sh",)), 100, 100),
        (Hook("httpGet"), 7, 7),
    ],
)
def test_a_container_is_not_running_before_its_hook_has_returned(
    hook: Hook | None, drawn: int, takes: int
) -> None:
    run = simulate(starting(hook=hook, stages={"post_start": seconds(drawn)}))
    assert at(run, ContainersRunning) == [(2 + takes) * 1000]
    assert at(run, PodReady) == [(2 + takes + 60) * 1000]


def test_containers_start_one_behind_the_other_so_their_hooks_add_up() -> None:
    beside = Container("log", "log:1", post_start=Hook("sleep", 30))
    run = simulate(starting(beside=(beside,)))
    (last,) = [
        each
        for each in run.history.of(SetUpContinued)
        if each.stages[-1].name == StageName(StageKind.POST_START, "log")
    ]
    assert [str(stage.name) for stage in last.stages][-3:] == ["create", "postStart engine", "postStart log"]
    assert at(run, ContainersRunning) == [52_000]


def test_the_initial_delay_of_a_probe_counts_from_the_start_of_the_process_not_from_the_hook_s_end() -> None:
    probe = Probe(period_seconds=1, initial_delay_seconds=15)
    made = starting(probe=probe)
    none = replace(
        made, timings=replace(made.timings, default=replace(made.timings.default, warm_up=seconds(0)))
    )
    assert at(simulate(none), PodReady) == [22_000], "15 s are over when the hook has returned at 22 s"
    longer = replace(none, workloads=(starting(probe=replace(probe, initial_delay_seconds=25)).kubeinfer,))
    assert at(simulate(longer), PodReady) == [27_000]


def test_a_hook_that_fails_has_its_container_killed_and_started_again_with_back_off() -> None:
    run = simulate(starting(StartFault(0, what="postStart", times=3)))
    died = [(record.at, record.reason, record.exit_code) for record in run.history.of(ContainerDied)]
    assert died[:2] == [
        (27_000, "PostStartHookError", 143),  # 2 s to create, 20 s of hook, 5 s to stop
        (54_000, "PostStartHookError", 143),  # at once again
    ]
    (wait, *_) = run.history.of(ContainerBackOff)
    assert wait.at == 54_000
    assert 10_000 <= wait.until - wait.at <= 16_000
    assert len(died) == 3
    assert at(run, PodReady) == [at(run, ContainersRunning)[-1] + 60_000]


def test_the_other_containers_are_started_all_the_same() -> None:
    beside = Container("log", "log:1", startup_probe=Probe(period_seconds=1))
    run = simulate(starting(StartFault(0, container="engine", what="postStart", times=1), beside=(beside,)))
    first, again = run.history.of(ContainersRunning)
    assert (first.at, first.container) == (27_000, "")
    assert (again.at, again.container) == (27_000 + 22_000, "engine")
    assert at(run, PodReady) == [again.at + 60_000], "it loads from then on, once"


def test_a_hook_that_fails_is_a_trigger_of_recovery_that_rules_can_name() -> None:
    run = simulate(starting(StartFault(0, what="postStart", times=1), restart="Instance"))
    assert [(record.at, record.reason) for record in run.history.of(InstanceRestarting)] == [
        (27_000, "PostStartHookError")
    ]
    assert len(at(run, PodReady)) == 1


def test_a_container_that_is_started_again_runs_its_hook_again() -> None:
    run = simulate(starting(Crash(10 * MINUTE, Target())))
    assert at(run, ContainersRunning) == [22_000, 10 * MINUTE + 22_000]
    probed = simulate(
        starting(Crash(10 * MINUTE, Target()), StartFault(5 * MINUTE, what="postStart", times=1))
    )
    assert [record.reason for record in probed.history.of(ContainerDied)] == ["Error", "PostStartHookError"]
    assert len(at(probed, PodReady)) == 2


def test_a_hook_that_never_returns_holds_its_pod_for_ever_and_is_said() -> None:
    run = simulate(starting(hook=Hook("exec", command=("/warm.sh",)), stages={"post_start": Never()}))
    assert run.end == "settled"
    assert not at(run, ContainersRunning)
    (bound,) = run.history.of(PodBound)
    assert bound.stages[-1] == Stage(StageName(StageKind.POST_START, "engine"), None)


def test_each_run_of_a_hook_takes_a_time_of_its_own() -> None:
    hook = Hook("exec", command=("/warm.sh",))
    made = starting(Crash(10 * MINUTE, Target()), hook=hook, stages={"post_start": Uniform(1_000, 90_000)})
    first, again = at(simulate(made), ContainersRunning)
    assert first - 2_000 != again - 10 * MINUTE - 2_000


def sidecar(**fields: Any) -> Container:
    return Container("proxy", "proxy:1", restart_policy="Always", post_start=Hook("sleep", 4), **fields)


def test_what_follows_a_sidecar_waits_for_its_hook_then_for_its_startup_probe() -> None:
    run = simulate(starting(hook=None, init=(sidecar(),)))
    assert at(run, ContainersRunning) == [6_000]
    probed = simulate(starting(hook=None, init=(sidecar(startup_probe=Probe(period_seconds=3)),)))
    assert at(probed, ContainersRunning) == [8_000], "the first check after 4 s is that at 6 s"


def test_a_sidecar_whose_hook_fails_is_waited_for() -> None:
    run = simulate(starting(StartFault(0, what="postStart", times=1), hook=None, init=(sidecar(),)))
    (died,) = run.history.of(ContainerDied)
    assert (died.at, died.container, died.reason, died.init) == (5_000, "proxy", "PostStartHookError", True)
    back, goes_on = run.history.of(SetUpContinued)
    assert (back.at, back.container) == (5_000 + 2_000 + 4_000, "proxy")
    assert (goes_on.at, goes_on.container) == (back.at, "")
    assert at(run, ContainersRunning) == [back.at + 2_000]
    assert at(run, PodReady)


def test_a_sidecar_that_falls_sick_during_its_hook_is_followed_from_its_end() -> None:
    probe = Probe(period_seconds=10, failure_threshold=1)
    sick = Health(1_000, Target(), False, 15_000, ("startup",), container="proxy")
    run = simulate(starting(sick, hook=None, init=(sidecar(startup_probe=probe),)))
    died = [(record.at, record.reason) for record in run.history.of(ContainerDied)]
    assert died == [(11_000, "StartupProbeFailed")]
    assert at(run, ContainersRunning) == [20_000 + 2_000]
    assert at(run, PodStarted)


def test_pods_without_hooks_cost_what_they_did_and_those_with_them_no_more() -> None:
    fired = []
    for hook in (None, SLEEPS):
        made = starting(Scale(3_600_000, 0), hook=hook)
        made = replace(
            made, workloads=(replace(made.kubeinfer, replicas=20),), nodes=scenario(made.kubeinfer, 20).nodes
        )
        fired.append(simulate(made).fired)
    assert fired[0] == fired[1] <= 20 * 8


def test_an_engine_whose_hook_failed_at_its_first_start_loads_from_its_second_on() -> None:
    """Created in 2 s; the hook takes 20 s and fails, 5 s to stop, started again at once."""
    run = simulate(starting(StartFault(0, what="postStart", times=1)))
    (died,) = run.history.of(ContainerDied)
    first, second = at(run, ContainersRunning)
    assert first <= died.at < second
    assert at(run, EngineStarted) == [second]

"""Sidecars that are sick, killed or dead, before and after the containers of their pod run."""

from __future__ import annotations

from typing import Any

import pytest
from building import EVERY_SECOND, kubeinfer, scenario, seconds, set_up_stages
from msgspec.structs import replace

from kubeinfer_sim.cluster.records import (
    ContainerBackOff,
    ContainerDied,
    ContainerKilling,
    ContainersRunning,
    PodDeleting,
    PodNotReady,
    PodReady,
    SetUpContinued,
)
from kubeinfer_sim.cluster.stages import StageKind, StageName
from kubeinfer_sim.controllers.kubeinfer.records import InstanceRestarting
from kubeinfer_sim.engine.history import Record
from kubeinfer_sim.manifest.model import Container, Probe
from kubeinfer_sim.scenario.actions.model import Action, Crash, Health, NodeDown, Scale, Target
from kubeinfer_sim.scenario.model import Scenario
from kubeinfer_sim.simulation.run import Run
from kubeinfer_sim.simulation.simulate import simulate

MINUTE = 60_000
STARTUP = Probe(period_seconds=10, failure_threshold=3)
FETCH = Container("fetch", "fetch:1")


def proxy(**probes: Probe) -> Container:
    return Container("proxy", "proxy:1", restart_policy="Always", **probes)


def starting(*actions: Action, init: tuple[Container, ...], **fields: Any) -> Scenario:
    """One pod, created at 0 s, whose restarts are the kubelet's; init containers take 7 s, containers start in 2 s."""
    spec = kubeinfer(restart=fields.pop("restart", "Custom"), init_containers=init)
    stages = {"init": seconds(7), "create": seconds(2), "sidecar_exit": seconds(1)}
    return scenario(spec, 2, 60, 5, initial="empty", actions=actions, stages=stages, **fields)


def sick(
    at: int, until: int | None = None, probe: str = "startup", *, container: str = "proxy", **how: Any
) -> Health:
    return Health(at, Target(), False, until, (probe,), container=container, **how)


def at(run: Run, kind: type[Record]) -> list[int]:
    return [record.at for record in run.history.of(kind)]


def phases(run: Run) -> str:
    (pod,) = run.pods
    return pod.phase


def test_one_whose_startup_probe_fails_too_often_is_killed_and_started_again_while_the_rest_waits() -> None:
    run = simulate(starting(sick(1), init=(proxy(startup_probe=STARTUP), FETCH), horizon=20 * MINUTE))
    # Checks at 10, 20 and 30 s; 1 s to stop, 2 s to start; the next checks at 40, 50 and 60 s.
    assert at(run, ContainerKilling)[:3] == [30_000, 60_000, 90_000]
    assert at(run, ContainerDied)[:2] == [31_000, 61_000]
    assert at(run, SetUpContinued)[:2] == [33_000, 63_000]
    assert at(run, ContainerBackOff), "its back-off doubles, and waits once it is longer than a life"
    assert not at(run, ContainersRunning)
    assert phases(run) == "Pending"


def test_what_waits_goes_on_once_it_has_started_after_all() -> None:
    run = simulate(starting(sick(1, 65_000), init=(proxy(startup_probe=STARTUP), FETCH)))
    assert at(run, ContainerKilling) == [30_000, 60_000]
    goes_on = next(record for record in run.history.of(SetUpContinued) if not record.container)
    assert goes_on.at == 70_000, "the first check of its third run"
    assert [str(stage.name) for stage in set_up_stages(run, goes_on.at)][-4:] == [
        "image fetch:1",
        "init fetch",
        "image engine:1",
        "create",
    ]
    assert at(run, ContainersRunning) == [70_000 + 7_000 + 2_000]
    assert at(run, PodReady)


def test_pods_that_come_while_it_lasts_are_sick_only_if_the_scenario_says_so() -> None:
    """At 0 s there is no pod yet."""
    init = (proxy(startup_probe=STARTUP), FETCH)
    assert not at(simulate(starting(sick(0), init=init)), ContainerKilling)
    run = simulate(starting(sick(0, 65_000, new_pods=True), init=init))
    assert at(run, ContainerKilling) == [30_000, 60_000]
    assert at(run, ContainersRunning) == [79_000]


@pytest.mark.parametrize("when", [1, 5_000, 9_999])
def test_it_does_not_matter_when_before_its_first_check_it_falls_sick(when: int) -> None:
    run = simulate(starting(sick(when), init=(proxy(startup_probe=STARTUP),), horizon=40_000))
    assert at(run, ContainerKilling) == [30_000]


def test_one_that_falls_sick_once_it_has_started_holds_nobody() -> None:
    """Its startup probe has succeeded at 10 s; `fetch` runs until 17 s, the containers from 19 s on."""
    run = simulate(starting(sick(12_000), init=(proxy(startup_probe=STARTUP), FETCH)))
    assert not at(run, ContainerKilling)
    assert at(run, ContainersRunning) == [19_000]
    assert at(run, PodReady)


def test_a_sick_engine_is_no_matter_of_its_sidecar() -> None:
    run = simulate(starting(sick(1, container="engine"), init=(proxy(startup_probe=STARTUP), FETCH)))
    assert at(run, ContainersRunning) == [19_000]
    assert not at(run, ContainerKilling)


def test_a_sidecar_behind_the_stage_the_pod_is_in_is_followed_from_its_start() -> None:
    """It falls sick while `fetch` still runs, which is not cut short by that."""
    run = simulate(starting(sick(3_000), init=(FETCH, proxy(startup_probe=STARTUP)), horizon=80_000))
    # fetch until 7 s; the ticks are those of the pod: 10, 20, 30 s.
    assert at(run, ContainerKilling) == [30_000, 60_000]
    well = simulate(starting(sick(3_000, 9_000), init=(FETCH, proxy(startup_probe=STARTUP))))
    assert at(well, ContainersRunning) == [12_000], "answers at 10 s"


def test_a_hang_of_a_sidecar_takes_its_timeouts() -> None:
    probe = Probe(period_seconds=10, timeout_seconds=9, failure_threshold=3)
    run = simulate(starting(sick(1, hang=True), init=(proxy(startup_probe=probe),), horizon=45_000))
    assert at(run, ContainerKilling) == [39_000]


def test_its_liveness_kills_it_before_the_containers_run_and_they_do_not_wait() -> None:
    slow = replace(FETCH, name="slow")
    init = (proxy(liveness_probe=Probe(period_seconds=2, failure_threshold=2)), FETCH, slow)
    run = simulate(starting(sick(1_000, 5_000, "liveness"), init=init))
    assert at(run, ContainerKilling) == [4_000]
    assert at(run, ContainerDied) == [5_000]
    assert at(run, ContainersRunning) == [7_000 + 7_000 + 2_000]
    assert at(run, PodReady)


def test_one_that_dies_while_an_init_container_runs_comes_back_beside_it() -> None:
    run = simulate(starting(Crash(3_000, Target(), container="proxy"), init=(proxy(), FETCH)))
    (died,) = run.history.of(ContainerDied)
    assert (died.at, died.container, died.init) == (3_000, "proxy", True)
    (again,) = [record for record in run.history.of(SetUpContinued) if record.container]
    assert (again.at, again.container) == (5_000, "proxy")
    assert (again.stages[0].name, again.stages[0].duration) == (StageName(StageKind.INIT, "fetch"), 2_000)
    assert at(run, ContainersRunning) == [9_000], "not later than without"


def test_one_that_dies_before_it_has_started_is_waited_for() -> None:
    run = simulate(
        starting(Crash(3_000, Target(), container="proxy"), init=(proxy(startup_probe=STARTUP), FETCH))
    )
    assert at(run, ContainersRunning) == [19_000], "back at 5 s, in time for its check at 10 s"
    late = simulate(
        starting(Crash(9_000, Target(), container="proxy"), init=(proxy(startup_probe=STARTUP), FETCH))
    )
    assert at(late, ContainersRunning) == [29_000], "back at 11 s: the next check is at 20 s"


def test_a_pod_whose_sidecar_is_dead_when_its_containers_run_is_not_ready_before_it_is_back() -> None:
    """Three deaths, at once each time but the last: the wait after it is longer than all the rest."""
    crashes = [Crash(at, Target(), container="proxy") for at in (1_000, 4_000, 7_500)]
    made = starting(*crashes, init=(proxy(readiness_probe=EVERY_SECOND), FETCH))
    run = simulate(
        replace(
            made, timings=replace(made.timings, default=replace(made.timings.default, warm_up=seconds(0)))
        )
    )
    waits = list(run.history.of(ContainerBackOff))
    assert waits
    first, *later = run.history.of(ContainersRunning)
    assert (first.at, first.container) == (9_000, "")
    assert [record.container for record in later] == ["proxy"]
    assert at(run, PodReady)[0] >= waits[-1].until + 2_000


def test_a_crash_names_a_sidecar_that_does_not_run_yet_in_vain() -> None:
    run = simulate(starting(Crash(3_000, Target(), container="proxy"), init=(FETCH, proxy())))
    assert not at(run, ContainerDied)


def test_its_death_is_a_trigger_of_recovery_before_the_containers_run_too() -> None:
    made = starting(Crash(3_000, Target(), container="proxy"), init=(proxy(), FETCH), restart="Instance")
    run = simulate(made)
    assert [(record.at, record.reason) for record in run.history.of(InstanceRestarting)] == [
        (3_000, "Init:Error")
    ]
    assert len(at(run, PodReady)) == 1


def test_its_readiness_counts_for_the_pod_s() -> None:
    made = starting(sick(10 * MINUTE, 11 * MINUTE, "readiness"), init=(proxy(readiness_probe=EVERY_SECOND),))
    run = simulate(made)
    (lost,) = at(run, PodNotReady)
    assert 10 * MINUTE <= lost <= 10 * MINUTE + 1_000
    back = at(run, PodReady)[1]
    assert 11 * MINUTE <= back <= 11 * MINUTE + 1_000
    assert not at(run, ContainerDied)


def test_its_liveness_kills_it_alone_while_the_engine_runs_on() -> None:
    probe = Probe(period_seconds=10, failure_threshold=3)
    made = starting(sick(10 * MINUTE, 11 * MINUTE, "liveness"), init=(proxy(liveness_probe=probe),))
    run = simulate(made)
    assert {record.container for record in run.history.of(ContainerKilling)} == {"proxy"}
    assert {record.container for record in run.history.of(ContainerDied)} == {"proxy"}
    ready = at(run, PodReady)
    assert len(ready) == 1 + len(at(run, PodNotReady))
    assert ready[1] - at(run, PodNotReady)[0] == 2_000, "the engine has not to load again"


def test_sidecars_of_a_pod_that_is_deleted_during_its_set_up_are_stopped() -> None:
    other = replace(proxy(), name="log")
    made = starting(Scale(3_000, 0), init=(proxy(), FETCH, other))
    (stages,) = [record.stages for record in simulate(made).history.of(PodDeleting)]
    # The init container that runs gets its SIGTERM first.
    assert [(str(stage.name), stage.duration) for stage in stages] == [
        ("exit", 1_000),
        ("sidecar proxy", 1_000),
        ("cleanup", 0),
    ]


def test_a_node_that_comes_back_starts_its_sidecars_from_the_beginning() -> None:
    down = NodeDown(20_000, ("node-0", "node-1"), until=40_000, plugin_after=0)
    run = simulate(starting(sick(1), down, init=(proxy(startup_probe=STARTUP),), horizon=75_000))
    (killed,) = at(run, ContainerKilling)
    assert 60_000 < killed <= 70_000, (
        "set up anew at 40 s, by a kubelet that sleeps a part of the period first"
    )


def test_sidecars_that_are_well_cost_no_more_than_before() -> None:
    init = (proxy(startup_probe=STARTUP, readiness_probe=EVERY_SECOND), FETCH)
    made = starting(Scale(3_600_000, 0), init=init)
    run = simulate(
        replace(
            made, workloads=(replace(made.kubeinfer, replicas=30),), nodes=scenario(made.kubeinfer, 30).nodes
        )
    )
    assert run.fired / 30 <= 10


@pytest.mark.parametrize("when", [0, 1, 7_000, 60_000])
@pytest.mark.parametrize("probe", ["startup", "liveness"])
def test_pods_that_ran_before_the_simulation_began_are_ready_whenever_their_checks_are_first_looked_at(
    when: int, probe: str
) -> None:
    """A startup probe that has succeeded is not asked any more; a liveness probe has a day of successes behind it."""
    init = (proxy(startup_probe=STARTUP, readiness_probe=EVERY_SECOND),)
    patient = Probe(period_seconds=10, failure_threshold=3)
    made = starting(sick(when, when + 15_000, probe, container="engine"), init=init)
    spec = kubeinfer(restart="Custom", startup=patient, liveness=patient, init_containers=init)
    run = simulate(replace(made, initial="running", workloads=(spec,), horizon=10 * MINUTE))
    assert not at(run, PodNotReady)
    assert not at(run, ContainerKilling)


def test_on_a_dead_machine_no_check_kills_a_sidecar_and_the_set_up_begins_anew_when_it_is_back() -> None:
    """The sidecar runs when the machine dies at 3 s, beside an init container that takes until 7 s."""
    init = (proxy(liveness_probe=EVERY_SECOND), FETCH)
    dies = NodeDown(3_000, ("node-0", "node-1"), "reboot", 60_000, 0)
    run = simulate(starting(dies, sick(5_000, 20_000, "liveness"), init=init, horizon=5 * MINUTE))
    assert not at(run, ContainerKilling)
    assert at(run, ContainersRunning) == [60_000 + 7_000 + 2_000]


def test_a_sidecar_that_ends_while_no_kubelet_runs_is_started_again_when_one_does() -> None:
    """It ends at 4 s beside an init container; both kubelets are away from 3 s to 30 s."""
    away = NodeDown(3_000, ("node-0", "node-1"), "kubeletRestart", 30_000, 0)
    ends = Crash(4_000, Target(), "Error", 1, "proxy")
    run = simulate(starting(away, ends, init=(proxy(), FETCH), horizon=5 * MINUTE))
    (died,) = run.history.of(ContainerDied)
    assert (died.at, died.container) == (30_000, "proxy")
    (again,) = [record for record in run.history.of(ContainersRunning) if record.container]
    assert (again.at, again.container) == (32_000, "proxy")


def test_a_new_kubelet_takes_over_a_sidecar_that_nobody_had_to_watch_before_the_containers_ran() -> None:
    """The first sidecar has been watched since it was sick, the second is started at 7 s; no kubelet from 10 s to 12 s."""
    second = Container("log", "log:1", restart_policy="Always", readiness_probe=EVERY_SECOND)
    init = (proxy(readiness_probe=EVERY_SECOND), FETCH, second, Container("unpack", "fetch:1"))
    away = NodeDown(10_000, ("node-0", "node-1"), "kubeletRestart", 12_000, 0)
    run = simulate(starting(sick(2_000, 3_000, "readiness"), away, init=init, horizon=5 * MINUTE))
    assert at(run, ContainersRunning) == [7_000 + 7_000 + 2_000]
    assert len(at(run, PodReady)) == 1


def test_that_the_checks_of_another_container_will_go_wrong_costs_a_sidecar_nothing() -> None:
    """Its start is foreseen; where its own check falls sick a minute after each start, it is watched as it goes."""
    fired = {}
    for container in ("proxy", "engine"):
        sick = Health(0, Target(), False, None, ("startup",), container=container, after=MINUTE)
        run = simulate(starting(sick, init=(proxy(startup_probe=STARTUP), FETCH), horizon=2 * MINUTE))
        assert at(run, ContainersRunning) == [19_000]
        fired[container] = run.fired
    assert fired["engine"] < fired["proxy"]


def test_one_that_was_sick_when_its_machine_died_is_asked_by_the_new_kubelet_once_all_containers_run() -> (
    None
):
    """It was followed as it started; after the reboot it is well, and its start is foreseen."""
    down = NodeDown(5_000, ("node-0", "node-1"), "reboot", 40_000, plugin_after=0)
    run = simulate(
        starting(
            sick(1_000, 15_000, "readiness"),
            down,
            init=(proxy(readiness_probe=EVERY_SECOND), FETCH),
            horizon=10 * MINUTE,
        )
    )
    (running,) = at(run, ContainersRunning)
    assert running > 40_000
    assert len(at(run, PodReady)) == 1

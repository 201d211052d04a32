"""Init containers that fail: which run, how often they are tried, what is said of the pod meanwhile."""

from __future__ import annotations

from typing import Any

import pytest
from building import EVERY_SECOND, kubeinfer, scenario, seconds, set_up_stages
from msgspec.structs import replace

from kubeinfer_sim.cluster.records import (
    ContainerBackOff,
    ContainerCrashed,
    ContainerDied,
    ContainersRunning,
    PodBound,
    PodDeleting,
    PodReady,
    SetUpContinued,
)
from kubeinfer_sim.cluster.stages import BACK_OFF
from kubeinfer_sim.controllers.kubeinfer.records import Stalled
from kubeinfer_sim.engine.history import Record
from kubeinfer_sim.manifest.model import Container, KubeInfer
from kubeinfer_sim.metrics import Measures, measure
from kubeinfer_sim.scenario.actions.model import Action, Crash, NodeDown, Scale, StartFault, Target
from kubeinfer_sim.scenario.model import Assumptions, Scenario
from kubeinfer_sim.scenario.timings.distributions import Uniform
from kubeinfer_sim.simulation.run import Run
from kubeinfer_sim.simulation.simulate import simulate

FETCH, UNPACK = Container("fetch", "init:1"), Container("unpack", "init:2")
PROXY = Container("proxy", "proxy:1", restart_policy="Always", readiness_probe=EVERY_SECOND)


def starting(
    *actions: Action, init: tuple[Container, ...] = (FETCH, UNPACK), policy: str = "Always", **fields: Any
) -> Scenario:
    """One pod, created at 0 s, whose restarts are the kubelet's; init containers take 7 s, images 3 s."""
    spec: KubeInfer = kubeinfer(restart="Custom", init_containers=init, restart_policy=policy)
    stages = {"init": seconds(7), "image_cold": seconds(3), "create": seconds(2)} | fields.pop("stages", {})
    return scenario(spec, 2, 60, 5, initial="empty", actions=actions, stages=stages, **fields)


def measured(run: Run) -> Measures:
    return measure(run.history, ended_at=run.ended_at, end=run.end)


def at(run: Run, kind: type[Record]) -> list[int]:
    return [record.at for record in run.history.of(kind)]


def test_the_first_retry_is_immediate_the_next_wait_10_s_doubling_to_5_minutes() -> None:
    run = simulate(starting(StartFault(0, container="fetch"), horizon=2_400_000))
    died = at(run, ContainerDied)
    assert died[:2] == [10_000, 17_000], "3 s of image, 7 s; and again without the image"
    waits = [record.until - record.at for record in run.history.of(ContainerBackOff)]
    for wait, least in zip(waits, (10, 20, 40, 80, 160, 300, 300), strict=False):
        assert least * 1000 <= wait <= least * 1500 + 1000
    assert not at(run, ContainersRunning)


def test_one_that_fails_three_times_is_run_a_fourth_and_the_next_follow_it() -> None:
    run = simulate(starting(StartFault(0, container="fetch", times=3)))
    died = [(record.container, record.exit_code) for record in run.history.of(ContainerDied)]
    assert died == [("fetch", 1)] * 3
    last = [record for record in run.history.of(SetUpContinued) if record.container][-1]
    assert [str(stage.name) for stage in set_up_stages(run, last.at)] == [
        "init fetch",
        "image init:2",
        "init unpack",
        "image engine:1",
        "create",
    ]
    assert at(run, ContainersRunning) == [last.at + 7_000 + 3_000 + 7_000 + 3_000 + 2_000]
    assert at(run, PodReady)


def test_one_that_has_ended_well_is_not_run_again_when_the_next_fails() -> None:
    run = simulate(starting(StartFault(0, container="unpack", times=2)))
    assert [record.container for record in run.history.of(ContainerDied)] == ["unpack", "unpack"]
    assert [str(stage.name) for stage in set_up_stages(run)] == [
        "image init:1",
        "init fetch",
        "image init:2",
        "init unpack",
        "init unpack",
        "init unpack",
        "image engine:1",
        "create",
    ]


def test_runs_that_begin_before_it_or_after_its_end_are_well() -> None:
    # fetch runs from 3 s to 10 s, unpack from 13 s to 20 s.
    assert not at(simulate(starting(StartFault(3_001, container="fetch"))), ContainerDied)
    assert not at(simulate(starting(StartFault(0, until=3_000))), ContainerDied)
    assert at(simulate(starting(StartFault(3_000, until=3_001))), ContainerDied) == [10_000]
    assert at(simulate(starting(StartFault(13_000, until=13_001))), ContainerDied) == [20_000]


def test_only_the_pods_meant_fail() -> None:
    spec = kubeinfer(1, roles={"prefill": 1, "decode": 1}, restart="Custom", init_containers=(FETCH,))
    fault = StartFault(0, Target(roles=("decode",)), times=1)
    run = simulate(scenario(spec, 2, 60, 5, initial="empty", actions=(fault,)))
    assert [record.pod.role for record in run.history.of(ContainerDied)] == ["decode"]


def test_a_successor_at_the_same_place_goes_on_where_the_count_has_left_off() -> None:
    """With Instance recovery each failure makes a new pod: three of them, and the fourth runs."""
    made = starting(StartFault(0, container="fetch", times=3))
    spec = kubeinfer(restart="Instance", init_containers=(FETCH,))
    run = simulate(replace(made, workloads=(spec,)))
    assert [record.pod.generation for record in run.history.of(ContainerDied)] == [0, 1, 2]
    assert at(run, PodReady)


@pytest.mark.parametrize(("policy", "again"), [("Always", True), ("OnFailure", True), ("Never", False)])
def test_with_restart_policy_never_the_first_failure_is_the_pod_s_end(policy: str, again: bool) -> None:
    run = simulate(starting(StartFault(0, times=1), policy=policy))
    assert bool(at(run, PodReady)) is again
    assert len(at(run, ContainerDied)) == (2 if again else 1), "each of the two init containers once"
    assert run.pods[0].phase == ("Running" if again else "Failed")


def test_a_crash_strikes_the_init_container_that_runs() -> None:
    for container in ("", "fetch"):
        run = simulate(starting(Crash(5_000, Target(), "OOMKilled", 137, container)))
        (died,) = run.history.of(ContainerDied)
        assert (died.at, died.container, died.reason, died.exit_code) == (5_000, "fetch", "OOMKilled", 137)
        again = [record.at for record in run.history.of(SetUpContinued) if record.container]
        assert again == [5_000]
        assert at(run, ContainersRunning) == [5_000 + 7_000 + 10_000 + 3_000 + 2_000]


@pytest.mark.parametrize("when", [1_000, 11_000, 15_000, 22_000, 100_000])
def test_a_crash_of_an_init_container_that_does_not_run_is_nothing(when: int) -> None:
    run = simulate(starting(Crash(when, Target(), container="fetch")))
    assert not at(run, ContainerDied)
    assert not at(run, ContainerCrashed)


def test_an_init_container_that_ends_with_0_early_is_done() -> None:
    run = simulate(starting(Crash(5_000, Target(), "Completed", 0, "fetch")))
    assert at(run, ContainersRunning) == [5_000 + 10_000 + 3_000 + 2_000]
    assert not at(run, ContainerBackOff)


def test_what_was_to_be_pulled_later_is_not_there_when_a_crash_comes_first() -> None:
    """A second pod on the node finds the image of the containers cold, too: nobody has pulled it yet."""
    crashes = [Crash(5_000 + 7_000 * i, Target(), container="fetch") for i in range(2)]
    run = simulate(starting(*crashes))
    stages = set_up_stages(run, 12_000)
    assert [(str(stage.name), stage.regime) for stage in stages if str(stage.name).startswith("image")] == [
        ("image init:2", "cold"),
        ("image engine:1", "cold"),
    ]


def test_the_length_of_each_run_is_drawn_anew() -> None:
    run = simulate(
        starting(StartFault(0, container="fetch", times=3), stages={"init": Uniform(1_000, 90_000)})
    )
    starts = [*run.history.of(PodBound), *run.history.of(SetUpContinued)]
    lengths = [
        stage.duration for record in starts for stage in record.stages if str(stage.name) == "init fetch"
    ]
    assert len(set(lengths)) == len(lengths) == 4


def test_the_words_are_those_of_kubectl() -> None:
    made = starting(StartFault(0, container="fetch"), assumptions=Assumptions(startup_crash="kubelet"))
    spec = kubeinfer(restart="Instance", init_containers=(FETCH,))
    made = replace(made, workloads=(spec,), quiet_after=3_600_000)
    run = simulate(made)
    (stall,) = run.history.of(Stalled)  # at the second failure
    assert stall.pod_reason == "Init:CrashLoopBackOff"
    (life,) = measured(run).instances
    assert life.pods[0].trouble == "Init:CrashLoopBackOff: fetch, exit code 1"
    pod = run.pods[0]
    phase, conditions = pod.phase, [each.condition for each in pod.conditions]
    assert phase == "Pending"
    (initialized,) = [each for each in conditions if each.type == "Initialized"]
    assert initialized.message == "containers with incomplete status: [fetch]"


def test_the_trouble_is_over_when_the_containers_run() -> None:
    (life,) = measured(simulate(starting(StartFault(0, times=2)))).instances
    assert life.pods[0].trouble == ""
    assert [span for span in life.pods[0].spans if span.stage == BACK_OFF]


def test_a_pod_deleted_during_the_back_off_of_its_init_container_is_gone_for_good() -> None:
    run = simulate(starting(StartFault(0), Scale(20_000, 0)))
    assert at(run, PodDeleting) == [20_000]
    assert run.end == "settled"
    assert run.ended_at == 20_000


def test_a_node_that_dies_meanwhile_runs_its_init_containers_from_the_first_when_it_is_back() -> None:
    down = NodeDown(11_000, ("node-0", "node-1"), until=40_000, plugin_after=0)
    run = simulate(starting(down, Crash(12_000, Target()), horizon=600_000))
    assert not at(run, ContainerDied), "nothing runs on a dead machine"
    (*_, bound) = run.history.of(PodBound)
    assert bound.at == 40_000
    assert [str(stage.name) for stage in bound.stages][:2] == ["image init:1", "init fetch"]


def test_a_sidecar_before_them_changes_nothing() -> None:
    run = simulate(starting(StartFault(0, times=1), init=(PROXY, FETCH)))
    assert [record.container for record in run.history.of(ContainerDied)] == ["fetch"]
    assert at(run, PodReady)


def test_a_scenario_without_init_faults_costs_what_it_did() -> None:
    spec = kubeinfer(30, init_containers=(FETCH, UNPACK))
    made = replace(starting(Scale(3_600_000, 0)), workloads=(spec,))
    run = simulate(replace(made, nodes=scenario(spec, 30).nodes))
    assert run.fired / 30 <= 8


def test_an_init_container_that_ends_while_no_kubelet_runs_is_run_again_when_one_does() -> None:
    """Its pod is on one of the two nodes; both kubelets are away from 4 s to 30 s."""
    away = NodeDown(4_000, ("node-0", "node-1"), "kubeletRestart", 30_000, 0)
    run = simulate(starting(away, Crash(6_000, Target(), "OOMKilled", 137), horizon=10 * 60_000))
    (died,) = run.history.of(ContainerDied)
    assert (died.at, died.container, died.reason) == (30_000, "fetch", "OOMKilled")
    assert at(run, ContainersRunning) == [30_000 + 7_000 + 3_000 + 7_000 + 3_000 + 2_000]
    assert len(at(run, PodReady)) == 1

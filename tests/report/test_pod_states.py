"""Phase and conditions of pods, as the result shows them."""

from __future__ import annotations

from typing import Any

from building import kubeinfer, scenario
from msgspec.structs import replace

from kubeinfer_sim.manifest.model import Container
from kubeinfer_sim.report.result import build_result
from kubeinfer_sim.report.verdict import assess
from kubeinfer_sim.scenario.actions.model import Crash, ImageFault, NodeDown, Scale, Target
from kubeinfer_sim.scenario.timings.distributions import Never
from kubeinfer_sim.simulation.simulate import simulate

AT = 600_000


def status(*actions: Any, **fields: Any) -> tuple[str, dict[str, tuple[bool, str]]]:
    spec = fields.pop("spec", None) or kubeinfer(1, restart="Custom")
    run = simulate(scenario(spec, fields.pop("nodes", 1), 60, 5, actions=actions, **fields))
    pod = build_result(assess(run)).instances[-1].pods[-1]
    return pod.phase, {each.type: (each.status, each.reason) for each in pod.conditions}


def test_a_serving_pod_is_running_and_everything_is_true() -> None:
    phase, conditions = status(initial="empty")
    assert phase == "Running"
    assert all(value == (True, "") for value in conditions.values())
    assert list(conditions) == [
        "PodReadyToStartContainers",
        "Initialized",
        "Ready",
        "ContainersReady",
        "PodScheduled",
    ]


def test_a_pod_without_a_node_is_pending_and_unschedulable() -> None:
    assert status(Scale(AT, 2)) == ("Pending", {"PodScheduled": (False, "Unschedulable")})


def test_a_pod_whose_image_is_missing_is_pending() -> None:
    phase, conditions = status(ImageFault(0), initial="empty")
    assert phase == "Pending"
    assert conditions["ContainersReady"] == (False, "ContainersNotReady")
    assert conditions["PodReadyToStartContainers"] == (True, ""), "its sandbox has a network"


def test_a_pod_in_its_init_containers_is_not_initialized() -> None:
    spec = kubeinfer(1)
    template = replace(spec.roles[0].template, init_containers=(Container("fetch", "init:1"),))
    spec = replace(spec, roles=(replace(spec.roles[0], template=template),))
    phase, conditions = status(initial="empty", spec=spec, stages={"init": Never()})
    assert phase == "Pending"
    assert conditions["Initialized"] == (False, "ContainersNotInitialized")


def test_a_pod_that_loads_runs_and_is_not_ready() -> None:
    phase, conditions = status(initial="empty", horizon=30_000)
    assert phase == "Running"
    assert conditions["Ready"] == conditions["ContainersReady"] == (False, "ContainersNotReady")


def test_a_pod_on_a_silent_node_is_not_ready_though_its_containers_were() -> None:
    phase, conditions = status(NodeDown(AT, ("node-0",)), horizon=AT + 120_000)
    assert phase == "Running"
    assert conditions["Ready"] == (False, "")
    assert conditions["ContainersReady"] == (True, "")


def test_a_pod_in_crash_loop_runs_in_the_words_of_kubernetes() -> None:
    crashes = [Crash(AT + at * 1000, Target()) for at in range(0, 60, 5)]
    phase, conditions = status(*crashes, horizon=AT + 40_000)
    assert phase == "Running"
    assert conditions["Ready"][0] is False


def test_a_pod_that_is_never_restarted_has_failed_or_succeeded() -> None:
    spec = kubeinfer(1, restart="Custom", restart_policy="Never")
    assert status(Crash(AT, Target()), spec=spec)[0] == "Failed"
    assert status(Crash(AT, Target(), "Completed", 0), spec=spec)[0] == "Succeeded"


def test_a_pod_whose_sidecar_has_started_runs_though_its_engine_crash_loops() -> None:
    spec = kubeinfer(1, restart="Custom")
    template = spec.roles[0].template
    sidecar = Container("log", "log:1", restart_policy="Always")
    template = replace(template, init_containers=(sidecar,))
    spec = replace(spec, roles=(replace(spec.roles[0], template=template),))
    crashes = [Crash(at * 1000, Target()) for at in range(70, 200, 2)]
    phase, conditions = status(*crashes, spec=spec, initial="empty", horizon=130_000)
    assert phase == "Running"
    assert conditions["Ready"] == (False, "ContainersNotReady")

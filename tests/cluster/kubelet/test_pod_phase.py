"""A pod's phase and conditions."""

from __future__ import annotations

from typing import Any

import pytest

from kubeinfer_sim.cluster.kubelet.pod_phase import (
    Condition,
    ContainerStatus,
    PodContainers,
    containers_ready,
    pod_initialized,
    pod_phase,
    pod_ready,
)


def status(row: dict[str, Any]) -> ContainerStatus:
    return ContainerStatus(
        row.get("state") or "unknown",
        row.get("exit_code", 0),
        row.get("last_exit_code"),
        bool(row.get("started")),
    )


@pytest.mark.vectors("k8s_pod_phase")
def test_the_phase_from_the_container_states(case: dict[str, Any]) -> None:
    init = case["init_containers"]
    pod = PodContainers(
        case["containers"],
        [c["name"] for c in init if c["restart_policy"] != "Always"],
        [c["name"] for c in init if c["restart_policy"] == "Always"],
        case["restart_policy"],
    )
    statuses = {
        row["name"]: status(row) for row in case["init_container_statuses"] + case["container_statuses"]
    }
    assert pod_phase(pod, statuses, terminal=case["pod_is_terminal"]) == case["expected_phase"]


RUNNING = ContainerStatus("running", started=True, ready=True)
LOADING = ContainerStatus("running")


@pytest.mark.parametrize("final", ["Succeeded", "Failed"])
def test_a_final_phase_never_changes(final: Any) -> None:
    assert pod_phase(PodContainers(["a"]), {"a": RUNNING}, previous=final) == final


def test_a_container_in_crash_loop_back_off_leaves_the_pod_running() -> None:
    assert pod_phase(PodContainers(["a"]), {"a": ContainerStatus("waiting", last_exit_code=1)}) == "Running"


def test_unready_and_unknown_containers_are_named() -> None:
    pod = PodContainers(["a", "b", "c"])
    statuses = {"a": RUNNING, "b": LOADING}
    message = "containers with unknown status: [c], containers with unready status: [b]"
    assert containers_ready(pod, statuses, "Pending") == Condition(
        "ContainersReady", False, "ContainersNotReady", message
    )
    assert pod_ready(pod, statuses, "Pending") == Condition("Ready", False, "ContainersNotReady", message)


def test_all_containers_ready_make_the_pod_ready() -> None:
    pod = PodContainers(["a"], sidecars=["s"])
    assert pod_ready(pod, {"a": RUNNING, "s": RUNNING}, "Running") == Condition("Ready", True)
    assert not pod_ready(pod, {"a": RUNNING, "s": LOADING}, "Running").status


def test_a_readiness_gate_holds_the_pod_back() -> None:
    pod = PodContainers(["a"])
    assert pod_ready(pod, {"a": RUNNING}, "Running", {"x/y": True}).status
    assert pod_ready(pod, {"a": RUNNING}, "Running", {"x/y": False}).reason == "ReadinessGatesNotReady"
    assert "does not exist" in pod_ready(pod, {"a": RUNNING}, "Running", {"x/y": None}).message


def test_a_finished_pod_is_not_ready() -> None:
    pod, done = PodContainers(["a"]), {"a": ContainerStatus("terminated")}
    assert containers_ready(pod, done, "Succeeded").reason == "PodCompleted"
    assert containers_ready(pod, done, "Failed").reason == "PodFailed"
    assert containers_ready(pod, None, "Pending").reason == "UnknownContainerStatuses"


def test_a_pod_is_initialized_when_init_containers_ended_and_sidecars_started() -> None:
    pod = PodContainers(["a"], init=["i"], sidecars=["s"])
    ended = ContainerStatus("terminated", ready=True)
    waiting = pod_initialized(pod, {"i": ended, "s": LOADING}, "Pending")
    assert (waiting.status, waiting.message) == (False, "containers with incomplete status: [s]")
    assert pod_initialized(pod, {"i": ended, "s": RUNNING}, "Pending").status
    assert pod_initialized(pod, None, "Pending").reason == "UnknownContainerStatuses"
    assert pod_initialized(pod, {"a": RUNNING, "i": ended, "s": LOADING}, "Running").status


def test_a_pod_without_init_containers_is_initialized_before_anything_is_known_of_it() -> None:
    assert pod_initialized(PodContainers(["engine"], [], [], "Always"), None, "Pending").status
    unknown = pod_initialized(PodContainers(["engine"], ["fetch"], [], "Always"), None, "Pending")
    assert (unknown.status, unknown.reason) == (False, "UnknownContainerStatuses")

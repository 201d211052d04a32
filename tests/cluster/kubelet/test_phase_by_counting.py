"""The phase of a pod in every state its containers can be in, against a plain count of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import product

import pytest

from kubeinfer_sim.cluster.kubelet.pod_phase import (
    ContainerStatus,
    Phase,
    PodContainers,
    RestartPolicy,
    pod_phase,
)

STATES = (
    None,
    ContainerStatus("unknown"),
    ContainerStatus("running"),
    ContainerStatus("running", started=True),
    ContainerStatus("terminated", 0),
    ContainerStatus("terminated", 1),
    ContainerStatus("waiting"),
    ContainerStatus("waiting", last_exit_code=0),
    ContainerStatus("waiting", last_exit_code=1),
)


def is_in(status: ContainerStatus | None) -> str:
    """One word for a container's state."""
    match status:
        case None | ContainerStatus(state="unknown"):
            return "unknown"
        case ContainerStatus(state="terminated") | ContainerStatus(state="waiting", last_exit_code=int()):
            code = status.exit_code if status.state == "terminated" else status.last_exit_code
            return ("failed" if code else "done") + (" and waits" if status.state == "waiting" else "")
        case ContainerStatus(state="running"):
            return "started" if status.started else "running"
        case _:
            return "waiting"


def counted(pod: PodContainers, statuses: Mapping[str, ContainerStatus], *, terminal: bool) -> Phase:
    """getPhase of pkg/kubelet/kubelet_pods.go, one question after the other."""
    init, sidecars, regular = (
        Counter(is_in(statuses.get(name)) for name in names)
        for names in (pod.init, pod.sidecars, pod.regular)
    )
    stopped = sum(regular[each] for each in ("done", "failed", "done and waits", "failed and waits"))
    running = regular["running"] + regular["started"] + sidecars["running"] + sidecars["started"]
    begun = regular["running"] + regular["started"] + regular["done"] + regular["failed"]
    initializing = init["unknown"] + init["running"] + init["started"] + init["waiting"]
    initializing += sidecars["running"] + sidecars["waiting"]
    initializing += any(name in statuses and statuses[name].state == "unknown" for name in pod.sidecars)
    if init["failed"] + init["failed and waits"] and pod.restart_policy == "Never":
        return "Failed"
    if initializing and not begun:
        return "Pending"
    if regular["waiting"] + sidecars["waiting"]:
        return "Pending"
    if regular["unknown"] + sidecars["unknown"]:
        return "Pending"
    if running:
        return "Running"
    if not stopped:
        return "Pending"
    all_well = stopped == regular["done"]
    if not terminal and (
        pod.restart_policy == "Always" or (pod.restart_policy == "OnFailure" and not all_well)
    ):
        return "Running"
    return "Succeeded" if all_well else "Failed"


def every_state(pod: PodContainers) -> Iterator[dict[str, ContainerStatus]]:
    names = [*pod.init, *pod.sidecars, *pod.regular]
    for states in product(STATES, repeat=len(names)):
        yield {name: state for name, state in zip(names, states, strict=True) if state is not None}


@pytest.mark.parametrize("policy", ["Always", "OnFailure", "Never"])
@pytest.mark.parametrize(
    ("regular", "init", "sidecars"),
    [(["a", "b"], [], []), (["a", "b"], ["i"], []), (["a", "b"], [], ["s"]), (["a"], ["i"], ["s"])],
)
def test_the_phase_is_what_counting_the_containers_says(
    policy: RestartPolicy, regular: list[str], init: list[str], sidecars: list[str]
) -> None:
    pod = PodContainers(regular, init, sidecars, policy)
    for statuses in every_state(pod):
        for terminal in (False, True):
            found = pod_phase(pod, statuses, terminal=terminal)
            assert found == counted(pod, statuses, terminal=terminal), statuses


def test_an_init_container_that_is_forgotten_does_not_put_a_running_pod_back_to_pending() -> None:
    pod = PodContainers(["a"], init=["i"])
    assert pod_phase(pod, {"a": ContainerStatus("running")}) == "Running"

"""Which runs of init containers, and which hooks, a fault of starts makes end badly."""

from __future__ import annotations

from typing import Any

from cluster.bare_pods import Idle, bare_pod

from kubeinfer_sim.cluster.kubelet.start_faults import StartFaults
from kubeinfer_sim.scenario.actions.model import StartFault

POD, OTHER = (bare_pod(Idle(), name) for name in ("serve", "route"))


def ends(found: StartFaults, at: int, pod: Any = POD, container: str = "fetch") -> str:
    """The reason of a run that begins then; "" where it ends well."""
    failure = found.of("init", pod, container, at)
    return "" if failure is None else failure.reason


def of_pod(pod: Any) -> bool:
    return pod is POD


def test_of_several_faults_the_first_that_strikes_the_run_counts_whatever_those_before_it_do() -> None:
    """One is over at 10 ms, one is of a hook, one of another container, one of another pod, one begins at 100 ms."""
    faults = [
        StartFault(0, reason="Over", until=10),
        StartFault(0, reason="Hook", what="postStart"),
        StartFault(0, reason="Other", container="unpack"),
        StartFault(100, reason="Later"),
        StartFault(0, reason="Error"),
    ]
    found = StartFaults([(faults[0], of_pod), (faults[1], of_pod), (faults[2], of_pod), (faults[3], of_pod)])
    assert [ends(found, at) for at in (0, 9, 10, 99, 100)] == ["Over", "Over", "", "", "Later"]
    found = StartFaults([(faults[0], lambda pod: pod is OTHER), *((each, of_pod) for each in faults)])
    assert [ends(found, at) for at in (0, 9, 10, 99, 100)] == ["Over", "Over", "Error", "Error", "Later"]
    assert ends(found, 50, container="unpack") == "Other"
    assert ends(found, 50, OTHER) == ""


def test_a_fault_that_has_struck_often_enough_leaves_the_run_to_the_next() -> None:
    often, last = StartFault(0, reason="Often", times=2), StartFault(0, reason="Last")
    found = StartFaults([(often, of_pod), (last, of_pod)])
    assert ends(found, 0) == "Often"
    found.struck[0, POD.ref.name, "fetch"] = 2
    assert ends(found, 0) == "Last"

"""Faults of the NPUs that pods of Deployments hold: only symptoms show, whatever label the pods carry."""

from __future__ import annotations

import pytest
from building import kubeinfer, pod_template, scenario
from controllers.playing import of, play
from msgspec.structs import replace

from kubeinfer_sim.cluster.fault_records import FaultCleared, FaultDetected, FaultInjected, NpuStateChanged
from kubeinfer_sim.cluster.records import ContainerDied, PodGone
from kubeinfer_sim.manifest.model import Deployment, IntOrPercent, Probe, RollingUpdate
from kubeinfer_sim.scenario.actions.model import Fault, Target
from kubeinfer_sim.scenario.timings.distributions import Constant
from kubeinfer_sim.simulation.run import Run

CHAT = Target(instances=(0,), kind="Deployment", name="chat")
HOUR = 3_600_000
STARTUP = Probe(period_seconds=10, failure_threshold=12)


def run(fault: Fault, labels: dict[str, str] | None = None) -> Run:
    template = pod_template(startup=STARTUP, labels=labels or {})
    updates = RollingUpdate(IntOrPercent(25, True), IntOrPercent(25, True))
    chat = Deployment("chat", template, replicas=2, strategy="RollingUpdate", rolling_update=updates)
    made = scenario(kubeinfer(0), 3, 60, 10, actions=(fault,), horizon=4 * HOUR)
    return play(replace(made, workloads=(*made.workloads, chat)))


@pytest.mark.parametrize("label", ["true", "false"])
def test_the_container_restarts_on_the_broken_npu_which_is_not_repaired_while_it_is_held(label: str) -> None:
    fault = Fault(100_000, "NpuFault", CHAT, npus=(0,), repair=Constant(HOUR))
    played = run(fault, {"modelarts-infer-npu-reset-enable": label})
    (injected,) = of(played, FaultInjected)
    assert injected.pod is not None
    assert injected.pod.instance.owner == "chat"
    assert not of(played, FaultDetected)
    assert not of(played, NpuStateChanged)
    assert not of(played, PodGone)
    reasons = [record.reason for record in of(played, ContainerDied)]
    assert reasons[0] == "Error"
    assert reasons.count("StartupProbeFailed") > 3
    assert not of(played, FaultCleared)


def test_a_busy_npu_at_random_is_one_of_the_deployment_that_is_named() -> None:
    target = Target(kind="Deployment", name="chat")
    (injected,) = of(run(Fault(100_000, "NpuFault", target, random="busyNpu")), FaultInjected)
    assert injected.pod is not None
    assert injected.pod.instance.owner == "chat"

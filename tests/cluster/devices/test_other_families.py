"""Faults of accelerators that are not Ascend's: they show by their symptom, and no device plugin resets anything."""

from __future__ import annotations

from typing import Any

import pytest
from building import NPU, kubeinfer, nodes, scenario
from controllers.playing import of, play, seconds_of
from msgspec.structs import replace

from kubeinfer_sim.cluster.fault_records import (
    AllocatableChanged,
    FaultCleared,
    FaultDetected,
    FaultInjected,
    NpuStateChanged,
)
from kubeinfer_sim.cluster.records import ContainerDied, PodReady
from kubeinfer_sim.manifest.model import KubeInfer
from kubeinfer_sim.scenario.actions.model import Fault, Scale, Target
from kubeinfer_sim.scenario.faults.kinds import KINDS
from kubeinfer_sim.scenario.timings.distributions import Constant
from kubeinfer_sim.simulation.simulate import Run

GPU = "nvidia.com/gpu"
LABEL = {"modelarts-infer-npu-reset-enable": "true"}
HOUR = 3_600_000


def on(resource: str, spec: KubeInfer) -> KubeInfer:
    """The same pods, of another accelerator."""
    roles = []
    for role in spec.roles:
        asked = {resource: sum(role.template.requests.values())}
        containers = tuple(replace(each, requests=asked, limits=asked) for each in role.template.containers)
        roles.append(replace(role, template=replace(role.template, requests=asked, containers=containers)))
    return replace(spec, roles=tuple(roles))


def run(resource: str, kind: str, **fields: Any) -> Run:
    fault = Fault(100_000, kind, Target(nodes=("node-0",)), (0,), repair=Constant(HOUR), **fields)
    spec = on(resource, kubeinfer(1, labels=LABEL))
    (node,) = nodes(1)
    node = replace(node, allocatable={resource: 8})
    return play(
        scenario(spec, 1, 60, 10, actions=(fault, Scale(2 * HOUR, 0)), nodes=(node,), horizon=20 * HOUR)
    )


@pytest.mark.parametrize("kind", [name for name, kind in KINDS.items() if kind.strikes == "npu"])
def test_nobody_reports_a_fault_of_a_gpu_or_takes_it_out(kind: str) -> None:
    played = run(GPU, kind)
    (injected,) = of(played, FaultInjected)
    assert (injected.kind, injected.level) == (kind, "")
    assert not of(played, FaultDetected)
    assert not of(played, NpuStateChanged)
    assert of(run(NPU, kind), FaultInjected)[0].level == KINDS[kind].level


def test_a_pod_made_anew_waits_until_the_device_nobody_holds_is_repaired() -> None:
    """The instance is recreated at 100 s; its node offers 7 of 8 then."""
    played = run(GPU, "NpuFault")
    assert seconds_of(played, ContainerDied)[0] == 100
    assert [(each.at, each.how) for each in of(played, FaultCleared)] == [(HOUR + 100_000, "repaired")]
    less, again = of(played, AllocatableChanged)
    assert (less.amount, again.amount) == (7, 8)
    assert 100_000 <= less.at <= 110_000
    assert HOUR + 100_000 <= again.at <= HOUR + 110_000
    assert of(played, PodReady)[-1].at > again.at


def test_it_is_repaired_when_nobody_holds_it() -> None:
    """Nothing shows: the pod stays until it is scaled away."""
    played = run(GPU, "NpuFault", symptom="none")
    assert not of(played, ContainerDied)
    assert [(each.at, each.how) for each in of(played, FaultCleared)] == [(2 * HOUR + 10_000, "repaired")]

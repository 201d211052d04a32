"""Each kind of fault is one row of the scenario's table and one function: neither without the other."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

import pytest
from building import kubeinfer, scenario

from kubeinfer_sim.cluster.fault_records import FaultInjected
from kubeinfer_sim.scenario.actions.model import Fault, Target
from kubeinfer_sim.scenario.faults.kinds import KINDS
from kubeinfer_sim.scenario.faults.model import FaultPlan, NpuHandling
from kubeinfer_sim.scenario.model import Link, Transfers
from kubeinfer_sim.simulation.faults import injector
from kubeinfer_sim.simulation.faults.nodes import NODE_EFFECTS
from kubeinfer_sim.simulation.faults.npus import NPU_EFFECTS
from kubeinfer_sim.simulation.faults.pods import POD_EFFECTS
from kubeinfer_sim.simulation.faults.shared import SHARED_EFFECTS
from kubeinfer_sim.simulation.simulate import simulate

DAY = 86_400_000
STRIKES: dict[str, Iterable[str]] = {
    "npu": NPU_EFFECTS,
    "pod": POD_EFFECTS,
    "node": NODE_EFFECTS,
    "cluster": SHARED_EFFECTS,
}


@pytest.mark.parametrize("strikes", STRIKES)
def test_every_row_has_a_function_and_every_function_a_row(strikes: str) -> None:
    assert injector.Injector
    assert set(STRIKES[strikes]) == {name for name, kind in KINDS.items() if kind.strikes == strikes}


def test_every_function_says_what_it_does() -> None:
    for effects in (NPU_EFFECTS, POD_EFFECTS, NODE_EFFECTS, SHARED_EFFECTS):
        assert all(effects.of(kind).__doc__ for kind in effects)


def calls(faults: int, kind: str, target: Target, **fields: Any) -> int:
    """Function calls of a run in which so many faults overlap, without those of the run itself."""

    def played(number: int) -> int:
        # One each second, and each lasts until long after the last has begun.
        actions = tuple(
            Fault(1000 * (100 + i), kind, target, clears_after=1_000_000 + 1000 * i, **fields)
            for i in range(number)
        )
        links = Transfers(storage=Link(1_000_000_000), default_weights_size=1_000_000)
        spec = kubeinfer(1, labels={"modelarts-infer-npu-reset-enable": "true"})
        plan = FaultPlan(npus=NpuHandling(repeats=0))
        made = scenario(spec, 2, 60, 10, actions=actions, faults=plan, horizon=DAY, transfers=links)
        count = 0

        def counted(frame: object, event: str, argument: object) -> None:
            nonlocal count
            count += event in ("call", "c_call")

        sys.setprofile(counted)
        try:
            run = simulate(made)
        finally:
            sys.setprofile(None)
        assert len(list(run.history.of(FaultInjected))) == number
        return count

    return played(faults) - played(0)


POD, NODE, NPU = Target(pods=(0,)), Target(nodes=("node-0",)), {"npus": (0,)}


@pytest.mark.parametrize(
    ("kind", "target", "fields"),
    [
        ("HealthCheckFails", POD, {}),
        ("ReadinessFlap", POD, {}),
        ("SubHealth", NODE, NPU),
        ("LinkDown", NODE, NPU),
        ("Maintenance", NODE, {}),
        ("NodeHardware", NODE, {}),
        ("StorageSlow", Target(), {}),
        ("ImagePullFailure", Target(), {}),
    ],
)
def test_faults_that_overlap_cost_their_number_not_its_square(
    kind: str, target: Target, fields: dict[str, Any]
) -> None:
    few, many = (calls(number, kind, target, **fields) for number in (100, 400))
    assert many < 6 * few, "four times as many faults, and a little more"

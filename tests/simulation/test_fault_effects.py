"""Each kind of fault is one row of the scenario's table and one function: neither without the other."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

import pytest
from building import kubeinfer, scenario
from msgspec.structs import replace

from kubeinfer_sim.cluster.fault_records import FaultInjected
from kubeinfer_sim.scenario.actions.model import Fault, Scale, Target
from kubeinfer_sim.scenario.faults.kinds import KINDS
from kubeinfer_sim.scenario.faults.model import FaultPlan, FaultProcess, MixPart, NpuHandling, Per
from kubeinfer_sim.scenario.model import Scenario
from kubeinfer_sim.scenario.timings.distributions import Constant
from kubeinfer_sim.scenario.timings.model import Link, Transfers
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
    assert set(STRIKES[strikes]) == {name for name, kind in KINDS.items() if kind.strikes == strikes}


def test_every_function_says_what_it_does() -> None:
    for effects in (NPU_EFFECTS, POD_EFFECTS, NODE_EFFECTS, SHARED_EFFECTS):
        assert all(effects.of(kind).__doc__ for kind in effects)


def counted(made: Scenario) -> tuple[int, int]:
    """Function calls of a run, and the faults it had."""
    count = 0

    def called(frame: object, event: str, argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(called)
    try:
        run = simulate(made)
    finally:
        sys.setprofile(None)
    return count, len(list(run.history.of(FaultInjected)))


def calls(faults: int, kind: str, target: Target, **fields: Any) -> int:
    """Function calls of a run in which so many faults overlap."""
    # One each second, and each lasts until long after the last has begun.
    actions = tuple(
        Fault(1000 * (100 + i), kind, target, clears_after=1_000_000 + 1000 * i, **fields)
        for i in range(faults)
    )
    links = Transfers(storage=Link(1_000_000_000), default_weights_size=1_000_000)
    spec = kubeinfer(1, labels={"modelarts-infer-npu-reset-enable": "true"})
    plan = FaultPlan(npus=NpuHandling(repeats=0))
    made = scenario(spec, 2, 60, 10, actions=actions, faults=plan, horizon=DAY, transfers=links)
    number, injected = counted(made)
    assert injected == faults
    return number


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
    none, few, many = (calls(number, kind, target, **fields) for number in (0, 100, 400))
    assert many - none < 6 * (few - none), "four times as many faults, and a little more"


@pytest.mark.parametrize("symptom", ["crash", "hang", "unhealthy", "slow"])
def test_a_pod_that_gets_an_npu_looks_at_no_fault_of_it_one_by_one(symptom: str) -> None:
    """However many faults of an idle NPU overlap, what they mean for the pod that gets it is worked out once."""

    def costs_of_a_pod(faults: int) -> int:
        broken = tuple(
            Fault(1000 * i, "SilentCorruption", NODE, npus=(0,), symptom=symptom, clears_after=DAY)  # type: ignore[arg-type]
            for i in range(faults)
        )
        made = scenario(kubeinfer(0), 1, 60, 10, actions=broken, horizon=DAY // 2)
        scaled = replace(made, actions=(*broken, Scale(900_000, 1)))
        return counted(scaled)[0] - counted(made)[0]

    few, many = [costs_of_a_pod(faults) for faults in (4, 4, 400)][1:]  # the first one fills caches
    assert many < 1.2 * few


@pytest.mark.parametrize(
    ("kind", "per"), [("ProcessCrash", "pod"), ("RequestFault", "pod"), ("SubHealth", "npu")]
)
def test_a_fault_of_one_thing_looks_at_no_other(kind: str, per: Per) -> None:
    """The same number of faults, spread over 20 or 200 instances; what the run costs without them left out."""
    costs = []
    for instances in (20, 200):
        every = Constant(DAY * instances // 20)
        process = FaultProcess("p", per, every, (MixPart(1, kind),), clears_after=Constant(1))
        plan = FaultPlan((process,), NpuHandling(repeats=0))
        made = scenario(kubeinfer(instances, 1, 0), instances, 60, 10, faults=plan)
        runs = [counted(replace(made, horizon=days * DAY + 1)) for days in (10, 20)]
        (short, few), (long, many) = runs
        costs.append((long - short) / (many - few))
    assert costs[1] < 1.5 * costs[0]

"""What the report says of NPUs out of service."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from building import kubeinfer, scenario
from controllers.playing import play
from metering import metered

from kubeinfer_sim.manifest.model import Probe
from kubeinfer_sim.metrics.npus import NpuOutage, NpuOutages
from kubeinfer_sim.report.npus import npu_lines
from kubeinfer_sim.report.verdict import assess
from kubeinfer_sim.scenario.actions.model import Fault, Scale, Target
from kubeinfer_sim.scenario.faults.model import FaultPlan, NpuHandling
from kubeinfer_sim.scenario.timings.distributions import Constant
from kubeinfer_sim.simulation.run import Run

LABEL = {"modelarts-infer-npu-reset-enable": "true"}


def fault(
    at: int = 100, level: str = "RestartNPU", npu: int = 0, node: str = "node-0", **fields: Any
) -> Fault:
    return Fault(at * 1000, "NpuFault", Target(nodes=(node,)), (npu,), level, "none", **fields)


def played(*actions: Fault | Scale, npus: int = 8, replicas: int = 1, group: int = 0) -> Run:
    handling = NpuHandling(
        pipeline=Constant(5_000), attempt=Constant(45_000), repair=Constant(3_600_000), group=group
    )
    spec = kubeinfer(replicas, npus=npus, labels=LABEL)
    made = scenario(
        spec, 2, 60, 10, actions=actions, faults=FaultPlan(npus=handling), horizon=10 * 86_400_000
    )
    return play(made)


def outages(run: Run) -> tuple[NpuOutage, ...]:
    return metered(NpuOutages(), run.history, ended_at=run.ended_at, end=run.end)


def lines(run: Run) -> list[str]:
    return [str(line) for line in npu_lines(outages(run))]


def test_a_reset_is_told_with_what_it_waited_for() -> None:
    run = played(fault(), Scale(4_000_000, 1), npus=4, replicas=2)
    (outage,) = outages(run)
    assert outage.reset_at == 4_010_000, "when the neighbour on the ring is gone"
    assert outage.back == 4_055_000
    (line,) = lines(run)
    assert line.startswith("node-0 npu0: isolated at 1m")
    assert line.endswith("later, when all 8 that reset together were idle; back after 45s")


def test_a_ring_that_is_never_idle_is_told() -> None:
    (line,) = lines(played(fault(), npus=4, replicas=2))
    assert line.endswith("never reset, since those it resets with were never all idle")


def test_attempts_that_fail_end_in_a_repair() -> None:
    (line,) = lines(played(fault(failed_resets=3), group=1))
    assert line.endswith("later, when it was idle, 3 attempts; out until repaired; back after 1h2m")


def test_what_is_out_or_isolated_is_told_as_such() -> None:
    (line,) = lines(played(fault(level="SeparateNPU")))
    assert line.endswith("until repaired; back after 1h")
    (line,) = lines(played(fault(level="RestartBusiness", clears_after=500_000)))
    assert "until the fault was over; back after 8m" in line
    (line,) = lines(played(fault(level="PreSeparateNPU")))
    assert line.endswith("; not back in the end")


def test_many_are_summed_up() -> None:
    run = played(*(fault(100 + npu, "SeparateNPU", npu, "node-1") for npu in range(8)))
    assert lines(run) == ["8 times an NPU was out of service; 8 out until repaired; back after 1h (mean)"]


def test_where_nothing_was_out_of_service_nothing_is_said() -> None:
    assert lines(played(fault(level="NotHandleFault"))) == []


def test_the_scenario_of_the_ring_tells_how_long_the_reset_waited() -> None:
    from kubeinfer_sim import load_scenario, simulate

    run = simulate(load_scenario(str(Path(__file__).parents[2] / "scenarios" / "ring-reset-waits.yaml")))
    (line,) = lines(run)
    assert "reset 2h later, when all 8 that reset together were idle" in line


def test_a_horizon_that_comes_too_soon_is_told_with_what_held_the_instances_up() -> None:
    # Custom without rules: the kubelet restarts the container on the broken NPU it holds, which is therefore never reset.
    spec = kubeinfer(
        1, labels=LABEL, restart="Custom", startup=Probe(period_seconds=10, failure_threshold=30)
    )
    broken = Fault(100_000, "NpuFault", Target(nodes=("node-0",)), (0,))
    run = play(scenario(spec, 2, 60, 10, actions=(broken,), horizon=86_400_000))
    sentence = assess(run).verdict.sentence
    assert sentence.startswith(
        "At the horizon of 1d 0 of 1 instance ready; infer-0 does not become ready, restarted "
    )
    assert sentence.endswith(
        "StartupProbeFailed: 30 failures in a row, one every 10 s, on account of NpuFault of node-0/npu0; "
        "deleting the pod, and healthy devices elsewhere or the repair of its own, would let it go on; "
        "npu0 of node-0 waits for its ring: infer-0-role0-0 still runs on npu 0-7; draining node-0 would let it go on."
    )
    assert lines(run)[0].endswith("never reset, since those it resets with were never all idle")

"""Slow pods lower the capacity while everything is ready: the report says so, whether a load is offered or not."""

from __future__ import annotations

from building import kubeinfer, scenario
from msgspec.structs import replace

from kubeinfer_sim.report.terminal import render
from kubeinfer_sim.report.verdict import assess
from kubeinfer_sim.scenario.actions.model import Fault, Target
from kubeinfer_sim.simulation.simulate import simulate

HOUR = 3_600_000


def text(*actions: Fault, details: bool = False) -> str:
    made = scenario(kubeinfer(2), 2, actions=actions, initial="running")
    return render(assess(simulate(replace(made, horizon=10 * HOUR))), details=details)


def test_capacity_is_told_when_nothing_but_speed_is_missing() -> None:
    slow = Fault(HOUR, "SubHealth", Target(nodes=("node-0",)), factor=0.4, clears_after=HOUR)
    assert "capacity 97 %, lowered by slow pods" in " ".join(text(slow).split())
    at_length = text(slow, details=True)
    line = next(line for line in at_length.splitlines() if line.strip().startswith("capacity"))
    assert line.split(maxsplit=1) == ["capacity", "97 %  lowered by slow pods"]


def test_nothing_is_said_when_nothing_was_missing() -> None:
    assert "Available" not in text()

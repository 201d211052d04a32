"""Objectives in words: what one asks for, and what a run made of it."""

from __future__ import annotations

from kubeinfer_sim.metrics import Judged
from kubeinfer_sim.report.words import fine_percent, point
from kubeinfer_sim.scenario.units import format_duration

_LEVELS = {"one": "at least one", "budget": "what the budget keeps", "all": "all"}


def objective_goal(judged: Judged) -> str:
    """What it asks for: `at least 4 ready`; of several KubeInfers with the name of its own."""
    target = judged.target
    level = _LEVELS.get(judged.level, f"at least {judged.level}")
    what = {
        "minReadyInstances": f"at least {target} ready",
        "completes": "completes",
        "completesWithin": f"completes within {format_duration(int(target))}",
        "maxLostInstanceSeconds": f"at most {target:,} instance-seconds lost",
        "noStall": "no stall",
        "availability": f"{level} ready at least {target:g} % of the time",
        "longestOutage": f"{level} ready but for {format_duration(int(target))} at a time",
        "minCapacity": f"at least {target:g} % of the capacity",
        "maxUnserved": f"at most {target:g} % of the load not served",
        "maxOverload": f"overloaded for at most {format_duration(int(target))}",
    }[judged.name]
    return f"{judged.owner}: {what}" if judged.owner else what


def objective_text(judged: Judged) -> str:
    """`at least 4 instances ready (measured: 3)`."""
    what, measured = objective_goal(judged), judged.measured
    if judged.unit == "ms" and measured is not None:
        actual = format_duration(int(measured))
    elif judged.unit == "%" and measured is not None:
        actual = fine_percent(measured / 100)
    elif isinstance(measured, bool):
        actual = "it does" if measured else "it does not"
    else:
        actual = "" if measured is None else f"{measured:,}"
    if judged.over is not None and actual:
        actual += f", from {point(judged.over[0])} to {point(judged.over[1])}"
    if judged.reason:
        actual = f"{actual}, {judged.reason}" if actual else judged.reason
    return f"{what} (measured: {actual})" if measured is not None else f"{what} ({actual})"

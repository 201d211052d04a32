"""The sections of the report on where the lost time went and how available the service was."""

from __future__ import annotations

from collections import Counter

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from kubeinfer_sim.engine.history import NO_CAUSE, History
from kubeinfer_sim.manifest.render import printable
from kubeinfer_sim.metrics.attribution import STAGES, CauseSummary
from kubeinfer_sim.metrics.availability import Availability
from kubeinfer_sim.report.causes import cause_text
from kubeinfer_sim.report.words import count, fine_percent, instance_seconds, rounded

_MOST = 8
_WORDS = {
    "detect": "detect",
    "decide": "back-off",
    "terminate": "stop",
    "waitForNpu": "wait for NPUs",
    "image": "image",
    "gang": "gang",
    "engine": "engine",
    "weights": "weights",
    "graph": "graph",
    "warmUp": "warm-up",
    "probe": "probes",
    "restart": "restart",
}
_LEVELS = {"one": "at least one ready", "budget": "as many as the budget keeps", "all": "all ready"}


def lost_time_lines(history: History, causes: tuple[CauseSummary, ...]) -> list[RenderableType]:
    """What each cause cost, dearest first, with its stages."""
    found: list[RenderableType] = []
    shown = [each for each in causes if each.total]
    for each in shown[:_MOST]:
        found.append(Text(printable(f"{cause_text(history, each.cause)}: {instance_seconds(each.total)}")))
        found.append(Text(f"  {_stages(each.lost)}", style="dim"))
        if each.incidents and each.repair is not None and _is_fault(history, each.cause):
            detected = "at once" if not each.detection else f"after {rounded(round(each.detection))}"
            text = f"  {count(each.incidents, 'instance')} hit, noticed {detected}, ready again after"
            found.append(Text(f"{text} {rounded(round(each.repair))} more", style="dim"))
    if len(shown) > _MOST:
        rest = sum(each.total for each in shown[_MOST:])
        found.append(
            Text(f"… and {count(len(shown) - _MOST, 'more cause')}: {instance_seconds(rest)}", "dim")
        )
    return found


def _is_fault(history: History, cause: int) -> bool:
    return cause != NO_CAUSE and type(history[cause]).__name__ != "SpecApplied"


def _stages(lost: Counter[str]) -> str:
    parts = [f"{_WORDS[stage]} {rounded(lost[stage])}" for stage in STAGES if lost[stage]]
    return " · ".join(parts)


def availability_lines(availability: Availability | None) -> list[RenderableType]:
    """The levels that were not always held; nothing when all were."""
    if availability is None or all(level.outages == 0 for level in availability.levels):
        return []
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(style="dim")
    table.add_column(justify="right")
    table.add_column()
    for level in availability.levels:
        outages = ""
        if level.outages:
            outages = f"{count(level.outages, 'outage')}, longest {rounded(level.longest)}"
            if level.outages > 1:
                outages += f", {rounded(level.total)} in all"
        table.add_row(_LEVELS[level.name], fine_percent(level.fraction), outages)
    if availability.capacity is not None:
        roles = ", ".join(
            f"{name} {fine_percent(float(value))}" for name, value in availability.roles.items()
        )
        table.add_row(
            "capacity",
            fine_percent(float(availability.capacity)),
            roles if len(availability.roles) > 1 else "",
        )
    return [table]

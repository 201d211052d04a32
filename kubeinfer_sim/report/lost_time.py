"""The sections of the report on where the lost time went and how available the service was."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from kubeinfer_sim.controllers.kubeinfer.records import SpecApplied
from kubeinfer_sim.engine.history import Record
from kubeinfer_sim.manifest.accelerators import Family
from kubeinfer_sim.manifest.render import printable
from kubeinfer_sim.metrics.attribution import CauseSummary, by_kind
from kubeinfer_sim.metrics.availability import Availability
from kubeinfer_sim.metrics.loss_stages import STAGES
from kubeinfer_sim.report.causes import cause_text
from kubeinfer_sim.report.other_causes import slow_or_idle
from kubeinfer_sim.report.paragraph import Part
from kubeinfer_sim.report.text import Text
from kubeinfer_sim.report.words import count, fine_percent, instance_seconds, rounded

_MOST = 8
#: More are told kind by kind.
_MOST_CAUSES = 5
#: What a stage is called in a sentence.
STAGE_WORDS = {
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
_LEVELS = {"one": "at least one ready", "budget": "as the budget keeps", "all": "all ready"}


def lost_time_lines(causes: tuple[CauseSummary, ...], family: Family, noun: str = "instance") -> list[Part]:
    """What each cause cost, dearest first, with its stages; each kind of them where there are many."""
    shown = [each for each in causes if each.total]
    if len(shown) > _MOST_CAUSES:
        return _kinds(shown, family, noun)
    blocks: list[Part] = []
    for each in shown:
        blocks.append(Text(printable(f"{cause_text(each.began_with)}: {instance_seconds(each.total, noun)}")))
        blocks.append(Text(f"  {stages_text(each.lost, family)}", style="dim"))
        if each.incidents and each.repair is not None and _is_fault(each.began_with):
            unready = "at once" if not each.detection else f"after {rounded(round(each.detection))}"
            text = f"  {count(each.incidents, noun)} hit, not ready {unready}, ready again after"
            blocks.append(Text(f"{text} {rounded(round(each.repair))} more", style="dim"))
    return blocks


def losses(causes: tuple[CauseSummary, ...], noun: str = "instance") -> list[str]:
    """What each cause cost, dearest first; each kind of them where there are many."""
    shown = [each for each in causes if each.total]
    if len(shown) > _MOST_CAUSES:
        return [
            f"{name}, {count(each.records, 'time')}: {instance_seconds(each.total, noun)}"
            for name, each in by_kind(shown).items()
        ]
    return [f"{cause_text(each.began_with)}: {instance_seconds(each.total, noun)}" for each in shown]


def availability_text(availability: Availability | None) -> str:
    """The levels and the capacity in a line; "" when all of it was always there."""
    if availability is None or not _lacked(availability):
        return ""
    parts = [
        f"{_LEVELS.get(level.name, f'at least {level.name} ready')} {fine_percent(level.fraction)}"
        for level in availability.levels
    ]
    if availability.capacity is not None:
        why = f", lowered by {slow_or_idle(availability)}" if _always_ready(availability) else ""
        parts.append(f"capacity {fine_percent(float(availability.capacity))}{why}")
    return " · ".join(parts)


def _lacked(availability: Availability) -> bool:
    """Whether something of it was not there at some time."""
    lowered = availability.capacity is not None and availability.capacity < 1
    return lowered or any(level.outages for level in availability.levels)


def _kinds(causes: list[CauseSummary], family: Family, noun: str) -> list[Part]:
    """A table of what began the losses, kind by kind, and the stages of all together."""
    kinds = by_kind(causes)
    total: Counter[str] = Counter()
    for each in causes:
        total.update(each.lost)
    from rich.table import Table

    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    table.add_column("began with", overflow="fold")
    for name in ("times", f"{noun} time", "share", "until unready", "until ready"):
        table.add_column(name, justify="right")
    for name, each in list(kinds.items())[:_MOST]:
        share = fine_percent(round(each.total / total.total(), 3))
        times = [each.detection, each.repair]
        means = ["-" if mean is None else rounded(round(mean)) for mean in times]
        table.add_row(printable(name), f"{each.records:,}", rounded(each.total), share, *means)
    blocks: list[Part] = [table]
    if len(kinds) > _MOST:
        rest = sum(each.total for each in list(kinds.values())[_MOST:])
        blocks.append(
            Text(f"… and {count(len(kinds) - _MOST, 'more kind')}: {instance_seconds(rest, noun)}", "dim")
        )
    blocks.append(Text(f"stages of all together: {stages_text(total, family)}", style="dim"))
    return blocks


def _is_fault(cause: Record | None) -> bool:
    return cause is not None and not isinstance(cause, SpecApplied)


def stages_text(lost: Mapping[str, int], family: Family) -> str:
    """`weights 40m · engine 20m`, in the order of an outage."""
    parts = [
        f"{family.say(STAGE_WORDS[stage])} {rounded(lost[stage])}" for stage in STAGES if lost.get(stage)
    ]
    return " · ".join(parts)


def availability_lines(availability: Availability | None) -> list[Part]:
    """The levels that were not always held, and the capacity; nothing when all of it was always there."""
    if availability is None or not _lacked(availability):
        return []
    from rich.table import Table

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
        table.add_row(
            _LEVELS.get(level.name, f"at least {level.name} ready"), fine_percent(level.fraction), outages
        )
    if availability.capacity is not None:
        roles = ", ".join(
            f"{name} {fine_percent(float(value))}" for name, value in availability.roles.items()
        )
        why = roles if len(availability.roles) > 1 else ""
        if _always_ready(availability):
            why = f"lowered by {slow_or_idle(availability)}"
        table.add_row("capacity", fine_percent(float(availability.capacity)), why)
    return [table]


def _always_ready(availability: Availability) -> bool:
    return not any(level.outages for level in availability.levels)

"""The lines of the report on faults: how many of each kind, who noticed them, and after how long."""

from __future__ import annotations

from statistics import fmean

from rich.console import RenderableType
from rich.text import Text

from kubeinfer_sim.engine.history import History
from kubeinfer_sim.metrics.faults import FaultStory, fault_stories
from kubeinfer_sim.report.words import count, rounded


def fault_lines(history: History) -> list[RenderableType]:
    """One line for each kind, in order of first appearance."""
    kinds: dict[str, list[FaultStory]] = {}
    for story in fault_stories(history):
        kinds.setdefault(story.kind, []).append(story)
    return [Text(_line(kind, stories)) for kind, stories in kinds.items()]


def _line(kind: str, stories: list[FaultStory]) -> str:
    """`NpuFault: 3 faults, 3 noticed by device plugin after 8s (mean); ready again after 12m (mean)`."""
    text = f"{kind}: {count(len(stories), 'fault')}"
    for by in dict.fromkeys(story.by for story in stories if story.by):
        waits = [each.detected - each.at for each in stories if each.by == by and each.detected is not None]
        text += f", {len(waits):,} noticed by {by} after {_mean(waits)}"
    unseen = sum(story.detected is None for story in stories)
    if unseen:
        text += f", {unseen:,} unnoticed"
    times = [story.recovered - story.at for story in stories if story.recovered is not None]
    if times:
        text += f"; ready again after {_mean(times)}"
    return text


def _mean(values: list[int]) -> str:
    return rounded(round(fmean(values))) + (" (mean)" if len(values) > 1 else "")

"""The table beside the picture of lost time."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from kubeinfer_sim.metrics.loss_stages import STAGES
from kubeinfer_sim.report.html.page import Cell, Table
from kubeinfer_sim.report.lost_time import STAGE_WORDS
from kubeinfer_sim.report.series.lost_time import LostTime
from kubeinfer_sim.report.words import rounded

#: Rows at most.
MOST_ROWS = 500


def lost_table(
    rows: Sequence[LostTime], say: Callable[[str], str], times: str = "times", first: str = "began with"
) -> Table:
    """A row a cause: its name under `first`, how often under `times`, how much, how long it took, its stages."""
    total = sum(each.total for each in rows) or 1
    stages_there = [stage for stage in STAGES if any(stage in each.stages for each in rows)]
    timed = any(each.detection is not None for each in rows)
    nouns = " and ".join(dict.fromkeys(each.noun for each in rows))
    cells = [
        [
            each.cause,
            *([Cell(f"{each.times:,}" if each.times else "", each.times)] if times else []),
            Cell(rounded(each.total), each.total),
            Cell(f"{each.total / total:.0%}", each.total / total),
            *((_mean(each.detection), _mean(each.repair)) if timed else ()),
            *(_mean(each.stages.get(stage)) for stage in stages_there),
        ]
        for each in rows
    ]
    head = [first, *([times] if times else []), f"{nouns} time lost", "share"]
    head += ["until unready", "until ready"] if timed else []
    head += [say(STAGE_WORDS[stage]) for stage in stages_there]
    return Table(head, cells[:MOST_ROWS], left_out=max(0, len(cells) - MOST_ROWS))


def _mean(ms: float | None) -> Cell:
    return Cell("", -1) if ms is None else Cell(rounded(round(ms)), ms)

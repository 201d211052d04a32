"""The numbers of many runs in words: means and percentiles with their intervals, proportions, where time went."""

from __future__ import annotations

from collections.abc import Sequence
from math import isinf
from typing import Literal

from kubeinfer_sim.experiment.replications import DETECTION, REPAIR, Replications
from kubeinfer_sim.experiment.statistics.percentiles import parts as told_parts
from kubeinfer_sim.report.estimates import amount, between
from kubeinfer_sim.report.words import count

Better = Literal["high", "low"]
#: Of these numbers of a run the report tells, after how long it took; the JSON has all.
_TOLD = (
    "minReady",
    "minAvailable",
    "lostInstanceMs",
    "lostPodMs",
    "availability",
    "podAvailability",
    "capacity",
    "unserved",
    "longestOutageMs",
    "longestUnavailableMs",
)


def figure_rows(runs: Replications) -> list[tuple[str, str]]:
    """Name and text of each number: `Takes`, `mean 31m (30m–32m) · p50 …`."""
    rows: list[tuple[str, str, str, Better]] = [("takes", "duration", "ms", "low")]
    told = {column.name: column for column in runs.columns}
    rows += [
        (told[name].title_in(runs.scenario), name, told[name].unit, told[name].better)
        for name in _TOLD
        if name in told
    ]
    rows += [(f"{kind}: {title}", name, "ms", "low") for kind, name, title in times_of_faults(runs)]
    return [
        (title, _spread(runs, name, unit, better, values))
        for title, name, unit, better in rows
        if (values := runs.values(name))
    ]


def endless(runs: Replications, name: str = "duration") -> str:
    """What is said of how long it took where it was not in place, or not ready again, at the end of the run."""
    cut = runs.cut(name)
    if not cut:
        return "never"
    return "cut short" if cut == sum(map(isinf, runs.values(name))) else "never or cut short"


def times_of_faults(runs: Replications) -> list[tuple[str, str, str]]:
    """Kind of fault, name and title of what is told of how long single ones took."""
    return [
        (kind, f"causes/{kind}/{which}", title)
        for kind in runs.kinds_of_times
        for which, title in ((DETECTION, "until unready"), (REPAIR, "until ready"))
    ]


def _spread(runs: Replications, name: str, unit: str, better: Better, values: Sequence[float]) -> str:
    over = "" if len(values) == runs.total else f" (of {count(len(values), 'run')})"
    if (times := runs.times(name)) is not None:
        over = f" (of {len(values):,} in {count(sum(map(bool, times)), 'run')})"
    never = endless(runs, name)
    lowest, highest = (amount(each, unit, endless=never) for each in (min(values), max(values)))
    if lowest == highest:
        about = "" if min(values) == max(values) else "about "
        every = "run" if times is None else "case"
        return f"{about}{lowest} in every {every}{over}"
    ending = "that finish" if name == "duration" else "that are ready again"
    finite = [value for value in values if not isinf(value)]
    parts = []
    if finite:
        mean = between("mean", runs.mean(name), unit, never)
        parts.append(mean if len(finite) == len(values) else f"{mean} of the {len(finite):,} {ending}")
    parts += [
        between(f"p{part * 100:g}", runs.quantile(name, part), unit, never) for part in told_parts(better)
    ]
    return f"{' · '.join(parts)} · from {lowest} to {highest}{over}"


def histogram(values: Sequence[float], most: int = 12) -> list[tuple[int, int, int]]:
    """Bins of equal width between round numbers: from, to (ms), how many; infinite values are in none."""
    finite = sorted(value for value in values if not isinf(value))
    if not finite or finite[0] == finite[-1]:
        return []
    width = _round_width((finite[-1] - finite[0]) / most)
    start = int(finite[0] // width * width)
    bins: list[tuple[int, int, int]] = []
    place = 0
    while place < len(finite):
        end = start + width
        inside = place
        while place < len(finite) and finite[place] < end:
            place += 1
        bins.append((start, end, place - inside))
        start = end
    return bins


def _round_width(least: float) -> int:
    """The next round length of time, ms."""
    steps = [1, 2, 5, 10, 20, 50, 100, 200, 500]
    seconds = [1, 2, 5, 10, 15, 30]
    for unit, rounds in ((1, steps), (1000, seconds), (60_000, seconds), (3_600_000, [1, 2, 4, 6, 12])):
        for step in rounds:
            if unit * step >= least:
                return unit * step
    days = 86_400_000
    while days < least:
        days *= 2
    return days

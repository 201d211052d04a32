"""How the numbers of many runs are spread: how long it took and by when so many are done, how few were ready."""

from __future__ import annotations

from collections import Counter
from math import isinf

from msgspec import Struct

from kubeinfer_sim.experiment.replications import Replications
from kubeinfer_sim.experiment.statistics.proportions import proportion
from kubeinfer_sim.metrics.steps import Steps
from kubeinfer_sim.report.run_figures import histogram
from kubeinfer_sim.report.series.lost_time import LostTime, in_order
from kubeinfer_sim.report.series.steps import MOST_POINTS

#: Points of the curve at which its interval is worked out.
_MOST_BOUNDS = 60
#: Bins of a histogram at most.
_MOST_BINS = 40


class Durations(Struct, frozen=True):
    """How long many runs took, ms.

    Attributes:
        runs: of which anything was asked that comes into place.
        bins: from, to, how many.
        done: (by when, what part of the runs is done by then), ascending.
        bounds: (by when, between what it is with the scenario's confidence).
        never, cut: runs that never finish, and that the horizon cuts short.
    """

    runs: int
    bins: list[tuple[int, int, int]]
    done: list[tuple[float, float]]
    bounds: list[tuple[float, float, float]]
    never: int
    cut: int


def durations(runs: Replications) -> Durations | None:
    """Of all runs that have a duration; None where none has."""
    took = sorted(runs.values("duration")) if any(run.duration is not None for run in runs.runs) else []
    if not took:
        return None
    finite = [each for each in took if not isinf(each)]
    points = Steps([(int(at), place) for place, at in enumerate(finite, 1)]).points
    step = max(1, -(-len(points) // MOST_POINTS))
    done = [(float(at), number / len(took)) for at, number in (*points[:-1:step], *points[-1:])]
    every = max(1, -(-len(points) // _MOST_BOUNDS))
    bounds = []
    for at, number in (*points[:-1:every], *points[-1:]):
        part = proportion(number, len(took), runs.confidence)
        bounds.append((float(at), part.low or 0.0, 1.0 if part.high is None else part.high))
    cut = len(runs.cut_short)
    return Durations(len(took), histogram(took, _MOST_BINS), done, bounds, len(took) - len(finite) - cut, cut)


class Fewest(Struct, frozen=True):
    """In how many runs the fewest that were ready were so many."""

    noun: str
    runs: dict[int, int]


def fewest(runs: Replications) -> list[Fewest]:
    """Of instances, and of pods of Deployments, where there are any."""
    known = {column.name for column in runs.columns}
    return [
        Fewest(noun, dict(sorted(Counter(int(each) for each in values).items())))
        for name, noun in (("minReady", "instance"), ("minAvailable", "pod"))
        if name in known and (values := runs.values(name))
    ]


def lost_a_run(runs: Replications) -> list[LostTime]:
    """What each kind of beginning costs a run, on average, dearest first."""
    number = len(runs.runs)
    noun = "instance" if runs.scenario.kubeinfers else "pod"
    return [
        LostTime(
            kind,
            noun,
            runs.struck.get(kind, 0),
            in_order({name: round(ms / number) for name, ms in stages.items()}),
        )
        for kind, stages in runs.lost.items()
        if stages.total()
    ]

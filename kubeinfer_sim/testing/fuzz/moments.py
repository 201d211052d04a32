"""The moments of a run at which a fault may matter: where the phases of its pods begin and end."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from operator import attrgetter

from msgspec import Struct

from kubeinfer_sim.cluster.records import PodRef
from kubeinfer_sim.cluster.stages import Stage
from kubeinfer_sim.engine.history import Record
from kubeinfer_sim.report.sentences import sentence
from kubeinfer_sim.simulation.run import Run
from kubeinfer_sim.testing.fuzz.places import Places


class Moment(Struct, frozen=True):
    """Attributes:
    at: ms.
    edge: when what it is about happens, ms: a millisecond before or after it.
    what: that, as a sentence without its full stop.
    """

    at: int
    edge: int
    what: str

    @property
    def before(self) -> bool:
        """Whether it is before what it is about."""
        return self.at < self.edge


def moments(run: Run) -> Iterator[tuple[Moment, Places]]:
    """The first and the last millisecond of each stretch of a run in which nothing begins and nothing ends.

    A stretch ends where anything is recorded or a stage of a pod ends, or where the horizon cuts it. With each comes
    where the pods are then, which is good until the next one is asked for. The last one is after all is over, unless
    the horizon cuts the run. At an instant itself a fault would come between what machines do then and what
    controllers make of it: a millisecond later both are done.

    Args:
        run: its history kept.
    """
    edges, horizon = _edges(run.history), run.scenario.horizon
    if horizon is not None and max(edges, default=0) > horizon:
        edges = {at: what for at, what in edges.items() if at <= horizon}
        edges.setdefault(horizon, "the run is over at its horizon")
    times = sorted(edges)
    places = Places()
    records = {at: list(each) for at, each in groupby(run.history, key=attrgetter("at"))}
    for place, at in enumerate(times):
        for record in records.get(at, ()):
            places.observe(record)
        until = times[place + 1] if place + 1 < len(times) else None
        first = at + 1
        if horizon is not None and first > horizon:
            return
        if until is None or first < until:
            yield Moment(first, at, edges[at]), places
        if until is not None and first < until - 1:
            yield Moment(until - 1, until, edges[until]), places


def _edges(history: Iterable[Record]) -> dict[int, str]:
    """What happens when, of several things the first; what is recorded goes before what is planned."""
    recorded: dict[int, str] = {}
    planned: dict[int, str] = {}
    for record in history:
        if record.at not in recorded:
            recorded[record.at] = sentence(record)
        for end, what in _stage_ends(record):
            planned.setdefault(end, what)
    return {**planned, **recorded}


def _stage_ends(record: Record) -> Iterator[tuple[int, str]]:
    stages: tuple[Stage, ...] = getattr(record, "stages", ())
    pod: PodRef | None = getattr(record, "pod", None)
    at = record.at
    for stage in stages:
        if pod is None or stage.duration is None:
            return
        at += stage.duration
        yield at, f"{pod.name} is done with {stage.name}"

"""The numbers by which runs are compared."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from kubeinfer_sim.cluster.pod import npu_count
from kubeinfer_sim.experiment.simulate import Run
from kubeinfer_sim.metrics import Measures
from kubeinfer_sim.metrics.steps import segments

Unit = Literal["fraction", "ms", "instance-ms", "count", "NPU-hours"]
MS_PER_HOUR = 3_600_000


@dataclass(frozen=True, slots=True)
class Column:
    """One number of a run.

    Attributes:
        name: its key in the JSON result; `title` heads its row in the table.
        better: whether a high or a low number is the better one.
        measure: the number, in `unit`.
        decides: whether it is about service, so that it says which variant is better; the others say how.
    """

    name: str
    title: str
    unit: Unit
    better: Literal["high", "low"]
    measure: Callable[[Run, Measures], float]
    decides: bool = True


def _availability(run: Run, measures: Measures) -> float:
    """Ready instances (not more than wanted), over time, as a fraction of those wanted."""
    fraction = measures.whole.availability
    return 1.0 if fraction is None else float(fraction)


def _outage(level: Callable[[int], int]) -> Callable[[Run, Measures], float]:
    """The longest stretch of time with fewer instances ready than `level(wanted)`."""

    def longest(run: Run, measures: Measures) -> float:
        most = current = 0
        whole = measures.whole
        for since, until, (wanted, ready) in segments(
            (measures.desired, measures.ready), whole.since, whole.until
        ):
            current = current + until - since if ready < level(wanted) else 0
            most = max(most, current)
        return most

    return longest


def _npu_hours(run: Run, measures: Measures) -> float:
    """NPUs of the instances that were missing, over time."""
    per_instance = sum(
        role.replicas * npu_count(role.template.requests) for role in run.scenario.kubeinfer.roles
    )
    return measures.whole.lost * per_instance / MS_PER_HOUR


def _replaced(run: Run, measures: Measures) -> float:
    """Pods made anew: all but the first at their place of their instance."""
    return sum(len(life.pods) - len({pod.pod.place for pod in life.pods}) for life in measures.instances)


def _degraded(run: Run, measures: Measures) -> float:
    """How long instances were without pods they had given up."""
    return sum(life.degraded for life in measures.instances)


def _restarts(run: Run, measures: Measures) -> float:
    return sum(life.restarts for life in measures.instances)


def _container_restarts(run: Run, measures: Measures) -> float:
    return sum(life.container_restarts for life in measures.instances)


#: By the first that tells two variants apart it is decided which one is better.
COLUMNS: tuple[Column, ...] = (
    Column("lostInstanceMs", "instance time lost", "instance-ms", "low", lambda run, m: m.whole.lost),
    Column("availability", "availability", "fraction", "high", _availability),
    Column("longestOutageMs", "longest with none ready", "ms", "low", _outage(lambda wanted: min(1, wanted))),
    Column("longestShortMs", "longest below wanted", "ms", "low", _outage(lambda wanted: wanted)),
    Column("npuHoursLost", "NPU-hours lost", "NPU-hours", "low", _npu_hours),
    Column("notReadyAtEnd", "not ready in the end", "count", "low", lambda run, m: m.losing),
    Column("degradedMs", "instance time degraded", "instance-ms", "low", _degraded, decides=False),
    Column("restarts", "restarts", "count", "low", _restarts, decides=False),
    Column("podsRebuilt", "pods rebuilt", "count", "low", _replaced, decides=False),
    Column("containerRestarts", "containers restarted", "count", "low", _container_restarts, decides=False),
)

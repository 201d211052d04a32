"""One meter alone, over the records of a run."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol, TypeVar

from kubeinfer_sim.engine.history import Record
from kubeinfer_sim.engine.meter import End, Observer, OnePass

T_co = TypeVar("T_co", covariant=True)


class Meter(Observer, Protocol[T_co]):
    """An observer that comes to a result."""

    def finish(self, ended_at: int, end: End) -> T_co:
        """The result of a run that ended at `ended_at` ms because of `end`; called once, after the last record."""
        ...


def metered(meter: Meter[T_co], records: Iterable[Record], *, ended_at: int, end: End) -> T_co:
    """What one meter alone comes to, over the records of a run that ended at `ended_at` ms because of `end`."""
    OnePass([meter]).feed(records)
    return meter.finish(ended_at, end)

"""What people asked for in vain of kubectl and the API server."""

from __future__ import annotations

from kubeinfer_sim.cluster.disruption.eviction import Code
from kubeinfer_sim.cluster.records import DrainEnded, EvictionAnswered, RequestRefused
from kubeinfer_sim.engine.history import Record
from kubeinfer_sim.engine.meter import End, Handlers

Refused = RequestRefused | EvictionAnswered


def is_refusal(record: Record) -> bool:
    """Whether it says that something was refused, or that kubectl gave it up."""
    match record:
        case RequestRefused():
            return True
        case EvictionAnswered():
            return record.code != Code.CREATED
        case DrainEnded():
            return bool(record.errors)
    return False


class Refusals:
    """The requests that were refused, but for evictions that were granted later; drains are in `nodes.py`."""

    def __init__(self) -> None:
        self._all: list[Refused] = []

    def handlers(self) -> Handlers:
        """What it listens to."""
        return {RequestRefused: self._all.append, EvictionAnswered: self._answered}

    def finish(self, ended_at: int, end: End) -> tuple[Refused, ...]:
        """All of them, in order of time."""
        return tuple(self._all)

    def _answered(self, record: EvictionAnswered) -> None:
        if is_refusal(record):
            self._all.append(record)
            return
        self._all[:] = [
            each for each in self._all if not (isinstance(each, EvictionAnswered) and each.pod == record.pod)
        ]

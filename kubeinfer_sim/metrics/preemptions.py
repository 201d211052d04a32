"""The pods that were evicted for more important ones."""

from __future__ import annotations

from kubeinfer_sim.cluster.records import PodPreempted
from kubeinfer_sim.engine.meter import End, Handlers


class Preemptions:
    """Collects them, in order of time."""

    def __init__(self) -> None:
        self._records: list[PodPreempted] = []

    def handlers(self) -> Handlers:
        """What it listens to."""
        return {PodPreempted: self._records.append}

    def finish(self, ended_at: int, end: End) -> tuple[PodPreempted, ...]:
        """All of them."""
        return tuple(self._records)

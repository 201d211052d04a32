"""What people asked for in vain."""

from __future__ import annotations

from kubeinfer_sim.cluster.records import RequestRefused
from kubeinfer_sim.engine.meter import End, Handlers


class Refusals:
    """The requests that kubectl or the API server refused."""

    def __init__(self) -> None:
        self._all: list[RequestRefused] = []

    def handlers(self) -> Handlers:
        """What it listens to."""
        return {RequestRefused: self._all.append}

    def finish(self, ended_at: int, end: End) -> tuple[RequestRefused, ...]:
        """All of them, in order of time."""
        return tuple(self._all)

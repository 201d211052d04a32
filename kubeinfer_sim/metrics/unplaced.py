"""What was to run when the simulation began and had no place: the start is not the one the user has."""

from __future__ import annotations

from kubeinfer_sim.cluster.records import NotPlacedAtStart
from kubeinfer_sim.engine.meter import End, Handlers


class Unplaced:
    """Follows what has no place at the start."""

    def __init__(self) -> None:
        self._all: list[NotPlacedAtStart] = []

    def handlers(self) -> Handlers:
        """What it listens to."""
        return {NotPlacedAtStart: self._all.append}

    def finish(self, ended_at: int, end: End) -> tuple[NotPlacedAtStart, ...]:
        """All of it, in the order in which places were looked for."""
        return tuple(self._all)

"""How far this process is with what it plays, for somebody who looks from another thread and changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from kubeinfer_sim.engine.clock import Clock
    from kubeinfer_sim.engine.history import History


class UnderWay(NamedTuple):
    """The run that is played now; it goes on to `horizon` ms (None: nobody knows)."""

    clock: Clock
    history: History
    horizon: int | None


class Playing:
    """What is played one after the other.

    Attributes:
        begun: how many runs have begun.
        now: the one that is played; None between two.
    """

    def __init__(self) -> None:
        self.begun = 0
        self.now: UnderWay | None = None

    @contextmanager
    def run(self, clock: Clock, history: History, horizon: int | None) -> Iterator[None]:
        """A run is played meanwhile; it may be one within another."""
        self.begun += 1
        before, self.now = self.now, UnderWay(clock, history, horizon)
        try:
            yield
        finally:
            self.now = before


#: Of this process.
PLAYING = Playing()

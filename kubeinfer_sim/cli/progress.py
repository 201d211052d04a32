"""Progress on standard error of what takes longer than a second: how many, how fast, how long, and what so far.

A bar on a terminal, which is gone when the work is done; elsewhere lines, further and further apart.
"""

from __future__ import annotations

import os
import sys
import time
from collections import deque
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from kubeinfer_sim.cli.output import VOICE, colour_on, note, unicode_on

if TYPE_CHECKING:
    from rich.progress import Progress

#: Seconds until it appears, and between two looks at the bar; between two lines it grows from the first to the second.
PATIENCE, PERIOD, LINES = 1.0, 0.2, (1.0, 60.0)
#: The rate is that of so many looks: what a store knew already says nothing of what is to come.
LOOKS = 50


class RunProgress:
    """Lines on how far one long run is, further and further apart; it goes on to `horizon` ms (None: nobody knows)."""

    def __init__(self, horizon: int | None) -> None:
        self._horizon = horizon
        self._next = time.monotonic() + PATIENCE
        self._pause = LINES[0]

    def __call__(self, now: int, fired: int) -> None:
        """It has come to `now`, in ms, and fired so many timers."""
        if time.monotonic() < self._next:
            return
        from kubeinfer_sim.report.words import rounded
        from kubeinfer_sim.scenario.units import format_duration

        end = "" if self._horizon is None else f" of {format_duration(self._horizon)}"
        note(f"simulated {rounded(now)}{end}, {fired:,} events")
        self._pause = min(2 * self._pause, LINES[1])
        self._next = time.monotonic() + self._pause


def pace(number: int, seconds: float) -> str:
    """How fast so many were done in so many seconds: `350/s`, or `2.5 s each`."""
    rate = number / max(seconds, 1e-9)
    return f"{rate:,.0f}/s" if rate >= 1 or not rate else f"{1 / rate:.1f} s each"


class ProgressBar:
    """How far a command is.

    Args:
        what: what is counted.
        at_most: it may end before all are done.
        shown: False: say nothing at all.
    """

    def __init__(self, what: str, *, at_most: bool = False, shown: bool = True) -> None:
        self._what, self._at_most, self._shown = what, at_most, shown
        self._lines = not (sys.stderr.isatty() and os.environ.get("TERM") != "dumb")
        self._next = time.monotonic() + PATIENCE
        self._pause = LINES[0] if self._lines else PERIOD
        self._looks: deque[tuple[float, int]] = deque([(time.monotonic(), 0)], LOOKS)
        self._progress: Progress | None = None
        self._task: Any = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._progress is not None:
            self._progress.stop()

    def update(self, done: int, total: int, so_far: Callable[[], str]) -> None:
        """So many of so many are done; `so_far` says what is known by now, when somebody looks."""
        now = time.monotonic()
        if not self._shown or now < self._next or done == self._looks[-1][1]:
            return
        told = " · ".join(filter(None, (self._pace(now, done, total), so_far())))
        told = f"{done:,}/{total:,} · {told}"
        if not unicode_on(sys.stderr):
            told = told.replace("·", "-").replace("–", "-")
        if self._lines:
            note(f"{self._what} {told}")
            self._pause = min(2 * self._pause, LINES[1])
        else:
            self._show(done, total, told)
        self._looks.append((now, done))
        self._next = now + self._pause

    def _pace(self, now: float, done: int, total: int) -> str:
        from kubeinfer_sim.scenario.units import format_duration

        since, before = self._looks[0]
        took = max(now - since, 1e-9)
        left = format_duration(1000 * round((total - done) * took / (done - before)))
        return f"{pace(done - before, took)} · {'at most ' if self._at_most else ''}{left} left"

    def _show(self, done: int, total: int, told: str) -> None:
        if self._progress is None:
            from rich.console import Console
            from rich.progress import BarColumn, Progress, TextColumn

            self._progress = Progress(
                TextColumn(self._what),
                BarColumn(bar_width=20),
                TextColumn("{task.fields[told]}"),
                console=Console(stderr=True, no_color=not colour_on(sys.stderr)),
                auto_refresh=False,  # no thread: workers are started meanwhile
                transient=True,
            )
            self._task = self._progress.add_task(self._what, total=total, completed=done, told=told)
            self._progress.start()
        VOICE.speaks()
        self._progress.update(self._task, completed=done, total=total, told=told, refresh=True)

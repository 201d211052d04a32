"""A progress bar on standard error for what takes longer than a second: how many, how fast, how long, what so far."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from rich.progress import Progress

#: Seconds until it appears, and between two looks.
PATIENCE, PERIOD = 1.0, 0.2


class ProgressBar:
    """Shows how far it is, on a terminal only; it is gone when the work is done."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._begun = self._looked = time.monotonic()
        self._progress: Progress | None = None
        self._task: Any = None
        self._shown = sys.stderr.isatty()

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
        if not self._shown or now - self._begun < PATIENCE or now - self._looked < PERIOD:
            return
        self._looked = now
        if self._progress is None:
            self._start(total)
        assert self._progress is not None
        rate = done / (now - self._begun)
        left = (total - done) / rate
        about = (
            f"{rate:,.0f}/s · {left:,.0f} s left"
            if rate >= 1
            else f"{1 / rate:.1f} s each · {left:,.0f} s left"
        )
        text = so_far()
        self._progress.update(
            self._task,
            completed=done,
            total=total,
            told=" · ".join(filter(None, (about, text))),
            refresh=True,
        )

    def _start(self, total: int) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

        self._progress = Progress(
            TextColumn(self._what),
            BarColumn(bar_width=20),
            MofNCompleteColumn(),
            TextColumn("{task.fields[told]}"),
            console=Console(stderr=True),
            auto_refresh=False,  # no thread: workers are started meanwhile
            transient=True,
        )
        self._progress.start()
        self._task = self._progress.add_task(self._what, total=total, told="")

"""The passes of a controller's loop: each begins a period after the one before has ended (wait.UntilWithContext)."""

from __future__ import annotations

from typing import Protocol


class Loop(Protocol):
    """How a loop goes, in milliseconds: `period` counts from the end of one pass to the beginning of the next."""

    @property
    def first_pass(self) -> int:
        """When the first pass takes place."""
        ...

    @property
    def period(self) -> int:
        """From the end of one pass to the beginning of the next."""
        ...

    @property
    def pass_duration(self) -> int:
        """How long a pass takes."""
        ...


def pass_from(loop: Loop, when: int) -> int:
    """The first pass not before `when`."""
    cycle = loop.period + loop.pass_duration
    return loop.first_pass + max(0, -(-(when - loop.first_pass) // cycle)) * cycle

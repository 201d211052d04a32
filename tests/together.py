"""Many cases of a table in one test: thousands of tests that take a millisecond cost three more each to keep books of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

#: So many cases in one test.
SIZE = 50


@dataclass(frozen=True)
class Together:
    """Cases that are played one after the other, whatever comes of those before."""

    cases: tuple[tuple[str, Any], ...]

    def play(self, function: Callable[..., object], told: Callable[[Any, str], None]) -> None:
        """Call `function` with each case as `case`; tell of each whether it is "passed", "failed" or why it is left out.

        Raises:
            BaseExceptionGroup: what failed, each with a note which case it was.
            pytest.skip.Exception: all were left out.
        """
        failures: list[BaseException] = []
        reasons: list[str] = []
        for name, case in self.cases:
            try:
                function(case=case)
            except pytest.skip.Exception as reason:
                reasons.append(str(reason.msg))
                told(case, reasons[-1])
            except (Exception, pytest.fail.Exception) as failure:
                failure.add_note(f"case {name}")
                failures.append(failure)
                told(case, "failed")
            else:
                told(case, "passed")
        if failures:
            raise BaseExceptionGroup(f"{len(failures)} of {len(self.cases)} cases fail", failures)
        if len(reasons) == len(self.cases):
            pytest.skip(reasons[0])


def together(names: list[str], cases: list[Any]) -> tuple[list[str], list[Together]]:
    """The same cases `SIZE` at a time, and a name for each test: that of its first case and how many follow."""
    named = list(zip(names, cases, strict=True))
    parts = [tuple(named[first : first + SIZE]) for first in range(0, len(named), SIZE)]
    return [f"{part[0][0]}+{len(part) - 1}" for part in parts], [Together(part) for part in parts]

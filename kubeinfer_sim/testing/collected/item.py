"""One test that is no Python function: it fails with a text, and not with a traceback."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kubeinfer_sim.errors import UserError
from kubeinfer_sim.manifest.render import render
from kubeinfer_sim.testing.invariants import InvariantsBroken


class NotHeld(Exception):
    """What a test asks for is not so; the message says it all."""


class Check(pytest.Item):
    """Something that must hold of a file.

    Args:
        check: raises `NotHeld`, or returns.
        command: what shows the same on the command line; it is a property of the test in JUnit.
    """

    def __init__(self, *, check: Callable[[], None], command: str, **given: Any) -> None:
        super().__init__(**given)
        self._check = check
        self.user_properties.append(("command", command))

    def runtest(self) -> None:
        """Look."""
        self._check()

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """What a user made of it, or we: the text alone; anything else is a traceback."""
        return told(excinfo.value) or super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """The file, and how the test is called above its failure."""
        return self.path, None, f"{self.path.name}: {self.name}"


class CheckedFile(pytest.File):
    """A file of which something must hold."""

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """A file that cannot be read: what is wrong, where, and what would be right."""
        return told(excinfo.value) or super().repr_failure(excinfo)

    @property
    def shown(self) -> str:
        """The path as a command from the working directory names it."""
        return os.path.relpath(self.path)


def told(error: BaseException) -> str:
    """What is said instead of a traceback; "" where one is wanted."""
    from kubeinfer_sim.errors import InputError

    if isinstance(error, InputError):
        return render(error.diagnostics)
    return str(error) if isinstance(error, NotHeld | UserError | InvariantsBroken) else ""

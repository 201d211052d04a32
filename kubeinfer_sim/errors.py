"""Everything kubeinfer-sim raises on purpose.

    KubeInferSimError
    ├── UserError            exit 2: what the user gave is wrong, and the message says what would be right
    │   ├── InputError       a file: carries diagnostics with file, line, column and path
    │   └── UsageError       an argument or option
    ├── OutputError          exit 5: the environment does not take what is to be written
    ├── UnavailableError     exit 5: a service that was named does not answer
    └── SimulatorFault       exit 3: our mistake; nothing the user wrote can cause it

Arguments equal `self.args`, since SimPy rebuilds an exception that crosses it as `type(e)(*e.args)`.
"""

from __future__ import annotations

import errno
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kubeinfer_sim.diagnostics import Diagnostic


class KubeInferSimError(Exception):
    """Root of every error raised on purpose."""


class UserError(KubeInferSimError):
    """What the user gave is wrong (exit code 2)."""


class InputError(UserError):
    """One or more files are wrong; `diagnostics` says where and what would be right, all at once."""

    def __init__(self, diagnostics: Sequence[Diagnostic]) -> None:
        super().__init__(diagnostics)
        self.diagnostics: tuple[Diagnostic, ...] = tuple(diagnostics)

    def __str__(self) -> str:
        return "\n".join(d.one_line() for d in self.diagnostics)


class UsageError(UserError):
    """An argument or option is wrong."""


class OutputError(KubeInferSimError):
    """What is to be written cannot be: the output is closed or full, the disk fails, nobody reads any more.

    Args:
        what: `standard output`, or the option and the file it names.
        error: what the operating system said.
    """

    def __init__(self, what: str, error: OSError) -> None:
        super().__init__(what, error)
        self.what, self.error = what, error

    @property
    def nobody_reads(self) -> bool:
        """Whether the reader of a pipe has had enough, which is nobody's fault."""
        return self.error.errno == errno.EPIPE

    def __str__(self) -> str:
        why = "it is closed" if self.error.errno == errno.EBADF else self.error.strerror or str(self.error)
        return f"cannot write to {self.what}: {why}"


class UnavailableError(KubeInferSimError):
    """A service that the user named does not answer, or not any more; another try may do (exit code 5)."""


class SimulatorFault(KubeInferSimError):
    """The simulator broke one of its own rules (exit code 3)."""


def several(given: object) -> Any:
    """Several of something: a text, a path or a file alone is one of it, and not its letters."""
    return [given] if isinstance(given, str) else given


def expect(given: object, kinds: tuple[type, ...], called: str, right: str) -> None:
    """Check what a function of the Python API is called with first; `right`: a call as it would be.

    Raises:
        UsageError: it is something else.
    """
    if not isinstance(given, kinds):
        what = " or ".join(kind.__name__ for kind in kinds)
        raise UsageError(f"{called} takes {what}, and this is {type(given).__name__}: {right}")

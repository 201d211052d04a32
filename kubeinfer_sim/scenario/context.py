"""What is at hand while a scenario file is compiled: its text, its folder, and what is wrong so far."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from kubeinfer_sim.diagnostics import Diagnostic, Path
from kubeinfer_sim.errors import InputError
from kubeinfer_sim.manifest.document import Document
from kubeinfer_sim.manifest.source import MAX_SOURCE_BYTES, SourceText, read_source

T = TypeVar("T")


@dataclass(slots=True)
class Context:
    """One scenario (or Cluster) file being compiled; findings are collected, not raised one by one.

    Attributes:
        typed: paths that come from the command line, and so start at the working directory.
    """

    document: Document
    errors: list[Diagnostic] = field(default_factory=list)
    typed: frozenset[str] = frozenset()

    def error(self, path: Path, message: str, *, hint: str = "", key: bool = False) -> None:
        """Note something wrong at a path of the document."""
        self.errors.append(self.document.diagnostic(path, message, hint=hint, key=key))

    def attempt(self, path: Path, compute: Callable[[], T]) -> T | None:
        """A value, or None after noting why there is none: other files' findings, or a message for `path`."""
        try:
            return compute()
        except InputError as error:
            self.errors.extend(error.diagnostics)
        except ValueError as error:
            self.error(path, str(error))
        return None

    def read(self, file: str, path: Path, limit: int = MAX_SOURCE_BYTES) -> SourceText | None:
        """A file the document names at a path; None when it cannot be read, which is noted there."""
        try:
            return read_source(self.locate(file), limit)
        except InputError as error:
            for each in error.diagnostics:
                if each.code == "unreadable" and file not in self.typed:
                    self.error(path, f"cannot read {each.file}: {each.message}")
                else:
                    self.errors.append(each)
        return None

    def locate(self, path: str) -> str:
        """A path written in the file, as seen from the working directory; relative ones start at the file."""
        if path in self.typed:
            return path
        folder = os.path.dirname(self.document.source.name)  # noqa: PTH120 - Path would lose a leading ./
        return path if os.path.isabs(path) else os.path.join(folder, path)  # noqa: PTH117, PTH118

"""What is at hand while a scenario file is compiled: its text, its folder, and what is wrong so far."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TypeVar

from msgspec import Struct, field

from kubeinfer_sim.diagnostics import Diagnostic, Path
from kubeinfer_sim.errors import InputError
from kubeinfer_sim.manifest.document import Document
from kubeinfer_sim.manifest.source import MAX_SOURCE_BYTES, PIPES_OF_THE_SHELL, SourceText, read_source

T = TypeVar("T")


class Context(Struct):
    """One scenario (or Cluster) file being compiled; findings are collected, not raised one by one.

    Attributes:
        typed: paths that come from the command line, and so start at the working directory.
    """

    document: Document
    errors: list[Diagnostic] = field(default_factory=list)
    typed: frozenset[str] = frozenset()

    def written_here(self, path: Path) -> bool:
        """Whether the file itself says what stands at a path, and no configuration file in its place."""
        return self.document.home(path)[0] is self.document

    def error(self, path: Path, message: str, *, hint: str = "", key: bool = False) -> None:
        """Note something wrong at a path of the document, once."""
        found = self.document.diagnostic(path, message, hint=hint, key=key)
        if found not in self.errors:
            self.errors.append(found)

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
            return read_source(self.locate(file, path), limit)
        except InputError as error:
            for each in error.diagnostics:
                if each.code == "unreadable" and file not in self.typed:
                    self.error(path, f"cannot read {each.file}: {each.message}")
                else:
                    self.errors.append(each)
        return None

    def locate(self, file: str, path: Path) -> str:
        """A file named at a path, as seen from the working directory; relative ones start where they are named."""
        if file in self.typed:
            return file
        home, _ = self.document.home(path)
        # A pipe of the shell is as nowhere as standard input.
        name = "" if home.source.name.startswith(PIPES_OF_THE_SHELL) else home.source.name
        folder = os.path.dirname(name)  # noqa: PTH120 - Path would lose a leading ./
        return file if os.path.isabs(file) else os.path.join(folder, file)  # noqa: PTH117, PTH118

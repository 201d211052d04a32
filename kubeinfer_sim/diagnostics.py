"""A finding about a file: where, what was found, what would be right."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from enum import StrEnum
from typing import Any

from msgspec import Struct

#: Where a value stands in a document: mapping keys and list indexes from the root.
Path = tuple[str | int, ...]
#: Characters of a value that are shown.
_LONGEST_VALUE = 100


class Severity(StrEnum):
    """How much a finding matters; errors make the input unusable."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


def format_path(path: Path) -> str:
    """Write a path the way Kubernetes does: `spec.roles[0].replicas`, keys with dots in brackets."""
    text = ""
    for part in path:
        if isinstance(part, int) or "." in part or "/" in part or not part:
            text += f"[{part}]"
        else:
            text += f".{part}" if text else part
    return text


class Diagnostic(Struct, frozen=True):
    """One finding.

    Attributes:
        file: name of the file as the user gave it (`-` for standard input).
        line: 1-based line, 0 when the finding is about the file as a whole.
        column: 1-based column, 0 when unknown.
        message: what was found and what would be right, one sentence, without the path.
        path: where in the document; empty for the document as a whole.
        code: stable identifier (`KI001`, `yaml`, `required`, `invalid` ...).
        hint: how to mend it, when that is more than the message says.
        text: the source line, for the caret.
    """

    file: str
    line: int
    column: int
    message: str
    path: Path = ()
    severity: Severity = Severity.ERROR
    code: str = "invalid"
    hint: str = ""
    text: str = ""

    @property
    def where(self) -> str:
        """`file:line:column`, leaving out what is unknown."""
        parts = [self.file]
        if self.line:
            parts.append(str(self.line))
            if self.column:
                parts.append(str(self.column))
        return ":".join(parts)

    @property
    def sentence(self) -> str:
        """Path and message as one sentence: `spec.replicas: -2 must not be negative`."""
        if not self.path:
            return self.message
        # "replicas must be …" reads on; what begins with a value needs the colon.
        joint = " " if self.message.startswith("must ") else ": "
        return f"{format_path(self.path)}{joint}{self.message}"

    @property
    def tag(self) -> str:
        """` [KI007]` for what lint found, which can be looked up and switched off by its code; else nothing."""
        return f" [{self.code}]" if self.code.startswith("KI") else ""

    def one_line(self) -> str:
        """The finding on one line: `file:line:column: error: path: message`."""
        return f"{self.where}: {self.severity}: {self.sentence}{self.tag}"


def distinct(diagnostics: Iterable[Diagnostic]) -> list[Diagnostic]:
    """Findings without those that are told already: the same about the same place, met again through an alias."""
    seen: dict[tuple[object, ...], Diagnostic] = {}
    for each in diagnostics:
        # What is missing is told of the mapping it is missing in: there the last step tells findings apart.
        where = (each.file, each.line, each.column, each.path[-1:]) if each.line else (each.file, each.path)
        seen.setdefault((where, each.severity, each.code, each.message), each)
    return list(seen.values())


def unrepeated(before: Iterable[Diagnostic], after: Iterable[Diagnostic]) -> list[Diagnostic]:
    """Findings about a new version of something without those that are told of the old one."""
    told = Counter((each.path, each.message) for each in before)
    kept = []
    for each in after:
        key = each.path, each.message
        if told[key]:
            told[key] -= 1
        else:
            kept.append(each)
    return kept


def shown_value(value: Any) -> str:
    """A value as it is written in JSON, cut where it is long."""
    if value is None:
        return "none"
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST_VALUE else f"{text[: _LONGEST_VALUE - 3]}..."

"""Findings as GitHub workflow commands, which Actions turns into annotations of the changed lines.

Format and escapes: actions/toolkit packages/core/src/command.ts; GitHub's documentation, Workflow commands.
"""

from __future__ import annotations

from collections.abc import Iterable

from kubeinfer_sim.diagnostics import Diagnostic, Severity
from kubeinfer_sim.manifest.lint.catalogue import RULES

_COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "notice"}


def github_annotations(diagnostics: Iterable[Diagnostic]) -> str:
    """One line for each finding."""
    return "".join(_annotation(each) + "\n" for each in diagnostics)


def annotation(
    severity: Severity, title: str, text: str, *, file: str, line: int = 0, column: int = 0
) -> str:
    """One workflow command, without a line break at its end."""
    properties = {"file": "stdin" if file == "-" else file}
    if line:
        properties["line"] = str(line)
        if column:
            properties["col"] = str(column)
    properties["title"] = title
    written = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
    return f"::{_COMMANDS[severity]} {written}::{_data(text)}"


def _annotation(diagnostic: Diagnostic) -> str:
    rule = RULES.get(diagnostic.code)
    title = f"{diagnostic.code} {rule.name}" if rule is not None else diagnostic.code
    text = diagnostic.sentence + (f"\n{diagnostic.hint}" if diagnostic.hint else "")
    return annotation(
        diagnostic.severity, title, text, file=diagnostic.file, line=diagnostic.line, column=diagnostic.column
    )


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")

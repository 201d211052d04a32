"""Collects findings about one document, with the checks of form that every level of a manifest needs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from kubeinfer_sim.diagnostics import Diagnostic, Path, Severity
from kubeinfer_sim.manifest.document import Document
from kubeinfer_sim.manifest.suggest import did_you_mean

#: The largest int32, the type of replicas and ports.
MAX_INT32 = 2**31 - 1
#: Findings about one document at most; a list of 100,000 wrong items is told by its first ones.
MAX_FINDINGS = 500

_KINDS = {bool: "boolean", int: "number", float: "number", str: "string", list: "list", dict: "mapping"}


def shown(value: Any) -> str:
    """A value as messages quote it: `"two"`, `3`, `true`, `null`, `a list`; long texts shortened."""
    if isinstance(value, dict | list):
        return f"a {_KINDS[type(value)]}"
    if isinstance(value, str) and len(value) > 80:
        value = value[:77] + "..."
    return json.dumps(value, ensure_ascii=False, allow_nan=True)


def got(value: Any) -> str:
    """A value with its kind, for "expected …, got …": `the string "two"`, `a mapping`."""
    if value is None or isinstance(value, dict | list):
        return shown(value)
    return f"the {_KINDS[type(value)]} {shown(value)}"


class Checker:
    """The findings about one document, and the document they are about."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.findings: list[Diagnostic] = []

    def report(
        self,
        path: Path,
        message: str,
        *,
        code: str = "invalid",
        severity: Severity = Severity.ERROR,
        hint: str = "",
        key: bool = False,
        at: Path | None = None,
    ) -> None:
        """Add a finding; `at` is where it points to when that is not what its path names."""
        if len(self.findings) >= MAX_FINDINGS:
            return
        diagnostic = self.document.diagnostic(
            path if at is None else at, message, code=code, severity=severity, hint=hint, key=key
        )
        if at is not None:
            diagnostic = Diagnostic(
                diagnostic.file,
                diagnostic.line,
                diagnostic.column,
                message,
                path,
                severity,
                code,
                hint,
                diagnostic.text,
            )
        self.findings.append(diagnostic)

    def mapping(self, value: Any, path: Path, *, required: bool = False) -> Mapping[str, Any]:
        """The value as a mapping; empty when it is absent or something else."""
        if isinstance(value, dict):
            return value
        if value is not None:
            self.report(path, f"expected a mapping, got {got(value)}", code="type")
        elif required:
            self.report(path, "required", code="required")
        return {}

    def sequence(self, value: Any, path: Path) -> Sequence[Any]:
        """The value as a list; empty when it is absent or something else."""
        if isinstance(value, list):
            return value
        if value is not None:
            self.report(path, f"expected a list, got {got(value)}", code="type")
        return []

    def string(self, value: Any, path: Path) -> str:
        """The value as text; empty when it is absent or something else."""
        if isinstance(value, str):
            return value
        if value is not None:
            hint = "put it in quotes" if isinstance(value, bool | int | float) else ""
            self.report(path, f"expected a string, got {got(value)}", code="type", hint=hint)
        return ""

    def count(self, value: Any, path: Path, *, default: int) -> int:
        """The value as a whole number from 0 to the largest int32; the default when it is absent or wrong."""
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, int):
            hint = "write it without quotes" if isinstance(value, str) and value.isdigit() else ""
            self.report(path, f"expected an integer, got {got(value)}", code="type", hint=hint)
        elif value < 0:
            self.report(path, f"{value} must not be negative")
        elif value > MAX_INT32:
            self.report(path, f"{value} must not be more than {MAX_INT32}")
        else:
            return value
        return default

    def one_of(self, value: Any, path: Path, allowed: Sequence[str], *, default: str) -> str:
        """The value as one of a few words; the default when it is absent, empty or wrong."""
        text = self.string(value, path)
        if not text or text in allowed:
            return text or default
        suggestion = did_you_mean(text, allowed) if len(allowed) > 1 else ""
        self.report(
            path, f"{shown(text)} is not one of {', '.join(allowed)}{suggestion}", code="not-supported"
        )
        return default

    def known_fields(self, value: Mapping[str, Any], path: Path, known: Iterable[str]) -> None:
        """Report fields nobody reads, as the API server does under strict validation (kubectl's default)."""
        names = set(known)
        for field in value:
            if len(self.findings) >= MAX_FINDINGS:  # finding the nearest name is dear
                return
            if field not in names:
                self.report(
                    (*path, field),
                    f"unknown field {shown(field)}{did_you_mean(field, sorted(names))}",
                    code="unknown-field",
                    key=True,
                )

    def string_map(self, value: Any, path: Path) -> dict[str, str]:
        """Labels or annotations: a mapping whose values are text; null stands for empty text, as in JSON."""
        result: dict[str, str] = {}
        for key, each in self.mapping(value, path).items():
            if isinstance(each, bool | int | float):
                written = shown(each)
                hint = f'write {key}: "{written}", in quotes'
                self.report((*path, key), f"expected a string, got {got(each)}", code="type", hint=hint)
            else:
                result[key] = self.string(each, (*path, key))
        return result

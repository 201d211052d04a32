"""Findings as JUnit XML: one test case for each file, and one failed case for each finding that fails it.

There is no standard; this is the form Jenkins, GitLab and GitHub actions agree on: `testsuites`, `testsuite`,
`testcase` with `classname`, `name`, `file`, `line`, and `failure` with `message` and `type`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from xml.sax.saxutils import escape, quoteattr

from kubeinfer_sim.diagnostics import Diagnostic, Severity, format_path
from kubeinfer_sim.manifest.render import printable

_SUITE = "kubeinfer-sim validate"


def junit_xml(files: Iterable[str], diagnostics: Sequence[Diagnostic], *, strict: bool = False) -> str:
    """A report on files.

    Args:
        files: what was checked, in order; a finding may name another (`--set image_name`).
        diagnostics: what was found.
        strict: warnings fail, too; otherwise they and notes are told in `system-out`.
    """
    names = dict.fromkeys((*files, *(each.file for each in diagnostics)))
    cases = failures = 0
    lines: list[str] = []
    for name in names:
        own = [each for each in diagnostics if each.file == name]
        failing = [each for each in own if _fails(each, strict)]
        failures += len(failing)
        cases += len(failing) or 1
        rest = "".join(f"{_text(each)}\n" for each in own if each not in failing)
        lines += [_failed(each) for each in failing]
        if not failing:
            output = f"<system-out>{_escaped(rest)}</system-out>" if rest else ""
            lines.append(
                f"    <testcase classname={_attribute(_SUITE)} name={_attribute(name)}>{output}</testcase>"
            )
    counts = f'tests="{cases}" failures="{failures}" errors="0"'
    head = f'<testsuite name={_attribute(_SUITE)} {counts} skipped="0">'
    body = "\n".join(lines)
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<testsuites {counts}>\n  {head}\n{body}\n'
        "  </testsuite>\n</testsuites>\n"
    )


def _fails(found: Diagnostic, strict: bool) -> bool:
    return found.severity is Severity.ERROR or (strict and found.severity is Severity.WARNING)


def _failed(found: Diagnostic) -> str:
    name = f"{found.code} {format_path(found.path)}".rstrip()
    line = f' line="{found.line}"' if found.line else ""
    return (
        f"    <testcase classname={_attribute(found.file)} name={_attribute(name)} "
        f"file={_attribute(found.file)}{line}>"
        f"<failure type={_attribute(found.code)} message={_attribute(found.sentence)}>"
        f"{_escaped(_text(found))}</failure></testcase>"
    )


def _text(found: Diagnostic) -> str:
    return found.one_line() + (f"\n  hint: {found.hint}" if found.hint else "")


def _escaped(text: str) -> str:
    return escape("\n".join(map(printable, text.split("\n"))))


def _attribute(text: str) -> str:
    return quoteattr(printable(text))

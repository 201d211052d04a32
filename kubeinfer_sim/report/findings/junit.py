"""JUnit XML: of findings one test case for each file, and one failed case for each finding that fails it.

There is no standard; this is the form Jenkins, GitLab and GitHub actions agree on: `testsuites`, `testsuite`,
`testcase` with `classname`, `name`, `file`, `line`, and `failure` with `message` and `type`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from xml.sax.saxutils import escape, quoteattr

from msgspec import Struct

from kubeinfer_sim.diagnostics import Diagnostic, Severity, format_path
from kubeinfer_sim.manifest.render import printable


class Failure(Struct, frozen=True):
    """Why a case failed: a word that stays the same, a sentence, and all there is to say."""

    type: str
    message: str
    text: str


class Case(Struct, frozen=True):
    """A test case; it passed unless there is a failure, or a reason why it was skipped.

    Attributes:
        group: `classname`, by which viewers group.
        file: what it is about; empty: nothing in particular.
        line: in that file, 0 when unknown.
        output: told whether it passed or not.
        skipped: why it neither passed nor failed; empty: it did one of them.
    """

    group: str
    name: str
    file: str = ""
    line: int = 0
    output: str = ""
    failure: Failure | None = None
    skipped: str = ""


def junit_report(suite: str, cases: Sequence[Case]) -> str:
    """The document of one suite."""
    failures = sum(case.failure is not None for case in cases)
    counts = f'tests="{len(cases)}" failures="{failures}" errors="0"'
    skipped = sum(bool(case.skipped) for case in cases)
    head = f'<testsuite name={_attribute(suite)} {counts} skipped="{skipped}">'
    body = "\n".join(map(_case, cases))
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<testsuites {counts}>\n  {head}\n{body}\n'
        "  </testsuite>\n</testsuites>\n"
    )


def junit_xml(files: Iterable[str], diagnostics: Sequence[Diagnostic], *, strict: bool = False) -> str:
    """A report on files that `validate` has checked.

    Args:
        files: what was checked, in order; a finding may name another (`--set image_name`).
        diagnostics: what was found.
        strict: warnings fail, too; otherwise they and notes are told in `system-out`.
    """
    suite = "kubeinfer-sim validate"
    names = dict.fromkeys((*files, *(each.file for each in diagnostics)))
    cases: list[Case] = []
    for name in names:
        own = [each for each in diagnostics if each.file == name]
        failing = [each for each in own if _fails(each, strict)]
        cases += map(_failed, failing)
        if not failing:
            cases.append(Case(suite, name, output="".join(f"{_text(each)}\n" for each in own)))
    return junit_report(suite, cases)


def _fails(diagnostic: Diagnostic, strict: bool) -> bool:
    return diagnostic.severity is Severity.ERROR or (strict and diagnostic.severity is Severity.WARNING)


def _failed(diagnostic: Diagnostic) -> Case:
    name = f"{diagnostic.code} {format_path(diagnostic.path)}".rstrip()
    failure = Failure(diagnostic.code, diagnostic.sentence, _text(diagnostic))
    return Case(diagnostic.file, name, diagnostic.file, diagnostic.line, failure=failure)


def _text(diagnostic: Diagnostic) -> str:
    return diagnostic.one_line() + (f"\n  hint: {diagnostic.hint}" if diagnostic.hint else "")


def _case(case: Case) -> str:
    inner = "".join(_inner(case))
    file = f" file={_attribute(case.file)}" if case.file else ""
    line = f' line="{case.line}"' if case.line else ""
    return (
        f"    <testcase classname={_attribute(case.group)} name={_attribute(case.name)}{file}{line}>"
        f"{inner}</testcase>"
    )


def _inner(case: Case) -> Iterator[str]:
    if case.failure is not None:
        yield (
            f"<failure type={_attribute(case.failure.type)} message={_attribute(case.failure.message)}>"
            f"{_escaped(case.failure.text)}</failure>"
        )
    if case.skipped:
        yield f"<skipped message={_attribute(case.skipped)}/>"
    if case.output:
        yield f"<system-out>{_escaped(case.output)}</system-out>"


def _escaped(text: str) -> str:
    return escape("\n".join(map(printable, text.split("\n"))))


def _attribute(text: str) -> str:
    return quoteattr(printable(text))

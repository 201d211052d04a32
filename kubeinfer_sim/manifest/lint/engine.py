"""Runs the rules over what owns pods, drops what is switched off, and tells the same of several places once."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence

from kubeinfer_sim.diagnostics import Diagnostic, Path, Severity, format_path
from kubeinfer_sim.manifest.document import Document
from kubeinfer_sim.manifest.lint.rule import RULES, Expectations, Finding, LintContext, Rule, rule
from kubeinfer_sim.manifest.lint.suppression import UNKNOWN, Suppressions, read_suppressions
from kubeinfer_sim.manifest.model import WorkloadSpec
from kubeinfer_sim.manifest.source import SourceText

#: Of the other places of the same finding, as many are named.
_NAMED = 4


@rule(
    UNKNOWN,
    "unknown-rule",
    Severity.WARNING,
    summary="a disable comment names a rule that does not exist",
    reason="""A misspelt code in a comment `# kubeinfer-sim: disable=KI007` switches nothing off, and a code
    that no longer exists is left over.""",
    right="A code of the list that `kubeinfer-sim explain` prints.",
    source="this project",
)
def unknown_rule(context: LintContext) -> Iterator[Finding]:
    """Nothing about a workload: found while the comments are read."""
    yield from ()


def lint(
    pairs: Iterable[tuple[WorkloadSpec, Document]],
    expectations: Expectations | None = None,
    *,
    disabled: Collection[str] = (),
) -> list[Diagnostic]:
    """What the rules find in what owns pods, in the order of the text of each.

    Args:
        pairs: each workload with the document it was read from.
        expectations: what the manifests are compared with.
        disabled: codes of rules that are not run.
    """
    findings: list[Diagnostic] = []
    sources: dict[SourceText, Suppressions] = {}
    rules = [each for code, each in sorted(RULES.items()) if code not in disabled]
    for workload, document in pairs:
        source = document.source
        if source not in sources:
            sources[source] = read_suppressions(source, RULES)
            if UNKNOWN not in disabled:
                findings += sources[source].findings
        context = LintContext(workload, expectations or Expectations())
        own = [
            each
            for rule in rules
            if workload.kind in rule.kinds
            for each in _run(rule, context, document, sources[source])
        ]
        findings += sorted(own, key=lambda each: (each.line, each.column, each.code))
    return findings


def _run(
    rule: Rule, context: LintContext, document: Document, suppressions: Suppressions
) -> Iterator[Diagnostic]:
    """The findings of one rule; those that differ in nothing but their place are one."""
    alike: dict[tuple[str, str, Severity], list[tuple[Path, Finding]]] = {}
    for finding in rule.check(context):
        line, _ = document.position(finding.path, key=finding.key)
        if not suppressions.off(rule.code, line):
            what = (finding.message, finding.fix, finding.severity or rule.severity)
            alike.setdefault(what, []).append((finding.path, finding))
    for (message, fix, severity), findings in alike.items():
        path, first = findings[0]
        others = _elsewhere([each for each, _ in findings[1:]], path, context)
        yield document.diagnostic(
            path, message + others, code=rule.code, severity=severity, hint=fix, key=first.key
        )


def _elsewhere(others: Sequence[Path], first: Path, context: LintContext) -> str:
    """` (the same in roles[1], roles[2])`: where else the same is true."""
    if not others:
        return ""
    here = context.part_of(first)
    parts = list(
        dict.fromkeys(format_path(part) for each in others if (part := context.part_of(each)) != here)
    )
    if not parts:
        return f" ({len(others)} more here)"
    more = f" and {len(parts) - _NAMED} more" if len(parts) > _NAMED else ""
    return f" (the same in {', '.join(parts[:_NAMED])}{more})"

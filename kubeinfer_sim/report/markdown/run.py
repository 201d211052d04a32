"""How a run came out, as Markdown."""

from __future__ import annotations

from kubeinfer_sim.manifest.register.check import not_simulated
from kubeinfer_sim.metrics import Judged, Judgement, Outcome
from kubeinfer_sim.report.assumptions import assumptions
from kubeinfer_sim.report.complaints import complaint
from kubeinfer_sim.report.confirmed import confirmed, in_words
from kubeinfer_sim.report.key_figures import key_figures, subject
from kubeinfer_sim.report.markdown.text import capped, comment, escaped, footer, table
from kubeinfer_sim.report.verdict import Assessment, culprits, idle_lines, objective_text, verdict_line
from kubeinfer_sim.report.warnings import by_what_they_say
from kubeinfer_sim.report.words import configured

#: Rows and lines of one part at most; together they are fewer than thirty.
_MOST_OBJECTIVES, _MOST_REASONS, _MOST_WARNINGS = 6, 3, 3
_MARKS = {Judgement.HELD: "✔ held", Judgement.MISSED: "✘ missed", Judgement.OPEN: "? open"}


def run_markdown(assessment: Assessment) -> str:
    """Verdict, objectives, key figures, why it hangs if it does, warnings, what it rests on."""
    head, *rest = subject(assessment)
    lines = [
        f"**{escaped(verdict_line(assessment))}**",
        "",
        f"{' · '.join((f'**{escaped(head)}**', *map(escaped, rest)))}",
        "",
    ]
    lines += table(("", ""), _objectives(assessment.judged) + _figures(assessment))
    for part in (_reasons(assessment), _warnings(assessment)):
        lines += ["", *part] if part else []
    lines += ["", _rests_on(assessment)]
    return comment(lines)


def _objectives(judged: tuple[Judged, ...]) -> list[tuple[str, str]]:
    """A row each, those that are not held first."""
    ordered = sorted(judged, key=lambda each: each.judgement is Judgement.HELD)
    rows = [(_MARKS[each.judgement], escaped(objective_text(each))) for each in ordered]
    if len(rows) <= _MOST_OBJECTIVES:
        return rows
    missed = sum(each.judgement is not Judgement.HELD for each in ordered[_MOST_OBJECTIVES - 1 :])
    rest = f"{len(rows) - _MOST_OBJECTIVES + 1:,} more objectives, {missed:,} of them not held"
    return [*rows[: _MOST_OBJECTIVES - 1], ("…", rest)]


def _figures(assessment: Assessment) -> list[tuple[str, str]]:
    return [(escaped(name), escaped(text.replace("\n", "; "))) for name, text in key_figures(assessment)]


def _reasons(assessment: Assessment) -> list[str]:
    measures = assessment.measures
    if measures.outcome is not Outcome.NEVER:
        return []
    lines = [f"- {escaped(complaint(life, measures.stranded))}" for life in culprits(measures)]
    return capped(lines, _MOST_REASONS, "instances")


def _warnings(assessment: Assessment) -> list[str]:
    of_files = assessment.run.scenario.warnings
    unsimulated = not_simulated(of_files)
    warnings = (
        *assessment.measures.warnings,
        *idle_lines(assessment.cluster),
        *map(in_words, confirmed(assessment)),
        *(each.one_line() for each in of_files if each not in unsimulated),
    )
    lines = capped([f"- ! {escaped(text)}" for text in dict.fromkeys(warnings)], _MOST_WARNINGS, "warnings")
    return [*(f"- ! {escaped(text)}" for text in by_what_they_say(unsimulated, _MOST_WARNINGS)), *lines]


def _rests_on(assessment: Assessment) -> str:
    scenario = assessment.run.scenario
    changed = [f"{each.name} {each.value}" for each in assumptions(scenario.assumptions) if not each.default]
    told = [f"Kubernetes {scenario.kubernetes_version}", *changed, configured(scenario.configuration)]
    return f"{footer()} <sub>{escaped(' · '.join(filter(None, told)))}</sub>"

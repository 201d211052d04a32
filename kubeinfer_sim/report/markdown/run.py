"""How a run came out, as Markdown."""

from __future__ import annotations

from kubeinfer_sim.manifest.register.check import not_simulated
from kubeinfer_sim.metrics import Judged, Judgement
from kubeinfer_sim.report.blocks import run_warnings
from kubeinfer_sim.report.confirmed import confirmed, in_words
from kubeinfer_sim.report.key_figures import figures_of_all, subject
from kubeinfer_sim.report.markdown.text import MOST_LINES, capped, comment, escaped, footer, table
from kubeinfer_sim.report.objectives import objective_text
from kubeinfer_sim.report.reasons import reasons
from kubeinfer_sim.report.verdict import JUDGED, Assessment, verdict_line
from kubeinfer_sim.report.warnings import by_what_they_say

#: Rows and lines of one part at most; together they are fewer than thirty.
_MOST_OBJECTIVES, _MOST_REASONS, _MOST_WARNINGS = 6, 3, 3


def run_markdown(assessment: Assessment, command: str = "") -> str:
    """Verdict, objectives, key figures, why it hangs if it does, warnings, what it rests on."""
    head, *rest = subject(assessment)
    lines = [
        f"**{escaped(verdict_line(assessment))}**",
        "",
        f"{' · '.join((f'**{escaped(head)}**', *map(escaped, rest)))}",
        "",
    ]
    objectives = _objectives(assessment.judged)
    after = [line for part in (_reasons(assessment), _warnings(assessment)) if part for line in ("", *part)]
    after += ["", footer(assessment.run.scenario, command, many=False)]
    room = MOST_LINES - len(lines) - len(table(("", ""), objectives)) - len(after)
    return comment([*lines, *table(("", ""), [*objectives, *_figures(assessment, room)]), *after])


def _objectives(judged: tuple[Judged, ...]) -> list[tuple[str, str]]:
    """A row each, those that are not held first."""
    ordered = sorted(judged, key=lambda each: each.judgement is Judgement.HELD)
    rows = [(JUDGED[each.judgement], escaped(objective_text(each))) for each in ordered]
    if len(rows) <= _MOST_OBJECTIVES:
        return rows
    missed = sum(each.judgement is not Judgement.HELD for each in ordered[_MOST_OBJECTIVES - 1 :])
    rest = f"{len(rows) - _MOST_OBJECTIVES + 1:,} more objectives, {missed:,} of them not held"
    return [*rows[: _MOST_OBJECTIVES - 1], ("…", rest)]


def _figures(assessment: Assessment, room: int) -> list[tuple[str, str]]:
    """As many as there is room for; of too many how many more there are."""
    rows = [(escaped(name), escaped(text.replace("\n", "; "))) for name, text in figures_of_all(assessment)]
    if len(rows) <= room:
        return rows
    return [*rows[: room - 1], ("…", f"{len(rows) - room + 1:,} more figures: in the report in text")]


def _reasons(assessment: Assessment) -> list[str]:
    lines = [f"- {escaped(text)}" for text in reasons(assessment)]
    return capped(lines, _MOST_REASONS, "instances and pods")


def _warnings(assessment: Assessment) -> list[str]:
    of_files = assessment.run.scenario.warnings
    unsimulated = not_simulated(of_files)
    warnings = (
        *run_warnings(assessment),
        *map(in_words, confirmed(assessment)),
        *(each.one_line() for each in of_files if each not in unsimulated),
    )
    lines = capped([f"- ! {escaped(text)}" for text in dict.fromkeys(warnings)], _MOST_WARNINGS, "warnings")
    return [*(f"- ! {escaped(text)}" for text in by_what_they_say(unsimulated, _MOST_WARNINGS)), *lines]

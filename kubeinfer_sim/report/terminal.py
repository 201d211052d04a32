"""The report for people: verdict first, then what came out, when, which, and what it all rests on."""

from __future__ import annotations

from collections.abc import Iterable

from kubeinfer_sim.manifest.render import printable
from kubeinfer_sim.report.blocks import section
from kubeinfer_sim.report.confirmed import confirmed, in_words
from kubeinfer_sim.report.key_figures import subject
from kubeinfer_sim.report.paragraph import Part, figure_table
from kubeinfer_sim.report.printed import printed, within
from kubeinfer_sim.report.rests_on import rests_on, rests_on_in_short
from kubeinfer_sim.report.screen import screen
from kubeinfer_sim.report.text import Text
from kubeinfer_sim.report.verdict import Assessment, verdict_line


def render(
    assessment: Assessment,
    *,
    width: int = 80,
    colour: bool = False,
    unicode: bool = True,
    details: bool = False,
    assumptions: bool = False,
) -> str:
    """The report as text, lines at most `width` columns wide (60 to 160).

    Args:
        assessment: what to report.
        width: columns of the terminal.
        colour: with ANSI colours.
        unicode: False replaces everything drawn beyond ASCII.
        details: every section at length instead of what fits on a screen.
        assumptions: every assumption and default instead of how many there are.
    """
    width = within(width)
    parts = _parts(assessment, width, details=details, assumptions=assumptions)
    return printed(parts, width=width, colour=colour, unicode=unicode)


def _parts(assessment: Assessment, width: int, *, details: bool, assumptions: bool) -> Iterable[Part]:
    scenario = assessment.run.scenario
    yield Text(verdict_line(assessment), style="bold green" if assessment.verdict.holds else "bold red")
    yield _subtitle(assessment)
    yield from _at_length(assessment, width) if details else screen(assessment, width)
    if assumptions:
        yield from section("Rests on", rests_on(scenario))
    lint = "\n".join(printable(in_words(each)) for each in confirmed(assessment))
    if lint:
        yield Text()
        yield from figure_table([("Lint", lint)])
    rows = [] if assumptions else [("Rests on", rests_on_in_short(scenario, drawn=assessment.run.drawn))]
    shown = {
        "--details": details,
        "--assumptions": assumptions,
        "--timings range": not scenario.timings.constant,
    }
    more = ", ".join(option for option, given in shown.items() if not given)
    if more:
        rows.append(("More", f"{more}; why --at TIME"))
    if rows:
        yield Text()
        yield from figure_table(rows)


def _at_length(assessment: Assessment, width: int) -> Iterable[Part]:
    from kubeinfer_sim.report.details import details

    return details(assessment, width)


def _subtitle(assessment: Assessment) -> Text:
    scenario = assessment.run.scenario
    text = Text(printable(" · ".join(subject(assessment))), style="dim")
    if scenario.description:
        text.append(f"\n{printable(' '.join(scenario.description.split()))}")
    return text

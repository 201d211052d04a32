"""What lint warns of and the run has shown: each with what happened, so that a warning is not read as a formality."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from rich.text import Text

from kubeinfer_sim.diagnostics import Diagnostic
from kubeinfer_sim.manifest.render import printable
from kubeinfer_sim.metrics.cluster import ClusterMeasures
from kubeinfer_sim.metrics.measure import Measures
from kubeinfer_sim.report.paragraph import figure_table
from kubeinfer_sim.report.printed import printed, within
from kubeinfer_sim.report.verdict import Assessment
from kubeinfer_sim.report.words import count, listed, point

#: Runs of one finding that are named at most.
_MOST_RUNS = 3


class Confirmed(NamedTuple):
    """A finding, the KubeInfer it is about, and what the run shows of it: `15 starts killed by startup probes`."""

    owner: str
    finding: Diagnostic
    shown: str


def confirmed(assessment: Assessment) -> list[Confirmed]:
    """The findings of lint that the run confirms, in the order of the manifests."""
    return list(_confirmed(assessment))


def _confirmed(assessment: Assessment) -> Iterator[Confirmed]:
    for owner, finding in assessment.run.scenario.lint:
        figures = assessment.kubeinfers.get(owner)
        if figures is not None:
            shown = SHOWS[finding.code](owner, figures.measures, assessment.cluster)
            if shown:
                yield Confirmed(owner, finding, shown)


def _killed(probe: str) -> Callable[[str, Measures, ClusterMeasures], str]:
    def shown(owner: str, measures: Measures, cluster: ClusterMeasures) -> str:
        kills = cluster.kills_of_starts.get(("KubeInfer", owner, probe), 0)
        verb = "were" if kills > 1 else "was"
        return f"{count(kills, 'start')} {verb} killed by the {probe} probe" if kills else ""

    return shown


def _none_ready(owner: str, measures: Measures, cluster: ClusterMeasures) -> str:
    """In an update, from when the first instance went until the update was over."""
    for change in measures.changes:
        if change.is_update and change.replicas:
            end = measures.ended_at if change.completed is None else change.completed
            low = measures.ready.lowest(change.at, end)
            if not low.value and low.lasting:
                return f"none was ready from {point(low.at)}"
    return ""


def _no_place_for_the_next(owner: str, measures: Measures, cluster: ClusterMeasures) -> str:
    change = measures.changes[-1] if measures.changes else None
    if change is None or not change.is_update or change.completed is not None:
        return ""
    waiting = [
        life
        for life in measures.instances
        if life.state == "pending" and life.pending is not None and "room" in life.pending.awaits
    ]
    return f"{waiting[0].instance.name} waits for a place to the end" if waiting else ""


def _pending(owner: str, measures: Measures, cluster: ClusterMeasures) -> str:
    waiting = [life for life in measures.instances if life.state == "pending"]
    verb = "wait" if len(waiting) > 1 else "waits"
    return f"{count(len(waiting), 'instance')} {verb} for a node to the end" if waiting else ""


#: Rule -> what a run shows of it; "": nothing.
SHOWS: dict[str, Callable[[str, Measures, ClusterMeasures], str]] = {
    "KI001": _no_place_for_the_next,
    "KI002": _no_place_for_the_next,
    "KI004": _none_ready,
    "KI005": _killed("liveness"),
    "KI006": _killed("startup"),
    "KI023": _pending,
}


def in_words(each: Confirmed) -> str:
    """`KI006, new.yaml:50, as validate says: the startup window is 15 min …; here 15 starts were killed by …`."""
    finding = each.finding
    place = f"{finding.file}:{finding.line}" if finding.line else finding.file
    return f"{finding.code}, {place}, as validate says: {finding.message}; here {each.shown}"


def render_confirmed(
    findings: Sequence[tuple[str, Confirmed]], *, width: int, colour: bool, unicode: bool
) -> str:
    """Findings that runs confirm, each with the runs that do, as a part of the text about many runs; "": none."""
    runs: dict[str, list[str]] = {}
    for where, each in findings:
        runs.setdefault(in_words(each), []).append(where)
    if not runs:
        return ""
    lint = "\n".join(printable(f"{words} ({listed(those, _MOST_RUNS)})") for words, those in runs.items())
    parts = [Text(), *figure_table([("Lint", lint)])]
    return printed(parts, width=within(width), colour=colour, unicode=unicode)

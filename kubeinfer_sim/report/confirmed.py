"""What lint warns of and the run has shown: each with what happened, so that a warning is not read as a formality."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from msgspec import Struct

from kubeinfer_sim.diagnostics import Diagnostic
from kubeinfer_sim.manifest.model import KINDS_WITH_ROLES
from kubeinfer_sim.manifest.render import printable
from kubeinfer_sim.metrics.lives import InstanceLife
from kubeinfer_sim.metrics.measure import Measures
from kubeinfer_sim.report.paragraph import figure_table
from kubeinfer_sim.report.printed import printed, within
from kubeinfer_sim.report.text import Text
from kubeinfer_sim.report.verdict import Assessment
from kubeinfer_sim.report.words import count, listed, point
from kubeinfer_sim.scenario.model import Linted

#: Runs of one finding that are named at most.
_MOST_RUNS = 3


class Confirmed(Struct, frozen=True):
    """A finding, what owns the pods it is about, and what the run shows of it: `15 starts killed by startup probes`."""

    owner: str
    finding: Diagnostic
    shown: str


def confirmed(assessment: Assessment) -> list[Confirmed]:
    """The findings of lint that the run confirms, in the order of the manifests."""
    return list(_confirmed(assessment))


def _confirmed(assessment: Assessment) -> Iterator[Confirmed]:
    for linted in assessment.run.scenario.lint:
        if shown := SHOWS[linted.finding.code](_Shown(assessment, linted)):
            yield Confirmed(linted.owner, linted.finding, shown)


class _Shown(Struct, frozen=True):
    """A finding, and the run that may show it."""

    assessment: Assessment
    linted: Linted

    @property
    def kubeinfer(self) -> Measures | None:
        """What became of the KubeInfer that the finding is about."""
        figures = self.assessment.kubeinfers.get(self.linted.owner)
        return None if figures is None else figures.measures

    @property
    def pending(self) -> Iterator[InstanceLife]:
        """Instances (and pods that stand for themselves) that wait for a place to the end."""
        for life in self.assessment.cluster.instances_of(self.linted.kind, self.linted.owner):
            if life.state == "pending" and self.is_about(life.revision):
                yield life

    def is_about(self, revision: str) -> bool:
        """Whether the finding is about a revision: one that no file has is made from the last file."""
        of_files = [
            each
            for other in self.assessment.run.scenario.lint
            if (other.kind, other.owner) == (self.linted.kind, self.linted.owner)
            for each in other.revisions
        ]
        return revision in self.linted.revisions or (
            revision not in of_files and of_files[-1] in self.linted.revisions
        )


def _killed(probe: str) -> Callable[[_Shown], str]:
    def shown(of: _Shown) -> str:
        kills = sum(
            number
            for (kind, owner, revision, by), number in of.assessment.cluster.kills_of_starts.items()
            if (kind, owner, by) == (of.linted.kind, of.linted.owner, probe) and of.is_about(revision)
        )
        verb = "were" if kills > 1 else "was"
        return f"{count(kills, 'start')} {verb} killed by the {probe} probe" if kills else ""

    return shown


def _none_ready(of: _Shown) -> str:
    """In an update, from when the first instance went until the update was over."""
    if (measures := of.kubeinfer) is None:
        return ""
    for change in measures.changes:
        if change.is_update and change.replicas and of.is_about(change.revision):
            end = measures.ended_at if change.completed is None else change.completed
            low = measures.ready.lowest(change.at, end)
            if not low.value and low.lasting:
                return f"none was ready from {point(low.at)}"
    return ""


def _no_place_for_the_next(of: _Shown) -> str:
    change = of.kubeinfer.changes[-1] if of.kubeinfer is not None and of.kubeinfer.changes else None
    if change is None or not change.is_update or change.completed is not None:
        return ""
    waiting = [life for life in of.pending if life.pending is not None and "room" in life.pending.awaits]
    return f"{waiting[0].instance.name} waits for a place to the end" if waiting else ""


def _pending(of: _Shown) -> str:
    waiting = list(of.pending)
    verb = "wait" if len(waiting) > 1 else "waits"
    noun = "instance" if of.linted.kind in KINDS_WITH_ROLES else "pod"
    return f"{count(len(waiting), noun)} {verb} for a node to the end" if waiting else ""


#: Rule -> what a run shows of it; "": nothing.
SHOWS: dict[str, Callable[[_Shown], str]] = {
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

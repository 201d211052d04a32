"""Cliffs of a knob for people and for machines: where the outcome jumps, and by which rule."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct
from rich.table import Table

from kubeinfer_sim.cluster.reasons import LIVENESS_PROBE_FAILED, PROBE_KILLS, STARTUP_PROBE_FAILED
from kubeinfer_sim.experiment.cliffs import Cliff, Cliffs, Looked
from kubeinfer_sim.metrics import Judgement
from kubeinfer_sim.report.estimates import amounts
from kubeinfer_sim.report.paragraph import Part
from kubeinfer_sim.report.printed import printed
from kubeinfer_sim.report.text import Text
from kubeinfer_sim.report.verdict import Assessment, assess
from kubeinfer_sim.report.words import count
from kubeinfer_sim.simulation.simulate import simulate


class Explained(Struct, frozen=True):
    """A cliff, and what its two sides say of it.

    Attributes:
        rule: the reason on one side and not on the other, as the component calls it: `StartupProbeFailed`,
            `Unschedulable`, an objective …; "" where none is told.
        below, above: the verdicts of a run on either side.
    """

    cliff: Cliff
    rule: str
    below: str
    above: str


def explained(cliff: Cliff) -> Explained:
    """Play a run of either side once more, for the rule behind it."""
    one, other = _assessed(cliff.below), _assessed(cliff.above)
    here, there = reasons_of(one), reasons_of(other)
    apart = [each for each in (*here, *there) if (each in here) != (each in there)]
    return Explained(cliff, apart[0] if apart else "", one.verdict.sentence, other.verdict.sentence)


def _assessed(side: Looked) -> Assessment:
    run = simulate(side.variant.scenario, seed=side.typical.seed, recovery=side.variant.recovery, pods=False)
    return assess(run)


def reasons_of(assessment: Assessment) -> list[str]:
    """What stands against a run, by the names that components have for it, the first that explain most."""
    lives = [life for life in assessment.cluster.instances if life.state != "gone"]
    stalls = [
        each for own in assessment.kubeinfers.values() for each in own.measures.stalls if each.ended is None
    ]
    found = ["Unschedulable" for life in lives if life.pending is not None]
    found += [
        pod.reason
        for life in lives
        for pod in reversed(life.pods)
        if pod.reason and (life.unstable or pod.trouble or pod.reason in PROBE_KILLS)
    ]
    found += [each.pod_reason or each.reason for each in stalls]
    found += [
        STARTUP_PROBE_FAILED if probe == "startup" else LIVENESS_PROBE_FAILED
        for (_, _, _, probe), number in assessment.cluster.kills_of_starts.items()
        if number
    ]
    found += [each.name for each in assessment.judged if each.judgement is Judgement.MISSED]
    return list(dict.fromkeys(filter(None, found)))


# -- for people --------------------------------------------------------------------------------------------


def render_cliffs(
    cliffs: Cliffs, found: list[Explained], *, width: int = 80, colour: bool = False, unicode: bool = True
) -> str:
    """The cliffs as text, lines at most `width` columns wide."""
    return printed(_parts(cliffs, found), width=width, colour=colour, unicode=unicode)


def _parts(cliffs: Cliffs, found: list[Explained]) -> Iterator[Part]:
    for each in found:
        yield Text(sentence(cliffs.knob, each))
    if not found:
        yield Text(without_cliff(cliffs))
    yield Text(subtitle(cliffs), style="dim")
    for each in found:
        below, above = (value_of(cliffs.knob, side) for side in (each.cliff.below, each.cliff.above))
        yield Text()
        yield Text(f"{cliffs.knob}={below}: {each.below}")
        yield Text(f"{cliffs.knob}={above}: {each.above}")
    yield Text()
    table = Table(box=None, padding=(0, 2, 0, 0), show_edge=False, pad_edge=False)
    for head in (cliffs.knob, "most runs", figure_title(cliffs)):
        table.add_column(head, overflow="fold")
    for looked, figure in zip(cliffs.looked, figures_text(cliffs), strict=True):
        table.add_row(value_of(cliffs.knob, looked), outcome_text(looked), figure)
    yield table
    for value, why in cliffs.refused[:3]:
        yield Text(f"left out: {cliffs.knob}={value}: {why}", "yellow")


def subtitle(cliffs: Cliffs) -> str:
    """`name · 15 values looked at · 11 seeds each`."""
    seeds = max(len(each.runs) + each.failed for each in cliffs.looked)
    name = cliffs.looked[0].variant.scenario.name
    return f"{name} · {count(len(cliffs.looked), 'value')} looked at · {count(seeds, 'seed')} each"


def sentence(knob: str, each: Explained) -> str:
    """`startupProbe.failureThreshold: between 9 and 10 the outcome jumps, by StartupProbeFailed: …`."""
    below, above = each.cliff.below, each.cliff.above
    by = f", by {each.rule}" if each.rule else ""
    if each.cliff.by == "figure":
        what = "how long it takes" if below.runs[0].duration is not None else "the time lost"
        low, high = amounts([below.figure, above.figure], "ms")
        return (
            f"{knob}: between {value_of(knob, below)} and {value_of(knob, above)} {what} jumps from "
            f"{low} to {high}{by}."
        )
    return (
        f"{knob}: between {value_of(knob, below)} and {value_of(knob, above)} the outcome jumps{by}: "
        f"{outcome_text(below)} below, {outcome_text(above)} above."
    )


def without_cliff(cliffs: Cliffs) -> str:
    """What is said where nothing jumps."""
    first, last = cliffs.looked[0], cliffs.looked[-1]
    ends = f"from {value_of(cliffs.knob, first)} to {value_of(cliffs.knob, last)}"
    if cliffs.is_idle:
        return f"{cliffs.knob} changes nothing {ends}: {outcome_text(first)} everywhere."
    everywhere = f"{outcome_text(first)} everywhere, and what changes does so step by step"
    return f"{cliffs.knob} has no cliff {ends}: {everywhere}."


def outcome_text(looked: Looked) -> str:
    """`never finishes`, `completes, minReadyInstances missed`."""
    outcome = looked.outcome
    words = [_WORDS.get(outcome.end, outcome.end)]
    words += [f"{each} missed" for each in dict.fromkeys(outcome.missed)]
    words += [_FLAWS.get(each, each) for each in outcome.flaws]
    return ", ".join(words)


_WORDS = {
    "completes": "completes",
    "neverFinishes": "never finishes",
    "unfinished": "not all in place in the end",
    "nothingHappened": "nothing happens",
}
_FLAWS = {
    "killedByStartupProbe": "every start killed by the startup probe first",
    "killedByLivenessProbe": "every start killed by the liveness probe first",
    "unplaced": "not all placed at the start",
    "refused": "something refused",
    "inVain": "an action in vain",
    "endless": "without end",
}


def value_of(knob: str, looked: Looked) -> str:
    """The knob's value there."""
    return looked.variant.settings[knob]


def figures_text(cliffs: Cliffs) -> list[str]:
    """What is measured, of each value looked at; what differs is written so that it does."""
    return amounts([each.figure for each in cliffs.looked], "ms")


def figure_title(cliffs: Cliffs) -> str:
    """What is measured of each value."""
    takes = any(run.duration is not None for each in cliffs.looked for run in each.runs)
    return "takes p50" if takes else "time lost p50"

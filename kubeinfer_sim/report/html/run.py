"""The page of one run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import inf

from kubeinfer_sim.metrics import InstanceLife, Judged, Judgement, PodLife
from kubeinfer_sim.report.blocks import warning_texts
from kubeinfer_sim.report.confirmed import confirmed, in_words
from kubeinfer_sim.report.html.lost_table import lost_table
from kubeinfer_sim.report.html.numbers import numbers_of_run
from kubeinfer_sim.report.html.origin import Origin, about, end_of_page
from kubeinfer_sim.report.html.page import Block, Cell, Page, Picture, Section, Table, Text, Tone, Verbatim
from kubeinfer_sim.report.instances import disturbance
from kubeinfer_sim.report.key_figures import figures_of_all, subject
from kubeinfer_sim.report.objectives import objective_text
from kubeinfer_sim.report.plots.accelerators import accelerators_plot
from kubeinfer_sim.report.plots.lost_time import lost_time_plot
from kubeinfer_sim.report.plots.stages import stages_plot
from kubeinfer_sim.report.plots.timeline import timeline_plot
from kubeinfer_sim.report.reasons import reasons
from kubeinfer_sim.report.series.accelerators import accelerators
from kubeinfer_sim.report.series.lost_time import lost_time
from kubeinfer_sim.report.series.readiness import courses, how_thinned
from kubeinfer_sim.report.series.stages import how_told, phase_of, stages
from kubeinfer_sim.report.terminal import render
from kubeinfer_sim.report.verdict import JUDGED, Assessment, verdict_line
from kubeinfer_sim.report.words import count, point, rounded

#: Workloads with a picture of their own, rows of a table, reasons.
MOST_WORKLOADS, MOST_ROWS, MOST_REASONS = 8, 500, 12
_TONES: dict[Judgement, Tone] = {Judgement.HELD: "good", Judgement.MISSED: "bad", Judgement.OPEN: "open"}
_TONES_OF_STATES: dict[str, Tone] = {
    "ready": "good",
    "gone": "plain",
    "terminating": "plain",
    "finished": "plain",
}


def run_page(assessment: Assessment, origin: Origin) -> Page:
    """How a run came out, in pictures."""
    scenario = assessment.run.scenario
    return Page(
        title=f"{scenario.name}: kubeinfer-sim",
        subtitle=" · ".join(subject(assessment)),
        verdict=verdict_line(assessment),
        tone="good" if assessment.verdict.holds else "bad",
        numbers=numbers_of_run(assessment),
        sections=list(_sections(assessment)),
        end=end_of_page(scenario, origin, f"seed {assessment.run.seed}"),
    )


def _sections(assessment: Assessment) -> Iterator[Section]:
    yield about(assessment.run.scenario)
    yield Section("Why it never finishes", _reasons(assessment))
    yield Section("Objectives", objectives_table(assessment.judged))
    yield Section("Key figures", [Table(("figure", "what it came to"), figures_of_all(assessment))])
    shown = courses(assessment)
    for course in shown[:MOST_WORKLOADS]:
        title = f"{course.noun.capitalize()}s over time"
        yield Section(
            f"{title}: {course.name}" if len(shown) > 1 else title,
            [Picture(timeline_plot(course), how_thinned(course))],
        )
    if len(shown) > MOST_WORKLOADS:
        yield Section("More workloads", [Text([", ".join(each.name for each in shown[MOST_WORKLOADS:])])])
    ended_at = assessment.run.ended_at
    until = min(ended_at, max((each.at[-1] for each in shown), default=ended_at))
    bars = stages(assessment.cluster.instances, until)
    yield Section("Pods by stage", [] if bars is None else [Picture(stages_plot(bars), how_told(bars))])
    yield Section(
        assessment.run.scenario.accelerator_family.title("NPUs in use"), _accelerators(assessment, until)
    )
    yield Section("Where the lost time went", _lost(assessment))
    yield Section("What happened", _events(assessment))
    yield Section("Instances and pods", _instances(assessment.cluster.instances))
    told, unsimulated = warning_texts(assessment)
    warnings = [*unsimulated, *told, *map(in_words, confirmed(assessment))]
    yield Section("To know", [Text(warnings, as_list=True)] if warnings else [])
    in_text = render(assessment, width=110, details=True)
    yield Section("At length", [Verbatim(in_text, title="The report in text, with every section")])


def _reasons(assessment: Assessment) -> list[Block]:
    told = reasons(assessment)
    if not told:
        return []
    more = [f"… and {count(len(told) - MOST_REASONS, 'more instance')}"] if len(told) > MOST_REASONS else []
    return [Text([*told[:MOST_REASONS], *more], as_list=True)]


def objectives_table(judged: Sequence[Judged]) -> list[Block]:
    """A row an objective, those that are not held first."""
    ordered = sorted(judged, key=lambda each: each.judgement is Judgement.HELD)
    rows = [
        (Cell(JUDGED[each.judgement], tone=_TONES[each.judgement]), objective_text(each)) for each in ordered
    ]
    return [Table(("judged", "objective"), rows)] if rows else []


def _accelerators(assessment: Assessment, until: int) -> list[Block]:
    series = accelerators(assessment, until)
    if series is None:
        return []
    thinned = (
        "Each point in time is drawn as it was when the most around it were taken." if series.thinned else ""
    )
    return [Picture(accelerators_plot(series), thinned)]


def _lost(assessment: Assessment) -> list[Block]:
    rows = lost_time(assessment)
    if not rows:
        return []
    return [
        Picture(
            lost_time_plot(rows, assessment.run.scenario.waited_for),
            "Time missing while it was owed.",
        ),
        lost_table(rows, assessment.run.scenario.waited_for.say),
    ]


def _events(assessment: Assessment) -> list[Block]:
    """What the marks of the pictures say, each once."""
    shown = courses(assessment)
    events = {(each.at, each.text, each.is_fault) for course in shown for each in course.events}
    rows = [
        (Cell(point(at), at), Cell("fault", tone="bad") if is_fault else Cell("event"), text)
        for at, text, is_fault in sorted(events)
    ]
    left_out = max((each.faults_left_out for each in shown), default=0)
    return [Table(("at", "kind", "what, and what came of it"), rows, left_out=left_out)] if rows else []


def _instances(lives: Sequence[InstanceLife]) -> list[Block]:
    """A row an instance, or a pod that stands for itself."""
    rows = [_instance(life) for life in lives[:MOST_ROWS]]
    head = (
        "name",
        "revision",
        "created",
        "ready after",
        "not ready",
        "deleted",
        "in the end",
        "nodes",
        "what happened",
    )
    if not rows:
        return []
    return [Table(head, rows, left_out=max(0, len(lives) - MOST_ROWS))]


def _instance(life: InstanceLife) -> tuple[str | Cell, ...]:
    # A pod that stands for itself has its times in its own life.
    own: InstanceLife | PodLife = life if life.instance.has_roles or not life.pods else life.pods[0]
    state = life.state if isinstance(own, InstanceLife) else _state(own)
    why = own.delete_reason if isinstance(own, InstanceLife) else own.deletion
    nodes = list(dict.fromkeys(pod.node for pod in life.pods if pod.node))
    where = ", ".join(nodes[:4]) + (f" … and {len(nodes) - 4:,} more" if len(nodes) > 4 else "")
    started = own.created == 0 == own.ready
    deleted = "" if own.deleting is None else f"{point(own.deleting)} ({why})" if why else point(own.deleting)
    what = disturbance(life).removesuffix(f"in the end {life.state}").removesuffix("; ")
    trouble = "; ".join(dict.fromkeys(pod.trouble for pod in life.pods if pod.trouble and pod.stays))
    return (
        life.instance.name,
        life.revision,
        Cell("at the start", -1) if started else Cell(point(own.created), own.created),
        Cell("", inf)
        if started or own.ready is None
        else Cell(rounded(own.ready - own.created), own.ready - own.created),
        Cell(f"{life.concerning:,} ×" if life.concerning else "", life.concerning),
        Cell("", inf) if own.deleting is None else Cell(deleted, own.deleting),
        Cell(state, tone=_TONES_OF_STATES.get(state, "open")),
        where,
        "; ".join(filter(None, (what, trouble))),
    )


def _state(pod: PodLife) -> str:
    """What a pod that stands for itself is at the end of the run, in a word."""
    if pod.gone is not None:
        return "gone"
    if pod.deleting is not None:
        return "terminating"
    if pod.finished is not None:
        return "finished"
    if pod.stage is not None and phase_of(pod.stage.kind) == "serving":
        return "ready"
    if not pod.node:
        return "pending"
    return "starting" if pod.ready is None else "not ready"

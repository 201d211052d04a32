"""The report on one screen: what came out, what it took, what happened, in a line or two each.

What it leaves out (`details.py` has it) it names in its last line.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from kubeinfer_sim.experiment.figures import KubeInferFigures
from kubeinfer_sim.manifest.accelerators import Family
from kubeinfer_sim.manifest.render import printable
from kubeinfer_sim.metrics import Judgement, Measures, Outcome
from kubeinfer_sim.report import bare_pods
from kubeinfer_sim.report.blocks import (
    actions_of,
    objective_line,
    section,
    stalled_since,
    warning_lines,
)
from kubeinfer_sim.report.chart import chart
from kubeinfer_sim.report.deployments import sections
from kubeinfer_sim.report.evictions import evicted
from kubeinfer_sim.report.faults import fault_lines
from kubeinfer_sim.report.instances import disturbance, disturbed, start_up, starts
from kubeinfer_sim.report.key_figures import cluster_figures, kubeinfer_figures
from kubeinfer_sim.report.load import load_lines
from kubeinfer_sim.report.lost_time import availability_text, losses
from kubeinfer_sim.report.nodes import node_lines
from kubeinfer_sim.report.npus import npu_lines
from kubeinfer_sim.report.paragraph import Part, figure_table, indented
from kubeinfer_sim.report.pending import node_verdicts, preempted
from kubeinfer_sim.report.recoveries import recovery_groups
from kubeinfer_sim.report.rejections import rejected
from kubeinfer_sim.report.text import Text
from kubeinfer_sim.report.traffic import traffic_lines
from kubeinfer_sim.report.verdict import Assessment, culprits
from kubeinfer_sim.report.words import count, listed
from kubeinfer_sim.scenario.actions.model import Action

#: Objectives in full, lines of one row, rows of the chart and events under it, warnings.
MOST_OBJECTIVES, MOST_LINES, CHART_ROWS, MOST_MARKS, MOST_WARNINGS = 4, 3, 4, 4, 3
_Row = tuple[str, str | Text]


def screen(assessment: Assessment, width: int) -> Iterable[Part]:
    """What to know after the verdict."""
    measures, scenario = assessment.measures, assessment.run.scenario
    family = scenario.accelerator_family
    several, done = len(assessment.kubeinfers) > 1, assessment.cluster.idle.effective(scenario.actions)
    alone = not (several or measures.deployments or measures.bare_pods)
    yield from _rows([*_objectives(assessment), *_figures(assessment)])
    rows: list[_Row] = []
    for name, own in assessment.kubeinfers.items():
        if several:
            yield Text()
            yield Text(f"KubeInfer {printable(name)}", style="bold underline")
            if own.measures.outcome is Outcome.NOTHING:
                yield Text(f"  not touched: {count(own.measures.ready.last, 'instance')} ready")
            yield from _rows(_own_figures(assessment, own.measures))
        actions = actions_of(done, name) if several else done
        yield from _chart(own.measures, actions, width)
        told = [*_instances(own)]
        if alone:
            rows += told
        else:
            yield from _rows(told)
    for title, content in sections(measures.deployments):
        yield from section(title, content)
    yield from section("Pods", bare_pods.lines(measures.bare_pods))
    yield from _rows([*rows, *_cluster(assessment, family)])
    if warnings := warning_lines(assessment, MOST_WARNINGS):
        yield Text()
        yield from warnings


def _stall(measures: Measures) -> Iterator[_Row]:
    """Since when nothing goes on and what the scheduler says; the rest of why is in the verdict."""
    if measures.outcome is not Outcome.NEVER:
        return
    if measures.open_stall is not None:
        yield "Stalled", stalled_since(measures.open_stall).removeprefix("Stalled ")
    pending = next((life.pending for life in culprits(measures)[:1]), None)
    if pending is not None and pending.message:
        yield "Scheduler", "\n".join(map(printable, (pending.message, *node_verdicts(pending))))


def _figures(assessment: Assessment) -> list[_Row]:
    """Those of the only KubeInfer, and what the cluster comes to."""
    shared = cluster_figures(assessment)
    if len(assessment.kubeinfers) > 1:
        return [*shared]
    return [*_own_figures(assessment, assessment.measures), *shared]


def _own_figures(assessment: Assessment, measures: Measures) -> list[_Row]:
    of_instances = bool(assessment.kubeinfers)
    figures = kubeinfer_figures(measures, of_instances=of_instances, due=bool(assessment.run.due))
    rows: list[_Row] = [*_stall(measures), *(row for row in figures if row[0] != "Budgets")]
    if of_instances and measures.outcome is not Outcome.NOTHING and (text := start_up(starts(measures))):
        rows.append(("Starts", text))
    return rows


def _objectives(assessment: Assessment) -> Iterator[_Row]:
    """All where there are few; else those that were missed or are open, and how many were held."""
    judged = list(assessment.judged)
    if len(judged) > MOST_OBJECTIVES:
        judged = [each for each in judged if each.judgement is not Judgement.HELD]
    lines = [objective_line(each) for each in judged]
    if held := len(assessment.judged) - len(judged):
        lines.append(
            Text().append("✔ held  ", "green").append(f"  {held} others" if judged else f"  all {held}")
        )
    if lines:
        yield "Objectives", Text("\n").join(lines)


def _chart(measures: Measures, actions: tuple[Action, ...], width: int) -> Iterable[Part]:
    drawn = (measures.desired, *measures.by_revision.values())
    if all(len(set(each.between(0, measures.ended_at))) < 2 for each in drawn):
        return  # a picture of what does not change
    lines = chart(measures, actions, width - 2, most_rows=CHART_ROWS, most_marks=MOST_MARKS, in_short=True)
    if lines:
        yield Text()
        yield from lines


def _instances(figures: KubeInferFigures) -> Iterator[_Row]:
    """A row for each thing to say of a KubeInfer's instances; nothing where nothing happened to them."""
    measures = figures.measures
    if measures.outcome is Outcome.NOTHING:
        return
    alike: dict[str, list[str]] = {}
    for life in disturbed(measures):
        alike.setdefault(disturbance(life), []).append(life.instance.name)
    yield "Disturbed", _lines([f"{listed(names, 4)}: {text}" for text, names in alike.items()])
    yield "Available", availability_text(figures.availability)
    yield "Lost time", _lines(losses(figures.causes))
    yield "Recovery", _lines(recovery_groups(measures))


def _cluster(assessment: Assessment, family: Family) -> Iterator[_Row]:
    """A row for each thing to say of what workloads share."""
    scenario = assessment.run.scenario
    yield "Nodes", _lines(node_lines(assessment.cluster))
    yield "Faults", _lines(fault_lines(assessment.cluster.faults))
    yield (
        family.title("NPUs out"),
        _lines(npu_lines(assessment.cluster.npu_outages, family, assessment.run.due)),
    )
    yield "Load", _lines(load_lines(scenario.load, assessment.demand))
    yield "Requests", _lines(traffic_lines(assessment.traffic))
    yield "Preempted", _lines([*preempted(assessment.cluster.preemptions)])
    yield "Evicted", _lines([*evicted(assessment.cluster.evictions)])
    yield "Rejected", _lines([*rejected(assessment.cluster.rejections)])


def _rows(rows: Sequence[_Row]) -> Iterable[Part]:
    told = [(name, text) for name, text in rows if text]
    if told:
        yield Text()
        for each in figure_table(told):
            yield indented(each, 2)


def _lines(texts: Sequence[object]) -> str:
    """The first ones, and how many more there are."""
    shown = [printable(str(each)) for each in texts[:MOST_LINES]]
    if len(texts) > MOST_LINES:
        shown.append(f"… and {len(texts) - MOST_LINES:,} more")
    return "\n".join(shown)

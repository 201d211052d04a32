"""The report at length: every section, with tables of starts and stops and each step of recovery."""

from __future__ import annotations

from collections.abc import Iterable

from kubeinfer_sim.experiment.figures import KubeInferFigures
from kubeinfer_sim.manifest.accelerators import Family
from kubeinfer_sim.manifest.render import printable
from kubeinfer_sim.metrics import Measures, Outcome
from kubeinfer_sim.report import bare_pods
from kubeinfer_sim.report.blocks import (
    actions_of,
    first_lines,
    objective_line,
    section,
    stalled_since,
    warning_lines,
)
from kubeinfer_sim.report.chart import chart
from kubeinfer_sim.report.complaints import complaint
from kubeinfer_sim.report.deployments import sections
from kubeinfer_sim.report.evictions import evicted
from kubeinfer_sim.report.faults import fault_lines
from kubeinfer_sim.report.instance_tables import instance_sections
from kubeinfer_sim.report.key_figures import cluster_figures, key_figures, kubeinfer_figures
from kubeinfer_sim.report.load import load_lines
from kubeinfer_sim.report.lost_time import availability_lines, lost_time_lines
from kubeinfer_sim.report.nodes import node_lines
from kubeinfer_sim.report.npus import npu_lines
from kubeinfer_sim.report.paragraph import Part, figure_table
from kubeinfer_sim.report.pending import node_verdicts, preempted
from kubeinfer_sim.report.recoveries import recovery_lines
from kubeinfer_sim.report.rejections import rejected
from kubeinfer_sim.report.text import Text
from kubeinfer_sim.report.traffic import traffic_lines
from kubeinfer_sim.report.verdict import Assessment, culprits
from kubeinfer_sim.report.words import count
from kubeinfer_sim.scenario.actions.model import Action

#: How many lines of a kind without a table of its own are shown.
MOST_LINES = 12


def details(assessment: Assessment, width: int) -> Iterable[Part]:
    """All there is to say after the verdict, section by section."""
    measures, scenario = assessment.measures, assessment.run.scenario
    family = scenario.accelerator_family
    objectives = [objective_line(each) for each in assessment.judged]
    several, done = len(assessment.kubeinfers) > 1, assessment.cluster.idle.effective(scenario.actions)
    if several:
        yield from section("Objectives", objectives)
        yield from section("Key figures", figure_table(cluster_figures(assessment)))
        for name, own in assessment.kubeinfers.items():
            yield Text()
            yield Text(f"KubeInfer {printable(name)}", style="bold underline")
            if own.measures.outcome is Outcome.NOTHING:
                yield Text(f"  not touched: {count(own.measures.ready.last, 'instance')} ready")
            yield from section("Why", _why(own.measures))
            figures = kubeinfer_figures(own.measures, due=bool(assessment.run.due))
            yield from section("Key figures", figure_table(figures))
            yield from _instances(own, actions_of(done, name), width, scenario.waited_for)
            yield from section("Recovery", recovery_lines(own.measures))
    else:
        yield from section("Why", _why(measures))
        yield from section("Objectives", objectives)
        yield from section("Key figures", figure_table(key_figures(assessment)))
        for only in assessment.kubeinfers.values():
            yield from _instances(only, done, width, scenario.waited_for)
    yield from section("Nodes", first_lines(node_lines(assessment.cluster), MOST_LINES, "event"))
    yield from section("Faults", fault_lines(assessment.cluster.faults))
    yield from section(
        family.title("NPUs out of service"),
        npu_lines(assessment.cluster.npu_outages, family, assessment.run.due),
    )
    yield from section("Load", load_lines(scenario.load, assessment.demand))
    yield from section("Requests", traffic_lines(assessment.traffic))
    for title, content in sections(measures.deployments, scenario.waited_for):
        yield from section(title, content)
    yield from section("Pods", bare_pods.lines(measures.bare_pods))
    if not several:
        yield from section("Recovery", recovery_lines(measures))
    preempting = [*preempted(assessment.cluster.preemptions)]
    yield from section("Preempted", first_lines(preempting, MOST_LINES, "pod"))
    endless = [*evicted(assessment.cluster.evictions)]
    yield from section("Evicted without end", first_lines(endless, MOST_LINES, "workload"))
    refused = [*rejected(assessment.cluster.rejections)]
    yield from section("Rejected by their nodes", first_lines(refused, MOST_LINES, "reason"))
    yield from section("Warnings", warning_lines(assessment))


def _instances(
    figures: KubeInferFigures, actions: tuple[Action, ...], width: int, family: Family
) -> Iterable[Part]:
    """What became of a KubeInfer's instances; nothing where nothing happened to them."""
    measures = figures.measures
    if measures.outcome is Outcome.NOTHING:
        return
    lines = chart(measures, actions, width - 2)
    if lines:
        yield Text()
        yield from lines
    for title, content in instance_sections(measures, width - 2):
        yield from section(title, content)
    yield from section("Available", availability_lines(figures.availability))
    yield from section("Lost time", lost_time_lines(figures.causes, family))


def _why(measures: Measures) -> list[Part]:
    """The proof, when the run does not get to its end."""
    if measures.outcome is not Outcome.NEVER:
        return []
    blocks: list[Part] = []
    if measures.open_stall is not None:
        blocks.append(Text(stalled_since(measures.open_stall), style="red"))
    stuck = culprits(measures)
    for life in stuck[:3]:
        blocks.append(Text(printable(complaint(life, measures.stranded))))
        if life.pending is not None and life.pending.message:
            blocks.append(Text(f"  the scheduler: {printable(life.pending.message)}", style="dim"))
            if life is stuck[0]:
                blocks += [
                    Text(f"    {printable(text)}", style="dim") for text in node_verdicts(life.pending)
                ]
    if len(stuck) > 3:
        blocks.append(Text(f"… and {count(len(stuck) - 3, 'more instance')}", style="dim"))
    return blocks

"""The report for people: verdict first, then why, how much, when, which, and what it all rests on."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Sequence
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from kubeinfer_sim.experiment.figures import KubeInferFigures
from kubeinfer_sim.manifest.accelerators import Family
from kubeinfer_sim.manifest.render import printable
from kubeinfer_sim.metrics import Judgement, Measures, Outcome
from kubeinfer_sim.report import bare_pods
from kubeinfer_sim.report.assumptions import assumptions
from kubeinfer_sim.report.chart import chart
from kubeinfer_sim.report.deployments import sections
from kubeinfer_sim.report.faults import fault_lines
from kubeinfer_sim.report.instance_tables import instance_sections
from kubeinfer_sim.report.key_figures import cluster_figures, key_figures, kubeinfer_figures, subject
from kubeinfer_sim.report.load import load_lines
from kubeinfer_sim.report.lost_time import availability_lines, lost_time_lines
from kubeinfer_sim.report.nodes import node_lines
from kubeinfer_sim.report.npus import npu_lines
from kubeinfer_sim.report.pending import node_verdicts, preempted
from kubeinfer_sim.report.recoveries import recovery_lines
from kubeinfer_sim.report.rejections import rejected
from kubeinfer_sim.report.traffic import traffic_lines
from kubeinfer_sim.report.verdict import (
    Assessment,
    complaint,
    culprits,
    objective_text,
    vain_lines,
)
from kubeinfer_sim.report.words import configured, count, plain
from kubeinfer_sim.scenario.actions.model import Action
from kubeinfer_sim.scenario.units import format_duration

NARROWEST, WIDEST = 60, 160
#: Blanks at the end of a line, also between codes that end a colour.
_TRAILING = re.compile(r"(?: |\x1b\[[0-9;]*m)+$", re.M)


def render(assessment: Assessment, *, width: int = 80, colour: bool = False, unicode: bool = True) -> str:
    """The whole report as text, lines at most `width` columns wide (60 to 160).

    Args:
        assessment: what to report.
        width: columns of the terminal.
        colour: with ANSI colours.
        unicode: False replaces everything drawn beyond ASCII.
    """
    width = min(max(width, NARROWEST), WIDEST)
    console = Console(
        file=io.StringIO(),
        width=width,
        force_terminal=colour,
        color_system="standard" if colour else None,
        no_color=not colour,
        highlight=False,
        markup=False,
        emoji=False,
        legacy_windows=False,
        _environ={},
    )
    with console.capture() as capture:
        for part in _parts(assessment, width):
            console.print(part)
    text = _TRAILING.sub(lambda match: match[0].replace(" ", ""), capture.get()).rstrip("\n") + "\n"
    return text if unicode else plain(text)


def verdict_line(assessment: Assessment, *, unicode: bool = True) -> str:
    """The verdict alone, on one line."""
    text = f"{'✔' if assessment.verdict.holds else '✘'} {printable(assessment.verdict.sentence)}"
    return text if unicode else plain(text)


def _parts(assessment: Assessment, width: int) -> Iterable[RenderableType]:
    measures, scenario = assessment.measures, assessment.run.scenario
    family = scenario.accelerator_family
    yield Text(verdict_line(assessment), style="bold green" if assessment.verdict.holds else "bold red")
    yield _subtitle(assessment)
    several = len(assessment.kubeinfers) > 1
    if several:
        yield from _section("Objectives", _objectives(assessment))
        yield from _section("Key figures", _figures(cluster_figures(assessment)))
        for name, own in assessment.kubeinfers.items():
            yield Text()
            yield Text(f"KubeInfer {printable(name)}", style="bold underline")
            if own.measures.outcome is Outcome.NOTHING:
                yield Text(f"  not touched: {count(own.measures.ready.last, 'instance')} ready")
            yield from _section("Why", _why(own.measures))
            yield from _section(
                "Key figures", _figures(kubeinfer_figures(own.measures, given_up=bool(assessment.run.due)))
            )
            yield from _instances(own, _without_others(scenario.actions, name), width, family)
            yield from _section("Recovery", recovery_lines(own.measures))
    else:
        yield from _section("Why", _why(measures))
        yield from _section("Objectives", _objectives(assessment))
        yield from _section("Key figures", _figures(key_figures(assessment)))
        for only in assessment.kubeinfers.values():
            yield from _instances(only, scenario.actions, width, family)
    yield from _section("Nodes", node_lines(assessment.cluster))
    yield from _section("Faults", fault_lines(assessment.cluster.faults))
    yield from _section(
        family.title("NPUs out of service"), npu_lines(assessment.cluster.npu_outages, family)
    )
    yield from _section("Load", load_lines(scenario.load, assessment.demand))
    yield from _section("Requests", traffic_lines(assessment.traffic))
    for title, content in sections(measures.deployments):
        yield from _section(title, content)
    yield from _section("Pods", bare_pods.lines(measures.bare_pods))
    if not several:
        yield from _section("Recovery", recovery_lines(measures))
    evicted = [Text(printable(text)) for text in preempted(assessment.cluster.preemptions)]
    yield from _section("Preempted", evicted)
    refused = [Text(printable(text)) for text in rejected(assessment.cluster.rejections)]
    yield from _section("Rejected by their nodes", refused)
    own_warnings = [text for each in assessment.kubeinfers.values() for text in each.measures.warnings]
    own_warnings += vain_lines(assessment.cluster)
    texts = dict.fromkeys((*own_warnings, *(each.one_line() for each in scenario.warnings)))
    warnings = [Text(f"! {printable(text)}", "yellow") for text in texts]
    yield from _section("Warnings", warnings)
    yield from _section("Rests on", _rests_on(assessment))


def _instances(
    figures: KubeInferFigures, actions: tuple[Action, ...], width: int, family: Family
) -> Iterable[RenderableType]:
    """What became of a KubeInfer's instances; nothing where nothing happened to them."""
    measures = figures.measures
    if measures.outcome is Outcome.NOTHING:
        return
    lines = chart(measures, actions, width - 2)
    if lines:
        yield Text()
        yield from lines
    for title, content in instance_sections(measures, width - 2):
        yield from _section(title, content)
    yield from _section("Available", availability_lines(figures.availability, family))
    yield from _section("Lost time", lost_time_lines(figures.causes, family))


def _without_others(actions: tuple[Action, ...], kubeinfer: str) -> tuple[Action, ...]:
    """What is done, but for what is done to other KubeInfers."""

    def is_others(action: Action) -> bool:
        meant: Any = getattr(action, "workload", None) or getattr(action, "target", None) or action
        return getattr(meant, "kind", "") == "KubeInfer" and meant.name not in ("", kubeinfer)

    return tuple(action for action in actions if not is_others(action))


def _section(title: str, content: Sequence[RenderableType]) -> Iterable[RenderableType]:
    if content:
        yield Text()
        yield Text(title, style="bold")
        yield Padding(Group(*content), (0, 0, 0, 2))


def _subtitle(assessment: Assessment) -> Text:
    scenario = assessment.run.scenario
    text = Text(printable(" · ".join(subject(assessment))), style="dim")
    if scenario.description:
        text.append(f"\n{printable(' '.join(scenario.description.split()))}")
    return text


def _why(measures: Measures) -> list[RenderableType]:
    """The proof, when the run does not get to its end."""
    if measures.outcome is not Outcome.NEVER:
        return []
    found: list[RenderableType] = []
    stall = measures.open_stall
    if stall is not None:
        reason = (
            stall.reason if stall.pod_reason in ("", stall.reason) else f"{stall.reason}: {stall.pod_reason}"
        )
        found.append(Text(f"Stalled since {format_duration(stall.at)} ({reason})", style="red"))
    stuck = culprits(measures)
    for life in stuck[:3]:
        found.append(Text(printable(complaint(life, measures.stuck))))
        if life.pending is not None and life.pending.message:
            found.append(Text(f"  the scheduler: {printable(life.pending.message)}", style="dim"))
            if life is stuck[0]:
                found += [Text(f"    {printable(text)}", style="dim") for text in node_verdicts(life.pending)]
    if len(stuck) > 3:
        found.append(Text(f"… and {count(len(stuck) - 3, 'more instance')}", style="dim"))
    return found


def _objectives(assessment: Assessment) -> list[RenderableType]:
    marks = {
        Judgement.HELD: ("✔ held  ", "green"),
        Judgement.MISSED: ("✘ missed", "red"),
        Judgement.OPEN: ("? open  ", "yellow"),
    }
    return [
        Text().append(*marks[each.judgement]).append(f"  {objective_text(each)}")
        for each in assessment.judged
    ]


def _figures(rows: Sequence[tuple[str, str]]) -> list[RenderableType]:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, text in rows:
        table.add_row(name, text)
    return [table] if rows else []


def _rests_on(assessment: Assessment) -> list[RenderableType]:
    """Switches that are set stand out; defaults are named in short, their sources are in the JSON result."""
    scenario = assessment.run.scenario
    found: list[RenderableType] = []
    every = assumptions(scenario.assumptions)
    changed = [f"{each.name} {each.value}" for each in every if not each.default]
    if scenario.recovery:
        changed.append(f"recovery: {count(len(scenario.recovery), 'rule')} for Custom")
    if changed:
        found.append(Text("Set  ", "dim").append(" · ".join(changed), "bold yellow not dim"))
    if told := configured(scenario.configuration):
        found.append(Text(printable(told), "yellow"))
    kept = " · ".join(f"{each.name} {each.value}" for each in every if each.default)
    found.append(Text(f"Assumed  {kept}", style="dim"))
    timings = []
    for line in scenario.defaults:
        name, _, rest = line.partition(": ")
        value = rest.partition(" (")[0].removeprefix("constant ")
        if name.startswith("timings.") and name != "timings.profile":
            timings.append(f"{name.removeprefix('timings.')} {value}")
        else:
            found.append(Text(f"Default  {printable(line)}", style="dim"))
    if timings:
        found.append(Text(f"Default timings  {printable(' · '.join(timings))}", style="dim"))
    found.append(Text(f"Kubernetes {scenario.kubernetes_version}", style="dim"))
    return found

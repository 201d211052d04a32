"""A sweep, or the cliffs of a knob, for machines: versioned JSON documents and their schemas, and a table as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import Any, Literal

from kubeinfer_sim._version import __version__
from kubeinfer_sim.experiment.cliffs import Cliffs, Looked
from kubeinfer_sim.experiment.compare import Outcome
from kubeinfer_sim.experiment.sweep import Figure, Sweep
from kubeinfer_sim.report.cliffs import Explained, without_cliff
from kubeinfer_sim.report.cliffs import sentence as cliff_sentence
from kubeinfer_sim.report.comparison_result import FailedPart
from kubeinfer_sim.report.interval_part import IntervalPart, finite, interval_part
from kubeinfer_sim.report.result_part import ConfiguredPart, DocumentPart, Part, configured_part
from kubeinfer_sim.report.sweep import headline
from kubeinfer_sim.report.warnings import of_variants


class FigurePart(Part):
    """A number by which points are held against each other."""

    name: str
    title: str
    unit: Literal["fraction", "ms", "instance-ms", "pod-ms", "count", "NPU-hours", "held"]
    better: Literal["high", "low"]


class PointPart(Part):
    """A combination."""

    settings: dict[str, str]
    """Each knob and its value."""
    all_objectives: IntervalPart | None
    """In which part of the runs all objectives are held at once; null without any."""
    figures: dict[str, float | None]
    """Each figure by its name, over the seeds; null where there is none, or what takes for ever."""
    never: list[str]
    """The figures that are infinite: of runs that never finish."""
    front: bool
    """Whether no other point is at least as good in all figures of the front, and better in one."""


class LeftOutPart(Part):
    """A combination, or a value, that cannot be."""

    settings: dict[str, str]
    message: str


class SweepDocument(DocumentPart):
    """What came of a space of knobs."""

    api_version: Literal["kubeinfer-sim/v1"] = "kubeinfer-sim/v1"
    kind: Literal["Sweep"] = "Sweep"
    version: str
    """Of kubeinfer-sim."""
    scenario: str
    seeds: list[int]
    knobs: list[str]
    idle_knobs: list[str]
    """Those that change nothing, in any run."""
    sampled: Literal["", "lhs", "sobol"]
    """How the points were chosen; empty: all combinations there are."""
    figures: list[FigurePart]
    front_of: list[str]
    """The figures of the Pareto front."""
    points: list[PointPart]
    left_out: list[LeftOutPart]
    sentences: list[str]
    failed: list[FailedPart]
    interrupted: bool
    warnings: list[str]
    configuration: ConfiguredPart | None = None


def sweep_json(sweep: Sweep) -> str:
    """The sweep as a JSON document, ending in a line break; equal sweeps give equal bytes."""
    front = set(sweep.front)
    variants = [each.variant for each in sweep.points]
    document = SweepDocument(
        version=__version__,
        scenario=sweep.comparison.scenario,
        seeds=list(sweep.comparison.seeds),
        knobs=list(sweep.knobs),
        idle_knobs=list(sweep.idle_knobs),
        sampled=sweep.sampled,
        figures=[
            FigurePart(name=each.name, title=each.title, unit=each.unit, better=each.better)
            for each in sweep.figures
        ],
        front_of=[each.name for each in sweep.front_of],
        points=[_point(sweep.figures, each, place in front) for place, each in enumerate(sweep.points)],
        left_out=[LeftOutPart(settings=dict(each.settings), message=each.message) for each in sweep.left_out],
        sentences=headline(sweep),
        failed=[
            FailedPart(variant=variant, seed=each.seed, why=each.why, message=each.message)
            for variant, each in sweep.comparison.failures
        ],
        interrupted=sweep.comparison.interrupted,
        warnings=[each.one_line() for each in of_variants(variants)],
        configuration=configured_part(variants[0].scenario.configuration),
    )
    return document.to_json()


def sweep_json_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of the document."""
    return SweepDocument.json_schema()


def _point(figures: Sequence[Figure], point: Outcome, front: bool) -> PointPart:
    values = {each.name: each.of(point) for each in figures}
    return PointPart(
        settings=dict(point.variant.settings),
        all_objectives=None if point.together is None else interval_part(point.together.share),
        figures={name: None if value is None else finite(value) for name, value in values.items()},
        never=[name for name, value in values.items() if value is not None and finite(value) is None],
        front=front,
    )


def sweep_csv(sweep: Sweep) -> str:
    """A row for each point: knobs, figures by their names, whether it is on the front; `inf` what never finishes."""
    rows = sweep.table()
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(rows[0])
    for row in rows:
        writer.writerow(["" if value is None else value for value in row.values()])
    return text.getvalue()


# -- cliffs ------------------------------------------------------------------------------------------------


class LookedPart(Part):
    """A value that was looked at."""

    value: str
    outcome: str
    """How most runs ended, as `verdict.outcome` of a result has it."""
    flaws: list[str]
    missed: list[str]
    """The objectives that most runs missed."""
    in_place: bool
    """Whether what was asked for came into place."""
    figure_ms: float | None
    """The median of how long it took (without a change: of the time lost); null where it never came into place."""
    runs: int


class CliffPart(Part):
    """Two neighbours between which the outcome jumps."""

    below: str
    above: str
    by: Literal["outcome", "figure"]
    rule: str
    """The reason on one side and not on the other, as the component calls it; empty where none is told."""
    sentence: str
    verdict_below: str
    verdict_above: str


class CliffsDocument(DocumentPart):
    """Where the outcome jumps along a knob."""

    api_version: Literal["kubeinfer-sim/v1"] = "kubeinfer-sim/v1"
    kind: Literal["Cliffs"] = "Cliffs"
    version: str
    """Of kubeinfer-sim."""
    scenario: str
    knob: str
    idle: bool
    """Whether the knob changes nothing that is told of a run."""
    looked: list[LookedPart]
    cliffs: list[CliffPart]
    left_out: list[LeftOutPart]
    sentences: list[str]
    configuration: ConfiguredPart | None = None


def cliffs_json(cliffs: Cliffs, found: Sequence[Explained]) -> str:
    """The cliffs as a JSON document, ending in a line break."""
    scenario = cliffs.looked[0].variant.scenario
    document = CliffsDocument(
        version=__version__,
        scenario=scenario.name,
        knob=cliffs.knob,
        idle=cliffs.is_idle,
        looked=[_looked(cliffs.knob, each) for each in cliffs.looked],
        cliffs=[
            CliffPart(
                below=each.cliff.below.variant.settings[cliffs.knob],
                above=each.cliff.above.variant.settings[cliffs.knob],
                by=each.cliff.by,
                rule=each.rule,
                sentence=cliff_sentence(cliffs.knob, each),
                verdict_below=each.below,
                verdict_above=each.above,
            )
            for each in found
        ],
        left_out=[LeftOutPart(settings={cliffs.knob: value}, message=why) for value, why in cliffs.refused],
        sentences=[cliff_sentence(cliffs.knob, each) for each in found] or [without_cliff(cliffs)],
        configuration=configured_part(scenario.configuration),
    )
    return document.to_json()


def cliffs_json_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of the document."""
    return CliffsDocument.json_schema()


def _looked(knob: str, looked: Looked) -> LookedPart:
    return LookedPart(
        value=looked.variant.settings[knob],
        outcome=looked.outcome.end,
        flaws=list(looked.outcome.flaws),
        missed=list(looked.outcome.missed),
        in_place=looked.outcome.in_place,
        figure_ms=finite(looked.figure),
        runs=len(looked.runs),
    )

"""A comparison for machines: a versioned JSON document and its schema."""

from __future__ import annotations

from typing import Any, Literal

from kubeinfer_sim._version import __version__
from kubeinfer_sim.experiment.compare import Comparison, Outcome
from kubeinfer_sim.experiment.statistics.estimate import Estimate
from kubeinfer_sim.experiment.statistics.percentiles import PARTS
from kubeinfer_sim.report.comparison_sentences import sentences
from kubeinfer_sim.report.interval_part import (
    IntervalPart,
    QuantilePart,
    finite,
    interval_part,
    quantile_part,
)
from kubeinfer_sim.report.result_part import ConfiguredPart, DocumentPart, Part, configured_part
from kubeinfer_sim.report.warnings import of_variants


class ColumnPart(Part):
    """A number by which the variants are compared."""

    name: str
    title: str
    unit: Literal["fraction", "ms", "instance-ms", "pod-ms", "count", "NPU-hours", "held"]
    """`held`: 1 or 0; its mean is a proportion."""
    better: Literal["high", "low"]
    decides: bool
    """Whether it is about service, so that it says which variant is better."""
    about: str
    """Empty: the whole run; `objective`; else the kind of fault (or `drain` …) it is about."""


class EstimatePart(Part):
    """A mean or a median over the seeds with its interval of the scenario's confidence; null bounds: too few to say."""

    mean: float
    low: float | None
    high: float | None
    method: str
    """How the interval comes about; empty without one."""
    differs: bool
    """Of a difference: whether it can be told that it is not 0, by the interval, or by the signs without one."""


class VariantPart(Part):
    """A setting of the knob; mappings are by the names of the columns."""

    name: str
    values: dict[str, list[float | None]]
    """One number per seed; null where the run has none (no fault of that kind came, there is no load)."""
    mean: dict[str, EstimatePart | None]
    """Over the seeds that have a number; null when none has."""
    difference_to_first: dict[str, EstimatePart | None]
    """Paired by seed, over those where both have a number."""
    median_difference_to_first: dict[str, EstimatePart | None]
    """The median of these differences; null of columns that are held, and where there are too few for an interval."""
    settings: dict[str, str]
    """Each knob and its value here."""
    all_objectives: IntervalPart | None
    """In which part of the runs all objectives are held at once; null without any. A run that cannot tell counts as one
    that misses them at the lower bound, as one that holds them at the upper one."""
    duration_ms: list[float | None]
    """How long the slowest change took under each seed; null where it was not in place at the end, or none came."""
    quantiles: dict[str, list[QuantilePart]]
    """Of `duration`, runs that do not finish being infinite, and of each column but those that are held or not."""
    lost_ms_by_stage: dict[str, float]
    """What `lostInstanceMs` (without a KubeInfer `lostPodMs`) was spent on, by the stages of `causes` in the result;
    mean over the seeds."""


class FailedPart(Part):
    """A run that came to no end of its own."""

    variant: str
    seed: int
    why: str
    """`error`, `fault`, `timeout` or `died`."""
    message: str


class ComparisonDocument(DocumentPart):
    """Variants of one scenario under the same faults."""

    api_version: Literal["kubeinfer-sim/v1"] = "kubeinfer-sim/v1"
    kind: Literal["Comparison"] = "Comparison"
    version: str
    """Of kubeinfer-sim."""
    scenario: str
    seeds: list[int]
    until: int
    """Until when times are counted in all runs, ms: the horizon, or the end of the run that lasted longest."""
    columns: list[ColumnPart]
    variants: list[VariantPart]
    best: str
    """The best, as far as it can be told; of equals the first."""
    sentences: list[str]
    failed: list[FailedPart]
    """Runs that came to no end of their own; they have no number in `values`."""
    interrupted: bool
    """There were to be more seeds."""
    warnings: list[str]
    """What is legal in the manifests and will surprise, or would matter and is not simulated."""
    configuration: ConfiguredPart | None = None


def comparison_json(comparison: Comparison) -> str:
    """The comparison as a JSON document, ending in a line break; equal comparisons give equal bytes."""
    base = comparison.outcomes[0]
    document = ComparisonDocument(
        version=__version__,
        scenario=comparison.scenario,
        seeds=list(comparison.seeds),
        until=comparison.until,
        columns=[
            ColumnPart(
                name=each.name,
                title=each.title_in(base.variant.scenario),
                unit=each.unit,
                better=each.better,
                decides=each.decides,
                about=each.about,
            )
            for each in comparison.columns
        ],
        variants=[_variant(comparison, outcome, base) for outcome in comparison.outcomes],
        best=comparison.best.variant.name,
        sentences=sentences(comparison),
        failed=[
            FailedPart(variant=variant, seed=each.seed, why=each.why, message=each.message)
            for variant, each in comparison.failures
        ],
        interrupted=comparison.interrupted,
        warnings=[
            each.one_line() for each in of_variants([outcome.variant for outcome in comparison.outcomes])
        ],
        configuration=configured_part(base.variant.scenario.configuration),
    )
    return document.to_json()


def comparison_json_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of the document."""
    return ComparisonDocument.json_schema()


def _variant(comparison: Comparison, outcome: Outcome, base: Outcome) -> VariantPart:
    named = ["duration", *(each.name for each in comparison.columns if each.unit != "held")]
    return VariantPart(
        name=outcome.variant.name,
        values=outcome.values,
        mean={each.name: _estimate(outcome.mean(each)) for each in comparison.columns},
        difference_to_first={
            each.name: _estimate(outcome.against(base, each)) for each in comparison.columns
        },
        median_difference_to_first={
            each.name: _estimate(outcome.middle_against(base, each)) for each in comparison.columns
        },
        settings=dict(outcome.variant.settings),
        all_objectives=None if outcome.together is None else interval_part(outcome.together.share),
        duration_ms=[None if each is None else finite(each) for each in outcome.took],
        quantiles={name: parts for name in named if (parts := _quantiles(outcome, name))},
        lost_ms_by_stage=outcome.spent,
    )


def _quantiles(outcome: Outcome, name: str) -> list[QuantilePart]:
    return [
        quantile_part(part, number) for part in PARTS if (number := outcome.quantile(name, part)) is not None
    ]


def _estimate(number: Estimate | None) -> EstimatePart | None:
    if number is None:
        return None
    return EstimatePart(
        mean=number.mean, low=number.low, high=number.high, method=number.method, differs=number.differs
    )

"""What moves the answer, for machines: a versioned JSON document and its schema."""

from __future__ import annotations

from typing import Any, Literal

from kubeinfer_sim._version import __version__
from kubeinfer_sim.experiment.sensitivity import Effect, Moved, Sensitivity
from kubeinfer_sim.report.comparison_result import FailedPart
from kubeinfer_sim.report.interval_part import IntervalPart, interval_part
from kubeinfer_sim.report.result_part import ConfiguredPart, DocumentPart, Part, configured_part
from kubeinfer_sim.report.sensitivity import headline, to_measure
from kubeinfer_sim.report.sweep_result import LeftOutPart


class EffectPart(Part):
    """What a value of an input does to the figure."""

    value: str
    more: IntervalPart
    """How much more it is than of the scenario as it is, paired by seed; null: infinite."""
    never: bool
    """Whether it then never finishes in most runs."""
    told: bool
    """Whether it can be told from nothing."""


class InputPart(Part):
    """An input that moves the figure."""

    name: str
    about: Literal["timing", "assumption", "faults", "nodes"]
    base: str
    """What the scenario has."""
    effects: list[EffectPart]


class IndexPart(Part):
    """How much an input matters among all that are turned together."""

    name: str
    total: IntervalPart
    """Morris: the mean absolute effect, in the unit of the figure; Sobol: the total order."""
    first: IntervalPart | None
    """Sobol: the first order."""
    spread: float | None
    """Morris: the standard deviation of the effects."""


class SensitivityDocument(DocumentPart):
    """Which input or assumption moves the answer most."""

    api_version: Literal["kubeinfer-sim/v1"] = "kubeinfer-sim/v1"
    kind: Literal["Sensitivity"] = "Sensitivity"
    version: str
    """Of kubeinfer-sim."""
    scenario: str
    seeds: list[int]
    of: Literal["duration", "lost", "minReady", "probability"]
    unit: Literal["fraction", "ms", "instance-ms", "pod-ms", "count", "NPU-hours", "held"]
    base: IntervalPart
    """The figure of the scenario as it is."""
    moved: list[InputPart]
    """The inputs that move it, those that surely do first, the largest effect before the others."""
    idle: list[str]
    """The inputs that move it in no run."""
    method: Literal["morris", "sobol"] | None
    indices: list[IndexPart]
    """Of what moves it and lets it finish, turned together; the largest first."""
    left_out: list[LeftOutPart]
    measure: list[str]
    """What to measure on the real cluster first."""
    sentences: list[str]
    failed: list[FailedPart]
    interrupted: bool
    configuration: ConfiguredPart | None = None


def sensitivity_json(found: Sensitivity, file: str) -> str:
    """The document, ending in a line break; `file`: of the scenario."""
    document = SensitivityDocument(
        version=__version__,
        scenario=found.comparison.scenario,
        seeds=list(found.comparison.seeds),
        of=found.of,
        unit=found.unit,
        base=interval_part(found.base),
        moved=[_input(each) for each in found.moved],
        idle=[each.name for each in found.idle],
        left_out=[LeftOutPart(settings=dict(each.settings), message=each.message) for each in found.left_out],
        method=found.method,
        indices=[
            IndexPart(
                name=each.name,
                total=interval_part(each.total),
                first=None if each.first is None else interval_part(each.first),
                spread=each.spread,
            )
            for each in found.indices
        ],
        measure=to_measure(found, file),
        sentences=headline(found),
        failed=[
            FailedPart(variant=variant, seed=each.seed, why=each.why, message=each.message)
            for variant, each in found.comparison.failures
        ],
        interrupted=found.comparison.interrupted,
        configuration=configured_part(found.scenario.configuration),
    )
    return document.to_json()


def sensitivity_json_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of the document."""
    return SensitivityDocument.json_schema()


def _input(moved: Moved) -> InputPart:
    own = moved.input
    return InputPart(
        name=own.name, about=own.about, base=own.base, effects=[_effect(each) for each in moved.effects]
    )


def _effect(effect: Effect) -> EffectPart:
    return EffectPart(
        value=effect.value,
        more=interval_part(effect.more),
        never=effect.more.mean == float("inf"),
        told=effect.told,
    )

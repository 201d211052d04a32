"""A backtest for machines: a versioned JSON document and its schema."""

from __future__ import annotations

from typing import Any, Literal

from kubeinfer_sim._version import __version__
from kubeinfer_sim.experiment.backtest.backtest import Backtest, Backtested
from kubeinfer_sim.experiment.backtest.judging import Figure
from kubeinfer_sim.experiment.rollout import Between
from kubeinfer_sim.report.backtest import notes_of, sentence
from kubeinfer_sim.report.comparison_result import FailedPart
from kubeinfer_sim.report.interval_part import IntervalPart, finite, interval_part
from kubeinfer_sim.report.result_part import ConfiguredPart, DocumentPart, Part, configured_part


class BetweenPart(Part):
    """Two bounds, equal where the number is known."""

    low: float | None
    """Null: infinite, it never came."""
    high: float | None
    """Null: infinite, it never came, or had not when last listed."""


class BacktestFigurePart(Part):
    """A figure of a rollout as it happened and as it was predicted."""

    name: Literal["duration", "fewestReady", "order", "schedule", "setUp", "image", "init", "start"]
    unit: Literal["s", "count", "swaps"]
    """Of `order`: in how many pairs it differs from the order of the most usual run."""
    truth: BetweenPart | None
    """Null: the listings do not tell it."""
    predicted: BetweenPart | None
    level: float
    """In which part of further runs it lies within `predicted`."""
    judgement: Literal["inside", "outside", "not told"]
    why: str
    """Why it is not told; empty otherwise."""
    words: str
    """Of `order` the instances; empty otherwise."""


class BacktestedPart(Part):
    """The rollout of a workload."""

    scenario: str
    workload: str
    runs: int
    drawn: bool
    """Whether anything in the runs is drawn."""
    figures: list[BacktestFigurePart]
    notes: list[str]


class BacktestDocument(DocumentPart):
    """Rollouts that have happened beside their prediction."""

    api_version: Literal["kubeinfer-sim/v1"] = "kubeinfer-sim/v1"
    kind: Literal["Backtest"] = "Backtest"
    version: str
    """Of kubeinfer-sim."""
    judged: int
    inside: int
    coverage: IntervalPart | None
    """In which part of the rollouts the duration lay inside; null where none could be judged."""
    rollouts: list[BacktestedPart]
    sentence: str
    failed: list[FailedPart]
    interrupted: bool
    """There were to be more runs."""
    configuration: ConfiguredPart | None = None


def backtest_json(backtest: Backtest) -> str:
    """The backtest as a JSON document, ending in a line break; equal ones give equal bytes."""
    coverage = backtest.coverage
    document = BacktestDocument(
        version=__version__,
        judged=len(backtest.judged),
        inside=backtest.inside,
        coverage=None if coverage is None else interval_part(coverage),
        rollouts=[_rollout(each) for each in backtest.rollouts],
        sentence=sentence(backtest),
        failed=[
            FailedPart(variant=variant, seed=each.seed, why=each.why, message=each.message)
            for variant, each in backtest.failures
        ],
        interrupted=backtest.interrupted,
        configuration=configured_part(backtest.scenarios[0].configuration),
    )
    return document.to_json()


def backtest_json_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of the document."""
    return BacktestDocument.json_schema()


def _rollout(one: Backtested) -> BacktestedPart:
    return BacktestedPart(
        scenario=one.scenario,
        workload=one.workload,
        runs=one.runs,
        drawn=one.drawn,
        figures=[_figure(each) for each in one.figures],
        notes=notes_of(one),
    )


def _figure(figure: Figure) -> BacktestFigurePart:
    return BacktestFigurePart(
        name=figure.name,
        unit=figure.unit,
        truth=_between(figure.truth),
        predicted=_between(figure.predicted),
        level=figure.level,
        judgement=figure.judgement,
        why=figure.why,
        words=figure.words,
    )


def _between(between: Between | None) -> BetweenPart | None:
    return None if between is None else BetweenPart(low=finite(between.low), high=finite(between.high))

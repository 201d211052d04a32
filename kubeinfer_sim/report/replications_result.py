"""Many runs for machines: a versioned JSON document and its schema; who played them, where and when is not in it."""

from __future__ import annotations

from collections.abc import Sequence
from math import isinf
from typing import Any, Literal

from kubeinfer_sim._version import __version__
from kubeinfer_sim.experiment.judging import JudgedOverRuns
from kubeinfer_sim.experiment.replications import Replications
from kubeinfer_sim.experiment.statistics.percentiles import parts
from kubeinfer_sim.experiment.statistics.proportions import proportion
from kubeinfer_sim.report.interval_part import (
    IntervalPart,
    QuantilePart,
    finite,
    interval_part,
    quantile_part,
)
from kubeinfer_sim.report.objectives import objective_goal
from kubeinfer_sim.report.result_part import ConfiguredPart, DocumentPart, Part, configured_part
from kubeinfer_sim.report.run_figures import histogram, times_of_faults
from kubeinfer_sim.report.run_verdict import sentence

Decided = Literal["held", "missed", "undecided", "notJudged"]


class FailurePart(Part):
    """A run that came to no end of its own."""

    seed: int
    why: str
    """`error`, `fault`, `timeout` or `died`."""
    message: str
    replay: str
    """What is added to the command, in place of the number of replications."""


class PrecisionPart(Part):
    """How well a mean was to be known: half its interval as a part of it."""

    figure: Literal["duration", "lost"]
    """`lost`, instance-ms and pod-ms, where nothing has to come into place."""
    wanted: float
    reached: float | None
    """Null: too few runs have anything in them to say."""


class RunsPart(Part):
    """How many runs there are, and what became of them."""

    asked: int
    """How many there were to be; with a precision, or until decided, at most."""
    made: int
    stopped: Literal["asked", "decided", "most", "precision", "pilot", "interrupted"]
    """Why there are no more: as many as asked for, all objectives decided, the most there were to be, the precision
    reached, as many as its pilot asked for though it is not quite reached, interrupted."""
    precision: PrecisionPart | None
    """Null where none was asked for."""
    first_seed: int
    unfinished: list[int]
    """Seeds of runs in which what was asked for was not in place at the end."""
    cut_short: list[int]
    """Of these the ones that the horizon cut short: with more time it may have come into place."""
    failed: list[FailurePart]


class ProbabilityPart(Part):
    """An objective over all runs, or all of them together."""

    name: str
    """Its key in the scenario; `all` for all together."""
    kubeinfer: str
    text: str
    unit: str
    target: float | bool | None
    probability: float | None
    """In which part of all runs it has to hold; null: in every one."""
    result: Decided
    held: int
    missed: int
    not_judged: int
    """Runs that ended before it could be told, or failed."""
    cut_short: int
    """How many of these the horizon cut short."""
    share: IntervalPart
    bound: float | None
    """The one-sided bound by which it was decided; null: not so, or not decided."""
    decided_after: int | None
    """Until decided: after how many runs it was; runs made after that for other objectives do not take it back."""


class FigurePart(Part):
    """One number over all runs that have it; of how long faults took over all instances that they hit, in any run."""

    name: str
    title: str
    unit: str
    about: str
    """Empty: the whole run; else the kind of fault it is about."""
    runs: int
    """How many have it."""
    cases: int
    """Of how long faults took how many instances they hit in these runs; else `runs`."""
    finite: int
    """Over how many of the cases the mean is taken: runs that finish, instances that are ready again at the end."""
    mean: IntervalPart | None
    quantiles: list[QuantilePart]
    """The median and the bad end: 0.9, 0.95, 0.99; of numbers of which a high one is better 0.1, 0.05, 0.01."""
    lowest: float | None
    highest: float | None
    """Null: infinite."""


class BinPart(Part):
    """Runs whose duration lies from a time up to another."""

    from_ms: int
    to_ms: int
    runs: int
    done: IntervalPart
    """The part of all runs that are done by then."""


class LostPart(Part):
    """What one kind of beginning cost."""

    kind: str
    mean_ms: float
    """Instance-ms a run; without a KubeInfer pod-ms."""
    stages: dict[str, float]


class StruckPart(Part):
    """A kind of fault, and in how many runs one struck."""

    kind: str
    runs: int
    times: int
    share: IntervalPart


class SeedPart(Part):
    """A run worth a look."""

    seed: int
    duration_ms: float | None
    """Null: it does not finish, or there is nothing to finish."""
    missed: int
    """Objectives."""
    replay: str


class PerRunPart(Part):
    """What each run came to, in order of its seed."""

    seed: list[int]
    outcome: list[str]
    duration_ms: list[float | None]
    """Null: it does not finish, or there is nothing to finish."""
    values: dict[str, list[float | None]]
    """Column -> a number of each run; null where it has none."""


class VerdictOverRunsPart(Part):
    """The verdict on all runs."""

    result: Decided
    holds: bool
    sentence: str


class ReplicationsDocument(DocumentPart):
    """Many runs of one scenario, one seed after the other."""

    api_version: Literal["kubeinfer-sim/v1"] = "kubeinfer-sim/v1"
    kind: Literal["Replications"] = "Replications"
    version: str
    """Of kubeinfer-sim."""
    scenario: str
    verdict: VerdictOverRunsPart
    confidence: float
    runs: RunsPart
    objectives: list[ProbabilityPart]
    all_objectives: ProbabilityPart | None
    """All of them in the same run; null without any."""
    figures: list[FigurePart]
    duration: list[BinPart]
    """Histogram of how long the change took, and the part done by then."""
    lost: list[LostPart]
    """Dearest first."""
    struck: list[StruckPart]
    """Most frequent first."""
    no_fault: int
    """Runs in which no fault struck at all."""
    worst: SeedPart | None
    median: SeedPart | None
    per_run: PerRunPart
    warnings: list[str]
    """What is legal in the manifests and will surprise, or would matter and is not simulated."""
    configuration: ConfiguredPart | None = None


def replications_json(runs: Replications) -> str:
    """The document as text, ending in a line break; equal runs give equal bytes."""
    return replications_document(runs).to_json()


def replications_json_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of the document."""
    return ReplicationsDocument.json_schema()


def replications_document(runs: Replications) -> ReplicationsDocument:
    """Everything there is to know of them."""
    return ReplicationsDocument(
        version=__version__,
        scenario=runs.scenario.name,
        verdict=VerdictOverRunsPart(
            result=runs.decision.value, holds=runs.decision == "held", sentence=sentence(runs)
        ),
        confidence=runs.confidence,
        runs=_runs(runs),
        objectives=[_objective(each) for each in runs.objectives],
        all_objectives=None if runs.together is None else _objective(runs.together),
        figures=_figures(runs),
        duration=_duration(runs),
        lost=_lost(runs),
        struck=_struck(runs),
        no_fault=runs.untouched,
        worst=_seed(runs, "worst"),
        median=_seed(runs, "median"),
        per_run=PerRunPart(
            seed=[run.seed for run in runs.runs],
            outcome=[run.outcome.value for run in runs.runs],
            duration_ms=[None if run.duration is None else finite(run.duration) for run in runs.runs],
            values={
                column.name: [run.values.get(column.name, column.absent) for run in runs.runs]
                for column in runs.columns
            },
        ),
        warnings=[each.one_line() for each in runs.scenario.warnings],
        configuration=configured_part(runs.scenario.configuration),
    )


def _runs(runs: Replications) -> RunsPart:
    every: Sequence[int] = [*(run.seed for run in runs.runs), *(each.seed for each in runs.failures)]
    return RunsPart(
        asked=runs.asked,
        made=runs.total,
        stopped=runs.stopped,
        precision=None
        if runs.precision is None or not runs.runs
        else PrecisionPart(
            figure=runs.precise_figure, wanted=runs.precision, reached=runs.measured_precision
        ),
        first_seed=min(every, default=runs.scenario.seed),
        unfinished=[run.seed for run in runs.unfinished],
        cut_short=[run.seed for run in runs.cut_short],
        failed=[
            FailurePart(seed=each.seed, why=each.why, message=each.message, replay=f"--seed {each.seed}")
            for each in runs.failures
        ],
    )


def _objective(each: JudgedOverRuns) -> ProbabilityPart:
    objective = each.objective
    probability = None if objective is None else objective.probability
    return ProbabilityPart(
        name="all" if objective is None else objective.name,
        kubeinfer="" if objective is None else objective.owner,
        text="all of them together" if objective is None else objective_goal(objective),
        unit="" if objective is None else objective.unit,
        target=None if objective is None else objective.target,
        probability=None if probability is None else float(probability),
        result=each.decision.value,
        held=each.held,
        missed=each.missed,
        not_judged=each.open,
        cut_short=each.cut,
        share=interval_part(each.share),
        bound=each.bound,
        decided_after=each.decided_after,
    )


def _figures(runs: Replications) -> list[FigurePart]:
    named: list[tuple[str, str, str, str, Literal["high", "low"]]]
    named = [("duration", "takes", "ms", "", "low")] if runs.values("duration") else []
    named += [
        (column.name, column.title_in(runs.scenario), column.unit, column.about, column.better)
        for column in runs.columns
        if column.about != "objective" and not column.name.endswith(("/meanDetectionMs", "/meanRepairMs"))
    ]
    named += [(name, title, "ms", kind, "low") for kind, name, title in times_of_faults(runs)]
    figures = []
    for name, title, unit, about, better in named:
        if not (values := runs.values(name)):
            continue
        ending = sum(not isinf(value) for value in values)
        times = runs.times(name)
        figures.append(
            FigurePart(
                name=name,
                title=title,
                unit=unit,
                about=about,
                runs=len(values) if times is None else sum(map(bool, times)),
                cases=len(values),
                finite=ending,
                mean=interval_part(runs.mean(name)) if ending else None,
                quantiles=[quantile_part(part, runs.quantile(name, part)) for part in parts(better)],
                lowest=finite(min(values)),
                highest=finite(max(values)),
            )
        )
    return figures


def _duration(runs: Replications) -> list[BinPart]:
    took = runs.values("duration")
    bins: list[BinPart] = []
    done = 0
    for begin, end, number in histogram(took):
        done += number
        part = proportion(done, len(took), runs.confidence)
        bins.append(BinPart(from_ms=begin, to_ms=end, runs=number, done=interval_part(part)))
    return bins


def _lost(runs: Replications) -> list[LostPart]:
    number = len(runs.runs)
    return [
        LostPart(
            kind=kind,
            mean_ms=stages.total() / number,
            stages={stage: lost / number for stage, lost in sorted(stages.items())},
        )
        for kind, stages in runs.lost.items()
    ]


def _struck(runs: Replications) -> list[StruckPart]:
    return [
        StruckPart(
            kind=kind,
            runs=hit,
            times=sum(run.struck.get(kind, 0) for run in runs.runs),
            share=interval_part(proportion(hit, len(runs.runs), runs.confidence)),
        )
        for kind, hit in runs.struck.items()
    ]


def _seed(runs: Replications, which: Literal["worst", "median"]) -> SeedPart | None:
    if not runs.runs:
        return None
    run = getattr(runs, which)
    duration = None if run.duration is None else finite(run.duration)
    return SeedPart(seed=run.seed, duration_ms=duration, missed=run.missed, replay=f"--seed {run.seed}")

"""The cheapest combination of knobs whose objectives hold, with their probability and confidence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from math import isinf
from pathlib import Path
from typing import Any, Literal

from msgspec import Struct

from kubeinfer_sim.errors import UsageError, several
from kubeinfer_sim.experiment.dispatch import HERE, Workers, kept
from kubeinfer_sim.experiment.judging import Decision
from kubeinfer_sim.experiment.knobs import LeftOut, Space, space
from kubeinfer_sim.experiment.planning.cost import Cost, cost_by
from kubeinfer_sim.experiment.planning.playing import COMES_ABOUT, Campaign, Progress, Runs
from kubeinfer_sim.experiment.planning.search import Found, Line, Monotony, Search
from kubeinfer_sim.experiment.planning.trial import Trial
from kubeinfer_sim.experiment.replication import Failure, Variant
from kubeinfer_sim.experiment.statistics.estimate import Estimate
from kubeinfer_sim.experiment.statistics.percentiles import percentile
from kubeinfer_sim.experiment.store import opened
from kubeinfer_sim.manifest.source import SourceText, source_of
from kubeinfer_sim.manifest.suggest import expect_known
from kubeinfer_sim.methods import WrittenIn
from kubeinfer_sim.metrics import Judged
from kubeinfer_sim.scenario.forms import percentage
from kubeinfer_sim.scenario.load import Overrides
from kubeinfer_sim.scenario.model import Objectives, Scenario

#: Runs of a combination at most.
MOST = 10_000
#: An objective without a probability has to hold in so many runs, where anything is drawn.
EVERY = 100
#: A neighbour of what is chosen is played at least so often, or until it is decided.
NEIGHBOUR = 100


class Requirement(Struct, frozen=True):
    """What is required of a combination, and what its runs say of it.

    Attributes:
        name: of the objective; `comesAbout` what is asked of every run besides; `all` all objectives in one run.
        objective: as a run has judged it; None of the other two.
        wanted: the probability; None: in every run.
        share: in which part of the runs it holds, with an interval that holds however often one has looked.
        reason: why runs could not judge it.
    """

    name: str
    objective: Judged | None
    wanted: float | None
    held: int
    missed: int
    open: int
    share: Estimate
    decision: Decision
    reason: str = ""


class Option(Struct, frozen=True):
    """A combination that was looked at.

    Attributes:
        cost: of an hour.
        together: in which part of the runs all that is required holds at once.
        more_runs: about how many more runs would decide it; None: that cannot be told; 0: it is decided.
        duration: the median of how long it took; None without a change.
    """

    variant: Variant
    cost: float
    runs: int
    decision: Decision
    together: Estimate
    requirements: tuple[Requirement, ...]
    more_runs: int | None
    duration: Estimate | None

    @property
    def settings(self) -> Mapping[str, str]:
        """Each knob and its value."""
        return self.variant.settings

    @property
    def change_cost(self) -> float | None:
        """What its nodes cost while the change takes its median; None without a change, or one that never finishes."""
        if self.duration is None or isinf(self.duration.mean):
            return None
        return self.cost * self.duration.mean / 3_600_000

    @property
    def missed(self) -> tuple[Requirement, ...]:
        """What does not hold."""
        return tuple(each for each in self.requirements if each.decision is Decision.MISSED)


class Neighbour(Struct, frozen=True):
    """The combination beside the chosen one along a knob: at the value before in its list, or after."""

    knob: str
    side: Literal["before", "after"]
    option: Option


class Loss(Struct, frozen=True):
    """Where most of the lost time goes: by what began it, in which stage, and which part of all."""

    kind: str
    stage: str
    part: float


class Plan(Struct, frozen=True):
    """What a search for the cheapest combination comes to.

    Attributes:
        best: the cheapest that is known to hold; None where none is.
        decision: held: no cheaper one holds; missed: none does; undecided or not judged: that is not known.
        options: every combination looked at, cheapest first.
        cheaper: those of them that are cheaper than the best, and may hold.
        dominates: where most of the time lost at the best one goes; None where none is lost.
        idle_knobs: those that change nothing, in any pair of runs that were compared.
        number: of all combinations that can be.
        runs: made in all.
        confidence: with which the answer is right.
        monotony: what was checked where values were skipped.
    """

    scenario: Scenario
    knobs: tuple[str, ...]
    cost: Cost
    best: Option | None
    decision: Decision
    options: tuple[Option, ...]
    cheaper: tuple[Option, ...]
    neighbours: tuple[Neighbour, ...]
    dominates: Loss | None
    idle_knobs: tuple[str, ...]
    left_out: tuple[LeftOut, ...]
    number: int
    runs: int
    most: int
    confidence: float
    monotony: tuple[Monotony, ...] = ()
    failures: tuple[tuple[str, Failure], ...] = ()
    interrupted: bool = False

    plot = WrittenIn("report.pictures", "plot_plan")
    _repr_html_ = WrittenIn("report.notebook", "html_of")

    @property
    def chosen(self) -> dict[str, str] | None:
        """The knobs of the best: `{"nodes": "12", "maxSurge": "1"}`; None where none is known to hold."""
        return None if self.best is None else dict(self.best.settings)

    def table(self) -> list[dict[str, Any]]:
        """A row for each combination looked at: knobs, cost, runs, probability with its bounds, what is decided.

        `cost` is of an hour, `changeCost` of what the change takes, in `cost.unit`.
        """
        return [
            {
                **each.settings,
                "cost": each.cost,
                "changeCost": each.change_cost,
                "runs": each.runs,
                "probability": each.together.mean,
                "low": each.together.low,
                "high": each.together.high,
                "decision": each.decision.value,
                "chosen": each is self.best,
            }
            for each in self.options
        ]

    def to_pandas(self) -> Any:
        """The table as a DataFrame.

        Raises:
            UsageError: pandas is not installed.
        """
        from kubeinfer_sim.experiment.data_frame import data_frame

        return data_frame(self.table())


def plan(
    scenario: str | Path | SourceText,
    vary: Sequence[str],
    *,
    cost: str | None = None,
    probability: str | float | None = None,
    n: int | None = None,
    workers: Workers = HERE,
    store: str | Path | None = None,
    progress: Progress | None = None,
    set_values: Mapping[str, Any] | None = None,
    **overrides: Any,
) -> Plan:
    """Search for the cheapest combination of knobs whose objectives hold, with the scenario's confidence.

    Ctrl-C ends it with what there is.

    Args:
        scenario: the file, or its text.
        vary: knobs and their values, as `--vary` takes them: `nodes=8..16`, `maxSurge=0,1`.
        cost: `nodes` (or `node-hours`), `accelerators` (`accelerator-hours`) or `price`, of an hour; if not given
            prices where pools have them, else nodes, or where these differ in their accelerators these.
        probability: with which all objectives have to hold in one run (`99%`, 0.99), in place of each one's own.
        n: runs of a combination at most.
        workers: processes to play in; in this one, if not given.
        store: a file that keeps what every run came to; what it knows is not played again.
        progress: told after every run how many there are, how many there may be, and which combination it was of.
        set_values: values for holes of the manifest.
        overrides: what else `load_scenario` takes.

    Raises:
        InputError: the scenario is wrong.
        UsageError: no knobs, one that changes what must hold, no combination that can be, no objectives, no such cost,
            no such probability.
    """
    if not vary:
        raise UsageError("a plan needs knobs, with the values to choose from: --vary nodes=8..16")
    if n is not None and n < 1:
        raise UsageError(f"{n} runs: expected at least 1")
    vary = several(vary)
    expect_known(overrides, Overrides.__annotations__, "plan")
    source = source_of(scenario, "plan")
    own = space(vary, source, set_values or {}, **overrides)
    _check_asks_the_same(own.knobs)
    variants, left_out = own.possible()
    if not variants:
        raise UsageError(f"no combination can be: {left_out[0].message}")
    if not any(map(_asks, variants)):
        raise UsageError(
            f"{own.scenario.name}: a plan needs objectives: say what has to hold, as in objectives: "
            "{completesWithin: {time: 45m, probability: 99%}}"
        )
    how = cost_by(cost, [each.scenario for each in variants])
    costs = [how.of(each.scenario) for each in variants]
    confidence = float(variants[0].scenario.confidence)
    most = n or MOST
    with kept(workers) as places, nullcontext() if store is None else opened(store, variants) as known:
        campaign = Campaign(variants, _part(probability), places, known, progress, most)
        search = Search(
            costs, campaign, confidence=confidence, most=most, every=EVERY, lines=_lines(own, variants, costs)
        )
        found, interrupted = search.run(), search.interrupted
        if not interrupted and found.chosen is not None:
            try:
                for place in _beside(own, variants, found.chosen):
                    search.look(place, min(most, NEIGHBOUR))
            except KeyboardInterrupt:
                interrupted = True
    return _Told(own, variants, costs, campaign, found).plan(how, tuple(left_out), most, interrupted)


def _check_asks_the_same(knobs: Sequence[str]) -> None:
    """Refuse a knob that changes what must hold, and not what it is asked of: the laxest value would be chosen."""
    for knob in knobs:
        if (head := knob.partition(".")[0]) in ("objectives", "confidence"):
            raise UsageError(
                f"--vary {knob}: plan looks for what meets the objectives, so a knob must not change them: give "
                f"{knob} one value in the scenario (spec.{head}), and run plan once for each value"
            )


def _asks(variant: Variant) -> bool:
    """Whether it says what has to hold."""
    objectives = variant.scenario.objectives
    return objectives != Objectives(unchanged=objectives.unchanged)


def _part(probability: str | float | None) -> float | None:
    if probability is None:
        return None
    try:
        part = float(percentage(probability)) if isinstance(probability, str) else float(probability)
    except ValueError as error:
        raise UsageError(f"--probability {probability}: {error}") from None
    if not 0 < part < 1:
        raise UsageError(f"--probability {probability}: expected more than 0% and less than 100%")
    return part


def _lines(own: Space, variants: Sequence[Variant], costs: Sequence[float]) -> list[Line]:
    """Of the longest knob of which each value costs more than the one before: what differs in it alone."""
    lines: list[Line] = []
    for side in sorted(own.sides, key=len, reverse=True):
        knob = side[0].knob
        groups: dict[tuple[tuple[str, str], ...], list[int]] = {}
        for place, variant in enumerate(variants):
            others = tuple((name, value) for name, value in variant.settings.items() if name != knob)
            groups.setdefault(others, []).append(place)
        lines = [
            Line(knob, tuple(sorted(each, key=lambda one: (costs[one], one)))) for each in groups.values()
        ]
        if all(len({costs[each] for each in line.candidates}) == len(line.candidates) for line in lines):
            return lines
    return []


def _beside(
    own: Space, variants: Sequence[Variant], chosen: int
) -> dict[int, tuple[str, Literal["before", "after"]]]:
    """The combinations that differ from the chosen one by one step of one knob."""
    places = {tuple(each.settings.items()): place for place, each in enumerate(variants)}
    settings = variants[chosen].settings
    beside: dict[int, tuple[str, Literal["before", "after"]]] = {}
    for side in own.sides:
        knob, values = side[0].knob, [each.value for each in side]
        at = values.index(settings[knob])
        steps: tuple[tuple[int, Literal["before", "after"]], ...] = ((at - 1, "before"), (at + 1, "after"))
        for step, which in steps:
            if 0 <= step < len(values):
                place = places.get(tuple({**settings, knob: values[step]}.items()))
                if place is not None:
                    beside[place] = (knob, which)
    return beside


class _Told:
    """Puts together what is told of a search."""

    def __init__(
        self,
        own: Space,
        variants: Sequence[Variant],
        costs: Sequence[float],
        campaign: Campaign,
        found: Found,
    ) -> None:
        self._own, self._variants, self._costs = own, variants, costs
        self._campaign, self._found = campaign, found
        self._confidence = float(variants[0].scenario.confidence)
        self._options = {place: self._option(place, trial) for place, trial in found.trials.items()}

    def plan(self, cost: Cost, left_out: tuple[LeftOut, ...], most: int, interrupted: bool) -> Plan:
        """All of it."""
        found, options = self._found, self._options
        beside = {} if found.chosen is None else _beside(self._own, self._variants, found.chosen)
        return Plan(
            scenario=self._own.scenario,
            knobs=tuple(self._own.knobs),
            cost=cost,
            best=None if found.chosen is None else options[found.chosen],
            decision=found.decision,
            options=tuple(
                options[place] for place in sorted(options, key=lambda one: (self._costs[one], one))
            ),
            cheaper=tuple(options[place] for place in found.cheaper),
            neighbours=tuple(
                Neighbour(knob, side, options[place])
                for place, (knob, side) in beside.items()
                if place in options
            ),
            dominates=None if found.chosen is None else _dominating(self._campaign.runs[found.chosen]),
            idle_knobs=tuple(knob for knob in self._own.knobs if self._is_idle(knob)),
            left_out=left_out,
            number=len(self._variants),
            runs=self._campaign.made,
            most=most,
            confidence=self._confidence,
            monotony=found.monotony,
            failures=tuple(
                (variant.name, each)
                for variant, runs in zip(self._variants, self._campaign.runs, strict=True)
                for each in runs.failures
            ),
            interrupted=interrupted,
        )

    def _option(self, place: int, trial: Trial) -> Option:
        runs = self._campaign.runs[place]
        durations = sorted(runs.durations)
        return Option(
            self._variants[place],
            self._costs[place],
            trial.runs,
            trial.decision,
            trial.together(self._confidence),
            tuple(self._requirements(place, trial)),
            trial.more_runs(),
            percentile(durations, 0.5, self._confidence) if durations else None,
        )

    def _requirements(self, place: int, trial: Trial) -> list[Requirement]:
        objectives = self._campaign.objectives(place)
        joint = self._campaign.probability is not None
        reasons = self._campaign.runs[place].reasons
        found = []
        for number, wanted in enumerate(trial.wanted):
            objective = None if joint or not number else objectives[number - 1]
            name = COMES_ABOUT if not number else "all" if objective is None else objective.name
            held, open_ = trial.held[number], trial.open[number]
            found.append(
                Requirement(
                    name,
                    objective,
                    wanted,
                    held,
                    trial.runs - held - open_,
                    open_,
                    trial.share(number, self._confidence),
                    trial.of(number),
                    next(iter(reasons.values()), "") if joint else reasons.get(number - 1, ""),
                )
            )
        return found

    def _is_idle(self, knob: str) -> bool:
        """Whether what differs in it alone comes to the same in all runs that are kept, of what was looked at."""
        groups: dict[tuple[tuple[str, str], ...], list[Runs]] = {}
        for place in self._options:
            settings = self._variants[place].settings
            others = tuple((name, value) for name, value in settings.items() if name != knob)
            groups.setdefault(others, []).append(self._campaign.runs[place])
        compared = [each for each in groups.values() if len(each) > 1]
        return bool(compared) and all(
            all(one == other for one, other in zip(each[0].kept, runs.kept, strict=False))
            for each in compared
            for runs in each[1:]
        )


def _dominating(runs: Runs) -> Loss | None:
    whole = sum(stages.total() for stages in runs.lost.values())
    if not whole:
        return None
    parts = Counter(
        {(kind, stage): number for kind, stages in runs.lost.items() for stage, number in stages.items()}
    )
    ((kind, stage), number), *_ = parts.most_common(1)
    return Loss(kind, stage, number / whole)

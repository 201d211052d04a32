"""Which input or assumption moves the answer most: each alone, against the scenario as it is, under the same seeds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import isinf
from pathlib import Path
from typing import Any, Literal, get_args

from msgspec import Struct
from msgspec.structs import replace

from kubeinfer_sim.errors import UsageError
from kubeinfer_sim.experiment.columns import Unit
from kubeinfer_sim.experiment.compare import Comparison, Outcome, compare
from kubeinfer_sim.experiment.dispatch import HERE, Workers
from kubeinfer_sim.experiment.indices import Index, Method, check_method, indices
from kubeinfer_sim.experiment.inputs import Input, inputs_of
from kubeinfer_sim.experiment.knobs import LeftOut, Space, space
from kubeinfer_sim.experiment.replication import Replication, Variant
from kubeinfer_sim.experiment.statistics.differences import apart, more_often, typical
from kubeinfer_sim.experiment.statistics.estimate import Estimate
from kubeinfer_sim.experiment.statistics.proportions import proportion
from kubeinfer_sim.experiment.worker import Played
from kubeinfer_sim.manifest.source import SourceText, source_of
from kubeinfer_sim.manifest.suggest import expect_known
from kubeinfer_sim.methods import WrittenIn
from kubeinfer_sim.scenario.load import Overrides
from kubeinfer_sim.scenario.model import Scenario

#: The figure that is to be moved.
Of = Literal["duration", "lost", "minReady", "probability"]
#: Where anything is drawn each level meets so many seeds, unless it is said how many.
SEEDS = 10
_BASE = "as it is"
#: The objectives, and which figure they are about.
_ABOUT: Mapping[str, Of] = {
    "completes": "duration",
    "completesWithin": "duration",
    "minReadyInstances": "minReady",
    "availability": "lost",
}
#: The columns of a figure: of KubeInfers, else of Deployments and their like.
_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "lost": ("lostInstanceMs", "lostPodMs"),
    "minReady": ("minReady", "minAvailable"),
}

Progress = Callable[[int, int, Sequence[Mapping[int, Played]]], None]


class Effect(Struct, frozen=True):
    """What a value of an input does.

    Attributes:
        more: how much more the figure is than of the scenario as it is, paired by seed: the median of the differences;
            infinite: it never finishes.
        same: whether it is the same under every seed.
    """

    value: str
    more: Estimate
    same: bool

    @property
    def told(self) -> bool:
        """Whether it can be told that it moves the figure, and which way."""
        low, high = self.more.low, self.more.high
        return low is not None and high is not None and (low > 0 or high < 0)


class Moved(Struct, frozen=True):
    """An input, and what its values do."""

    input: Input
    effects: tuple[Effect, ...]

    @property
    def swing(self) -> float:
        """The largest effect, whatever its sign."""
        return max(abs(each.more.mean) for each in self.effects)

    @property
    def told(self) -> bool:
        """Whether one of its effects can be told from nothing."""
        return any(each.told for each in self.effects)


class Sensitivity(Struct, frozen=True):
    """What moves a figure of a scenario.

    Attributes:
        of: the figure.
        base: of the scenario as it is.
        moved: the inputs that move it, the largest swing first.
        idle: those that move it in no run.
        left_out: values that cannot be.
        drawn: whether anything is.
        method: of the indices; None where none were asked for.
        indices: of the inputs that move it and with which it always finishes, turned together.
    """

    of: Of
    title: str
    unit: Unit
    base: Estimate
    moved: tuple[Moved, ...]
    idle: tuple[Input, ...]
    left_out: tuple[LeftOut, ...]
    comparison: Comparison
    drawn: bool
    method: Method | None = None
    indices: tuple[Index, ...] = ()

    plot = WrittenIn("report.pictures", "plot_sensitivity")
    _repr_html_ = WrittenIn("report.notebook", "html_of")

    @property
    def scenario(self) -> Scenario:
        """As it is."""
        return self.comparison.outcomes[0].variant.scenario

    def table(self) -> list[dict[str, Any]]:
        """A row for each value of each input that moves the figure, the largest swing first."""
        return [
            {
                "input": each.input.name,
                "about": each.input.about,
                "base": each.input.base,
                "value": effect.value,
                "more": effect.more.mean,
                "low": effect.more.low,
                "high": effect.more.high,
                "told": effect.told,
            }
            for each in self.moved
            for effect in each.effects
        ]

    def to_pandas(self) -> Any:
        """The table as a DataFrame.

        Raises:
            UsageError: pandas is not installed.
        """
        from kubeinfer_sim.experiment.data_frame import data_frame

        return data_frame(self.table())


def sensitivity(
    scenario: str | Path | SourceText,
    of: Of | None = None,
    *,
    method: Method | None = None,
    samples: int | None = None,
    n: int | None = None,
    workers: Workers = HERE,
    store: str | Path | None = None,
    progress: Progress | None = None,
    set_values: Mapping[str, Any] | None = None,
    **overrides: Any,
) -> Sensitivity:
    """Turn each input and assumption of a scenario alone, and hold what comes of it against the scenario as it is.

    Ctrl-C ends it with the seeds that all of them have met.

    Args:
        scenario: the file, or its text.
        of: the figure: how long the slowest change takes, the time lost, the fewest ready, or how often all objectives
            hold; if not given what the objectives are about, without any how long it takes.
        method: also indices of all that moves it turned together: `morris` or `sobol`.
        samples: trajectories of Morris (10 if not given), base samples of Sobol (64).
        n: how many seeds; if not given one, and ten where anything is drawn.
        workers: processes to play in; in this one, if not given.
        store: a file that keeps what every run came to; what it knows is not played again.
        progress: told after every run.
        set_values: values for holes of the manifest.
        overrides: what else `load_scenario` takes.

    Raises:
        InputError: the scenario is wrong.
        UsageError: there is no such figure, or the scenario has none; a store of other inputs; there is no such method,
            or SALib is not installed.
    """
    if method is not None:
        check_method(method, samples)
    if of is not None and of not in get_args(Of):
        raise UsageError(f"--of {of}: expected {', '.join(get_args(Of))}")
    if n is not None and n < 1:
        raise UsageError(f"{n} runs: expected at least 1")
    expect_known(overrides, Overrides.__annotations__, "sensitivity")
    source = source_of(scenario, "sensitivity")
    own = space((), source, set_values or {}, **overrides)
    if of == "probability" and not _objectives(own.scenario):
        raise UsageError("--of probability is how often the objectives hold: the scenario has none")
    variants = [Variant(_BASE, own.scenario)]
    places: list[tuple[Input, list[int]]] = []
    left_out = []
    for each in inputs_of(own):
        mine = []
        for level in each.levels:
            try:
                made = own.variant([level])
            except UsageError as error:
                left_out.append(LeftOut({each.name: level.value}, str(error)))
                continue
            mine.append(len(variants))
            variants.append(Variant(level.name, made.scenario, made.recovery, {each.name: level.value}))
        places.append((each, mine))
    first = own.scenario.seed
    comparison = compare(
        variants,
        None if n is None else range(first, first + n),
        workers=workers,
        store=store,
        progress=progress,
        seeds_if_drawn=SEEDS,
    )
    found = _weighed(comparison, places, left_out, of)
    if method is None or comparison.interrupted:
        return found
    return replace(found, method=method, indices=_together(found, own, method, samples, workers, progress))


def _together(
    found: Sensitivity,
    own: Space,
    method: Method,
    samples: int | None,
    workers: Workers,
    progress: Progress | None,
) -> tuple[Index, ...]:
    """The indices of what moves the figure alone and leaves it finite, all of it turned together."""
    turned = [each.input for each in found.moved if not isinf(each.swing)]
    if not turned:
        return ()

    def evaluate(rows: Sequence[Sequence[float]]) -> list[float]:
        variants = []
        for number, row in enumerate(rows):
            settings = [each.at(part) for each, part in zip(turned, row, strict=True)]
            made = own.variant([each for each in settings if each is not None])
            variants.append(replace(made, name=f"sample {number}"))
        played = compare(variants, found.comparison.seeds, workers=workers, progress=progress)
        return [_mean(each, found.of) for each in played.outcomes]

    scenario = found.scenario
    return indices(
        [each.name for each in turned],
        evaluate,
        method,
        samples=samples,
        seed=scenario.seed,
        confidence=float(scenario.confidence),
    )


def _mean(outcome: Outcome, of: Of) -> float:
    known = [each for each in _values(outcome, of) if each is not None]
    if not known or any(map(isinf, known)):
        raise UsageError(
            f"indices are of numbers, and with {outcome.variant.name} of all inputs turned together it never finishes: "
            "--of minReady, or --of probability"
        )
    return sum(known) / len(known)


def _weighed(
    comparison: Comparison,
    places: Sequence[tuple[Input, Sequence[int]]],
    left_out: Sequence[LeftOut],
    of: Of | None,
) -> Sensitivity:
    base = comparison.outcomes[0]
    figure = of or _usual(base)
    values = _values(base, figure)
    known = [each for each in values if each is not None]
    if not known:
        raise UsageError(_LACKING[figure])
    drawn = any(each.by_chance for each in comparison.outcomes)
    moved, idle = [], []
    for each, mine in places:
        effects = tuple(
            effect
            for place in mine
            if (effect := _effect(comparison.outcomes[place], base, figure, each.name)) is not None
        )
        if effects and not all(effect.same for effect in effects):
            moved.append(Moved(each, effects))
        elif effects:
            idle.append(each)
    title, unit = _title(base, figure, comparison)
    return Sensitivity(
        figure,
        title,
        unit,
        _alone(known, figure, base.confidence, base.by_chance),
        tuple(sorted(moved, key=lambda one: (not one.told, -one.swing))),
        tuple(idle),
        tuple(left_out),
        comparison,
        drawn,
    )


def _effect(outcome: Outcome, base: Outcome, of: Of, name: str) -> Effect | None:
    pairs = zip(_values(outcome, of), _values(base, of), strict=True)
    drawn = outcome.by_chance or base.by_chance  # with neither drawn one run of each is exact
    more = [apart(one, other) for one, other in pairs if one is not None and other is not None]
    if not more:
        return None
    value = outcome.variant.settings[name]
    return Effect(value, _middle(more, of, outcome.confidence, drawn), not any(more))


def _middle(values: Sequence[float], of: Of, confidence: float, drawn: bool) -> Estimate:
    """The median; of how often something holds the mean, its interval from the runs that differ."""
    if of != "probability":
        return typical(values, confidence, drawn=drawn)
    mean = sum(values) / len(values)
    if not drawn:
        return Estimate(mean, mean, mean)
    return more_often(
        sum(each > 0 for each in values), sum(each < 0 for each in values), len(values), 0, confidence
    )


def _alone(values: Sequence[float], of: Of, confidence: float, drawn: bool) -> Estimate:
    """The figure itself."""
    if of != "probability" or not drawn:
        return _middle(values, of, confidence, drawn)
    return proportion(round(sum(values)), len(values), confidence)


def _values(outcome: Outcome, of: Of) -> Sequence[float | None]:
    if of == "duration":
        return outcome.took
    if of == "probability":
        held = (
            {}
            if outcome.runs is None
            else {
                each.seed: float(each.all_held) for each in outcome.runs.runs if isinstance(each, Replication)
            }
        )
        seeds = iter(sorted(held))
        return [held[next(seeds)] if ended else None for ended in outcome.ended]
    name = next((each for each in _COLUMNS[of] if each in outcome.values), None)
    return [None] * len(outcome.ended) if name is None else outcome.values[name]


def _objectives(scenario: Scenario) -> bool:
    own = scenario.objectives
    return own != type(own)()


def _usual(base: Outcome) -> Of:
    """What the objectives are about, of several things the first; with a probability how often they hold.

    Without any how long it takes, or the time lost.
    """
    judged = () if base.runs is None else base.runs.runs[0].judged if base.runs.runs else ()
    if any(each.probability is not None for each in judged):
        return "probability"
    about = {_ABOUT.get(each.name, "probability") for each in judged}
    if about:
        return next(each for each in get_args(Of) if each in about)
    return "duration" if any(each is not None for each in base.took) else "lost"


_LACKING = {
    "duration": "--of duration: nothing that takes time is asked for in the scenario; there is --of lost",
    "lost": "--of lost: no run of the scenario as it is came to an end",
    "minReady": "--of minReady: no run of the scenario as it is has such a number",
    "probability": "--of probability is how often the objectives hold: the scenario has none",
}


def _title(base: Outcome, of: Of, comparison: Comparison) -> tuple[str, Unit]:
    if of == "duration":
        return "how long it takes", "ms"
    if of == "probability":
        return "how often all objectives hold", "held"
    name = next(each for each in _COLUMNS[of] if each in base.values)
    column = next(each for each in comparison.columns if each.name == name)
    return column.title, column.unit

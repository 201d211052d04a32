"""A scenario all over a space of knobs: what each combination comes to, and which ones no other is better than.

A point is on the Pareto front of some figures where no other one is at least as good in all of them and better in one;
one that has no such number, or never finishes, is on none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from math import isinf
from pathlib import Path
from typing import Any, Literal, get_args

from msgspec import Struct

from kubeinfer_sim.errors import UsageError, several
from kubeinfer_sim.experiment.columns import OF_THE_WHOLE_RUN, Unit
from kubeinfer_sim.experiment.compare import Comparison, Outcome, compare
from kubeinfer_sim.experiment.dispatch import HERE, Workers
from kubeinfer_sim.experiment.knobs import LeftOut, Space, each_once, possible, space, split_values
from kubeinfer_sim.experiment.ranges import Steps, between, listed, points
from kubeinfer_sim.experiment.replication import Variant
from kubeinfer_sim.experiment.worker import Played
from kubeinfer_sim.manifest.accelerators import accelerator_count
from kubeinfer_sim.manifest.source import SourceText, source_of
from kubeinfer_sim.manifest.suggest import did_you_mean, expect_known
from kubeinfer_sim.methods import WrittenIn
from kubeinfer_sim.scenario.load import Overrides

#: How a space is sampled.
Method = Literal["lhs", "sobol"]
#: Where anything is drawn each combination meets so many seeds, unless it is said how many.
SEEDS = 10
#: More samples than these are refused.
MOST_SAMPLES = 10_000
#: The figures of a front that nobody has named: the first of each line that differ.
_USUAL = (
    ("duration", "lostInstanceMs", "lostPodMs"),
    ("minReady", "minAvailable", "availability", "podAvailability"),
    ("nodes", "accelerators", "peakNpus"),
)

Progress = Callable[[int, int, Sequence[Mapping[int, Played]]], None]


class Figure(Struct, frozen=True):
    """A number by which combinations are held against each other.

    Attributes:
        of: what a combination has of it; infinite what does not finish, None where it has none.
    """

    name: str
    title: str
    unit: Unit
    better: Literal["high", "low"]
    of: Callable[[Outcome], float | None]


class Sweep(Struct, frozen=True, dict=True):
    """What came of a space of knobs.

    Attributes:
        knobs: those that were turned.
        comparison: every combination under the same seeds.
        front_of: the figures of the Pareto front.
        left_out: combinations that cannot be.
        sampled: how the points were chosen; "": all combinations there are.
    """

    knobs: tuple[str, ...]
    comparison: Comparison
    front_of: tuple[Figure, ...]
    left_out: tuple[LeftOut, ...] = ()
    sampled: Method | Literal[""] = ""

    plot = WrittenIn("report.pictures", "plot_sweep")
    _repr_html_ = WrittenIn("report.notebook", "html_of")

    @property
    def points(self) -> tuple[Outcome, ...]:
        """What each combination came to."""
        return self.comparison.outcomes

    @cached_property
    def figures(self) -> tuple[Figure, ...]:
        """All there are."""
        return figures_of(self.comparison)

    @cached_property
    def front(self) -> tuple[int, ...]:
        """The places of the points that no other one is better than."""
        rows = [tuple(_rank(each, point) for each in self.front_of) for point in self.points]
        return pareto_front(rows)

    @cached_property
    def idle_knobs(self) -> tuple[str, ...]:
        """The knobs that change nothing: points that differ in such a one alone come to the same in every run."""
        return tuple(knob for knob in self.knobs if self._is_idle(knob))

    def _is_idle(self, knob: str) -> bool:
        groups: dict[tuple[str, ...], list[Outcome]] = {}
        for point in self.points:
            others = tuple(point.variant.settings[each] for each in self.knobs if each != knob)
            groups.setdefault(others, []).append(point)
        compared = [each for each in groups.values() if len(each) > 1]
        return bool(compared) and all(
            (other.values, other.took) == (each[0].values, each[0].took)
            for each in compared
            for other in each[1:]
        )

    def table(self) -> list[dict[str, Any]]:
        """A row for each point: each knob's value, every figure by its name, and whether it is on the front."""
        front = set(self.front)
        return [
            {
                **point.variant.settings,
                **{each.name: each.of(point) for each in self.figures if each.name not in self.knobs},
                "front": place in front,
            }
            for place, point in enumerate(self.points)
        ]

    def to_pandas(self) -> Any:
        """The table as a DataFrame.

        Raises:
            UsageError: pandas is not installed.
        """
        from kubeinfer_sim.experiment.data_frame import data_frame

        return data_frame(self.table())


def pareto_front(rows: Sequence[tuple[float | None, ...]]) -> tuple[int, ...]:
    """The places of the rows that no other one dominates, low numbers being the better ones.

    A row without a number, or with an infinite one, is on no front.
    """
    known = [
        (place, [each for each in row if each is not None])
        for place, row in enumerate(rows)
        if all(map(is_finite, row))
    ]

    def dominated(row: list[float]) -> bool:
        return any(
            other != row and all(one <= two for one, two in zip(other, row, strict=True))
            for _, other in known
        )

    return tuple(place for place, row in known if not dominated(row))


def _rank(figure: Figure, point: Outcome) -> float | None:
    value = figure.of(point)
    return None if value is None else -value if figure.better == "high" else value


# -- figures -----------------------------------------------------------------------------------------------


def figures_of(comparison: Comparison) -> tuple[Figure, ...]:
    """The numbers that any of its variants has."""
    outcomes = comparison.outcomes
    found = []
    if any(each.together is not None for each in outcomes):
        found.append(Figure("held", "all held", "held", "high", _held))
    if any(each is not None for outcome in outcomes for each in outcome.took):
        found.append(Figure("duration", "takes p50", "ms", "low", _duration))
    found += [
        Figure("nodes", "nodes", "count", "low", _nodes),
        Figure("accelerators", "accelerators", "count", "low", _accelerators),
    ]
    for column in comparison.columns:

        def of(outcome: Outcome, column: Any = column) -> float | None:
            if column.name in ("minReady", "minAvailable"):  # the fewest under any seed
                values = [each for each in outcome.values[column.name] if each is not None]
                return min(values, default=None)
            mean = outcome.mean(column)
            return None if mean is None else mean.mean

        title = column.title if column.about in ("", "objective") else f"{column.about}: {column.title}"
        found.append(Figure(column.name, title, column.unit, column.better, of))
    return tuple(found)


def _held(outcome: Outcome) -> float | None:
    return None if outcome.together is None else outcome.together.share.mean


def _duration(outcome: Outcome) -> float | None:
    middle = outcome.quantile("duration", 0.5)
    return None if middle is None else middle.mean


def _nodes(outcome: Outcome) -> float:
    return len(outcome.variant.scenario.nodes)


def _accelerators(outcome: Outcome) -> float:
    return sum(accelerator_count(each.allocatable) for each in outcome.variant.scenario.nodes)


def _front_of(comparison: Comparison, names: Sequence[str]) -> tuple[Figure, ...]:
    """The figures of these names, or of each kind the first that differs.

    Raises:
        UsageError: there is no such figure.
    """
    known = {each.name: each for each in figures_of(comparison)}
    for name in names:
        if name not in known:
            raise UsageError(
                f"--front {name}: there is no such figure{did_you_mean(name, known)} (there are {', '.join(known)})"
            )
    if names:
        return tuple(known[name] for name in dict.fromkeys(names))
    usual = [
        next((known[name] for name in line if name in known and _differs(known[name], comparison)), None)
        for line in _USUAL
    ]
    differing = tuple(each for each in usual if each is not None)
    return differing or tuple(known[name] for line in _USUAL for name in line if name in known)[:1]


def _check_names(names: Sequence[str]) -> None:
    """Refuse, before anything is played, the name of a figure that no run has.

    Raises:
        UsageError: one is.
    """
    known = ("held", "duration", "nodes", "accelerators", *OF_THE_WHOLE_RUN)
    for name in names:
        if name not in known and not name.startswith(("objectives/", "causes/")):
            raise UsageError(
                f"--front {name}: there is no such figure{did_you_mean(name, known)} (there may be "
                f"{', '.join(known)}, and those of objectives/ and causes/ that `sweep -o json` shows)"
            )


def _differs(figure: Figure, comparison: Comparison) -> bool:
    return len({figure.of(each) for each in comparison.outcomes}) > 1


# -- the points --------------------------------------------------------------------------------------------


def all_combinations(own: Space) -> tuple[list[Variant], list[LeftOut]]:
    """Each combination that can be, and those that cannot.

    Raises:
        UsageError: none can be.
    """
    return _some(*own.possible())


def sampled_combinations(
    texts: Sequence[str], own: Space, samples: int, method: Method
) -> tuple[list[Variant], list[LeftOut]]:
    """So many combinations, spread evenly over lists and ranges; `own` has the scenario.

    Raises:
        UsageError: a range or a value that cannot be, too many samples, or none of them can be.
    """
    if not 1 <= samples <= MOST_SAMPLES:
        raise UsageError(f"--samples {samples:,}: expected 1 to {MOST_SAMPLES:,}")
    names = [text.partition("=")[0] for text in texts]
    each_once(names)
    rows = points([steps_of(text) for text in texts], samples, method, own.scenario.seed)
    sides = []
    for place, name in enumerate(names):
        values = list(dict.fromkeys(row[place] for row in rows))
        sides.append(dict(zip(values, own.settings(name, values), strict=True)))
    chosen = ([side[value] for side, value in zip(sides, row, strict=True)] for row in rows)
    return _some(*possible(own, chosen))


def steps_of(text: str) -> Steps:
    """The values of `NAME=A,B` or `NAME=A..B`, whole numbers, decimals, percentages or times.

    Raises:
        UsageError: there are none, or the range cannot be.
    """
    name, _, given = text.partition("=")
    if (ends := between(name, given)) is not None:
        return ends
    if not (values := split_values(given)):
        raise UsageError(f"--vary {name}: expected values, as in {name}=A,B or {name}=8..16")
    return listed(values)


def _some(variants: list[Variant], left_out: list[LeftOut]) -> tuple[list[Variant], list[LeftOut]]:
    if not variants:
        raise UsageError(f"no combination can be: {left_out[0].message}")
    return variants, left_out


# -- played ------------------------------------------------------------------------------------------------


def sweep(
    scenario: str | Path | SourceText,
    vary: Sequence[str],
    *,
    samples: int | None = None,
    method: Method = "lhs",
    n: int | None = None,
    front: Sequence[str] = (),
    workers: Workers = HERE,
    store: str | Path | None = None,
    progress: Progress | None = None,
    set_values: Mapping[str, Any] | None = None,
    **overrides: Any,
) -> Sweep:
    """Simulate a scenario at every combination of knobs, or at some, all under the same seeds.

    Ctrl-C ends it with the seeds that all of them have met.

    Args:
        scenario: the file, or its text.
        vary: knobs and their values, as `--vary` takes them: `nodes=8..16`, `maxSurge=0,1`.
        samples: so many combinations, spread evenly, and not all; a range may then be of times or decimals.
        method: of samples: `lhs`, a Latin hypercube, or `sobol`.
        n: how many seeds each combination meets; if not given one, and ten where anything is drawn.
        front: the figures of the Pareto front, by name; if not given how long it takes, the fewest ready and nodes, as
            far as they differ.
        workers: processes to play in; in this one, if not given.
        store: a file that keeps what every run came to; what it knows is not played again.
        progress: told after every run.
        set_values: values for holes of the manifest.
        overrides: what else `load_scenario` takes.

    Raises:
        InputError: the scenario is wrong.
        UsageError: a knob, a range, a figure or a method that is none; no combination can be; a store of other inputs.
    """
    if not vary:
        raise UsageError("a sweep needs knobs: --vary nodes=8..16")
    if method not in get_args(Method):
        raise UsageError(f"--method {method}: expected {' or '.join(get_args(Method))}")
    vary = several(vary)
    expect_known(overrides, Overrides.__annotations__, "sweep")
    source = source_of(scenario, "sweep")
    if samples is None:
        own = space(vary, source, set_values or {}, **overrides)
        variants, left_out = all_combinations(own)
    else:
        own = space((), source, set_values or {}, **overrides)
        variants, left_out = sampled_combinations(vary, own, samples, method)
    return sweep_variants(
        variants,
        left_out,
        sampled="" if samples is None else method,
        n=n,
        front=front,
        workers=workers,
        store=store,
        progress=progress,
    )


def sweep_variants(
    variants: Sequence[Variant],
    left_out: Sequence[LeftOut] = (),
    *,
    sampled: Method | Literal[""] = "",
    n: int | None = None,
    front: Sequence[str] = (),
    workers: Workers = HERE,
    store: str | Path | None = None,
    progress: Progress | None = None,
) -> Sweep:
    """Simulate combinations that are there already; arguments and errors are those of `sweep`."""
    front = several(front)
    _check_names(front)
    first = variants[0].scenario.seed
    seeds = None if n is None else range(first, first + n)
    comparison = compare(
        variants, seeds, workers=workers, store=store, progress=progress, seeds_if_drawn=SEEDS
    )
    return Sweep(
        tuple(variants[0].settings), comparison, _front_of(comparison, front), tuple(left_out), sampled
    )


def is_finite(value: float | None) -> bool:
    """Whether it is a number, and of something that came to its end."""
    return value is not None and not isinf(value)

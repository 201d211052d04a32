"""Rollouts that have happened beside their prediction: each figure with its interval, and whether it lay in it.

An interval comes of the order of runs alone, whatever the distribution: of n runs and the truth, if it is one more of
the same kind, each place in their order is equally likely (Wilks, Ann. Math. Stat. 12, 1941).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence, Set
from itertools import combinations
from math import inf
from pathlib import Path
from typing import Any, Literal

from msgspec import Struct

from kubeinfer_sim.diagnostics import Diagnostic
from kubeinfer_sim.errors import InputError, UsageError
from kubeinfer_sim.experiment.backtest.listings import Listings, happened, read_listings
from kubeinfer_sim.experiment.backtest.rollout import STAGES, Between, Rollout
from kubeinfer_sim.experiment.backtest.simulated import predict
from kubeinfer_sim.experiment.statistics.estimate import Estimate
from kubeinfer_sim.experiment.statistics.proportions import proportion
from kubeinfer_sim.manifest.model import WorkloadSpec
from kubeinfer_sim.manifest.source import SourceText
from kubeinfer_sim.scenario.cluster.kubectl.listing import Item, read_listing_file
from kubeinfer_sim.scenario.cluster.kubectl.owners import owners_of
from kubeinfer_sim.scenario.load import load_scenario
from kubeinfer_sim.scenario.model import Scenario
from kubeinfer_sim.scenario.timings.calibration.document import timings_document
from kubeinfer_sim.scenario.timings.calibration.observe import observe

#: So many runs have a fifth smallest and a fifth largest between which 95 % of further ones lie.
RUNS = 199
#: What an interval is to hold, where there are runs enough.
LEVEL = 0.95
#: Kubernetes writes times in whole seconds.
_SECOND = 1.0

Name = Literal["duration", "fewestReady", "order", "schedule", "setUp", "start"]
Judgement = Literal["inside", "outside", "not told"]
Progress = Callable[[int, int], None]


class Figure(Struct, frozen=True):
    """A figure of a rollout.

    Attributes:
        name: `duration`, `fewestReady`, `order`, or a stage: `schedule`, `setUp`, `start`.
        unit: `s`, `count`, or `swaps` (pairs in another order than in the usual run).
        truth: between which bounds it is known to lie; None: it is not told.
        predicted: the interval.
        level: which part of further runs lies in it.
        why: why it cannot be judged.
        words: of an order, what it was.
    """

    name: Name
    unit: Literal["s", "count", "swaps"]
    truth: Between | None
    predicted: Between | None
    level: float
    judgement: Judgement
    why: str = ""
    words: str = ""


class Backtested(Struct, frozen=True):
    """A workload's rollout beside its prediction.

    Attributes:
        runs: how many were played.
        drawn: whether anything in them was; else all are the same, and an interval is a point.
    """

    scenario: str
    workload: str
    figures: tuple[Figure, ...]
    runs: int
    drawn: bool
    notes: tuple[str, ...] = ()


class Backtest(Struct, frozen=True):
    """Several of them.

    Attributes:
        pods: of the workloads, as they were listed when they were ready, if ever; `events` of all.
        scenarios: that were played, each once.
    """

    rollouts: tuple[Backtested, ...]
    pods: tuple[Item, ...] = ()
    events: tuple[Item, ...] = ()
    scenarios: tuple[Scenario, ...] = ()

    @property
    def judged(self) -> list[Figure]:
        """The figures that could be."""
        return [each for one in self.rollouts for each in one.figures if each.judgement != "not told"]

    @property
    def inside(self) -> int:
        """How many of them lay inside."""
        return sum(each.judgement == "inside" for each in self.judged)

    @property
    def coverage(self) -> Estimate | None:
        """In which part of the rollouts the duration lay inside; figures of one rollout hang together."""
        judged = [
            each
            for one in self.rollouts
            for each in one.figures
            if each.name == "duration" and each.judgement != "not told"
        ]
        if not judged:
            return None
        return proportion(sum(each.judgement == "inside" for each in judged), len(judged))

    def timings(self, name: str = "backtest") -> str:
        """What `calibrate` learns of the same pods and events: the text of a Timings file; "" where it is nothing."""
        observed = observe(self.pods, self.events or None)
        if not observed.lengths:
            return ""
        sources = dict.fromkeys(each.source.name for each in (*self.pods, *self.events))
        return timings_document(observed, name, list(sources))

    def table(self) -> list[dict[str, Any]]:
        """A row for each figure of each rollout; times in seconds."""
        return [
            {
                "scenario": one.scenario,
                "workload": one.workload,
                "figure": each.name,
                "unit": each.unit,
                "low": None if each.truth is None else each.truth.low,
                "high": None if each.truth is None else each.truth.high,
                "predictedLow": None if each.predicted is None else each.predicted.low,
                "predictedHigh": None if each.predicted is None else each.predicted.high,
                "level": each.level,
                "judgement": each.judgement,
            }
            for one in self.rollouts
            for each in one.figures
        ]

    def to_pandas(self) -> Any:
        """The table as a DataFrame.

        Raises:
            UsageError: pandas is not installed.
        """
        from kubeinfer_sim.experiment.data_frame import data_frame

        return data_frame(self.table())


def backtest(
    scenario: str | SourceText,
    listings: Sequence[str | SourceText],
    *,
    n: int | None = None,
    progress: Progress = lambda done, total: None,
    **loaded: Any,
) -> Backtest:
    """Hold a rollout that has happened against many runs of its scenario.

    Args:
        scenario: the scenario's file, or its text.
        listings: what `kubectl get pods,events -o json` wrote before, during and after it.
        n: how many runs; `RUNS` if not given, one where nothing is drawn.
        progress: told how many runs are done, of how many.
        loaded: see `load_scenario`.

    Raises:
        InputError: a file is wrong, or holds no pod of the scenario's workloads, or no rollout of theirs.
    """
    played = load_scenario(scenario, **loaded)
    found = read_listings([_source(each) for each in listings])
    rollouts = tuple(_backtested(played, found, n, progress))
    owners = owners_of([*played.workloads, *played.created])
    return Backtest(rollouts, tuple(found.ready_pods(owners)), tuple(found.events), (played,))


def backtest_folder(
    folder: str, *, n: int | None = None, progress: Progress = lambda done, total: None, **loaded: Any
) -> Backtest:
    """Several rollouts: each folder in `folder` that holds a `scenario.yaml`, with the listings `*.json` beside it.

    Raises:
        UsageError: there is no such folder in it, or one without listings.
        InputError: see `backtest`.
    """
    scenarios = sorted(Path(folder).glob("*/scenario.yaml"))
    if not scenarios:
        raise UsageError(f"{folder}: no folder in it holds a scenario.yaml, with listings *.json beside it")
    made = []
    for each in scenarios:
        listings = sorted(map(str, each.parent.glob("*.json")))
        if not listings:
            raise UsageError(f"{each.parent}: no listings *.json beside its scenario.yaml")
        made.append(backtest(str(each), listings, n=n, progress=progress, **loaded))
    return Backtest(
        tuple(one for each in made for one in each.rollouts),
        tuple(pod for each in made for pod in each.pods),
        tuple(event for each in made for event in each.events),
        tuple(scenario for each in made for scenario in each.scenarios),
    )


def _source(listing: str | SourceText) -> SourceText:
    return read_listing_file(listing) if isinstance(listing, str) else listing


def _backtested(
    scenario: Scenario, listings: Listings, n: int | None, progress: Progress
) -> list[Backtested]:
    workloads = {
        (str(each.raw.get("kind")), each.name): each for each in (*scenario.workloads, *scenario.created)
    }
    truths = {
        key: truth for key, each in workloads.items() if (truth := happened(listings, each)) is not None
    }
    if not truths:
        raise InputError([_of_others(listings, list(workloads.values()))])
    runs = (n or RUNS) if scenario.drawn else 1
    played = []
    for place in range(runs):
        played.append(predict(scenario, scenario.seed + place))
        progress(place + 1, runs)
    drawn = bool(scenario.drawn)
    backtested = []
    for key, truth in truths.items():
        rollouts = [each[key] for each in played if key in each]
        notes = tuple(listings.notes)
        if len(rollouts) < runs:
            notes = (*notes, f"{runs - len(rollouts):,} of {runs:,} runs make no pod of {' '.join(key)}")
        if rollouts:
            figures = tuple(figures_of(truth, rollouts, drawn=drawn))
            name = f"{key[0]} {workloads[key].namespace}/{key[1]}"
            backtested.append(Backtested(scenario.name, name, figures, len(rollouts), drawn, notes))
    if not backtested:
        source = listings.listings[-1].source
        message = f"no run of {scenario.name} makes a pod, and pods were made: is this its scenario?"
        raise InputError([source.diagnostic(None, message, code="backtest")])
    return backtested


def _of_others(listings: Listings, workloads: Sequence[WorkloadSpec]) -> Diagnostic:
    """The error where no pod is of a workload of the scenario."""
    pods = listings.pods
    spaces = sorted({str(each.value["metadata"].get("namespace") or "default") for each in pods})
    wanted = ", ".join(f"{each.raw.get('kind')} {each.namespace}/{each.name}" for each in workloads)
    message = f"none of the {len(pods):,} pods listed is of {wanted}"
    more = f"{', '.join(spaces[:5])}{', …' if len(spaces) > 5 else ''}"
    hint = f"they are of the namespace{'s' if len(spaces) > 1 else ''} {more}: is it the right cluster and namespace?"
    return listings.listings[-1].source.diagnostic(None, message, hint=hint, code="backtest")


def figures_of(truth: Rollout, runs: Sequence[Rollout], *, drawn: bool) -> list[Figure]:
    """Each figure of a rollout beside what the runs came to."""
    unfinished = "" if truth.duration.high < inf else "it was not over when last listed"
    figures = [
        _figure("duration", "s", truth.duration, [each.duration.high for each in runs], drawn, unfinished)
    ]
    fewest = [each.fewest_ready.low for each in runs if each.fewest_ready is not None]
    if fewest:
        why = "no pod of before is listed" if truth.fewest_ready is None else "between two listings"
        figures.append(_figure("fewestReady", "count", truth.fewest_ready, fewest, drawn, why))
    figures += _order(truth, runs, drawn)
    for stage in STAGES:
        known = truth.stages.get(stage)
        lengths = [each.stages[stage] for each in runs if stage in each.stages]
        if lengths:
            at = None if known is None else Between(known, known)
            figures.append(_figure(stage, "s", at, lengths, drawn, "no pod tells it"))
    return figures


def interval(values: Sequence[float], *, drawn: bool = True) -> tuple[Between, float]:
    """Between which of the values a further one lies, and how probably: as near to `LEVEL` from above as can be."""
    ordered = sorted(values)
    count = len(ordered)
    if not drawn:
        return Between(ordered[0], ordered[-1]), 1.0
    cut = max(1, int((count + 1) * (1 - LEVEL) / 2 + 1e-9))
    return Between(ordered[cut - 1], ordered[count - cut]), max(0.0, (count + 1 - 2 * cut) / (count + 1))


def _figure(
    name: Name,
    unit: Literal["s", "count"],
    truth: Between | None,
    values: Sequence[float],
    drawn: bool,
    why: str,
) -> Figure:
    predicted, level = interval(values, drawn=drawn)
    judgement = _judged(truth, predicted, _SECOND if unit == "s" else 0.0)
    return Figure(name, unit, truth, predicted, level, judgement, why if judgement == "not told" else "")


def _judged(truth: Between | None, predicted: Between, resolution: float) -> Judgement:
    """Whether it lay inside, wherever between its bounds it was; what is known of it is right to the resolution."""
    if truth is None:
        return "not told"
    low, high = predicted.low - resolution, predicted.high + resolution
    if low <= truth.low and truth.high <= high:
        return "inside"
    return "outside" if truth.high < low or high < truth.low else "not told"


# -- the order ---------------------------------------------------------------------------------------------

_Order = Sequence[Sequence[str]]


def _order(truth: Rollout, runs: Sequence[Rollout], drawn: bool) -> list[Figure]:
    """By how many pairs it differs from the order of the most usual run; as far as the runs do, nearly all of them.

    Of a rollout that was not over when last listed as far as it had come.
    """
    orders = [each.order for each in runs if each.order]
    if truth.order and truth.duration.high == inf:
        come = {name for names in truth.order for name in names}
        orders = [_first(each, come) for each in orders]
    if not orders:
        return []
    usual = max(sorted(set(orders)), key=orders.count)
    ordered = sorted(float(swaps(each, usual)) for each in orders)
    count = len(ordered)
    cut = max(1, int((count + 1) * (1 - LEVEL) + 1e-9)) if drawn else 1
    predicted = Between(0.0, ordered[count - cut])
    level = (count + 1 - cut) / (count + 1) if drawn else 1.0
    if not truth.order:
        return [Figure("order", "swaps", None, predicted, level, "not told", "no instance tells it")]
    away = float(swaps(truth.order, usual))
    judgement = _judged(Between(away, away), predicted, 0.0)
    words = ", ".join("+".join(each) for each in truth.order)
    return [Figure("order", "swaps", Between(away, away), predicted, level, judgement, words=words)]


def _first(order: _Order, names: Set[str]) -> tuple[tuple[str, ...], ...]:
    """The first so many instances of an order; of several in one instant those of these names first."""
    first: list[tuple[str, ...]] = []
    left = len(names)
    for each in order:
        kept = sorted(each, key=lambda name: (name not in names, name))[:left]
        if kept:
            first.append(tuple(sorted(kept)))
            left -= len(kept)
    return tuple(first)


def swaps(one: _Order, other: _Order) -> int:
    """How many pairs of instances follow each other the other way round; those of one instant do not count.

    An instance that only one of them has counts as a pair.
    """
    places = [{name: place for place, names in enumerate(order) for name in names} for order in (one, other)]
    first, second = places
    both = sorted(first.keys() & second.keys())
    turned = sum((first[a] - first[b]) * (second[a] - second[b]) < 0 for a, b in combinations(both, 2))
    return turned + len(first.keys() ^ second.keys())

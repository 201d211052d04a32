"""Rollouts that have happened beside their prediction: what was listed, the runs, and how they compare."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from msgspec import Struct

from kubeinfer_sim.diagnostics import Diagnostic
from kubeinfer_sim.errors import InputError, UsageError, several
from kubeinfer_sim.experiment.backtest.judging import Figure, figures_of
from kubeinfer_sim.experiment.backtest.listings import Happened, Listings, happened, read_listings
from kubeinfer_sim.experiment.dispatch import HERE, Job, Workers, remembered
from kubeinfer_sim.experiment.replication import Failure, Replication, Variant
from kubeinfer_sim.experiment.statistics.estimate import Estimate
from kubeinfer_sim.experiment.statistics.proportions import proportion
from kubeinfer_sim.experiment.store import opened
from kubeinfer_sim.experiment.worker import Played
from kubeinfer_sim.manifest.model import WorkloadSpec
from kubeinfer_sim.manifest.names_apart import full_name
from kubeinfer_sim.manifest.source import SourceText
from kubeinfer_sim.manifest.suggest import expect_known
from kubeinfer_sim.methods import WrittenIn
from kubeinfer_sim.scenario.actions.model import Apply
from kubeinfer_sim.scenario.cluster.kubectl.listing import Item, read_listing_file
from kubeinfer_sim.scenario.cluster.kubectl.owners import owners_of
from kubeinfer_sim.scenario.load import Overrides, load_scenario
from kubeinfer_sim.scenario.model import Scenario
from kubeinfer_sim.scenario.timings.calibration.document import timings_document
from kubeinfer_sim.scenario.timings.calibration.observe import observe
from kubeinfer_sim.scenario.timings.calibration.rates import Watched

#: So many runs have a fifth smallest and a fifth largest between which 95 % of further ones lie.
RUNS = 199

Progress = Callable[[int, int], None]
#: A workload by kind and name.
_Workload = tuple[str, str]


class Backtested(Struct, frozen=True):
    """A workload's rollout beside its prediction.

    Attributes:
        runs: how many were played, of which something is known.
        drawn: whether anything in them was; else all are the same, and an interval is a point.
        interrupted: there were to be more runs.
    """

    scenario: str
    workload: str
    figures: tuple[Figure, ...]
    runs: int
    drawn: bool
    notes: tuple[str, ...] = ()
    interrupted: bool = False


class Backtest(Struct, frozen=True):
    """Rollouts that have happened, each figure beside what was predicted of it.

    Attributes:
        pods: of the workloads, as they were listed when they were ready, if ever; `events` of all.
        scenarios: that were played, each once.
        failures: runs that came to no end, each with the name of its scenario.
        interrupted: there were to be more runs.
        watched: all that was listed, which tells how often something failed.
    """

    rollouts: tuple[Backtested, ...]
    pods: tuple[Item, ...] = ()
    events: tuple[Item, ...] = ()
    scenarios: tuple[Scenario, ...] = ()
    failures: tuple[tuple[str, Failure], ...] = ()
    interrupted: bool = False
    watched: Watched | None = None

    plot = WrittenIn("report.pictures", "plot_backtest")
    _repr_html_ = WrittenIn("report.notebook", "html_of")

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
        rates = () if self.watched is None else self.watched.rates()
        return timings_document(observed, name, list(sources), rates)

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


class _Case(Struct, frozen=True):
    """A scenario and what was listed of it.

    Attributes:
        name: of its variant: the folder's, else the scenario's.
    """

    name: str
    scenario: Scenario
    listings: Listings
    workloads: Mapping[_Workload, WorkloadSpec]
    truths: Mapping[_Workload, Happened]


def backtest(
    scenario: str | SourceText,
    listings: Sequence[str | SourceText],
    *,
    n: int | None = None,
    workers: Workers = HERE,
    store: str | Path | None = None,
    progress: Progress = lambda done, total: None,
    **loaded: Any,
) -> Backtest:
    """Hold a rollout that has happened against many runs of its scenario. Ctrl-C ends it with the runs there are.

    Args:
        scenario: the scenario's file, or its text.
        listings: what `kubectl get pods,events -o json` wrote before, during and after it.
        n: how many runs; `RUNS` if not given, one where nothing is drawn.
        workers: processes to play in; in this one, if not given.
        store: a file that keeps what every run came to; what it knows is not played again.
        progress: told how many runs are done, of how many.
        loaded: see `load_scenario`.

    Raises:
        InputError: a file is wrong, or holds no pod of the scenario's workloads, or no rollout of theirs.
        UsageError: a store of other inputs.
    """
    listings = several(listings)
    if not listings:
        raise UsageError(
            "backtest takes listings of kubectl: backtest('scenario.yaml', ['before.json', 'after.json'])"
        )
    expect_known(loaded, Overrides.__annotations__ | {"set_values": Any}, "backtest")
    case = _case("", load_scenario(scenario, **loaded), listings)
    return _backtested([case], n, workers, store, progress)


def backtest_folder(
    folder: str,
    *,
    n: int | None = None,
    workers: Workers = HERE,
    store: str | Path | None = None,
    progress: Progress = lambda done, total: None,
    **loaded: Any,
) -> Backtest:
    """Several rollouts: each folder in `folder` that holds a `scenario.yaml`, with the listings `*.json` beside it.

    Arguments and errors are those of `backtest`.

    Raises:
        UsageError: there is no such folder in it, or one without listings.
    """
    scenarios = sorted(Path(folder).glob("*/scenario.yaml"))
    if not scenarios:
        raise UsageError(f"{folder}: no folder in it holds a scenario.yaml, with listings *.json beside it")
    cases = []
    for each in scenarios:
        listings = sorted(map(str, each.parent.glob("*.json")))
        if not listings:
            raise UsageError(f"{each.parent}: no listings *.json beside its scenario.yaml")
        cases.append(_case(each.parent.name, load_scenario(str(each), **loaded), listings))
    return _backtested(cases, n, workers, store, progress)


def _case(name: str, scenario: Scenario, listings: Sequence[str | SourceText]) -> _Case:
    found = read_listings([_source(each) for each in listings])
    workloads: dict[_Workload, WorkloadSpec] = {
        (each.kind, each.name): each for each in (*scenario.workloads, *scenario.created)
    }
    truths: dict[_Workload, Happened] = {}
    for key, each in workloads.items():
        before = None if scenario.initial == "empty" or each not in scenario.workloads else each
        truth = happened(found, each, _last(scenario, each), before)
        if truth is not None:
            truths[key] = truth
    if not truths:
        raise InputError([_of_others(found, list(workloads.values()))])
    return _Case(name or scenario.name, scenario, found, workloads, truths)


def _source(listing: str | SourceText) -> SourceText:
    return read_listing_file(listing) if isinstance(listing, str) else listing


def _last(scenario: Scenario, workload: WorkloadSpec) -> WorkloadSpec:
    """What the workload is in the end, as far as that is known before the run."""
    applied = [each.workload for each in scenario.actions if isinstance(each, Apply)]
    own = [each for each in applied if (each.kind, each.name) == (workload.kind, workload.name)]
    return own[-1] if own else workload


def _of_others(listings: Listings, workloads: Sequence[WorkloadSpec]) -> Diagnostic:
    """The error where no pod is of a workload of the scenario."""
    pods = listings.pods
    spaces = sorted({str(each.value["metadata"].get("namespace") or "default") for each in pods})
    wanted = ", ".join(f"{each.kind} {full_name(each)}" for each in workloads)
    message = f"none of the {len(pods):,} pods listed is of {wanted}"
    more = f"{', '.join(spaces[:5])}{', …' if len(spaces) > 5 else ''}"
    hint = f"they are of the namespace{'s' if len(spaces) > 1 else ''} {more}: is it the right cluster and namespace?"
    return listings.listings[-1].source.diagnostic(None, message, hint=hint, code="backtest")


# -- the runs ----------------------------------------------------------------------------------------------


def _backtested(
    cases: Sequence[_Case],
    n: int | None,
    workers: Workers,
    store: str | Path | None,
    progress: Progress,
) -> Backtest:
    variants = [Variant(each.name, each.scenario, watched=True) for each in cases]
    played: list[list[Played]] = [[] for _ in cases]
    interrupted = False
    with nullcontext() if store is None else opened(store, variants) as kept:

        def play(jobs: Sequence[Job], before: int, total: int) -> None:
            runs = remembered(kept, variants, jobs, len(jobs), workers)
            for number, (job, each) in enumerate(runs, 1):
                played[job.variant].append(each)
                progress(before + number, total)

        try:
            play(list(_jobs(cases, range(len(cases)), 0, 1)), 0, len(cases))
            drawn = [place for place, (first,) in enumerate(played) if _by_chance(first)]
            more = list(_jobs(cases, drawn, 1, n or RUNS))
            play(more, len(cases), len(cases) + len(more))
        except KeyboardInterrupt:
            interrupted = True
    rollouts = tuple(
        each
        for case, runs in zip(cases, played, strict=True)
        for each in _of_case(case, runs, interrupted=interrupted)
    )
    watched = Watched()
    for case in cases:
        for items in case.listings.sources:
            watched.add(items)
    return Backtest(
        rollouts,
        tuple(
            pod for each in cases for pod in each.listings.ready_pods(owners_of([*each.workloads.values()]))
        ),
        tuple(event for each in cases for event in each.listings.events),
        tuple(each.scenario for each in cases),
        tuple(
            (case.name, each)
            for case, runs in zip(cases, played, strict=True)
            for each in runs
            if isinstance(each, Failure)
        ),
        interrupted,
        watched,
    )


def _jobs(cases: Sequence[_Case], of: Iterable[int], first: int, end: int) -> Iterator[Job]:
    """The runs of some scenarios from the `first` of their seeds on."""
    for place in of:
        seed = cases[place].scenario.seed
        yield from (Job(place, seed + each) for each in range(first, end))


def _by_chance(played: Played) -> bool:
    return isinstance(played, Failure) or played.by_chance


def _of_case(case: _Case, played: Sequence[Played], *, interrupted: bool) -> list[Backtested]:
    """Each workload of a scenario that pods were listed of.

    Raises:
        InputError: no run that came to its end makes a pod of one.
    """
    ended = [each for each in played if isinstance(each, Replication)]
    drawn = any(map(_by_chance, played))
    made = []
    for key, truth in case.truths.items():
        kind, name = key
        runs = [each.rollouts[f"{kind}/{name}"] for each in ended if f"{kind}/{name}" in each.rollouts]
        if not runs:
            continue
        notes = [*truth.notes, *case.listings.notes]
        if len(runs) < len(ended):
            notes.append(f"{len(ended) - len(runs):,} of {len(ended):,} runs make no pod of {kind} {name}")
        figures = tuple(figures_of(truth.rollout, runs, drawn=drawn, why=truth.why))
        where = f"{kind} {full_name(case.workloads[key])}"
        made.append(
            Backtested(case.scenario.name, where, figures, len(runs), drawn, tuple(notes), interrupted)
        )
    if ended and not made:
        source = case.listings.listings[-1].source
        message = f"no run of {case.scenario.name} makes a pod, and pods were made: is this its scenario?"
        raise InputError([source.diagnostic(None, message, code="backtest")])
    return made

"""The numbers by which runs are compared."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Literal

from msgspec import Struct

from kubeinfer_sim.experiment.carried_on import (
    Later,
    availability_later,
    capacity_later,
    held_later,
    level_later,
    npu_hours_later,
    of_each,
    outage_later,
    pods_later,
)
from kubeinfer_sim.experiment.common_end import Growth
from kubeinfer_sim.experiment.figures import Figures
from kubeinfer_sim.experiment.in_the_end import (
    finishes,
    instances_for_good,
    pods_for_good,
    starts,
    starts_later,
)
from kubeinfer_sim.metrics import Change, Judged, Judgement, Measures
from kubeinfer_sim.metrics.attribution import CauseSummary
from kubeinfer_sim.metrics.availability import Level, measure_level
from kubeinfer_sim.metrics.cause_kinds import is_order
from kubeinfer_sim.metrics.deployments import DeploymentChange
from kubeinfer_sim.scenario.model import ALL, ONE, Scenario

if TYPE_CHECKING:
    from kubeinfer_sim.metrics.served import ServedPods

#: `held`: 1 or 0.
Unit = Literal["fraction", "ms", "instance-ms", "pod-ms", "count", "NPU-hours", "held"]
Noun = Literal["instance", "pod"]
Measure = Callable[[Figures], float | None]


class Column(Struct, frozen=True):
    """One number of a run.

    Attributes:
        name: its key in the JSON result; `title` heads its row in the table.
        better: whether a high or a low number is the better one.
        measure: the number, in `unit`; None where a run has none.
        decides: whether it is about service, so that it says which variant is better; the others say how.
        about: `objective`, the kind of beginning (of fault, `drain` …) it is about, or "" for the whole run.
        absent: the number of a run that never met what it is about.
        gain: of a column that decides: how much better one variant is, in words, `{}` for the difference; of one that
            is held what it is, and `lack` what is so where it is not.
        at_the_end: whether it is about what is in place in the end: that decides before all that is counted until then.
        goes_without_saying: the number that is not worth a row where every run has it.
        later: how it goes on after the end of a run, in parts, and `over` what of these it is; None: it does not.
        of_one_time: it says nothing beyond the end of the run, so that only runs that end together can be compared.
        unless: the column that is 0 where it has no number since that never came about.
        several: what it is of several workloads: the `worst of` them, `all` together; "" of what they share.
    """

    name: str
    title: str
    unit: Unit
    better: Literal["high", "low"]
    measure: Callable[[Figures], float | None]
    decides: bool = True
    about: str = ""
    absent: float | None = None
    gain: str = ""
    lack: str = ""
    at_the_end: bool = False
    goes_without_saying: float | None = None
    later: Later | None = None
    over: Callable[[Iterable[float]], float] = sum
    of_one_time: bool = False
    unless: str = ""
    several: Literal["worst of", "all", ""] = "worst of"

    def title_in(self, scenario: Scenario) -> str:
        """What heads its row; of several workloads with what it is of them: `instance time lost (all 2)`."""
        title = scenario.accelerator_family.say(self.title)
        kubeinfers = len(scenario.kubeinfers)
        pods = self in DEPLOYMENT_COLUMNS
        number = scenario.number_of_workloads - kubeinfers if pods else kubeinfers
        alone = number < 2 or not self.several or self.about
        return title if alone else f"{title} ({self.several} {number:,})"


def columns_of(found: Figures) -> Iterator[Column]:
    """The columns a run has a number for: of the whole run, of its objectives, of each kind of fault."""
    if found.kubeinfers:
        yield from _WITH_BARE_PODS if found.cluster.bare_pods and not found.pods else COLUMNS
    if found.pods or not found.kubeinfers:
        yield from DEPLOYMENT_COLUMNS
    yield from _objectives(found.judged)
    for kind, cause in found.kinds.items():
        if cause.incidents and not is_order(kind):
            yield from _of_kind(kind, "instance" if found.kubeinfers else "pod")


def columns_for(judged: Sequence[Judged], names: Collection[str]) -> Iterator[Column]:
    """The columns of these names, in the order of `columns_of`; `judged`: the objectives they are about."""
    kinds = dict.fromkeys(name.split("/")[1] for name in names if name.startswith("causes/"))
    of_kubeinfers = COLUMNS if "minAvailable" in names else _WITH_BARE_PODS
    own = (*of_kubeinfers, *DEPLOYMENT_COLUMNS) if "minReady" in names else DEPLOYMENT_COLUMNS
    known = (
        *own,
        *_objectives(judged),
        *(c for kind in kinds for c in _of_kind(kind, "instance" if "minReady" in names else "pod")),
    )
    first: dict[str, Column] = {}
    for column in known:
        if column.name in names:
            first.setdefault(column.name, column)
    yield from first.values()


def _objectives(judged: Sequence[Judged]) -> Iterator[Column]:
    for index, each in enumerate(judged):
        own = f"{each.owner}: " if each.owner else ""
        title = f"{own}{each.name}{f' ({each.level})' if each.level else ''} held"
        name = f"objectives/{index}/{each.name}"
        yield Column(name, title, "held", "high", _held(index), decides=False, about="objective")


_TIME_OF: dict[Noun, Unit] = {"instance": "instance-ms", "pod": "pod-ms"}


def _of_kind(kind: str, noun: Noun) -> Iterator[Column]:
    """What faults of a kind cost, and how long it took until something was not ready, and again ready."""
    name = f"causes/{kind}"

    def of(measure: Callable[[CauseSummary], float | None]) -> Callable[[Figures], float | None]:
        return lambda figures: measure(figures.kinds[kind]) if kind in figures.kinds else None

    def lost(figures: Figures) -> float:
        return figures.kinds[kind].total if kind in figures.kinds else 0

    def hit(figures: Figures) -> float:
        return figures.kinds[kind].incidents if kind in figures.kinds else 0

    yield Column(f"{name}/incidents", f"{noun}s hit", "count", "low", hit, False, kind, 0)

    def not_repaired(figures: Figures) -> float:
        cause = figures.kinds.get(kind)
        return cause.lasting if cause else 0

    def goes_on(figures: Figures) -> Sequence[Growth]:
        cause = figures.kinds[kind]
        return [Growth(cause.total, cause.missing.total())]

    yield Column(
        f"{name}/lostInstanceMs", "time lost", _TIME_OF[noun], "low", lost, False, kind, 0, later=goes_on
    )
    yield Column(f"{name}/meanDetectionMs", "until unready", "ms", "low", of(_detection), False, kind)
    yield Column(f"{name}/meanRepairMs", "until ready", "ms", "low", of(_repair), False, kind)
    yield Column(
        f"{name}/notRepaired",
        "not ready again",
        "count",
        "low",
        not_repaired,
        False,
        kind,
        0,
        goes_without_saying=0,
    )


def _detection(cause: CauseSummary) -> float | None:
    return cause.detection


def _repair(cause: CauseSummary) -> float | None:
    return cause.repair


def _held(index: int) -> Callable[[Figures], float | None]:
    """1 when it was held, 0 when it was missed; None when the run ended before that could be told."""

    def held(figures: Figures) -> float | None:
        judgement = figures.judged[index].judgement
        return None if judgement is Judgement.OPEN else float(judgement is Judgement.HELD)

    return held


def _last_changes(figures: Figures) -> list[Change]:
    """The last change of each KubeInfer for which instances come or go."""
    last = [each.last_material for each in figures.measures_of_all]
    return [change for change in last if change is not None and "created" not in change.changed]


def _completes(figures: Figures) -> float | None:
    """Whether what was asked for last came into place, of every KubeInfer."""
    changes = _last_changes(figures)
    return float(all(change.completed is not None for change in changes)) if changes else None


def _takes(figures: Figures) -> float | None:
    """How long that took, of the slowest."""
    took = [change.duration for change in _last_changes(figures)]
    finished = [each for each in took if each is not None]
    return max(finished) if finished and len(finished) == len(took) else None


def _sum(of: Callable[[Measures], float]) -> Callable[[Figures], float | None]:
    """Over all KubeInfers."""
    return lambda figures: sum(of(each) for each in figures.measures_of_all)


def _fewest_ready(figures: Figures) -> float | None:
    """Of the KubeInfer that has the fewest, from when readiness is owed."""
    return min((each.whole.min_ready.value for each in figures.measures_of_all), default=None)


def _availability(figures: Figures) -> float | None:
    """Ready instances (not more than wanted), over time, as a fraction of those wanted; the lowest of several."""
    fractions = [each.whole.availability for each in figures.measures_of_all]
    return min((float(each) for each in fractions if each is not None), default=None)


def _capacity(figures: Figures) -> float | None:
    """The same of the capacity: an instance counts as much as its weakest role."""
    held = [each.capacity for each in figures.availability_of_all]
    return min((float(each) for each in held if each is not None), default=None)


def _unserved(figures: Figures) -> float | None:
    return None if figures.demand is None else float(figures.demand.fraction or 0)


def _overload(figures: Figures) -> float | None:
    return None if figures.demand is None else float(figures.demand.overloaded)


def _level(name: str, measure: Callable[[Level], float]) -> Callable[[Figures], float | None]:
    """A number of one of the levels every run has; the worst of several KubeInfers."""

    def worst(figures: Figures) -> float | None:
        levels = [level for each in figures.availability_of_all for level in each.levels]
        return max((measure(level) for level in levels if level.name == name), default=None)

    return worst


def _longest(level: Level) -> float:
    return level.longest


def _outages(level: Level) -> float:
    return level.outages


def _npu_hours(figures: Figures) -> float:
    """NPUs of the instances that were missing, over time."""
    return sum(each.value for each in npu_hours_later(figures))


def _replaced(measures: Measures) -> float:
    """Pods made anew: all but the first at their place of their instance."""
    lives = measures.instances
    return sum(len(life.pods) - len({pod.pod.place for pod in life.pods}) for life in lives)


def _degraded(measures: Measures) -> float:
    """How long instances were without pods they had given up."""
    return sum(life.degraded for life in measures.instances)


def _restarts(measures: Measures) -> float:
    return sum(life.restarts for life in measures.instances)


def _container_restarts(measures: Measures) -> float:
    return sum(life.container_restarts for life in measures.instances)


_PEAK_NPUS = Column(
    "peakNpus",
    "most NPUs in use",
    "count",
    "low",
    lambda found: found.measures.peak_npus,
    decides=False,
    several="",
)
_FINISHES = Column(
    "finishes",
    "finishes or is cut short",
    "held",
    "high",
    finishes,
    gain="all that was asked for comes about",
    lack="something that was asked for never comes about",
    at_the_end=True,
    goes_without_saying=1,
    several="",
)
_PODS_MISSING_FOR_GOOD = Column(
    "podsMissingForGood",
    "pods missing for good",
    "count",
    "low",
    pods_for_good,
    gain="{} fewer pods missing for good",
    at_the_end=True,
    several="all",
)
#: By the first in which two variants differ it is decided which one is better.
COLUMNS: tuple[Column, ...] = (
    Column(
        "completes",
        "last change completes",
        "held",
        "high",
        _completes,
        gain="the last change completes",
        lack="the last change does not complete",
        at_the_end=True,
    ),
    _FINISHES,
    Column(
        "missingForGood",
        "missing for good",
        "count",
        "low",
        instances_for_good,
        gain="{} fewer missing for good",
        at_the_end=True,
        several="all",
    ),
    Column(
        "firstReadyMs",
        "at first not all ready",
        "ms",
        "low",
        lambda found: starts(found.measures_of_all, found.run),
        gain="all are ready {} earlier",
        later=lambda found: starts_later(found.measures_of_all, found.run),
        over=max,
    ),
    Column(
        "lostInstanceMs",
        "instance time lost",
        "instance-ms",
        "low",
        _sum(lambda m: m.whole.lost),
        gain="{} less instance time lost",
        later=of_each(lambda m: Growth(m.whole.lost, m.losing)),
        several="all",
    ),
    Column(
        "availability",
        "availability",
        "fraction",
        "high",
        _availability,
        gain="availability is {} higher",
        later=availability_later,
        over=min,
    ),
    Column(
        "capacity",
        "capacity",
        "fraction",
        "high",
        _capacity,
        gain="capacity is {} higher",
        later=capacity_later,
        over=min,
    ),
    Column(
        "unserved",
        "load not served",
        "fraction",
        "low",
        _unserved,
        gain="{} less of the load not served",
        of_one_time=True,
        several="",
    ),
    Column(
        "overloadMs",
        "overloaded",
        "ms",
        "low",
        _overload,
        gain="{} less time overloaded",
        of_one_time=True,
        several="",
    ),
    Column(
        "longestOutageMs",
        "longest with none ready",
        "ms",
        "low",
        _level("one", _longest),
        gain="the longest time with none ready is {} shorter",
        later=level_later(ONE),
        over=max,
    ),
    Column(
        "longestShortMs",
        "longest below wanted",
        "ms",
        "low",
        _level("all", _longest),
        gain="the longest time below wanted is {} shorter",
        later=level_later(ALL),
        over=max,
    ),
    Column(
        "npuHoursLost",
        "NPU-hours lost",
        "NPU-hours",
        "low",
        _npu_hours,
        gain="{} fewer NPU-hours lost",
        later=npu_hours_later,
        several="all",
    ),
    Column(
        "notReadyAtEnd",
        "not ready in the end",
        "count",
        "low",
        _sum(lambda m: m.losing),
        decides=False,
        several="all",
    ),
    Column(
        "lastChangeMs",
        "last change takes",
        "ms",
        "low",
        _takes,
        gain="the last change takes {} less",
        unless="completes",
    ),
    Column("minReady", "fewest ready", "count", "high", _fewest_ready, decides=False),
    Column("outages", "times with none ready", "count", "low", _level("one", _outages), decides=False),
    Column("timesShort", "times below wanted", "count", "low", _level("all", _outages), decides=False),
    _PEAK_NPUS,
    Column(
        "degradedMs",
        "instance time degraded",
        "instance-ms",
        "low",
        _sum(_degraded),
        decides=False,
        several="all",
    ),
    Column("restarts", "restarts", "count", "low", _sum(_restarts), decides=False, several="all"),
    Column("podsRebuilt", "pods rebuilt", "count", "low", _sum(_replaced), decides=False, several="all"),
    Column(
        "containerRestarts",
        "containers restarted",
        "count",
        "low",
        _sum(_container_restarts),
        decides=False,
        several="all",
    ),
)


def _of_pods(of: Callable[[ServedPods], float | None], over: Callable[[list[float]], float]) -> Measure:
    """Of all Deployments and their like together; None where there is none that has a number."""

    def measure(found: Figures) -> float | None:
        numbers = [number for each in found.pods if (number := of(each)) is not None]
        return over(numbers) if numbers else None

    return measure


def _changed(pods: ServedPods) -> DeploymentChange | None:
    """The last change of one that was there for which pods come or go."""
    material = [each for each in pods.changes if each.is_material and "created" not in each.changed]
    return material[-1] if material else None


def _rolls_out(pods: ServedPods) -> float | None:
    return None if (change := _changed(pods)) is None else float(change.completed is not None)


def _rollout_takes(pods: ServedPods) -> float | None:
    change = _changed(pods)
    return None if change is None or change.duration is None else float(change.duration)


def _pod_availability(pods: ServedPods) -> float | None:
    return None if pods.whole.availability is None else float(pods.whole.availability)


def _longest_without(pods: ServedPods) -> float:
    return measure_level(ONE, pods).longest


#: Of the pods of Deployments, StatefulSets, ReplicaSets and DaemonSets, beside KubeInfers or alone.
#: The same where there are Pods that nobody makes anew beside KubeInfers, and no Deployments.
_WITH_BARE_PODS = tuple(
    each
    for column in COLUMNS
    for each in ((column, _PODS_MISSING_FOR_GOOD) if column.name == "missingForGood" else (column,))
)
DEPLOYMENT_COLUMNS: tuple[Column, ...] = (
    Column(
        "rolloutCompletes",
        "rollout completes",
        "held",
        "high",
        _of_pods(_rolls_out, min),
        gain="the rollout completes",
        lack="the rollout does not complete",
        at_the_end=True,
    ),
    _FINISHES,
    _PODS_MISSING_FOR_GOOD,
    Column(
        "firstAvailableMs",
        "at first not all available",
        "ms",
        "low",
        lambda found: starts(found.pods, found.run),
        gain="all are available {} earlier",
        later=lambda found: starts_later(found.pods, found.run),
        over=max,
    ),
    Column(
        "lostPodMs",
        "pod time lost",
        "pod-ms",
        "low",
        _of_pods(lambda pods: pods.whole.lost, sum),
        later=pods_later(lambda pods: [Growth(pods.whole.lost, pods.losing)]),
        gain="{} less pod time lost",
        several="all",
    ),
    Column(
        "podAvailability",
        "pods available",
        "fraction",
        "high",
        _of_pods(_pod_availability, min),
        gain="availability of the pods is {} higher",
        later=pods_later(held_later),
        over=min,
    ),
    Column(
        "longestUnavailableMs",
        "longest with none available",
        "ms",
        "low",
        _of_pods(_longest_without, max),
        gain="the longest time with none available is {} shorter",
        later=pods_later(lambda pods: outage_later(ONE, measure_level(ONE, pods), pods)),
        over=max,
    ),
    Column(
        "podsMissing",
        "pods missing in the end",
        "count",
        "low",
        _of_pods(lambda pods: pods.losing, sum),
        decides=False,
        several="all",
    ),
    Column(
        "rolloutMs",
        "rollout takes",
        "ms",
        "low",
        _of_pods(_rollout_takes, max),
        gain="the rollout takes {} less",
        unless="rolloutCompletes",
    ),
    Column(
        "minAvailable",
        "fewest available",
        "count",
        "high",
        _of_pods(lambda pods: pods.whole.min_ready.value, min),
        decides=False,
    ),
    _PEAK_NPUS,
)

#: The names that columns of the whole run may have; those of objectives and causes have one for each.
OF_THE_WHOLE_RUN = tuple(dict.fromkeys(each.name for each in (*_WITH_BARE_PODS, *DEPLOYMENT_COLUMNS)))
#: Columns without a number where something never came about -> the column that is 0 there.
UNLESS = {each.name: each.unless for each in (*COLUMNS, *DEPLOYMENT_COLUMNS) if each.unless}

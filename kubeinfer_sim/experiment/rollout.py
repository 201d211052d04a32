"""A rollout as far as it can be seen from outside: what is measured of it, simulated or real, by the same rules."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from math import inf
from operator import itemgetter
from statistics import median
from typing import Literal, NamedTuple

from msgspec import Struct, field

Stage = Literal["schedule", "setUp", "image", "init", "start"]
#: The stages of a pod that can be seen, in their order, with between which of its moments each lies, or of what it is
#: made up.
STAGES: dict[Stage, tuple[str, ...]] = {
    "schedule": ("created", "scheduled"),
    "setUp": ("scheduled", "started"),
    "image": ("pulls",),
    "init": ("inits",),
    "start": ("started", "ready"),
}


class Between(NamedTuple):
    """A number that is known to lie between two bounds, which are equal where it is known."""

    low: float
    high: float


class Readiness(Struct, frozen=True):
    """A stretch of time in which a pod was ready, s: surely until `until`, and at most until `at_most`."""

    since: float
    until: float
    at_most: float


class PodSeen(Struct):
    """A pod as its object shows it; moments in seconds, None: not known, or not come.

    Attributes:
        name: the same for pods that follow one another at a place of an instance.
        instance: what it is ready together with; by itself where it is a pod of its own.
        ordinal: the instance by the name it shares with what it replaces; "" of pods whose names are drawn.
        pulls: how long its images were pulled in all, waiting for other pulls included, s; 0 where all were there.
        inits: how long its init containers ran, s; None without any.
        stays: whether it is there at the end, and not being deleted.
        restarted: when it was first seen with a start of its containers, that was not their first.
    """

    name: str
    instance: str
    ordinal: str = ""
    revision: str = ""
    created: float | None = None
    scheduled: float | None = None
    started: float | None = None
    ready: float | None = None
    pulls: float | None = None
    inits: float | None = None
    readiness: list[Readiness] = field(default_factory=list)
    stays: bool = True
    restarted: bool = False


class Rollout(Struct, frozen=True):
    """What is measured of one.

    Attributes:
        duration: from the creation of its first pod until the last of those that stay was ready, s; infinite above
            where that had not come; None where it is not known when its pods were created.
        fewest_ready: instances, or pods that are none of one, from its first deletion or creation to its end; None
            where no pod from before is known, or not when it began.
        stages: the median over its pods, s.
        order: the instances of its pods, those created in one second together.
        pods: how many it made that stay.
    """

    duration: Between | None
    fewest_ready: Between | None
    stages: Mapping[Stage, float]
    order: tuple[tuple[str, ...], ...]
    pods: int

    @property
    def is_over(self) -> bool:
        """Whether it had come to its end when it was seen last."""
        return self.duration is not None and self.duration.high < inf


def rollout_of(pods: Sequence[PodSeen], new: Iterable[PodSeen], seen_until: float) -> Rollout:
    """Measure the rollout that made the pods `new`, at least one.

    Args:
        pods: all of the workload.
        new: those that it made.
        seen_until: up to when it was watched, s.
    """
    made = {id(each): each for each in new}
    staying = [each for each in made.values() if each.stays]
    created = [each.created for each in made.values() if each.created is not None]
    stages = _stages(made.values())
    if len(created) < len(made):
        return Rollout(None, None, stages, (), len(staying))
    begun = min(created)
    before = [each for each in pods if id(each) not in made]
    readied = [each.ready for each in staying if each.ready is not None]
    over = bool(staying) and len(readied) == len(staying) and not any(each.stays for each in before)
    end = max(readied, default=begun) if over else seen_until
    duration = Between(end - begun, end - begun if over else inf)
    fewest = None
    if before:
        since = min([begun, *(span.until for each in before for span in each.readiness[-1:])])
        fewest = Between(_fewest(pods, since, end, surely=True), _fewest(pods, since, end, surely=False))
    return Rollout(duration, fewest, stages, _order(made.values()), len(staying))


def _stages(made: Iterable[PodSeen]) -> dict[Stage, float]:
    """The median of each stage, over the pods that tell it and whose containers did not restart.

    Events are kept for an hour, so those of the first pulls, which are the cold ones, are the first to be missing: of
    pulls there is a median only where all pods that have started tell of theirs.
    """
    pods = [each for each in made if not each.restarted]
    stages: dict[Stage, float] = {}
    for stage, moments in STAGES.items():
        if stage == "image" and any(pod.started is not None and pod.pulls is None for pod in pods):
            continue
        known = [[getattr(pod, each) for each in moments] for pod in pods]
        lengths = [
            max(0.0, each[-1] - each[0]) if len(each) > 1 else each[0] for each in known if None not in each
        ]
        if lengths:
            stages[stage] = float(median(lengths))
    return stages


def _order(made: Iterable[PodSeen]) -> tuple[tuple[str, ...], ...]:
    first: dict[str, int] = {}
    for pod in made:
        if pod.ordinal and pod.created is not None:
            first[pod.ordinal] = min(first.get(pod.ordinal, int(pod.created)), int(pod.created))
    at: dict[int, list[str]] = defaultdict(list)
    for ordinal, when in first.items():
        at[when].append(ordinal)
    return tuple(tuple(sorted(at[when])) for when in sorted(at))


def _fewest(pods: Sequence[PodSeen], since: float, end: float, *, surely: bool) -> float:
    """The fewest instances that were ready at once; where an end is not known, as early or as late as it can be."""
    size: dict[str, set[str]] = defaultdict(set)
    for pod in pods:
        size[pod.instance].add(pod.name)
    ready: Counter[tuple[str, str]] = Counter()
    names: Counter[str] = Counter()
    number, fewest = 0, inf
    for at, together in groupby(sorted(_steps(pods, surely=surely)), key=itemgetter(0)):
        if at > since:
            fewest = min(fewest, number)  # as it was until now
        if at >= end:
            return fewest
        for _, step, instance, name in together:
            whole = names[instance] == len(size[instance])
            before = ready[instance, name] > 0
            ready[instance, name] += step
            names[instance] += (ready[instance, name] > 0) - before
            number += (names[instance] == len(size[instance])) - whole
    return min(fewest, number)


def _steps(pods: Iterable[PodSeen], *, surely: bool) -> Iterator[tuple[float, int, str, str]]:
    for pod in pods:
        for span in pod.readiness:
            until = span.until if surely else span.at_most
            if until > span.since:
                yield span.since, 1, pod.instance, pod.name
                if until != inf:
                    yield until, -1, pod.instance, pod.name

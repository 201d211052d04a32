"""Which stage each pod was in when: a row a pod, or of many an instance, or of more how many are in which stage."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain

from msgspec import Struct, field
from msgspec.structs import replace

from kubeinfer_sim.cluster.stages import Part, StageKind
from kubeinfer_sim.metrics import InstanceLife, Span, Steps
from kubeinfer_sim.report.instances import group_of
from kubeinfer_sim.report.series.steps import counted, sampled
from kubeinfer_sim.report.words import count, point, rounded

#: What a pod does, from the farthest from service to the end, in words; keys of stages before are those of `group_of`.
PHASES = {
    "wait": "waits for a place",
    "image": "image and set-up",
    "gang": "waits for the others",
    "engine": "engine starts",
    "weights": "loads weights",
    "graph": "compiles graphs",
    "ready": "warm-up and probes",
    "unready": "not ready again",
    "serving": "ready",
    "stopping": "stops",
}
#: What a pod does that has no others to wait for.
_ALONE = {"gang": "rank table"}
#: Rows of a picture at most, and bars in it.
MOST_ROWS, MOST_BARS = 80, 4_000
_ORDER = {phase: place for place, phase in enumerate(PHASES)}


class Bar(Struct, frozen=True):
    """A stretch of a row, in ms, and what is said of it."""

    row: int
    phase: str
    since: int
    until: int
    text: str


class StagesByRow(Struct, frozen=True):
    """Bars in rows.

    Attributes:
        rows: names, in order.
        of: what a row is: a pod, or an instance in the stage of the pod of it that is farthest from service.
        pods: how many there were.
        words: of each phase.
    """

    rows: list[str]
    of: str
    bars: list[Bar]
    pods: int
    until: int
    words: Mapping[str, str] = field(default_factory=PHASES.copy)


class StageCounts(Struct, frozen=True):
    """How many pods were in which phase, at each of the times (ms) at which that changes.

    Attributes:
        thinned: each time is told as it was when the fewest around it were ready.
        words: of each phase.
    """

    at: list[int]
    by_phase: dict[str, list[int]]
    pods: int
    thinned: bool = False
    words: Mapping[str, str] = field(default_factory=PHASES.copy)


def phase_of(kind: StageKind) -> str:
    """To which phase a stage belongs."""
    if kind in (StageKind.SERVING, StageKind.HANGING):
        return "serving"
    if kind.part is Part.RUN:
        return "unready"
    if kind.part is Part.STOP:
        return "stopping"
    return group_of(kind)


def stages(instances: Sequence[InstanceLife], until: int) -> StagesByRow | StageCounts | None:
    """A row for each pod where there are few enough, else for each instance, else counts; None without any pod.

    Args:
        instances: of KubeInfers, and pods of others, each of which counts as one.
        until: up to when it is told, ms.
    """
    made = _stages(instances, until)
    alone = all(len({pod.pod.name for pod in life.pods}) <= 1 for life in instances)
    return replace(made, words={**PHASES, **_ALONE}) if alone and made is not None else made


def _stages(instances: Sequence[InstanceLife], until: int) -> StagesByRow | StageCounts | None:
    lives = [pod for life in instances for pod in life.pods]
    if not any(pod.spans for pod in lives):
        return None
    pods = _rows_of_pods(instances)
    if len(pods) <= MOST_ROWS and sum(map(len, pods.values())) <= MOST_BARS:
        return _by_row(pods, "pod", len(lives), until)
    if any(life.instance.has_roles for life in instances):
        of_instances = _rows_of_instances(instances)
        if len(of_instances) <= MOST_ROWS and sum(map(len, of_instances.values())) <= MOST_BARS:
            return _by_row(of_instances, "instance", len(lives), until)
    return _counts([span for pod in lives for span in pod.spans], len(lives), until)


def _by_row(
    rows: Mapping[str, list[tuple[str, int, int, str]]], of: str, pods: int, until: int
) -> StagesByRow:
    bars = [Bar(place, *bar) for place, own in enumerate(rows.values()) for bar in own if bar[1] < until]
    return StagesByRow(list(rows), of, bars, pods, until)


def _rows_of_pods(instances: Iterable[InstanceLife]) -> dict[str, list[tuple[str, int, int, str]]]:
    """By name, which a pod that is made again may have once more."""
    rows: dict[str, list[tuple[str, int, int, str]]] = {}
    for life in sorted(
        instances, key=lambda each: (each.instance.owner, each.instance.ordinal, each.instance.uid)
    ):
        for pod in life.pods:
            own = rows.setdefault(pod.pod.name, [])
            where = f", on {pod.node}" if pod.node else ""
            for span in pod.spans:
                own.append((phase_of(span.stage.kind), span.since, span.until, f"{_text(span)}{where}"))
    return rows


def _text(span: Span) -> str:
    """`weights: 41s (warm), from 1m to 1m41s`."""
    why = f" ({span.regime})" if span.regime else ""
    cut = ", then cut off" if span.cut else ""
    length = rounded(span.until - span.since)
    return f"{span.stage}: {length}{why}, from {point(span.since)} to {point(span.until)}{cut}"


def _rows_of_instances(instances: Iterable[InstanceLife]) -> dict[str, list[tuple[str, int, int, str]]]:
    """By name; in the phase of the pod that is farthest from service."""
    lives: dict[str, list[InstanceLife]] = {}
    for life in sorted(
        instances, key=lambda each: (each.instance.owner, each.instance.ordinal, each.instance.uid)
    ):
        lives.setdefault(life.instance.name, []).append(life)
    return {
        name: [
            (phase, since, to, f"{PHASES[phase]}: {rounded(to - since)}, from {point(since)} to {point(to)}")
            for phase, since, to in chain.from_iterable(map(_farthest, own))
        ]
        for name, own in lives.items()
    }


def _farthest(life: InstanceLife) -> Iterator[tuple[str, int, int]]:
    """(phase, from, until) of an instance, neighbours different."""
    changes: dict[int, Counter[int]] = {}
    for span in (span for pod in life.pods for span in pod.spans):
        order = _ORDER[phase_of(span.stage.kind)]
        changes.setdefault(span.since, Counter())[order] += 1
        changes.setdefault(span.until, Counter())[order] -= 1
    names, there = list(PHASES), Counter[int]()
    began, before = 0, -1
    for at in sorted(changes):
        for order, by in changes[at].items():
            there[order] += by
        now = min((order for order, number in there.items() if number > 0), default=-1)
        if now != before:
            if before >= 0:
                yield names[before], began, at
            began, before = at, now


def _counts(spans: Iterable[Span], pods: int, until: int) -> StageCounts:
    stretches: dict[str, list[tuple[int, int]]] = {phase: [] for phase in PHASES}
    for span in spans:
        stretches[phase_of(span.stage.kind)].append((span.since, span.until))
    by_phase: dict[str, Steps] = {phase: counted(own) for phase, own in stretches.items() if own}
    names = list(by_phase)
    ready = names.index("serving") if "serving" in names else 0
    points, thinned = sampled([*by_phase.values()], 0, max(until, 1), lambda values: values[ready])
    return StageCounts(
        [at for at, _ in points],
        {name: [values[place] for _, values in points] for place, name in enumerate(names)},
        pods,
        thinned,
    )


def how_told(series: StagesByRow | StageCounts) -> str:
    """What a row is, and that it is put together, where it is."""
    if isinstance(series, StagesByRow):
        if series.of == "pod":
            return "A row is a pod."
        return (
            f"A row is an instance, as the pod of it that is farthest from service: {count(series.pods, 'pod')} are "
            "too many for a row each."
        )
    thinned = (
        " Each point in time is drawn as it was when the fewest around it were ready."
        if series.thinned
        else ""
    )
    return f"{count(series.pods, 'pod')} are too many for a row each: how many are in which stage.{thinned}"

"""The instances of a run as rows of a table; identical timelines share a row."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Generic, TypeVar

from msgspec import Struct

from kubeinfer_sim.cluster.stages import StageKind
from kubeinfer_sim.metrics import InstanceLife, Measures, PodLife, Span
from kubeinfer_sim.report.chart import revision_names
from kubeinfer_sim.report.words import count, rounded

#: Stages that belong together in a narrow table.
GROUPS = {
    "wait": (StageKind.PENDING, StageKind.BIND),
    "image": (
        StageKind.IMAGE,
        StageKind.INIT,
        StageKind.SIDECAR,
        StageKind.VOLUMES,
        StageKind.CREATE,
        StageKind.POST_START,
        StageKind.PULL_BACK_OFF,
    ),
    "gang": (StageKind.BARRIER, StageKind.RANK_TABLE),
    "engine": (StageKind.IMPORT, StageKind.COMMUNICATOR),
    "weights": (StageKind.WEIGHTS,),
    "graph": (StageKind.GRAPH,),
    "ready": (StageKind.WARM_UP, StageKind.PROBES),
    "other": (),
}
#: The same for a very narrow one.
COARSE = {
    "start": ("wait", "image", "gang"),
    "load": ("engine", "weights", "graph"),
    "ready": ("ready",),
    "other": ("other",),
}
T = TypeVar("T")
_GROUP_OF = {kind: group for group, kinds in GROUPS.items() for kind in kinds}
_COARSE_OF = {group: coarse for coarse, groups in COARSE.items() for group in groups}


class Start(Struct, frozen=True):
    """How an instance started: its pace-setting pod's stages in ms, in order.

    Attributes:
        took: from its creation until it was ready; None when it never was.
        cut: the stage it was in when it was deleted or the run ended, None when it became ready.
        note: what else there is to say (`no place`, its pods' trouble, restarts).
    """

    revision: str
    stages: tuple[tuple[StageKind, int], ...]
    took: int | None
    cut: StageKind | None
    note: str


class Stop(Struct, frozen=True):
    """How an instance stopped: stages of its last pod in ms; `took` None when it is not gone in the end."""

    revision: str
    reason: str
    stages: tuple[tuple[StageKind, int], ...]
    took: int | None


class Row(Struct, Generic[T]):
    """Instances with the same timeline: `at` is when each began."""

    what: T
    ordinals: list[int]
    at: list[int]


def starts(measures: Measures) -> list[Row[Start]]:
    """The instances that were created during the run, by first creation."""
    names = revision_names(measures)
    rows: dict[Start, Row[Start]] = {}
    for life in measures.instances:
        if not (life.ran_at_start and life.ready == life.created):
            _add(rows, _start(life, names), life.instance.ordinal, life.created)
    return list(rows.values())


def stops(measures: Measures) -> list[Row[Stop]]:
    """The instances that were deleted, by first deletion."""
    names = revision_names(measures)
    rows: dict[Stop, Row[Stop]] = {}
    deleted = [life for life in measures.instances if life.deleting is not None]
    for life in sorted(deleted, key=lambda life: (life.deleting or 0, life.instance.uid)):
        _add(rows, _stop(life, names), life.instance.ordinal, life.deleting or 0)
    return list(rows.values())


def untouched(measures: Measures) -> list[InstanceLife]:
    """The instances that ran at the start and were neither deleted nor restarted nor lost readiness."""
    return [
        life
        for life in measures.instances
        if life.ran_at_start
        and life.ready == life.created
        and life.deleting is None
        and not (life.restarts or life.concerning or life.container_restarts or life.failed)
    ]


def disturbed(measures: Measures) -> list[InstanceLife]:
    """The instances that lost readiness or were restarted."""
    return [life for life in measures.instances if life.restarts or life.concerning or life.failed]


def disturbance(life: InstanceLife) -> str:
    """`lost readiness 1 time, rebuilt 1 time; in the end ready`."""
    what = []
    if life.concerning:
        what.append(f"lost readiness {count(life.concerning, 'time')}")
    if life.restarts:
        what.append(f"rebuilt {count(life.restarts, 'time')}")
    if life.container_restarts:
        what.append(f"{count(life.container_restarts, 'container restart')}")
    if life.given_up:
        what.append(f"gave up {count(life.given_up, 'pod')} and did without for {rounded(life.degraded)}")
    if life.failed:
        what.append(f"failed: {life.failed}")
    return f"{', '.join(what)}; in the end {life.state}"


def start_up(rows: Sequence[Row[Start]]) -> str:
    """How many instances started, how long that took, and where the longest start spent its time; "" without any."""
    done = [row.what for row in rows if row.what.took is not None]
    if not done:
        return ""
    lengths = sorted(start.took or 0 for start in done)
    first, last = rounded(lengths[0]), rounded(lengths[-1])
    longest = max(done, key=lambda start: start.took or 0)
    split = summed(longest.stages, group_of)
    parts = [f"{name} {rounded(split[name])}" for name in GROUPS if split.get(name)]
    took = first if first == last else f"{first} to {last}"
    number = sum(len(row.ordinals) for row in rows if row.what.took is not None)
    text = f"{count(number, 'instance')}, ready after {took}"
    return f"{text}{'' if first == last else ', the longest'}: {' · '.join(parts)}" if parts else text


def group_of(stage: StageKind) -> str:
    """The group a stage belongs to."""
    return _GROUP_OF.get(stage, "other")


def coarse_group_of(stage: StageKind) -> str:
    """The coarse group a stage belongs to."""
    return _COARSE_OF[group_of(stage)]


def summed(stages: Iterable[tuple[StageKind, int]], group: Callable[[StageKind], str]) -> dict[str, int]:
    """Lengths of stages summed up by group."""
    sums: dict[str, int] = {}
    for stage, length in stages:
        sums[group(stage)] = sums.get(group(stage), 0) + length
    return sums


def _add(rows: dict[T, Row[T]], what: T, ordinal: int, at: int) -> None:
    row = rows.setdefault(what, Row(what, [], []))
    row.ordinals.append(ordinal)
    row.at.append(at)


def _start(life: InstanceLife, names: dict[str, str]) -> Start:
    pod = life.pace
    spans = [] if pod is None else pod.start_up()
    cut = None if life.ready is not None or not spans else spans[-1].stage.kind
    note = ""
    if life.ready is None:
        note = {"pending": "no place", "gone": "deleted", "terminating": "deleted"}.get(life.state, "")
        note = note or ("" if pod is None else pod.reason if pod.detail else pod.trouble)
    restarts = life.restarts + life.container_restarts
    if restarts:
        note = f"{note}, {restarts:,}× restarted".removeprefix(", ")
    took = None if life.ready is None else life.ready - life.created
    return Start(names.get(life.revision, ""), _lengths(spans), took, cut, note)


def _stop(life: InstanceLife, names: dict[str, str]) -> Stop:
    last: PodLife | None = max(life.pods, key=lambda pod: (pod.gone is None, pod.gone or 0), default=None)
    since = life.deleting or 0
    spans = [] if last is None else [span for span in last.spans if span.since >= since]
    took = None if life.gone is None else life.gone - since
    return Stop(names.get(life.revision, ""), life.delete_reason, _lengths(spans), took)


def _lengths(spans: Iterable[Span]) -> tuple[tuple[StageKind, int], ...]:
    sums: dict[StageKind, int] = {}
    for span in spans:
        sums[span.stage.kind] = sums.get(span.stage.kind, 0) + span.until - span.since
    return tuple(sums.items())

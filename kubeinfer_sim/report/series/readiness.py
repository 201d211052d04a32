"""How many instances, or pods, of each workload were ready, starting and terminating over a run, and what happened."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Literal

from msgspec import Struct

from kubeinfer_sim.cluster.stages import Part, StageKind
from kubeinfer_sim.manifest.model import KINDS_WITH_TEMPLATES
from kubeinfer_sim.metrics import InstanceLife, Measures, Steps
from kubeinfer_sim.metrics.deployments import DeploymentMeasures
from kubeinfer_sim.metrics.faults import FaultCourse
from kubeinfer_sim.metrics.steps import segments
from kubeinfer_sim.report.chart import revision_names, revisions_by_age, time_range
from kubeinfer_sim.report.marks import marks_of
from kubeinfer_sim.report.series.steps import counted, sampled
from kubeinfer_sim.report.verdict import Assessment
from kubeinfer_sim.report.words import count, rounded
from kubeinfer_sim.scenario.actions.model import Action, Fault

#: What instances are counted as, from the bottom of the picture.
What = Literal["new", "middle", "old", "starting", "terminating"]
#: Faults that get a mark at most.
MOST_FAULTS = 200
_READY = (StageKind.SERVING, StageKind.HANGING)


class Event(Struct, frozen=True):
    """Something that happened, and why or what came of it; `is_fault`: nobody did it."""

    at: int
    text: str
    is_fault: bool = False


class Band(Struct, frozen=True):
    """How many there are of a kind, at each of the times of its course."""

    what: What
    name: str
    values: list[int]


class Course(Struct, frozen=True):
    """One workload over time, in ms.

    Attributes:
        name: of the workload.
        noun: what is counted, `instance` or `pod`.
        at: the times at which anything changes, `bands` and `desired` have a value for each.
        thinned: there are more than can be shown; each is told as it was when the fewest were ready around it.
        events: in order of time.
        faults_left_out: so many faults have no event.
    """

    name: str
    noun: str
    at: list[int]
    desired: list[int]
    bands: list[Band]
    thinned: bool
    events: list[Event]
    faults_left_out: int


def courses(assessment: Assessment) -> list[Course]:
    """Of each KubeInfer, then of each Deployment and its like; none of what no instance or pod is left of."""
    actions = assessment.cluster.idle.effective(assessment.run.scenario.actions)
    made = [
        _of_kubeinfer(name, own.measures, _about(actions, "KubeInfer", name), assessment)
        for name, own in assessment.kubeinfers.items()
    ]
    made += [
        _of_deployment(each, _about(actions, each.kind, each.name), assessment)
        for each in assessment.cluster.deployments
    ]
    return [each for each in made if each.at]


def _about(actions: Sequence[Action], kind: str, name: str) -> tuple[Action, ...]:
    """What is done, but for what is done to other workloads."""

    def is_others(action: Action) -> bool:
        meant: Any = getattr(action, "workload", None) or getattr(action, "target", None) or action
        of_kind = getattr(meant, "kind", "")
        return of_kind in KINDS_WITH_TEMPLATES and (of_kind != kind or meant.name not in ("", name))

    return tuple(action for action in actions if not is_others(action))


def events_of(
    measures: Measures, actions: Sequence[Action], faults: Sequence[FaultCourse]
) -> tuple[list[Event], int]:
    """What was done and what befell, in order of time, and how many faults were left out."""
    struck = {each.at for each in faults}
    done = tuple(each for each in actions if not (isinstance(each, Fault) and each.at in struck))
    events = [Event(each.at, each.text) for each in marks_of(measures, done)]
    events += [Event(each.at, _fault(each), is_fault=True) for each in faults[:MOST_FAULTS]]
    return sorted(events, key=lambda each: each.at), max(0, len(faults) - MOST_FAULTS)


def _fault(course: FaultCourse) -> str:
    """`NpuFault of node-0/npu3 (L4), noticed by device plugin after 8s, ready again after 12m`."""
    level = f" ({course.level})" if course.level and course.level != course.kind else ""
    parts = [f"{course.kind} of {course.where}{level}" if course.where else f"{course.kind}{level}"]
    if course.detected is None:
        parts.append("noticed by nobody")
    else:
        parts.append(f"noticed by {course.by} after {rounded(course.detected - course.at)}")
    if course.recovered is not None:
        parts.append(f"ready again after {rounded(course.recovered - course.at)}")
    return ", ".join(parts)


def _of_kubeinfer(name: str, measures: Measures, actions: Sequence[Action], assessment: Assessment) -> Course:
    names = revision_names(measures)
    groups: list[tuple[What, str, list[Steps]]] = []
    for age, revisions in revisions_by_age(measures):
        told = [
            f"{names[each]} {each}" if names[each] in ("new", "old") else names[each] for each in revisions
        ]
        title = "ready" if told == ["same"] else f"ready, {', '.join(told)}"
        groups.append((age, title, [measures.by_revision[each] for each in revisions]))
    leaving = counted(_leaving(measures.instances, measures.ended_at))
    starting = _difference(measures.live, measures.ready, leaving, measures.ended_at)
    groups += [("starting", "starting or not ready", [starting]), ("terminating", "terminating", [leaving])]
    events, left_out = events_of(measures, actions, assessment.cluster.faults)
    since, until = time_range(measures, marks_of(measures, tuple(actions)))
    until = max([until, *(each.at for each in events)])
    if until - since < 1000:
        since = 0  # what happens is an instant: of that alone there is nothing to see
    return _course(name, "instance", measures.desired, groups, (since, until), events, left_out)


def _of_deployment(measures: DeploymentMeasures, actions: Sequence[Action], assessment: Assessment) -> Course:
    ended_at = measures.ended_at
    revisions = list(dict.fromkeys(life.revision for life in measures.pods))
    wanted = measures.changes[-1].revision if measures.changes else ""
    ready: dict[str, list[tuple[int, int]]] = {each: [] for each in revisions}
    starting: list[tuple[int, int]] = []
    leaving: list[tuple[int, int]] = []
    for life in measures.pods:
        for span in (each for pod in life.pods for each in pod.spans):
            if span.stage.kind in _READY:
                ready[life.revision].append((span.since, span.until))
            else:
                (leaving if span.stage.kind.part is Part.STOP else starting).append((span.since, span.until))
    several = len(revisions) > 1
    groups: list[tuple[What, str, list[Steps]]] = []
    for revision in sorted(revisions, key=lambda each: each != wanted):
        age: What = "new" if revision == wanted or not several else "old"
        title = f"ready, {age} {revision}" if several else "ready"
        groups.append((age, title, [counted(ready[revision])]))
    groups += [
        ("starting", "starting or not ready", [counted(starting)]),
        ("terminating", "terminating", [counted(leaving)]),
    ]
    events, left_out = events_of(assessment.measures, actions, assessment.cluster.faults)
    done = [each.completed for each in measures.changes if each.completed and each.completed > each.at]
    events = sorted([*events, *(Event(at, "complete") for at in done)], key=lambda each: each.at)
    edges = [at for _, _, steps in groups for each in steps for at, _ in each.points]
    last = max([*edges, *(each.at for each in events)], default=0)
    until = ended_at if assessment.run.end == "horizon" else min(ended_at, last + max(last // 20, 1))
    name = f"{measures.kind} {measures.name}"
    return _course(name, "pod", measures.desired, groups, (0, until), events, left_out)


def _course(
    name: str,
    noun: str,
    desired: Steps,
    groups: Sequence[tuple[What, str, list[Steps]]],
    span: tuple[int, int],
    events: list[Event],
    left_out: int,
) -> Course:
    functions = [desired, *(each for _, _, own in groups for each in own)]
    ready = sum(len(own) for what, _, own in groups if what in ("new", "middle", "old"))
    points, thinned = sampled(functions, *span, lambda values: sum(values[1 : 1 + ready]))
    bands, place = [], 1
    for what, title, own in groups:
        values = [sum(each[place : place + len(own)]) for _, each in points]
        place += len(own)
        if any(values):
            bands.append(Band(what, title, values))
    at = [each for each, _ in points] if bands or any(each[0] for _, each in points) else []
    wanted = [each[0] for _, each in points]
    return Course(name, noun, at, wanted, bands, thinned, events, left_out)


def _leaving(lives: Iterable[InstanceLife], ended_at: int) -> Iterator[tuple[int, int]]:
    for life in lives:
        if life.deleting is not None:
            yield life.deleting, ended_at if life.gone is None else life.gone


def _difference(live: Steps, ready: Steps, leaving: Steps, ended_at: int) -> Steps:
    """Those that are neither ready nor going."""
    steps = Steps()
    for at, _, (there, in_service, going) in segments((live, ready, leaving), 0, ended_at + 1):
        steps.set(at, max(0, there - in_service - going))
    return steps


def how_thinned(course: Course) -> str:
    """What is said of a course that does not tell all; empty where it does."""
    parts = []
    if course.thinned:
        parts.append("each point in time is drawn as it was when the fewest around it were ready")
    if course.faults_left_out:
        parts.append(f"{count(course.faults_left_out, 'more fault')} without a mark")
    return "; ".join(parts)

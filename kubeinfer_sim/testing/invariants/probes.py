"""What probes find of a start is what a prober finds that fires every tick."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from msgspec import Struct

from kubeinfer_sim.cluster.prober import Health, Outcome, Probes, Segment
from kubeinfer_sim.cluster.records import (
    ContainerKilling,
    ContainersRunning,
    EngineStarted,
    GangScheduled,
    HealthChanged,
    ImagePullFailed,
    ImagePullRetried,
    ImagePullStalled,
    NodeFailed,
    NodePowerCycled,
    NodeReturned,
    ObjectMissing,
    PodBound,
    PodCreated,
    PodReady,
    PodRef,
    PodStarted,
    SetUpContinued,
    TransferDone,
)
from kubeinfer_sim.cluster.stages import WARM_UP, Stage, end_of
from kubeinfer_sim.engine.history import Record
from kubeinfer_sim.engine.meter import Handlers
from kubeinfer_sim.manifest.model import PodTemplate
from kubeinfer_sim.manifest.releases import Release
from kubeinfer_sim.scenario.actions.model import Health as HealthAction
from kubeinfer_sim.scenario.model import Scenario
from kubeinfer_sim.scenario.timings.distributions import Constant
from kubeinfer_sim.testing.invariants.ever import Whose, revisions_ever, whose
from kubeinfer_sim.testing.invariants.invariant import Finished, Report
from kubeinfer_sim.testing.reference_prober import ReferenceProber

#: The different starts of a run are played until they come to so many ticks, which take 30 ms.
MOST_TICKS = 10_000
#: A transition of a container, and when.
Seen = tuple[str, int]
#: What belongs to a start that nothing disturbs.
_ORDINARY = frozenset(
    (
        PodCreated,
        GangScheduled,
        PodBound,
        TransferDone,
        ImagePullStalled,
        ImagePullFailed,
        ImagePullRetried,
        ObjectMissing,
        SetUpContinued,
        ContainersRunning,
        EngineStarted,
        PodStarted,
        PodReady,
        ContainerKilling,
    )
)
#: After these a node's kubelet is another one, whose probes begin at random.
_NEW_KUBELETS = frozenset((NodeFailed, NodePowerCycled, NodeReturned))
_KINDS = {PodStarted: "started", PodReady: "ready", ContainerKilling: "kill"}


class _Answers(NamedTuple):
    """What is known of the containers of a template: the probes of the only one that has any, the engine's, and how
    long it takes (ms) until a check of it is answered, and until the kubelet's relist sees that it runs.
    """

    probes: Probes
    latency: int
    relist: int


class _Start(Struct):
    """A pod from its set-up on; times in ms, None as long as they are not known."""

    answers: _Answers
    node: str
    added: int
    running: int | None = None
    serving: int | None = None
    seen: tuple[Seen, ...] = ()


class ProbesAsTicked:
    """INV-24: of a start that nothing disturbs, from its set-up until it is ready or the first kill.

    Those are judged whose answers are known from the records: pods in which the engine alone is probed, with a latency
    and a relist that are not drawn, and without postStart hooks or readiness gates.
    """

    number = "INV-24"
    statement = (
        "a pod is started, is ready or is killed by its probes when a prober that fires every tick says so, as long "
        "as nothing else happens to it"
    )
    reason = (
        "when an instance is ready hangs on it, and calls that change nothing are not simulated "
        "(pkg/kubelet/prober, worker.go)"
    )
    caught = "what is foreseen of a start is that of another one"

    def __init__(self, scenario: Scenario, report: Report) -> None:
        self._report = report
        self._release = scenario.kubernetes
        self._answers = dict(_known_answers(scenario))
        self._revisions: dict[PodRef, str] = {}
        self._disturbed: set[PodRef] = set()
        self._renewed: set[str] = set()
        self._starts: dict[PodRef, _Start] = {}
        self._played: dict[tuple[object, ...], bool] = {}
        self._ticks = 0

    def handlers(self) -> Handlers:
        """Everything, where anything can be judged."""
        return {Record: self._happened} if self._answers else {}

    def finish(self, finished: Finished) -> None:
        """What should have been found by the end."""
        for pod in list(self._starts):
            self._leave(pod, finished.run.ended_at)

    def _happened(self, record: Record) -> None:
        kind, pod = type(record), getattr(record, "pod", None)
        if kind is PodCreated:
            assert isinstance(record, PodCreated)
            self._revisions[record.pod] = record.revision
        elif isinstance(record, PodBound):
            self._bound(record)
        elif pod in self._starts:
            if kind in _ORDINARY:
                self._goes_on(record, self._starts[pod])
            else:
                self._leave(pod, record.at)
        elif isinstance(record, HealthChanged):
            self._disturbed.add(record.pod)
        elif kind not in _ORDINARY and isinstance(node := getattr(record, "node", None), str):
            if kind in _NEW_KUBELETS:
                self._renewed.add(node)
            for each in [pod for pod, start in self._starts.items() if start.node == node]:
                self._leave(each, record.at)

    def _bound(self, record: PodBound) -> None:
        pod = record.pod
        answers = self._answers.get((whose(pod), self._revisions.pop(pod, "")))
        if answers is not None and pod not in self._disturbed and record.node not in self._renewed:
            self._starts[pod] = _Start(answers, record.node, record.at)

    def _goes_on(self, record: Record, start: _Start) -> None:
        if isinstance(record, ContainersRunning):
            start.running = record.at
        elif isinstance(record, EngineStarted | TransferDone):
            start.serving = _serving(record.stages, record.at)
        elif (kind := _KINDS.get(type(record))) is not None:
            start.seen += ((kind, record.at),)
            if kind != "started":
                self._judge(record, start)
                del self._starts[record.pod]  # type: ignore[attr-defined]

    def _leave(self, pod: PodRef, at: int) -> None:
        """Something else happens to the pod, or the run is over: what follows is not known any more."""
        start = self._starts.pop(pod)
        expected = self._expected(start, at - 1)
        if expected is not None and expected != start.seen:
            self._report(f"{_told(pod, start)} by {at} ms; with every tick fired it is {_listed(expected)}")

    def _judge(self, record: Record, start: _Start) -> None:
        expected = self._expected(start, record.at)
        if expected is not None and expected != start.seen:
            pod: PodRef = record.pod  # type: ignore[attr-defined]
            self._report(f"{_told(pod, start)}; with every tick fired it is {_listed(expected)}", record)

    def _expected(self, start: _Start, until: int) -> tuple[Seen, ...] | None:
        """What every tick comes to up to a time; None where that is not played, or a race."""
        if start.running is None or until < start.running:
            return None
        answers, added = start.answers, start.added
        delayed = any(each is not None and each.initial_delay_seconds for each in answers.probes)
        second = added % 1000 if delayed else 0
        shift = added - second
        serving = None if start.serving is None or start.serving > until else start.serving - shift
        key = (answers, second, start.running - shift, serving, until - shift)
        if key not in self._played:
            ticks = sum(
                (until - added) // (1000 * each.period_seconds) for each in answers.probes if each is not None
            )
            self._played[key] = self._ticks + ticks <= MOST_TICKS
            self._ticks += ticks if self._played[key] else 0
        found = _ticked(self._release, *key) if self._played[key] else None
        return None if found is None else tuple((kind, at + shift) for kind, at in found)


def _known_answers(scenario: Scenario) -> Iterator[tuple[tuple[Whose, str], _Answers]]:
    """By whose pod and the revision of its template; none where checks are made to fail from a start on."""
    if any(
        isinstance(each, HealthAction) and (each.new_pods or each.after is not None)
        for each in scenario.actions
    ):
        return
    found: dict[tuple[Whose, str], set[_Answers | None]] = {}
    for whom, revision, template in revisions_ever(scenario):
        found.setdefault((whom, revision), set()).add(_answers(scenario, whom, template))
    for made, answers in found.items():
        one = next(iter(answers))
        if len(answers) == 1 and one is not None:
            yield made, one


def _answers(scenario: Scenario, whom: Whose, template: PodTemplate) -> _Answers | None:
    _, _, role = whom
    engine = template.engine
    others = [each for each in (*template.containers, *template.init_containers) if each is not engine]
    probes = Probes.of(engine)
    timings = scenario.timings.of(role)
    timings = timings.images.get(engine.image, timings)
    latency, relist = timings.probe_latency, timings.relist
    if (
        not any(probes)
        or any(map(any, map(Probes.of, others)))
        or template.has_hooks
        or template.readiness_gates
        or not isinstance(latency, Constant)
        or not isinstance(relist, Constant)
    ):
        return None
    return _Answers(probes, latency.value, relist.value)


def _serving(stages: tuple[Stage, ...], at: int) -> int | None:
    """When the engine answers; None while that is not in sight."""
    return end_of(stages, at) if stages and stages[-1].name == WARM_UP else None


@lru_cache(maxsize=256)
def _ticked(
    release: Release, answers: _Answers, added: int, running: int, serving: int | None, until: int
) -> tuple[Seen, ...] | None:
    """What a prober that fires every tick finds of such a start; None: a race of the relist with a tick or a call."""
    probes, latency, relist = answers
    if (
        sum((until - added) // (1000 * each.period_seconds) for each in probes if each is not None)
        > MOST_TICKS
    ):
        return None
    failing = Segment(0, Outcome.FAIL)
    served = () if serving is None else (Segment(serving, Outcome.SUCCESS, latency),)
    prober = ReferenceProber(probes, added_at=added, kubernetes=release)
    prober.container_started(running, Health.alike(failing, *served))
    transitions = []
    if relist and (seen := running + relist) <= until:
        transitions += prober.advance(seen - 1)
        if prober.next_at() == seen:
            return None
        prober.sync(seen)
    transitions += prober.advance(until)
    found: list[Seen] = []
    for each in transitions:
        if each.value and not (found and found[-1][0] != "started"):
            found.append((each.kind, each.at))
    return tuple(found)


def _told(pod: PodRef, start: _Start) -> str:
    return f"{pod.name}, which runs since {start.running} ms, is {_listed(start.seen)}"


def _listed(seen: tuple[Seen, ...]) -> str:
    words = {"started": "started", "ready": "ready", "kill": "killed"}
    return " and ".join(f"{words[kind]} at {at} ms" for kind, at in seen) or "neither started nor ready"

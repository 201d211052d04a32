"""Starts that probes have killed before the pod was ever ready, and what became of their instances all the same."""

from __future__ import annotations

from collections import Counter
from typing import Literal

from msgspec import Struct

from kubeinfer_sim.cluster.reasons import probe_of
from kubeinfer_sim.cluster.records import (
    ContainerKilling,
    ContainersRunning,
    EngineStarted,
    HealthChanged,
    InstanceRef,
    LoadedAfterSigterm,
    PodGone,
    PodReady,
    PodRef,
)
from kubeinfer_sim.cluster.stages import end_of
from kubeinfer_sim.controllers.kubeinfer.records import InstanceGone, InstanceReady
from kubeinfer_sim.engine.meter import End, Handlers
from kubeinfer_sim.manifest.model import Kind

#: Kind, name and revision of what owns pods, and the probe that kills their starts.
KillsOf = tuple[Kind, str, str, str]


class KilledStart(Struct, frozen=True):
    """One: `lasted` ms from its container's start; `needed`: until it would have answered, None: nobody knows."""

    pod: PodRef
    probe: Literal["startup", "liveness"]
    lasted: int
    needed: int | None


class KilledStarts(Struct):
    """Those of one workload.

    Attributes:
        kind, name: of the workload.
        started: instances (of a Deployment: pods) whose engines started in the run and that became ready.
        killed: those of them of which a start had been killed before.
        starts: how many starts that were; `longest` the one that needed longest.
        late: the shortest time (ms) that an engine still had when it finished, after its SIGTERM, what made a later
            start faster; None where that helped nobody.
    """

    kind: str
    name: str
    started: int = 0
    killed: int = 0
    starts: int = 0
    longest: KilledStart | None = None
    late: int | None = None

    @property
    def all_killed(self) -> bool:
        """Whether there is none that was not killed first: then it came up by luck."""
        return self.killed == self.started


class _Start:
    """An engine on its way: when its container has started, and when it will answer.

    Attributes:
        ready: its pod is, without a check that would have waited for it.
    """

    __slots__ = ("answers", "began", "ready")

    def __init__(self, began: int, answers: int | None) -> None:
        self.began, self.answers, self.ready = began, answers, False

    def answers_at(self, at: int) -> bool:
        """Whether it has begun to answer."""
        return self.answers is not None and self.answers <= at


class KilledStartsMeter:
    """Follows the starts of engines. A pod whose checks somebody or a fault tampers with is no witness."""

    def __init__(self) -> None:
        self._of: dict[tuple[str, str], KilledStarts] = {}
        self._running: dict[PodRef, int] = {}
        self._loading: dict[PodRef, _Start] = {}
        self._tampered: set[PodRef] = set()
        # By instance: the longest start that was killed since it was ready last, and how many were.
        self._killed: dict[int, tuple[KilledStart, int]] = {}
        self._started: set[int] = set()
        # Whether or not the instance ever came up.
        self._kills_by_probe: Counter[KillsOf] = Counter()

    def handlers(self) -> Handlers:
        """What it listens to."""
        return {
            ContainersRunning: self._runs,
            EngineStarted: self._starts,
            HealthChanged: lambda r: self._tampered.add(r.pod),
            ContainerKilling: self._kills,
            LoadedAfterSigterm: self._finds,
            PodReady: self._pod_ready,
            InstanceReady: lambda r: self._up(r.instance),
            PodGone: self._gone,
            InstanceGone: lambda r: self._forget(r.instance),
        }

    def finish(self, ended_at: int, end: End) -> tuple[KilledStarts, ...]:
        """Of each workload of which a start was killed and an instance came up all the same."""
        return tuple(each for each in self._of.values() if each.killed)

    def kills(self) -> dict[KillsOf, int]:
        """How many starts probes have killed, by what owns the pods, its revision and by probe."""
        return dict(self._kills_by_probe)

    def _workload(self, ref: InstanceRef) -> KilledStarts:
        key = ref.kind, ref.owner
        if key not in self._of:
            self._of[key] = KilledStarts(*key)
        return self._of[key]

    def _runs(self, record: ContainersRunning) -> None:
        if record.engine:
            self._running[record.pod] = record.at

    def _starts(self, record: EngineStarted) -> None:
        began = self._running.get(record.pod, record.at)
        self._loading[record.pod] = _Start(began, end_of(record.stages, record.at))
        self._started.add(record.pod.instance.uid)

    def _kills(self, record: ContainerKilling) -> None:
        start = self._loading.pop(record.pod, None)
        if start is None or record.pod in self._tampered or (start.ready and start.answers_at(record.at)):
            return
        ref, probe = record.pod.instance, probe_of(record.reason)
        self._kills_by_probe[ref.kind, ref.owner, record.revision, probe] += 1
        if start.ready:
            return
        needed = None if start.answers is None else start.answers - start.began
        killed = KilledStart(record.pod, probe, record.at - start.began, needed)
        longest, count = self._killed.get(ref.uid, (killed, 0))
        self._killed[ref.uid] = _longer(longest, killed), count + 1

    def _finds(self, record: LoadedAfterSigterm) -> None:
        workload = self._workload(record.pod.instance)
        workload.late = record.left if workload.late is None else min(workload.late, record.left)

    def _pod_ready(self, record: PodReady) -> None:
        if record.pod in self._loading:
            self._loading[record.pod].ready = True
        if not record.pod.instance.has_roles:
            self._up(record.pod.instance)

    def _up(self, ref: InstanceRef) -> None:
        if ref.uid not in self._started:
            return
        self._started.discard(ref.uid)
        workload, killed = self._workload(ref), self._killed.pop(ref.uid, None)
        workload.started += 1
        if killed is not None:
            workload.killed += 1
            workload.longest = _longer(workload.longest or killed[0], killed[0])
            workload.starts += killed[1]

    def _gone(self, record: PodGone) -> None:
        self._running.pop(record.pod, None)
        self._loading.pop(record.pod, None)
        self._tampered.discard(record.pod)
        if not record.pod.instance.has_roles:
            self._forget(record.pod.instance)

    def _forget(self, ref: InstanceRef) -> None:
        """It is gone, and will not come up any more."""
        self._started.discard(ref.uid)
        self._killed.pop(ref.uid, None)


def _longer(one: KilledStart, other: KilledStart) -> KilledStart:
    return other if (other.needed or 0) > (one.needed or 0) else one

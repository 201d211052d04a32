"""Each fault from its beginning over its detection to recovery, by the causes the history tells."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from kubeinfer_sim.cluster.fault_records import ChangedNothing, FaultDetected, FaultInjected, StruckNothing
from kubeinfer_sim.cluster.reasons import probe_of
from kubeinfer_sim.cluster.records import (
    ContainerDied,
    ContainerKilling,
    NodeReadyChanged,
    PodNotReady,
    PodReady,
)
from kubeinfer_sim.controllers.kubeinfer.records import InstanceReady
from kubeinfer_sim.engine.history import Record
from kubeinfer_sim.engine.meter import End, Handlers
from kubeinfer_sim.scenario.actions.model import Action


class FaultCourse(Struct):
    """One fault.

    Attributes:
        at: ms.
        detected: ms when somebody first noticed it; None: nobody did.
        by: who: `device plugin`, `NodeD`, `liveness probe`, `startup probe`, `readiness probe`, `process exit`,
            `node controller`, `peers`.
        recovered: ms when an instance it had stopped was ready again, or a pod that is of none, or the one in its
            place; None: it stopped none, or it is still out.
    """

    at: int
    kind: str
    level: str
    where: str
    detected: int | None = None
    by: str = ""
    recovered: int | None = None


class Idle(Struct, frozen=True):
    """The actions, and the faults of the time line, of which nothing came; in order of their time.

    Attributes:
        unmatched: they struck nothing.
        unchanged: they left all as it was, which may be what was wanted.
    """

    unmatched: tuple[StruckNothing, ...]
    unchanged: tuple[ChangedNothing, ...]

    def effective(self, actions: Iterable[Action]) -> tuple[Action, ...]:
        """Those of these actions of which something came."""
        idle: dict[int, list[Action]] = {}
        for action in (
            *(each.action for each in self.unmatched if each.wholly),
            *(each.action for each in self.unchanged),
        ):
            idle.setdefault(action.at, []).append(action)
        return tuple(action for action in actions if action not in idle.get(action.at, ()))


class IdleActions:
    """The actions of which nothing came."""

    def __init__(self) -> None:
        self._unmatched: list[StruckNothing] = []
        self._unchanged: list[ChangedNothing] = []

    def handlers(self) -> Handlers:
        """What it listens to."""
        return {StruckNothing: self._unmatched.append, ChangedNothing: self._unchanged.append}

    def finish(self, ended_at: int, end: End) -> Idle:
        """All of them."""
        return Idle(
            tuple(sorted(self._unmatched, key=lambda each: each.action.at)),
            tuple(sorted(self._unchanged, key=lambda each: each.action.at)),
        )


class FaultCourses:
    """Follows faults by the records of which they are the first cause."""

    def __init__(self) -> None:
        self._courses: dict[int, FaultCourse] = {}

    def handlers(self) -> Handlers:
        """What it listens to."""
        return {
            FaultInjected: self._injected,
            FaultDetected: lambda r: self._noticed(r, r.by),
            ContainerKilling: self._killing,
            ContainerDied: self._died,
            PodNotReady: self._not_ready,
            NodeReadyChanged: self._node_changed,
            InstanceReady: self._recovered,
            PodReady: self._pod_recovered,
        }

    def finish(self, ended_at: int, end: End) -> tuple[FaultCourse, ...]:
        """All of them, in order of time."""
        return tuple(self._courses.values())

    def _injected(self, record: FaultInjected) -> None:
        self._courses[record.id] = FaultCourse(record.at, record.kind, record.level, record.where)

    def _noticed(self, record: Record, by: str) -> None:
        fault = self._courses.get(record.root)
        if fault is not None and fault.detected is None:
            fault.detected, fault.by = record.at, by

    def _killing(self, record: ContainerKilling) -> None:
        self._noticed(record, f"{probe_of(record.reason)} probe")

    def _died(self, record: ContainerDied) -> None:
        # Peers that hang have noticed nothing; those that end by themselves for it have.
        self._noticed(record, "peers" if record.reason == "PeerLost" else "process exit")

    def _not_ready(self, record: PodNotReady) -> None:
        if record.reason == "ReadinessProbeFailed":
            self._noticed(record, "readiness probe")

    def _node_changed(self, record: NodeReadyChanged) -> None:
        if record.ready != "True":
            self._noticed(record, "node controller")

    def _pod_recovered(self, record: PodReady) -> None:
        # A pod of a Deployment stands for itself.
        if self._courses and not record.pod.instance.has_roles:
            self._recovered(record)

    def _recovered(self, record: InstanceReady | PodReady) -> None:
        fault = self._courses.get(record.root)
        if fault is not None and fault.recovered is None:
            fault.recovered = record.at

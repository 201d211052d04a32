"""What recovery did about each failure, in order of time."""

from __future__ import annotations

from msgspec import Struct

from kubeinfer_sim.controllers.kubeinfer.records import (
    InstanceDegraded,
    InstanceFailed,
    InstanceRestarting,
    InstanceRestored,
    PeersLost,
    PodRebuilding,
    RecoveryDecided,
    RecoveryWithdrawn,
    RoleRebuilding,
)
from kubeinfer_sim.engine.meter import End, Handlers


class Recovery(Struct, frozen=True):
    """One step of recovery.

    Attributes:
        at: in ms.
        instance: its name.
        action: an action of the rules, or `GiveUp` (pods are given up), `Restored` (they are back), `PeersLost`
            (the survivors of a group hang), `Withdrawn` (a delay is over and all is well).
        what: of the instance: a pod, a role, or how many pods of which role.
        fault: what it was done about; "" where that is told by the step before.
        by: the rule or function that decided, "" for a level.
    """

    at: int
    instance: str
    action: str
    what: str
    fault: str
    by: str = ""


class Recoveries:
    """Follows recovery step by step."""

    def __init__(self) -> None:
        self._steps: list[Recovery] = []
        self._decided: dict[int, str] = {}

    def handlers(self) -> Handlers:
        """What it listens to."""
        return {
            RecoveryDecided: self._decision,
            RecoveryWithdrawn: lambda r: self._add(
                r.at, r.pod.instance.name, "Withdrawn", _place(r.pod.place), r.fault, r.cause
            ),
            InstanceRestarting: lambda r: self._add(
                r.at, r.instance.name, "RecreateInstance", "", r.reason, r.cause
            ),
            InstanceFailed: lambda r: self._add(r.at, r.instance.name, "Fail", "", r.reason, r.cause),
            PodRebuilding: self._pod,
            RoleRebuilding: lambda r: self._add(
                r.at, r.instance.name, "RecreateRole", r.role, r.reason, r.cause
            ),
            InstanceDegraded: self._degraded,
            InstanceRestored: lambda r: self._add(r.at, r.instance.name, "Restored", "", "", r.cause),
            PeersLost: self._peers,
        }

    def finish(self, ended_at: int, end: End) -> tuple[Recovery, ...]:
        """All steps, in order of time."""
        return tuple(self._steps)

    def _add(self, at: int, instance: str, action: str, what: str, fault: str, cause: int) -> None:
        self._steps.append(Recovery(at, instance, action, what, fault, self._decided.get(cause, "")))

    def _decision(self, record: RecoveryDecided) -> None:
        self._decided[record.id] = record.by
        if record.action in ("RestartContainer", "Ignore"):
            instance = record.pod.instance.name
            self._add(record.at, instance, record.action, _place(record.pod.place), record.fault, record.id)

    def _pod(self, record: PodRebuilding) -> None:
        name = record.instance.name
        pod = record.pod.removeprefix(f"{name}-")
        self._add(record.at, name, "RecreatePod", pod, record.reason, record.cause)

    def _degraded(self, record: InstanceDegraded) -> None:
        given = " and ".join(f"{pods} {role}" for role, pods in record.given_up)
        self._add(record.at, record.instance.name, "GiveUp", f"{given} for {record.saved}", "", record.cause)

    def _peers(self, record: PeersLost) -> None:
        name = record.instance.name
        pod = record.pod.removeprefix(f"{name}-")
        survivors = len(record.survivors)
        self._add(record.at, name, "PeersLost", f"{survivors} of {pod}", "", record.cause)


def _place(place: tuple[str, int]) -> str:
    return f"{place[0]}-{place[1]}"

"""Every time in which an instance was not ready: what began it, and from when until when it lasted."""

from __future__ import annotations

from msgspec import Struct

from kubeinfer_sim.controllers.kubeinfer.records import (
    InstanceConcerning,
    InstanceCreated,
    InstanceDeleting,
    InstanceFailed,
    InstanceReady,
    InstanceRestarting,
)
from kubeinfer_sim.engine.meter import End, Handlers


class Incident(Struct):
    """A time in which an instance was not ready: after it had been, or before it was for the first time.

    Attributes:
        cause: id of the initiating record.
        since: when the instance was not ready (what lies between the initiating record and this is the detection).
        until: when it was ready again; None when it was not (deleted, or the run ended).
        first: it had not been ready before.
        deleted: it was deleted before it was ready again.
    """

    instance: str
    uid: int
    cause: int
    since: int
    until: int | None
    first: bool
    deleted: bool = False


class Incidents:
    """Follows instances through them."""

    def __init__(self) -> None:
        self._all: list[Incident] = []
        self._open: dict[int, Incident] = {}

    def handlers(self) -> Handlers:
        """What it listens to."""
        return {
            InstanceCreated: self._began,
            InstanceConcerning: self._began,
            InstanceRestarting: self._began,
            InstanceFailed: self._began,
            InstanceReady: self._ready,
            InstanceDeleting: self._deleting,
        }

    def finish(self, ended_at: int, end: End) -> list[Incident]:
        """All of them, in order of their beginning."""
        return self._all

    def _began(
        self, record: InstanceCreated | InstanceConcerning | InstanceRestarting | InstanceFailed
    ) -> None:
        ref = record.instance
        if ref.uid not in self._open:
            first = isinstance(record, InstanceCreated)
            incident = Incident(ref.name, ref.uid, record.root, record.at, None, first)
            self._open[ref.uid] = incident
            self._all.append(incident)

    def _ready(self, record: InstanceReady) -> None:
        if (incident := self._open.pop(record.instance.uid, None)) is not None:
            incident.until = record.at

    def _deleting(self, record: InstanceDeleting) -> None:
        if (incident := self._open.pop(record.instance.uid, None)) is not None:
            incident.deleted = True

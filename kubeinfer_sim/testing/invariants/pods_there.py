"""Which pods there are, and which of them are Ready, as the records tell it."""

from __future__ import annotations

from kubeinfer_sim.cluster.records import PodCreated, PodGone, PodNotReady, PodReady, PodRef
from kubeinfer_sim.controllers.kubeinfer.records import InstanceCreated, InstanceReady
from kubeinfer_sim.engine.history import Record
from kubeinfer_sim.engine.meter import Handlers


class PodsThere:
    """Follows them.

    Attributes:
        there: those that exist, each with the record that made it.
        ready: those that are Ready, each with the record that says so.
    """

    def __init__(self) -> None:
        self.there: dict[PodRef, Record] = {}
        self.ready: dict[PodRef, Record] = {}
        self._ran: set[int] = set()

    def handlers(self) -> Handlers:
        """What changes that."""
        return {
            PodCreated: self.created,
            PodReady: self.became_ready,
            PodNotReady: self.not_ready,
            PodGone: self.gone,
            InstanceCreated: self.instance_created,
            InstanceReady: self.instance_ready,
        }

    def created(self, record: PodCreated) -> None:
        """It exists."""
        self.there[record.pod] = record

    def became_ready(self, record: PodReady) -> None:
        """It is Ready."""
        self.ready[record.pod] = record

    def not_ready(self, record: PodNotReady) -> None:
        """It is not."""
        self.ready.pop(record.pod, None)

    def gone(self, record: PodGone) -> None:
        """It is no more."""
        self.there.pop(record.pod, None)
        self.ready.pop(record.pod, None)

    def instance_created(self, record: InstanceCreated) -> None:
        """Of an instance that ran before the simulation began, all pods are Ready, though no record says so."""
        if record.running:
            self._ran.add(record.instance.uid)

    def instance_ready(self, record: InstanceReady) -> None:
        """All of its pods are."""
        uid = record.instance.uid
        if uid in self._ran:
            self._ran.discard(uid)
            self.ready.update({pod: record for pod in self.there if pod.instance.uid == uid})

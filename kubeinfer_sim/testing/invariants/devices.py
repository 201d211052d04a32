"""Devices are not mended under those who hold them."""

from __future__ import annotations

from kubeinfer_sim.cluster.fault_records import FaultCleared, FaultInjected
from kubeinfer_sim.cluster.records import PodFinished, PodGone, PodRef
from kubeinfer_sim.engine.meter import Handlers
from kubeinfer_sim.scenario.model import Scenario
from kubeinfer_sim.testing.invariants.invariant import Finished, Report


class NothingMendedWhileHeld:
    """INV-11: a device is reset or repaired only when the pod that held it when it broke is gone."""

    number = "INV-11"
    statement = "no device is reset or repaired while a pod holds it"
    reason = "the driver refuses a reset of a device in use, and nobody swaps a card under a process"

    def __init__(self, scenario: Scenario, report: Report) -> None:
        self._report = report
        self._holder: dict[str, FaultInjected] = {}
        self._there: dict[PodRef, set[str]] = {}

    def handlers(self) -> Handlers:
        """Faults, their ends, and pods that go."""
        return {
            FaultInjected: self._injected,
            FaultCleared: self._cleared,
            PodFinished: self._gone,
            PodGone: self._gone,
        }

    def finish(self, finished: Finished) -> None:
        """All has been said."""

    def _injected(self, record: FaultInjected) -> None:
        if record.pod is not None and "/npu" in record.where:
            self._holder[record.where] = record
            self._there.setdefault(record.pod, set()).add(record.where)

    def _gone(self, record: PodFinished | PodGone) -> None:
        for where in self._there.pop(record.pod, ()):
            held = self._holder.get(where)
            if held is not None and held.pod == record.pod:
                del self._holder[where]

    def _cleared(self, record: FaultCleared) -> None:
        if record.how in ("reset", "repaired") and (held := self._holder.get(record.where)) is not None:
            assert held.pod is not None
            self._report(f"{record.where} is {record.how}, and {held.pod.name} holds it", held, record)

"""Devices are not mended under those who hold them."""

from __future__ import annotations

from collections import Counter

from kubeinfer_sim.cluster.fault_records import FaultCleared, FaultInjected, NpuStateChanged
from kubeinfer_sim.cluster.records import (
    GangScheduled,
    PodBound,
    PodFinished,
    PodGone,
    PodPreempted,
    PodReady,
    PodRef,
    PodRejected,
)
from kubeinfer_sim.controllers.kubeinfer.records import InstanceCreated
from kubeinfer_sim.engine.meter import Handlers
from kubeinfer_sim.manifest.accelerators import accelerator_count
from kubeinfer_sim.scenario.model import Scenario
from kubeinfer_sim.testing.invariants.ever import Asked, nodes_ever
from kubeinfer_sim.testing.invariants.invariant import Finished, Report


class NothingMendedWhileHeld:
    """INV-11: a device is reset or repaired only when the pod that held it when it broke is gone.

    Nor is a group reset together while the pods of its node hold more devices than are outside of it.
    """

    number = "INV-11"
    statement = (
        "no device is reset or repaired while a pod holds it, or another one of the group that resets with it"
    )
    reason = "the driver refuses a reset of a device in use, and nobody swaps a card under a process"
    caught = "a ring is reset while a neighbour computes"

    def __init__(self, scenario: Scenario, report: Report) -> None:
        self._report = report
        self._holder: dict[str, FaultInjected] = {}
        self._there: dict[PodRef, set[str]] = {}
        self._asked = Asked(scenario)
        self._has = {node.name: accelerator_count(node.allocatable) for node in nodes_ever(scenario)}
        self._held: Counter[str] = Counter()
        self._holds: dict[PodRef | str, tuple[str, int]] = {}
        self._ran: set[int] = set()
        self._placed: dict[PodRef, str] = {}
        for each in scenario.running:
            self._take(f"{each.namespace}/{each.name}", each.node, accelerator_count(each.requests))

    def handlers(self) -> Handlers:
        """Faults, their ends, resets, and pods that come and go."""
        return {
            FaultInjected: self._injected,
            FaultCleared: self._cleared,
            NpuStateChanged: self._state_changed,
            InstanceCreated: self._instance_created,
            GangScheduled: self._scheduled,
            PodReady: self._ready,
            PodBound: self._bound,
            PodRejected: self._rejected,
            PodFinished: self._gone,
            PodGone: self._gone,
            PodPreempted: self._preempted,
        }

    def finish(self, finished: Finished) -> None:
        """All has been said."""

    # -- the pod that held it when it broke ------------------------------------------------------------------

    def _injected(self, record: FaultInjected) -> None:
        if record.pod is not None and "/npu" in record.where:
            self._holder[record.where] = record
            self._there.setdefault(record.pod, set()).add(record.where)

    def _cleared(self, record: FaultCleared) -> None:
        if record.how in ("reset", "repaired") and (held := self._holder.get(record.where)) is not None:
            assert held.pod is not None
            self._report(f"{record.where} is {record.how}, and {held.pod.name} holds it", held, record)

    def _gone(self, record: PodFinished | PodGone) -> None:
        for where in self._there.pop(record.pod, ()):
            held = self._holder.get(where)
            if held is not None and held.pod == record.pod:
                del self._holder[where]
        self._placed.pop(record.pod, None)
        self._give_back(record.pod)

    # -- all that hold devices of a node ---------------------------------------------------------------------

    def _take(self, pod: PodRef | str, node: str, devices: int) -> None:
        if pod not in self._holds:
            self._holds[pod] = node, devices
            self._held[node] += devices

    def _give_back(self, pod: PodRef | str) -> None:
        node, devices = self._holds.pop(pod, ("", 0))
        self._held[node] -= devices

    def _instance_created(self, record: InstanceCreated) -> None:
        if record.running:
            self._ran.add(record.instance.uid)

    def _scheduled(self, record: GangScheduled) -> None:
        for pod, node in record.nodes:
            self._placed[pod] = node
            if record.instance.uid in self._ran:
                self._take(pod, node, self._asked.by(pod) or 0)
        self._ran.discard(record.instance.uid)

    def _ready(self, record: PodReady) -> None:
        # Of a pod that ran before the simulation began nobody records that it is bound.
        if (node := self._placed.get(record.pod)) is not None:
            self._take(record.pod, node, self._asked.by(record.pod) or 0)

    def _bound(self, record: PodBound) -> None:
        self._take(record.pod, record.node, self._asked.by(record.pod) or 0)

    def _rejected(self, record: PodRejected) -> None:
        self._give_back(record.pod)

    def _preempted(self, record: PodPreempted) -> None:
        self._give_back(record.pod)

    def _state_changed(self, record: NpuStateChanged) -> None:
        if record.state != "resetting":
            return
        held, others = self._held[record.node], self._has.get(record.node, 0) - len(record.npus)
        if held > others:
            self._report(
                f"{len(record.npus)} of the {others + len(record.npus)} NPUs of {record.node} are reset, and its "
                f"pods hold {held}",
                record,
            )

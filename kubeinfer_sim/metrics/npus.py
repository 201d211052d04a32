"""NPUs: how many are in use, and those out of service: since when, what they waited for, what brought them back."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from kubeinfer_sim.cluster.fault_records import FaultDetected, NpuResetTried, NpuStateChanged, ResetHeld
from kubeinfer_sim.cluster.records import GangScheduled, NodeJoined, NodeRemoved, PodFinished, PodGone
from kubeinfer_sim.engine.meter import End, Handlers
from kubeinfer_sim.metrics.steps import Steps
from kubeinfer_sim.scenario.faults.levels import ASCEND_LEVELS


class NpusInUse:
    """How many NPUs of the cluster pods hold, over time."""

    def __init__(self) -> None:
        self._steps = Steps()

    def handlers(self) -> Handlers:
        """What it listens to."""
        return {
            GangScheduled: self._scheduled,
            PodFinished: self._gone,
            PodGone: self._gone,
            NodeJoined: self._nodes_changed,
            NodeRemoved: self._nodes_changed,
        }

    def finish(self, ended_at: int, end: End) -> Steps:
        """The step function; without a point where nothing ever came or went."""
        return self._steps

    def _scheduled(self, record: GangScheduled) -> None:
        self._set(record.at, record.in_use, before=record.in_use - record.npus)

    def _gone(self, record: PodFinished | PodGone) -> None:
        self._set(record.at, record.in_use, before=record.in_use + record.npus)

    def _nodes_changed(self, record: NodeJoined | NodeRemoved) -> None:
        """What pods hold on a node that is no part of the cluster does not count."""
        if self._steps.points:
            self._steps.set(record.at, record.in_use)

    def _set(self, at: int, in_use: int, before: int) -> None:
        if not self._steps.points and at > 0:
            self._steps.set(0, before)
        self._steps.set(at, in_use)


class NpuOutage(Struct):
    """One NPU from the moment nothing new is placed on it; times in ms.

    Attributes:
        to_reset: it waits for a reset, not for the fault to clear.
        held: who holds the reset up, as last told; None when nobody does.
        reset_at: when that began: nobody held any of its group any more.
        group: how many NPUs are reset together.
        attempts: to reset it.
        out_at: when it was taken out for repair, or `until` a time.
        back: when it was in service again.
    """

    node: str
    npu: int
    since: int
    to_reset: bool = False
    held: ResetHeld | None = None
    reset_at: int | None = None
    group: int = 1
    attempts: int = 0
    out_at: int | None = None
    until: int | None = None
    back: int | None = None


class NpuOutages:
    """Follows NPUs out of service; those that are reset along with a broken one are not counted."""

    def __init__(self) -> None:
        self._outages: list[NpuOutage] = []
        self._under_way: dict[tuple[str, int], NpuOutage] = {}
        # Ids of the detections of faults of a level that has the NPU reset.
        self._resetting: set[int] = set()

    def handlers(self) -> Handlers:
        """What it listens to."""
        return {
            FaultDetected: self._detected,
            NpuStateChanged: self._state_changed,
            NpuResetTried: self._reset_tried,
            ResetHeld: self._held,
        }

    def finish(self, ended_at: int, end: End) -> tuple[NpuOutage, ...]:
        """All of them, in order of time."""
        return tuple(self._outages)

    def _detected(self, record: FaultDetected) -> None:
        if record.level and ASCEND_LEVELS[record.level].npu == "reset":
            self._resetting.add(record.id)

    def _state_changed(self, record: NpuStateChanged) -> None:
        for number in record.npus:
            key = record.node, number
            outage = self._under_way.get(key)
            if outage is None and record.state in ("isolated", "out"):
                to_reset = record.cause in self._resetting
                outage = self._under_way[key] = NpuOutage(record.node, number, record.at, to_reset)
                self._outages.append(outage)
            if outage is not None:
                _note(outage, record)
                if outage.back is not None:
                    del self._under_way[key]

    def _reset_tried(self, record: NpuResetTried) -> None:
        for outage in self._of(record):
            outage.attempts += 1

    def _held(self, record: ResetHeld) -> None:
        if (outage := self._under_way.get((record.node, record.npu))) is not None:
            outage.held = record

    def _of(self, record: NpuResetTried) -> Iterable[NpuOutage]:
        keys = ((record.node, each) for each in record.npus)
        return (self._under_way[key] for key in keys if key in self._under_way)


def _note(outage: NpuOutage, record: NpuStateChanged) -> None:
    outage.held = None
    if record.state == "resetting" and outage.reset_at is None:
        outage.reset_at, outage.group = record.at, len(record.npus)
    elif record.state == "out":
        outage.out_at, outage.until = record.at, record.until
    elif record.state == "inService":
        outage.back = record.at

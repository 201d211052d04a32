"""Whether anything happened at all."""

from __future__ import annotations

from kubeinfer_sim.cluster.fault_records import FaultInjected, PodSlowed
from kubeinfer_sim.cluster.records import (
    ContainerDied,
    GangPending,
    HealthChanged,
    NodeCordoned,
    NodeDrained,
    NodeFailed,
    NodeJoined,
    NodeLabeled,
    NodeOutOfService,
    NodeRemoved,
    NodeTaintEdited,
    PodDeleting,
    PodNotReady,
)
from kubeinfer_sim.controllers.kubeinfer.records import (
    InstanceConcerning,
    InstanceCreated,
    InstanceDeleting,
    InstanceRefused,
    InstanceRestarting,
)
from kubeinfer_sim.engine.history import Record
from kubeinfer_sim.engine.meter import End, Handlers

#: After each of these an instance, a pod or a node is not what it was.
_DISTURBING: tuple[type[Record], ...] = (
    FaultInjected,
    GangPending,
    HealthChanged,
    NodeCordoned,
    NodeDrained,
    NodeFailed,
    NodeTaintEdited,
    NodeLabeled,
    NodeOutOfService,
    NodeJoined,
    NodeRemoved,
    ContainerDied,
    PodNotReady,
    PodSlowed,
    PodDeleting,
    InstanceConcerning,
    InstanceDeleting,
    InstanceRefused,
    InstanceRestarting,
)


class Activity:
    """Whether an instance, a pod or a node was touched, beyond what ran at the start."""

    def __init__(self) -> None:
        self._touched = False

    def handlers(self) -> Handlers:
        """What it listens to."""
        return {**dict.fromkeys(_DISTURBING, self._disturbed), InstanceCreated: self._created}

    def finish(self, ended_at: int, end: End) -> bool:
        """Whether any was."""
        return self._touched

    def _disturbed(self, record: Record) -> None:
        self._touched = True

    def _created(self, record: InstanceCreated) -> None:
        self._touched |= not record.running

"""Where the pods of a run are, and in which phase of their lives, as its records tell it."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from kubeinfer_sim.cluster.fault_records import FaultInjected
from kubeinfer_sim.cluster.records import (
    ContainersRunning,
    GangScheduled,
    NodeCordoned,
    NodeFailed,
    NodeJoined,
    NodeLabeled,
    NodeRemoved,
    NodeReturned,
    NodeTaintEdited,
    NpusIsolated,
    PodBound,
    PodCreated,
    PodDeleting,
    PodFinished,
    PodGone,
    PodNotReady,
    PodReady,
    PodRef,
    PodRemoved,
    PodStopping,
)
from kubeinfer_sim.controllers.kubeinfer.records import InstanceCreated, InstanceReady
from kubeinfer_sim.engine.history import Record


class LifePhase(StrEnum):
    """The phase of a pod's life in which something strikes it."""

    WAITING = "waiting"  # for a place
    SET_UP = "setUp"
    STARTING = "starting"
    READY = "ready"
    NOT_READY = "notReady"
    STOPPING = "stopping"


#: Phases in which a fault of a pod finds one to strike: it has a node, and is not going.
STRUCK = (LifePhase.SET_UP, LifePhase.STARTING, LifePhase.READY, LifePhase.NOT_READY)

#: What is told of one node by its name: nothing is like it afterwards.
_OF_NODES = (NodeCordoned, NodeFailed, NodeJoined, NodeLabeled, NodeReturned, NodeTaintEdited, NpusIsolated)


class PodThen(Struct):
    """A pod at some time.

    Attributes:
        node: "" while it waits for one.
        life: when which phase began, ms; `None` is its end.
    """

    ref: PodRef
    life: list[tuple[int, LifePhase | None]]
    node: str = ""
    phase: LifePhase = LifePhase.WAITING


class Places:
    """Follows the pods.

    Attributes:
        pods: those that exist and hold or await a place.
        been: node -> the pods that have ever been there.
        marked: nodes that something has happened to that the pods on them do not tell.
        removed: nodes that are no more.
    """

    def __init__(self) -> None:
        self.pods: dict[PodRef, PodThen] = {}
        self.been: dict[str, list[PodThen]] = {}
        self.marked: set[str] = set()
        self.removed: set[str] = set()
        self._ran: set[int] = set()

    def observe(self, record: Record) -> None:
        """The next record."""
        match record:
            case PodCreated():
                self.pods[record.pod] = PodThen(record.pod, [(record.at, LifePhase.WAITING)])
            case GangScheduled():
                for ref, node in record.nodes:
                    self._placed(ref, node)
            case PodBound():
                self._placed(record.pod, record.node)
                self._enter(record.pod, LifePhase.SET_UP, record.at)
            case ContainersRunning():
                self._enter(record.pod, LifePhase.STARTING, record.at)
            case PodReady():
                self._enter(record.pod, LifePhase.READY, record.at)
            case PodNotReady():
                self._enter(record.pod, LifePhase.NOT_READY, record.at)
            case PodDeleting() | PodStopping():
                self._enter(record.pod, LifePhase.STOPPING, record.at)
            case PodFinished() | PodGone() | PodRemoved():
                if record.pod in self.pods:
                    self.pods.pop(record.pod).life.append((record.at, None))
            case InstanceCreated(running=True):
                self._ran.add(record.instance.uid)
            case InstanceReady() if record.instance.uid in self._ran:
                # It ran before the simulation began: no record tells of its pods.
                self._ran.discard(record.instance.uid)
                for ref in self.pods:
                    if ref.instance.uid == record.instance.uid:
                        self._enter(ref, LifePhase.READY, record.at)
            case NodeRemoved():
                self.removed.add(record.node)
            case FaultInjected():
                self.marked.add(record.where.partition("/")[0])
            case _ if isinstance(record, _OF_NODES):
                self.marked.add(record.node)
            case _:
                pass

    def struck_by(self, fault: FaultInjected) -> PodThen | None:
        """The pod that a fault strikes, of a node or what is in it the first one there; None where there is none."""
        if fault.pod is not None:
            return self.pods.get(fault.pod)
        node = fault.where.partition("/")[0]
        there = [pod for pod in self.pods.values() if node and pod.node == node]
        return min(there, key=lambda pod: pod.ref, default=None)

    def _placed(self, ref: PodRef, node: str) -> None:
        pod = self.pods.get(ref)
        if pod is None or pod.node:
            return
        pod.node = node
        self.been.setdefault(node, []).append(pod)

    def _enter(self, ref: PodRef, phase: LifePhase, at: int) -> None:
        pod = self.pods.get(ref)
        if pod is not None and pod.phase is not LifePhase.STOPPING:
            pod.phase = phase
            pod.life.append((at, phase))


def whose(ref: PodRef) -> tuple[str, str, int, str]:
    """Workload, instance and role of a pod; of one that is an instance by itself no number, which is but a name."""
    instance = ref.instance
    return instance.kind, instance.owner, instance.ordinal if instance.has_roles else 0, ref.role

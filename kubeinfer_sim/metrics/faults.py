"""Each fault from its beginning over its detection to recovery, by the causes the history tells."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from kubeinfer_sim.cluster.fault_records import FaultDetected, FaultInjected
from kubeinfer_sim.cluster.records import ContainerDied, ContainerKilling, NodeReadyChanged, PodNotReady
from kubeinfer_sim.controllers.kubeinfer.records import InstanceReady, PeersLost
from kubeinfer_sim.engine.history import Record


@dataclass(slots=True)
class FaultStory:
    """One fault.

    Attributes:
        at: ms.
        detected: ms when somebody first noticed it; None: nobody did.
        by: who: `device plugin`, `NodeD`, `liveness probe`, `startup probe`, `readiness probe`, `process exit`,
            `node controller`, `peers`.
        recovered: ms when an instance it had stopped was ready again; None: it stopped none, or it is still out.
    """

    at: int
    kind: str
    level: str
    where: str
    detected: int | None = None
    by: str = ""
    recovered: int | None = None


def fault_stories(history: Iterable[Record]) -> list[FaultStory]:
    """The faults in order of time; one pass, and what follows from no fault costs a look-up."""
    stories: list[FaultStory] = []
    roots: dict[int, FaultStory] = {}
    for record in history:
        if isinstance(record, FaultInjected):
            story = FaultStory(record.at, record.kind, record.level, record.where)
            stories.append(story)
            roots[record.id] = story
            continue
        known = roots.get(record.cause)
        if known is None:
            continue
        roots[record.id] = known
        if known.detected is None and (by := _detector(record)):
            known.detected, known.by = record.at, by
        if isinstance(record, InstanceReady) and known.recovered is None:
            known.recovered = record.at
    return stories


def _detector(record: Record) -> str:
    """Who noticed, when this record is one of noticing."""
    match record:
        case FaultDetected():
            return record.by
        case ContainerKilling():
            return "startup probe" if record.reason == "StartupProbeFailed" else "liveness probe"
        case ContainerDied():
            return "process exit"
        case PodNotReady(reason="ReadinessProbeFailed"):
            return "readiness probe"
        case NodeReadyChanged():
            return "node controller" if record.ready != "True" else ""
        case PeersLost():
            return "peers"
    return ""

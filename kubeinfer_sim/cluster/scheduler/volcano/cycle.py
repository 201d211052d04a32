"""What comes of a cycle of Volcano's scheduler."""

from __future__ import annotations

from typing import NamedTuple

from msgspec import Struct, field

from kubeinfer_sim.cluster.scheduler.node_state import NodeState
from kubeinfer_sim.cluster.scheduler.volcano.job import Job, Task


class Eviction(NamedTuple):
    """A pod that has to go, and the job it goes for; `drawn`: chance chose its node among others of equal score."""

    victim: Task
    job: Job
    drawn: bool


class Cycle(Struct):
    """What came of a cycle.

    Attributes:
        placed: pods with the nodes they got, job by job.
        evicted: pods that have to go.
        waiting: the jobs that were looked at and still have pods without a node.
        again: the number of the next cycle in which, with nothing changed, chance places a gang; None: in none.
    """

    placed: list[tuple[Job, list[tuple[Task, NodeState]]]] = field(default_factory=list)
    evicted: list[Eviction] = field(default_factory=list)
    waiting: list[Job] = field(default_factory=list)
    again: int | None = None

"""A part of an instance that is rebuilt while the rest of it runs on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from msgspec import Struct, field

from kubeinfer_sim.cluster.pod import Pod, PodState
from kubeinfer_sim.cluster.records import Place

if TYPE_CHECKING:
    from kubeinfer_sim.cluster.scheduler.pod_gang import PodGang
    from kubeinfer_sim.engine.clock import Timer
    from kubeinfer_sim.scenario.recovery.rules import GiveUp


class Degradation(Struct, eq=False):
    """A gang for which pods of other roles are given up, and where it goes when they are gone."""

    gang: PodGang
    nodes: Mapping[Pod, str]


class Rebuild(Struct, eq=False):
    """Pods that are deleted, and made anew as gangs once all of them are gone and the back-off is over.

    Attributes:
        units: their places in the instance; each tuple is made anew as one gang.
        wait: the back-off, in ms.
        last: id of the latest record about it.
        reason: why, in the word of the failure.
        keep: the nodes they were on.
        remaining: the pods that are not gone yet.
        after: those of them that are deleted when `first` is gone, the pod that failed.
        restoring: the places among them that the instance does without until they are back.
        withheld: the instance is to be replaced by one of another revision, so nothing is made anew.
        give_up: the roles that give up pods when there is no room.
        degradation: it was given up for this.
        timer: the back-off, while it runs.
    """

    units: tuple[tuple[Place, ...], ...]
    wait: int
    last: int
    reason: str = ""
    keep: dict[Place, str] = field(default_factory=dict)
    remaining: dict[Pod, None] = field(default_factory=dict)
    first: Pod | None = None
    after: tuple[Pod, ...] = ()
    restoring: set[Place] = field(default_factory=set)
    withheld: bool = False
    give_up: tuple[GiveUp, ...] = ()
    degradation: Degradation | None = None
    timer: Timer | None = None

    @classmethod
    def of(cls, units: Iterable[Iterable[Pod]], wait: int, last: int, reason: str) -> Rebuild:
        """A rebuild of these pods; some may be gone already."""
        groups = [list(unit) for unit in units]
        every = [pod for unit in groups for pod in unit]
        return cls(
            tuple(tuple(pod.ref.place for pod in unit) for unit in groups),
            wait,
            last,
            reason,
            {pod.ref.place: pod.node.name for pod in every if pod.node is not None},
            {pod: None for pod in every if pod.state is not PodState.GONE},
        )

    @property
    def places(self) -> list[Place]:
        """All places concerned."""
        return [place for unit in self.units for place in unit]

"""A part of an instance that is rebuilt while the rest of it runs on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from kubeinfer_sim.cluster.pod import Pod, PodState
from kubeinfer_sim.controllers.instance import Place

if TYPE_CHECKING:
    from kubeinfer_sim.engine.clock import Timer


@dataclass(slots=True, eq=False)
class Rebuild:
    """Pods that are deleted, and made anew as one gang once all of them are gone and the back-off is over.

    Attributes:
        places: where they stand in the instance.
        keep: the nodes they were on.
        wait: the back-off, in ms.
        last: id of the latest record about it.
        left: the pods that are not gone yet.
        withheld: the instance is to be replaced by one of another revision, so nothing is made anew.
        timer: the back-off, while it runs.
    """

    places: tuple[Place, ...]
    wait: int
    last: int
    keep: dict[Place, str] = field(default_factory=dict)
    left: dict[Pod, None] = field(default_factory=dict)
    withheld: bool = False
    timer: Timer | None = None

    @classmethod
    def of(cls, pods: Iterable[Pod], wait: int, last: int, *, withheld: bool = False) -> Rebuild:
        """A rebuild of these pods; some may be gone already."""
        every = list(pods)
        return cls(
            tuple(pod.ref.place for pod in every),
            wait,
            last,
            {pod.ref.place: pod.node.name for pod in every if pod.node is not None},
            {pod: None for pod in every if pod.state is not PodState.GONE},
            withheld,
        )

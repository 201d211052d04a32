"""The start barrier of a gang: engines start when all its pods run and have an address.

The vendor's start script waits for the rank table, which is complete only then; so model loading starts
together and the slowest pod of a gang sets the pace.
"""

from __future__ import annotations

from typing import Generic, TypeVar

Member = TypeVar("Member")


class StartBarrier(Generic[Member]):
    """Opens whenever `size` pods stand at it; a size of 0 or 1 holds nobody. The pods' owner changes it."""

    __slots__ = ("_present", "_waiting", "size")

    def __init__(self, size: int) -> None:
        self.size = size
        self._present: dict[Member, None] = {}
        self._waiting: list[Member] = []

    def arrive(self, pod: Member) -> list[Member]:
        """A pod's containers run; returns the pods whose engines start now."""
        self._present[pod] = None
        self._waiting.append(pod)
        if len(self._present) < self.size:
            return []
        released, self._waiting = self._waiting, []
        return released

    def leave(self, pod: Member) -> None:
        """A pod is deleted or its containers died; it no longer counts."""
        self._present.pop(pod, None)
        if pod in self._waiting:
            self._waiting.remove(pod)

    def holds(self, pod: Member) -> bool:
        """Whether the pod stands at it and waits."""
        return pod in self._waiting

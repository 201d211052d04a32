"""The gangs that wait: by priority, then first come first served, and only those a change could have helped.

Gangs with the same signature (the same pods, but for their names) fit or do not fit alike. They stand in one
line, and a line whose first gang did not fit is not tried again before a change that its pods can use.
"""

from __future__ import annotations

from collections.abc import Hashable
from heapq import heappop, heappush

from msgspec import Struct, field

from kubeinfer_sim.cluster.scheduler.gang import Gang, Signature

_Place = tuple[int, int]  # (-priority, arrival)


class Line(Struct, eq=False):
    """The waiting gangs of one signature; `blocked` after the first of them did not fit.

    Attributes:
        tied: its pods look at those on nodes, so that another one placed may give them a place.
        refused: one of them did not fit: places come free one by one, and it is asked for room before one is tried.
    """

    signature: Signature
    tied: bool
    blocked: bool = False
    refused: bool = False
    heap: list[tuple[_Place, Gang]] = field(default_factory=list)


class GangQueue:
    """Gangs waiting to be placed."""

    def __init__(self) -> None:
        self._lines: dict[Signature, Line] = {}
        self._waiting: dict[Hashable, _Place] = {}
        self._tied = 0  # lines whose pods look at others
        self._arrivals = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def __contains__(self, gang_key: object) -> bool:
        return gang_key in self._waiting

    def add(self, gang: Gang, signature: Signature) -> None:
        """Put a gang at its place; a line whose gangs did not fit stays so."""
        if gang.key in self._waiting:
            raise ValueError(f"gang {gang.key!r} is queued already")
        self._arrivals += 1
        place = (-gang.priority, self._arrivals)
        self._waiting[gang.key] = place
        line = self._lines.get(signature)
        if line is None:
            tied = any(spec.needs_neighbours for spec, _ in signature)
            line = self._lines[signature] = Line(signature, tied)
            self._tied += tied
        heappush(line.heap, (place, gang))

    def remove(self, gang_key: Hashable) -> None:
        """Take a gang out; nothing happens if it does not wait."""
        self._waiting.pop(gang_key, None)

    def head(self, line: Line) -> tuple[_Place, Gang] | None:
        """The first gang of a line; a line without any is dropped."""
        heap = line.heap
        while heap and self._waiting.get(heap[0][1].key) != heap[0][0]:
            heappop(heap)
        if heap:
            return heap[0]
        if self._lines.pop(line.signature, None) is not None:
            self._tied -= line.tied
        return None

    def line(self, signature: Signature) -> Line:
        """The line in which gangs of a signature wait; raises KeyError where none does."""
        return self._lines[signature]

    def waiting(self, line: Line) -> list[tuple[_Place, Gang]]:
        """All gangs of a line in their order."""
        return sorted(
            (each for each in line.heap if self._waiting.get(each[1].key) == each[0]),
            key=lambda each: each[0],
        )

    def unblock_tied(self) -> bool:
        """Pods were placed: lines whose pods may want them near are tried again; whether there are any."""
        tied = [line for _, _, line in self.heads(blocked=True) if line.tied] if self._tied else []
        for line in tied:
            line.blocked = False
        return bool(tied)

    def heads(self, *, blocked: bool | None = None) -> list[tuple[_Place, Gang, Line]]:
        """The first gangs of the lines with anyone in them, or of those that are (not) blocked."""
        return [
            (*head, line)
            for line in [*self._lines.values()]
            if (blocked is None or line.blocked is blocked) and (head := self.head(line)) is not None
        ]

"""Like nodes sorted by what is free on them, so that the best one that fits is found by bisection."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Container, Iterable, Iterator
from heapq import heappop, heappush

from kubeinfer_sim.cluster.scheduler.node_state import NodeState

#: Amounts of certain resources.
Vector = tuple[int, ...]


class _Bucket:
    """Nodes with the same free vector: a heap of their orders, from which those that left are dropped late."""

    __slots__ = ("count", "heap")

    def __init__(self, order: int) -> None:
        self.heap = [order]
        self.count = 1


#: So many nodes that have left are met before they are cleared away.
TRIES = 4
_SPREAD = 7_919.0


class View:
    """The nodes of a class sorted by what is free of certain resources.

    With `scored`, what pods ask for as the scores see it comes behind: nodes at one key then have equal scores.

    Attributes:
        keys: the free vectors that occur, ascending.
    """

    __slots__ = ("_at", "_buckets", "_scored", "keys", "resources")

    def __init__(
        self, resources: tuple[str, ...], nodes: Iterable[NodeState], *, scored: bool = False
    ) -> None:
        self.resources = resources
        self.keys: list[Vector] = []
        self._buckets: dict[Vector, _Bucket] = {}
        self._scored = scored
        self._at: dict[int, Vector] = {}
        for node in nodes:
            self.add(node)

    def add(self, node: NodeState) -> None:
        """Take a node in."""
        order, allocatable, requested = node.order, node.allocatable, node.requested
        key = tuple([allocatable[name] - requested.get(name, 0) for name in self.resources])
        if self._scored:
            key = (*key, node.scoring["cpu"], node.scoring["memory"])
        self._at[order] = key
        bucket = self._buckets.get(key)
        if bucket is None:
            self._buckets[key] = _Bucket(order)
            insort(self.keys, key)
            return
        bucket.count += 1
        heappush(bucket.heap, order)
        if len(bucket.heap) > 2 * bucket.count + 16:
            bucket.heap = self.orders(key)

    def remove(self, node: NodeState) -> None:
        """Let a node go."""
        order = node.order
        key = self._at.pop(order)
        bucket = self._buckets[key]
        bucket.count -= 1
        if not bucket.count:
            del self._buckets[key]
            del self.keys[bisect_left(self.keys, key)]
        elif bucket.heap[0] == order:
            heappop(bucket.heap)

    def count(self, key: Vector) -> int:
        """How many nodes have a free vector that occurs."""
        return self._buckets[key].count

    def first(self, key: Vector) -> int:
        """The order of the first node with a free vector that occurs."""
        heap, at = self._buckets[key].heap, self._at
        while at.get(heap[0]) != key:
            heappop(heap)
        return heap[0]

    def some(self, key: Vector, fraction: float, among: Container[int] | None = None) -> int:
        """The order of one of the nodes with a free vector that occurs: which one, a number in [0, 1) says.

        With `among` it is one of those, of which there must be one. Each is as likely as any other.
        """
        if among is not None:
            orders = [order for order in self.orders(key) if order in among]
            return orders[int(fraction * len(orders))]
        bucket, at = self._buckets[key], self._at
        for _ in range(TRIES):
            order = bucket.heap[int(fraction * len(bucket.heap))]
            if at.get(order) == key:
                return order
            fraction = fraction * _SPREAD % 1.0  # that node has left: another number from the same one
        bucket.heap = self.orders(key)
        return bucket.heap[int(fraction * len(bucket.heap))]

    def orders(self, key: Vector) -> list[int]:
        """The orders of all nodes with a free vector that occurs, ascending."""
        at = self._at
        return sorted({order for order in self._buckets[key].heap if at.get(order) == key})

    def fullest(self, amounts: Vector) -> Iterator[Vector]:
        """Free vectors with room for `amounts`, the least free first, skipping what cannot fit."""
        keys = self.keys
        at = bisect_left(keys, amounts)
        while at < len(keys):
            key = keys[at]
            short = _short(key, amounts)
            if short is None:
                yield key
                at += 1
            else:
                at = bisect_left(keys, (*key[:short], *amounts[short:]), at + 1)

    def emptiest(self, amounts: Vector) -> Iterator[Vector]:
        """Free vectors with room for `amounts`, the most free first, skipping what cannot fit."""
        keys = self.keys
        at = len(keys) - 1
        while at >= 0:
            key = keys[at]
            short = _short(key, amounts)
            if short is None:
                yield key
                at -= 1
            else:
                at = bisect_left(keys, key[:short], 0, at) - 1


def _short(key: Vector, amounts: Vector) -> int | None:
    """The first place where a free vector has too little; None when it has room."""
    for i, amount in enumerate(amounts):
        if key[i] < amount:
            return i
    return None

"""Image pulls over a registry that all nodes share (pkg/kubelet/images).

A node pulls one image at a time unless told otherwise (serializeImagePulls), in the order in which they were
asked for; an image that is being pulled is waited for, not pulled twice, as the container runtime does it.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable

from kubeinfer_sim.cluster.node import Node
from kubeinfer_sim.cluster.shared_link import SharedLink, Transfer
from kubeinfer_sim.engine.clock import Clock
from kubeinfer_sim.scenario.model import Transfers


class NodePulls:
    """The pulls of one node: under way by image (with who waits), and those that wait for their turn."""

    __slots__ = ("queue", "transfers", "waiters")

    def __init__(self) -> None:
        self.transfers: dict[str, Transfer] = {}
        self.waiters: dict[str, list[Callable[[], None]]] = {}
        self.queue: deque[str] = deque()


class ImageManager:
    """All nodes' image managers, on one registry."""

    def __init__(self, clock: Clock, transfers: Transfers) -> None:
        self._clock = clock
        self._transfers = transfers
        link = transfers.registry
        self._registry = None if link is None else SharedLink(clock, link.bandwidth, link.per_client)
        self._nodes: dict[Node, NodePulls] = {}

    @property
    def shares_registry(self) -> bool:
        """Whether pulls go over a registry whose bandwidth is known."""
        return self._registry is not None

    def size(self, image: str) -> int:
        """Bytes to pull."""
        return self._transfers.image_sizes.get(image, self._transfers.default_image_size)

    def pull(self, node: Node, image: str, done: Callable[[], None]) -> None:
        """Get an image that is not on the node; `done()` when it is."""
        pulls = self._nodes.setdefault(node, NodePulls())
        if image in pulls.waiters:
            pulls.waiters[image].append(done)
            return
        pulls.waiters[image] = [done]
        limit = self._transfers.parallel_pulls
        if limit is not None and len(pulls.waiters) - len(pulls.queue) > limit:
            pulls.queue.append(image)
        else:
            self._start(node, pulls, image)

    def _start(self, node: Node, pulls: NodePulls, image: str) -> None:
        assert self._registry is not None
        pulls.transfers[image] = self._registry.start(
            self.size(image), lambda: self._pulled(node, pulls, image)
        )

    def give_up(self, node: Node) -> None:
        """The machine went down: its pulls end, and nobody is told."""
        pulls = self._nodes.pop(node, None)
        if pulls is not None and self._registry is not None:
            for transfer in pulls.transfers.values():
                self._registry.cancel(transfer)

    def _pulled(self, node: Node, pulls: NodePulls, image: str) -> None:
        node.images[image] = self._clock.now
        waiters = pulls.waiters.pop(image)
        pulls.transfers.pop(image, None)
        if pulls.queue:
            self._start(node, pulls, pulls.queue.popleft())
        for done in waiters:
            done()


class Registry:
    """What can be pulled at all. `broken`: images nobody can pull (a wrong tag, a deleted one)."""

    def __init__(self, broken: Iterable[str]) -> None:
        self._broken: Counter[str] = Counter(broken)
        self._down = 0

    def refuses(self, image: str) -> str:
        """Why an image cannot be pulled now; "" when it can."""
        if self._down > 0:
            return "the registry does not answer"
        return "the registry has no such image" if self._broken[image] > 0 else ""

    def set(self, images: Iterable[str], *, broken: bool) -> None:
        """Pulls of these images (none given: of all) fail, or one of the reasons for that is gone."""
        change = 1 if broken else -1
        names = list(images)
        for image in names:
            self._broken[image] += change
        if not names:
            self._down += change

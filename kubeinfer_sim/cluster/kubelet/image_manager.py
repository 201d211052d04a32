"""Who may pull which image when: the image managers of all nodes, and the registry they pull from.

A node pulls one image at a time unless told otherwise (serializeImagePulls, maxParallelImagePulls), in the order
in which they were asked for, whether or not another pod has got the image meanwhile (pkg/kubelet/images/puller.go);
of several that pull one image at once the container runtime pulls it once. Each pull takes a token of its node's
bucket when its turn comes, and fails where there is none (registryPullQPS, registryBurst; images/helpers.go). What
becomes of a pod whose pull fails is in `image_pull_back_off`.

Where each pull takes its own time all of that is known when a pod asks, and costs no event. Over a registry whose
bandwidth is shared nobody knows, and each pull ends in an event.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Collection, Iterable
from functools import partial
from heapq import heappop, heappush
from math import inf

from msgspec import Struct, field

from kubeinfer_sim.cluster.kubelet.shared_link import SharedLink, Transfer
from kubeinfer_sim.cluster.node import Node
from kubeinfer_sim.cluster.rate_limit import TokenBucket
from kubeinfer_sim.cluster.stages import OTHER_PULLS, SAME_PULL, Stage, StageKind, StageName
from kubeinfer_sim.engine.clock import Clock
from kubeinfer_sim.engine.history import NO_CAUSE
from kubeinfer_sim.scenario.timings.model import Transfers

#: What the kubelet says of a pull for which its bucket has no token (images/helpers.go).
QPS_EXCEEDED = "pull QPS exceeded"


class Turn(Struct, frozen=True):
    """What asking for an image comes to; with `refused`, the stages end in a failure."""

    stages: tuple[Stage, ...]
    refused: bool = False


class Request(Struct):
    """A pod asks for an image.

    Attributes:
        warm: ms the pull takes when the image is there by then; None: it never ends.
        done: called when the image is there; whether it had to be transferred.
        refused: called when the bucket has no token.
    """

    image: str
    warm: int | None
    done: Callable[[bool], None]
    refused: Callable[[], None]


class NodePulls(Struct):
    """The pulls of one node.

    Attributes:
        busy_until: where each pull takes its own time: when those under way, or waiting, will be over, as a heap.
        queue: where they share a registry: those that wait for their turn.
        waiting: who waits for which transfer.
    """

    bucket: TokenBucket | None
    busy_until: list[float] = field(default_factory=list)
    running: int = 0
    queue: deque[Request] = field(default_factory=deque)
    transfers: dict[str, Transfer] = field(default_factory=dict)
    waiting: dict[str, list[Request]] = field(default_factory=dict)

    def admits(self, at: int) -> bool:
        """Whether there is a token for a pull at `at`, which it takes."""
        return self.bucket is None or self.bucket.try_accept(at)


class ImageManager:
    """All nodes' image managers, on one `registry`."""

    def __init__(self, clock: Clock, transfers: Transfers, broken: Iterable[str] = ()) -> None:
        self.registry = Registry(broken)
        self._clock = clock
        self._transfers = transfers
        link = transfers.registry
        self._link = None if link is None else SharedLink(clock, link.bandwidth, link.per_client)
        self._nodes: dict[Node, NodePulls] = {}

    @property
    def shares_registry(self) -> bool:
        """Whether pulls go over a registry whose bandwidth is known."""
        return self._link is not None

    def size(self, image: str) -> int:
        """Bytes to pull."""
        return self._transfers.image_sizes.get(image, self._transfers.default_image_size)

    def _of(self, node: Node) -> NodePulls:
        pulls = self._nodes.get(node)
        if pulls is None:
            transfers = self._transfers
            qps = transfers.registry_pull_qps
            bucket = TokenBucket(qps, transfers.registry_burst, self._clock.now) if qps else None
            pulls = self._nodes[node] = NodePulls(bucket)
        return pulls

    def turn(
        self,
        node: Node,
        image: str,
        cold: Callable[[], int | None],
        warm: Callable[[], int | None],
        *,
        after: int,
    ) -> Turn:
        """Ask, `after` so long from now, for a pull that takes its own time.

        It takes `cold()` ms, or `warm()` when the image is there by then.
        """
        pulls, now = self._of(node), self._clock.now + after
        busy, limit = pulls.busy_until, self._transfers.parallel_pulls
        while busy and busy[0] <= now:
            heappop(busy)
        begins = float(now) if limit is None or len(busy) < limit else heappop(busy)
        name = StageName(StageKind.IMAGE, image)
        there = node.images.get(image)
        if begins == inf:
            heappush(busy, inf)
            return Turn((Stage(name, None, "behind a pull that never ends"),))
        at = int(begins)
        stages: tuple[Stage, ...] = ()
        if at > now:
            stages = (Stage(name, at - now, SAME_PULL if there == at else OTHER_PULLS),)
        if not pulls.admits(at):
            if at > now:
                heappush(busy, at)
            return Turn(stages, refused=True)
        if there is None:
            length, regime = cold(), "cold"
            if length is not None:
                node.images[image] = at + length
        elif there > at:
            length, regime = there - at, SAME_PULL
        else:
            length, regime = warm(), "warm"
        heappush(busy, inf if length is None else at + length)
        return Turn((*stages, Stage(name, length, regime)))

    def failing_turn(self, node: Node, image: str) -> Turn:
        """A pull that will fail: it keeps its place in the node's queue until it has failed."""
        pulls, now, length = self._of(node), self._clock.now, self.registry.fails_after(image)
        name = StageName(StageKind.IMAGE, image)
        stages: tuple[Stage, ...] = ()
        if self._link is not None:
            pulls.running += 1
            self._clock.after(length, self._failed, node, pulls)
        else:
            busy, limit = pulls.busy_until, self._transfers.parallel_pulls
            while busy and busy[0] <= now:
                heappop(busy)
            begins = float(now) if limit is None or len(busy) < limit else heappop(busy)
            heappush(busy, begins + length)
            if begins == inf:
                return Turn((Stage(name, None, "behind a pull that never ends"),))
            if begins > now:
                stages = (Stage(name, int(begins) - now, OTHER_PULLS),)
        return Turn((*stages, Stage(name, length, "fails")), refused=True)

    def _failed(self, node: Node, pulls: NodePulls) -> None:
        if self._nodes.get(node) is pulls:
            pulls.running -= 1
            self._next(node, pulls)

    def pull(self, node: Node, request: Request) -> None:
        """Ask now for a pull over the shared registry."""
        pulls = self._of(node)
        pulls.queue.append(request)
        self._next(node, pulls)

    def _next(self, node: Node, pulls: NodePulls) -> None:
        """Begin with those whose turn it is."""
        assert self._link is not None
        limit = self._transfers.parallel_pulls
        while pulls.queue and (limit is None or pulls.running < limit):
            request = pulls.queue.popleft()
            image = request.image
            if not pulls.admits(self._clock.now):
                request.refused()
            elif image in node.images:
                if request.warm == 0:
                    request.done(False)
                    continue
                pulls.running += 1
                if request.warm is not None:
                    self._clock.after(request.warm, self._checked, node, pulls, request)
            else:
                pulls.running += 1
                pulls.waiting.setdefault(image, []).append(request)
                if image not in pulls.transfers:
                    pulls.transfers[image] = self._link.start(
                        self.size(image), partial(self._pulled, node, pulls, image)
                    )

    def _checked(self, node: Node, pulls: NodePulls, request: Request) -> None:
        """The registry has said that the node's image is the one it has."""
        if self._nodes.get(node) is pulls:
            pulls.running -= 1
            request.done(False)
            self._next(node, pulls)

    def _pulled(self, node: Node, pulls: NodePulls, image: str) -> None:
        node.images[image] = self._clock.now
        del pulls.transfers[image]
        requests = pulls.waiting.pop(image)
        pulls.running -= len(requests)
        for request in requests:
            request.done(True)
        self._next(node, pulls)

    def give_up(self, node: Node) -> None:
        """The machine went down: its pulls end, and nobody is told."""
        pulls = self._nodes.pop(node, None)
        if pulls is not None and self._link is not None:
            for transfer in pulls.transfers.values():
                self._link.cancel(transfer)


class Registry:
    """What can be pulled at all. `broken`: images nobody can pull (a wrong tag, a deleted one)."""

    def __init__(self, broken: Iterable[str]) -> None:
        # Why an image (None: any) cannot be pulled: by the record that began it how long a pull takes to fail, in ms.
        self._broken: dict[str | None, dict[int, int]] = {image: {NO_CAUSE: 0} for image in broken}
        # How often each image was asked for in vain.
        self._refused: Counter[str] = Counter()

    def refuses(self, image: str) -> str:
        """Why an image cannot be pulled now; "" when it can."""
        if not (whole := self._broken.get(None)) and not self._broken.get(image):
            return ""
        self._refused[image] += 1
        return "the registry does not answer" if whole else "the registry has no such image"

    def refused(self, images: Collection[str]) -> int:
        """How often these images (none given: any) have been asked for in vain."""
        return sum(times for image, times in self._refused.items() if not images or image in images)

    def fails_after(self, image: str) -> int:
        """How long a pull of the image takes to fail, in ms; of several reasons the quickest counts."""
        return min(
            (after for key in (None, image) for after in self._broken.get(key, {}).values()), default=0
        )

    def cause(self, image: str) -> int:
        """The record that began why the image cannot be pulled, of several the oldest; none of an image nobody has."""
        return min((cause for key in (None, image) for cause in self._broken.get(key, ())), default=NO_CAUSE)

    def break_images(self, images: Iterable[str], cause: int, after: int = 0) -> None:
        """Pulls of these images (none given: of all) fail from now on, `after` ms each; `cause`: the record of that."""
        for image in dict.fromkeys(images) or (None,):
            self._broken.setdefault(image, {})[cause] = after

    def mend_images(self, images: Iterable[str], cause: int) -> None:
        """This is no reason any more why they fail."""
        for image in dict.fromkeys(images) or (None,):
            del self._broken[image][cause]

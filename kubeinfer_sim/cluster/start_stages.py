"""How long each stage of a pod's start takes, given what its node already has.

Image pulls come before the containers run; everything from the rank table to the warm-up after the start
barrier. Each duration is drawn from a stream named after the pod and the stage.
"""

from __future__ import annotations

from collections.abc import Iterable

from kubeinfer_sim.cluster.node import Node
from kubeinfer_sim.cluster.pod import Pod
from kubeinfer_sim.cluster.records import Stage
from kubeinfer_sim.engine.streams import Streams
from kubeinfer_sim.scenario.model import Distribution

#: Where weights come from that are neither in the page cache nor on the node's own disk.
SHARED_STORAGE = "cold, shared storage"


class StageDraws:
    """Draws stage lengths; constants draw nothing."""

    __slots__ = ("_streams",)

    def __init__(self, streams: Streams) -> None:
        self._streams = streams

    def draw(self, distribution: Distribution, pod: Pod, stage: str) -> int | None:
        """One length in ms of `stage` for `pod`; None when it never ends."""
        return distribution.sample(self._streams.named(f"stage/{stage}/{pod.stream_name}/{pod.restarts}"))

    def containers(
        self, pod: Pod, node: Node, now: int, *, shared: bool, first: int = 0
    ) -> tuple[tuple[Stage, ...], int | None]:
        """What comes before all containers run: image pulls in turn, then sandbox and containers.

        The image of a node where another pod is still pulling it is waited for, not pulled twice, as the
        container runtime does it. With a `shared` registry a cold pull takes as long as the registry needs:
        its stage is the last one returned, has no duration, and the second value says which container (of init
        containers and containers, counted together) it was for. `first` is the container to begin with.
        """
        stages: list[Stage] = []
        at = now
        every = (*pod.template.init_containers, *pod.template.containers)
        for index in range(first, len(every)):
            image = every[index].image
            name = f"image {image}"
            present_at = node.images.get(image)
            if present_at is None and shared:
                return (*stages, Stage(name, None, "cold, shared registry")), index
            if present_at is None:
                length = self.draw(pod.timings.image_cold, pod, f"image/{image}")
                regime = "cold"
                if length is not None:
                    node.images[image] = at + length
            elif present_at > at:
                length, regime = present_at - at, "another pod pulls"
            elif any(stage.name == name for stage in stages):
                continue
            else:
                length, regime = self.draw(pod.timings.image_warm, pod, f"image/{image}"), "warm"
            stages.append(Stage(name, length, regime))
            if length is None:
                return tuple(stages), None
            at += length
        stages.append(Stage("create", self.draw(pod.timings.create, pod, "create")))
        return tuple(stages), None

    def before_weights(self, pod: Pod) -> tuple[Stage, ...]:
        """From the start barrier until the engine reads its weights."""
        timings = pod.timings
        return (
            Stage("rankTable", self.draw(timings.rank_table, pod, "rankTable")),
            Stage("import", self.draw(timings.framework_import, pod, "import")),
            Stage("communicator", self.draw(timings.communicator, pod, "communicator")),
        )

    def weights(self, pod: Pod, node: Node, at: int, *, shared: bool) -> Stage:
        """Reading the weights from `at` on; no duration when they come over a `shared` storage."""
        timings = pod.timings
        if node.weights_ready(pod.weights_key, at):
            return Stage("weights", self.draw(timings.weights_warm, pod, "weights"), "warm")
        if pod.template.weights_volume == "local":
            return Stage("weights", self.draw(timings.weights_local, pod, "weights"), "cold, local disk")
        length = None if shared and pod.npus else self.draw(timings.weights_shared, pod, "weights")
        return Stage("weights", length, SHARED_STORAGE)

    def after_weights(self, pod: Pod, node: Node, loaded: int) -> tuple[Stage, ...]:
        """From the end of the weights until the engine answers; notes what is warm on the node from when on."""
        timings = pod.timings
        pod.weights_at = loaded
        if loaded < node.page_cache.get(pod.weights_key, loaded + 1):
            node.page_cache[pod.weights_key] = loaded
        graph_key = (pod.revision, pod.ref.role)
        if node.graph_ready(graph_key, loaded):
            graph = Stage("graph", self.draw(timings.graph_warm, pod, "graph"), "warm")
        else:
            graph = Stage("graph", self.draw(timings.graph_cold, pod, "graph"), "cold")
        compiled = end_of((graph,), loaded)
        if compiled is not None and compiled < node.graphs.get(graph_key, compiled + 1):
            node.graphs[graph_key] = compiled
        warm_up = Stage("warmUp", self.draw(timings.warm_up, pod, "warmUp"))
        pod.serving_at = end_of((warm_up,), compiled)
        return graph, warm_up


def interrupt(pod: Pod, node: Node, now: int) -> None:
    """The pod's start was cut short at `now`: what it had not finished is not on the node."""
    if pod.serving_at is None and pod.weights_at is None:
        return
    if node.page_cache.get(pod.weights_key, 0) > now:
        del node.page_cache[pod.weights_key]
    graph_key = (pod.revision, pod.ref.role)
    if node.graphs.get(graph_key, 0) > now:
        del node.graphs[graph_key]


def end_of(stages: Iterable[Stage], at: int | None) -> int | None:
    """When the last of the stages ends that begin at `at`; None if one never does."""
    for stage in stages:
        if at is None or stage.duration is None:
            return None
        at += stage.duration
    return at

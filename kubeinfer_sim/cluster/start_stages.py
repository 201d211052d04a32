"""How long each stage of a pod's start takes, given what its node already has.

Image pulls come before the containers run; everything from the rank table to the warm-up after the start
barrier. Each duration is drawn from a stream named after the pod and the stage.
"""

from __future__ import annotations

from kubeinfer_sim.cluster.node import Node
from kubeinfer_sim.cluster.pod import Pod
from kubeinfer_sim.cluster.records import Stage
from kubeinfer_sim.engine.streams import Streams
from kubeinfer_sim.scenario.model import Distribution


class StageDraws:
    """Draws stage lengths; constants draw nothing."""

    __slots__ = ("_streams",)

    def __init__(self, streams: Streams) -> None:
        self._streams = streams

    def draw(self, distribution: Distribution, pod: Pod, stage: str) -> int | None:
        """One length in ms of `stage` for `pod`; None when it never ends."""
        return distribution.sample(self._streams.named(f"stage/{stage}/{pod.stream_name}/{pod.restarts}"))

    def containers(self, pod: Pod, node: Node, now: int) -> tuple[Stage, ...]:
        """From set-up by the kubelet until all containers run: image pulls in turn, then sandbox and containers.

        The image of a node where another pod is still pulling it is waited for, not pulled twice, as the
        container runtime does it.
        """
        stages: list[Stage] = []
        at = now
        for container in (*pod.template.init_containers, *pod.template.containers):
            image = container.image
            present_at = node.images.get(image)
            if present_at is None:
                length = self.draw(pod.timings.image_cold, pod, f"image/{image}")
                regime = "cold"
                if length is not None:
                    node.images[image] = at + length
            elif present_at > at:
                length, regime = present_at - at, "another pod pulls"
            elif any(stage.name == f"image {image}" for stage in stages):
                continue
            else:
                length, regime = self.draw(pod.timings.image_warm, pod, f"image/{image}"), "warm"
            stages.append(Stage(f"image {image}", length, regime))
            if length is None:
                return tuple(stages)
            at += length
        stages.append(Stage("create", self.draw(pod.timings.create, pod, "create")))
        return tuple(stages)

    def engine(self, pod: Pod, node: Node, now: int) -> tuple[Stage, ...]:
        """From the start barrier until the engine answers; notes on the node what will be warm from when."""
        timings = pod.timings
        before = [
            Stage("rankTable", self.draw(timings.rank_table, pod, "rankTable")),
            Stage("import", self.draw(timings.framework_import, pod, "import")),
            Stage("communicator", self.draw(timings.communicator, pod, "communicator")),
        ]
        at = _end(before, now)
        if at is not None and node.weights_ready(pod.weights_key, at):
            weights = Stage("weights", self.draw(timings.weights_warm, pod, "weights"), "warm")
        elif pod.template.weights_volume == "local":
            weights = Stage("weights", self.draw(timings.weights_local, pod, "weights"), "cold, local disk")
        else:
            weights = Stage(
                "weights", self.draw(timings.weights_shared, pod, "weights"), "cold, shared storage"
            )
        loaded = pod.weights_at = _end([weights], at)
        if loaded is not None and loaded < node.page_cache.get(pod.weights_key, loaded + 1):
            node.page_cache[pod.weights_key] = loaded
        graph_key = (pod.revision, pod.ref.role)
        if loaded is not None and node.graph_ready(graph_key, loaded):
            graph = Stage("graph", self.draw(timings.graph_warm, pod, "graph"), "warm")
        else:
            graph = Stage("graph", self.draw(timings.graph_cold, pod, "graph"), "cold")
        compiled = _end([graph], loaded)
        if compiled is not None and compiled < node.graphs.get(graph_key, compiled + 1):
            node.graphs[graph_key] = compiled
        warm_up = Stage("warmUp", self.draw(timings.warm_up, pod, "warmUp"))
        pod.serving_at = _end([warm_up], compiled)
        return (*before, weights, graph, warm_up)


def interrupt(pod: Pod, node: Node, now: int) -> None:
    """The pod's start was cut short at `now`: what it had not finished is not on the node."""
    if pod.serving_at is None and pod.weights_at is None:
        return
    if node.page_cache.get(pod.weights_key, 0) > now:
        del node.page_cache[pod.weights_key]
    graph_key = (pod.revision, pod.ref.role)
    if node.graphs.get(graph_key, 0) > now:
        del node.graphs[graph_key]


def _end(stages: list[Stage], at: int | None) -> int | None:
    """When the last of the stages ends, None if one never does."""
    for stage in stages:
        if at is None or stage.duration is None:
            return None
        at += stage.duration
    return at

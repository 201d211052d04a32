"""A node as its pods find it: which images, weights and compiled graphs are already there.

What is on a node decides between a warm and a cold start. Each entry carries the time from which it can be
used, so that a pod that arrives while another one still pulls or loads waits for that, and nothing needs an
event of its own. The scheduler keeps its own account of a node's resources (`scheduler/`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubeinfer_sim.scenario.model import NodeSpec

if TYPE_CHECKING:
    from kubeinfer_sim.cluster.pod import Pod

#: In `NodeSpec.weights`: whatever weights a pod wants are in the page cache.
ANY_WEIGHTS = "*"


class Node:
    """One node.

    Attributes:
        images: image -> the time from which it is on the node.
        page_cache: weights key -> the time from which they are in the page cache.
        graphs: (revision, role) -> the time from which the compiled graph is in the node's cache.
        pods: the pods bound to it, in the order in which they came.
        alive: the machine runs.
        reachable: it runs, and its kubelet talks to the API server.
        kubelet_runs: its kubelet probes containers and starts them (a dead machine's is not asked).
    """

    __slots__ = (
        "alive",
        "graphs",
        "images",
        "kubelet_runs",
        "name",
        "page_cache",
        "pods",
        "reachable",
        "spec",
    )

    def __init__(self, spec: NodeSpec) -> None:
        self.spec = spec
        self.name = spec.name
        self.images: dict[str, int] = dict.fromkeys(spec.images, 0)
        self.page_cache: dict[str, int] = dict.fromkeys(spec.weights, 0)
        self.graphs: dict[tuple[str, str], int] = {}
        self.pods: dict[Pod, None] = {}
        self.alive = self.reachable = self.kubelet_runs = True

    def weights_ready(self, key: str, now: int) -> bool:
        """Whether the weights are in the page cache now."""
        return ANY_WEIGHTS in self.page_cache or self.page_cache.get(key, now + 1) <= now

    def graph_ready(self, key: tuple[str, str], now: int) -> bool:
        """Whether the compiled graph of this revision and role is on the node now."""
        return self.graphs.get(key, now + 1) <= now

    def lose_memory(self, now: int) -> None:
        """The machine went down: what is on disk stays, the page cache and what was half done are gone."""
        self.page_cache.clear()
        self.images = {image: at for image, at in self.images.items() if at <= now}
        self.graphs = {graph: at for graph, at in self.graphs.items() if at <= now}

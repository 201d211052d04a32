"""A node: its object in the API server, and the machine behind it as its pods find it.

What is on a machine decides between a warm and a cold start. Each entry carries the time from which it can be
used, so that a pod that arrives while another one still pulls or loads waits for that, and nothing needs an
event of its own. The scheduler keeps its own account of a node's resources (`scheduler/`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from kubeinfer_sim.cluster.heartbeat import Heartbeat
from kubeinfer_sim.engine.history import NO_CAUSE
from kubeinfer_sim.scenario.cluster.model import NodeSpec, Taint

#: In `NodeSpec.weights`: whatever weights a pod wants are in the page cache.
ANY_WEIGHTS = "*"

#: Status of the Ready condition; a node without any has None.
Ready = Literal["True", "False", "Unknown"]

NO_SCHEDULE, NO_EXECUTE = "NoSchedule", "NoExecute"

# Well-known taint keys (staging/src/k8s.io/api/core/v1/well_known_taints.go).
NOT_READY = "node.kubernetes.io/not-ready"
UNREACHABLE = "node.kubernetes.io/unreachable"
UNSCHEDULABLE = "node.kubernetes.io/unschedulable"
OUT_OF_SERVICE = "node.kubernetes.io/out-of-service"

#: Label that puts a node into a zone (well_known_labels.go).
ZONE_LABEL = "topology.kubernetes.io/zone"
#: Label that keeps a node out of its zone's counts.
EXCLUDE_LABEL = "node.kubernetes.io/exclude-disruption"


class Node:
    """One node. The API (`api.Api`) alone writes its object, the kubelet what the machine is like.

    Attributes:
        spec: as the scenario has it at first.
        heartbeat: what its kubelet sends; None when none ever will.
        ready: its Ready condition.
        labels: as they are now.
        taints: in the order in which they were added.
        unschedulable: it is cordoned.
        allocatable: what it offers; cpu in millicores, everything else in whole units.
        created: creation time, ms.
        number: given by the API, counting up.
        last: id of the newest record about its failures, the cause of what follows.
        images: image -> the time from which it is on the machine.
        page_cache: weights key -> the time from which they are in the page cache.
        graphs: (revision, role) -> the time from which the compiled graph is in the machine's cache.
        alive: the machine runs.
        reachable: it runs, and its kubelet talks to the API server.
        kubelet_runs: its kubelet probes containers and starts them (a dead machine's is not asked).
        kubelet_since: when its kubelet was started, in ms; None: long ago.
    """

    __slots__ = (
        "alive",
        "allocatable",
        "created",
        "graphs",
        "heartbeat",
        "images",
        "kubelet_runs",
        "kubelet_since",
        "labels",
        "last",
        "name",
        "number",
        "page_cache",
        "reachable",
        "ready",
        "spec",
        "taints",
        "unschedulable",
    )

    def __init__(
        self,
        spec: NodeSpec,
        heartbeat: Heartbeat | None = None,
        *,
        ready: Ready | None = "True",
        created: int = 0,
    ) -> None:
        self.spec = spec
        self.name = spec.name
        self.heartbeat = heartbeat
        self.ready = ready
        self.labels: Mapping[str, str] = spec.labels
        self.taints: dict[Taint, None] = dict.fromkeys(spec.taints)
        self.unschedulable = spec.unschedulable
        self.allocatable = spec.allocatable
        self.created = created
        self.number = 0
        self.last = NO_CAUSE
        self.images: dict[str, int] = dict.fromkeys(spec.images, 0)
        self.page_cache: dict[str, int] = dict.fromkeys(spec.weights, 0)
        self.graphs: dict[tuple[str, str], int] = {}
        self.alive = self.reachable = spec.ready != "Unknown"
        self.kubelet_runs = True
        self.kubelet_since: int | None = None

    def registers(self, now: int) -> None:
        """Its kubelet, started anew, makes a new object of it, as it was configured (tryRegisterWithAPIServer).

        What the machine offers stands in its status.
        """
        self.labels = self.spec.labels
        self.taints = dict.fromkeys(self.spec.taints)
        self.unschedulable = False
        self.ready = "True"
        self.created = now

    @property
    def zone(self) -> str:
        """Value of its zone label, "" without one."""
        return self.labels.get(ZONE_LABEL, "")

    @property
    def counted(self) -> bool:
        """Whether it counts for the health of its zone."""
        return EXCLUDE_LABEL not in self.labels

    def weights_ready(self, key: str, now: int) -> bool:
        """Whether the weights are in the page cache now."""
        return ANY_WEIGHTS in self.page_cache or self.page_cache.get(key, now + 1) <= now

    def graph_ready(self, key: tuple[str, str], now: int) -> bool:
        """Whether the compiled graph of this revision and role is on the machine now."""
        return self.graphs.get(key, now + 1) <= now

    def lose_memory(self, now: int) -> None:
        """The machine went down: what is on disk stays, the page cache and what was half done are gone."""
        self.page_cache.clear()
        self.lose_pulls(now)
        self.graphs = {graph: at for graph, at in self.graphs.items() if at <= now}

    def lose_pulls(self, now: int) -> None:
        """What is being pulled has to be pulled anew."""
        self.images = {image: at for image, at in self.images.items() if at <= now}


def nobodys_node(name: str) -> Node:
    """A node that a pod names and that does not exist: no kubelet hears of the pod."""
    node = Node(NodeSpec(name, "", {}), ready=None)
    node.alive = node.reachable = False
    return node

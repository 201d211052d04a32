"""Pods that come to a tainted node, and pods that have finished there."""

from __future__ import annotations

from cluster.bare_pods import Idle, bare_pod

from kubeinfer_sim.cluster.api import Api
from kubeinfer_sim.cluster.node import NO_EXECUTE, Node
from kubeinfer_sim.cluster.nodes.taint_eviction import TaintEvictionController
from kubeinfer_sim.cluster.pod import Pod
from kubeinfer_sim.engine.clock import Clock
from kubeinfer_sim.engine.history import NO_CAUSE, History
from kubeinfer_sim.manifest.model import Toleration
from kubeinfer_sim.scenario.cluster.model import NodeSpec, Taint

TAINT = Taint("own", "", NO_EXECUTE)
FOR_30_S = (Toleration("own", "Exists", toleration_seconds=30),)


class Cluster(Idle):
    """A node, pods that are evicted without delay, and who was evicted when."""

    def __init__(self, *taints: Taint) -> None:
        self.clock, self.history = Clock(), History()
        self.api = Api(self.clock, self.history)
        self.api.add(Node(NodeSpec("n0", "", {}, taints=taints)))
        self.controller = TaintEvictionController(self.clock, self.api)
        self.api.watch(self.controller)
        self.evicted: list[tuple[int, str]] = []

    def comes(self, name: str, tolerations: tuple[Toleration, ...] = ()) -> Pod:
        pod = bare_pod(self, name, tolerations)
        self.api.schedule(pod.ref.instance, {pod: "n0"}, NO_CAUSE)
        self.api.bind(pod, self.api.nodes["n0"])
        return pod

    def pod_finished(self, pod: Pod, reason: str) -> None:
        """It stays as it is."""

    def evict(self, pod: Pod, reason: str, cause: int, grace: int | None = None) -> None:
        self.evicted.append((self.clock.now, pod.ref.role))
        self.api.gone(pod)


def test_a_pod_that_is_evicted_from_the_node_it_has_just_come_to_came_in_vain() -> None:
    cluster = Cluster(TAINT)
    cluster.comes("at once")
    cluster.comes("later", FOR_30_S)
    assert not cluster.evicted, "whoever has made it counts it first"
    cluster.clock.run(60_000)
    assert cluster.evicted == [(0, "at once"), (30_000, "later")]
    assert [each.at for each in cluster.controller.in_vain] == [0, 30_000]


def test_a_pod_that_a_new_taint_drives_out_has_not_come_in_vain() -> None:
    cluster = Cluster()
    cluster.comes("there")
    cluster.api.change_taints(cluster.api.nodes["n0"], add=[TAINT])
    cluster.clock.run(60_000)
    assert cluster.evicted == [(0, "there")]
    assert not cluster.controller.in_vain


def test_a_pod_that_finishes_once_its_node_has_left_goes_when_its_own_time_is_over() -> None:
    """Both tolerate the taint for 30 s; one had finished before, one came 10 s later."""
    cluster = Cluster()
    early = cluster.comes("early", FOR_30_S)
    cluster.api.finish(early, "Succeeded")
    node = cluster.api.nodes["n0"]
    cluster.api.change_taints(node, add=[TAINT])
    cluster.clock.run(10_000)
    late = cluster.comes("late", FOR_30_S)
    cluster.clock.run(20_000)
    cluster.api.remove_node("n0")
    cluster.api.finish(late, "Succeeded")
    cluster.clock.run(60_000)
    assert cluster.evicted == [(30_000, "early"), (40_000, "late")]

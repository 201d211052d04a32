"""What the failure of a node looks like, and what it costs to simulate."""

from __future__ import annotations

from itertools import pairwise

import pytest
from cluster.bare_pods import Idle, bare_pod

from kubeinfer_sim.cluster.admission import with_default_tolerations
from kubeinfer_sim.cluster.api import Api
from kubeinfer_sim.cluster.heartbeat import Heartbeat
from kubeinfer_sim.cluster.node import NOT_READY, OUT_OF_SERVICE, UNREACHABLE, ZONE_LABEL, Node
from kubeinfer_sim.cluster.nodes.node_lifecycle import NodeLifecycleController, NodeLifecycleSettings
from kubeinfer_sim.cluster.nodes.pod_gc import PodGarbageCollector
from kubeinfer_sim.cluster.nodes.status_reports import StatusReporter
from kubeinfer_sim.cluster.nodes.taint_eviction import TaintEvictionController, toleration_of
from kubeinfer_sim.cluster.nodes.zone_state import EvictionRates, Zone, ZoneState
from kubeinfer_sim.cluster.pod import Pod, PodState
from kubeinfer_sim.cluster.watcher import Watcher
from kubeinfer_sim.engine.clock import Clock
from kubeinfer_sim.engine.history import History
from kubeinfer_sim.manifest.model import Toleration
from kubeinfer_sim.scenario.cluster.model import NodeSpec, Taint

DAY = 86_400_000


class Cluster(Watcher, Idle):
    """Nodes of one zone, one pod with default tolerations on each, and a log; its pods take for ever to stop."""

    def __init__(self, nodes: int, settings: NodeLifecycleSettings | None = None) -> None:
        self.clock = Clock()
        self.api = Api(self.clock, History())
        self.log: list[tuple[int, str]] = []
        for i in range(nodes):
            beat = Heartbeat(lease_phase=1000 + i, status_phase=2000 + i)
            self.api.add(Node(NodeSpec(f"n{i}", "", {}, {ZONE_LABEL: "a"}), beat))
        settings = settings or NodeLifecycleSettings(first_pass=123)
        controller = NodeLifecycleController(self.clock, self.api, settings)
        self.reporter = StatusReporter(self.clock, self.api, self)
        taint_eviction = TaintEvictionController(self.clock, self.api)
        pod_gc = PodGarbageCollector(self.clock, self.api)
        self._watchers = (controller, self.reporter, taint_eviction, pod_gc, self)
        self.api.watch(*self._watchers)
        for i in range(nodes):
            pod = bare_pod(self, f"p{i}", with_default_tolerations(()))
            pod.ready = True
            self.api.bind(pod, self.api.nodes[f"n{i}"], running=True)

    def die(self, at: int, name: str) -> None:
        self.clock.at(at, lambda: self.reporter.silent(self.api.nodes[name]))

    def watch_too(self, watcher: Watcher) -> None:
        self.api.watch(*self._watchers, watcher)

    def note(self, text: str) -> None:
        self.log.append((self.clock.now, text))

    def node_ready_changed(self, node: Node) -> None:
        self.note(f"{node.name} {node.ready}")

    def pod_unready(self, pod: Pod, reason: str) -> None:
        self.note(f"{pod.ref.role} not ready")

    def restore_ready(self, pod: Pod) -> None:
        self.note(f"{pod.ref.role} ready")

    def evict(self, pod: Pod, reason: str, cause: int, grace: int | None = None) -> None:
        self.note(f"{pod.ref.role} deleting")
        self.api.delete(pod, reason, cause, grace=grace)

    def pod_terminating(self, pod: Pod, reason: str, cause: int) -> None:
        pod.state = PodState.DELETING

    def pod_removed(self, pod: Pod) -> None:
        self.note(f"{pod.ref.role} removed")


def test_a_node_is_of_the_zone_that_its_label_says_now() -> None:
    def tainted(*, moved: bool) -> list[int]:
        cluster = Cluster(12)
        if moved:
            node = cluster.api.nodes["n1"]
            cluster.clock.at(1_000, lambda: cluster.api.set_labels(node, {ZONE_LABEL: "b"}))
        for name in ("n0", "n1"):
            cluster.die(20_000, name)
        found: dict[str, int] = {}

        class Taints(Watcher):
            def node_spec_changed(self, node: Node) -> None:
                if any(taint.effect == "NoExecute" for taint in node.taints):
                    found.setdefault(node.name, cluster.clock.now)

        cluster.watch_too(Taints())
        cluster.clock.run(until=120_000)
        return sorted(found.values())

    first, second = tainted(moved=False)
    assert second - first == 10_000
    first, second = tainted(moved=True)
    assert second - first < 10_000


def test_healthy_nodes_cost_one_pass_and_nothing_more_in_a_day() -> None:
    cluster = Cluster(1000)
    cluster.clock.run(until=DAY)
    assert cluster.clock.fired == 1
    assert cluster.log == []


def test_a_silent_death_is_noticed_after_fifty_seconds_and_empties_the_node_after_three_hundred_more() -> (
    None
):
    cluster = Cluster(1000)
    cluster.die(65_000, "n7")
    cluster.clock.run(until=DAY)
    # Last renewal at 61.007 s, seen by the pass at 65.253 s, overdue at the first pass after 115.253 s.
    assert cluster.log == [(115_353, "n7 Unknown"), (115_353, "p7 not ready"), (415_400, "p7 deleting")]
    # first pass, death, the deciding pass, the taint, the timer
    assert cluster.clock.fired == 5
    assert [f"{t.key}:{t.effect}" for t in cluster.api.nodes["n7"].taints] == [
        f"{UNREACHABLE}:NoSchedule",
        f"{UNREACHABLE}:NoExecute",
    ]


def test_a_node_that_comes_back_in_time_leaves_no_trace() -> None:
    cluster = Cluster(3)
    cluster.die(65_000, "n0")
    cluster.clock.at(100_000, lambda: cluster.reporter.back(cluster.api.nodes["n0"]))
    cluster.clock.run(until=DAY)
    assert cluster.log == []


def test_a_node_that_comes_back_late_has_its_pods_ready_again_and_its_taint_removed_by_the_next_pass() -> (
    None
):
    cluster = Cluster(3)
    cluster.die(65_000, "n0")
    cluster.clock.at(200_000, lambda: cluster.reporter.back(cluster.api.nodes["n0"]))
    cluster.clock.run(until=DAY)
    assert cluster.log[2:] == [(200_000, "n0 True"), (200_000, "p0 ready")]
    assert not cluster.api.nodes["n0"].taints


def test_pods_stuck_terminating_on_a_dead_node_go_when_it_is_declared_out_of_service() -> None:
    cluster = Cluster(3)
    cluster.die(65_000, "n0")
    node = cluster.api.nodes["n0"]
    cluster.clock.at(
        500_000, lambda: cluster.api.change_taints(node, [Taint(OUT_OF_SERVICE, "", "NoExecute")])
    )
    cluster.clock.run(until=DAY)
    assert cluster.log[-1] == (500_250, "p0 removed")  # pass 25 of the collector, every 20.01 s


def test_pods_of_a_deleted_node_go_after_the_quarantine() -> None:
    cluster = Cluster(3)
    cluster.clock.at(100_005, lambda: cluster.api.remove_node("n0"))
    cluster.clock.run(until=DAY)
    # missed by the pass at 100.05 s, removed by the first one more than 40 s later
    assert cluster.log == [(140_070, "p0 removed")]


def test_a_cluster_of_one_node_never_evicts() -> None:
    cluster = Cluster(1)
    cluster.die(65_000, "n0")
    cluster.clock.run(until=DAY)
    assert [text for _, text in cluster.log] == ["n0 Unknown", "p0 not ready"]


def test_dead_nodes_are_emptied_ten_seconds_apart() -> None:
    cluster = Cluster(10)
    for name in ("n1", "n2", "n3"):
        cluster.die(65_000, name)
    cluster.clock.run(until=DAY)
    deletions = [at for at, text in cluster.log if text.endswith("deleting")]
    assert [later - first for first, later in pairwise(deletions)] == [10_000, 10_000]


def test_a_zone_mostly_out_is_left_alone() -> None:
    cluster = Cluster(10)
    for i in range(6):
        cluster.die(65_000, f"n{i}")
    cluster.clock.run(until=DAY)
    assert not [text for _, text in cluster.log if text.endswith("deleting")]


def test_a_cordoned_node_carries_the_taint_that_says_so() -> None:
    cluster = Cluster(1)
    node = cluster.api.nodes["n0"]
    cluster.api.cordon(node, True)
    assert [taint.key for taint in node.taints] == ["node.kubernetes.io/unschedulable"]
    cluster.api.cordon(node, False)
    assert not node.taints


@pytest.mark.parametrize(
    ("taints", "expected"),
    [
        ([NOT_READY], (True, 300)),
        ([NOT_READY, UNREACHABLE], (True, 300)),
        ([NOT_READY, "example.com/other"], (False, 0)),
    ],
)
def test_every_taint_must_be_tolerated(taints: list[str], expected: tuple[bool, int]) -> None:
    assert (
        toleration_of([Taint(k, "", "NoExecute") for k in taints], with_default_tolerations(())) == expected
    )


def test_a_toleration_without_limit_is_for_ever() -> None:
    assert toleration_of([Taint(NOT_READY, "", "NoExecute")], [Toleration("", "Exists")]) == (True, None)


def test_leaving_rate_zero_starts_with_an_empty_bucket() -> None:
    zone = Zone(None, state=ZoneState.PARTIAL)
    zone.set_rate(EvictionRates().normal, 1_000)
    assert zone.limiter is not None
    assert zone.limiter.next_accept(1_000, 100) == 11_000

"""The API server as the meeting place: who is told of what, in which order."""

from __future__ import annotations

from typing import Any

import pytest
from cluster.bare_pods import Idle, bare_pod

from kubeinfer_sim.cluster.api import Api
from kubeinfer_sim.cluster.node import NO_EXECUTE, Node
from kubeinfer_sim.cluster.pod import Pod, PodState
from kubeinfer_sim.cluster.records import (
    GangScheduled,
    NodeCordoned,
    NodeReadyChanged,
    NodeTainted,
    PodFinished,
    PodGone,
    PodNotReady,
    PodReady,
    PodRemoved,
)
from kubeinfer_sim.cluster.watcher import Watcher
from kubeinfer_sim.engine.clock import Clock
from kubeinfer_sim.engine.history import NO_CAUSE, History
from kubeinfer_sim.scenario.cluster.model import ClusterObject, NodeSpec, Taint

EVENTS = [name for name in vars(Watcher) if not name.startswith("_")]


class Cluster(Idle):
    """Two nodes, one pod, two watchers; who is told of what is in `told`."""

    def __init__(self) -> None:
        self.history = History()
        self.api = Api(Clock(), self.history)
        self.told: list[str] = []
        for name in ("n0", "n1"):
            self.api.add(Node(NodeSpec(name, "", {"npu": 8})))
        self.api.watch(self.watcher("first"), self.watcher("second"))
        self.pod = bare_pod(self, "decode", npus=8)

    def watcher(self, who: str) -> Watcher:
        """One that hears of everything."""

        def hears(event: str) -> Any:
            return lambda watcher, *what: self.told.append(f"{who}: {event}")

        return type(who, (Watcher,), {event: hears(event) for event in EVENTS})()

    def bound(self) -> Pod:
        self.api.schedule(self.pod.ref.instance, {self.pod: "n1"}, NO_CAUSE)
        self.api.bind(self.pod, self.api.nodes["n1"])
        self.told.clear()
        return self.pod

    def pod_ready(self, pod: Pod) -> None:
        self.told.append("owner: ready")

    def pod_unready(self, pod: Pod, reason: str) -> None:
        self.told.append(f"owner: unready {reason}")

    def pod_stuck(self, pod: Pod) -> None:
        self.told.append(f"owner: stuck {pod.failure}")

    def container_died(self, pod: Pod, reason: str, exit_code: int) -> None:
        self.told.append(f"owner: died {reason} {exit_code}")

    def pod_finished(self, pod: Pod, reason: str) -> None:
        self.told.append(f"owner: finished {reason}")

    def pod_gone(self, pod: Pod) -> None:
        self.told.append("owner: gone")

    def evict(self, pod: Pod, reason: str, cause: int, grace: int | None = None) -> None:
        self.told.append(f"owner: evict {reason}")


def both(event: str) -> list[str]:
    return [f"first: {event}", f"second: {event}"]


def test_of_readiness_the_owner_is_told_before_the_watchers() -> None:
    cluster = Cluster()
    pod = cluster.bound()
    cluster.api.ready(pod)
    cluster.api.unready(pod, "ReadinessProbeFailed")
    assert cluster.told == [
        "owner: ready",
        *both("pod_ready_changed"),
        "owner: unready ReadinessProbeFailed",
        *both("pod_ready_changed"),
    ]
    assert [type(record) for record in cluster.history][-2:] == [PodReady, PodNotReady]
    assert not pod.ready


def test_of_the_end_of_a_pod_the_watchers_are_told_before_its_owner() -> None:
    cluster = Cluster()
    pod = cluster.bound()
    cluster.api.gone(pod)
    assert cluster.told == [*both("pod_gone"), "owner: gone"]
    assert pod.state is PodState.GONE
    assert cluster.api.pods_on("n1") == []


def test_a_pod_that_is_going_is_not_deleted_again() -> None:
    cluster = Cluster()
    pod = cluster.bound()
    cluster.api.delete(pod, "Drained", NO_CAUSE)
    assert cluster.told == both("pod_terminating")
    for state in (PodState.DELETING, PodState.GONE):
        pod.state = state
        cluster.api.delete(pod, "Drained", NO_CAUSE)
    assert cluster.told == both("pod_terminating")


def test_a_removal_by_force_is_seen_by_the_kubelets_before_the_object_is_gone() -> None:
    cluster = Cluster()
    pod = cluster.bound()
    cluster.api.remove(pod, "PodGC", NO_CAUSE)
    cluster.api.remove(pod, "PodGC", NO_CAUSE)
    assert cluster.told == [*both("pod_removed"), *both("pod_gone"), "owner: gone"]
    assert [type(record) for record in cluster.history][-2:] == [PodRemoved, PodGone]


def test_what_is_the_owners_to_decide_goes_to_the_owner_alone() -> None:
    cluster = Cluster()
    pod = cluster.bound()
    cluster.api.evict(pod, "Drained", NO_CAUSE)
    cluster.api.container_died(pod, "Error", 3)
    cluster.api.container_died(pod, "Completed", 0)
    cluster.api.stuck(pod, "ImagePullBackOff")
    assert cluster.told == [
        "owner: evict Drained",
        "owner: died Error 3",
        "owner: died Completed 0",
        "owner: stuck ImagePullBackOff",
    ]


def test_a_kubelet_that_is_overruled_is_overruled_once() -> None:
    cluster = Cluster()
    pod = cluster.bound()
    pod.ready = True
    cluster.api.overrule(pod, NO_CAUSE)
    cluster.api.overrule(pod, NO_CAUSE)
    assert cluster.told == [
        "owner: unready NodeNotReady",
        *both("pod_ready_changed"),
        "owner: stuck NodeNotReady",
        *both("pod_overruled"),
    ]


def test_npus_are_in_use_from_the_placement_to_the_end_of_the_pod() -> None:
    cluster = Cluster()
    cluster.bound()
    never_placed = bare_pod(cluster, "prefill", npus=4)
    cluster.api.gone(never_placed)
    cluster.api.gone(cluster.pod)
    placed, *gone = [r for r in cluster.history if isinstance(r, GangScheduled | PodGone)]
    assert isinstance(placed, GangScheduled)
    assert (placed.npus, placed.in_use) == (8, 8)
    assert [(r.npus, r.in_use) for r in gone] == [(0, 8), (8, 0)]


def test_only_changes_of_a_node_are_told_and_each_has_the_one_before_as_its_cause() -> None:
    cluster = Cluster()
    api, node = cluster.api, cluster.api.nodes["n0"]
    taint = Taint("unreachable", "", NO_EXECUTE)
    for _ in range(2):
        api.set_node_ready(node, "Unknown")
        api.change_taints(node, [taint])
    assert cluster.told == [*both("node_ready_changed"), *both("node_spec_changed")]
    records = list(cluster.history)
    assert [type(record) for record in records] == [NodeReadyChanged, NodeTainted]
    assert records[1].cause == records[0].id


def test_a_cordon_is_recorded_even_where_nothing_changes() -> None:
    cluster = Cluster()
    for _ in range(2):
        cluster.api.cordon(cluster.api.nodes["n0"], True)
    assert [type(record) for record in cluster.history] == [NodeCordoned, NodeCordoned]


def test_a_node_offers_what_was_written_last_and_another_one_what_it_did() -> None:
    cluster = Cluster()
    first, second = cluster.api.nodes.values()
    second.allocatable = first.allocatable
    cluster.api.set_allocatable(first, "npu", 7, ring=0)
    assert (first.allocatable, second.allocatable) == ({"npu": 7}, {"npu": 8})
    assert cluster.told == both("allocatable_changed")


@pytest.mark.parametrize("event", EVENTS)
def test_who_does_not_care_for_an_event_is_not_called(event: str) -> None:
    api = Api(Clock(), History())
    api.watch(Watcher())
    assert getattr(api, f"_{event}") == []


def test_a_pod_that_is_bound_when_its_node_is_gone_holds_no_npus() -> None:
    cluster = Cluster()
    node = cluster.api.nodes["n1"]
    cluster.api.schedule(cluster.pod.ref.instance, {cluster.pod: "n1"}, NO_CAUSE)
    assert cluster.api.npus_in_use == 8
    cluster.api.remove_node("n1")
    cluster.api.bind(cluster.pod, node)
    assert cluster.api.npus_in_use == 0


def test_a_node_whose_kubelet_registers_it_anew_is_as_it_was_configured() -> None:
    taint = Taint("kept", "", "NoSchedule")
    node = Node(NodeSpec("n0", "", {}, {"zone": "a"}, (taint,)))
    node.labels, node.taints, node.unschedulable, node.ready = {}, {}, True, "Unknown"
    node.registers(5)
    assert (node.labels, [*node.taints], node.unschedulable) == ({"zone": "a"}, [taint], False)
    assert (node.ready, node.created) == ("True", 5)


@pytest.mark.parametrize(("phase", "reason"), [("Failed", "PodFailed"), ("Succeeded", "PodCompleted")])
def test_a_pod_that_is_ready_when_its_phase_becomes_final_is_not_any_more(phase: Any, reason: str) -> None:
    cluster = Cluster()
    cluster.api.ready(cluster.bound())
    cluster.api.finish(cluster.pod, phase, "Evicted")
    cluster.api.finish(cluster.pod, "Failed", "said again")
    (lost,) = (record for record in cluster.history if isinstance(record, PodNotReady))
    assert lost.reason == reason
    (final,) = (record for record in cluster.history if isinstance(record, PodFinished))
    assert (final.phase, final.reason, final.npus, final.in_use) == (phase, "Evicted", 8, 0)
    assert (cluster.pod.state, cluster.pod.failure) == (PodState.FINISHED, "Evicted")


def test_a_second_deletion_can_shorten_the_grace_period_and_nothing_else() -> None:
    cluster = Cluster()
    pod = cluster.bound()
    cluster.api.delete(pod, "Drained", NO_CAUSE)
    assert pod.deletion_grace == pod.template.termination_grace_period_seconds == 3600
    pod.state = PodState.DELETING
    graces = []
    for grace in (None, 60, 90, -5, 30):
        cluster.api.delete(pod, "Drained", NO_CAUSE, grace=grace)
        graces.append(pod.deletion_grace)
    assert graces == [3600, 60, 60, 1, 1]
    assert cluster.told == both("pod_terminating")
    cluster.api.delete(pod, "Forced", NO_CAUSE, grace=0)
    assert pod.state is PodState.GONE


def test_an_object_that_was_deleted_is_absent_until_it_is_there_again() -> None:
    api = Cluster().api
    written = ClusterObject("ConfigMap", "prod", "settings")
    api.put(written)
    assert (api.objects, api.absent) == ({written.key: written}, set())
    api.delete_object(written)
    assert (api.objects, api.absent) == ({}, {written.key})
    api.put(written)
    assert (api.objects, api.absent) == ({written.key: written}, set())


def test_who_watches_hears_of_each_node_that_is_added() -> None:
    cluster = Cluster()
    cluster.api.add(Node(NodeSpec("n2", "", {"npu": 8})))
    assert cluster.told == both("node_added")


def test_it_counts_how_often_pods_have_become_ready() -> None:
    cluster = Cluster()
    pod = cluster.bound()
    for _ in range(3):
        cluster.api.ready(pod)
        cluster.api.unready(pod, "ReadinessProbeFailed")
    assert cluster.api.became_ready == 3


def test_without_a_priority_class_a_pod_group_has_priority_0_or_that_of_the_default_class() -> None:
    api = Cluster().api
    assert api.admission.priority_of("") == api.admission.priority_of("none such") == 0
    assert api.admission.priority_of("system-node-critical") == 2_000_001_000

"""Which pods of a ReplicaSet go is known without ranking all of them: the same ones as if all were ranked each time."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable
from functools import cmp_to_key
from typing import Any

import pytest

from kubeinfer_sim.controllers.deployment.deletion_ranking import Neighbours, compare
from kubeinfer_sim.controllers.deployment.replica_pod import ASSUMED, ReplicaPod
from kubeinfer_sim.controllers.deployment.replica_set import ReplicaSet
from kubeinfer_sim.manifest.model import Container, Deployment, PodTemplate

SPEC = Deployment("web", PodTemplate(containers=(Container("c", "image"),)))


def slow_reference(
    pods: list[ReplicaPod], count: int, related: Iterable[ReplicaPod], now: int
) -> list[ReplicaPod]:
    """The pods to delete, all of them ranked: getPodsToDelete, getPodsRankedByRelatedPodsOnSameNode."""
    if count >= len(pods):
        return pods
    per_node = Counter([pod.node for pod in related])

    def order(a: ReplicaPod, b: ReplicaPod) -> int:
        return compare(a, b, per_node[a.node], per_node[b.node], now) or a.number - b.number

    return sorted(pods, key=cmp_to_key(order))[:count]


class Cluster:
    """Two ReplicaSets of one Deployment, or one by itself, and what becomes of their pods."""

    def __init__(self, *, alone: bool) -> None:
        neighbours = None if alone else Neighbours()
        self.sets = [
            ReplicaSet(number, SPEC, 0, neighbours=neighbours) for number in range(1 if alone else 2)
        ]
        self.siblings = [] if alone else self.sets
        self.now = 0
        self.pods: list[ReplicaPod] = []
        self.bound: dict[ReplicaPod, str] = {}
        self.running: set[ReplicaPod] = set()
        self.restarts: Counter[ReplicaPod] = Counter()

    # PodControl

    def create(self, replica_set: ReplicaSet) -> ReplicaPod:
        pod = ReplicaPod(len(self.pods), self.now - self.now % 1000)
        self.pods.append(pod)
        return pod

    def refresh(self, pods: Iterable[ReplicaPod]) -> None:
        for pod in pods:
            pod.node = self.bound.get(pod, "")
            pod.phase = "Running" if pod in self.running else "Pending"
            pod.restarts = self.restarts[pod]

    def delete(self, pod: ReplicaPod) -> None:
        """It goes at once, as far as this is concerned."""

    # What happens

    def act(self, deed: str, of: int, index: int, node: str, passes: int) -> None:
        self.now += passes
        replica_set = self.sets[of % len(self.sets)]
        active = [pod for pod in replica_set.pods if not pod.deleting]
        if deed == "grow":
            replica_set.replicas = len(active) + index % 4
            replica_set.sync(self, self.siblings, self.now)
        elif deed == "shrink":
            self.shrink(replica_set, active, max(0, len(active) - 1 - index % 3))
        elif deed == "adopt":
            pod = self.create(replica_set)
            self.bound[pod] = node
            self.running.add(pod)
            self.refresh([pod])
            replica_set.pod_adopted(pod, -3600_000)
        elif active:
            self.change(replica_set, active[index % len(active)], deed, node)

    def change(self, replica_set: ReplicaSet, pod: ReplicaPod, deed: str, node: str) -> None:
        match deed:
            case "start" if pod not in self.bound:
                for each in ("place", "bind", "run", "ready"):
                    self.change(replica_set, pod, each, node)
            case "place" if pod not in self.bound:
                self.bound[pod] = ASSUMED
                replica_set.pod_placed(pod)
            case "bind" if self.bound.get(pod) == ASSUMED:
                self.bound[pod] = node
            case "run" if self.bound.get(pod, ASSUMED) != ASSUMED:
                self.running.add(pod)
            case "ready" if pod in self.running and not pod.ready:
                self.refresh([pod])
                replica_set.pod_ready(pod, self.now)
            case "unready" if pod.ready:
                replica_set.pod_unready(pod)
            case "restart" if pod in self.running and not pod.ready:
                self.restarts[pod] += 1
            case "evict":
                replica_set.pod_deleting(pod)
            case "gone":
                replica_set.pod_gone(pod)

    def shrink(self, replica_set: ReplicaSet, active: list[ReplicaPod], size: int) -> None:
        related = [pod for each in self.siblings for pod in each.pods if not pod.deleting]
        known = [(pod, pod.node, pod.phase, pod.restarts) for pod in (*related, *active)]
        self.refresh([*related, *active])
        expected = slow_reference(active, len(active) - size, related, self.now)
        for pod, *facts in known:  # what the ReplicaSet does not ask for it does not know
            pod.node, pod.phase, pod.restarts = facts
        gone: list[ReplicaPod] = []
        control: Any = type("Control", (), {"refresh": self.refresh, "delete": gone.append})
        replica_set.replicas = size
        replica_set.sync(control, self.siblings, self.now)
        assert [pod.number for pod in gone] == [pod.number for pod in expected]


DEEDS = {
    "grow": 3, "shrink": 3, "start": 2, "place": 4, "bind": 3, "run": 2, "ready": 2, "unready": 2, "restart": 2, "evict": 1,
    "gone": 1,
}  # fmt: skip


@pytest.mark.parametrize("alone", [False, True])
@pytest.mark.parametrize("seed", range(30))
def test_the_same_pods_go_as_if_all_were_ranked(seed: int, alone: bool) -> None:
    draw = random.Random(seed)
    cluster = Cluster(alone=alone)
    for index in range(draw.randrange(12)):
        cluster.act("adopt", index % 3, 0, draw.choice("abc"), 0)
    for deed in draw.choices(list(DEEDS), list(DEEDS.values()), k=600):
        passes = draw.choice([0, 0, 10, 1_000, 7_300, 3_600_000][: 4 + seed % 3])
        cluster.act(deed, draw.randrange(2), draw.randrange(12), draw.choice("abc"), passes)


def test_of_pods_that_became_ready_together_the_one_that_was_restarted_goes_first() -> None:
    cluster = Cluster(alone=True)
    cluster.act("grow", 0, 3, "", 0)
    for deed in ("place", "bind", "run"):
        for index in range(3):
            cluster.act(deed, 0, index, "a", 0)
    cluster.act("restart", 0, 1, "", 0)
    for index in range(3):
        cluster.act("ready", 0, index, "", 0)
    cluster.act("shrink", 0, 0, "", 5_000)
    assert [pod.deleting for pod in cluster.pods] == [False, True, False]

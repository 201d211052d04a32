"""When a pod that waits is tried again, as the real scheduler 1.36.3 did."""

from __future__ import annotations

import pytest
from cluster.scheduler.objects_of_case import budget_of, cluster_of
from cluster.scheduler.reference.pod_queue import PodQueue, backoff
from cluster.scheduler.reference.pod_scheduler import PodScheduler

from kubeinfer_sim.cluster.scheduler import objects

# The phases the recordings were made with: see `format.phase` of the table.
STARTED, WHOLE_SECOND = -2_300, 450
ENDED = ("Succeeded", "Failed")


def apply(scheduler, step):
    raw = step["object"]
    if raw["kind"] == "Node":
        match step["op"]:
            case "create":
                scheduler.add_node(objects.node(raw))
            case "update":
                scheduler.update_node(objects.node(raw))
            case "delete":
                scheduler.delete_node(raw["metadata"]["name"])
        return
    pod = objects.pod(raw)
    if step["op"] == "delete" or (raw.get("status") or {}).get("phase") in ENDED:
        scheduler.delete_pod(pod.key)
    elif step["op"] == "create":
        scheduler.add_pod(pod)
    else:
        scheduler.update_pod(pod)


@pytest.mark.vectors("golden_scheduler_queue")
def test_a_waiting_pod_is_tried_again_at_the_recorded_moments(case):
    split = {"nodes": [], "pods": [], "objects": []}
    waiting = []
    for raw in case["objects"]:
        if raw["kind"] == "Pod" and not raw["spec"].get("nodeName"):
            waiting.append(raw)
        else:
            split[{"Node": "nodes", "Pod": "pods"}.get(raw["kind"], "objects")].append(raw)
    queue = PodQueue(pop_early=case["pop_from_backoff_queue"], started=STARTED, window=WHOLE_SECOND)
    scheduler = PodScheduler(queue=queue, cluster=cluster_of(split))
    for raw in waiting:
        scheduler.add_pod(objects.pod(raw))
    for step in case["steps"]:
        scheduler.advance(int(step["at"] * 1000))
        apply(scheduler, step)
    scheduler.advance(int(case["until"] * 1000))
    found = [(attempt.at, attempt.pod[1], attempt.node) for attempt in scheduler.attempts]
    assert found == [(round(e["t"] * 1000), e["pod"], e["node"]) for e in case["expect"]]


@pytest.mark.vectors("golden_scheduler_preemption")
def test_a_pod_is_bound_when_its_victims_are_gone(case):
    pod = objects.pod(case["pod"])
    budgets = [budget_of(raw) for raw in case["pdbs"]]
    scheduler = PodScheduler(cluster=cluster_of(case), budgets=budgets)
    gone: list[tuple[int, object]] = []

    def evict(victims):
        for victim in victims:
            victim.terminating = True
            gone.append((scheduler.now + case["grace_s"] * 1000, victim.key))

    scheduler.on_evict = evict
    scheduler.add_pod(pod)
    while gone:
        at, key = gone.pop(0)
        scheduler.advance(at)
        scheduler.delete_pod(key)
    scheduler.advance(90_000)
    bound = [(attempt.node, attempt.at) for attempt in scheduler.attempts if attempt.node]
    expect = case["expect"]
    assert bound == ([(expect["bound"], expect["bound_at"] * 1000)] if expect["bound"] else [])


@pytest.mark.vectors("k8s_scheduler_backoff")
def test_back_off_doubles_up_to_its_limit(case):
    assert backoff(case["attempts"], int(case["initial_ns"]), int(case["max_ns"])) == int(case["expected_ns"])

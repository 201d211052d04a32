"""Pods that arrive one after another, each on the node the real scheduler 1.36.3 chose."""

from __future__ import annotations

import pytest
from cluster.scheduler.objects_of_case import cluster_of

from kubeinfer_sim.cluster.scheduler import framework, objects
from kubeinfer_sim.cluster.scheduler.framework import Profile
from kubeinfer_sim.cluster.scheduler.plugins.node_resources_fit import Strategy
from kubeinfer_sim.cluster.scheduler.preemption import preempt

CPU_AND_MEMORY = (("cpu", 1), ("memory", 1))
PROFILES = {
    "default": Profile(),
    "mostallocated": Profile(Strategy("MostAllocated", CPU_AND_MEMORY)),
    "mostallocated-npu": Profile(Strategy("MostAllocated", (*CPU_AND_MEMORY, ("huawei.com/ascend-1980", 5)))),
}


@pytest.mark.vectors("golden_scheduler_sequences")
def test_each_pod_of_a_sequence_goes_to_the_same_node(case):
    cluster = cluster_of(case)
    profile = PROFILES[case["profile"]]
    for raw, expect in zip(case["arrivals"], case["expect"], strict=True):
        pod = objects.pod(raw)
        verdict = framework.judge(pod, cluster)
        if expect["node"] is None:
            result = preempt(pod, cluster, verdict)
            assert " ".join((verdict.message(), result.message)) == expect["message"]
            continue
        if "total" in expect:
            scores = framework.score(pod, cluster, verdict.feasible, profile)
            assert framework.totals(scores, verdict.feasible) == expect["total"]
        [node] = framework.best(pod, cluster, verdict.feasible, profile)
        assert node.name == expect["node"]
        node.add(pod)

"""A pod of high priority on a full cluster: the victims the real scheduler 1.36.3 chose."""

from __future__ import annotations

import pytest
from cluster.scheduler.objects_of_case import budget_of, cluster_of

from kubeinfer_sim.cluster.scheduler import framework, objects
from kubeinfer_sim.cluster.scheduler.preemption import preempt


@pytest.mark.vectors("golden_scheduler_preemption")
def test_the_same_victims_are_chosen(case):
    expect, cluster, pod = case["expect"], cluster_of(case), objects.pod(case["pod"])
    verdict = framework.judge(pod, cluster)
    result = preempt(pod, cluster, verdict, [budget_of(raw) for raw in case["pdbs"]])
    message = " ".join(part for part in (verdict.message(), result.message) if part)
    assert message == expect["message"]
    if expect["nominated"] is None:
        assert result.choice is None
        return
    assert result.choice is not None
    assert result.choice.node.name == expect["nominated"]
    assert {victim.key[1] for victim in result.choice.victims} == set(expect["victims"])

"""One pod against one cluster, as the real scheduler 1.36.3 judged it."""

from __future__ import annotations

import pytest
from cluster.scheduler.objects_of_case import cluster_of

from kubeinfer_sim.cluster.scheduler import framework, objects
from kubeinfer_sim.cluster.scheduler.preemption import preempt


@pytest.mark.vectors("golden_scheduler_verdicts")
def test_a_pod_is_judged_as_the_real_scheduler_did(case):
    expect, cluster, pod = case["expect"], cluster_of(case), objects.pod(case["pod"])
    if expect["result"] == "not_attempted":
        assert pod.spec.gates or pod.spec.node_name
        return
    verdict = framework.judge(pod, cluster)
    assert [node.name for node in verdict.feasible] == expect["feasible"]
    assert verdict.whole_pod == expect.get("prefilter_message", "")
    if "reasons" in expect:
        rejected = {name: r for name, r in verdict.rejections.items() if expect["reasons"].get(name)}
        assert set(rejected) == set(verdict.rejections)
        assert {name: sorted(r.reasons) for name, r in rejected.items()} == {
            name: reasons for name, reasons in expect["reasons"].items() if reasons
        }
        assert {name: r.plugin for name, r in rejected.items()} == {
            name: plugin for name, plugin in expect["reason_plugin"].items() if name in rejected
        }
        assert {name for name, r in rejected.items() if r.unresolvable} == {
            name for name in expect["unresolvable"] if name in rejected
        }
    if expect["result"] == "scheduled":
        check_scores(expect, cluster, pod, verdict)
    else:
        check_message(expect, cluster, pod, verdict)


def check_scores(expect, cluster, pod, verdict):
    assert [node.name for node in framework.best(pod, cluster, verdict.feasible)] == expect["best"]
    if len(verdict.feasible) > 1:
        scores = framework.score(pod, cluster, verdict.feasible)
        assert scores == expect["scores"]
        assert framework.totals(scores, verdict.feasible) == expect["total"]


def check_message(expect, cluster, pod, verdict):
    result = preempt(pod, cluster, verdict)
    message = " ".join(part for part in (verdict.message(), result.message) if part)
    assert message == expect["condition"]["message"]
    if "preemption" in expect:
        assert result.choice is not None
        assert result.choice.node.name == expect["preemption"]["nominated"]

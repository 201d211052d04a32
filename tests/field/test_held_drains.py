"""What a held drain is said to lack is what its budgets lack at the time: the pods that are not healthy then."""

from __future__ import annotations

from typing import Any

import pytest
from field.user import User, asking, both, deployment, kubeinfer, replica_set

STARTUP = {"tcpSocket": {"port": 1}, "periodSeconds": 1, "failureThreshold": 3600}


@both
def test_the_pods_it_names_are_not_healthy_then(user: User, workload: Any) -> None:
    which = {"instances": [2]} if workload is kubeinfer else {"pods": [2]}
    user.plans(
        workload({**asking(npu=8), "startupProbe": STARTUP}, replicas=3),
        cluster="3x8",
        initial="running",
        timings={"profile": "zero", "weights": "5m"},
        podDisruptionBudgets=[{"name": "b", "matchLabels": {"app": "chat"}, "minAvailable": 3}],
        actions=[{"at": "10m", "drain": "node-0"}, {"at": "20m", "crash": which}],
        horizon="1h",
    )
    _, result = user.runs()
    sentence = result["verdict"]["sentence"]
    assert "needs 3 healthy pods and has 3 currently" in sentence
    assert "not healthy" not in sentence
    why = {
        at: " ".join(user.types("why", "scenario.yaml", "--at", at).stdout.split())
        for at in ("15m", "22m", "30m")
    }
    assert "not healthy: chat-2" in why["22m"]
    assert "not healthy" not in why["15m"] + why["30m"]
    way_out = "more healthy pods, a looser budget or the deletion of the pod would let it go on"
    assert all(way_out in told for told in (sentence, *why.values()))


@pytest.mark.parametrize("workload", [deployment, replica_set])
def test_a_pod_that_is_gone_is_not_named(user: User, workload: Any) -> None:
    # A pod of a KubeInfer has its predecessor's name.
    user.plans(
        workload({**asking(npu=8), "startupProbe": STARTUP}, replicas=3),
        cluster="4x8",
        initial="running",
        timings={"profile": "zero", "exit": "20s", "weights": "5m"},
        podDisruptionBudgets=[{"name": "b", "matchLabels": {"app": "chat"}, "minAvailable": 3}],
        actions=[{"at": "10m", "drain": "node-0"}, {"at": "20m", "deletePod": {"pods": [2]}}],
        horizon="1h",
    )
    early, late = (
        " ".join(user.types("why", "scenario.yaml", "--at", at).stdout.split()) for at in ("20m15s", "22m")
    )
    assert "not healthy: chat-2, chat-3" in early
    assert "not healthy: chat-3" in late


@both
@pytest.mark.parametrize("consents", [True, False])
def test_a_pod_with_an_empty_dir_is_drained_with_the_users_consent_alone(
    user: User, workload: Any, consents: bool
) -> None:
    drain = {"nodes": ["node-0"], "deleteEmptydirData": consents}
    user.plans(
        workload(asking(npu=8), replicas=2, volumes=[{"name": "cache", "emptyDir": {}}]),
        cluster="3x8",
        initial="running",
        actions=[{"at": "1m", "drain": drain}],
        horizon="1h",
    )
    done, _ = user.runs()
    said = " ".join(done.stdout.split())
    assert "node-0" in said
    assert ("Pods with local storage (use --delete-emptydir-data to override)" in said) is not consents

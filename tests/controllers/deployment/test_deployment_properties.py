"""Whatever the sizes, budgets and loads: the bounds of a rolling update hold, and counts are what a recount gives."""

from __future__ import annotations

from typing import Any

from controllers.deployment.simulated import EmulatedPod, Simulated, deployment
from hypothesis import given, settings
from hypothesis import strategies as st

from kubeinfer_sim.controllers.deployment.replica_set import ReplicaSet
from kubeinfer_sim.controllers.deployment.rolling import Bounds

SHARES = st.one_of(st.integers(0, 5), st.integers(0, 100).map(lambda share: f"{share}%"))
LOADS = st.lists(st.integers(1, 90), min_size=1, max_size=4)


@st.composite
def updates(draw: st.DrawFn) -> dict[str, Any]:
    """An update of a Deployment whose pods all become ready, at 100 s."""
    surge, unavailable = draw(SHARES), draw(SHARES)
    if str(surge).rstrip("%") == str(unavailable).rstrip("%") == "0":
        unavailable = 1  # both zero is refused
    replicas = draw(st.integers(1, 12))
    return {
        "spec": {
            "strategy": "RollingUpdate",
            "maxSurge": surge,
            "maxUnavailable": unavailable,
            "minReadySeconds": draw(st.sampled_from([0, 0, 7])),
            "progressDeadlineSeconds": 600,
            "revisionHistoryLimit": 10,
        },
        "env": {"load_s": {"1": 1, "2": draw(LOADS)}, "terminate_s": draw(st.integers(0, 40)), "slots": None},
        "actions": [
            {"op": "create", "t_ms": 0, "replicas": replicas},
            {"op": "template", "t_ms": 100_000, "rev": 2},
        ],
        "end_t_ms": 10_000_000,
    }


@settings(max_examples=60, deadline=None)
@given(updates())
def test_an_update_keeps_its_budgets_and_ends(case: dict[str, Any]) -> None:
    replicas = case["actions"][0]["replicas"]
    bounds = Bounds.of(deployment(case["spec"], replicas))
    rows = [row for row in Simulated(case).run().rows if row[0] >= 100_000]
    for _, sets, counts, _, _ in rows:
        assert sum(each[1] for each in sets) <= replicas + bounds.surge
        assert counts[3] >= bounds.min_available
    assert rows[-1][2][:4] == [replicas] * 4
    assert rows[-1][4] == "T:NewReplicaSetAvailable"


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 5), st.sampled_from(["ready", "unready", "delete", "gone", "later"]))),
    st.sampled_from([0, 3000]),
)
def test_counts_kept_by_events_are_those_of_a_recount(events: list[tuple[int, str]], min_ready: int) -> None:
    spec = deployment({"strategy": "Recreate", "minReadySeconds": 0, "progressDeadlineSeconds": 9,
                       "revisionHistoryLimit": 1}, 6)  # fmt: skip
    replica_set = ReplicaSet(1, spec, 6, min_ready=min_ready)
    pods = [EmulatedPod(number, 0) for number in range(6)]
    for pod in pods:
        replica_set.pod_created(pod)
    now = 500
    for which, event in events:
        pod = pods[which]
        match event:
            case "ready" if not pod.ready:
                replica_set.pod_ready(pod, now)
            case "unready":
                replica_set.pod_unready(pod)
            case "delete":
                replica_set.pod_deleting(pod)
            case "gone" if pod in replica_set.pods:
                replica_set.pod_gone(pod)
            case "later":
                now += 1700
                replica_set.advance(now)
        living = [each for each in replica_set.pods if not each.deleting]
        ready = [each for each in living if each.ready]
        available = [each for each in ready if (each.ready_since or 0) + min_ready <= now]
        found = (replica_set.active, replica_set.ready, replica_set.available, replica_set.terminating)
        assert found == (len(living), len(ready), len(available), len(replica_set.pods) - len(living))

"""Pods of a Deployment that go down with one node, though others had room: that hangs on `placement`, and is said."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from field.user import PAGES, Raw, User, asking, deployment, replica_set, stateful_set

SAID = "were on one node"
FAULT = {"at": "10m", "nodeDown": "node-0"}


def plans(user: User, *made: Raw, cluster: Any = "3x8", **spec: Any) -> None:
    user.plans(*made, cluster=cluster, **{"actions": [FAULT], "horizon": "1h", **spec})


def told(user: User) -> str:
    """What the run warns of such pods, the same in each form."""
    done, result = user.runs("--markdown", "result.md", *(["--html", "result.html"] if PAGES else []))
    found = next((each for each in result["warnings"] if SAID in each), "")
    assert (SAID in " ".join(done.stdout.split())) is bool(found)
    for name in ("result.md", "result.html")[: 1 + PAGES]:
        assert (SAID in (user.folder / name).read_text()) is bool(found), name
    return found


@pytest.mark.parametrize("make", [deployment, replica_set])
def test_a_loss_of_pods_that_lay_on_one_node_says_that_it_rests_on_placement(
    user: User, make: Callable[..., Raw]
) -> None:
    kind = "Deployment" if make is deployment else "ReplicaSet"
    plans(user, make(asking(npu=1), replicas=3))
    assert told(user) == (
        f"3 of 3 pods of {kind} chat were on one node (node-0 died at 10m) though others had room: that rests on the "
        "assumption placement mostAllocated; kube-scheduler by default spreads them: "
        "compare --assume placement=mostAllocated,default"
    )


def test_a_drain_that_takes_several_pods_says_so_too(user: User) -> None:
    startup = {"startupProbe": {"tcpSocket": {"port": 1}, "periodSeconds": 10, "failureThreshold": 90}}
    plans(
        user,
        stateful_set({**asking(npu=1), **startup}, replicas=3),
        actions=[{"at": "10m", "drain": "node-0"}],
        timings={"profile": "zero", "weights": "5m"},
    )
    assert told(user).startswith("3 of 3 pods of StatefulSet chat were on one node (drain of node-0 at 10m)")


NPUS = "huawei.com/ascend-1980"
TAINT = {"key": "team", "value": "b", "effect": "NoSchedule"}
#: Nodes of 8 NPUs, and some more that differ in something.
TAINTED = {"count": 4, "allocatable": {NPUS: 8}, "taints": [TAINT]}
SMALL = {"count": 1, "allocatable": {NPUS: 1}}


def beside(count: int, others: Raw) -> Raw:
    node = {"name": "node", "count": count, "allocatable": {NPUS: 8}}
    return {"pools": [node, {"name": "other", **others}]}


@pytest.mark.parametrize(
    ("npu", "replicas", "cluster"),
    [
        pytest.param(8, 3, "4x8", id="one-a-node"),
        pytest.param(1, 3, "1x8", id="no-other-node"),
        pytest.param(2, 3, beside(1, SMALL), id="no-other-room"),
        pytest.param(2, 11, "3x8", id="an-even-share"),
        pytest.param(4, 3, beside(2, TAINTED), id="an-even-share-of-nodes-that-take-them"),
    ],
)
def test_nothing_is_said_where_they_could_not_be_further_apart(
    user: User, npu: int, replicas: int, cluster: Any
) -> None:
    plans(user, deployment(asking(npu=npu), replicas=replicas), cluster=cluster)
    assert told(user) == ""


LABELS = {"labelSelector": {"matchLabels": {"app": "chat"}}, "topologyKey": "kubernetes.io/hostname"}
TOGETHER = {"preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 1, "podAffinityTerm": LABELS}]}
SPREAD = [{**LABELS, "maxSkew": 1, "whenUnsatisfiable": "ScheduleAnyway"}]
#: All pods have gone to node-0 before that dies, whoever places them.
ONE_BY_ONE = [{"at": "1m", "nodeDown": "node-1"}, {"at": "8m", "nodeUp": "node-1"}, FAULT]


@pytest.mark.parametrize(
    ("pods", "assumptions", "said"),
    [
        pytest.param({}, {}, True, id="packed"),
        pytest.param({}, {"placement": "default"}, False, id="spread-already"),
        pytest.param({"schedulerName": "volcano"}, {}, False, id="volcano-places-them"),
        pytest.param(
            {"schedulerName": "volcano"}, {"scheduler": "kube-scheduler"}, True, id="kube-scheduler-does"
        ),
        pytest.param({"affinity": {"podAffinity": TOGETHER}}, {}, False, id="they-ask-for-it"),
        pytest.param({"topologySpreadConstraints": SPREAD}, {}, False, id="they-say-how"),
    ],
)
def test_it_is_said_of_pods_whose_spread_the_assumption_decides(
    user: User, pods: Raw, assumptions: Raw, said: bool
) -> None:
    made = deployment(asking(npu=1), replicas=3, **pods)
    plans(user, made, cluster="2x8", actions=ONE_BY_ONE, assumptions=assumptions)
    assert bool(told(user)) is said

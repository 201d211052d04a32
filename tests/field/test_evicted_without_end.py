"""Pods that come to a tainted node, tolerate its NoExecute taint for a time only and are replaced there, again and again."""

from __future__ import annotations

from typing import Any

import pytest
from field.user import Raw, User, asking, daemon_set, deployment, kubeinfer, replica_set, stateful_set

KINDS = pytest.mark.parametrize("workload", [kubeinfer, deployment, replica_set, stateful_set, daemon_set])
TOLERATION = {"key": "a", "operator": "Exists", "effect": "NoExecute"}
FOR_A_TIME = [{**TOLERATION, "tolerationSeconds": 300}]
TAINT = {"nodes": ["node-0"], "key": "a", "value": "b", "effect": "NoExecute"}
LOOP = "node-0 evicts the pods of {} without end, one every {}"


def tainted(
    user: User, *objects: Raw, then: tuple[Raw, ...] = (), cluster: str = "1x8", **spec: Any
) -> tuple[int, Raw, str]:
    actions = [{"at": "1m", "taint": TAINT}, *then]
    user.plans(*objects, cluster=cluster, actions=actions, **{"initial": "running", **spec})
    done, result = user.runs()
    return done.returncode, result, " ".join(done.stdout.split())


@KINDS
@pytest.mark.parametrize("horizon", [{}, {"horizon": "3h"}])
def test_the_loop_is_named_with_its_rate_and_the_verdict_does_not_hold(
    user: User, workload: Any, horizon: Raw
) -> None:
    pods = workload({}, tolerations=FOR_A_TIME, **({} if workload is daemon_set else {"replicas": 2}))
    code, result, printed = tainted(user, pods, **horizon)
    assert code == 1
    (told,) = result["endlessEvictions"]
    owner = f"{pods['kind']} {pods['metadata']['name']}"
    assert (f"{told['kind']} {told['owner']}", told["node"]) == (owner, "node-0")
    every = {"KubeInfer": "", "DaemonSet": "5m"}.get(pods["kind"], "2m30s")
    assert LOOP.format(owner, every) in result["verdict"]["sentence"]
    assert f"{told['pods']:,} pods from" in printed


UNTAINT = {"untaint": {"nodes": ["node-0"], "key": "a", "effect": "NoExecute"}}
FOREVER = {"patch": {"spec": {"template": {"spec": {"tolerations": [TOLERATION]}}}}}
NONE: Raw = {"scale": 0}


@pytest.mark.parametrize(
    ("workload", "then"),
    [
        *((each, UNTAINT) for each in (kubeinfer, deployment, replica_set, stateful_set, daemon_set)),
        *((each, FOREVER) for each in (deployment, stateful_set)),
        *((each, NONE) for each in (deployment, replica_set, stateful_set)),
    ],
)
def test_a_loop_that_somebody_ended_is_none(user: User, workload: Any, then: Raw) -> None:
    pods = workload({}, tolerations=FOR_A_TIME)
    code, result, _ = tainted(user, pods, then=({"at": "1h", **then},), horizon="1h2m")
    assert "endlessEvictions" not in result
    assert code == 0, result["verdict"]["sentence"]


def test_pods_that_find_another_node_are_evicted_once(user: User) -> None:
    pods = deployment(asking(cpu=1), tolerations=FOR_A_TIME)
    code, result, _ = tainted(user, pods, cluster="2x8", then=({"at": "2m", "cordon": ["node-0"]},))
    assert (code, "endlessEvictions" in result) == (0, False)


def test_pods_that_a_new_taint_drives_out_each_time_are_no_loop(user: User) -> None:
    """Each came to a node that was not tainted."""
    then = [{"at": f"{minute}m", **({"taint": TAINT} if on else UNTAINT)} for minute, on in
            ((5, False), (10, True), (15, False), (20, True), (25, False), (30, True))]  # fmt: skip
    code, result, _ = tainted(user, deployment({}), then=tuple(then), horizon="1h", cluster="1x8")
    assert "endlessEvictions" not in result
    assert code == 1, "no pod has a place"

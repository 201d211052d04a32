"""Pods that come to a tainted node, tolerate its NoExecute taint for a time only and are replaced there, again and again."""

from __future__ import annotations

from typing import Any

import pytest
from field.user import Raw, User, asking, both, daemon_set, deployment, kubeinfer, replica_set, stateful_set

from kubeinfer_sim.cluster.nodes import taint_eviction
from kubeinfer_sim.simulation import endless_evictions

KINDS = pytest.mark.parametrize("workload", [kubeinfer, deployment, replica_set, stateful_set, daemon_set])
TOLERATION = {"key": "a", "operator": "Exists", "effect": "NoExecute"}
FOR_A_TIME = [{**TOLERATION, "tolerationSeconds": 300}]
TAINT = {"nodes": ["node-0"], "key": "a", "value": "b", "effect": "NoExecute"}
OWN = {"key": "own", "effect": "NoExecute"}
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


AT_ONCE = [{**TOLERATION, "tolerationSeconds": 0}]


@pytest.mark.parametrize("workload", [deployment, replica_set, stateful_set, daemon_set])
@pytest.mark.parametrize(
    ("many", "seconds", "timings", "horizon"),
    [(taint_eviction.MANY, 0, {}, {}), (300, 2, {"bind": "500ms"}, {"horizon": "30d"})],
)
def test_a_loop_that_takes_next_to_no_time_ends_the_run(
    user: User,
    workload: Any,
    many: int,
    seconds: int,
    timings: Raw,
    horizon: Raw,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for module in (taint_eviction, endless_evictions):
        monkeypatch.setattr(module, "MANY", many)
    pods = workload({}, tolerations=[{**TOLERATION, "tolerationSeconds": seconds}])
    code, result, printed = tainted(user, pods, timings={"profile": "zero", **timings}, **horizon)
    assert (code, result["end"]["reason"]) == (1, "quiet")
    assert "(pods are evicted as fast as they come)" in printed
    (told,) = result["endlessEvictions"]
    assert many <= told["pods"] <= 3 * many, "so many pods, and what a round of the loop costs beside"
    owner = f"{pods['kind']} {pods['metadata']['name']}"
    assert f"node-0 evicts the pods of {owner} without end" in result["verdict"]["sentence"]
    how_long = "tolerate it for a time only" if seconds else "tolerate it for no time at all"
    assert how_long in result["verdict"]["sentence"]
    late = user.types("pods", "scenario.yaml", "--at", "29d").stderr
    assert "(pods are evicted as fast as they come)" in late
    assert "--horizon" not in late


def evicted_web() -> Raw:
    """A Deployment beside another one, whose pods run on a tainted node alone."""
    web = deployment({}, tolerations=AT_ONCE, nodeSelector={"kubernetes.io/hostname": "node-0"})
    web["metadata"]["name"] = "web"
    web["spec"]["selector"]["matchLabels"] = {"app": "web"}
    web["spec"]["template"]["metadata"]["labels"] = {"app": "web"}
    return web


READY = {"readinessProbe": {"tcpSocket": {"port": 1}, "periodSeconds": 1}}


@pytest.mark.parametrize("updated", [kubeinfer, deployment])
def test_what_is_under_way_beside_it_comes_to_its_end_first(user: User, updated: Any) -> None:
    chat = updated({**asking(npu=8), **READY}, replicas=1, surge=1)
    update = {"at": "1m", "object": f"{chat['kind']}/chat", "apply": {"newRevision": True}}
    timings = {"profile": "zero", "bind": "2s", "weights": "15m"}
    code, result, printed = tainted(
        user, chat, evicted_web(), then=(update,), cluster="4x8", timings=timings, initial="running"
    )
    assert (code, result["end"]["reason"]) == (1, "quiet")
    assert "completes in 15m2s" in printed
    assert "without end, one every 666ms" in printed
    assert "never settles" not in printed
    assert "does not stop" not in printed
    assert 15 * 60_000 < result["end"]["atMs"] < 40 * 60_000


def test_what_waits_without_end_itself_does_not_hold_it_up_for_ever(
    user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (taint_eviction, endless_evictions):
        monkeypatch.setattr(module, "REMEMBERED", 2_500)
    chat = deployment({**asking(npu=8), **READY}, replicas=1)
    sick = {"at": "1m", "object": "Deployment/chat", "health": {"probes": ["readiness"], "newPods": True}}
    timings = {"profile": "zero", "bind": "2s"}
    _, result, _ = tainted(user, chat, evicted_web(), then=(sick,), cluster="4x8", timings=timings)
    (told,) = result["endlessEvictions"]
    assert told["pods"] == 3_000, "the first thousand after 2,500"


@both
def test_a_kubeinfer_beside_it_that_has_all_it_wants_is_not_said_to_miss_anything(
    user: User, workload: Any
) -> None:
    """What is in place does not keep the run from its end."""
    other = workload(asking(npu=8), replicas=1)
    other["metadata"]["name"] = "calm"
    if workload is deployment:
        other["spec"]["selector"]["matchLabels"] = {"app": "calm"}
        other["spec"]["template"]["metadata"]["labels"] = {"app": "calm"}
    code, result, _ = tainted(user, other, evicted_web(), cluster="4x8", timings={"profile": "zero"})
    assert code == 1
    assert "0 of 1" not in result["verdict"]["sentence"]
    assert "node-0 evicts the pods of Deployment web without end" in result["verdict"]["sentence"]


@pytest.mark.parametrize("workload", [deployment, replica_set, stateful_set])
def test_pods_that_name_a_tainted_node_are_evicted_as_fast_as_they_come(
    user: User, workload: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No scheduler is asked: each is on its node in the instant in which it is made."""
    for module in (taint_eviction, endless_evictions):
        monkeypatch.setattr(module, "MANY", 50)
    nodes = {"pools": [{"name": "a", "count": 1, "allocatable": {"cpu": 4}, "taints": [OWN]}]}
    pods = workload({}, replicas=2, nodeName="a-0")
    user.plans(pods, cluster=nodes, initial="empty", horizon="1h")
    done, result = user.runs()
    assert done.returncode == 1
    (told,) = result["endlessEvictions"]
    assert (told["kind"], told["node"]) == (pods["kind"], "a-0")
    sentence = result["verdict"]["sentence"]
    assert "they come in spite of its NoExecute taint and do not tolerate it;" in sentence
    assert "for a time" not in sentence

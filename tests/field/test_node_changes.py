"""What people do to Node objects while it runs: taints, labels (kubectl taint, kubectl label)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from field.test_taints import tolerating
from field.user import NPU, Raw, User, asking, both, deployment

AT_ONCE = {"backoff": ["0s"]}


def pools(**counts: int) -> dict[str, Any]:
    return {"pools": [{"name": name, "count": n, "allocatable": {NPU: 8}} for name, n in counts.items()]}


def places(user: User, at: str) -> list[str]:
    return sorted(each["node"] for each in user.pods(at=at))


def ready(user: User, at: str) -> list[str]:
    return [
        str(each["status"])
        for pod in user.pods(at=at)
        for each in pod["conditions"]
        if each["type"] == "Ready"
    ]


@both
@pytest.mark.parametrize(
    ("tolerations", "gone"),
    [([], 60), (tolerating(k=10), 70), ([{"key": "k", "operator": "Exists"}], None)],
)
def test_a_no_execute_taint_evicts_when_the_toleration_is_over(
    user: User, workload: Callable[..., Any], tolerations: list[Any], gone: int | None
) -> None:
    taint = {"at": "1m", "taint": {"nodes": ["a-0"], "key": "k", "value": "v", "effect": "NoExecute"}}
    pods = workload(asking(npu=8), replicas=1, tolerations=tolerations)
    user.plans(pods, cluster=pools(a=1), actions=[taint], horizon="2m", assumptions=AT_ONCE)
    done, result = user.runs()
    if gone is None:
        assert places(user, "2m") == ["a-0"]
        return
    before, after = user.pods(at=f"{gone - 1}s"), user.pods(at=f"{gone + 1}s")
    assert [each["readyContainers"] for each in before] == [1]
    # The one that comes after it does not go back, unless it tolerates the taint for a while, too.
    assert after[0]["node"] == ("a-0" if tolerations else "")
    if result["instances"] and not tolerations:
        assert "taint k=v:NoExecute of a-0" in done.stdout


@both
def test_untainted_in_time_the_pods_stay(user: User, workload: Callable[..., Any]) -> None:
    actions = [
        {"at": "1m", "taint": {"nodes": ["a-0"], "key": "k", "effect": "NoExecute"}},
        {"at": "80s", "untaint": {"nodes": ["a-0"], "key": "k"}},
    ]
    pods = workload(asking(npu=8), replicas=1, tolerations=tolerating(k=30))
    user.plans(pods, cluster=pools(a=1), actions=actions, horizon="5m")
    (pod,) = user.pods(at="5m")
    assert (pod["readyContainers"], pod["restarts"]) == (1, 0)
    told = user.types("why", "scenario.yaml", "--at", "70s").stdout
    assert "somebody taints a-0 k:NoExecute" in told


@both
def test_a_no_schedule_taint_keeps_new_pods_off_until_it_is_taken_away(
    user: User, workload: Callable[..., Any]
) -> None:
    actions = [
        {"at": "1m", "taint": {"pool": "a", "key": "k"}},
        {"at": "2m", "scale": 2},
        {"at": "3m", "untaint": {"pool": "a", "key": "k", "effect": "NoSchedule"}},
    ]
    user.plans(workload(asking(npu=8), replicas=1), cluster=pools(a=2), actions=actions, horizon="4m")
    assert places(user, "2m59s") == ["", "a-0"]
    assert places(user, "3m1s") == ["a-0", "a-1"]


@both
def test_a_taint_of_the_same_key_and_effect_gets_the_new_value(
    user: User, workload: Callable[..., Any]
) -> None:
    old = {"key": "k", "operator": "Equal", "value": "old", "effect": "NoExecute"}
    cluster = pools(a=1)
    cluster["pools"][0]["taints"] = [{"key": "k", "value": "old", "effect": "NoExecute"}]
    taint = {"at": "1m", "taint": {"nodes": ["a-0"], "key": "k", "value": "new", "effect": "NoExecute"}}
    pods = workload(asking(npu=8), replicas=1, tolerations=[old])
    user.plans(pods, cluster=cluster, actions=[taint], horizon="2m", assumptions=AT_ONCE)
    assert places(user, "59s") == ["a-0"]
    assert places(user, "61s") == [""]


@both
def test_a_condition_s_taint_that_somebody_else_sets_is_taken_away_by_the_node_controller(
    user: User, workload: Callable[..., Any]
) -> None:
    taint = {"nodes": ["a-0"], "key": "node.kubernetes.io/unreachable", "effect": "NoExecute"}
    user.plans(
        workload(asking(npu=8), replicas=1),
        cluster=pools(a=1),
        actions=[{"at": "1m", "taint": taint}],
        horizon="10m",
    )
    (pod,) = user.pods(at="10m")
    assert (pod["readyContainers"], pod["restarts"]) == (1, 0)


@both
def test_pods_go_to_a_node_when_it_gets_the_label_they_ask_for_and_stay_when_it_loses_it(
    user: User, workload: Callable[..., Any]
) -> None:
    actions = [
        {"at": "1m", "labelNodes": {"nodes": ["a-0"], "labels": {"want": "this"}}},
        {"at": "2m", "labelNodes": {"nodeSelector": {"want": "this"}, "labels": {"want": None}}},
    ]
    pods = workload(asking(npu=4), replicas=1, nodeSelector={"want": "this"})
    user.plans(pods, cluster=pools(a=1), initial="empty", actions=actions, horizon="3m")
    assert places(user, "59s") == [""]
    assert places(user, "61s") == ["a-0"]
    assert places(user, "3m") == ["a-0"]


@both
def test_a_taint_that_is_not_there_is_told_and_the_run_does_not_hold(
    user: User, workload: Callable[..., Any]
) -> None:
    untaint = {"at": "1m", "untaint": {"nodes": ["a-0"], "key": "k", "effect": "NoExecute"}}
    user.plans(workload(asking(npu=8), replicas=1), cluster=pools(a=1), actions=[untaint])
    done, _ = user.runs()
    assert 'taint "k:NoExecute" not found on a-0' in done.stdout
    assert done.returncode == 1


@pytest.mark.parametrize(
    ("action", "message"),
    [
        ({"taint": {"nodes": ["a-9"], "key": "k"}}, "there is no node 'a-9'"),
        ({"taint": {"nodes": ["a-0"], "key": "k k"}}, "'k k': the name part must be letters"),
        ({"taint": {"nodes": ["a-0"], "key": "k", "value": "v v"}}, "'v v': must be"),
        ({"taint": {"nodes": ["a-0"], "key": "k", "effect": "NoExec"}}, "NoExecute"),
        ({"labelNodes": {"nodes": ["a-0"], "labels": {"k": "v v"}}}, "'v v': must be"),
        ({"labelNodes": {"nodes": ["a-0"], "labels": {}}}, "labels"),
        ({"cordon": {"nodeSelector": {"want": "this"}}}, "no node has the labels want=this"),
    ],
)
def test_what_the_api_server_would_refuse_is_an_error_of_the_scenario(
    user: User, action: dict[str, Any], message: str
) -> None:
    user.plans(deployment(asking(npu=8)), cluster=pools(a=1), actions=[{"at": "1m", **action}])
    done, _ = user.runs()
    assert done.returncode == 2
    assert message in " ".join(done.stderr.split())


@both
@pytest.mark.parametrize("lasts", [{}, {"lasts": "1h"}])
def test_a_dead_machine_is_back_when_it_has_been_switched_off_and_on(
    user: User, workload: Callable[..., Any], lasts: Raw
) -> None:
    dies = {"at": "2m", "nodeDown": {"nodes": ["a-0"], **lasts}}
    reboot = {"at": "3m", "reboot": {"nodes": ["a-0"], "takes": "5m"}}
    one = {"pools": [{"name": "a", "count": 1, "allocatable": {"cpu": "8"}}]}
    user.plans(workload({}, replicas=1), cluster=one, actions=[dies, reboot], initial="running", horizon="2h")
    assert "True" not in ready(user, "7m59s")
    assert "True" in ready(user, "9m")
    done, result = user.runs("--details")
    assert "strikes nothing" not in done.stdout
    (outage,) = result["nodeOutages"]
    assert (outage["atMs"], outage["returnedAtMs"]) == (120_000, 480_000)


def test_a_machine_that_is_rebooted_while_it_reboots_is_back_after_the_later_one(user: User) -> None:
    reboots = [{"at": at, "reboot": {"nodes": ["a-0"], "takes": "3m"}} for at in ("1m", "2m")]
    one = {"pools": [{"name": "a", "count": 1, "allocatable": {"cpu": "8"}}]}
    user.plans(deployment({}, replicas=1), cluster=one, actions=reboots, initial="running")
    (outage,) = user.runs()[1]["nodeOutages"]
    assert (outage["atMs"], outage["returnedAtMs"]) == (60_000, 300_000)


@pytest.mark.parametrize(
    ("second", "what"),
    [
        ({"kubeletRestart": {"nodes": ["a-0"]}}, "kubeletRestart"),
        ({"nodeDown": {"nodes": ["a-0"], "lasts": "1m"}}, "nodeDown (silent)"),
        ({"nodeDown": {"nodes": ["a-0"], "mode": "cutOff"}}, "nodeDown (cutOff)"),
    ],
)
def test_what_can_do_nothing_to_a_dead_machine_is_told(user: User, second: Raw, what: str) -> None:
    one = {"pools": [{"name": "a", "count": 1, "allocatable": {"cpu": "8"}}]}
    dies = {"at": "2m", "nodeDown": "a-0"}
    user.plans(deployment({}, replicas=1), cluster=one, actions=[dies, {"at": "3m", **second}])
    done = user.types("run", "scenario.yaml")
    assert f"the {what} at 3m strikes nothing: a-0 is down already" in " ".join(done.stdout.split())

"""Every action and fault that can come to nothing: told in verdict, warnings and `why`, and not drawn in the chart."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from field.user import Raw, User, asking, both, kubeinfer

from kubeinfer_sim.scenario.actions.forms import ActionForm

PROBE = {"tcpSocket": {"port": 1}, "periodSeconds": 5}
PROBED = {"livenessProbe": PROBE, "readinessProbe": PROBE, "startupProbe": PROBE}
POD = {
    **asking(npu=8),
    **PROBED,
    "lifecycle": {"postStart": {"exec": {"command": ["x"]}}},
}
PREPARED: Raw = {"initContainers": [{"name": "prepare", "image": "repo/prepare:v1"}]}
AROUND: Raw = {
    **PREPARED,
    "schedulingGates": [{"name": "x/gate"}],
    "readinessGates": [{"conditionType": "x/ready"}],
}
NO_START = "no container that it means starts from then on"

#: Actions at 1h in a cluster in which all runs well and nothing else happens: what is said of them.
STRIKE_NOTHING: list[tuple[Raw, str]] = [
    ({"crash": {"after": "5s"}}, f"the crash at 1h strikes nothing: {NO_START}"),
    (
        {"crash": {"after": "5s", "lasts": "10m"}},
        "the crash at 1h strikes nothing: no container that it means starts from then until 1h10m",
    ),
    ({"crash": {"container": "prepare"}}, "the pods that matched have no such container running"),
    ({"health": {"after": "5s"}}, f"the health action at 1h strikes nothing: {NO_START}"),
    ({"health": {"probes": ["startup"]}}, f"what it means has started already, and {NO_START}"),
    (
        {"health": {"probes": ["startup"], "newPods": True, "lasts": "1m"}},
        "what it means has started already, and no container that it means starts from then until 1h1m",
    ),
    ({"initFault": {}}, f"the initFault at 1h strikes nothing: {NO_START}"),
    ({"postStartFault": {}}, f"the postStartFault at 1h strikes nothing: {NO_START}"),
    (
        {"fault": {"kind": "ProcessHang", "nodes": ["node-3"]}},
        "the ProcessHang at 1h strikes nothing: no pod",
    ),
    ({"fault": {"kind": "NpuFault", "random": "busyNpu", "nodes": ["node-3"]}}, "there is no NPU in use"),
    ({"forceDelete": {}}, "the forced deletion at 1h strikes nothing: no pod that matched is terminating"),
    ({"deletePod": {"nodes": ["node-3"]}}, "the deletePod at 1h strikes nothing: no pod matched"),
    ({"evictPod": {"ready": False}}, "the evictPod at 1h strikes nothing: no pod matched that is not ready"),
    ({"untaint": {"nodes": ["node-3"], "key": "k"}}, "the untaint at 1h strikes nothing: taint"),
]
CHANGE_NOTHING: list[tuple[Raw, str]] = [
    ({"health": {"probes": ["readiness"], "healthy": True}}, "no check was made to fail before"),
    ({"imageFault": {"lasts": "20m"}}, "nobody asks for an image while it lasts"),
    ({"imageFault": {"images": ["repo/vllm:v1"]}}, "nobody asks for such an image while it lasts"),
    ({"uncordon": "node-3"}, "the uncordon at 1h changes nothing: not cordoned already"),
    ({"scale": 3}, "at 1h changes nothing"),
    ({"setGate": {"gate": "x/gate", "open": True}}, "the setGate at 1h changes nothing: open already"),
    ({"setReadinessGate": {"gate": "x/ready", "status": True}}, "changes nothing: set so already"),
]
#: Actions that came before, and the same once more.
TWICE: list[tuple[Raw, str]] = [
    ({"cordon": "node-3"}, "the cordon at 2h changes nothing: cordoned already"),
    ({"taint": {"nodes": ["node-3"], "key": "k", "effect": "NoSchedule"}}, "tainted so already"),
    ({"labelNodes": {"nodes": ["node-3"], "labels": {"a": "b"}}}, "labeled so already"),
    ({"nodeDown": "node-3"}, "the nodeDown (silent) at 2h changes nothing: down already"),
    ({"outOfService": {"nodes": ["node-3"]}}, "out of service already"),
]
#: Those that always do something, are told by what is applied, or are refused before or in the run where they cannot.
ELSEWHERE = {
    "apply",
    "patch",
    "pause",
    "resume",
    "rollback",
    "set_image",
    "create",
    "patch_object",
    "delete_object",
} | {*("add_nodes", "remove_nodes", "drain", "reboot", "kubelet_restart", "node_up", "remove_finalizers")}


def runs(user: User, make: Callable[..., Any], *actions: Raw, **spec: Any) -> tuple[Any, Raw]:
    """The actions with pods that run at the start; they have gates where an action is about some."""
    around = AROUND if any("Gate" in name for each in actions for name in each) else PREPARED
    user.plans(make(POD, **around), cluster="4x8", initial="running", actions=actions, **spec)
    return user.runs()


@both
@pytest.mark.parametrize(("action", "said"), STRIKE_NOTHING)
def test_what_strikes_nothing_is_told(
    user: User, workload: Callable[..., Any], action: Raw, said: str
) -> None:
    done, result = runs(user, workload, {"at": "1h", **action})
    assert done.returncode == 1
    assert said in result["verdict"]["sentence"]
    assert any(said in text for text in result["warnings"])


@both
@pytest.mark.parametrize(("action", "said"), STRIKE_NOTHING)
def test_it_is_told_where_the_run_fails_for_another_reason(
    user: User, workload: Callable[..., Any], action: Raw, said: str
) -> None:
    """A budget lets no pod of the first node go, for ever."""
    budget = {"name": "keep", "namespace": "prod", "matchLabels": {"app": "chat"}, "maxUnavailable": 0}
    drain = {"at": "10m", "drain": "node-0"}
    done, result = runs(user, workload, drain, {"at": "1h", **action}, podDisruptionBudgets=[budget])
    assert done.returncode == 1
    assert "drain of node-0" in result["verdict"]["sentence"]
    assert said in result["verdict"]["sentence"]
    assert any(said in text for text in result["warnings"])


@both
@pytest.mark.parametrize(("action", "said"), CHANGE_NOTHING)
def test_what_leaves_all_as_it_was_is_named(
    user: User, workload: Callable[..., Any], action: Raw, said: str
) -> None:
    done, result = runs(user, workload, {"at": "1h", **action})
    assert any(said in text for text in result["warnings"])
    if "Nothing happened" in result["verdict"]["sentence"]:
        assert done.returncode == 1
        assert said in result["verdict"]["sentence"]


@both
@pytest.mark.parametrize(("action", "said"), TWICE)
def test_what_is_done_again_changes_nothing(
    user: User, workload: Callable[..., Any], action: Raw, said: str
) -> None:
    done, result = runs(user, workload, {"at": "1h", **action}, {"at": "2h", **action})
    assert done.returncode == 0, "as kubectl says of it, too"
    assert any(said in text for text in result["warnings"])


def test_each_kind_of_action_is_in_one_of_the_tables() -> None:
    here = {name for action, _ in (*STRIKE_NOTHING, *CHANGE_NOTHING, *TWICE) for name in action}
    fields = {field.alias or name: name for name, field in ActionForm.model_fields.items()}
    assert {fields[name] for name in here} | ELSEWHERE == {*ActionForm.model_fields} - {"at", "object"}


@both
def test_a_crash_after_a_start_that_ends_sooner(user: User, workload: Callable[..., Any]) -> None:
    """It was to strike 2 h after a start; the pod that starts is there for an hour."""
    actions = [
        {"at": "1h", "crash": {"after": "2h"}},
        {"at": "2h", "deletePod": {"nodes": ["node-0"]}},
        {"at": "3h", "deletePod": {"nodes": ["node-0"]}},
    ]
    done, result = runs(user, workload, *actions, horizon="4h")
    assert "the crash at 1h strikes nothing: no run that begins then lasts so long" in result["warnings"]
    assert done.returncode == 1


@both
def test_a_crash_after_a_start_that_comes(user: User, workload: Callable[..., Any]) -> None:
    actions = [
        {"at": "1h", "crash": {"after": "5s", "times": 1}},
        {"at": "2h", "deletePod": {"nodes": ["node-0"]}},
    ]
    done, result = runs(user, workload, *actions)
    assert not any("strikes nothing" in text for text in result["warnings"])
    assert done.returncode == 0
    startup = {"at": "1h", "health": {"probes": ["startup"], "newPods": True, "lasts": "2h"}}
    _, result = runs(user, workload, startup, *actions[1:])
    assert not any("strikes nothing" in text for text in result["warnings"])


def test_the_chart_does_not_show_what_did_not_happen(user: User) -> None:
    actions = [
        {"at": "10m", "deletePod": {"instances": [0]}},
        {"at": "1h", "crash": {"after": "5s", "instances": [1]}},
    ]
    done, _ = runs(user, kubeinfer, *actions)
    assert "A 10m: pods deleted" in done.stdout
    assert "engine ends" not in done.stdout.partition("Rests on")[0].partition("Ready instances")[2]


@both
def test_a_crash_of_what_has_yet_to_start(user: User, workload: Callable[..., Any]) -> None:
    """Fault and action alike: a pod that pulls its image has no engine that could exit."""
    for struck, said in (
        ({"crash": {}}, "no such container running"),
        ({"fault": {"kind": "ProcessCrash", "nodes": ["node-0"]}}, "no pod that matched runs"),
    ):
        user.plans(
            workload(POD, replicas=1),
            cluster="1x8",
            initial="empty",
            timings={"profile": "zero", "image": "10m"},
            actions=[{"at": "5m", **struck}],
        )
        _, result = user.runs()
        assert any(said in text for text in result["warnings"]), result["warnings"]

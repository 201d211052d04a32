"""Switches that follow the vendor's newer pages, off by default: what each changes, from the file to the verdict."""

from __future__ import annotations

from typing import Any

from field.user import Raw, User, asking, kubeinfer

LABEL = {"modelarts-infer-npu-reset-enable": "true"}
PROBE = {"readinessProbe": {"tcpSocket": {"port": 1}, "periodSeconds": 1}}
TIMINGS = {"profile": "zero", "graphCold": "60s", "graphWarm": "60s", "exit": "5s"}


def chat(**fields: Any) -> Raw:
    return kubeinfer({**asking(npu=8), **PROBE}, **fields)


def test_an_update_without_room_is_aborted_where_the_switch_says_so(user: User) -> None:
    update = {"newRevision": True}
    for switch, says in ("wait", "never finishes"), ("abort", "is aborted at 0s (Unschedulable)"):
        user.plans(chat(replicas=2, surge=1), cluster="2x8", update=update, assumptions={"onStall": switch})
        done, result = user.runs()
        assert done.returncode == 1
        assert says in result["verdict"]["sentence"]
        assert "at least 2 of 2 instances stay ready" in result["verdict"]["sentence"]
    assert result["changes"][-1]["label"] == "abort: Unschedulable"
    assert all(each["state"] in ("ready", "gone") for each in result["instances"])


def test_so_is_one_with_an_image_nobody_can_have_but_no_crash_loop(user: User) -> None:
    spec: dict[str, Any] = {"cluster": "3x8", "timings": TIMINGS, "assumptions": {"onStall": "abort"}}
    image = {"spec": {"template": {"spec": {"roles": [chat()["spec"]["template"]["spec"]["roles"][0]]}}}}
    image["spec"]["template"]["spec"]["roles"][0]["template"]["spec"]["containers"][0]["image"] = (
        "repo/gone:v2"
    )
    patch = {"at": "1m", "apply": {"patch": image}}
    user.plans(chat(replicas=2, surge=1), actions=[patch], brokenImages=["repo/gone:v2"], **spec)
    _, result = user.runs()
    assert "aborted" in result["verdict"]["sentence"]
    crash = {"at": "0s", "crash": {"after": "5s", "until": "30m"}}
    user.plans(chat(replicas=2, surge=1), update={"newRevision": True}, actions=[crash], **spec)
    _, result = user.runs()
    assert "aborted" not in result["verdict"]["sentence"]


def test_a_hardware_fault_leaves_the_pod_alone_where_the_switch_says_so(user: User) -> None:
    fault = {"at": "1m", "fault": {"kind": "NpuFault", "node": "node-0", "npu": 1, "symptom": "none"}}
    for switch, restarts in ("external-force", 1), ("external-force-pod-failed", 0):
        user.plans(
            chat(replicas=1, labels=LABEL),
            cluster="2x8",
            timings=TIMINGS,
            actions=[fault],
            assumptions={"faultScheduling": switch},
            horizon="1h",
        )
        _, result = user.runs()
        assert result["instances"][0]["restarts"] == restarts


def test_three_silent_faults_in_three_hours_take_a_node_out_where_the_switch_says_so(user: User) -> None:
    roles = chat(replicas=1)
    (role,) = roles["spec"]["template"]["spec"]["roles"]
    role["replicas"] = 2
    crashes = [{"at": f"{hour}m", "crash": {"nodes": ["node-0"]}} for hour in (10, 60, 185)]
    for on in (False, True):
        user.plans(
            roles,
            cluster="3x8",
            timings=TIMINGS,
            actions=crashes,
            assumptions={"silentFaults": on},
            horizon="4h",
        )
        user.runs()
        told = user.types("why", "scenario.yaml", "--at", "3h30m").stdout
        assert ("3h5m30s  node-0 takes no new pods (cordon)" in told) is on
    both = [{"at": f"{hour}m", "crash": {}} for hour in (10, 60, 110)]
    user.plans(
        roles, cluster="3x8", timings=TIMINGS, actions=both, assumptions={"silentFaults": True}, horizon="4h"
    )
    assert "cordon" not in user.types("why", "scenario.yaml", "--at", "3h").stdout, "two pods failed"

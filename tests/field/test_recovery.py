"""Accelerators that break under pods, and what is restarted for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from field.user import User, asking, both, kubeinfer

PROBE = {"tcpSocket": {"port": 1}, "periodSeconds": 1, "failureThreshold": 7200}
PROBED = {"startupProbe": PROBE, "readinessProbe": {**PROBE, "failureThreshold": 1}}
LABEL = {"modelarts-infer-npu-reset-enable": "true"}


def fault(at: str, kind: str = "NpuFault", npu: int = 3, **more: Any) -> Any:
    return {"at": at, "fault": {"kind": kind, "node": "node-0", "npu": npu, **more}}


@pytest.mark.parametrize("resource", [{"npu": 8}, {"nvidia.com/gpu": 8}])
@both
def test_an_accelerator_is_not_mended_while_a_pod_holds_it(
    user: User, workload: Callable[..., Any], resource: Any
) -> None:
    pods = workload({**asking(**resource), **PROBED}, replicas=1, labels={"a": "b"})
    for role in pods["spec"]["template"]["spec"].get("roles", ()):
        role["recoveryPolicy"] = {"type": "Restart", "restart": "Custom"}
    (name,) = asking(**resource)["resources"]["limits"]
    cluster = {"pools": [{"name": "node", "count": 1, "allocatable": {name: 8}}]}
    user.plans(pods, cluster=cluster, actions=[fault("50s", repair="1h")], horizon="12h")
    _, result = user.runs()
    assert [each["readyAgainAtMs"] for each in result["faults"]] == [None]
    assert " 0/1 " in user.types("pods", "scenario.yaml").stdout


def test_an_engine_that_started_on_a_broken_npu_has_loaded_nothing(user: User) -> None:
    pods = kubeinfer({**asking(npu=8), **PROBED}, replicas=1)
    lasts = fault("50s", repair="1d", clearsAfter="10m")
    user.plans(pods, cluster="1x8", timings={"profile": "zero", "weights": "100s"}, actions=[lasts])
    _, result = user.runs()
    assert result["timeline"]["ready"][-1][0] == 650_000 + 100_000


def test_a_report_that_comes_when_the_new_pods_are_on_their_way_is_no_second_restart(user: User) -> None:
    for restart in ("Instance", "Pod"):
        pods = kubeinfer({**asking(npu=8), **PROBED}, replicas=1, labels=LABEL)
        (role,) = pods["spec"]["template"]["spec"]["roles"]
        role["recoveryPolicy"] = {"type": "Restart", "restart": restart}
        user.plans(pods, cluster="2x8", timings={"profile": "zero", "exit": "2s"}, actions=[fault("50s")])
        _, result = user.runs()
        (instance,) = result["instances"]
        assert instance["restarts"] == 1
        assert instance["pods"][-1]["node"] == "node-1"


OOM = {"at": "50s", "fault": {"kind": "OutOfMemory", "pods": [0]}}


@pytest.mark.parametrize("restart", ["Instance", "Pod"])
@pytest.mark.parametrize("nodes", ["1x8", "2x8"])
@pytest.mark.parametrize(
    "events",
    [
        [fault("50s", symptom="none")],
        [fault("50s", symptom="hang")],
        [fault("50s", symptom="slow")],
        [fault("50s"), fault("50s", npu=4)],
        [fault("50s"), OOM],
        [fault("50s", "CardDrop"), fault("52s", "CardDrop", 2)],
    ],
    ids=["not seen", "hangs", "slow", "two NPUs", "out of memory as well", "two cards"],
)
def test_what_strikes_one_pod_at_once_is_one_restart(
    user: User, restart: str, nodes: str, events: list[Any]
) -> None:
    startup = {"startupProbe": {**PROBE, "periodSeconds": 10, "failureThreshold": 20}}
    pods = kubeinfer(
        {**asking(npu=8), **startup, "livenessProbe": {**PROBE, "failureThreshold": 3}},
        replicas=1,
        labels=LABEL,
    )
    (role,) = pods["spec"]["template"]["spec"]["roles"]
    role["recoveryPolicy"] = {"type": "Restart", "restart": restart}
    timings = {"profile": "zero", "exit": "2s", "weights": "30s"}
    user.plans(pods, cluster=nodes, timings=timings, actions=events, horizon="3d")
    done, result = user.runs()
    assert done.returncode == 0
    (instance,) = result["instances"]
    assert (instance["restarts"], len(instance["pods"])) == (1, 2)


def test_a_fault_of_an_npu_in_repair_has_happened(user: User) -> None:
    pods = kubeinfer({**asking(npu=8), **PROBED}, replicas=1, labels=LABEL)
    actions = [fault("50s", "CardDrop", 1), fault("10m", "CardDrop", 1), fault("20m", "CardDrop", 2)]
    user.plans(pods, cluster="2x8", actions=actions, horizon="10h", faults={"npus": {"repair": "1h"}})
    _, result = user.runs()
    assert [each["where"] for each in result["faults"]] == ["node-0/npu1", "node-0/npu1", "node-0/npu2"]


@both
def test_a_probe_may_have_a_period_above_an_hour(user: User, workload: Callable[..., Any]) -> None:
    probe = {"livenessProbe": {"tcpSocket": {"port": 1}, "periodSeconds": 3601}}
    user.plans(workload({**asking(npu=8), **probe}, replicas=1), cluster="1x8", initial="empty")
    done, _ = user.runs()
    assert done.returncode == 0


@pytest.mark.parametrize("restart", ["Instance", "Pod"])
@pytest.mark.parametrize("at", ["1m", "105s", "150s"])
def test_a_new_instance_that_loads_again_is_no_stall(user: User, restart: str, at: str) -> None:
    """Struck while it loads, or once it was ready: it is on its way. One that fails again is a stall."""
    pods = kubeinfer({**asking(npu=8), **PROBED}, surge=1)
    (role,) = pods["spec"]["template"]["spec"]["roles"]
    role["recoveryPolicy"] = {"type": "Restart", "restart": restart}
    crash = {"at": at, "crash": {"instances": [3]}}
    again = {"at": "190s", "crash": {"instances": [3]}}
    # Struck at 1m it is ready by then, and loads again once more.
    for actions, stalls in ([crash], 0), ([crash, again], at != "1m"):
        user.plans(
            pods,
            cluster="4x8",
            timings={"profile": "zero", "weights": "100s", "exit": "5s"},
            update={"newRevision": True},
            actions=actions,
            objectives={"noStall": True},
        )
        done, result = user.runs()
        assert len(result["stalls"]) == stalls
        assert done.returncode == stalls


def test_one_whose_start_window_is_too_short_is_a_stall_at_once(user: User) -> None:
    window = {"startupProbe": {**PROBE, "periodSeconds": 10, "failureThreshold": 3}}
    user.plans(
        kubeinfer({**asking(npu=8), **PROBED, **window}, surge=1),
        cluster="4x8",
        timings={"profile": "zero", "weights": "100s", "exit": "5s"},
        update={"newRevision": True},
        horizon="10m",
    )
    _, result = user.runs()
    assert result["stalls"][0]["podReason"] == "StartupProbeFailed"
    assert result["stalls"][0]["atMs"] < 60_000

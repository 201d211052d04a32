"""A check that answers again undoes no failure that is on its way: what made it fail is the cause, and is told as such."""

from __future__ import annotations

from typing import Any

import pytest
from field.user import User, asking, both, kubeinfer

ONCE_A_SECOND: dict[str, Any] = {"tcpSocket": {"port": 1}, "periodSeconds": 1, "failureThreshold": 1}
STARTUP = {"startupProbe": {**ONCE_A_SECOND, "failureThreshold": 3600}}
LIVENESS = {**STARTUP, "livenessProbe": {**ONCE_A_SECOND, "failureThreshold": 3}}
#: Each call that hangs takes 10 s, and two of them have to.
SLOW_CALLS = {**STARTUP, "livenessProbe": {**ONCE_A_SECOND, "failureThreshold": 2, "timeoutSeconds": 10}}


#: The probes, what the checks are made to answer from 10m on, and what `why` tells of it, the first cause first.
CASES: dict[str, tuple[dict[str, Any], list[dict[str, Any]], str]] = {
    "while the container is being killed": (
        LIVENESS,
        [{"at": "10m", "health": {"hang": True, "probes": ["liveness"], "lasts": "15s"}}],
        "kills container",
    ),
    "while the last call is under way": (
        SLOW_CALLS,
        [{"at": "10m", "health": {"hang": True, "probes": ["liveness"], "lasts": "15s"}}],
        "kills container",
    ),
    "one kind after the other while the last call is under way": (
        {**SLOW_CALLS, "readinessProbe": {**ONCE_A_SECOND, "failureThreshold": 60}},
        [
            {"at": "10m", "health": {"hang": True, "probes": ["liveness"], "lasts": "15s"}},
            {"at": "10m", "health": {"probes": ["readiness"], "lasts": "16s"}},
        ],
        "kills container",
    ),
    "and hangs anew while the container is being killed": (
        LIVENESS,
        [
            {"at": "10m", "health": {"hang": True, "probes": ["liveness"], "lasts": "10s"}},
            {"at": "10m15s", "health": {"hang": True, "probes": ["liveness"], "lasts": "5s"}},
        ],
        "kills container",
    ),
    "while the call of a readiness probe is under way": (
        {"readinessProbe": {**ONCE_A_SECOND, "timeoutSeconds": 10, "successThreshold": 5}},
        [{"at": "10m", "health": {"hang": True, "probes": ["readiness"], "lasts": "5s"}}],
        "is not Ready any more",
    ),
}


@both
@pytest.mark.parametrize(("probes", "actions", "told"), CASES.values(), ids=CASES)
def test_what_made_it_fail_is_the_cause(
    user: User, workload: Any, probes: dict[str, Any], actions: list[dict[str, Any]], told: str
) -> None:
    which = {"instances": [0]} if workload is kubeinfer else {"pods": [0]}
    chosen = [{**each, "health": {**which, **each["health"]}} for each in actions]
    user.plans(
        workload({**asking(npu=8), **probes}, replicas=2, terminationGracePeriodSeconds=60),
        cluster="3x8",
        initial="running",
        timings={"profile": "zero", "exit": "40s", "weights": "5m"},
        actions=chosen,
        horizon="1h",
    )
    done, result = user.runs()
    assert result, done.stderr
    sentence = result["verdict"]["sentence"]
    assert "fails at 10m" in sentence
    assert "again" not in sentence
    if workload is kubeinfer:
        [cause] = result["causes"]
        assert "fails at 10m" in cause["what"]
    at = "10m12s" if told == "is not Ready any more" else "11m10s"
    why = " ".join(user.types("why", "scenario.yaml", "--at", at).stdout.split())
    assert "begins to fail" in why
    assert told in why.partition("begins to fail")[2]
    assert "answers again" not in why.partition(told)[0]

"""The stages of lost time are those of the pod that was ready last, also where the run ends as it becomes ready."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
from field.user import User, asking, kubeinfer

ONCE_A_SECOND: dict[str, Any] = {"tcpSocket": {"port": 1}, "periodSeconds": 1}
STARTUP: dict[str, Any] = {**ONCE_A_SECOND, "failureThreshold": 60}


@pytest.mark.parametrize("late", [0, 1])
@pytest.mark.parametrize("hit", [0, 1])
@pytest.mark.parametrize("action", ["crash", "health"])
def test_they_are_those_of_the_pod_that_was_ready_last(user: User, late: int, hit: int, action: str) -> None:
    roles = []
    for place in range(2):
        startup = {**STARTUP, **({"initialDelaySeconds": 600} if place == late else {})}
        probes = {"livenessProbe": ONCE_A_SECOND, "startupProbe": startup}
        made = kubeinfer({**asking(npu=8), **probes}, replicas=2)
        [role] = made["spec"]["template"]["spec"]["roles"]
        role["recoveryPolicy"] = {"type": "Restart", "restart": "Instance"}
        roles.append({**deepcopy(role), "name": f"role-{place}"})
    made["spec"]["template"]["spec"]["roles"] = roles
    how = {"probes": ["liveness"], "lasts": "10s"} if action == "health" else {}
    user.plans(
        made,
        cluster="6x8",
        initial="running",
        timings={"profile": "zero", "weights": "40s"},
        actions=[{"at": "10m", action: {"instances": [0], "roles": [f"role-{hit}"], **how}}],
    )
    done, result = user.runs()
    assert result, done.stderr
    [cause] = result["causes"]
    assert "detect" not in cause["stages"]
    # From the end of its 40 s of weights until its first check, 600 s after its start.
    assert cause["stages"]["probe"] >= 550_000

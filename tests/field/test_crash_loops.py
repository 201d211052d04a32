"""What fails again and again comes to nothing, and the run to its end."""

from __future__ import annotations

from field.user import User, asking, kubeinfer


def test_a_crash_loop_of_a_kubeinfer_is_no_progress(user: User) -> None:
    probe = {"livenessProbe": {"tcpSocket": {"port": 1}, "periodSeconds": 10}}
    sick = {"at": "1m", "health": {"probes": ["liveness"], "newPods": True}}
    user.plans(
        kubeinfer({**asking(npu=8), **probe}, replicas=1), cluster="1x8", actions=[sick], quietAfter="10m"
    )
    done, result = user.runs()
    assert done.returncode == 1
    assert result["end"]["reason"] == "quiet"

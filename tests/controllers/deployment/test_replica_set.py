"""A ReplicaSet looks again when its pods have been ready for minReadySeconds, though nothing happens then."""

from __future__ import annotations

from pathlib import Path

from field.user import User, asking, replica_set


def test_pods_are_available_once_they_have_been_ready_for_long_enough(tmp_path: Path) -> None:
    pods = replica_set(asking(npu=8), replicas=2)
    pods["spec"]["minReadySeconds"] = 30
    user = User(tmp_path)
    user.plans(pods, cluster="2x8", initial="empty", timings={"profile": "zero"})
    done, result = user.runs()
    assert done.returncode == 0, done.stdout
    assert result["end"]["atMs"] >= 30_000

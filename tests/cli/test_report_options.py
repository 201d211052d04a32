"""A report is a screen, and says how to see more."""

from __future__ import annotations

from typing import Any

import pytest
from field.user import User, asking, both, kubeinfer

from kubeinfer_sim.scenario.model import Assumptions

POOL = {"pools": [{"name": "a", "count": 4, "allocatable": {"huawei.com/ascend-1980": "8", "pods": "110"}}]}


@pytest.fixture
def user(tmp_path: Any) -> User:
    return User(tmp_path)


def crashing(user: User, workload: Any, **spec: Any) -> None:
    """Three instances, or pods, of which one ends by itself."""
    container = {"readinessProbe": {"exec": {"command": ["x"]}, "periodSeconds": 5}, **asking(npu=8)}
    crash = {"at": "10m", "crash": {"instances": [1]} if workload.__name__ == "kubeinfer" else {"pods": [1]}}
    user.plans(
        workload(container),
        cluster=POOL,
        initial="running",
        actions=[crash],
        **{"timings": {"profile": "zero", "create": "10s"}, **spec},
    )


@both
def test_a_report_is_a_screen_with_one_line_of_assumptions(user: User, workload: Any) -> None:
    crashing(user, workload)
    done, result = user.runs()
    assert len(done.stdout.splitlines()) <= 30
    assert max(map(len, done.stdout.splitlines())) <= 80
    number = len(result["assumptions"]) + len(result["defaults"])
    assert f"\nRests on  {number} assumptions, none set · Kubernetes 1.36 · stages constant\n" in done.stdout
    assert (
        done.stdout.splitlines()[-1] == "More      --details, --assumptions, --timings range; why --at TIME"
    )
    assert "startBarrier" not in done.stdout
    assert "startBarrier" in [each["name"] for each in result["assumptions"]]


@both
def test_assumptions_are_told_one_by_one_when_asked_for(user: User, workload: Any) -> None:
    crashing(user, workload, assumptions={"unreadyGrace": "90s"})
    in_short, _ = user.runs()
    assert "unreadyGrace 1m30s (set)" in in_short.stdout
    done, result = user.runs("--assumptions")
    assert "\nRests on\n  Set  unreadyGrace 1m30s\n" in done.stdout
    assert "startBarrier instance" in done.stdout
    assert all(line.split(":")[0] in done.stdout for line in result["defaults"] if "timings" not in line)
    assert "--assumptions" not in done.stdout
    assert len(result["assumptions"]) == len(Assumptions.__struct_fields__)


@both
def test_details_are_every_section_at_length(user: User, workload: Any) -> None:
    crashing(user, workload)
    done, _ = user.runs("--details")
    assert "\nKey figures\n" in done.stdout
    assert ("\nDisturbed\n" in done.stdout) is (workload.__name__ == "kubeinfer")
    assert "--details" not in done.stdout


@both
def test_stages_are_drawn_when_asked_for_and_the_report_says_so(user: User, workload: Any) -> None:
    crashing(user, workload, timings={"profile": "typical"})
    constant, _ = user.runs()
    drawn, _ = user.runs("--timings", "range")
    assert "stages constant" in constant.stdout
    assert "stages drawn: this is one draw" in " ".join(drawn.stdout.split())
    assert "--timings" not in drawn.stdout


def test_a_comparison_says_what_could_not_be_told(user: User) -> None:
    """Through the command line: an open objective, and that no fault struck."""
    container = {"readinessProbe": {"exec": {"command": ["x"]}, "periodSeconds": 5}, **asking(npu=8)}
    user.plans(
        kubeinfer(container, replicas=2),
        cluster=POOL,
        initial="empty",
        timings={"profile": "typical"},
        horizon="1m",
        objectives={"completes": True},
        faults={
            "processes": [
                {"name": "rare", "per": "npu", "every": {"exponential": "36500d"}, "mix": ["NpuFault"]}
            ]
        },
    )
    done = user.types("compare", "scenario.yaml", "--vary", "maxSurge=1,2")
    assert done.returncode == 0, done.stderr
    (row,) = [line for line in done.stdout.splitlines() if line.startswith("completes held")]
    assert row.split()[-2:] == ["open", "open"]
    assert "no fault struck in any run" in " ".join(done.stdout.split())

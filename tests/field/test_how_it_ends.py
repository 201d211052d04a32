"""Why a run ended is said so that its own end does not contradict it."""

from __future__ import annotations

import pytest
from command_line import sim
from field.user import User, asking, deployment, kubeinfer

STARTUP = {"startupProbe": {"tcpSocket": {"port": 1}, "periodSeconds": 10, "failureThreshold": 3}}
READY = {"readinessProbe": {"tcpSocket": {"port": 1}, "periodSeconds": 1}}
POOL = {"pools": [{"name": "a", "count": 2, "allocatable": {"huawei.com/ascend-1980": 8, "cpu": 16}}]}


def test_a_run_that_is_given_up_says_that_its_end_is_the_last_event(user: User) -> None:
    user.plans(
        kubeinfer({**asking(npu=8), **STARTUP}, replicas=1),
        cluster="1x8",
        initial="empty",
        timings={"profile": "zero", "weights": "1h"},
        quietAfter="10m",
    )
    done, result = user.runs()
    assert result["end"]["reason"] == "quiet"
    told = " ".join(done.stdout.split())
    assert "(the last event; given up after 10m without progress)" in told
    why = " ".join(user.types("why", "scenario.yaml", "--at", "1m").stdout.split())
    assert "no progress for" not in why


def test_pods_that_are_rejected_without_a_pause_are_no_wait_for_a_day(user: User) -> None:
    user.plans(deployment(asking(cpu=10), replicas=2, nodeName="a-0"), cluster=POOL, initial="empty")
    done, result = user.runs()
    assert result["end"]["reason"] == "quiet"
    refused = user.types("pods", "scenario.yaml", "--at", "2d")
    for text in (done.stdout, refused.stderr):
        assert "1d" not in text
    assert "pods are rejected as fast as they come" in " ".join(refused.stderr.split())


@pytest.mark.parametrize("columns", [80, 100, 140])
def test_the_chart_s_last_time_stands_within_its_axis(user: User, columns: int) -> None:
    for minutes in range(31, 61, 3):  # ends near a round time, and far from it
        user.plans(
            kubeinfer({**asking(npu=8), **READY}, replicas=2),
            cluster="3x8",
            timings={"profile": "zero", "weights": f"{minutes}m"},
            actions=[{"at": "1m", "apply": {"newRevision": True}}],
        )
        done = sim("run", "scenario.yaml", cwd=user.folder, COLUMNS=str(columns))
        lines = done.stdout.splitlines()
        axes = [place for place, line in enumerate(lines) if line.lstrip().startswith("└")]
        assert axes
        for place in axes:
            assert len(lines[place + 1]) <= len(lines[place]) <= columns
            assert lines[place].count("┬") == len(lines[place + 1].split())


@pytest.mark.parametrize(("horizon", "said"), [(None, "from 10m on"), ("15m", "for 5m")])
def test_of_a_deployment_that_never_comes_back_it_is_told_from_when_on(
    user: User, horizon: str | None, said: str
) -> None:
    """Not for how long until the last event of the run, after which it is no other; a horizon leaves that open."""
    old, new = (
        deployment({**asking(npu=8), "imagePullPolicy": "Never", "image": image}, replicas=1)
        for image in ("repo/vllm:v1", "repo/vllm:v2")
    )
    for each in (old, new):
        each["spec"]["strategy"] = {"type": "Recreate"}
    user.has("new.yaml", new)
    apply = {"at": "10m", "apply": "new.yaml"}
    user.plans(
        old,
        cluster="1x8",
        initial="running",
        actions=[apply],
        **({"horizon": horizon} if horizon else {}),
    )
    done, _ = user.runs()
    assert done.returncode == 1
    assert f"no pod is available {said}" in " ".join(done.stdout.split())
    assert not horizon or "from 10m on" not in done.stdout

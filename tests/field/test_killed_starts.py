"""Instances that come up although a probe has killed a start of theirs: said, and green only where some were not killed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from field.user import User, asking, both

PROBE = {"tcpSocket": {"port": 1}}
TIMINGS = {"profile": "zero", "graphCold": "100s", "graphWarm": "1s", "exit": "20s"}


def window(failures: int, kind: str = "startup") -> dict[str, Any]:
    """A container whose probe has it killed after so many failures, one every 10 s."""
    probe = {**PROBE, "periodSeconds": 10, "failureThreshold": failures}
    return {**asking(npu=8), f"{kind}Probe": probe, "readinessProbe": {**PROBE, "periodSeconds": 1}}


def updated(user: User, workload: Callable[..., Any], container: dict[str, Any], **spec: Any) -> Any:
    pods = workload(container, replicas=2, surge=1)
    user.plans(pods, cluster="3x8", timings=TIMINGS, update={"newRevision": True}, **spec)
    return user.runs()


@pytest.mark.parametrize("kind", ["startup", "liveness"])
@both
def test_an_update_whose_every_start_is_killed_first_is_not_green(
    user: User, workload: Callable[..., Any], kind: str
) -> None:
    done, result = updated(user, workload, window(9, kind))
    assert done.returncode == 1
    told = result["verdict"]["sentence"]
    noun = "instance" if workload({})["kind"] == "KubeInfer" else "pod"
    assert f"every new {noun} was killed by its {kind} probe first" in told
    assert "loadsAfterSigterm" in told
    (found,) = result["killedStarts"]
    assert (found["owner"], found["started"], found["killed"], found["probe"]) == ("chat", 2, 2, kind)
    assert found["gaveUpAfterMs"] < found["neededMs"] == 100_000
    if kind == "startup":
        many = " ".join(user.types("run", "scenario.yaml", "-n", "2").stdout.split())
        assert (
            "in 2 of 2 every new instance or pod was killed by its startup probe first: see the worst" in many
        )
    assert 0 <= found["afterSigtermMs"] < 20_000
    assert "killed" in " ".join(done.stdout.split())[:400]
    assert "go on loading after SIGTERM" in told


@both
def test_it_never_completes_where_an_engine_stops_loading_at_sigterm(
    user: User, workload: Callable[..., Any]
) -> None:
    stops = {"loadsAfterSigterm": False}
    done, result = updated(user, workload, window(9), assumptions=stops)
    assert done.returncode == 1
    assert "never finishes" in result["verdict"]["sentence"]
    assert "killed by" not in result["verdict"]["sentence"]


@both
def test_a_window_that_is_long_enough_is_green_and_says_nothing(
    user: User, workload: Callable[..., Any]
) -> None:
    done, result = updated(user, workload, window(12))
    assert done.returncode == 0
    assert "killed" not in result["verdict"]["sentence"]
    assert "killedStarts" not in result


@both
def test_some_killed_starts_are_said_and_green(user: User, workload: Callable[..., Any]) -> None:
    """On the node of the first new one the graph is cold; a node that has it needs no second try."""
    pods = workload(window(9), replicas=1, surge=1)
    user.plans(
        pods,
        cluster="2x8",
        timings=TIMINGS,
        update={"newRevision": True},
        actions=[{"at": "10m", "scale": 2}, {"at": "20m", "scale": 1}, {"at": "30m", "scale": 2}],
    )
    done, result = user.runs()
    assert done.returncode == 0
    assert "were killed by their startup probe first" in result["verdict"]["sentence"]


@both
def test_what_a_fault_has_killed_is_no_start_that_was_too_slow(
    user: User, workload: Callable[..., Any]
) -> None:
    sick = {"at": "5s", "health": {"probes": ["startup"], "newPods": True, "lasts": "2m"}}
    _, result = updated(user, workload, window(11), actions=[sick])
    assert "killed by its startup" not in result["verdict"]["sentence"]

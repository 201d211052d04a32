"""What took pods of a Deployment and its like away is charged with the time they were missing, as for KubeInfers."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from field.user import Raw, User, asking, deployment, replica_set, stateful_set

PROBE = {"tcpSocket": {"port": 1}, "periodSeconds": 10, "failureThreshold": 3}
PROBES = {
    f"{each}Probe": {**PROBE, "failureThreshold": 90 if each == "startup" else 3}
    for each in (
        "startup",
        "readiness",
        "liveness",
    )
}
TIMINGS = {"profile": "zero", "weights": "5m", "exit": "20s"}


def missing(desired: list[list[int]], ready: list[list[int]], since: int, until: int) -> int:
    """Pod-milliseconds that were asked for and not ready."""

    def at(points: list[list[int]], time: int) -> int:
        return next((value for when, value in reversed(points) if when <= time), 0)

    times = sorted(
        {since, until, *(t for points in (desired, ready) for t, _ in points if since < t < until)}
    )
    return sum(max(0, at(desired, a) - at(ready, a)) * (b - a) for a, b in pairwise(times))


@pytest.mark.parametrize("make", [deployment, replica_set, stateful_set])
def test_all_time_that_pods_were_missing_is_charged_to_what_began_it(
    user: User, make: Callable[..., Raw]
) -> None:
    made = make({**asking(npu=8), **PROBES}, replicas=3)
    name = f"{made['kind']}/chat"
    actions: list[Raw] = [
        {"at": "10m", "object": name, "crash": {"pods": [0]}},
        {"at": "30m", "object": name, "fault": {"kind": "ProcessHang", "pods": [1]}},
        {"at": "1h", "nodeDown": "node-0"},
        {"at": "3h", "object": name, "scale": 4},
    ]
    if make is deployment:
        change = {"container": "engine", "image": "repo/vllm:v2"}
        actions.append({"at": "4h", "object": name, "setImage": change})
    user.plans(made, cluster="6x8", timings=TIMINGS, actions=actions, horizon="6h")
    done, result = user.runs()
    parts = {deployment: "deployments", replica_set: "replicaSets", stateful_set: "statefulSets"}
    [part] = result[parts[make]]
    line = part["timeline"]
    charged = sum(cause["lostInstanceMs"] for cause in part["causes"])
    assert charged == missing(line["desired"], line["ready"], 0, 6 * 3_600_000) > 0
    assert all(sum(cause["stages"].values()) == cause["lostInstanceMs"] for cause in part["causes"])
    costs = {cause["what"]: cause for cause in part["causes"]}
    crash = next(cause for what, cause in costs.items() if what.startswith("chat-0 ended"))
    assert (crash["incidents"], crash["stages"]["weights"]) == (1, 300_000)
    hang = next(cause for what, cause in costs.items() if what.startswith("ProcessHang of chat-1"))
    assert 0 < hang["meanDetectionMs"] <= 40_000
    told = " ".join(done.stdout.split())
    assert "2 container restarts" in told
    assert f"ProcessHang of chat-1 at 30m: {hang['lostInstanceMs'] / 1000:,g} pod-seconds" in told
    again = next(each for each in result["faultKinds"] if each["kind"] == "ProcessHang")
    assert again["meanReadyAgainMs"] == pytest.approx(hang["meanDetectionMs"] + hang["meanRepairMs"], abs=1)
    details = " ".join(user.types("run", "scenario.yaml", "--details").stdout.split())
    assert "weights 5m" in details.partition("ProcessHang of chat-1 at 30m:")[2].partition("hit")[0]


def test_a_loop_is_charged_with_the_times_between_its_moments_of_readiness_too(user: User) -> None:
    made = deployment({**asking(npu=8), **PROBES}, replicas=2)
    fails = {"at": "1m", "object": "Deployment/chat", "health": {"pods": [0], "probes": ["liveness"]}}
    user.plans(made, cluster="2x8", actions=[fails], horizon="5h")
    [part] = user.runs()[1]["deployments"]
    line, [cause] = part["timeline"], part["causes"]
    assert cause["lostInstanceMs"] == missing(line["desired"], line["ready"], 0, 5 * 3_600_000)


def test_many_runs_tell_it_by_kind(user: User) -> None:
    made = deployment({**asking(npu=8), **PROBES}, replicas=3)
    hang: dict[str, Any] = {"kind": "ProcessHang", "pods": [1]}
    user.plans(made, cluster="3x8", timings=TIMINGS, actions=[{"at": "30m", "fault": hang}], horizon="2h")
    done = user.types("compare", "scenario.yaml", "--vary", "replicas=2,3", "-n", "1")
    told = " ".join(done.stdout.split())
    assert "ProcessHang" in told
    assert "until unready" in told

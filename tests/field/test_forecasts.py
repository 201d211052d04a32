"""What `why` says will end a state: steps in order of time, each once, and what they leave out."""

from __future__ import annotations

import json
from typing import Any

import pytest
from field.user import Raw, User, asking, both, deployment, kubeinfer

ENGINE = {**asking(npu=4), "readinessProbe": {"tcpSocket": {"port": 1}, "periodSeconds": 5}}
#: Three starts fail before an engine has loaded, which takes a minute.
CRASHES = [
    {"at": "1m", "crash": {}},
    {"at": "1m", "crash": {"after": "20s", "times": 3}},
]
LOADS = {"profile": "zero", "frameworkImport": "1m", "exit": "5s"}


def pair(container: Raw, **more: Any) -> Raw:
    """A KubeInfer with two pods in each instance."""
    made = kubeinfer(container, **more)
    made["spec"]["template"]["spec"]["roles"][0]["replicas"] = 2
    return made


def with_proxy(container: Raw, **more: Any) -> Raw:
    """A Deployment of pods with two containers."""
    made = deployment(container, **more)
    made["spec"]["template"]["spec"]["containers"].append({"name": "proxy", "image": "repo/proxy:v1"})
    return made


def told(user: User, at: str) -> list[Raw]:
    done = user.types("why", "scenario.yaml", "--at", at, "-o", "json")
    instances: list[Raw] = json.loads(done.stdout)["instances"]
    return instances


@pytest.mark.parametrize("workload", [kubeinfer, pair, deployment, with_proxy])
@pytest.mark.parametrize("at", ["1m", "65s", "80s", "90s", "111s", "2m", "158s", "200s"])
def test_steps_are_in_order_and_each_is_told_once(user: User, workload: Any, at: str) -> None:
    user.plans(
        workload(ENGINE, replicas=2),
        cluster="3x8",
        initial="running",
        actions=[*CRASHES, {"at": "90s", "crash": {"container": "proxy"}}][
            : 3 if workload is with_proxy else 2
        ],
        timings=LOADS,
        horizon="1h",
    )
    for instance in told(user, at):
        for chain in ("causes", "following"):
            steps = [(step["atMs"], step["id"]) for step in instance[chain]]
            assert steps == sorted(set(steps))


@pytest.mark.parametrize("at", ["65s", "3m"])
def test_rounds_that_lead_to_no_step_are_counted(user: User, at: str) -> None:
    """A crash is caused by nothing that went before: a chain of causes ends there."""
    user.plans(
        deployment(ENGINE, replicas=1),
        cluster="1x8",
        initial="running",
        actions=CRASHES,
        timings=LOADS,
        horizon="1h",
    )
    (instance,) = told(user, at)
    whole = instance["causes"] + instance["following"]
    deaths = sum(step["type"] == "ContainerDied" for step in whole)
    assert deaths + sum(step["failuresBefore"] for step in whole) == 4
    done = user.types("why", "scenario.yaml", "--at", at, COLUMNS="400")
    gap = (
        "\n    …        2 failures in between, the last at 1m51s: container engine of chat-0 is dead (Error, exit code 1)"
        "\n    2m38s    a container of chat-0 ends by itself"
    )
    before, _, after = done.stdout.partition("Ready again at 4m38s")
    assert gap in (after if at == "65s" else before)
    assert "…" not in (before if at == "65s" else after)


@both
def test_what_had_the_place_that_is_waited_for_is_told_once_and_in_its_turn(
    user: User, workload: Any
) -> None:
    """A pod that is deleted is rebuilt where it was, which is also the place that it waits for."""
    user.plans(
        workload(ENGINE, replicas=2),
        cluster="1x8",
        initial="running",
        actions=[{"at": "10m", "deletePod": {"first": 1}}],
        timings=LOADS,
        horizon="1h",
    )
    waiting = [each for each in told(user, "602s") if each["state"] in ("notReady", "starting")]
    assert waiting
    for instance in waiting:
        steps = [(step["atMs"], step["sentence"]) for step in instance["following"]]
        assert steps == sorted(steps, key=lambda step: step[0])
        assert sum(sentence.endswith("is gone, 4 NPUs free") for _, sentence in steps) == 1

"""`run -o junit` and `-o github` in a pipeline: they fail where the command does, and say which file facts came from."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from field.user import Raw, User, asking, both, kubeinfer

NPUS = asking(npu=8)


@both
@pytest.mark.parametrize(("form", "fails"), [("junit", '<failure type="unsound"'), ("github", "::error")])
def test_a_run_that_completes_and_does_not_hold_fails_its_case(
    user: User, workload: Callable[..., Raw], form: str, fails: str
) -> None:
    made = workload(NPUS, replicas=2)
    moved = {"at": "1m", "object": f"{made['kind']}/chat", "scale": 1}
    refused = {"at": "2m", "evictPod": {}}
    budget = {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": "keep", "namespace": "prod"},
        "spec": {"selector": {"matchLabels": {"app": "chat"}}, "minAvailable": 1},
    }
    user.plans(made, budget, cluster="2x8", actions=[moved, refused])
    done = user.types("run", "scenario.yaml", "-o", form)
    assert done.returncode == 1
    assert fails in done.stdout
    user.plans(made, cluster="2x8", actions=[moved])
    done = user.types("run", "scenario.yaml", "-o", form)
    assert done.returncode == 0
    assert "<failure" not in done.stdout
    assert "::error" not in done.stdout


def test_every_form_and_the_check_of_a_scenario_say_what_the_configuration_gave(user: User) -> None:
    user.plans(kubeinfer(NPUS, replicas=1), cluster="1x8", initial="empty")
    (user.folder / ".kubeinfer-sim.yaml").write_text("assumptions: {maxRestarts: 3}\n", encoding="utf-8")
    facts = "assumptions.maxRestarts 3"
    for command in (
        *(("run", "scenario.yaml", "-o", form) for form in ("text", "json", "markdown", "junit", "github")),
        ("run", "scenario.yaml", "-n", "2", "-o", "github"),
        ("validate", "scenario.yaml"),
        ("why", "scenario.yaml", "--at", "0s"),
        ("pods", "scenario.yaml"),
    ):
        said = user.types(*command).stdout
        assert facts in said, command
        assert ".kubeinfer-sim.yaml" in said, command


@pytest.mark.parametrize(
    "change",
    [
        {"setImage": {"container": "engine", "image": "repo/vllm:v2"}},
        {"scale": 1},
        {"patch": {"spec": {"replicas": 1}}},
    ],
)
def test_whatever_changes_a_workload_can_be_asked_to_complete(user: User, change: dict[str, object]) -> None:
    user.plans(
        kubeinfer(NPUS, replicas=2),
        cluster="2x8",
        objectives={"completes": True, "completesWithin": "1h"},
        actions=[{"at": "1m", **change}],
    )
    done, result = user.runs()
    assert done.returncode == 0, done.stderr
    assert [each["judgement"] for each in result["objectives"]] == ["held", "held"]

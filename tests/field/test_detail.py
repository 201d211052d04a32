"""`--detail`: how much the JSON result of one run tells, asked of a KubeInfer and of the same pods as a Deployment."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from building import kubeinfer as spec_of
from building import scenario
from field.user import Raw, User, asking, both, kubeinfer

from kubeinfer_sim.experiment.size import Size, size_of
from kubeinfer_sim.report.detail import detail_of
from kubeinfer_sim.scenario.actions.model import Action, Apply, Create, Scale

UPDATE = ("rollout", "chat.yaml", "--nodes", "8x8", "-q", "-o", "json")


def pods_told(result: Raw) -> list[Raw]:
    """All pods that a result tells one by one."""
    return [pod for each in (*result["instances"], *result["deployments"]) for pod in each["pods"]]


@both
def test_the_result_tells_as_much_as_is_asked_for(user: User, workload: Callable[..., Raw]) -> None:
    user.has("chat.yaml", workload(asking(npu=8)))
    whole, instances, summary = (
        json.loads(user.types(*UPDATE, *detail).stdout)
        for detail in ((), ("--detail", "instances"), ("--detail", "summary"))
    )
    assert "detail" not in whole
    assert len(pods_told(whole)) == 6
    number = len(whole["instances"])
    assert number == (6 if workload is kubeinfer else 0)
    for level, result in (("instances", instances), ("summary", summary)):
        assert result.pop("detail") == {"level": level, "instances": number, "pods": 6}
        assert not pods_told(result)
        assert len(result["instances"]) == (number if level == "instances" else 0)
        rest = {key: value for key, value in result.items() if key not in ("instances", "deployments")}
        assert rest == {key: whole[key] for key in rest}


def test_detail_is_about_the_json_result_of_one_run(user: User) -> None:
    user.has("chat.yaml", kubeinfer(asking(npu=8)))
    for options, said in (
        (("--detail", "pods"), "--detail is about the JSON result: add --json FILE or -o json"),
        (("--detail", "pods", "-o", "json", "-n", "3"), "--detail is about one run"),
    ):
        done = user.types("rollout", "chat.yaml", "--nodes", "8x8", *options)
        assert done.returncode == 2
        assert said in done.told


def test_a_large_run_tells_less_unasked_and_says_so(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kubeinfer_sim.report.detail.MOST_UNASKED", 5)
    user.has("chat.yaml", kubeinfer(asking(npu=8)))
    done = user.types(*(word for word in UPDATE if word != "-q"))
    assert json.loads(done.stdout)["detail"] == {"level": "summary", "instances": 6, "pods": 6}
    assert (
        "the result tells of no instances and pods, so many there are: --detail pods tells of all"
        in done.told
    )
    monkeypatch.setattr("kubeinfer_sim.cli.simulation._again", lambda _: None)  # there 5 would not hold
    without = user.types("rollout", "chat.yaml", "--nodes", "8x8", "--check-determinism").told
    assert "twice with the same bytes" in without
    assert "so many there are" not in without


OLD = spec_of(3, roles={"prefill": 2, "decode": 1})
NEW = spec_of(5, revision="new", roles={"prefill": 2, "decode": 1})


@pytest.mark.parametrize(
    ("actions", "size"),
    [
        ((), Size(3, 9, 9)),
        ((Apply(0, NEW),), Size(8, 24, 24)),
        ((Apply(0, OLD),), Size(3, 9, 9)),
        ((Scale(0, 4), Scale(1, 1), Scale(2, 2)), Size(5, 15, 15)),
        ((Create(0, NEW),), Size(8, 24, 24)),
    ],
)
def test_a_run_is_as_large_as_what_is_asked_for_over_the_whole_of_it(
    actions: tuple[Action, ...], size: Size
) -> None:
    """Of each version anew; of a change of replicas alone what is more."""
    assert size_of(scenario(OLD, 4, actions=actions)) == size


@pytest.mark.parametrize(
    ("instances", "pods", "level"), [(10_000, 1, "pods"), (10_000, 2, "instances"), (10_001, 2, "summary")]
)
def test_unasked_all_is_told_that_there_are_at_most_ten_thousand_of(
    instances: int, pods: int, level: Any
) -> None:
    assert detail_of(scenario(spec_of(instances, roles={"serve": pods}), 1)) == level

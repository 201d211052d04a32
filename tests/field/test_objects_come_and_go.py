"""How long pods were not available counts while their object is owed: from its creation on, and while it is away."""

from __future__ import annotations

from typing import Any

import pytest
from field.test_node_changes import pools
from field.user import Raw, User, asking, deployment, replica_set, stateful_set

KINDS = {"Deployment": "deployments", "ReplicaSet": "replicaSets", "StatefulSet": "statefulSets"}
every = pytest.mark.parametrize("workload", [deployment, replica_set, stateful_set])


def told(user: User, made: Raw, actions: list[Raw], *manifest: Raw) -> tuple[str, Raw]:
    """The report in one line, and what the result has of the object; pods take 7 s each to start."""
    user.has("chat.yaml", made)
    user.plans(*manifest, cluster=pools(a=2), actions=actions, timings={"profile": "zero", "create": "7s"})
    done, result = user.runs()
    [found] = [each for each in result[KINDS[made["kind"]]] if each["name"] == "chat"]
    return " ".join(done.stdout.split()), found


@every
def test_the_time_before_an_object_was_created_is_no_outage(user: User, workload: Any) -> None:
    other = deployment(asking(npu=1), replicas=1)
    other["metadata"]["name"] = "other"
    other["spec"]["selector"]["matchLabels"] = other["spec"]["template"]["metadata"]["labels"] = {"app": "o"}
    made = workload(asking(npu=1), replicas=1)
    said, found = told(user, made, [{"at": "2m", "create": "chat.yaml"}], other)
    assert "at least 1 of 1 pod available from 2m7s on" in said
    assert (found["minAvailablePods"], found["minAvailableAtMs"]) == (1, 127_000), "nor is a cold start"


@every
@pytest.mark.parametrize("updated", [False, True])
def test_no_pod_is_available_between_a_deletion_and_another_creation(
    user: User, workload: Any, updated: bool
) -> None:
    made = workload(asking(npu=1), replicas=1)
    name = f"{made['kind']}/chat"
    actions = [{"at": "10m", "deleteObject": name}, {"at": "20m", "create": "chat.yaml"}]
    if updated:
        image = {"container": "engine", "image": "repo/vllm:v2"}
        actions.append({"at": "30m", "object": name, "setImage": image})
    said, found = told(user, made, actions, made)
    verdict = said.partition("seed 0")[0]
    if not updated or made["kind"] == "Deployment":
        assert f"no pod is available for {'10m14s' if updated else '10m7s'}" in verdict
    assert (found["minAvailablePods"], found["minAvailableAtMs"]) == (0, 600_000)
    assert [600_000, 0] in found["timeline"]["available"]
    # What came after it is no completion of the deletion, nor of what was there before.
    deleted = next(each for each in found["changes"] if each["changed"] == ["deleted"])
    assert deleted["completedAtMs"] == 600_000


@every
def test_what_is_deleted_for_good_was_available_until_then(user: User, workload: Any) -> None:
    made = workload(asking(npu=1), replicas=2)
    said, found = told(user, made, [{"at": "10m", "deleteObject": f"{made['kind']}/chat"}], made)
    assert "at least 2 of 2 pods available" in said
    assert "none" not in said.partition("Rests on")[0].replace("none set", "")
    assert found["minAvailablePods"] == 2

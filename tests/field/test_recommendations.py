"""`recommend`: what to change, as a patch that is applied and then comes to what was said."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import pytest
from field.user import User, asking, kubeinfer

HEAD = {
    "KubeInfer": """apiVersion: infer.modelarts.huaweicloud/v1
kind: KubeInfer
metadata: {name: chat, namespace: prod}
spec:
  replicas: 4   # as many as there are nodes
  strategy:
    type: InstanceRollingUpdate
    rollingUpdate: {maxSurge: 1, maxUnavailable: 0}   # up first
  template:
    spec:
      roles:
      - name: serve
        template:
          metadata: {labels: {app: chat}}
          spec:
""",
    "Deployment": """apiVersion: apps/v1
kind: Deployment
metadata: {name: chat, namespace: prod}
spec:
  replicas: 4   # as many as there are nodes
  selector: {matchLabels: {app: chat}}
  strategy:
    type: RollingUpdate
    rollingUpdate: {maxSurge: 1, maxUnavailable: 0}   # up first
  template:
          metadata: {labels: {app: chat}}
          spec:
""",
}
CONTAINERS = """            # the engine
            containers:
            - name: engine
              image: repo/vllm:v1
              resources: {requests: {huawei.com/ascend-1980: 8}, limits: {huawei.com/ascend-1980: 8}}
"""


def recommended(user: User, *options: str) -> tuple[int, dict[str, Any], str]:
    done = user.types("recommend", *options, "-n", "8", "--json", "r.json", "--workers", "1")
    path = user.folder / "r.json"
    return done.returncode, json.loads(path.read_text()) if path.exists() else {}, done.stdout + done.stderr


@pytest.mark.parametrize("kind", ["KubeInfer", "Deployment"])
def test_the_patch_is_applied_by_git_and_comes_to_what_was_said(user: User, kind: str) -> None:
    """Up first on a full cluster: one down first is the smallest change, and costs one instance."""
    manifest = user.folder / "manifest.yaml"
    manifest.write_text(HEAD[kind] + CONTAINERS)
    ask = ("manifest.yaml", "--nodes", "4x8", "--min-ready", "3", "--completes")
    code, document, told = recommended(
        user, *ask, "--patch", "c.patch", "--kubectl-patch", "k.yaml", "--rules", "rules.yaml"
    )
    assert code == 0, told
    assert document["decision"] == "held"
    (change,) = document["changes"]
    effects = {each["figure"]: each for each in change["effects"]}
    assert effects["held"]["before"] == 0
    assert effects["held"]["after"] == 1
    assert effects["held"]["differs"]
    assert document["nodes"] == 0
    presets = [each for each in document["looked"] if each["advised"]]
    assert {"maxSurge 25%, maxUnavailable 25%"} <= {each["changes"][0] for each in presets}
    assert document["jsonPatch"][0]["path"].startswith("/spec/strategy/rollingUpdate/max")
    assert json.loads((user.folder / "k.yaml").read_text().partition("\n")[2]) == document["jsonPatch"]
    subprocess.run(["git", "apply", "c.patch"], cwd=user.folder, check=True)
    text = manifest.read_text()
    assert "   # as many as there are nodes" in text
    assert "}   # up first" in text
    done = user.types("rollout", *ask, "--json", "result.json")
    result = json.loads((user.folder / "result.json").read_text())
    assert done.returncode == 0, done.stdout
    (ready,) = [each for each in result["objectives"] if each["name"] == "minReadyInstances"]
    said = effects.get("minReady") or effects["minAvailable"]
    assert ready["measured"] == said["after"] == 3
    assert document["seeds"] == [*range(8)]
    code, document, told = recommended(user, *ask)
    assert (code, document["changes"], document["patch"]) == (0, [], "")
    assert "Nothing to change" in told


def test_what_no_change_of_the_manifest_gives_more_nodes_do_and_where_nothing_does_it_says_so(
    user: User,
) -> None:
    (user.folder / "manifest.yaml").write_text(HEAD["KubeInfer"] + CONTAINERS)
    code, document, told = recommended(
        user, "manifest.yaml", "--nodes", "4x8", "--min-ready", "4", "--completes"
    )
    assert code == 0
    assert [each["name"] for each in document["changes"]] == ["1 more node"]
    assert (document["nodes"], document["patch"], document["jsonPatch"]) == (1, "", [])
    assert "1 more node" in told
    for each in document["changes"]:
        assert any(effect["differs"] for effect in each["effects"])
    code, _, told = recommended(user, "manifest.yaml")
    assert code == 2
    assert "--nodes 8x8" in told


def test_where_no_set_of_changes_meets_the_objectives_it_exits_with_1(user: User) -> None:
    (user.folder / "manifest.yaml").write_text(HEAD["KubeInfer"] + CONTAINERS)
    done = user.types(
        "recommend", "manifest.yaml", "--nodes", "4x8", "--within", "1s", "-n", "1", "--workers", "1"
    )
    assert done.returncode == 1
    assert done.stdout.startswith("✘ No set of changes meets the objectives")


def test_what_so_few_runs_leave_undecided_exits_with_4(user: User) -> None:
    user.plans(
        kubeinfer({**asking(npu=8)}, replicas=3, terminationGracePeriodSeconds=0),
        cluster="4x8",
        timings={"profile": "zero", "create": {"uniform": {"low": "30s", "high": "90s"}}},
        update={"newRevision": True},
        objectives={"completesWithin": {"time": "150s", "probability": "50%"}},
    )
    done = user.types("recommend", "scenario.yaml", "-n", "2", "--workers", "1")
    assert done.returncode == 4
    assert done.stdout.startswith("? Undecided: none of ")

"""Two KubeInfers and a Deployment in one file, on the same nodes, as a user meets them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from command_line import ROOT, Done, sim

KUBEINFER = """\
apiVersion: infer.modelarts.huaweicloud/v1
kind: KubeInfer
metadata: {name: %s}
spec:
  replicas: 2
  template:
    spec:
      roles:
      - name: serve
        template:
          spec:
            containers:
            - {name: engine, image: "repo/vllm:v1", resources: {limits: {huawei.com/ascend-1980: 8}}}
"""
DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: router}
spec:
  replicas: 2
  selector: {matchLabels: {app: router}}
  template:
    metadata: {labels: {app: router}}
    spec: {containers: [{name: router, image: "repo/router:1", resources: {limits: {cpu: 1}}}]}
"""
DOWN_FIRST = "{rollingUpdate: {maxSurge: 0, maxUnavailable: 1}}"
OBJECTS = (KUBEINFER % "chat", KUBEINFER % "code", DEPLOYMENT)
SCENARIO = """\
apiVersion: kubeinfer-sim/v1
kind: Scenario
metadata: {name: several}
spec:
  manifest: all.yaml
  cluster: {nodes: %s}
  initial: running
  actions:
  - {at: 1m, object: KubeInfer/code, apply: {newRevision: true}}
  - {at: 2m, object: KubeInfer/chat, crash: {instances: [0]}}
  - {at: 3m, object: Deployment/router, apply: {newRevision: true}}
  objectives: {minReadyInstances: 1, completes: true}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "all.yaml").write_text("---\n".join(OBJECTS))
    (tmp_path / "s.yaml").write_text(SCENARIO % "4x8")
    return tmp_path


def document(folder: Path, *arguments: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(sim(*arguments, "--json", "-", cwd=folder).stdout)
    return found


def words(done: Done) -> str:
    return " ".join(done.stdout.split())


def test_an_update_takes_the_room_that_another_ones_recovery_needs_and_neither_is_told_of_the_other(
    folder: Path,
) -> None:
    done = sim("run", "s.yaml", cwd=folder)
    assert done.returncode == 1
    # chat-0 is rebuilt where code's surge instance went meanwhile; then code's second one finds no place.
    assert words(done).startswith("✘ code: the update never finishes: code-1 needs 1 node × 8")
    assert "; chat: both instances are ready in the end" in words(done)
    assert "the update of Deployment router completes in" in words(done)
    assert "chat: completes" not in words(done), "nothing of chat was to be completed"
    assert "✘ missed code: completes" in words(done)
    assert max(map(len, done.stdout.splitlines())) <= 80
    chat, code = done.stdout.split("KubeInfer chat\n")[1].split("KubeInfer code\n")
    assert "chat-0: rebuilt (Error)" in chat
    assert "new revision" not in chat.split("Deployment router")[0]
    assert "chat-0" not in code.split("Deployment router")[0]


def test_with_room_for_both_all_is_green(folder: Path) -> None:
    (folder / "s.yaml").write_text(SCENARIO % "6x8")
    done = sim("run", "s.yaml", cwd=folder)
    assert done.returncode == 0
    assert "code: the update completes in" in words(done)


def test_the_order_of_the_objects_in_the_file_decides_nothing_but_the_order_of_the_report(
    folder: Path,
) -> None:
    (folder / "s.yaml").write_text(SCENARIO % "6x8")
    one = document(folder, "run", "s.yaml")
    (folder / "all.yaml").write_text("---\n".join(reversed(OBJECTS)))
    other = document(folder, "run", "s.yaml")
    assert [each["name"] for each in one["kubeinfers"]] == ["chat", "code"]
    assert [each["name"] for each in other["kubeinfers"]] == ["code", "chat"]
    took = {each["name"]: [change["durationMs"] for change in each["changes"]] for each in one["kubeinfers"]}
    assert took == {
        each["name"]: [change["durationMs"] for change in each["changes"]] for each in other["kubeinfers"]
    }


def test_the_result_holds_each_of_them_and_its_schema(folder: Path) -> None:
    result = document(folder, "run", "s.yaml")
    schema = json.loads((ROOT / "docs" / "schemas" / "result.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator(schema).validate(result)
    chat, code = result["kubeinfers"]
    assert (chat["outcome"], code["outcome"]) == ("completes", "neverFinishes")
    assert result["verdict"]["outcome"] == "neverFinishes"
    assert {each["name"].partition("-")[0] for each in code["instances"]} == {"code"}
    # The keys of version 1 tell of the first.
    for key in ("service", "wholeRun", "changes", "instances", "timeline"):
        assert result[key] == chat[key]
    assert [each["name"] for each in result["objectives"]] == [
        "chat/minReadyInstances",
        "code/minReadyInstances",
        "code/completes",
    ]


def test_one_alone_has_no_list(folder: Path) -> None:
    (folder / "all.yaml").write_text("---\n".join(OBJECTS[1:]))
    (folder / "s.yaml").write_text(
        "".join(line for line in (SCENARIO % "4x8").splitlines(True) if "chat" not in line)
    )
    assert "kubeinfers" not in document(folder, "run", "s.yaml")


def test_why_takes_the_name_of_an_instance_or_an_ordinal_of_all(folder: Path) -> None:
    assert "code-1 needs 1 node × 8" in words(
        sim("why", "s.yaml", "--at", "3m20s", "--instance", "code-1", cwd=folder)
    )
    both = words(sim("why", "s.yaml", "--at", "3m20s", "--instance", "0", cwd=folder))
    assert "chat-0" in both
    assert "code-0" in both
    done = sim("why", "s.yaml", "--at", "1m", "--instance", "cod-1", cwd=folder)
    assert done.returncode == 2
    assert "the KubeInfers are chat and code" in done.told or "chat, code" in done.told


def test_pods_and_compare_take_all(folder: Path) -> None:
    pods = sim("pods", "s.yaml", "--at", "1m", cwd=folder).stdout
    assert [name in pods for name in ("chat-0-serve-0", "code-1-serve-0", "router-1")] == [True] * 3
    compared = document(folder, "compare", "s.yaml", "--assume", "startBarrier=instance,role")
    assert "chat" in json.dumps(compared)
    assert sim("compare", "s.yaml", "--assume", "startBarrier=instance,role", cwd=folder).returncode == 0


def test_what_is_not_named_runs_beside_what_is_updated(folder: Path) -> None:
    """On the same nodes: what the others hold is not there for the update."""
    asked = sim("rollout", str(folder / "all.yaml"), "--nodes", "4x8")
    assert asked.returncode == 2
    assert "holds 2 KubeInfers (chat, code): choose one with --name" in asked.told
    done = sim("rollout", str(folder / "all.yaml"), "--nodes", "4x8", "--name", "code", "-o", "json")
    result = json.loads(done.stdout)
    code, chat = result["kubeinfers"]
    assert (code["name"], chat["name"]) == ("code", "chat")
    assert len(code["changes"]) == len(chat["changes"]) + 1
    assert result["npus"]["peak"] == 32
    router = sim("rollout", str(folder / "all.yaml"), "--nodes", "4x8", "--name", "router")
    assert "The update of Deployment router completes" in " ".join(router.stdout.split())
    assert "chat" in router.stdout
    unknown = sim("rollout", str(folder / "all.yaml"), "--nodes", "4x8", "--name", "nobody")
    assert unknown.returncode == 2
    assert "--name nobody: nothing of that name is updated" in unknown.told
    assert "has chat, code, router" in unknown.told


@pytest.mark.parametrize("name", ["router", "default/router", "Deployment/router"])
def test_objectives_of_options_are_asked_of_what_is_updated(folder: Path, name: str) -> None:
    """Beside KubeInfers of which both instances stay ready: of the router one goes first."""
    (folder / "all.yaml").write_text("---\n".join([*OBJECTS[:2], f"{DEPLOYMENT}  strategy: {DOWN_FIRST}\n"]))
    ask = ("all.yaml", "--nodes", "6x8", "--min-ready", "2", "--name", name)
    done = sim("rollout", *ask, cwd=folder)
    assert done.returncode == 1
    assert "Deployment/router: at least 2 ready (measured: 1)" in words(done)
    assert "takes another" not in done.stderr
    found = sim("recommend", *ask, "--vary", "maxSurge=1", "--vary", "maxUnavailable=0", cwd=folder)
    assert found.returncode == 0, found.told
    assert "takes another" not in words(found)
    too_many = sim("rollout", *ask[:4], "3", *ask[5:], cwd=folder)
    assert "--min-ready 3: error: cannot hold" in words(too_many) + too_many.told


def test_which_one_of_several_was_taken_is_said(folder: Path) -> None:
    for file, objects in (("one.yaml", OBJECTS[1:]), ("new.yaml", OBJECTS[1:])):
        (folder / file).write_text("---\n".join(objects))
    ask = ("--nodes", "4x8", "--min-ready", "1")
    taken = "KubeInfer/code of 2 workloads; --name Deployment/router takes another"
    again, both = (
        " ".join(sim("rollout", *files, *ask, cwd=folder).stderr.split())
        for files in (("one.yaml",), ("one.yaml", "new.yaml"))
    )
    assert f"what is updated is {taken}" in again
    assert f"the objectives are asked of {taken}" in both
    done = sim("recommend", "one.yaml", *ask, cwd=folder)
    assert (
        "What is changed is KubeInfer/code, of 2 workloads; --name Deployment/router takes another."
        in words(done)
    )
    several = sim("recommend", "all.yaml", *ask, cwd=folder)
    assert several.returncode == 2
    assert "holds 2 KubeInfers (chat, code): choose one with --name" in " ".join(several.told.split())


def test_a_new_revision_is_no_other_file_that_needs_the_same_changes(folder: Path) -> None:
    (folder / "one.yaml").write_text("---\n".join([*OBJECTS[1:2], f"{DEPLOYMENT}  strategy: {DOWN_FIRST}\n"]))
    line = ("one.yaml", "--nodes", "4x8", "--min-ready", "2", "--name", "router", "--vary", "maxSurge=1")
    done = sim("recommend", *line, "--vary", "maxUnavailable=0", "--json", "-", cwd=folder)
    document = json.loads(done.stdout)
    assert [each["name"] for each in document["changes"]] == ["maxSurge 1", "maxUnavailable 0"]
    assert document["alsoIn"] == []


def test_what_is_asked_of_one_kubeinfer_is_not_asked_of_a_smaller_one(folder: Path) -> None:
    smaller = OBJECTS[0].replace("replicas: 2", "replicas: 1")
    (folder / "all.yaml").write_text("---\n".join([smaller, *OBJECTS[1:]]))
    done = sim("rollout", "all.yaml", "--nodes", "6x8", "--min-ready", "2", "--name", "code", cwd=folder)
    assert (done.returncode, "code: at least 2 ready (measured: 2)" in words(done)) == (0, True), done.told

"""Two workloads of one kind and one name in two namespaces, in one file, as a user meets them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from command_line import Done, sim

KUBEINFER = """\
apiVersion: infer.modelarts.huaweicloud/v1
kind: KubeInfer
metadata: {name: chat, namespace: %s}
spec:
  replicas: 1
  strategy: {type: InstanceRollingUpdate, rollingUpdate: {maxSurge: 0, maxUnavailable: 1}}
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
metadata: {name: chat, namespace: %s}
spec:
  replicas: 1
  selector: {matchLabels: {app: chat}}
  template:
    metadata: {labels: {app: chat}}
    spec: {containers: [{name: chat, image: "repo/vllm:v1", resources: {limits: {huawei.com/ascend-1980: 8}}}]}
"""
SCENARIO = """\
apiVersion: kubeinfer-sim/v1
kind: Scenario
metadata: {name: apart}
spec:
  manifest: all.yaml
  cluster: 4x8
  actions:
  - {at: 1m, object: KIND/prod/chat, apply: {newRevision: true}}
  - {at: 2h, object: KIND/dev/chat, scale: 2}
  objectives: {objects: {KIND/prod/chat: {minReadyInstances: 1}, KIND/dev/chat: {minReadyInstances: 1}}}
"""
MANIFESTS = {"KubeInfer": KUBEINFER, "Deployment": DEPLOYMENT}


@pytest.fixture(params=list(MANIFESTS))
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def folder(tmp_path: Path, kind: str) -> Path:
    (tmp_path / "all.yaml").write_text("---\n".join(MANIFESTS[kind] % each for each in ("dev", "prod")))
    (tmp_path / "new.yaml").write_text((tmp_path / "all.yaml").read_text().replace(":v1", ":v2"))
    (tmp_path / "s.yaml").write_text(SCENARIO.replace("KIND", kind))
    return tmp_path


def words(done: Done) -> str:
    return " ".join(done.stdout.split())


def test_each_is_updated_scaled_and_judged_by_itself(folder: Path, kind: str) -> None:
    done = sim("run", "s.yaml", cwd=folder)
    held = {"KubeInfer": 1, "Deployment": 0}[kind]  # the Deployment's default budgets keep it
    assert done.returncode == held
    own = "" if kind == "KubeInfer" else "Deployment/"
    assert f"✔ held {own}dev/chat: at least 1 ready" in words(done)
    assert (f"✘ missed {own}prod/chat: at least 1 ready" in words(done)) is bool(held)
    assert words(done).count(f"{kind} prod/chat") >= 1
    assert "scaling" in words(done).lower()


def test_rollout_says_how_to_choose_and_takes_that(folder: Path, kind: str) -> None:
    both = ("rollout", "all.yaml", "new.yaml", "--nodes", "4x8")
    refused = sim(*both, cwd=folder)
    assert refused.returncode == 2
    assert f"all.yaml holds 2 {kind}s (dev/chat, prod/chat): choose one with --name" in refused.told
    done = sim(*both, "--name", "prod/chat", "--json", "-", cwd=folder)
    assert done.returncode == 0, done.stderr
    parts = json.loads(done.stdout)[{"KubeInfer": "kubeinfers", "Deployment": "deployments"}[kind]]
    assert [(each["namespace"], each["name"]) for each in parts] == [
        ("prod", "prod/chat"),
        ("dev", "dev/chat"),
    ]
    assert all(each["changes"] for each in parts), "the new file changes both"


def test_pods_and_events_have_a_column_and_a_field_for_the_namespace(folder: Path, kind: str) -> None:
    head, dev, prod = (
        line.split() for line in sim("pods", "s.yaml", "--at", "0s", cwd=folder).stdout.splitlines()
    )
    assert head[:2] == ["NAMESPACE", "NAME"]
    assert [dev[0], prod[0]] == ["dev", "prod"]
    assert dev[1] == prod[1]
    assert not dev[1].startswith("dev/")
    for form in ("yaml", "json"):
        text = sim("pods", "s.yaml", "--at", "0s", "-o", form, cwd=folder).stdout
        assert ("namespace: prod" if form == "yaml" else '"namespace": "prod"') in text
    listed = json.loads(sim("pods", "s.yaml", "--at", "0s", "-o", "kubectl", cwd=folder).stdout)["items"]
    names = [each["metadata"] for each in listed if each["kind"] == "Pod"]
    assert [(each["namespace"], each["name"]) for each in names] == [("dev", dev[1]), ("prod", prod[1])]
    one = sim("pods", "s.yaml", f"prod/{prod[1]}", "--at", "0s", cwd=folder)
    assert one.returncode == 0
    assert "dev" not in one.stdout
    assert sim("pods", "s.yaml", prod[1], "--at", "0s", cwd=folder).returncode == 2, "two have this name"
    events = sim("events", "s.yaml", "--at", "3m", cwd=folder).stdout
    assert events.startswith("NAMESPACE")
    assert "prod/chat" in events, "assigned prod/chat-… to a node"
    assert "prod/prod" not in events


def test_a_knob_turns_one_of_them(folder: Path) -> None:
    done = sim("compare", "s.yaml", "--vary", "replicas.prod/chat=1,2", "-n", "2", cwd=folder)
    assert done.returncode in (0, 1), done.stderr
    assert "replicas.prod/chat=2" in words(done)


def test_time_series_have_a_label_for_it(folder: Path, kind: str) -> None:
    text = sim("run", "s.yaml", "-o", "openmetrics", cwd=folder).stdout
    for own in ("dev", "prod"):
        assert f'replicas_ready{{kind="{kind}",namespace="{own}",name="chat"}}' in text


def test_recommend_patches_the_document_of_the_one_that_is_meant(folder: Path, kind: str) -> None:
    asked = (
        "--nodes",
        "3x8",
        "--min-ready",
        "1",
        "--name",
        "prod/chat",
        "--vary",
        "maxSurge=1",
        "--vary",
        "maxUnavailable=0",
    )
    done = sim("recommend", "all.yaml", *asked, "-n", "2", "--patch", "p.diff", cwd=folder)
    assert done.returncode == 0, done.stderr
    if kind == "KubeInfer":  # a Deployment's default budgets keep it already
        first = (folder / "all.yaml").read_text().split("---")[0].count("\n")
        (hunk,) = (line for line in (folder / "p.diff").read_text().splitlines() if line.startswith("@@"))
        assert -int(hunk.split()[1].split(",")[0]) > first


def test_one_that_is_created_beside_another_gets_its_namespace_before_its_name(
    folder: Path, kind: str
) -> None:
    (folder / "all.yaml").write_text(MANIFESTS[kind] % "dev")
    (folder / "prod.yaml").write_text(MANIFESTS[kind] % "prod")
    (folder / "s.yaml").write_text(
        SCENARIO.split("  actions:", maxsplit=1)[0]
        + "  initial: running\n  actions:\n  - {at: 1m, create: prod.yaml}\n"
        + f"  - {{at: 2h, object: {kind}/prod/chat, scale: 0}}\n  - {{at: 3h, object: {kind}/chat, scale: 2}}\n"
    )
    done = sim("run", "s.yaml", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert f"{kind} prod/chat" in words(done)


def test_a_first_scenario_of_both_can_be_played(folder: Path, kind: str) -> None:
    made = sim("init", "scenario", "all.yaml", "--nodes", "4x8", cwd=folder)
    assert made.returncode == 0, made.stderr
    (folder / "made.yaml").write_text(made.stdout)
    assert f"{kind}/prod/chat" in made.stdout
    assert sim("run", "made.yaml", "-q", cwd=folder).returncode == 0

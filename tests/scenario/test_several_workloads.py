"""Several KubeInfers and Deployments in the manifest of a scenario: which one an action means."""

from __future__ import annotations

from pathlib import Path

import pytest
from scenario_files import HEAD, MANIFEST

from kubeinfer_sim.scenario.actions.model import Apply, Crash, Health, Scale

FILE = MANIFEST + "---\n" + MANIFEST.replace("name: chat", "name: code")
BOTH = HEAD + "  manifest: {path: both.yaml, set: {replicas: 2, image: 'vllm:1'}}\n  cluster: 16x8\n"


@pytest.fixture(autouse=True)
def _manifests(folder: Path) -> None:
    assert FILE.count("name: code") == 1
    (folder / "both.yaml").write_text(FILE)


def actions(lines: str) -> str:
    return "  actions:\n" + "".join(f"  - {line}\n" for line in lines.splitlines())


def test_one_manifest_may_hold_several_kubeinfers(load):
    assert [(each.kind, each.name) for each in load(text=BOTH).workloads] == [
        ("KubeInfer", "chat"),
        ("KubeInfer", "code"),
    ]


def test_name_says_which_of_them_is_meant_alone(load):
    one = BOTH.replace("path: both.yaml", "path: both.yaml, name: code")
    assert [each.name for each in load(text=one).workloads] == ["code"]


def test_how_a_load_is_split_among_several_is_not_known(findings):
    [found] = findings(text=BOTH + "  load: {constant: 2}\n")
    assert "spec.load: how the load is split among several KubeInfers (chat, code) is not known" in found


def test_an_update_applies_all_that_the_manifest_holds(load):
    changes = load(text=BOTH + "  update: {set: {image: 'vllm:2'}}\n").actions
    assert [(type(each), each.workload.name) for each in changes] == [(Apply, "chat"), (Apply, "code")]


def test_actions_name_their_kubeinfer(load):
    scenario = load(
        text=BOTH
        + actions(
            "{at: 1s, object: KubeInfer/code, scale: 3}\n"
            "{at: 2s, object: KubeInfer/chat, patch: {spec: {replicas: 4}}}\n"
            "{at: 3s, object: KubeInfer/code, apply: {newRevision: true}}\n"
            "{at: 4s, object: KubeInfer/code, rollback: true}\n"
            "{at: 5s, object: KubeInfer/chat, health: {instances: [1]}}\n"
            "{at: 6s, object: KubeInfer/code, crash: {}}"
        )
    )
    scale, patch, new, back, health, crash = scenario.actions
    assert isinstance(scale, Scale)
    assert (scale.kind, scale.name, scale.replicas) == ("KubeInfer", "code", 3)
    assert [(each.workload.name, each.workload.replicas) for each in (patch, new, back)] == [
        ("chat", 4),
        ("code", 3),
        ("code", 3),
    ]
    assert new.workload.revision != back.workload.revision == scenario.workloads[1].revision
    assert isinstance(health, Health)
    assert isinstance(crash, Crash)
    assert (health.target.name, crash.target.name) == ("chat", "code")


def test_an_object_that_is_named_takes_its_own_part_of_a_manifest(load):
    [change] = load(
        text=BOTH + actions("{at: 1s, object: KubeInfer/code, apply: {set: {image: 'vllm:2'}}}")
    ).actions
    assert change.workload.name == "code"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (
            actions("{at: 1s, scale: 1}"),
            "8: spec.actions[0]: say which object is meant: object: one of KubeInfer/chat, KubeInfer/code",
        ),
        (
            actions("{at: 1s, health: {}}"),
            "8: spec.actions[0]: say which object is meant: object: one of KubeInfer/chat, KubeInfer/code",
        ),
        (
            actions("{at: 1s, apply: {newRevision: true}}"),
            "8: spec.actions[0].apply: say which object is meant: object: one of KubeInfer/chat, KubeInfer/code",
        ),
        (
            actions("{at: 1s, object: KubeInfer/cod, scale: 1}"),
            "8: spec.actions[0].object: no object is 'KubeInfer/cod'; did you mean \"KubeInfer/code\"? "
            "(there are: KubeInfer/chat, KubeInfer/code)",
        ),
        (
            actions("{at: 1s, object: Deployment/chat, scale: 1}"),
            "8: spec.actions[0].object: no object is 'Deployment/chat' (the manifest holds no Deployment)",
        ),
        (
            actions("{at: 1s, object: KubeInfer/code, patch: {metadata: {name: chat}}}"),
            "8: spec.actions[0].patch: this is KubeInfer prod/chat, another object than prod/code; "
            "an update keeps name and namespace",
        ),
        (
            "  update: {newRevision: true}\n",
            "7: spec.update: say which object is meant: object: one of KubeInfer/chat, KubeInfer/code",
        ),
    ],
)
def test_what_cannot_be_meant_is_said_where_it_is_written(findings, text, found):
    assert findings(text=BOTH + text) == [found]


def test_two_of_one_name_and_namespace_are_refused(findings, folder):
    (folder / "both.yaml").write_text(MANIFEST + "---\n" + MANIFEST)
    assert "there are two KubeInfers named prod/chat" in findings(text=BOTH)[0]

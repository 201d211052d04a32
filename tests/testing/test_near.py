"""Neighbours of what a user has: a few small edits, each of which the public reader takes, and none at all at best."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from command_line import ROOT, sim
from field.user import Raw, User, asking, both, kubeinfer
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st
from testing.generated import UNHURRIED

from kubeinfer_sim.errors import InputError
from kubeinfer_sim.testing.strategies import EDITS, WrittenManifest, WrittenScenario, differences, near
from kubeinfer_sim.testing.strategies.edits import Draft
from kubeinfer_sim.testing.strategies.edits.registry import objects_of

FEW = settings(UNHURRIED, max_examples=12, phases=[Phase.generate])
SHRUNK = settings(UNHURRIED, max_examples=200)


@pytest.fixture(scope="module")
def chat(tmp_path_factory: pytest.TempPathFactory) -> WrittenScenario:
    """A KubeInfer that is updated while a node is drained."""
    folder = tmp_path_factory.mktemp("chat")
    pods = kubeinfer({**asking(npu=8), "readinessProbe": {"tcpSocket": {"port": 1}}}, replicas=2)
    actions = [{"at": "10s", "apply": {"newRevision": True}}, {"at": "1m", "drain": "node-0"}]
    User(folder).plans(pods, cluster="4x8", actions=actions, timings={"profile": "zero"})
    return WrittenScenario.read(folder / "scenario.yaml")


def test_the_nearest_neighbour_is_what_was_given(chat: WrittenScenario) -> None:
    nearest = find(near(chat), lambda each: True, settings=SHRUNK)
    assert nearest == chat
    assert differences(chat, nearest) == []


def test_neighbours_are_right_as_validate_sees_them(chat: WrittenScenario, tmp_path: Path) -> None:
    seen: list[str] = []

    @FEW
    @given(near(chat))
    def look(neighbour: WrittenScenario) -> None:
        neighbour.load()
        seen.extend(differences(chat, neighbour))
        if neighbour is not chat:
            assert sim("validate", str(neighbour.write(tmp_path))).returncode == 0, neighbour

    look()
    assert seen


def test_one_that_is_looked_for_differs_in_nothing_else(chat: WrittenScenario) -> None:
    def struck(neighbour: WrittenScenario) -> bool:
        return any("fault" in each for each in neighbour.spec["actions"])

    smallest = find(near(chat, moments=[77_000]), struck, settings=SHRUNK)
    (difference,) = differences(chat, smallest)
    assert difference.startswith("spec.actions: new, {at: 77s, fault: "), difference


@pytest.mark.parametrize("name", EDITS)
def test_every_edit_changes_what_it_says(chat: WrittenScenario, name: str) -> None:
    def other(neighbour: WrittenScenario) -> bool:
        return neighbour != chat

    changed = find(near(chat, vary=[name], edits=1), other, settings=SHRUNK)
    where = {
        "budgets": "spec.manifest.spec.strategy.",
        "replicas": "spec.manifest.spec.",
        "recovery": "spec.manifest.spec.template.spec.roles[0].recoveryPolicy",
        "probes": "spec.manifest.spec.template.spec.roles[0].template.spec.containers[0].readinessProbe",
        "grace": "spec.manifest.spec.template.spec.roles[0].template.spec.terminationGrace",
        "faults": "spec.actions: new, {at: ",
        "actions": "spec.actions: ",
        "times": "spec.actions",
        "stages": "spec.timings.",
        "cluster": "spec.cluster: 4x8, now ",
        "assumptions": "spec.assumptions",
        "version": "spec.kubernetesVersion",
        "seed": "spec.seed",
    }[name]
    assert all(each.startswith(where) for each in differences(chat, changed)), differences(chat, changed)


@both
def test_a_manifest_has_neighbours_by_itself(workload: Callable[..., Raw], tmp_path: Path) -> None:
    given_one = WrittenManifest([workload(asking(npu=8), replicas=2)])
    file = tmp_path / "chat.yaml"
    file.write_text(given_one.text, "utf-8")
    assert WrittenManifest.read(file) == given_one

    def larger(neighbour: WrittenManifest) -> bool:
        return neighbour.load().workloads[0].replicas == 4

    more = find(near(given_one), larger, settings=SHRUNK)
    assert (
        differences(given_one, more) == ["spec.replicas: 2, now 4"] or len(differences(given_one, more)) == 1
    )


def test_what_would_be_refused_is_not_made(chat: WrittenScenario) -> None:
    """With one node fewer node-3 would be missing that an action names."""
    document = {**chat.files["scenario.yaml"][0]}
    document["spec"] = {**chat.spec, "actions": [{"at": "1m", "drain": "node-3"}]}

    @FEW
    @given(near(WrittenScenario({"scenario.yaml": [document]}), vary=["cluster"]))
    def look(neighbour: WrittenScenario) -> None:
        assert neighbour.spec["cluster"] not in ("3x8", "2x8")
        neighbour.load()

    look()


def test_what_cannot_be_edited_is_said(chat: WrittenScenario) -> None:
    with pytest.raises(ValueError, match=r'nothing is called fault; did you mean "faults"\?'):
        near(chat, vary=["fault"])
    with pytest.raises(ValueError, match="nothing of a manifest is called seed"):
        near(WrittenManifest([chat.spec["manifest"]]), vary=["seed"])
    with pytest.raises(InputError):
        near(WrittenScenario({"scenario.yaml": [{"kind": "Scenario"}]}))


def test_a_scenario_of_a_user_has_neighbours_with_its_own_nodes_and_accelerators() -> None:
    story = WrittenScenario.read(ROOT / "scenarios" / "router-beside-kubeinfer.yaml")
    nodes = {node.name for node in story.load().nodes}

    @settings(FEW, max_examples=6)
    @given(near(story, vary=["faults"]))
    def look(neighbour: WrittenScenario) -> None:
        for action in neighbour.spec.get("actions", ()):
            named = action.get("fault", {})
            assert named.get("node", "node-0") in nodes

    look()


def test_edits_see_every_version_that_stands_in_a_scenario() -> None:
    one, two, three = ({"kind": "KubeInfer", "metadata": {"name": name}} for name in "abc")
    spec = {
        "manifest": {"kind": "List", "items": [one]},
        "update": {"inline": two},
        "actions": [{"at": "1s", "apply": three}, {"at": "2s", "apply": {"newRevision": True}}],
    }
    assert objects_of(spec) == [one, two, three]
    assert [each.name for each in Draft(objects_of(spec)).workloads] == ["a", "b", "c"]


@given(st.data())
@FEW
def test_a_manifest_without_anything_to_edit_stays_as_it_is(data: st.DataObject) -> None:
    quiet = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "p"},
        "spec": {"containers": [{"name": "c", "image": "i:1"}]},
    }
    alone = WrittenManifest([quiet])
    assert data.draw(near(alone, vary=["budgets", "replicas", "recovery", "probes"])) == alone

"""Deployments in scenario files: which object an action is about, and what becomes of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from scenario_files import HEAD, MANIFEST

from kubeinfer_sim.scenario.actions.model import Apply, Health

ROUTER = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: router}
spec:
  replicas: 2
  selector: {matchLabels: {app: router}}
  template:
    metadata: {labels: {app: router}}
    spec:
      containers:
      - {name: router, image: "${router}", readinessProbe: {httpGet: {path: /, port: 80}}}
"""
ALONE = HEAD + "  manifest: {path: router.yaml, set: {router: 'r:1'}}\n  cluster: 4x8\n"
BESIDE = (
    HEAD
    + "  manifest: {path: both.yaml, set: {replicas: 2, image: 'vllm:1', router: 'r:1'}}\n  cluster: 16x8\n"
)


@pytest.fixture(autouse=True)
def _manifests(folder: Path) -> None:
    (folder / "router.yaml").write_text(ROUTER)
    (folder / "both.yaml").write_text(f"{MANIFEST}---\n{ROUTER}")


def actions(lines: str) -> str:
    return "  actions:\n" + "".join(f"  - {line}\n" for line in lines.splitlines())


def test_a_deployment_may_stand_alone(load):
    scenario = load(text=ALONE + "  update: {newRevision: true}\n")
    assert not scenario.kubeinfers
    [router], [change] = scenario.deployments, scenario.actions
    assert isinstance(change, Apply)
    assert change.workload.revision != router.revision
    assert change.workload.replicas == 2


def test_one_manifest_applied_changes_all_its_objects_that_differ(load):
    update = "  update: {set: {image: 'vllm:2', router: 'r:2'}}\n"
    kinds = [each.workload.kind for each in load(text=BESIDE + update).actions]
    assert kinds == ["KubeInfer", "Deployment"]
    [only] = load(text=BESIDE + "  update: {set: {router: 'r:2'}}\n").actions[1:]
    assert only.workload.kind == "Deployment"


def test_actions_name_the_object_they_are_about(load):
    scenario = load(
        text=BESIDE
        + actions(
            "{at: 1s, object: Deployment/router, scale: 5}\n"
            "{at: 2s, object: Deployment/router, pause: true}\n"
            "{at: 3s, object: Deployment/router, patch: {spec: {minReadySeconds: 9}}}\n"
            "{at: 4s, object: Deployment/router, resume: true}\n"
            "{at: 5s, object: KubeInfer/chat, scale: 1}"
        )
    )
    changes = [each for each in scenario.actions if isinstance(each, Apply)]
    found = [(each.workload.replicas, each.workload.paused, each.label) for each in changes]
    assert found == [(5, False, "scale to 5"), (5, True, "pause"), (5, True, "patch"), (5, False, "resume")]
    assert changes[-1].workload.min_ready_seconds == 9


def test_without_a_kubeinfer_the_only_deployment_is_meant(load):
    [change] = load(text=ALONE + actions("{at: 1s, scale: 0}")).actions
    assert isinstance(change, Apply)
    assert change.workload.replicas == 0


def test_a_kubeinfers_templates_can_be_rolled_back_too(load):
    scenario = load(
        text=BESIDE
        + actions("{at: 1s, apply: {newRevision: true}}\n{at: 2s, scale: 3}\n{at: 3s, rollback: true}")
    )
    last = scenario.actions[-1]
    assert isinstance(last, Apply)
    assert (last.workload.revision, last.workload.replicas) == (scenario.kubeinfer.revision, 3)


def test_health_of_a_deployments_pods(load):
    [action] = load(text=BESIDE + actions("{at: 1s, object: Deployment/router, health: {pods: [1]}}")).actions
    assert isinstance(action, Health)
    assert (action.target.kind, action.target.name, action.target.instances) == ("Deployment", "router", (1,))


def test_timings_are_given_under_the_deployments_name(load):
    timings = load(text=BESIDE + "  timings: {roles: {router: {warmUp: 7s}}}\n").timings
    assert timings.of("router").warm_up.sample(None) == 7000


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (
            BESIDE + actions("{at: 1s, object: Deployment/rooter, scale: 1}"),
            "8: spec.actions[0].object: no object is 'Deployment/rooter'; did you mean \"Deployment/router\"? "
            "(there are: Deployment/router)",
        ),
        (
            BESIDE + actions("{at: 1s, object: chat, scale: 1}"),
            "8: spec.actions[0].object: no object is 'chat' (there are: KubeInfer/chat, Deployment/router)",
        ),
        (
            BESIDE + actions("{at: 1s, pause: true}"),
            "8: spec.actions[0].pause: a KubeInfer cannot be paused; a Deployment can (object: Deployment/…)",
        ),
        (
            ALONE + "  objectives: {minCapacity: 90%}\n",
            "7: spec.objectives.minCapacity: is about a KubeInfer's instances, and there is none: use availability",
        ),
        (
            ALONE + actions("{at: 1s, health: {instances: [1]}}"),
            "8: spec.actions[0].health: a Deployment has no instances and roles: name pods by number, or nodes",
        ),
        (
            ALONE + "  update: {path: chat.yaml, set: {replicas: 1, image: x}}\n",
            "7: spec.update: KubeInfer chat is not in the scenario's manifest; it would be created",
        ),
        (
            HEAD + "  manifest: {path: chat.yaml, set: {replicas: 1, image: x}}\n  cluster: 8x8\n"
            "  update: {path: both.yaml, set: {replicas: 1, image: b, router: z}}\n",
            "7: spec.update: Deployment router is not in the scenario's manifest; it would be created",
        ),
        (
            ALONE + actions("{at: 1s, patch: {metadata: {name: proxy}}}"),
            "8: spec.actions[0].patch: this is Deployment default/proxy, another object than default/router; "
            "an update keeps name and namespace",
        ),
        (
            ALONE + actions("{at: 1s, patch: {spec: {replicas: -1}}}"),
            "8: spec.actions[0].patch.spec.replicas: -1 must not be negative",
        ),
    ],
)
def test_what_cannot_be_meant_is_said_where_it_is_written(findings, text, found):
    assert findings(text=text) == [found]

"""Deployments in manifest files."""

from __future__ import annotations

import pytest

from kubeinfer_sim.errors import InputError
from kubeinfer_sim.manifest.diff import diff
from kubeinfer_sim.manifest.load import load_manifest
from kubeinfer_sim.manifest.model import Deployment, IntOrPercent, RollingUpdate
from kubeinfer_sim.manifest.source import SourceText

ROUTER = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: router}
spec:
  replicas: 3
  selector: {matchLabels: {app: router}}
  template:
    metadata: {labels: {app: router}}
    spec:
      containers:
      - name: router
        image: router:1
"""


def load(text: str) -> tuple[Deployment, ...]:
    return load_manifest([SourceText("d.yaml", text)]).deployments


def errors(*changes: tuple[str, str]) -> list[str]:
    text = ROUTER
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    with pytest.raises(InputError) as raised:
        load(text)
    return [f"{each.line}: {each.sentence}" for each in raised.value.diagnostics]


def test_a_file_of_deployments_alone_is_valid_and_gets_the_api_servers_defaults():
    [router] = load(ROUTER)
    quarter = IntOrPercent(25, percent=True)
    assert (router.namespace, router.name, router.replicas) == ("default", "router", 3)
    assert (router.strategy, router.rolling_update) == ("RollingUpdate", RollingUpdate(quarter, quarter))
    assert (router.min_ready_seconds, router.progress_deadline_seconds) == (0, 600)
    assert (router.revision_history_limit, router.paused) == (10, False)


def test_recreate_has_no_budgets():
    [router] = load(ROUTER.replace("  replicas: 3", "  strategy: {type: Recreate}\n  paused: true"))
    assert (router.strategy, router.paused, router.replicas) == ("Recreate", True, 1)


def test_the_revision_follows_the_template_alone():
    [a], [b] = load(ROUTER), load(ROUTER.replace("replicas: 3", "replicas: 4\n  minReadySeconds: 5"))
    [c] = load(ROUTER.replace("router:1", "router:2"))
    assert a.revision == b.revision != c.revision


def test_holes_are_filled_in_deployments_as_well():
    text = ROUTER.replace("replicas: 3", "replicas: ${n}")
    assert load_manifest([SourceText("d", text)], set_values={"n": 7}).deployments[0].replicas == 7


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        (
            "apps/v1",
            "extensions/v1beta1",
            '1: apiVersion: there is no kind Deployment in "extensions/v1beta1"',
        ),
        ("replicas: 3", "replicas: -1", "5: spec.replicas: -1 must not be negative"),
        ("replicas: 3", "replica: 3", '5: spec.replica: unknown field "replica"'),
        ("  selector: {matchLabels: {app: router}}\n", "", "4: spec.selector: required"),
        ("{matchLabels: {app: router}}", "{}", "6: spec.selector must not be empty"),
        (
            "labels: {app: router}",
            "labels: {app: proxy}",
            "8: spec.template.metadata.labels must be matched by",
        ),
        ("replicas: 3", "strategy: {type: Rolling}", '5: spec.strategy.type: "Rolling" is not one of'),
        (
            "replicas: 3",
            "minReadySeconds: 600",
            "4: spec.progressDeadlineSeconds must be greater than minReady",
        ),
        (
            "replicas: 3",
            "strategy: {rollingUpdate: {maxSurge: 0, maxUnavailable: 0}}",
            "5: spec.strategy.rollingUpdate.maxUnavailable must not be 0 when maxSurge is 0",
        ),
        (
            "      containers:",
            "      restartPolicy: Never\n      containers:",
            "10: spec.template.spec.restartPolicy",
        ),
        ("image: router:1", "imag: router:1", "12: spec.template.spec.containers[0].imag: unknown field"),
    ],
)
def test_what_the_api_server_would_refuse_is_said_where_it_stands(old, new, found):
    assert any(each.startswith(found) for each in errors((old, new))), errors((old, new))


def test_everything_wrong_is_said_at_once():
    found = errors(("replicas: 3", "replicas: -1"), ("{app: router}", "{app: proxy}"), ("router:1", "''"))
    assert len(found) == 3


@pytest.mark.parametrize("spec", ["spec: {}", "spec: 3", "spec:", "spec: []"])
def test_a_deployment_without_a_spec_is_an_error(spec):
    head = ROUTER[: ROUTER.index("spec:")]
    with pytest.raises(InputError):
        load(head + spec + "\n")


def difference(*changes: tuple[str, str]):
    text = ROUTER
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    (found,) = diff(load(ROUTER), load(text))
    return found


def test_a_difference_says_whether_pods_are_replaced_and_at_which_pace():
    found = difference(("router:1", "router:2"))
    assert found.rollout
    assert found.summary().endswith("; 3 pods replaced, up to 1 spare, up to 0 unavailable")
    assert [each.words for each in found.changes] == ["part of the pod template: every pod is replaced"]


def test_replicas_strategy_and_pause_replace_nothing():
    found = difference(
        ("replicas: 3", "replicas: 5\n  paused: true\n  strategy: {rollingUpdate: {maxSurge: 1}}")
    )
    assert not found.rollout
    assert {each.path[1]: each.effect.value for each in found.changes} == {
        "replicas": "scale",
        "strategy": "next rollout",
        "paused": "next rollout",
    }


def test_written_defaults_are_no_difference():
    written = "replicas: 3\n  progressDeadlineSeconds: 600\n  strategy: {type: RollingUpdate}"
    assert difference(("replicas: 3", written)).changes == ()


def test_recreate_replaces_all_at_once():
    found = difference(("replicas: 3", "replicas: 3\n  strategy: {type: Recreate}"), ("router:1", "router:2"))
    assert found.summary().endswith("3 pods replaced, all at once (Recreate)")

"""What kubectl or the API server refuses while it runs: in their words, at its time, and nothing changes."""

from __future__ import annotations

from typing import Any

import pytest
from field.user import Raw, User, asking, bare_pod, deployment, kubeinfer, replica_set

INVALID = 'Deployment.apps "chat" is invalid: '
LABELS = (
    'spec.template.metadata.labels: Invalid value: {"app":"%s"}: `selector` does not match template `labels`'
)
IMMUTABLE = 'spec.selector: Invalid value: {"matchLabels":{"app":"other"}}: field is immutable'
OTHER = {"matchLabels": {"app": "other"}}


def labelled(app: str) -> Raw:
    return {"metadata": {"labels": {"app": app}}}


def refused(user: User, *objects: Raw, **spec: Any) -> list[str]:
    """The refusals that the result warns of, of a run whose verdict does not hold for them."""
    user.plans(*objects, cluster="4x8", **spec)
    done, result = user.runs()
    assert done.returncode == 1, done.stdout
    found = [each for each in result["warnings"] if " is refused: " in each]
    assert found
    assert found[0] in result["verdict"]["sentence"]
    return found


@pytest.mark.parametrize(
    ("patch", "answer"),
    [
        # The words of the recorded run `ro-selector`.
        ({"selector": OTHER}, f"[{LABELS % 'chat'}, {IMMUTABLE}]"),
        ({"selector": OTHER, "template": labelled("other")}, IMMUTABLE),
        ({"template": labelled("x")}, LABELS % "x"),
        (
            {"strategy": {"rollingUpdate": {"maxSurge": 0, "maxUnavailable": 0}}},
            "spec.strategy.rollingUpdate.maxUnavailable: Invalid value: 0: may not be 0 when `maxSurge` is 0",
        ),
        (
            {"minReadySeconds": 700},
            "spec.progressDeadlineSeconds: Invalid value: 600: must be greater than minReadySeconds",
        ),
    ],
)
@pytest.mark.parametrize("where", ["update", "patch", "apply"])
def test_an_update_that_the_api_server_calls_invalid_changes_nothing(
    user: User, where: str, patch: Raw, answer: str
) -> None:
    change = {"spec": patch}
    spec: Any = {
        "update": {"update": {"patch": change}},
        "patch": {"actions": [{"at": "5s", "patch": change}]},
        "apply": {"actions": [{"at": "5s", "apply": {"patch": change}}]},
    }[where]
    found = refused(user, deployment({}, replicas=2), **spec)
    at = "0s" if where == "update" else "5s"
    assert found == [f"the patch of Deployment/chat at {at} is refused: {INVALID}{answer}"]
    _, result = user.runs()
    assert len(result["deployments"][0]["changes"]) == 1, "what was there from the start"


def test_a_part_that_is_wrong_by_itself_is_still_told_with_its_line(user: User) -> None:
    patch = {"selector": OTHER, "replicas": -1}
    user.plans(deployment({}), cluster="4x8", update={"patch": {"spec": patch}})
    done, _ = user.runs()
    assert done.returncode == 2
    assert "-1 must not be" in done.stderr


def test_another_manifest_with_another_selector_is_refused(user: User) -> None:
    new = deployment({"image": "repo/vllm:v2"}, labels={"v": "2"})
    new["spec"]["selector"]["matchLabels"]["v"] = "2"
    user.has("new.yaml", new)
    answer = 'spec.selector: Invalid value: {"matchLabels":{"app":"chat","v":"2"}}: field is immutable'
    found = refused(user, deployment({}), update="new.yaml")
    assert found == [f"the update of Deployment/chat at 0s is refused: {INVALID}{answer}"]
    done = user.types("rollout", "manifest.yaml", "new.yaml", "--nodes", "4x8")
    assert done.returncode == 1
    assert "field is immutable" in " ".join(done.stdout.split())


def test_a_replica_sets_selector_is_immutable_and_so_is_a_pods_spec(user: User) -> None:
    actions = [
        {"at": "1s", "object": "ReplicaSet/chat", "patch": {"spec": {"selector": OTHER}}},
        {"at": "2s", "object": "Pod/p", "patch": {"spec": {"nodeSelector": {"a": "b"}}}},
        {"at": "3s", "object": "Pod/p", "patch": {"metadata": {"labels": {"a": "b"}}}},
    ]
    of_set, of_pod = refused(user, replica_set({}), bare_pod({}), actions=actions)
    assert 'ReplicaSet.apps "chat" is invalid: [spec.template.metadata.labels: ' in of_set
    assert 'Pod "p" is invalid: spec: Forbidden: pod updates may not change fields other than' in of_pod


PAUSED = 'error: deployments.apps "chat" is already paused'


@pytest.mark.parametrize(
    ("actions", "answers"),
    [
        (["pause", "pause"], ["the pause of Deployment/chat at 2m is refused: " + PAUSED]),
        (["resume"], ["the resume of Deployment/chat at 1m is refused: "
                      'error: deployments.apps "chat" is not paused']),
        (
            ["pause", "restart", "resume"],
            [
                "the restart of Deployment/chat at 2m is refused: "
                'error: deployments.apps "chat" can\'t restart paused deployment (run rollout resume first)'
            ],
        ),
        (
            ["rollback"],
            ['the rollback of Deployment/chat at 1m is refused: error: no rollout history found for deployment "chat"'],
        ),
        (
            ["restart", "pause", "rollback"],
            [
                "the rollback of Deployment/chat at 3m is refused: error: you cannot rollback a paused deployment; "
                "resume it first with 'kubectl rollout resume deployment/chat' and try again"
            ],
        ),
    ],
)  # fmt: skip
def test_kubectl_refuses_what_does_not_fit_the_deployments_state(
    user: User, actions: list[str], answers: list[str]
) -> None:
    def action(word: str) -> Raw:
        return {"apply": {"newRevision": True}} if word == "restart" else {word: True}

    timed = [{"at": f"{place}m", **action(word)} for place, word in enumerate(actions, 1)]
    assert refused(user, deployment({}, replicas=2), actions=timed) == answers


def test_an_undo_is_as_good_as_the_history_the_controller_has_kept(user: User) -> None:
    restart, undo = {"apply": {"newRevision": True}}, {"rollback": True}
    slow = deployment({"readinessProbe": {"tcpSocket": {"port": 1}, "periodSeconds": 5}}, replicas=2)
    slow["spec"]["revisionHistoryLimit"] = 0
    timings = {"profile": "zero", "roles": {"chat": {"frameworkImport": "1m"}}}
    # In the midst of the rollout the old ReplicaSet is there; once it is complete the controller has deleted it.
    actions = [{"at": "1m", **restart}, {"at": "1m30s", **undo}]
    user.plans(slow, cluster="4x8", timings=timings, actions=actions)
    done, result = user.runs()
    assert done.returncode == 0, done.stdout
    first, last = (each["revision"] for each in result["deployments"][0]["changes"][::2])
    assert first == last
    actions[1]["at"] = "10m"
    assert "no rollout history found" in refused(user, slow, timings=timings, actions=actions)[0]


def test_what_is_patched_after_an_undo_that_was_refused_is_what_is_there(user: User) -> None:
    once = deployment({}, replicas=1)
    once["spec"]["revisionHistoryLimit"] = 0
    actions = [
        {"at": "1m", "patch": {"spec": {"template": {"metadata": {"labels": {"v": "2"}}}}}},
        {"at": "2m", "rollback": True},
        {"at": "3m", "scale": 2},
        {"at": "4m", "patch": {"spec": {"template": {"metadata": {"labels": {"w": "3"}}}}}},
    ]
    refused(user, once, actions=actions)
    _, result = user.runs()
    two, scaled, three = result["deployments"][0]["changes"][1:]
    assert (scaled["revision"], scaled["replicas"]) == (two["revision"], 2)
    once["spec"]["template"]["metadata"]["labels"] |= {"v": "2", "w": "3"}
    user.plans(once, cluster="4x8")
    _, alone = user.runs()
    assert three["revision"] == alone["deployments"][0]["changes"][0]["revision"]


def test_a_rollback_goes_to_the_template_before_and_back_again(user: User) -> None:
    restart, undo = {"apply": {"newRevision": True}}, {"rollback": True}
    actions = [{"at": "1m", **restart}, {"at": "2m", **undo}, {"at": "3m", **undo}]
    user.plans(deployment({}), cluster="4x8", actions=actions)
    _, result = user.runs()
    first, new, back, forth = (each["revision"] for each in result["deployments"][0]["changes"])
    assert (back, forth) == (first, new)


def test_a_kubeinfer_has_no_templates_to_go_back_to_either(user: User) -> None:
    [found] = refused(user, kubeinfer(asking(npu=8)), actions=[{"at": "1m", "rollback": True}])
    said = "there are no earlier role templates to go back to"
    assert found == f"the rollback of KubeInfer/chat at 1m is refused: {said}"


def test_why_and_the_history_tell_of_it(user: User) -> None:
    refused(user, deployment({}, replicas=1), actions=[{"at": "1m", "rollback": True}], horizon="5m")
    words = (
        'the rollback of Deployment/chat is refused: error: no rollout history found for deployment "chat"'
    )
    assert words in " ".join(user.types("why", "scenario.yaml", "--at", "2m").stdout.split())
    assert "\nRefused\n" not in user.types("why", "scenario.yaml", "--at", "30s").stdout


def test_a_paused_update_says_how_far_it_is_and_what_lets_it_go_on(user: User) -> None:
    """Scaled while it is paused, its pods come at once: what waits is the template (kubernetes, sync.go, scale)."""
    new = {"spec": {"template": {"metadata": {"labels": {"version": "2"}}}}}
    actions = [{"at": "1m", "patch": new}, {"at": "1m", "pause": True}, {"at": "2m", "scale": 5}]
    user.plans(deployment({}), cluster="4x8", actions=actions, horizon="10m")
    text = " ".join(user.types("run", "scenario.yaml").stdout.split())
    said = "update of Deployment chat is paused before it is complete: 0 of 5 pods updated, 5 available"
    assert said in text
    assert "resuming it would let it go on" in text


def test_a_paused_creation_has_no_pods(user: User) -> None:
    paused = deployment({})
    paused["spec"]["paused"] = True
    user.plans(paused, cluster="4x8", initial="empty", horizon="10m")
    said = "creation of Deployment chat is paused before it is complete: 0 of 3 pods updated, 0 available"
    assert said in " ".join(user.types("run", "scenario.yaml").stdout.split())


def test_pods_that_are_missing_in_a_paused_update_say_why(user: User) -> None:
    actions = [
        {"at": "1m", "pause": True},
        {"at": "2m", "patch": {"spec": {"template": {"metadata": {"labels": {"version": "2"}}}}}},
        {"at": "3m", "cordon": {"pool": "node"}},
        {"at": "4m", "deletePod": {"first": 1}},
    ]
    user.plans(deployment({}), cluster="4x8", actions=actions, horizon="10m")
    text = " ".join(user.types("run", "scenario.yaml").stdout.split())
    assert "0 of 3 pods updated, 2 available; chat-3 needs" in text
    assert "were unschedulable" in text

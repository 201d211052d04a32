"""`kubectl rollout undo` of what keeps its templates as ControllerRevisions, and what it refuses."""

from __future__ import annotations

import json
from typing import Any

import pytest
from field.user import Raw, User, daemon_set, stateful_set

NOTHING_KEPT = "error: no last revision to roll back to"
members = pytest.mark.parametrize("workload", [stateful_set, daemon_set])


def plays(user: User, workload, *actions: Raw, limit: int | None = None, **spec: Any) -> tuple[str, Raw]:
    """A run of an hour with these actions on the object; what is printed, and the result."""
    made = workload({}, spec={} if limit is None else {"revisionHistoryLimit": limit})
    named = f"{made['kind']}/{made['metadata']['name']}"
    pool = {"name": "web", "count": 3, "allocatable": {"cpu": "8"}}
    user.plans(
        made,
        cluster={"pools": [pool]},
        initial="running",
        horizon="1h",
        actions=[{"object": named, **each} for each in actions],
        **spec,
    )
    done, result = user.runs()
    return " ".join(done.stdout.split()), result


def images(user: User) -> set[str]:
    """Those of the pods in the end."""
    listed = json.loads(user.types("pods", "scenario.yaml", "-o", "kubectl").stdout)["items"]
    pods = [each for each in listed if each["kind"] == "Pod"]
    return {container["image"] for each in pods for container in each["spec"]["containers"]}


def image(at: str, tag: str) -> Raw:
    return {"at": at, "setImage": {"container": "*", "image": f"repo/vllm:{tag}"}}


@members
def test_it_goes_back_to_the_template_before(user: User, workload) -> None:
    told, _ = plays(user, workload, image("1m", "v2"), {"at": "5m", "rollback": True})
    assert told.startswith("✔")
    assert images(user) == {"repo/vllm:v1"}


@members
def test_a_second_one_takes_the_first_back(user: User, workload) -> None:
    """The template that came back has the highest number."""
    plays(user, workload, image("1m", "v2"), *({"at": at, "rollback": True} for at in ("5m", "6m")))
    assert images(user) == {"repo/vllm:v2"}


@members
def test_what_follows_is_made_of_what_it_came_to(user: User, workload) -> None:
    patch = {"at": "7m", "patch": {"spec": {"minReadySeconds": 3}}}
    plays(user, workload, image("1m", "v2"), {"at": "5m", "rollback": True}, patch)
    assert images(user) == {"repo/vllm:v1"}


@members
@pytest.mark.parametrize("limit", [None, 0])
def test_it_is_refused_where_no_template_is_kept(user: User, workload, limit: int | None) -> None:
    update = [] if limit is None else [image("1m", "v2")]
    told, _ = plays(user, workload, *update, {"at": "5m", "rollback": True}, limit=limit)
    assert told.startswith("✘")
    assert NOTHING_KEPT in told
    assert images(user) == {"repo/vllm:v1" if limit is None else "repo/vllm:v2"}


@members
def test_templates_that_pods_have_are_kept_whatever_the_limit(user: User, workload) -> None:
    broken = {"brokenImages": ["repo/vllm:v2"]}
    told, _ = plays(user, workload, image("1m", "v2"), {"at": "5m", "rollback": True}, limit=0, **broken)
    assert NOTHING_KEPT not in told
    if workload is stateful_set:  # OrderedReady: the pod with the broken template is waited for
        assert "an update with another image and the deletion of the pod, would let it go on" in told
    else:
        assert told.startswith("✔")


def test_the_template_that_was_complete_last_is_kept_without_pods(user: User) -> None:
    """Of one pod, gone for one that never runs: currentRevision is still the one before."""
    made = stateful_set({}, replicas=1, spec={"revisionHistoryLimit": 0})
    user.plans(
        made,
        cluster="1x8",
        initial="running",
        horizon="1h",
        brokenImages=["repo/vllm:v2"],
        actions=[image("1m", "v2"), {"at": "5m", "rollback": True}, {"at": "6m", "deletePod": {}}],
    )
    done, _ = user.runs()
    assert done.stdout.startswith("✔")
    assert images(user) == {"repo/vllm:v1"}

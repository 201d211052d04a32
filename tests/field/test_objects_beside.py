"""Objects beside workloads in files that are applied: they are there from then on, whichever command reads the files."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from field.user import NPU, Raw, User, asking, both, deployment

WANTED = f"requests.{NPU}"
SURGE_REFUSED = f"exceeded quota: team, requested: {WANTED}=8, used: {WANTED}=16, limited: {WANTED}=16"


def quota(npus: int = 16, namespace: str = "prod", **hard: Any) -> Raw:
    return {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"name": "team", "namespace": namespace},
        "spec": {"hard": {WANTED: npus, **hard}},
    }


def versions(workload: Callable[..., Raw], **pod: Any) -> tuple[Raw, Raw]:
    """Two pods with a surge of one: as they are, and with another image."""
    return tuple(
        workload({**asking(npu=8), "image": f"repo/vllm:{tag}"}, replicas=2, surge=1, **pod)
        for tag in ("v1", "v2")
    )  # type: ignore[return-value]


def rolled_out(user: User, old: list[Raw], new: list[Raw], how: str) -> tuple[int, str]:
    """The exit code of an update from some objects to others, and what is printed."""
    user.has("old.yaml", *old)
    user.has("new.yaml", *new)
    if how == "rollout":
        done = user.types("rollout", "old.yaml", "new.yaml", "--nodes", "4x8")
    elif how == "update":
        user.plans(manifest="old.yaml", cluster="4x8", update="new.yaml")
        done, _ = user.runs()
    else:
        later = {"at": "10m", "apply": {"path": "new.yaml"}}
        user.plans(manifest="old.yaml", cluster="4x8", initial="running", actions=[later])
        done, _ = user.runs()
    return done.returncode, " ".join(done.stdout.split())


ways = pytest.mark.parametrize("how", ["rollout", "update", "apply"])


@both
@ways
@pytest.mark.parametrize("where", ["old", "new", "both"])
def test_a_quota_in_either_file_holds_the_new_pods(
    user: User, workload: Callable[..., Raw], how: str, where: str
) -> None:
    old, new = versions(workload)
    of = {"old": ([quota()], []), "new": ([], [quota()]), "both": ([quota(64)], [quota()])}
    before, after = of[where]
    code, told = rolled_out(user, [old, *before], [new, *after], how)
    assert code == 1
    assert SURGE_REFUSED in told


@both
@ways
def test_a_quota_that_the_new_file_raises_holds_nobody(
    user: User, workload: Callable[..., Raw], how: str
) -> None:
    old, new = versions(workload)
    code, _ = rolled_out(user, [old, quota()], [new, quota(24)], how)
    assert code == 0


@both
@ways
def test_a_class_that_a_file_gives_is_not_taken_to_be_there(
    user: User, workload: Callable[..., Raw], how: str
) -> None:
    old, new = versions(workload, priorityClassName="high")
    high = {
        "apiVersion": "scheduling.k8s.io/v1",
        "kind": "PriorityClass",
        "metadata": {"name": "high"},
        "value": 9,
    }
    code, told = rolled_out(user, [old, high], [new, high], how)
    assert code == 0
    assert "PriorityClass high" not in told


@both
@ways
def test_what_a_new_file_holds_for_the_first_time_was_taken_to_be_there_before(
    user: User, workload: Callable[..., Raw], how: str
) -> None:
    settings = {"envFrom": [{"configMapRef": {"name": "settings"}}]}
    old, new = (
        workload({**asking(npu=8), **settings, "image": f"repo/vllm:{tag}"}, replicas=2, surge=1)
        for tag in ("v1", "v2")
    )
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings", "namespace": "prod"}}
    code, _ = rolled_out(user, [old], [new, config], how)
    assert code == 0


@both
@pytest.mark.parametrize("first", ["prod", "other"])
def test_objects_of_one_name_in_two_namespaces_are_two(
    user: User, workload: Callable[..., Raw], first: str
) -> None:
    old, _ = versions(workload)
    there = [quota(8, "prod"), quota(64, "other")]
    user.plans(old, *(there if first == "prod" else there[::-1]), cluster="4x8", initial="empty")
    _, result = user.runs()
    assert "exceeded quota: team" in result["verdict"]["sentence"]
    raised = {"spec": {"hard": {WANTED: 64}}}
    for name, code in ("ResourceQuota/prod/team", 0), ("ResourceQuota/team", 2):
        actions = [{"at": "10m", "object": name, "patchObject": raised}]
        user.plans(old, *there, cluster="4x8", initial="empty", actions=actions)
        done, _ = user.runs()
        assert done.returncode == code
    assert "there are: KubeInfer/chat, ResourceQuota/prod/team, ResourceQuota/other/team".replace(
        "KubeInfer", old["kind"]
    ) in " ".join(done.stderr.split())


@both
@pytest.mark.parametrize(
    ("version", "kind", "since", "right"),
    [
        ("policy/v1beta1", "PodDisruptionBudget", "1.25", "policy/v1"),
        ("autoscaling/v2beta2", "HorizontalPodAutoscaler", "1.26", "autoscaling/v2"),
        ("scheduling.k8s.io/v1beta1", "PriorityClass", "1.22", "scheduling.k8s.io/v1"),
        ("node.k8s.io/v1beta1", "RuntimeClass", "1.25", "node.k8s.io/v1"),
        ("storage.k8s.io/v1beta1", "StorageClass", "1.22", "storage.k8s.io/v1"),
        ("v2", "ResourceQuota", "", "v1"),
    ],
)
def test_a_version_that_is_not_served_any_more_is_an_error_at_its_line(
    user: User, workload: Callable[..., Raw], version: str, kind: str, since: str, right: str
) -> None:
    """kubectl finds no such kind, and nothing of it is made: a budget would hold nobody."""
    old = {"apiVersion": version, "kind": kind, "metadata": {"name": "old", "namespace": "prod"}}
    user.plans(workload({}), old, cluster="2x8")
    later = f" (Kubernetes {since} and later)" if since else ""
    words = f'error: apiVersion: there is no kind {kind} in "{version}"{later}'
    for command in (("run", "scenario.yaml"), ("validate", "manifest.yaml")):
        done = user.types(*command)
        told = " ".join((done.stdout + done.stderr).split())
        assert done.returncode == 2
        assert words in told
        assert f"write apiVersion: {right}" in told
    create = [{"at": "1m", "create": old}]
    user.plans(workload({}), cluster="2x8", actions=create, horizon="10m")
    assert f"there is no kind {kind} in" in " ".join(user.types("run", "scenario.yaml").stderr.split())


@pytest.mark.parametrize("kind", ["PodDisruptionBudget", "Service", "PriorityClass"])
def test_an_object_without_a_version_is_an_error(user: User, kind: str) -> None:
    user.plans(deployment({}), {"kind": kind, "metadata": {"name": "o", "namespace": "prod"}}, cluster="2x8")
    done = user.types("run", "scenario.yaml")
    assert done.returncode == 2
    assert "error: apiVersion: required" in " ".join(done.stderr.split())


@pytest.mark.parametrize(
    ("version", "kind"),
    [("serving.knative.dev/v1", "Service"), ("autoscaling/v1", "HorizontalPodAutoscaler")],
)
def test_kinds_of_other_groups_and_older_versions_that_are_served_are_none(
    user: User, version: str, kind: str
) -> None:
    spec = {"scaleTargetRef": {"kind": "Deployment", "name": "chat"}, "minReplicas": 3, "maxReplicas": 5}
    other = {
        "apiVersion": version,
        "kind": kind,
        "metadata": {"name": "o", "namespace": "prod"},
        "spec": spec,
    }
    user.plans(deployment({}), other, cluster="2x8", initial="empty")
    assert user.types("run", "scenario.yaml").returncode == 0

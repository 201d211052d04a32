"""Classes and claims that manifests name and no file gives, and what else stands beside workloads: what is told of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from command_line import Done
from field.user import Raw, User, asking, both, stateful_set

CLAIM = {
    "apiVersion": "v1",
    "kind": "PersistentVolumeClaim",
    "metadata": {"name": "weights", "namespace": "prod"},
    "spec": {"accessModes": ["ReadWriteMany"], "resources": {"requests": {"storage": "1Ti"}}},
}
PRIORITY = {
    "apiVersion": "scheduling.k8s.io/v1",
    "kind": "PriorityClass",
    "metadata": {"name": "hi"},
    "value": 9,
}
RUNTIME = {
    "apiVersion": "node.k8s.io/v1",
    "kind": "RuntimeClass",
    "metadata": {"name": "ascend"},
    "handler": "ascend",
}
AUTOSCALER = {
    "apiVersion": "autoscaling/v2",
    "kind": "HorizontalPodAutoscaler",
    "metadata": {"name": "chat", "namespace": "prod"},
    "spec": {"scaleTargetRef": {"kind": "Deployment", "name": "chat"}, "minReplicas": 2, "maxReplicas": 4},
}
CONFIG = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {"name": "c", "namespace": "prod"},
    "data": {"a": "b"},
}
SERVICE = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": "chat", "namespace": "prod"},
    "spec": {"ports": [{"port": 80}]},
}
#: What pods need, the object, and what is said where no file gives it.
NEEDED = [
    (
        {"volumes": [{"name": "w", "persistentVolumeClaim": {"claimName": "weights"}}]},
        CLAIM,
        "PersistentVolumeClaim prod/weights is taken to be in the cluster, bound and for many nodes at once: nothing here "
        "gives it, and without it the pods would stay pending",
    ),
    (
        {"priorityClassName": "hi"},
        PRIORITY,
        "PriorityClass hi is taken to be in the cluster, with value 0: nothing here gives it, and without it the API "
        "server would refuse the pods",
    ),
    (
        {"runtimeClassName": "ascend"},
        RUNTIME,
        "RuntimeClass ascend is taken to be in the cluster, without overhead and for all nodes: nothing here gives it, "
        "and without it the API server would refuse the pods",
    ),
]


def said(done: Done) -> str:
    return " ".join((done.stdout + done.stderr).split())


@both
@pytest.mark.parametrize(("pod", "given", "words"), NEEDED)
def test_what_no_file_gives_is_a_note_of_validate_and_of_the_diff_that_brings_it(
    user: User, workload: Callable[..., Raw], pod: Raw, given: Raw, words: str
) -> None:
    user.has("old.yaml", workload(asking(npu=8)))
    user.has("new.yaml", workload(asking(npu=8), **pod))
    done = user.types("validate", "new.yaml", "--strict", "--no-lint")
    assert (done.returncode, said(done).count(words)) == (0, 1)
    done = user.types("diff", "old.yaml", "new.yaml")
    assert (done.returncode, said(done).count(words)) == (0, 1)
    # What runs has it, and a file may give it.
    assert words not in said(user.types("diff", "new.yaml", "new.yaml"))
    user.has("whole.yaml", given, workload(asking(npu=8), **pod))
    assert words not in said(user.types("validate", "whole.yaml"))
    assert words not in said(user.types("diff", "old.yaml", "whole.yaml"))
    user.has("beside.yaml", given, stateful_set(asking(npu=8)))
    assert words not in said(user.types("validate", "new.yaml", "beside.yaml"))


@both
def test_a_claim_of_another_namespace_is_not_the_one(user: User, workload: Callable[..., Raw]) -> None:
    pod, _, words = NEEDED[0]
    elsewhere = {**CLAIM, "metadata": {"name": "weights", "namespace": "other"}}
    user.has("new.yaml", elsewhere, workload(asking(npu=8), **pod))
    assert words in said(user.types("validate", "new.yaml"))


@both
def test_what_stands_beside_workloads_is_said_to_be_valid_once_it_is_checked(
    user: User, workload: Callable[..., Raw]
) -> None:
    beside = [CLAIM, AUTOSCALER, CONFIG, SERVICE, PRIORITY, RUNTIME]
    user.has("all.yaml", *beside, workload(asking(npu=8)))
    done = user.types("validate", "all.yaml")
    assert done.returncode == 0
    for each in beside:
        assert f"{each['kind']} {each['metadata']['name']} is valid" in said(done)


@pytest.mark.parametrize(
    ("written", "spec", "words"),
    [
        (CLAIM, {"accessModes": ["Many"]}, '"Many" is not one of ReadOnlyMany, ReadWriteMany'),
        (
            CLAIM,
            {"resources": {"requests": {"storage": "big"}}},
            "spec.resources.requests.storage: a quantity",
        ),
        (CLAIM, {"accessMode": ["ReadWriteOnce"]}, 'did you mean "accessModes"?'),
        (SERVICE, {"ports": [{"port": 0}]}, "spec.ports[0].port: 0 is outside 1-65535"),
        (
            AUTOSCALER,
            {"minReplicas": 5},
            "spec.maxReplicas: 4 must be greater than or equal to minReplicas (5)",
        ),
        (AUTOSCALER, {"maxReplicas": None}, "spec.maxReplicas: required"),
        (AUTOSCALER, {"maxReplicas": "4"}, 'spec.maxReplicas: expected an integer, got the string "4"'),
        (AUTOSCALER, {"scaleTargetRef": {"kind": "Deployment"}}, "spec.scaleTargetRef.name: required"),
    ],
)
@both
def test_what_is_wrong_with_it_is_told_by_validate_and_by_a_run(
    user: User, workload: Callable[..., Raw], written: Raw, spec: dict[str, Any], words: str
) -> None:
    wrong = {**written, "spec": {**written["spec"], **spec}}
    user.plans(wrong, workload(asking(npu=8)), cluster="4x8")
    for command in (("validate", "manifest.yaml"), ("run", "scenario.yaml")):
        done = user.types(*command)
        assert done.returncode == 2
        assert words in said(done)


@both
def test_what_both_versions_have_is_told_once(user: User, workload: Callable[..., Raw]) -> None:
    autoscaler = {**AUTOSCALER, "spec": {**AUTOSCALER["spec"]}}
    made = workload(asking(npu=8))
    autoscaler["spec"]["scaleTargetRef"] = {"kind": made["kind"], "name": "chat"}
    user.has("old.yaml", autoscaler, made)
    user.has("new.yaml", autoscaler, workload({"image": "repo/vllm:v2", **asking(npu=8)}))
    for command in (("diff",), ("rollout", "--nodes", "8x8")):
        done = user.types(*command, "old.yaml", "new.yaml")
        assert said(done).count("what HorizontalPodAutoscaler chat makes of the load is not simulated") == 1
    # What only the new one has is told of the new one.
    user.has("plain.yaml", made)
    assert "new.yaml:" in said(user.types("diff", "plain.yaml", "new.yaml"))

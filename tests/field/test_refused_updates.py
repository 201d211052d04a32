"""What the API server refuses because the object exists already, between two files: exit 1, in its words."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from field.user import Raw, User, asking, deployment, kubeinfer, stateful_set

SELECTOR = (
    'Deployment.apps "chat" is invalid: spec.selector: Invalid value: {"matchLabels":{"app":"b"}}: '
    "field is immutable"
)
VALUE = (
    'PriorityClass.scheduling.k8s.io "high" is invalid: value: Forbidden: may not be changed in an update.'
)


def priority_class(value: int) -> Raw:
    return {
        "apiVersion": "scheduling.k8s.io/v1",
        "kind": "PriorityClass",
        "metadata": {"name": "high"},
        "value": value,
    }


def service(address: str) -> Raw:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "chat", "namespace": "prod"},
        "spec": {"clusterIP": address, "selector": {"app": "chat"}, "ports": [{"port": 80}]},
    }


def selecting(app: str) -> Raw:
    raw = deployment({}, labels={"app": app})
    raw["spec"]["selector"]["matchLabels"]["app"] = app
    return raw


def test_diff_says_that_a_selector_stays_as_it_is(user: User) -> None:
    user.has("old.yaml", selecting("a"))
    user.has("new.yaml", selecting("b"))
    done = user.types("diff", "old.yaml", "new.yaml")
    assert done.returncode == 1
    assert SELECTOR in " ".join(done.stdout.split())
    told = json.loads(user.types("diff", "old.yaml", "new.yaml", "-o", "json").stdout)
    assert told["refused"] == [SELECTOR]
    assert told["deployments"][0]["rollout"] is False
    assert "refused" in user.types("diff", "old.yaml", "new.yaml", "-o", "markdown").stdout


@pytest.mark.parametrize("form", ["text", "json", "markdown"])
def test_nothing_that_is_asked_for_beside_what_is_refused_is_said_to_come_about(
    user: User, form: str
) -> None:
    new = selecting("b")
    new["spec"] |= {"replicas": 5, "minReadySeconds": 9}
    new["metadata"]["labels"] = {"team": "x"}
    user.has("old.yaml", selecting("a"))
    user.has("new.yaml", new)
    told = " ".join(user.types("diff", "old.yaml", "new.yaml", "-o", form).stdout.split())
    assert "not made, since the object is refused as a whole" in told
    for promise in ("is replaced", "created", "holds for", "restarts nothing", '"rollout": true'):
        assert promise not in told
    if form == "json":
        (change,) = {each["effect"] for each in json.loads(told)["deployments"][0]["changes"]}
        assert change == "nothing"


@pytest.mark.parametrize("workload", [kubeinfer, deployment])
def test_diff_says_so_of_objects_beside_a_workload(user: User, workload) -> None:
    user.has("old.yaml", workload({}), priority_class(1))
    user.has("new.yaml", workload({}), priority_class(2))
    done = user.types("diff", "old.yaml", "new.yaml")
    assert done.returncode == 1
    assert VALUE in " ".join(done.stdout.split())
    assert user.types("diff", "old.yaml", "old.yaml").returncode == 0


def test_one_file_alone_cannot_be_wrong_so(user: User) -> None:
    user.has("new.yaml", selecting("b"), priority_class(2))
    assert user.types("validate", "new.yaml").returncode == 0


@pytest.mark.parametrize("workload", [kubeinfer, deployment])
@pytest.mark.parametrize("how", ["rollout", "update"])
def test_an_update_goes_on_without_what_the_api_server_refuses_beside_it(
    user: User, workload: Callable[..., Raw], how: str
) -> None:
    user.has("old.yaml", workload(asking(npu=8)), service("10.0.0.1"))
    user.has("new.yaml", workload(asking(npu=8), labels={"version": "2"}), service("10.0.0.2"))
    if how == "rollout":
        done = user.types("rollout", "old.yaml", "new.yaml", "--nodes", "8x8")
    else:
        user.plans(cluster="8x8", manifest="old.yaml", update="new.yaml")
        done, _ = user.runs()
    told = " ".join(done.stdout.split())
    assert done.returncode == 1
    assert "completes in" in told
    assert (
        'the update of Service/chat at 0s is refused: Service "chat" is invalid: spec.clusterIPs[0]: Invalid value: '
        '["10.0.0.2"]: may not change once set'
    ) in told


def test_rollout_says_that_a_selector_stays_as_it_is(user: User) -> None:
    user.has("old.yaml", selecting("a"))
    user.has("new.yaml", selecting("b"))
    done = user.types("rollout", "old.yaml", "new.yaml", "--nodes", "8x8")
    assert done.returncode == 1
    assert SELECTOR in " ".join(done.stdout.split())


def everything(version: int) -> list[Raw]:
    """An object of each kind with a field that stays as it was made, which differs between versions."""
    storage = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    pods = stateful_set(asking(npu=1), replicas=1, spec={"serviceName": f"v{version}"})
    return [
        {**selecting(f"v{version}"), "metadata": {"name": "web", "namespace": "prod"}},
        {**pods, "metadata": {"name": "db", "namespace": "prod"}},
        service(f"10.0.0.{version}"),
        priority_class(version),
        {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "metadata": {"name": "c", "namespace": "prod"},
            "spec": {"storageClassName": f"v{version}", **storage},
        },
        {
            "apiVersion": "storage.k8s.io/v1",
            "kind": "StorageClass",
            "metadata": {"name": "fast"},
            "provisioner": f"csi.example.com/v{version}",
        },
        {
            "apiVersion": "v1",
            "kind": "PersistentVolume",
            "metadata": {"name": "disk"},
            "spec": {
                "capacity": {"storage": "1Gi"},
                "accessModes": ["ReadWriteOnce"],
                "hostPath": {"path": f"/v{version}"},
            },
        },
    ]


#: What the API server says of each of them.
ANSWERS = (
    'Deployment.apps "web" is invalid: spec.selector: Invalid value: {"matchLabels":{"app":"v2"}}: field is immutable',
    'StatefulSet.apps "db" is invalid: spec: Forbidden: updates to statefulset spec for fields other than',
    'Service "chat" is invalid: spec.clusterIPs[0]: Invalid value: ["10.0.0.2"]: may not change once set',
    VALUE,
    'PersistentVolumeClaim "c" is invalid: spec: Forbidden: spec is immutable after creation except',
    'StorageClass.storage.k8s.io "fast" is invalid: provisioner: Forbidden: updates to provisioner are forbidden.',
    'PersistentVolume "disk" is invalid: spec.persistentvolumesource: Forbidden: spec.persistentvolumesource is '
    "immutable after creation",
)


@pytest.mark.parametrize("workload", [kubeinfer, deployment])
def test_what_stays_as_it_was_made_is_refused_by_diff_by_rollout_and_of_an_action(
    user: User, workload: Callable[..., Raw]
) -> None:
    for version, file in ((1, "old.yaml"), (2, "new.yaml")):
        user.has(file, workload(asking(npu=8), labels={"version": f"v{version}"}), *everything(version))
    actions = [{"at": "1m", "apply": "new.yaml"}]
    user.plans(cluster="16x8", manifest="old.yaml", actions=actions, initial="running", horizon="1h")
    name = ("--name", "chat") if workload is deployment else ()
    for command in (
        ("diff", "old.yaml", "new.yaml"),
        ("rollout", "old.yaml", "new.yaml", "--nodes", "16x8", "--details", *name),
        ("run", "scenario.yaml", "--details"),
    ):
        done = user.types(*command)
        told = " ".join(done.stdout.split())
        assert done.returncode == 1, done.stderr
        assert [each for each in ANSWERS if each not in told] == []
        if command[0] == "diff":
            assert "PriorityClass high: refused" in told, "it has no namespace"
    assert user.types("validate", "new.yaml").returncode == 0, "one file cannot know"

"""Objects that people create, change and delete while it runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from field.user import Raw, User, asking, bare_pod, both, deployment, kubeinfer, replica_set

SLOW_STOP = {"profile": "zero", "exit": "10s"}


def budget(**spec: Any) -> Raw:
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": "b", "namespace": "prod"},
        "spec": {"selector": {"matchLabels": {"app": "chat"}}, **spec},
    }


def ends_of_drains(result: Raw) -> list[int | None]:
    return [each["endedAtMs"] for each in result["drains"]]


@both
@pytest.mark.parametrize("written", ["in place", "as a file"])
def test_a_workload_that_is_created_runs_from_then_on(
    user: User, workload: Callable[..., Raw], written: str
) -> None:
    later = workload(asking(npu=8), replicas=2)
    later["metadata"]["name"] = "later"
    user.has("later.yaml", later)
    create = later if written == "in place" else "later.yaml"
    user.plans(workload(asking(npu=8), replicas=1), cluster="4x8", actions=[{"at": "1m", "create": create}])
    done, result = user.runs()
    assert done.returncode == 0, done.stdout
    assert len(user.pods(at="59s")) == 1
    assert sorted(each["name"].split("-")[0] for each in user.pods()) == ["chat", "later", "later"]
    if workload is kubeinfer:
        assert [each["name"] for each in result["kubeinfers"]] == ["chat", "later"]


@pytest.mark.parametrize("workload", [kubeinfer, deployment, replica_set])
def test_the_pods_of_a_workload_that_is_deleted_go_and_their_devices_are_free(
    user: User, workload: Callable[..., Raw]
) -> None:
    kind = workload({})["kind"]
    actions = [
        {"at": "1m", "create": bare_pod(asking(npu=8))},
        {"at": "2m", "deleteObject": f"{kind}/chat"},
    ]
    user.plans(workload(asking(npu=8), replicas=2), cluster="2x8", timings=SLOW_STOP, actions=actions)
    done, result = user.runs()
    assert done.returncode == 0, done.stdout
    statuses = sorted(each["status"] for each in user.pods(at="2m5s"))
    assert statuses == ["Pending", "Terminating", "Terminating"]
    assert [(each["name"], each["status"]) for each in user.pods()] == [("p", "Running")]
    if workload is deployment:
        assert result["deployments"][0]["outcome"] == "deleted"
        assert "Deployment chat is deleted at 2m" in result["verdict"]["sentence"]


def test_what_is_there_cannot_be_created_and_what_is_not_cannot_be_deleted(user: User) -> None:
    actions = [
        {"at": "1m", "create": [bare_pod({}), deployment({}, replicas=1), budget(maxUnavailable=1)]},
        {"at": "2m", "deleteObject": "Deployment/chat"},
        {"at": "3m", "object": "Deployment/chat", "scale": 2},
        {"at": "4m", "deleteObject": "Deployment/chat"},
        {"at": "5m", "deleteObject": "Pod/p"},
        {"at": "6m", "deleteObject": "Pod/p"},
    ]
    manifest = bare_pod({}), deployment({}, replicas=1), budget(maxUnavailable=1)
    user.plans(*manifest, cluster="4x8", actions=actions)
    done, result = user.runs()
    assert done.returncode == 1
    assert [each for each in result["warnings"] if " is refused: " in each] == [
        'the creation of PodDisruptionBudget/b at 1m is refused: poddisruptionbudgets.policy "b" already exists',
        'the creation of Pod/p at 1m is refused: pods "p" already exists',
        'the creation of Deployment/chat at 1m is refused: deployments.apps "chat" already exists',
        'the change of Deployment/chat at 3m is refused: deployments.apps "chat" not found',
        'the deletion of Deployment/chat at 4m is refused: deployments.apps "chat" not found',
        'the deletion of Pod/p at 6m is refused: pods "p" not found',
    ]


def test_a_name_is_free_once_the_object_is_gone(user: User) -> None:
    again = {"at": "2m", "create": [bare_pod({}), deployment({}, replicas=1)]}
    actions = [{"at": "1m", "deleteObject": "Pod/p"}, {"at": "1m", "deleteObject": "Deployment/chat"}, again]
    user.plans(bare_pod({}), deployment({}, replicas=1), cluster="4x8", actions=actions)
    done, result = user.runs()
    assert done.returncode == 0, done.stdout
    assert [each["outcome"] for each in result["pods"]] == ["deleted", "ready"]
    assert len(user.pods()) == 2


def test_an_action_may_name_what_is_created_before_it(user: User) -> None:
    actions = [
        {"at": "1m", "create": deployment({}, replicas=1)},
        {"at": "2m", "object": "Deployment/chat", "scale": 3},
        {"at": "3m", "object": "Deployment/chat", "deletePod": {"first": 1}},
    ]
    user.plans(bare_pod({}), cluster="4x8", actions=actions)
    done, result = user.runs()
    assert done.returncode == 0, done.stdout
    assert len(result["deployments"][0]["pods"]) == 4


def test_a_manifest_may_be_empty_where_everything_is_created_later(user: User) -> None:
    user.plans(cluster="4x8", actions=[{"at": "1m", "create": kubeinfer(asking(npu=8), replicas=2)}])
    (user.folder / "manifest.yaml").write_text("")
    done, result = user.runs()
    assert done.returncode == 0, done.stdout + done.stderr
    assert [each["ordinal"] for each in result["instances"]] == [0, 1]


@both
def test_a_container_gets_another_image(user: User, workload: Callable[..., Raw]) -> None:
    action = {"at": "1m", "setImage": {"container": "engine", "image": "repo/vllm:v2"}}
    user.plans(workload(asking(npu=8), replicas=2), cluster="4x8", actions=[action])
    done, result = user.runs()
    assert done.returncode == 0, done.stdout
    changes = result["changes"] if workload is kubeinfer else result["deployments"][0]["changes"]
    assert changes[-1]["label"] == "set image"
    assert changes[-1]["revision"] != changes[0]["revision"]
    action["setImage"] = {"container": "engin", "image": "x"}
    user.plans(workload(asking(npu=8)), cluster="4x8", actions=[action])
    done, _ = user.runs()
    assert done.returncode == 2
    assert "unable to find container named 'engin'" in " ".join(done.stderr.split())
    assert 'did you mean "engine"?' in " ".join(done.stderr.split())


@pytest.mark.parametrize(
    ("action", "end"),
    [
        ({"deleteObject": "PodDisruptionBudget/b"}, 40_000),
        ({"object": "PodDisruptionBudget/b", "patchObject": {"spec": {"maxUnavailable": "100%"}}}, 40_000),
        ({"object": "PodDisruptionBudget/b", "patchObject": {"spec": {"selector": None}}}, 40_000),
    ],
)
def test_a_drain_goes_on_when_the_budget_that_holds_it_goes(user: User, action: Raw, end: int) -> None:
    drain = {"at": "10s", "drain": "node-0"}
    pods = deployment({}, replicas=2), budget(maxUnavailable=0)
    user.plans(*pods, cluster="1x8", actions=[drain, {"at": "38s", **action}], horizon="2m")
    _, result = user.runs()
    assert ends_of_drains(result) == [end], "kubectl tries again every 5 s"


@both
def test_a_budget_holds_from_the_instant_in_which_it_is_created(
    user: User, workload: Callable[..., Raw]
) -> None:
    kind = workload({})["kind"]
    actions = [
        {"at": "20s", "create": budget(minAvailable=2)},
        {"at": "20.05s", "object": f"{kind}/chat", "evictPod": {}},
    ]
    user.plans(workload(asking(npu=8), replicas=2), cluster="4x8", actions=actions, horizon="1m")
    _, result = user.runs()
    pods = user.pods(at="21s")
    assert [each["status"] for each in pods] == ["Running", "Running"]
    assert {each["restarts"] for each in pods} == {0}
    assert not result.get("preemptions")
    words = " ".join(user.types("why", "scenario.yaml", "--at", "21s").stdout.split())
    assert "2 of 2" in words


def test_a_priority_class_counts_for_the_pods_that_are_made_from_then_on(user: User) -> None:
    high = {
        "apiVersion": "scheduling.k8s.io/v1",
        "kind": "PriorityClass",
        "metadata": {"name": "high"},
        "value": 1000,
    }
    urgent = bare_pod(asking(npu=8), priorityClassName="high")
    actions = [{"at": "1m", "create": high}, {"at": "2m", "create": urgent}]
    assumptions = {"preemption": True}
    user.plans(deployment(asking(npu=8), replicas=1), cluster="1x8", actions=actions, assumptions=assumptions)
    _, result = user.runs()
    assert [each["status"] for each in user.pods() if each["name"] == "p"] == ["Running"]
    assert len(result["preemptions"]) == 1


@pytest.mark.parametrize(
    ("action", "said"),
    [
        ({"deleteObject": "PodDisruptionBudget/c"}, "no object is 'PodDisruptionBudget/c'"),
        ({"deleteObject": "Deployment/chad"}, 'did you mean "Deployment/chat"?'),
        ({"object": "ConfigMap/c", "patchObject": {"data": {}}}, "no object is 'ConfigMap/c'"),
        ({"create": "there-is-none.yaml"}, "there-is-none.yaml"),
        ({"create": {"apiVersion": "apps/v1", "kind": "Deployment"}}, "create.metadata"),
        ({"create": [budget(maxUnavailable=1), deployment({}, replicas=-1)]}, "create[1].spec.replicas"),
        (
            {"create": {**budget(maxUnavailable=1, minAvailable=1), "metadata": {"name": "d"}}},
            "exactly one of minAvailable",
        ),
    ],
)
def test_what_is_wrong_with_an_action_on_objects_is_told_with_its_place(
    user: User, action: Raw, said: str
) -> None:
    user.plans(
        deployment({}, replicas=1), budget(maxUnavailable=1), cluster="4x8", actions=[{"at": "1m", **action}]
    )
    done, _ = user.runs()
    assert done.returncode == 2, done.stdout
    assert said in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr


def test_an_action_that_names_no_object_means_what_is_there_then_not_what_is_created_later(
    user: User,
) -> None:
    probe = {"readinessProbe": {"tcpSocket": {"port": 1}, "periodSeconds": 10}}
    sick = {"at": "1m", "health": {"probes": ["readiness"], "lasts": "2m"}}
    later = {"at": "10m", "create": deployment(asking(npu=8), replicas=1)}
    user.plans(bare_pod({**asking(npu=8), **probe}), cluster="2x8", actions=[sick, later])
    ready = {each["type"]: each["status"] for each in user.pods("2m")[0]["conditions"]}["Ready"]
    assert not ready


BUDGET = {
    "apiVersion": "policy/v1",
    "kind": "PodDisruptionBudget",
    "metadata": {"name": "b", "namespace": "prod"},
    "spec": {"selector": {}, "maxUnavailable": 0},
}
QUOTA = {
    "apiVersion": "v1",
    "kind": "ResourceQuota",
    "metadata": {"name": "q", "namespace": "prod"},
    "spec": {"hard": {"pods": "9"}},
}


@pytest.mark.parametrize(
    ("made", "patch", "place"),
    [
        (BUDGET, {"spec": {"maxUnavailable": "many"}}, "spec.maxUnavailable"),
        (BUDGET, {"spec": {"maxUnavailable": None}}, "spec"),
        (QUOTA, {"spec": {"hard": {"pods": "many"}}}, "spec.hard.pods"),
    ],
)
def test_what_a_patch_makes_wrong_is_told_with_its_own_line(
    user: User, made: Raw, patch: Raw, place: str
) -> None:
    name = f"{made['kind']}/{made['metadata']['name']}"
    patched = {"at": "2m", "object": name, "patchObject": patch}
    user.plans(deployment({}), cluster="2x8", actions=[{"at": "1m", "create": made}, patched])
    done = user.types("run", "scenario.yaml")
    assert done.returncode == 2
    assert f"spec.actions[1].patchObject.{place}: " in " ".join([*done.stderr.split(), ""])
    line = int(done.stderr.split(":")[1])
    text = (user.folder / "scenario.yaml").read_text(encoding="utf-8").splitlines()
    assert line > text.index(next(each for each in text if '"patchObject"' in each))


@pytest.mark.parametrize("listed", [False, True])
def test_so_is_what_is_wrong_with_an_object_that_the_scenario_itself_holds(user: User, listed: bool) -> None:
    wrong = {**BUDGET, "spec": {"selector": {}, "maxUnavailable": "200%"}}
    actions: list[Raw] = [{"at": "1m", "create": wrong}]
    first: Any = "manifest.yaml"
    if listed:
        first, actions = {"apiVersion": "v1", "kind": "List", "items": [deployment({}), wrong]}, []
    user.plans(deployment({}), cluster="2x8", actions=actions, manifest=first)
    done = user.types("run", "scenario.yaml")
    assert done.returncode == 2
    place = "spec.manifest.items[1]" if listed else "spec.actions[0].create"
    assert f"{place}.spec.maxUnavailable: expected a whole number or a percentage" in " ".join(
        done.stderr.split()
    )
    line = (user.folder / "scenario.yaml").read_text(encoding="utf-8").splitlines()
    assert "200%" in line[int(done.stderr.split(":")[1]) - 1]


def test_a_budget_with_both_bounds_is_refused_when_the_patch_that_makes_it_so_comes(user: User) -> None:
    patch = {
        "at": "2m",
        "object": "PodDisruptionBudget/b",
        "patchObject": {"spec": {"minAvailable": 1}},
    }
    drain = {"at": "3m", "drain": {"nodes": ["node-0"], "timeout": "1m"}}
    plan = [{"at": "1m", "create": BUDGET}, patch, drain]
    user.plans(deployment(asking(npu=2), replicas=1), cluster="2x8", actions=plan, initial="running")
    done = user.types("run", "scenario.yaml")
    assert done.returncode == 1
    told = " ".join(done.stdout.split())
    assert (
        'the patch of PodDisruptionBudget/b at 2m is refused: PodDisruptionBudget.policy "b" is invalid: '
        "spec: Invalid value: minAvailable and maxUnavailable cannot be both set" in told
    )
    assert "The disruption budget b" in told, "it still holds"


def a_namespace(name: str) -> Raw:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


@both
def test_with_a_namespace_all_that_is_in_it_goes(user: User, workload: Callable[..., Any]) -> None:
    """pkg/controller/namespace/deletion; no disruption budget is asked."""
    other = deployment({}, replicas=1)
    other["metadata"].update(name="other", namespace="dev")
    budget = {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": "b", "namespace": "prod"},
        "spec": {"maxUnavailable": 0, "selector": {}},
    }
    name = f"{workload({})['kind']}/chat"
    user.plans(
        workload({}, replicas=2),
        bare_pod({}),
        other,
        a_namespace("prod"),
        budget,
        cluster="4x8",
        actions=[
            {"at": "1m", "deleteObject": "Namespace/prod"},
            {"at": "2m", "object": name, "scale": 3},
            {"at": "2m", "object": "PodDisruptionBudget/b", "patchObject": {"spec": {"maxUnavailable": 1}}},
        ],
        horizon="10m",
    )
    _, result = user.runs()
    assert [each["name"] for each in user.pods("30s")] != ["other-0"]
    assert [each["name"] for each in user.pods("5m")] == ["other-0"]
    refused = [each for each in result["warnings"] if " is refused: " in each]
    assert len(refused) == 2
    assert all(each.endswith("not found") for each in refused)


@pytest.mark.parametrize("name", ["default", "kube-system"])
def test_some_namespaces_may_not_be_deleted(user: User, name: str) -> None:
    pods = deployment({}, replicas=1)
    pods["metadata"]["namespace"] = name
    delete = {"at": "1m", "deleteObject": f"Namespace/{name}"}
    user.plans(pods, a_namespace(name), cluster="4x8", actions=[delete], horizon="10m")
    done, result = user.runs()
    assert done.returncode == 1
    assert any("forbidden: this namespace may not be deleted" in each for each in result["warnings"])
    assert [each["name"] for each in user.pods("5m")] == ["chat-0"]

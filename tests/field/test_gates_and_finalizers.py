"""Gates keep pods from being placed or ready, finalizers keep them from going, until somebody does something about it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from field.test_pod_worker import in_place
from field.user import (
    Raw,
    User,
    asking,
    bare_pod,
    both,
    deployment,
    kubeinfer,
    replica_set,
    stateful_set,
)

from kubeinfer_sim.cluster.records import PodFinished
from kubeinfer_sim.scenario.load import load_scenario
from kubeinfer_sim.testing.invariants import checked

GATE = {"schedulingGates": [{"name": "x/y"}]}
READINESS = {"readinessGates": [{"conditionType": "x/y"}]}


def plan(user: User, pods: Raw, *actions: Raw, cluster: Any = "1x8", **spec: Any) -> None:
    start = {"initial": "empty", "horizon": "1h", **spec}
    user.plans(in_place(pods), cluster=cluster, actions=list(actions), **start)


def with_finalizer(pods: Raw) -> Raw:
    spec = pods["spec"]["template"]
    template = spec if pods["kind"] == "Deployment" else spec["spec"]["roles"][0]["template"]
    template["metadata"]["finalizers"] = ["x/y"]
    return pods


def statuses(user: User, at: str) -> list[str]:
    return [each["status"] for each in user.pods(at=at)]


def condition(user: User, kind: str, at: str) -> tuple[str, str]:
    """Status and reason of a condition of the only pod."""
    (pod,) = user.pods(at=at)
    (found,) = [each for each in pod["conditions"] if each["type"] == kind]
    return str(found["status"]), found["reason"]


@both
def test_a_gated_pod_is_placed_once_its_gate_is_open(user: User, workload: Callable[..., Raw]) -> None:
    pods = workload(asking(npu=8), replicas=1, **GATE)
    plan(user, pods, {"at": "15s", "setGate": {"gate": "x/y", "open": True}})
    assert statuses(user, "14s") == ["SchedulingGated"]
    assert condition(user, "PodScheduled", "14s") == ("False", "SchedulingGated")
    assert statuses(user, "15s") == ["Running"]


@both
def test_a_gate_that_nobody_opens_is_told_as_the_reason(user: User, workload: Callable[..., Raw]) -> None:
    plan(user, workload(asking(npu=8), replicas=1, **GATE))
    done, result = user.runs()
    assert statuses(user, "50m") == ["SchedulingGated"]
    assert "scheduling gate x/y, which no action opens (setGate)" in " ".join(result["warnings"])
    told = " ".join(done.stdout.split())
    assert "the scheduling gate x/y of chat-" in told or workload is deployment


@both
@pytest.mark.parametrize(
    ("held", "told", "noted"),
    [
        (GATE, "the scheduling gate x/y, which no action opens", "somebody opens the scheduling gate x/y"),
        (READINESS, "the readiness gate x/y, which no action sets", "the readiness gate x/y to True"),
        (None, "the finalizer x/y, which no action takes away", "somebody takes the finalizer x/y away"),
    ],
)
def test_what_holds_pods_is_told_with_its_line_by_every_command(
    user: User, workload: Callable[..., Raw], held: Raw | None, told: str, noted: str
) -> None:
    pods = workload(asking(npu=8), replicas=1, **(held or {}))
    user.plans(pods if held else with_finalizer(pods), cluster="1x8", initial="empty", horizon="1h")
    lines = (user.folder / "manifest.yaml").read_text(encoding="utf-8").splitlines()
    place = f"manifest.yaml:{next(i for i, each in enumerate(lines, 1) if 'x/y' in each)}:"
    for command, words in (
        ("run scenario.yaml", told),
        ("rollout manifest.yaml --nodes 2x8 --horizon 1h", told),
        ("validate manifest.yaml", noted),
    ):
        done = user.types(*command.split())
        said = " ".join((done.stdout + done.stderr).split())
        assert words in said
        assert place in said


def test_a_gang_waits_for_the_gates_of_all_its_pods(user: User) -> None:
    pods = kubeinfer(asking(npu=4), replicas=1, **GATE)
    pods["spec"]["template"]["spec"]["roles"][0]["replicas"] = 2
    gates = [{"at": f"{place + 1}0s", "setGate": {"gate": "x/y", "pods": [place]}} for place in (0, 1)]
    plan(user, pods, *gates)
    assert statuses(user, "15s") == ["Pending", "SchedulingGated"]
    assert statuses(user, "20s") == ["Running", "Running"]


@both
def test_a_pod_that_ran_before_has_passed_its_gates(user: User, workload: Callable[..., Raw]) -> None:
    plan(user, workload(asking(npu=8), replicas=1, **GATE, **READINESS), initial="running")
    assert statuses(user, "10s") == ["Running"]
    assert condition(user, "Ready", "10s")[0] == "True"


@both
def test_a_pod_is_ready_when_its_readiness_gate_says_so(user: User, workload: Callable[..., Raw]) -> None:
    gates = [
        {"at": at, "setReadinessGate": {"gate": "x/y", "status": status}}
        for at, status in (("15s", True), ("30s", False))
    ]
    plan(user, workload(asking(npu=8), replicas=1, **READINESS), *gates)
    seen = [condition(user, "Ready", at) for at in ("14s", "15s", "30s")]
    assert [status for status, _ in seen] == ["False", "True", "False"]
    assert seen[0][1] == seen[2][1] == "ReadinessGatesNotReady"
    assert [each["readyContainers"] for each in user.pods(at="14s")] == [1], (
        "its containers are ready all the same"
    )
    wide = [
        user.types("pods", "scenario.yaml", "--at", at, "-o", "wide").stdout.split()[-1]
        for at in ("14s", "15s", "30s")
    ]
    assert wide == ["0/1", "1/1", "0/1"]


@both
def test_an_update_waits_for_readiness_gates(user: User, workload: Callable[..., Raw]) -> None:
    pods = workload(asking(npu=8), replicas=1, surge=1, **READINESS)
    update = {"at": "10s", "apply": {"newRevision": True}}
    plan(user, pods, update, cluster="2x8", initial="running")
    done, result = user.runs()
    assert done.returncode == 1
    assert "readiness gate x/y, which no action sets" in " ".join(result["warnings"])
    assert len(user.pods(at="30m")) == 2


@both
def test_a_finalizer_keeps_the_object_and_nothing_else(user: User, workload: Callable[..., Raw]) -> None:
    pods = with_finalizer(workload(asking(npu=8), replicas=1))
    plan(
        user,
        pods,
        {"at": "10s", "deletePod": {}},
        {"at": "40s", "removeFinalizers": {"finalizers": ["x/y"]}},
        timings={"profile": "zero", "exit": "5s", "cleanup": "1s"},
    )
    (first,) = user.pods(at="9s")
    there = {each["name"]: each["phase"] for each in user.pods(at="39s")}
    assert there[first["name"]] == "Failed"
    if workload is deployment:
        assert "Running" in there.values(), "its devices are free"
    assert len(user.pods(at="41s")) == 1
    assert all(each["phase"] == "Running" for each in user.pods(at="41s"))


@both
def test_force_does_not_help_against_a_finalizer(user: User, workload: Callable[..., Raw]) -> None:
    pods = with_finalizer(workload(asking(npu=8), replicas=1))
    plan(user, pods, *({"at": at, "forceDelete": {"terminatingOnly": False}} for at in ("10s", "20s")))
    assert "Failed" in [each["phase"] for each in user.pods(at="1m")]
    assert "finalizer x/y, which no action takes away" in " ".join(user.runs()[1]["warnings"])


@pytest.mark.parametrize(
    ("action", "says"),
    [
        ({"setGate": {"gate": "x/z"}}, "none of these pods has a scheduling gate 'x/z'; did you mean"),
        ({"setReadinessGate": {"gate": "x/y"}}, "none of these pods has a readiness gate 'x/y'"),
        ({"removeFinalizers": {"finalizers": ["x/y"]}}, "none of these pods has a finalizer 'x/y'"),
        ({"setGate": {"gate": "x/y", "open": False}}, "write true, or leave it out"),
    ],
)
def test_what_is_not_there_is_refused(user: User, action: Raw, says: str) -> None:
    plan(user, deployment({}, **GATE), {"at": "1s", **action})
    done = user.runs()[0]
    assert done.returncode == 2
    assert says in " ".join(done.stderr.split())


def test_an_instance_that_waits_for_a_finalizer_to_be_rebuilt_says_so(user: User) -> None:
    """Its pod was deleted while it waited for a place; the name of the next one is taken."""
    pods = with_finalizer(kubeinfer(asking(npu=8), replicas=1))
    pods["spec"]["template"]["spec"]["roles"][0]["recoveryPolicy"] = {"restart": "Pod"}
    lives = {"at": "10s", "deletePod": {}}
    held = "stays for its finalizer x/y; taking it away would let it go on"
    for needed in ("1x8", "1x4"):
        plan(user, pods, lives, cluster=needed, horizon="settled")
        done, result = user.runs()
        assert done.returncode == 1
        assert f"chat-0 cannot be rebuilt: chat-0-serve-0 {held}" in result["verdict"]["sentence"]


def test_an_instance_that_is_deleted_does_not_go_while_a_finalizer_keeps_it(user: User) -> None:
    plan(user, with_finalizer(kubeinfer({}, replicas=1)), {"at": "1m", "scale": 0}, horizon="settled")
    _, result = user.runs()
    assert "chat-0 does not go: chat-0-serve-0 stays for its finalizer x/y" in result["verdict"]["sentence"]


@both
def test_what_somebody_sees_to_is_no_warning(user: User, workload: Callable[..., Raw]) -> None:
    pods = with_finalizer(workload(asking(npu=8), replicas=1, **GATE, **READINESS))
    plan(
        user,
        pods,
        {"at": "1s", "setGate": {"gate": "x/y"}},
        {"at": "2s", "setReadinessGate": {"gate": "x/y"}},
        {"at": "10s", "scale": 0},
        {"at": "20s", "removeFinalizers": {}},
    )
    assert user.pods(at="19s")
    assert not user.pods(at="20s")
    assert "which no action" not in " ".join(user.runs()[1]["warnings"])


def test_why_tells_what_became_of_gates_and_finalizers(user: User) -> None:
    pods = with_finalizer(kubeinfer(asking(npu=8), replicas=1, **GATE, **READINESS))
    plan(
        user,
        pods,
        {"at": "1s", "setGate": {"gate": "x/y"}},
        {"at": "2s", "setReadinessGate": {"gate": "x/y"}},
        {"at": "10s", "deletePod": {}},
        {"at": "20s", "removeFinalizers": {}},
    )
    told = " ".join(user.types("why", "scenario.yaml", "--instance", "0", "--at", "25s").stdout.split())
    assert (
        "20s somebody takes x/y away from the finalizers of chat-0-serve-0 20s chat-0-serve-0 is gone" in told
    )


def test_a_pod_that_finalizers_keep_is_finished_once_though_its_node_comes_back(user: User) -> None:
    kept = replica_set(asking(npu=8), replicas=1, terminationGracePeriodSeconds=0)
    kept["spec"]["template"]["metadata"]["finalizers"] = ["x/y"]
    reboot = {"at": "1m", "reboot": {"nodes": ["node-0"], "takes": "1m"}}
    out = {"at": "1m", "outOfService": ["node-0"]}
    user.plans(kept, cluster="2x8", actions=[reboot, out], timings={"profile": "typical"})
    run = checked(load_scenario(str(user.folder / "scenario.yaml")))
    assert [each.pod.name for each in run.history.of(PodFinished)] == ["chat-0"]


def a_pod_with_a_finalizer() -> Raw:
    pod = bare_pod({})
    pod["metadata"]["finalizers"] = ["x/y"]
    return pod


@pytest.mark.parametrize("deletion", [{"deleteObject": "Pod/p"}, {"object": "Pod/p", "deletePod": {}}])
@pytest.mark.parametrize(
    "removal", [{"removeFinalizers": {}}, {"patchObject": {"metadata": {"finalizers": None}}}]
)
def test_a_pod_without_a_controller_stays_until_its_finalizers_are_taken_away(
    user: User, deletion: Raw, removal: Raw
) -> None:
    gone = [{"at": "1m", **deletion}, {"at": "5m", "object": "Pod/p", **removal}]
    user.plans(a_pod_with_a_finalizer(), cluster="1x8", actions=gone)
    assert [each["name"] for each in user.pods(at="4m59s")] == ["p"]
    assert not user.pods(at="5m")
    done, result = user.runs()
    assert "Pod p is deleted" in done.stdout
    assert not [each for each in result["warnings"] if "finalizer" in each]


def test_a_created_pod_keeps_its_finalizers_and_can_be_given_more(user: User) -> None:
    more = {"at": "2m", "object": "Pod/p", "patchObject": {"metadata": {"finalizers": ["x/y", "x/z"]}}}
    deleted = {"at": "3m", "object": "Pod/p", "deletePod": {}}
    removed = {"at": "4m", "object": "Pod/p", "removeFinalizers": {"finalizers": ["x/y"]}}
    create = {"at": "1m", "create": a_pod_with_a_finalizer()}
    user.plans(bare_pod({}, name="other"), cluster="1x8", actions=[create, more, deleted, removed])
    assert [each["name"] for each in user.pods(at="1h")] == ["other", "p"]
    assert "finalizer x/z" in " ".join(user.runs()[1]["warnings"])


def test_a_finalizer_of_a_pod_without_a_controller_is_checked(user: User) -> None:
    pod = bare_pod({})
    pod["metadata"]["finalizers"] = ["nodomain"]
    user.plans(pod, cluster="1x8")
    done = user.types("run", "scenario.yaml")
    assert done.returncode == 2
    assert "must have a domain" in done.stderr


def test_the_finalizers_of_an_object_that_owns_pods_are_a_warning_where_it_is_deleted(user: User) -> None:
    kept = deployment({})
    kept["metadata"]["finalizers"] = ["x/y"]
    user.plans(kept, cluster="1x8", actions=[{"at": "1m", "deleteObject": "Deployment/chat"}])
    (told,) = [each for each in user.runs()[1]["warnings"] if "finalizers" in each]
    assert told.startswith("scenario.yaml:")
    assert "Deployment/chat has finalizers (x/y)" in told


ANOTHER = [{"at": "13m", "deleteObject": "Pod/p"}, {"at": "14m", "create": bare_pod({})}]


@pytest.mark.parametrize(
    ("first", "action"),
    [
        (GATE, {"setGate": {"gate": "x/y"}}),
        (READINESS, {"setReadinessGate": {"gate": "x/y"}}),
        ({"containers": [{"name": "other", "image": "repo/x:v1"}]}, {"crash": {"container": "other"}}),
    ],
)
def test_an_action_means_the_pod_that_is_there_then(user: User, first: Raw, action: Raw) -> None:
    pod = bare_pod({})
    pod["spec"] |= first
    plan(user, pod, {"at": "3m", "object": "Pod/p", **action}, *ANOTHER)
    done = user.types("run", "scenario.yaml")
    assert done.returncode != 2
    assert "strikes nothing" not in done.stdout
    assert condition(user, "Ready", "12m")[0] == "True"


@pytest.mark.parametrize(
    ("first", "action", "what"),
    [
        (GATE, {"setGate": {"gate": "x/y"}}, "scheduling gate"),
        (READINESS, {"setReadinessGate": {"gate": "x/y"}}, "readiness gate"),
    ],
)
def test_a_gate_that_the_pod_of_the_name_does_not_have_then_is_told(
    user: User, first: Raw, action: Raw, what: str
) -> None:
    pod = bare_pod({})
    pod["spec"] |= first
    plan(user, pod, *ANOTHER, {"at": "15m", "object": "Pod/p", **action})
    done = user.types("run", "scenario.yaml")
    assert done.returncode == 1
    assert f"strikes nothing: the pods that matched have no {what} x/y" in " ".join(done.stdout.split())


@pytest.mark.parametrize("metadata", [None, "p", {"name": "p", "namespace": "prod", "finalizers": 5}])
def test_metadata_of_a_pod_that_is_wrong_is_told(user: User, metadata: Any) -> None:
    user.plans({**bare_pod({}), "metadata": metadata}, cluster="1x8")
    done = user.types("run", "scenario.yaml")
    assert done.returncode == 2
    assert "manifest.yaml:" in done.stderr
    assert "metadata" in done.stderr


def test_an_object_whose_finalizers_are_no_list_can_be_deleted(user: User) -> None:
    odd = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c", "finalizers": 5}}
    gone = {"at": "1m", "deleteObject": "ConfigMap/c"}
    user.plans(deployment({}), odd, cluster="1x8", actions=[gone])
    assert user.types("run", "scenario.yaml").returncode in (0, 1)


def test_an_update_whose_next_pod_needs_the_name_of_one_that_stays_says_so(user: User) -> None:
    kept = stateful_set({"image": "repo/web:v1"}, replicas=2)
    kept["spec"]["template"]["metadata"]["finalizers"] = ["example.com/checked"]
    for horizon in "settled", "1h":
        user.plans(kept, cluster="2x8", initial="running", update={"newRevision": True}, horizon=horizon)
        _, result = user.runs()
        told = "chat-1 stays for its finalizer example.com/checked; taking it away would let it go on"
        assert told in result["verdict"]["sentence"]


def test_so_does_one_that_waits_for_a_pod_that_does_not_stop(user: User) -> None:
    """A pull is not cut short by the deletion of its pod, and this one never ends."""
    waits = deployment({"image": "repo/web:v1"}, replicas=1)
    waits["spec"]["strategy"] = {"type": "Recreate"}
    user.plans(
        waits,
        cluster="2x8",
        initial="empty",
        timings={"profile": "zero", "imageCold": "never"},
        actions=[{"at": "1m", "apply": {"newRevision": True}}],
    )
    _, result = user.runs()
    assert "chat-0 does not stop (in image repo/web:v1)" in result["verdict"]["sentence"]

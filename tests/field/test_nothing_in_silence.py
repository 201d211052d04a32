"""What would matter and is not simulated is said, with its line, by every command that predicts something of it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from field.user import Raw, User, asking, bare_pod, both, deployment, kubeinfer, replica_set

NODES = "4x8"
CLUSTER = {
    "apiVersion": "kubeinfer-sim/v1",
    "kind": "Cluster",
    "metadata": {"name": "w"},
    "spec": {"pools": [{"name": "w", "count": 4, "allocatable": {"cpu": 64}}]},
}
AGAIN = {"update": {"newRevision": True}, "initial": "running", "horizon": "1h"}
#: What a pod template asks for, and words that the warning has.
UNSIMULATED = {
    "another-scheduler": ({"schedulerName": "nobody"}, "no scheduler of this name"),
    "disk": (
        {"volumes": [{"name": "d", "cinder": {"volumeID": "d"}}]},
        "Multi-Attach",
    ),
}


def template_of(workload: Raw) -> Raw:
    spec = workload["spec"]["template"]
    found: Raw = spec if workload["kind"] == "Deployment" else spec["spec"]["roles"][0]["template"]
    return found


def told(text: str) -> str:
    return " ".join(text.split())


@both
@pytest.mark.parametrize("name", UNSIMULATED)
def test_a_field_that_would_matter_is_a_warning_with_its_line(
    user: User, workload: Callable[..., Any], name: str
) -> None:
    fields, words = UNSIMULATED[name]
    user.plans(workload(asking(npu=8), **fields), cluster=NODES, **AGAIN)
    _, result = user.runs()
    (warning,) = result["warnings"]
    assert re.match(rf"manifest\.yaml:\d+:\d+: warning: spec\.\S+: not simulated: .*{words}", warning)
    assert words in told(user.types("validate", "manifest.yaml").stdout)


@both
@pytest.mark.parametrize(
    ("annotation", "value"),
    [
        ("scheduling.volcano.sh/group-min-member", "2"),
        ("scheduling.volcano.sh/group-name", "gang"),
        ("volcano.sh/queue-name", "research"),
        ("huawei.com/schedule_policy", "chip8-node8-sp"),
        ("huawei.com/schedule_minAvailable", "2"),
        ("hami.io/gpu-scheduler-policy", "binpack"),
        ("nvidia.com/nouse-gputype", "A100"),
        ("nvidia.com/vgpu-mode", "mig"),
        ("huawei.com/vnpu-mode", "hami-core"),
        ("gang.scheduling.koordinator.sh/min-available", "2"),
        ("kueue.x-k8s.io/pod-group-name", "gang"),
    ],
)
def test_an_annotation_that_a_scheduler_acts_on_is_a_warning(
    user: User, workload: Callable[..., Any], annotation: str, value: str
) -> None:
    made = workload(asking(npu=8))
    template_of(made)["metadata"]["annotations"] = {annotation: value}
    user.plans(made, cluster=NODES, **AGAIN)
    _, result = user.runs()
    (warning,) = result["warnings"]
    assert f"[{annotation}]: not simulated" in warning


@both
@pytest.mark.parametrize(
    ("label", "value"),
    [
        ("fault-scheduling", "grace"),
        ("pod-rescheduling", "on"),
        ("tor-affinity", "normal-schema"),
        ("vnpu-level", "low"),
    ],
)
def test_so_is_a_label_of_mindcluster(
    user: User, workload: Callable[..., Any], label: str, value: str
) -> None:
    user.plans(workload(asking(npu=8), labels={label: value}), cluster=NODES, **AGAIN)
    (warning,) = user.runs()[1]["warnings"]
    assert f"labels.{label}: not simulated" in warning


@both
@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("Job", "it has pods of its own"),
        ("ReplicationController", "it has pods of its own"),
        ("ClusterQueue", "a queue holds pods back"),
        ("ValidatingWebhookConfiguration", "may change or refuse pods"),
        ("Node", "an object alone has no kubelet"),
        ("Gadget", "what acts on this kind is not known here"),
    ],
)
def test_an_object_of_another_kind_is_one_warning_in_every_command(
    user: User, workload: Callable[..., Any], kind: str, words: str
) -> None:
    beside = {"apiVersion": "example.com/v1", "kind": kind, "metadata": {"name": "x", "namespace": "prod"}}
    made = workload(asking(npu=8))
    user.plans(made, beside, cluster=NODES, **AGAIN)
    user.has("old.yaml", made)
    for done in (
        user.types("run", "scenario.yaml"),
        user.types("validate", "manifest.yaml"),
        user.types("rollout", "old.yaml", "manifest.yaml", "--nodes", NODES),
        user.types("diff", "old.yaml", "manifest.yaml"),
        user.types("compare", "scenario.yaml", "--vary", "nodes=4,5", "--seeds", "1"),
    ):
        said = told(done.stdout + done.stderr)
        assert said.count(f"{kind} x is not simulated: ") == 1
        assert words in said
        assert "skipped" not in said


@both
def test_what_changes_nothing_is_no_warning(user: User, workload: Callable[..., Any]) -> None:
    made = workload(
        asking(npu=8),
        dnsPolicy="Default",
        securityContext={"runAsUser": 1000},
        serviceAccountName="chat",
        schedulerName="volcano",
        terminationGracePeriodSeconds=0,
        os={"name": "linux"},
    )
    template_of(made)["metadata"]["annotations"] = {
        "prometheus.io/scrape": "true",
        "scheduling.volcano.sh/group-min-member": "1",
    }
    template_of(made)["metadata"]["labels"]["ring-controller.atlas"] = "ascend-910b"
    beside = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c", "namespace": "prod"}}
    user.plans(made, beside, cluster=NODES, **AGAIN)
    _, result = user.runs()
    assert result["warnings"] == []


@both
@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"os": {"name": "windows"}}, "PodOSNotSupported"),
        ({"resourceClaims": [{"name": "npu", "resourceClaimName": "npu"}]}, "dynamic resource allocation"),
    ],
)
def test_where_a_prediction_would_be_worthless_there_is_none(
    user: User, workload: Callable[..., Any], fields: Raw, words: str
) -> None:
    user.plans(workload(asking(npu=8), **fields), cluster=NODES, **AGAIN)
    done, _ = user.runs()
    assert done.returncode == 2
    assert words in told(done.stderr)


def scaler(kind: str, target: str, version: str = "autoscaling/v2") -> Raw:
    return {
        "apiVersion": version,
        "kind": kind,
        "metadata": {"name": "chat", "namespace": "prod"},
        "spec": {"minReplicas": 4, "maxReplicas": 8, "scaleTargetRef": {"kind": target, "name": "chat"}},
    }


@both
def test_an_autoscaler_of_the_workload_is_a_warning(user: User, workload: Callable[..., Any]) -> None:
    made = workload(asking(npu=8))
    user.plans(made, scaler("HorizontalPodAutoscaler", made["kind"]), cluster=NODES, **AGAIN)
    done, _ = user.runs()
    assert "HorizontalPodAutoscaler chat" in told(done.stdout)


@pytest.mark.parametrize(("written", "kept"), [(None, 4), (1, 4), (6, 6), (20, 8), (0, 0)])
def test_an_autoscaler_keeps_the_replicas_of_its_deployment_within_its_bounds(
    user: User, written: int | None, kept: int
) -> None:
    made = deployment(asking(cpu=1))
    if written is None:
        del made["spec"]["replicas"]
    else:
        made["spec"]["replicas"] = written
    hpa = scaler("HorizontalPodAutoscaler", "Deployment")
    user.plans(made, hpa, cluster=CLUSTER["spec"], **AGAIN)
    assert len(user.pods()) == kept
    user.has("both.yaml", made, hpa)
    user.has("cluster.yaml", CLUSTER)
    command = ["rollout", "both.yaml", "--cluster", "cluster.yaml", "--horizon", "1h"]
    assert f"{kept} pods · " in told(user.types(*command).stdout)
    user.plans(
        made, hpa, cluster="cluster.yaml", update={"path": "both.yaml"}, initial="running", horizon="1h"
    )
    assert len(user.pods()) == kept


@both
def test_an_autoscaler_of_something_else_is_none(user: User, workload: Callable[..., Any]) -> None:
    made = workload(asking(npu=8))
    user.plans(made, scaler("HorizontalPodAutoscaler", "StatefulSet"), cluster=NODES, **AGAIN)
    _, result = user.runs()
    assert result["warnings"] == []


@both
def test_rollout_diff_and_compare_say_it_as_validate_does(user: User, workload: Callable[..., Any]) -> None:
    old = workload(asking(npu=8))
    new = workload(asking(npu=8), schedulerName="nobody")
    user.has("old.yaml", old)
    # In the new version only, in a List, in the second document.
    user.has("new.yaml", {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}}, listed(new))
    assert "no scheduler of this name" in told(user.types("validate", "new.yaml").stdout)
    user.types("rollout", "old.yaml", "new.yaml", "--nodes", "4x8", "--json", "result.json")
    (warning,) = json.loads((user.folder / "result.json").read_text(encoding="utf-8"))["warnings"]
    assert re.match(r"new\.yaml:\d+:\d+: warning: items\[0\]\.spec\S+: not simulated: ", warning) or re.match(
        r"new\.yaml:\d+:\d+: warning: spec\S+: not simulated: ", warning
    )
    differing = user.types("diff", "old.yaml", "new.yaml")
    assert "no scheduler of this name" in told(differing.stdout + differing.stderr)
    user.plans(old, cluster=NODES, update={"path": "new.yaml"}, initial="running", horizon="1h")
    compared = user.types("compare", "scenario.yaml", "--vary", "maxSurge=0,1", "--seeds", "1")
    assert "no scheduler of this name" in told(compared.stdout + compared.stderr)


def service(app: str, **spec: Any) -> Raw:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": app, "namespace": "prod"},
        "spec": {"selector": {"app": app}, "ports": [{"port": 80}], **spec},
    }


@both
def test_what_an_action_creates_is_warned_of_as_what_a_file_holds(
    user: User, workload: Callable[..., Any]
) -> None:
    quota = {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"name": "q", "namespace": "prod"},
        "spec": {"hard": {"count/jobs.batch": "1"}},
    }
    made = [service("chat", sessionAffinity="ClientIP"), quota]
    actions = [{"at": "1m", "create": made}]
    user.plans(workload(asking(npu=8)), cluster=NODES, initial="running", actions=actions, horizon="1h")
    of_quota, of_service = user.runs()[1]["warnings"]
    assert "create[1].spec.hard[count/jobs.batch]: not simulated" in of_quota
    assert "Service chat: spec.sessionAffinity: not simulated: requests of one client" in of_service


@both
def test_however_many_there_are_every_command_has_all_of_them(
    user: User, workload: Callable[..., Any]
) -> None:
    made = workload(
        asking(npu=8),
        labels={"fault-scheduling": "grace", "tor-affinity": "large-model-schema"},
        schedulerName="nobody",
    )
    keys = ("huawei.com/schedule_policy", "sp-block", "kueue.x-k8s.io/queue-name", "linkerd.io/inject")
    template_of(made)["metadata"]["annotations"] = dict.fromkeys(keys, "16")
    beside: list[Raw] = [
        {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "x", "namespace": "prod"}},
        {
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": {"name": "prod", "labels": {"istio-injection": "enabled"}},
        },
        {
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": {"name": "other", "labels": {"istio-injection": "enabled"}},
        },
        service("chat", sessionAffinity="ClientIP", internalTrafficPolicy="Local"),
        service("web", sessionAffinity="ClientIP"),
    ]
    user.plans(made, *beside, cluster=NODES, **AGAIN)
    checked = json.loads(user.types("validate", "manifest.yaml", "-o", "json").stdout)
    places = {
        f"manifest.yaml:{each['line']}:{each['column']}"
        for each in checked["findings"]
        if each["code"] == "not-simulated"
    }
    assert len(places) == 11
    again = ["rollout", "manifest.yaml", "--nodes", NODES, "--horizon", "1h"]
    knob = ["compare", "scenario.yaml", "--vary", "nodes=4,5", "--seeds", "1"]
    for command in (["run", "scenario.yaml"], ["run", "scenario.yaml", "-n", "2"], again, knob):
        document = json.loads(user.types(*command, "-o", "json").stdout)
        told = {each.partition(": ")[0] for each in document["warnings"] if "not simulated" in each}
        assert told == places
        for form in "text", "markdown":
            done = user.types(*command, "-o", form)
            assert all(place in done.stdout + done.stderr for place in places)
    assert "Job x (manifest.yaml:" in user.types("run", "scenario.yaml", "-o", "markdown").stdout
    done = user.types("diff", "manifest.yaml", "manifest.yaml")
    assert all(place in done.stderr for place in places)


def test_a_diff_says_which_objects_it_does_not_compare(user: User) -> None:
    """Nothing rolls out a ReplicaSet or a Pod by itself."""
    for name, image in (("old.yaml", "repo/vllm:v1"), ("new.yaml", "repo/vllm:v2")):
        user.has(name, replica_set({"image": image}), bare_pod({"image": image}))
    done = user.types("diff", "old.yaml", "new.yaml", "--json", "diff.json")
    assert done.stderr.strip() == "not compared: ReplicaSet chat, Pod p"
    document = json.loads((user.folder / "diff.json").read_text(encoding="utf-8"))
    assert (document["kubeinfers"], document["deployments"]) == ([], [])


def listed(*objects: Raw) -> Raw:
    return {"apiVersion": "v1", "kind": "List", "items": list(objects)}


@both
def test_a_patch_that_brings_it_is_a_warning_and_a_new_revision_none_more(
    user: User, workload: Callable[..., Any]
) -> None:
    made = workload(asking(npu=8), schedulerName="nobody")
    user.plans(made, cluster=NODES, **AGAIN)
    assert len(user.runs()[1]["warnings"]) == 1
    patched = {
        **AGAIN,
        "update": {"patch": {"spec": {"template": {"metadata": {"labels": {"app": "chat", "v": "2"}}}}}},
    }
    user.plans(workload(asking(npu=8)), cluster=NODES, **patched)
    assert user.runs()[1]["warnings"] == []


def test_a_kubeinfer_without_any_accelerator_is_a_warning_everywhere(user: User) -> None:
    user.has("old.yaml", kubeinfer({}))
    for command in (["validate", "old.yaml"], ["rollout", "old.yaml", "--nodes", "4x8"]):
        assert "asks for no NPU or other accelerator" in told(user.types(*command).stdout)


@pytest.mark.parametrize(("image", "warned"), [("repo/vllm:v1", True), ("repo/router:v1", False)])
def test_of_deployments_only_those_of_model_servers_are_told(user: User, image: str, warned: bool) -> None:
    user.has("old.yaml", deployment({"image": image}))
    printed = told(user.types("validate", "old.yaml").stdout)
    assert ("asks for no NPU or other accelerator" in printed) is warned


@both
def test_pods_whose_scheduler_nobody_runs_stay_pending_for_ever(
    user: User, workload: Callable[..., Any]
) -> None:
    made = workload(asking(npu=8), schedulerName="nobody", replicas=2)
    user.plans(made, cluster=NODES, initial="empty")
    done, result = user.runs()
    assert done.returncode == 1
    assert "no scheduler nobody runs, which chat-0" in result["verdict"]["sentence"]
    pods = user.pods()
    assert [(each["phase"], each["node"]) for each in pods] == [("Pending", "")] * len(pods)
    assert all(each["conditions"] == [] for each in pods), "no scheduler has written PodScheduled"
    user.plans(made, cluster=NODES, initial="empty", schedulers=["nobody"])
    done, result = user.runs()
    assert done.returncode == 0
    assert result["warnings"] == []


@both
def test_an_update_to_a_scheduler_that_nobody_runs_never_finishes(
    user: User, workload: Callable[..., Any]
) -> None:
    named = workload(asking(npu=8), schedulerName="nobody", surge=1)
    user.has("named.yaml", named)
    user.plans(workload(asking(npu=8), surge=1), cluster="8x8", update={"path": "named.yaml"})
    done, result = user.runs()
    assert done.returncode == 1
    assert "no scheduler nobody runs" in result["verdict"]["sentence"]
    assert result["verdict"]["outcome"] == "neverFinishes"
    on_node = workload(asking(npu=8), schedulerName="nobody", replicas=1, nodeName="node-0")
    user.plans(on_node, cluster=NODES, initial="empty")
    assert user.runs()[0].returncode == 0, "a pod that names its node asks no scheduler"

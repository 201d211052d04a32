"""What waits for ever says what somebody could do about it: in the verdict and in `why`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from field.user import Raw, User, asking, bare_pod, both, daemon_set, deployment, kubeinfer

NPUS = asking(npu=8)
POOL = {"pools": [{"name": "a", "count": 2, "allocatable": {"huawei.com/ascend-1980": 8}}]}


def volume(**source: Any) -> Raw:
    return {"volumes": [{"name": "v", **source}]}


def policy(kind: str, spec: Raw, version: str = "v1") -> Raw:
    return {
        "apiVersion": version,
        "kind": kind,
        "metadata": {"name": "o", "namespace": "prod"},
        "spec": spec,
    }


CONFIG = {"env": [{"name": "X", "valueFrom": {"configMapKeyRef": {"name": "cm", "key": "x"}}}]}
EMPTY_CONFIG = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "cm", "namespace": "prod"}}
STARTUP = {"startupProbe": {"tcpSocket": {"port": 1}, "periodSeconds": 10, "failureThreshold": 3}}
READINESS = {"readinessProbe": {"tcpSocket": {"port": 1}, "periodSeconds": 10, "failureThreshold": 3}}
LIMITS = {"limits": [{"type": "Container", "max": {"huawei.com/ascend-1980": "4"}}]}
#: What is awaited: the container's fields, the pod's, other objects, the scenario's fields; and what would help.
WAITS: dict[str, tuple[Raw, Raw, tuple[Raw, ...], Raw, str]] = {
    "a ConfigMap": (CONFIG, {}, (), {"absent": ["ConfigMap/cm"]}, "creating it"),
    "a key": (CONFIG, {}, (EMPTY_CONFIG,), {}, "adding the key"),
    "a key of a volume": (
        {},
        volume(configMap={"name": "cm", "items": [{"key": "x", "path": "x"}]}),
        (EMPTY_CONFIG,),
        {},
        "adding the key",
    ),
    "a Secret": ({}, volume(secret={"secretName": "s"}), (), {"absent": ["Secret/s"]}, "creating it"),
    "a claim": (
        {},
        volume(persistentVolumeClaim={"claimName": "c"}),
        (),
        {"absent": ["PersistentVolumeClaim/c"]},
        "creating the claim",
    ),
    "a PriorityClass": (
        {},
        {"priorityClassName": "hi"},
        (),
        {"absent": ["PriorityClass/hi"]},
        "creating the PriorityClass",
    ),
    "a scheduler": ({}, {"schedulerName": "nobody"}, (), {}, "starting that scheduler"),
    "a quota": (
        {},
        {},
        (policy("ResourceQuota", {"hard": {"pods": "1"}}),),
        {},
        "raising the quota or deleting what it counts",
    ),
    "a LimitRange": ({}, {}, (policy("LimitRange", LIMITS),), {}, "an update that keeps to the LimitRange"),
    "a scheduling gate": ({}, {"schedulingGates": [{"name": "x/y"}]}, (), {}, "opening the gate"),
    "a readiness gate": ({}, {"readinessGates": [{"conditionType": "x/y"}]}, (), {}, "setting it to True"),
    "an image": (
        {},
        {},
        (),
        {"actions": [{"at": "0s", "imageFault": {}}]},
        "a registry that gives it, or an update with another image,",
    ),
    "an image nobody loads": ({"imagePullPolicy": "Never"}, {}, (), {}, "loading the image on the node"),
    "an image without a name": ({"image": "Repo/Vllm:v1"}, {}, (), {}, "an update with another image"),
    "labels": ({}, {"nodeSelector": {"a": "b"}}, (), {"cluster": POOL}, "labelling a node so or more nodes"),
    "a larger node": (asking(npu=16), {}, (), {}, "; larger nodes"),
    "its startup probe": (
        STARTUP,
        {},
        (),
        {"timings": {"profile": "zero", "warmUp": "10m"}},
        "an engine that answers within its startup window",
    ),
}


@both
@pytest.mark.parametrize("name", WAITS)
def test_what_waits_for_ever_says_in_verdict_and_why_what_would_let_it_go_on(
    user: User, workload: Callable[..., Raw], name: str
) -> None:
    container, pod, others, spec, way = WAITS[name]
    made = workload({**NPUS, **container}, replicas=2, **pod)
    user.plans(made, *others, **{"cluster": "2x8", "initial": "empty", "horizon": "1h", **spec})
    done, result = user.runs()
    assert done.returncode == 1
    verdict = result["verdict"]["sentence"]
    assert way in verdict
    assert "would let it go on" in verdict
    why = " ".join(user.types("why", "scenario.yaml", "--at", "30m").stdout.split())
    # Of all pods, not of the first alone.
    assert why.count(way) == (
        1 if "refused" in verdict and ("quota" in name or workload is deployment) else 2
    )


CLOSED = {
    "cordoned": ({"cordon": {"nodes": ["a-0", "a-1"]}}, "uncordoning a-0 or more nodes"),
    "tainted": (
        {"taint": {"key": "k", "effect": "NoExecute", "pool": "a"}},
        "removing or tolerating the taint or more nodes",
    ),
}


@both
@pytest.mark.parametrize("name", CLOSED)
def test_nodes_that_are_closed_are_opened(user: User, workload: Callable[..., Raw], name: str) -> None:
    action, way = CLOSED[name]
    made = workload(NPUS, replicas=1)
    lost = {"at": "2m", "object": f"{made['kind']}/chat", "deletePod": {}}
    user.plans(made, cluster=POOL, actions=[{"at": "1m", **action}, lost], horizon="1h")
    assert f"; {way} would let it go on" in user.runs()[1]["verdict"]["sentence"]


@both
def test_an_update_that_makes_room_only_after_it_has_found_some_is_told_the_other_budget(
    user: User, workload: Callable[..., Raw]
) -> None:
    made = workload(NPUS, replicas=2, surge=1)
    noun = "instance" if workload is kubeinfer else "pod"
    change = {"container": "engine", "image": "repo/vllm:v2"}
    update = {"at": "1m", "object": f"{made['kind']}/chat", "setImage": change}
    user.plans(made, cluster="2x8", actions=[update])
    sentence = user.runs()[1]["verdict"]["sentence"]
    assert (
        f"fewer pods there or more nodes would let it go on; with maxUnavailable 1 an old {noun} would"
        in sentence
    )
    # Cordoned nodes give it no room either way.
    user.plans(made, cluster=POOL, actions=[{"at": "1m", "cordon": {"nodes": ["a-0", "a-1"]}}, update])
    assert "maxUnavailable" not in user.runs()[1]["verdict"]["sentence"]


@both
def test_a_pod_that_stays_for_its_finalizer_says_so(user: User, workload: Callable[..., Raw]) -> None:
    made = workload(NPUS, replicas=2)
    spec = made["spec"]["template"]
    template = spec["spec"]["roles"][0]["template"] if workload is kubeinfer else spec
    template["metadata"]["finalizers"] = ["x/y"]
    user.plans(made, cluster="2x8", actions=[{"at": "10s", "scale": 1}], horizon="1h")
    done, result = user.runs()
    words = "stays for its finalizer x/y; taking it away would let it go on"
    assert words in " ".join(user.types("why", "scenario.yaml", "--at", "1m").stdout.split())
    # A Deployment does not wait for pods that go.
    assert (done.returncode, words in result["verdict"]["sentence"]) == (
        (1, True) if workload is kubeinfer else (0, False)
    )


def test_a_pod_without_a_controller_says_so_too(user: User) -> None:
    user.plans(
        bare_pod({**NPUS, **CONFIG}), cluster="1x8", initial="empty", absent=["ConfigMap/cm"], horizon="1h"
    )
    assert "creating it would let it go on" in user.runs()[1]["verdict"]["sentence"]


def test_pods_of_a_deployment_that_are_refused_are_told_by_why_also_when_none_exists(user: User) -> None:
    user.plans(
        deployment(NPUS, replicas=2),
        policy("ResourceQuota", {"hard": {"pods": "1"}}),
        cluster="2x8",
        initial="empty",
        actions=[{"at": "10m", "deleteObject": "ResourceQuota/o"}],
        horizon="1h",
    )

    def said(at: str) -> str:
        return " ".join(user.types("why", "scenario.yaml", "--at", at).stdout.split())

    assert "Pods of Deployment chat are refused (FailedCreate) since 0s: " in said("1m")
    assert "refused" not in said("50m")


BUDGET = policy(
    "PodDisruptionBudget", {"selector": {"matchLabels": {"app": "chat"}}, "minAvailable": 2}, "policy/v1"
)


@both
def test_a_budget_that_holds_a_drain_names_the_pods_that_it_lacks(
    user: User, workload: Callable[..., Raw]
) -> None:
    made = workload({**NPUS, **READINESS}, replicas=3)
    which = {"instances": [1]} if workload is kubeinfer else {"pods": [1]}
    sick = {"at": "1m", "object": f"{made['kind']}/chat", "health": {**which, "probes": ["readiness"]}}
    user.plans(made, BUDGET, cluster="4x8", actions=[sick, {"at": "5m", "drain": "node-0"}], horizon="1h")
    name = "chat-1-serve-0" if workload is kubeinfer else "chat-1"
    verdict = user.runs()[1]["verdict"]["sentence"]
    assert f"needs 2 healthy pods and has 2 currently; not healthy: {name}; more healthy pods" in verdict
    assert "ReadinessProbeFailed; an engine that answers its readiness probe would let it go on" in verdict
    assert f"not healthy: {name}" in " ".join(user.types("why", "scenario.yaml", "--at", "8m").stdout.split())


def test_more_healthy_pods_are_no_way_out_of_a_budget_that_grows_with_them(user: User) -> None:
    drained = {"cluster": "4x8", "actions": [{"at": "5m", "drain": "node-0"}], "horizon": "1h"}
    budget = policy("PodDisruptionBudget", {**BUDGET["spec"], "minAvailable": "100%"}, "policy/v1")
    # 429 for good: of a KubeInfer's instances nothing says how many there should be.
    for made in (deployment(NPUS, replicas=3), kubeinfer(NPUS, replicas=3)):
        user.plans(made, budget, **drained)
        sentence = user.runs()[1]["verdict"]["sentence"]
        assert "; a looser budget or the deletion of the pod would let it go on" in sentence
        assert "more healthy pods" not in sentence


@both
def test_pods_that_must_not_be_beside_one_another_are_not_said_to_lack_room(
    user: User, workload: Callable[..., Raw]
) -> None:
    apart = {"topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": {"app": "chat"}}}
    terms = {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [apart]}}
    change = {"at": "1m", "setImage": {"container": "engine", "image": "repo/vllm:v2"}}
    made = workload(asking(npu=1), replicas=2, surge=1, affinity=terms)
    user.plans(made, cluster="2x8", actions=[{**change, "object": f"{made['kind']}/chat"}])
    sentence = user.runs()[1]["verdict"]["sentence"]
    assert (
        "no node takes such a pod: 2 node(s) didn't match pod anti-affinity rules; the end of a pod"
        in sentence
    )
    assert "is free" not in sentence


@both
def test_pods_that_may_be_beside_one_another_where_no_node_says_what_that_is_want_labels(
    user: User, workload: Callable[..., Raw]
) -> None:
    # Of others there have to be some: that no label gives.
    for app, way in (("chat", "labelling nodes with the topology key of its affinity"), ("other", "beside")):
        beside = {"topologyKey": "rack", "labelSelector": {"matchLabels": {"app": app}}}
        terms = {"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [beside]}}
        user.plans(workload(asking(npu=1), replicas=2, affinity=terms), cluster="2x8", initial="empty")
        sentence = user.runs()[1]["verdict"]["sentence"]
        assert f"{way} would let it go on" in sentence
        assert ("beside" in sentence) is (app == "other")


def test_nobody_labels_a_node_with_what_its_kubelet_says_of_it(user: User) -> None:
    for key, way in (("kubernetes.io/os", False), ("pool", True)):
        made = deployment(asking(npu=1), replicas=1, nodeSelector={key: "windows"})
        user.plans(made, cluster=POOL, initial="empty")
        assert ("labelling a node so" in user.runs()[1]["verdict"]["sentence"]) is way


@pytest.mark.parametrize("action", [{"drain": "node-2"}, {"kubeletRestart": "node-0"}])
@both
def test_what_happens_to_a_node_alone_leaves_pods_untouched_and_is_not_nothing(
    user: User, workload: Callable[..., Raw], action: Raw
) -> None:
    user.plans(workload(NPUS, replicas=1), cluster="3x8", actions=[{"at": "1m", **action}], horizon="1h")
    done, result = user.runs()
    assert done.returncode == 0
    assert result["verdict"]["sentence"] == (
        "The instance stays ready throughout."
        if workload is kubeinfer
        else "Deployment chat is not touched: 1 pod available."
    )


@both
def test_what_had_the_place_that_a_pod_waits_for_is_told(user: User, workload: Callable[..., Raw]) -> None:
    made = workload(NPUS, replicas=2)
    place = "chat-0-serve-0" if workload is kubeinfer else "chat-0"
    gone = {"at": "1m", "object": f"{made['kind']}/chat", "deletePod": {"pods": [0]}}
    if workload is kubeinfer:
        gone["deletePod"] = {"instances": [0]}
    user.plans(made, cluster="2x8", actions=[gone], timings={"profile": "zero", "exit": "20s"})
    said = " ".join(user.types("why", "scenario.yaml", "--at", "70s").stdout.split())
    assert f"1m20s {place} is gone, 8 NPUs free" in said
    if workload is deployment:  # its successor is there already
        waits, _, rest = said.partition("chat-2: waiting for a place since 1m, until 1m20s")
        assert rest, waits
        assert rest.index("1m chat-0 is deleted") < rest.index("Ready at 1m20s")
        assert rest.index("1m20s chat-0 is gone") < rest.index("1m20s chat-2: 1 pod placed on node-0")


@both
@pytest.mark.parametrize(
    ("probes", "kind", "said"),
    [
        (["startup", "liveness"], "WatchdogFault", "StartupProbeFailed: 3 failures in a row, one every 10 s"),
        (["startup", "liveness"], "HbmFault", "StartupProbeFailed: 3 failures in a row, one every 10 s"),
        (["readiness"], "WatchdogFault", "ReadinessProbeFailed"),
        (["readiness"], "CardDrop", "Error, exit code 1"),
    ],
)
def test_a_broken_device_is_named_where_an_engine_hangs_on_it(
    user: User, workload: Callable[..., Any], probes: list[str], kind: str, said: str
) -> None:
    probe = {"tcpSocket": {"port": 1}, "periodSeconds": 10, "failureThreshold": 3}
    pods = workload({**asking(npu=8), **{f"{each}Probe": probe for each in probes}}, replicas=1)
    if workload is kubeinfer:
        pods["spec"]["template"]["spec"]["roles"][0]["recoveryPolicy"] = {"restart": "Custom"}
    fault = {"at": "10m", "fault": {"kind": kind, "nodes": ["node-0"], "clearsAfter": "90d", "repair": "90d"}}
    user.plans(
        pods,
        cluster="1x8",
        initial="running",
        actions=[fault],
        recovery={"rules": [{"action": "RestartContainer"}]},
        horizon="5h",
    )
    done, result = user.runs()
    assert done.returncode == 1
    told = result["verdict"]["sentence"]
    assert said in told
    way_out = "deleting the pod, and healthy devices elsewhere or the repair of its own, would let it go on"
    assert f"on account of {kind} of node-0/npu0; {way_out}" in told
    assert "startup window" not in told


@both
def test_of_a_node_that_is_down_its_return_is_awaited_and_the_end_of_taints_that_stay(
    user: User, workload: Callable[..., Raw]
) -> None:
    """Those of the node controller go by themselves; the one that says it is out of service somebody has to remove."""
    made = workload(NPUS, replicas=2)
    down: list[Raw] = [
        {"at": "10m", "nodeDown": "node-0"},
        {"at": "30m", "outOfService": {"nodes": ["node-0"]}},
    ]
    user.plans(made, cluster="2x8", initial="running", actions=down, horizon="2h")
    _, result = user.runs()
    why = " ".join(user.types("why", "scenario.yaml", "--at", "1h").stdout.split())
    way = "is free; the return of node-0 together with removing or tolerating the taint or more nodes would let it go on"
    for told in (result["verdict"]["sentence"], why):
        assert way in told
    # And so it is.
    back: list[Raw] = [{"at": "1h", "nodeUp": "node-0"}]
    user.plans(made, cluster="2x8", initial="running", actions=[*down, *back], horizon="2h")
    assert user.runs()[0].returncode == 1
    back.append({"at": "90m", "outOfService": {"nodes": ["node-0"], "ended": True}})
    user.plans(made, cluster="2x8", initial="running", actions=[*down, *back], horizon="2h")
    assert user.runs()[0].returncode == 0


def said_to_help(user: User) -> str:
    """What the verdict says would let go on what waits for a place."""
    sentence = user.runs()[1]["verdict"]["sentence"]
    return ways_of(sentence)[0]


def ways_of(sentence: str) -> list[str]:
    return [each.rpartition("; ")[2] for each in sentence.split(" would let it go on")[:-1]]


@both
@pytest.mark.parametrize(("free", "needed"), [(4, 2), (2, 2), (1, 2)])
def test_only_nodes_are_named_whose_uncordoning_is_enough_and_it_is(
    user: User, workload: Callable[..., Raw], free: int, needed: int
) -> None:
    """Of cordoned nodes those that are occupied, and those that are more than is needed, are left out."""
    made = workload(NPUS, replicas=1 if workload is kubeinfer else 2)
    if workload is kubeinfer:
        made["spec"]["template"]["spec"]["roles"][0]["replicas"] = needed
    nodes = [f"node-{number}" for number in range(2 + free)]
    grows = {
        "at": "1m",
        "object": f"{made['kind']}/chat",
        "scale": 2 if workload is kubeinfer else 2 + needed,
    }
    actions: list[Raw] = [{"at": "0s", "cordon": nodes}, grows]
    user.plans(made, cluster=f"{len(nodes)}x8", actions=actions, horizon="1h")
    occupied = {pod["node"] for pod in user.pods("30s")}
    way, _, more = said_to_help(user).partition(" or ")
    if workload is kubeinfer and free < needed:
        assert (way, more) == ("more nodes", "")
        return
    assert more == "more nodes"
    named = way.removeprefix("uncordoning ").split(" and ")
    assert len(named) == (needed if workload is kubeinfer else 1)
    assert occupied.isdisjoint(named)
    # What waits first goes on, and with one node less it does not.
    one = f"chat-{1 if workload is kubeinfer else 2}"
    for uncordoned, goes_on in ((named, True), (named[1:], False)):
        later = [{"at": "10m", "uncordon": uncordoned}] if uncordoned else []
        user.plans(made, cluster=f"{len(nodes)}x8", actions=[*actions, *later], horizon="1h")
        pods = [pod for pod in user.pods() if pod["name"].startswith(one)]
        assert all(bool(pod["node"]) is goes_on for pod in pods)


@both
def test_who_comes_first_takes_what_is_opened(user: User, workload: Callable[..., Raw]) -> None:
    """One node gives a place to the pod of higher priority that waits; the other one needs two."""
    made = workload(NPUS, replicas=1, priorityClassName="low")
    high = deployment(NPUS, replicas=1, priorityClassName="high", labels={"app": "high"})
    high["metadata"]["name"] = "high"
    high["spec"]["selector"] = {"matchLabels": {"app": "high"}}
    classes = [
        {
            "apiVersion": "scheduling.k8s.io/v1",
            "kind": "PriorityClass",
            "metadata": {"name": name},
            "value": value,
        }
        for name, value in (("low", 1), ("high", 2))
    ]
    scaled = [
        {"at": "1m", "object": name, "scale": 2} for name in (f"{made['kind']}/chat", "Deployment/high")
    ]
    user.plans(
        made,
        high,
        *classes,
        cluster="4x8",
        assumptions={"scheduler": "kube-scheduler"},
        actions=[{"at": "0s", "cordon": [f"node-{each}" for each in range(4)]}, *scaled],
        horizon="3h",
    )
    sentence = user.runs()[1]["verdict"]["sentence"]
    of_low, of_high = ways_of(sentence)
    assert of_low.count("node-") == 2
    assert of_high.startswith("uncordoning node-")
    assert of_high.count("node-") == 1


@both
def test_steps_of_which_all_are_needed_are_told_together(user: User, workload: Callable[..., Raw]) -> None:
    """The only other node is cordoned, and a pod without a controller fills it."""
    made = workload(NPUS, replicas=1)
    other = bare_pod(NPUS, labels={"app": "other"})
    actions = [
        {"at": "1m", "cordon": ["node-0", "node-1"]},
        {"at": "2m", "object": f"{made['kind']}/chat", "scale": 2},
    ]
    user.plans(made, other, cluster="2x8", actions=actions, horizon="1h")
    assert said_to_help(user) == "fewer pods there together with uncordoning node-1 or more nodes"


TAINTED = {
    "pools": [{**POOL["pools"][0], "taints": [{"key": "dedicated", "value": "x", "effect": "NoSchedule"}]}]
}


@both
def test_more_nodes_of_a_pool_have_the_taints_of_that_pool(user: User, workload: Callable[..., Raw]) -> None:
    """None of them would take the pod either, as the runs with spare nodes say."""
    user.plans(workload(NPUS), cluster=TAINTED, initial="empty")
    told = " ".join(user.types("run", "scenario.yaml", COLUMNS="500").stdout.split())
    assert "removing or tolerating the taint or more nodes without the taint would let it go on" in told
    assert "with none of what was tried: up to 64 more nodes" in told


@both
def test_more_nodes_have_the_pods_of_daemon_sets_with_the_ports_that_these_hold(
    user: User, workload: Callable[..., Raw]
) -> None:
    port = {"ports": [{"containerPort": 80, "hostPort": 80}]}
    agent = daemon_set({**port, "resources": {}})
    user.plans(agent, workload({**asking(npu=1), **port}), cluster="2x8", initial="empty")
    told = " ".join(user.types("run", "scenario.yaml", COLUMNS="500").stdout.split())
    assert "; an update that asks for another host port would let it go on" in told
    assert "more nodes would" not in told
    alone = User(user.folder)
    alone.plans(workload({**asking(npu=1), **port}), cluster="2x8", initial="empty")
    told = " ".join(alone.types("run", "scenario.yaml", COLUMNS="500").stdout.split())
    assert "more nodes would let it go on" in told, "of their own kind only, which takes one of each node"

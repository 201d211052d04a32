"""The register of kinds of sentences: each is rendered from a run, and its figures and names held against the record.

`test_sentences_are_true.py` has the checks, and scenarios at random; here are the shipped scenarios and small inputs for
what neither of these reaches.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from field.user import Raw, User, asking, bare_pod, deployment, kubeinfer
from testing.test_sentences_are_true import check_sentences, check_texts

from kubeinfer_sim.report.sentences import OF_ACCELERATORS, SENTENCES
from kubeinfer_sim.scenario.load import load_scenario
from kubeinfer_sim.simulation.simulate import simulate

ROOT = Path(__file__).parents[2]
NPUS = asking(npu=8)
POOL = {"pools": [{"name": "a", "count": 2, "allocatable": {"huawei.com/ascend-1980": 8, "cpu": 16}}]}
STARTUP = {"startupProbe": {"tcpSocket": {"port": 1}, "periodSeconds": 10, "failureThreshold": 3}}
READY = {"readinessProbe": {"tcpSocket": {"port": 1}, "periodSeconds": 1}}
LABEL = {"modelarts-infer-npu-reset-enable": "true"}
CONFIG = {"env": [{"name": "X", "valueFrom": {"configMapKeyRef": {"name": "cm", "key": "x"}}}]}
NEW_IMAGE = {
    "at": "1m",
    "object": "KubeInfer/chat",
    "setImage": {"container": "engine", "image": "repo/vllm:v2"},
}
TAINT = {"at": "1m", "taint": {"pool": "a", "key": "k", "effect": "NoExecute"}}


def broken(kind: str, **more: Any) -> Raw:
    return {"at": "1m", "fault": {"kind": kind, "node": "node-0", "npu": 3, **more}}


def role(name: str, container: Raw, *, replicas: int = 1, restart: str = "Custom") -> Raw:
    pods = {
        "metadata": {"labels": {"app": name}},
        "spec": {"containers": [{"name": "engine", "image": "repo/vllm:v1", **container}]},
    }
    recovery = {"type": "Restart", "restart": restart}
    return {"name": name, "replicas": replicas, "recoveryPolicy": recovery, "template": pods}


def of_roles(*roles: Raw) -> Raw:
    made = kubeinfer({}, replicas=1)
    made["spec"]["template"]["spec"]["roles"] = [*roles]
    return made


def with_finalizer(made: Raw) -> Raw:
    made["spec"]["template"]["metadata"]["finalizers"] = ["x/y"]
    return made


def named(made: Raw, name: str, priority: str) -> Raw:
    made["metadata"]["name"] = name
    made["spec"]["selector"]["matchLabels"] = made["spec"]["template"]["metadata"]["labels"] = {"app": name}
    made["spec"]["template"]["spec"]["priorityClassName"] = priority
    return made


QUOTA = {
    "apiVersion": "v1",
    "kind": "ResourceQuota",
    "metadata": {"name": "q", "namespace": "prod"},
    "spec": {"hard": {"pods": "1"}},
}
BUDGET = {
    "apiVersion": "policy/v1",
    "kind": "PodDisruptionBudget",
    "metadata": {"name": "keep", "namespace": "prod"},
    "spec": {"selector": {}, "minAvailable": 1},
}
#: Small inputs, each for the kinds it is named after: the manifest, and the scenario's fields.
INPUTS: dict[str, tuple[list[Raw], Raw]] = {
    "pulls that the registry keeps until they fail": (
        [kubeinfer(NPUS, replicas=1)],
        {
            "initial": "empty",
            "actions": [
                {"at": "0s", "imageFault": {"images": ["repo/vllm:v1"], "after": "2m", "lasts": "5m"}}
            ],
        },
    ),
    "a pod without a controller that a taint evicts": (
        [bare_pod(NPUS)],
        {"cluster": POOL, "actions": [TAINT]},
    ),
    "a crash loop": (
        [deployment({**NPUS, **STARTUP}, replicas=1)],
        {"initial": "empty", "timings": {"profile": "zero", "warmUp": "10m"}},
    ),
    "restarts that are counted": (
        [kubeinfer({**NPUS, **STARTUP}, replicas=1)],
        {
            "initial": "empty",
            "timings": {"profile": "zero", "warmUp": "10m"},
            "assumptions": {"maxRestarts": 2},
        },
    ),
    "gates": (
        [
            deployment(
                NPUS,
                replicas=1,
                schedulingGates=[{"name": "x/s"}],
                readinessGates=[{"conditionType": "x/r"}],
            )
        ],
        {
            "initial": "empty",
            "actions": [
                {"at": "1m", "object": "Deployment/chat", "setGate": {"gate": "x/s"}},
                {"at": "2m", "object": "Deployment/chat", "setReadinessGate": {"gate": "x/r"}},
            ],
        },
    ),
    "finalizers": (
        [with_finalizer(deployment(NPUS, replicas=1))],
        {
            "actions": [
                {"at": "1m", "object": "Deployment/chat", "scale": 0},
                {"at": "2m", "object": "Deployment/chat", "removeFinalizers": {}},
            ]
        },
    ),
    "a cordon of a node that is cordoned": (
        [kubeinfer(NPUS, replicas=1)],
        {"actions": [{"at": at, "cordon": "node-0"} for at in ("1m", "2m")]},
    ),
    "a node that is not there": ([bare_pod(NPUS, nodeName="gone")], {"initial": "empty"}),
    "a power cycle": (
        [kubeinfer(NPUS, replicas=1)],
        {
            "actions": [
                {"at": "1m", "nodeDown": "node-0"},
                {"at": "2m", "reboot": {"nodes": ["node-0"], "takes": "5m"}},
            ]
        },
    ),
    "an object that is missing": (
        [kubeinfer({**NPUS, **CONFIG}, replicas=1)],
        {"initial": "empty", "absent": ["ConfigMap/cm"]},
    ),
    "a preemption": (
        [named(deployment(NPUS, replicas=2), "low", "low")],
        {
            "cluster": "2x8",
            "priorityClasses": {"low": 1, "high": 1000},
            "actions": [{"at": "1m", "create": named(deployment(NPUS, replicas=1), "high", "high")}],
        },
    ),
    "a slow NPU": ([kubeinfer(NPUS, replicas=1)], {"actions": [broken("OverTemperature")]}),
    "a reset": ([kubeinfer(NPUS, replicas=1, labels=LABEL)], {"actions": [broken("NpuFault")]}),
    "a deadline": (
        [kubeinfer(NPUS, replicas=2)],
        {
            "timings": {"profile": "zero", "image": "6m"},
            "assumptions": {"progressDeadline": "60s"},
            "actions": [NEW_IMAGE],
        },
    ),
    "rejections without a pause": (
        [deployment(asking(cpu=10), replicas=2, nodeName="a-0")],
        {"cluster": POOL, "initial": "empty"},
    ),
    "an update that is aborted": (
        [kubeinfer(NPUS, replicas=2, surge=1)],
        {"cluster": "2x8", "assumptions": {"onStall": "abort"}, "actions": [NEW_IMAGE]},
    ),
    "a zone without nodes": (
        [kubeinfer(NPUS, replicas=2)],
        {"cluster": "2x8", "actions": [{"at": "1m", "nodeDown": {"nodes": ["node-0", "node-1"]}}]},
    ),
    "an eviction that is granted": (
        [kubeinfer(NPUS, replicas=1)],
        {"actions": [{"at": "1m", "evictPod": {}}]},
    ),
    "a drain that a budget lets go on": (
        [kubeinfer(NPUS, replicas=1), BUDGET],
        {
            "timings": {"profile": "zero", "exit": "20s"},
            "actions": [
                {"at": "1m", "drain": "node-0"},
                {"at": "2m", "deleteObject": "PodDisruptionBudget/keep"},
            ],
        },
    ),
    "pods that a quota refuses": (
        [kubeinfer(NPUS, replicas=2), QUOTA],
        {"initial": "empty"},
    ),
    "pods of a Deployment that a quota refuses": (
        [deployment(NPUS, replicas=2), QUOTA],
        {"initial": "empty"},
    ),
    "nodes that people change": (
        [kubeinfer(NPUS, replicas=1)],
        {
            "cluster": POOL,
            "actions": [
                {"at": "1m", "labelNodes": {"nodes": ["a-1"], "labels": {"x": "y"}}},
                {"at": "2m", "nodeDown": "a-0"},
                {"at": "3m", "outOfService": "a-0"},
                {"at": "20m", "removeNodes": ["a-0"]},
            ],
        },
    ),
    "a start that has no place": ([deployment(NPUS, replicas=3)], {"initial": "running"}),
    "what is refused, and what strikes nothing": (
        [deployment(NPUS, replicas=1)],
        {
            "actions": [
                {"at": "1m", "object": "Deployment/chat", "rollback": True},
                {"at": "2m", "object": "Deployment/chat", "deletePod": {"ready": False}},
            ]
        },
    ),
    "what an engine finishes after SIGTERM": (
        [kubeinfer({**NPUS, **STARTUP}, replicas=1)],
        {
            "initial": "empty",
            "timings": {"profile": "zero", "graphCold": "50s", "graphWarm": "1s", "exit": "30s"},
        },
    ),
    "pods given up for another, until the repair": (
        [
            of_roles(
                role("prefill", {**asking(npu=4), **READY}, replicas=4),
                role("decode", {**NPUS, **READY}),
            )
        ],
        {
            "cluster": "3x8",
            "timings": {"profile": "zero", "graph": "60s", "exit": "10s"},
            "recovery": {
                "rules": [
                    {"roles": ["decode"], "action": "Degrade", "isolate": "Node", "giveUp": ["prefill"]}
                ]
            },
            "actions": [
                {"at": "100s", "crash": {"roles": ["decode"]}},
                {"at": "30m", "uncordon": {"nodes": ["node-0", "node-1", "node-2"]}},
            ],
        },
    ),
    "NPUs that a rule takes out of service": (
        [of_roles(role("serve", {**NPUS, **READY}))],
        {
            "recovery": {"rules": [{"action": "RecreateInstance", "isolate": "Device"}]},
            "actions": [{"at": "1m", "crash": {}}],
        },
    ),
    "a pod that is well again before a rule's delay is over": (
        [of_roles(role("serve", {**NPUS, **READY}))],
        {
            "timings": {"profile": "zero", "graph": "20s"},
            "recovery": {"rules": [{"action": "RecreateInstance", "delay": "5m"}]},
            "actions": [{"at": "1m", "crash": {}}],
        },
    ),
    "a report that comes while the instance is made anew": (
        [kubeinfer({**NPUS, **READY}, replicas=1, labels=LABEL)],
        {
            "cluster": "1x8",
            "timings": {"profile": "zero", "weights": "100s"},
            "actions": [broken("NpuFault")],
        },
    ),
    "failures that nobody explains": (
        [of_roles(role("serve", {**NPUS, **READY}, replicas=2, restart="Instance"))],
        {
            "horizon": "4h",
            "cluster": "3x8",
            "timings": {"profile": "zero", "graph": "60s", "exit": "5s"},
            "assumptions": {"silentFaults": True},
            "actions": [{"at": f"{at}m", "crash": {"nodes": ["node-0"]}} for at in (10, 60, 110)],
        },
    ),
}


def test_each_kind_of_sentence_is_rendered_from_a_run_and_says_what_its_record_says(tmp_path: Path) -> None:
    user = User(tmp_path)
    seen: Counter[str] = Counter()
    files = sorted((ROOT / "scenarios").glob("*.yaml"))
    for path in files:
        run = simulate(load_scenario(str(path)))
        check_sentences(run, seen)
    for objects, fields in INPUTS.values():
        user.plans(*objects, **{"cluster": "2x8", "horizon": "1h", **fields})
        run = simulate(load_scenario(str(user.folder / "scenario.yaml")))
        check_sentences(run, seen)
        check_texts(run)
    kinds = {each.__name__ for each in (*SENTENCES, *OF_ACCELERATORS)}
    assert not kinds - seen.keys(), " ".join(sorted(kinds - seen.keys()))

"""The files that are mutated, and how each is used on the command line."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from random import Random

from kubectl_objects import listed, node, pod

ROOT = Path(__file__).parents[2]

#: One scenario with everything at once: every kind of file it can name, and every part of a spec.
EVERYTHING = """\
apiVersion: kubeinfer-sim/v1
kind: Scenario
metadata: {name: everything}
spec:
  manifest: {path: both.yaml, set: {replicas: 3, image: "repo/vllm:v1"}}
  cluster: lab.yaml
  update: {set: {image: "repo/vllm:v2"}}
  actions:
  - {at: 4m, scale: 4}
  - {at: 5m, fault: {kind: NpuFault, node: a-0, npu: 3}}
  - {at: 6m, health: {roles: [decode], instances: [0], flapping: 0.3, lasts: 5m}}
  - {at: 7m, object: Deployment/router, apply: {newRevision: true}}
  - {at: 9m, drain: {nodes: [a-1], timeout: 10m}}
  - {at: 10m, crash: {roles: [prefill], reason: OOMKilled}}
  - {at: 12m, imageFault: {lasts: 3m}}
  - {at: 13m, nodeDown: {nodes: [a-2], mode: cutOff, lasts: 8m}}
  - {at: 14m, uncordon: {pool: a}}
  - {at: 15m, patch: {spec: {strategy: {rollingUpdate: {maxUnavailable: 1}}}}}
  - {at: 16m, fault: {kind: SubHealth, random: busyNpu, factor: 0.4, clearsAfter: 5m}}
  - {at: 17m, fault: {kind: StorageSlow, factor: 0.2, clearsAfter: 5m}}
  - {at: 20m, reboot: {nodes: [a-3], takes: 3m}}
  - {at: 25m, forceDelete: {instances: [1]}}
  - {at: 30m, rollback: true}
  - {at: 40m, pause: true, object: Deployment/router}
  - {at: 45m, resume: true, object: Deployment/router}
  timings:
    file: timings.yaml
    weightsLocal: {lognormal: {p50: 1m, p95: 2m}}
    graphCold: {empirical: {csv: times.csv, column: load, unit: s}}
    roles: {decode: {warmUp: {mixture: [{weight: 9, value: 30s}, {weight: 1, value: {exponential: 1m}}]}}}
  transfers:
    registry: {bandwidth: 10Gbit/s, perClient: 55MB/s}
    imageSizes: {"repo/vllm:v1": 16GB}
    storage: {bandwidth: 5GB/s}
    weightsSizes: {decode: 350GB}
    parallelPulls: 2
  assumptions: {replacement: TerminationStarted, peerLossTimeout: 3m, preemption: true, backoff: [0s, 10s]}
  recovery: rules.yaml
  priorityClasses: {high: 1000}
  faults:
    processes:
    - {profile: meta-rsc1}
    - {kind: NpuFault, per: npu, rate: 1 per 10d}
    - {kind: SwitchFault, per: domain, domain: rack, every: {weibull: {shape: 0.8, mean: 2d}}}
    npus: {resetGroup: npu, repair: 1h, spares: 1, swap: 10m, slowFactor: 0.5}
  nodeLifecycle: {monitorGracePeriod: 40s, defaultTolerationSeconds: 60}
  kubelet: {maxContainerRestartPeriod: 1m}
  podDisruptionBudgets:
  - {name: infer, matchLabels: {app: chat}, maxUnavailable: 1}
  load: {unit: requests/s, csv: load.csv, podServes: {prefill: 30, decode: 45}}
  traffic: {requestsPerSecond: 4, requestDuration: {lognormal: {p50: 20s, p95: 2m}}}
  objectives:
    minReadyInstances: 50%
    completesWithin: 50m
    noStall: true
    availability: [{ready: one, atLeast: 90%}, {ready: budget, longestOutage: 30m}]
    minCapacity: 50%
    maxUnserved: 50%
    maxOverload: 1h
  horizon: 1h
  seed: 7
  kubernetesVersion: "1.36"
"""
BOTH = """\
apiVersion: infer.modelarts.huaweicloud/v1
kind: KubeInfer
metadata: {name: chat, namespace: prod}
spec:
  replicas: ${replicas}
  strategy: {type: InstanceRollingUpdate, rollingUpdate: {maxSurge: 1, maxUnavailable: 1}}
  template:
    spec:
      roles:
      - name: prefill
        replicas: 1
        recoveryPolicy: {restart: Custom}
        template: &pods
          metadata: {labels: {app: chat, modelarts-infer-npu-reset-enable: "true"}}
          spec:
            priorityClassName: high
            terminationGracePeriodSeconds: 60
            tolerations: [{key: node.kubernetes.io/unreachable, operator: Exists, effect: NoExecute, tolerationSeconds: 30}]
            initContainers:
            - {name: fetch, image: "fetch:1"}
            - {name: mesh, image: "mesh:1", restartPolicy: Always}
            containers:
            - name: engine
              image: ${image}
              startupProbe: {httpGet: {path: /health, port: 9000}, periodSeconds: 5, failureThreshold: 200}
              livenessProbe: {httpGet: {path: /health, port: 9000}, periodSeconds: 10, timeoutSeconds: 5}
              readinessProbe: {httpGet: {path: /health, port: 9000}, periodSeconds: 5}
              lifecycle: {preStop: {exec: {command: [sleep, "5"]}}}
              resources: {requests: {huawei.com/ascend-1980: 4}, limits: {huawei.com/ascend-1980: 4}}
      - name: decode
        replicas: 2
        recoveryPolicy: {restart: Pod}
        template: *pods
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: router, namespace: prod}
spec:
  replicas: 3
  minReadySeconds: 5
  selector: {matchLabels: {app: router}}
  template:
    metadata: {labels: {app: router}}
    spec:
      containers:
      - {name: router, image: "router:1", readinessProbe: {tcpSocket: {port: 80}}}
"""
LAB = """\
apiVersion: kubeinfer-sim/v1
kind: Cluster
metadata: {name: lab}
spec:
  pools:
  - name: a
    count: 8
    labels: {rack: r1}
    allocatable: {cpu: "192", memory: 1500Gi, huawei.com/ascend-1980: 8}
    npuTopology: {ring: 8}
    images: ["repo/vllm:v1"]
    weights: ["*"]
  - {name: web, count: 1, allocatable: {cpu: "32", memory: 64Gi}, taints: [{key: x, effect: PreferNoSchedule}]}
"""
RULES = """\
apiVersion: kubeinfer-sim/v1
kind: Recovery
metadata: {name: rules}
spec:
  rules:
  - {roles: [prefill], faults: [LivenessProbeFailed, Error], phase: serving, action: Degrade, giveUp: [{role: decode, keep: 1}], isolate: Device}
  - {exitCodes: [1, 137], action: RestartContainer, limit: {count: 3, window: 10m, then: RecreatePod}}
  - {action: RecreateInstance, delay: 30s}
"""
TIMINGS = """\
apiVersion: kubeinfer-sim/v1
kind: Timings
metadata: {name: learned}
spec:
  weights: {triangular: {low: 1m, mode: 2m, high: 4m}}
  imageCold: 1m
  roles: {decode: {create: 2s}}
"""


def ran(name: str, ready: str) -> dict[str, object]:
    """A pod that ran, with all times that `calibrate` learns from."""
    made = pod(name, "n0", npus=8, labels={"role": "decode"})
    condition = [
        {"type": "PodScheduled", "status": "True", "lastTransitionTime": "2026-01-01T00:00:03Z"},
        {"type": "Ready", "status": "True", "lastTransitionTime": ready},
    ]
    running = {
        "name": "c",
        "ready": True,
        "restartCount": 0,
        "state": {"running": {"startedAt": "2026-01-01T00:05:00Z"}},
    }
    made["metadata"]["creationTimestamp"] = "2026-01-01T00:00:00Z"
    made["status"] = {"phase": "Running", "conditions": condition, "containerStatuses": [running]}
    return made


def pulled(name: str, took: str) -> dict[str, object]:
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "involvedObject": {"kind": "Pod", "namespace": "other", "name": name},
        "reason": "Pulled",
        "message": f'Successfully pulled image "img:1" in {took} ({took} including waiting). Image size: 16 bytes.',
    }


def lay_out(folder: Path) -> None:
    """Every file that is mutated or named."""
    shutil.copytree(ROOT / "scenarios", folder, dirs_exist_ok=True)
    busy = [node(f"n{i}", images=[{"names": ["repo/vllm:v1"], "sizeBytes": 10}]) for i in range(6)]
    there = [
        pod("busy", "n3", npus=8),
        pod("x", "n4", owner={"kind": "ReplicaSet", "name": "x", "apiVersion": "apps/v1"}),
    ]
    past = [ran(f"chat-{i}-decode-0", f"2026-01-01T00:1{i}:00Z") for i in range(4)]
    events = [pulled(f"chat-{i}-decode-0", f"{i + 2}m3.5s") for i in range(4)]
    for name, text in {
        "everything.yaml": EVERYTHING,
        "both.yaml": BOTH,
        "lab.yaml": LAB,
        "rules.yaml": RULES,
        "timings.yaml": TIMINGS,
        "times.csv": "load\n700\n720\n810.5\n",
        "load.csv": "time,load\n0s,60\n10m,120\n20m,80\n",
        "nodes.json": listed(*busy),
        "pods.json": listed(*there),
        "past.json": listed(*past),
        "events.json": json.dumps({"kind": "List", "apiVersion": "v1", "items": events}),
    }.items():
        (folder / name).write_text(text, encoding="utf-8")


#: Files beside the scenarios: command lines that read them.
USES: dict[str, tuple[str, ...]] = {
    "both.yaml": (
        "validate both.yaml",
        "run everything.yaml",
        "diff both.yaml both.yaml --set replicas=1 --set image=x",
    ),
    "lab.yaml": (
        "run everything.yaml",
        "validate --cluster lab.yaml both.yaml --set replicas=1 --set image=x",
        "rollout manifests/chat.yaml --cluster lab.yaml --set replicas=1 --set image=x --set max_surge=1 --set max_unavailable=0",
    ),
    "rules.yaml": ("run everything.yaml", "compare everything.yaml --recovery Instance,rules.yaml"),
    "timings.yaml": ("run everything.yaml", "why everything.yaml --at 20m"),
    "times.csv": ("run everything.yaml",),
    "load.csv": ("run everything.yaml",),
    "nodes.json": (
        "run rolling-update-2p1d.yaml --cluster nodes.json --pods pods.json",
        "rollout manifests/2p1d.yaml --set image=x --cluster nodes.json --pods pods.json",
        "validate --cluster nodes.json manifests/2p1d.yaml --set image=x",
    ),
    "pods.json": ("rollout manifests/2p1d.yaml --set image=x --cluster nodes.json --pods pods.json",),
    "past.json": (
        "calibrate past.json events.json",
        "calibrate past.json",
        "run rolling-update-2p1d.yaml --cluster past.json",
    ),
    "events.json": ("calibrate past.json events.json", "run rolling-update-2p1d.yaml --cluster events.json"),
    "recovery/save-decode.yaml": ("run no-spare-degrade.yaml",),
}
KNOBS = (
    "--recovery Instance,Pod",
    "--assume startupCrash=rebuild,kubelet",
    "--vary maxSurge=0,1",
    "--vary spareNodes=0,1",
    "--vary label=on,off",
)


def subject(folder: Path, rng: Random) -> tuple[str, list[str]]:
    """A file to mutate, and a command line that reads it."""
    stories = sorted(path.name for path in folder.glob("*.yaml") if path.name not in USES)
    if rng.random() < 0.3:
        name = rng.choice(list(USES))
        return name, rng.choice(USES[name]).split()
    story = rng.choice((*stories, *["everything.yaml"] * 10))
    line = rng.choice(
        (
            f"run {story}",
            f"run {story} --horizon 90m",
            f"why {story} --at {rng.choice(('0s', '10m', '20m', '50m'))}",
            f"compare {story} {rng.choice(KNOBS)}",
        )
    )
    if rng.random() < 0.15:
        inside = [
            path
            for path in (folder / "manifests").glob("*.yaml")
            if path.name in (folder / story).read_text()
        ]
        if inside:
            return f"manifests/{inside[0].name}", rng.choice(
                (line, f"validate manifests/{inside[0].name}")
            ).split()
    return story, line.split()

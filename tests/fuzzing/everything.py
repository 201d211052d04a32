"""Scenarios with everything switched on at once, at random times."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from random import Random

from fuzzing.files import BOTH, EVERYTHING

from kubeinfer_sim.manifest.releases import RELEASES
from kubeinfer_sim.scenario.faults.kinds import KINDS as FAULT_KINDS

#: Actions with their time left out.
ACTIONS = (
    "scale: <replicas>",
    "apply: {newRevision: true}",
    'apply: {set: {image: "repo/vllm:v<version>"}}',
    "apply: {newRevision: true}, object: Deployment/router",
    "scale: <replicas>, object: Deployment/router",
    "rollback: true",
    "patch: {spec: {strategy: {rollingUpdate: {maxUnavailable: <one>, maxSurge: 1}}}}",
    "object: Deployment/router, setImage: {container: '*', image: \"repo/router:v<version>\"}",
    "create: {apiVersion: v1, kind: Pod, metadata: {name: extra}, spec: {containers: [{name: c, image: i}]}}",
    "create: {apiVersion: policy/v1, kind: PodDisruptionBudget, metadata: {name: b}, spec: {selector: {}, "
    "maxUnavailable: <one>}}",
    "deleteObject: Deployment/router",
    "apply: {newRevision: true}, object: StatefulSet/db",
    "scale: <replicas>, object: StatefulSet/db",
    "deletePod: {pods: [<one>]}, object: StatefulSet/db",
    "apply: {newRevision: true}, object: DaemonSet/agent",
    "deletePod: {nodes: [a-<node>]}, object: DaemonSet/agent",
    "cordon: [a-<node>]",
    "uncordon: {pool: a}",
    "taint: {nodes: [a-<node>], key: k, effect: <effect>}",
    "untaint: {pool: a, key: k}",
    "labelNodes: {nodes: [a-<node>], labels: {pool: <pool>}}",
    "removeNodes: [a-<node>]",
    "addNodes: {name: a}",
    "addNodes: {name: new, allocatable: {cpu: 64, huawei.com/ascend-1980: 8}}",
    "drain: {nodes: [a-<node>], timeout: 5m}",
    "nodeDown: {nodes: [a-<node>], mode: <mode>, lasts: <short>m}",
    "nodeDown: a-<node>",
    "reboot: {nodes: [a-<node>], takes: <short>m}",
    "reboot: {nodes: [a-<node>], takes: <short>m, devicePluginAfter: <short>s}",
    "outOfService: {nodes: [a-<node>]}",
    "forceDelete: {instances: [<instance>]}",
    "health: {roles: [decode], instances: [<instance>], <answer>, lasts: <short>m}",
    "health: {roles: [prefill], probes: [<probe>], <answer>, lasts: <short>m}",
    "crash: {roles: [<role>], instances: [<instance>], reason: <reason>}",
    "imageFault: {lasts: <short>m}",
    "initFault: {container: fetch, times: 2}",
    "initFault: {lasts: <short>m, exitCode: 3}",
    "health: {roles: [prefill], container: engine, hang: true, newPods: true, lasts: <short>m}",
    "fault: {kind: NpuFault, node: a-<node>, npu: 3}",
    "fault: {kind: <npuFault>, random: busyNpu, clearsAfter: <short>m}",
    "fault: {kind: <podFault>, instances: [<instance>], roles: [<role>]}",
    "fault: {kind: <podFault>, random: pod}",
    "fault: {kind: <nodeFault>, node: a-<node>}",
    "fault: {kind: StorageSlow, factor: 0.2, clearsAfter: <short>m}",
    "fault: StorageUnavailable",
    "fault: ImagePullFailure",
)
#: Pods of other kinds, which take a little of everything.
SETS = """\
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db, namespace: prod}
spec:
  replicas: 2
  minReadySeconds: 3
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}}
    spec:
      containers:
      - {name: db, image: "db:1", resources: {limits: {huawei.com/ascend-1980: 1}}, readinessProbe: {tcpSocket: {port: 1}}}
---
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: agent, namespace: prod}
spec:
  selector: {matchLabels: {app: agent}}
  template:
    metadata: {labels: {app: agent}}
    spec: {containers: [{name: agent, image: "agent:1", resources: {requests: {cpu: 1}}}]}
"""
KINDS = {
    **{
        f"{strikes}Fault": tuple(name for name, kind in FAULT_KINDS.items() if kind.strikes == strikes)
        for strikes in ("npu", "pod", "node")
    },
    "mode": ("silent", "cutOff", "notReady"),
    "answer": ("hang: true", "flapping: 0.4", "latency: 2s", "healthy: true"),
    "probe": ("startup", "liveness", "readiness"),
    "role": ("prefill", "decode"),
    "effect": ("NoSchedule", "PreferNoSchedule", "NoExecute"),
    "pool": ("infer", "other", "null"),
    "reason": ("OOMKilled", "Error", "Completed"),
}


def filled(text: str, rng: Random) -> str:
    """An action with its parts drawn."""
    values = {name: rng.choice(choices) for name, choices in KINDS.items()}
    numbers = {
        "replicas": rng.randrange(7),
        "version": rng.randrange(1, 4),
        "one": rng.randrange(2),
        "node": rng.randrange(8),
        "instance": rng.randrange(3),
        "short": rng.randrange(1, 9),
    }
    for name, value in {**values, **numbers}.items():
        text = text.replace(f"<{name}>", str(value))
    return text


def _possible(actions: list[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    """The actions without those on Node objects that are deleted by then; a machine may fail all the same."""
    deleted: dict[str, int] = {}
    for at, text in sorted(actions):
        node = next(iter(re.findall(r"a-[0-9]", text)), "")
        if node in deleted and re.match("cordon|drain|taint|labelNodes|outOfService|removeNodes", text):
            continue
        if text.startswith("removeNodes"):
            deleted[node] = at
        yield at, text


def lay_out_everything(folder: Path, rng: Random) -> Path:
    """Write a scenario with up to fifteen random actions over an hour, and processes of faults.

    The Deployment's pods hold NPUs and are of lower priority, so that the KubeInfer's take their places.
    """
    head, _, rest = EVERYTHING.partition("  actions:\n")
    drawn = [(rng.randrange(3000), filled(rng.choice(ACTIONS), rng)) for _ in range(rng.randrange(1, 16))]
    actions = [f"  - {{at: {at}s, {text}}}" for at, text in _possible(drawn)]
    rest = rest[rest.index("  timings:") :]
    for old, new in (
        ("rate: 1 per 10d", f"rate: 1 per {rng.choice((1, 5, 100))}d"),
        ("mean: 2d", f"mean: {rng.choice((1, 10))}h"),
        ("seed: 7", f"seed: {rng.randrange(1000)}"),
        (
            "replacement: TerminationStarted",
            f"replacement: {rng.choice(('TerminationStarted', 'TerminationComplete'))}",
        ),
        ("peerLossTimeout: 3m", f"peerLossTimeout: {rng.choice(('3m', 'never'))}"),
        ('kubernetesVersion: "1.36"', f'kubernetesVersion: "{rng.choice(RELEASES)}"'),
        ("    minReadyInstances: 50%\n", ""),
        ("  kubelet: {maxContainerRestartPeriod: 1m}\n", ""),
    ):
        assert old in rest, old
        rest = rest.replace(old, new)
    manifest = BOTH.replace(
        "rollingUpdate: {maxSurge: 1, maxUnavailable: 1}",
        f"rollingUpdate: {{maxSurge: {rng.randrange(2)}, maxUnavailable: 1}}",
    )
    manifest = manifest.replace("restart: Pod", f"restart: {rng.choice(('Instance', 'Pod', 'Custom'))}")
    manifest = manifest.replace(
        'image: "router:1",',
        'image: "router:1", resources: {requests: {huawei.com/ascend-1980: 2}, limits: {huawei.com/ascend-1980: 2}},',
    )
    manifest += SETS
    (folder / "both.yaml").write_text(manifest, encoding="utf-8")
    made = folder / "random.yaml"
    body = head + "  actions:\n" + "\n".join(actions) + "\n" + rest
    if rng.random() < 0.5:
        body = body.replace("  horizon: 1h\n", "  initial: empty\n  horizon: 1h\n")
    made.write_text(body, encoding="utf-8")
    return made

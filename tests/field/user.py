"""What a user has in a folder and types: the same pods as a KubeInfer and as a Deployment, a scenario, a command.

Tests of `tests/field` are about what people meet and auditors find: each says what really happens, and is asked of both.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from command_line import Done, sim

Raw = dict[str, Any]
NPU = "huawei.com/ascend-1980"
#: Whether pages can be written: pictures need the extra [report].
PAGES = find_spec("plotly") is not None


def kubeinfer(
    container: Raw, *, replicas: int = 3, surge: int = 0, labels: Raw | None = None, **pod: Any
) -> Raw:
    """A KubeInfer of one role with one pod."""
    role = {
        "name": "serve",
        "template": {"metadata": {"labels": {"app": "chat", **(labels or {})}}, "spec": pod},
    }
    pod["containers"] = [{"name": "engine", "image": "repo/vllm:v1", **container}]
    budget = {"maxSurge": surge, "maxUnavailable": 0 if surge else 1}
    return {
        "apiVersion": "infer.modelarts.huaweicloud/v1",
        "kind": "KubeInfer",
        "metadata": {"name": "chat", "namespace": "prod"},
        "spec": {
            "replicas": replicas,
            "strategy": {"type": "InstanceRollingUpdate", "rollingUpdate": budget},
            "template": {"spec": {"roles": [role]}},
        },
    }


def deployment(
    container: Raw, *, replicas: int = 3, surge: int = 0, labels: Raw | None = None, **pod: Any
) -> Raw:
    """The same pods as a Deployment."""
    pod["containers"] = [{"name": "engine", "image": "repo/vllm:v1", **container}]
    budget = {"maxSurge": surge, "maxUnavailable": 0 if surge else 1}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "chat", "namespace": "prod"},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": "chat"}},
            "strategy": {"type": "RollingUpdate", "rollingUpdate": budget},
            "template": {"metadata": {"labels": {"app": "chat", **(labels or {})}}, "spec": pod},
        },
    }


def replica_set(container: Raw, *, replicas: int = 3, labels: Raw | None = None, **pod: Any) -> Raw:
    """The same pods as a ReplicaSet."""
    pod["containers"] = [{"name": "engine", "image": "repo/vllm:v1", **container}]
    return {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {"name": "chat", "namespace": "prod"},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": "chat"}},
            "template": {"metadata": {"labels": {"app": "chat", **(labels or {})}}, "spec": pod},
        },
    }


def stateful_set(container: Raw, *, replicas: int = 3, spec: Raw | None = None, **pod: Any) -> Raw:
    """The same pods as a StatefulSet; `spec`: more of its own."""
    made = replica_set(container, replicas=replicas, **pod)
    return {
        **made,
        "kind": "StatefulSet",
        "spec": {**made["spec"], "serviceName": "chat", **(spec or {})},
    }


def daemon_set(container: Raw, *, spec: Raw | None = None, **pod: Any) -> Raw:
    """The same pods as a DaemonSet; `spec`: more of its own."""
    made = replica_set(container, **pod)
    del made["spec"]["replicas"]
    return {
        **made,
        "kind": "DaemonSet",
        "metadata": {"name": "agent", "namespace": "prod"},
        "spec": {**made["spec"], **(spec or {})},
    }


def bare_pod(container: Raw, *, name: str = "p", labels: Raw | None = None, **pod: Any) -> Raw:
    """One of them as a Pod."""
    pod["containers"] = [{"name": "engine", "image": "repo/vllm:v1", **container}]
    metadata = {"name": name, "namespace": "prod", "labels": {"app": "chat", **(labels or {})}}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": pod}


both = pytest.mark.parametrize("workload", [kubeinfer, deployment])


def asking(**resources: Any) -> Raw:
    """A container's resources: so much of each, `npu` for NPUs."""
    amounts = {NPU if name == "npu" else name: amount for name, amount in resources.items()}
    return {"resources": {"requests": amounts, "limits": amounts}}


@dataclass(frozen=True, slots=True)
class User:
    """A user in a folder."""

    folder: Path

    def has(self, name: str, *objects: Mapping[str, Any]) -> None:
        """A file of objects, one document each."""
        text = "---\n".join(f"{json.dumps(each, indent=1)}\n" for each in objects)
        (self.folder / name).write_text(text, encoding="utf-8")

    def plans(self, *manifest: Raw, cluster: Any, **spec: Any) -> None:
        """`manifest.yaml` and `scenario.yaml`; timings are zero unless given."""
        self.has("manifest.yaml", *manifest)
        whole = {"manifest": "manifest.yaml", "cluster": cluster, "timings": {"profile": "zero"}, **spec}
        head = {"apiVersion": "kubeinfer-sim/v1", "kind": "Scenario", "metadata": {"name": "field"}}
        self.has("scenario.yaml", {**head, "spec": whole})

    def types(self, *command: str, **env: str) -> Done:
        """A command in that folder, with these variables in its environment."""
        return sim(*command, cwd=self.folder, **env)

    def runs(self, *options: str) -> tuple[Done, Raw]:
        """`run scenario.yaml`: what is printed, and the result."""
        done = self.types("run", "scenario.yaml", "--json", "result.json", *options)
        path = self.folder / "result.json"
        return done, json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}

    def pods(self, at: str = "") -> list[Raw]:
        """What `pods` shows, as its JSON has it; at the end unless a time is given."""
        done = self.types("pods", "scenario.yaml", "--json", "-", *(["--at", at] if at else []))
        found: list[Raw] = json.loads(done.stdout)["pods"]
        return found

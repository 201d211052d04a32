"""Nodes and pods as kubectl prints them."""

from __future__ import annotations

import json
from typing import Any

NPU = "huawei.com/ascend-1980"


def node(name: str, npus: int = 8, **spec: Any) -> dict[str, Any]:
    """`ready`, `labels`, `images`, `status` set those; everything else goes into spec."""
    ready = spec.pop("ready", "True")
    labels, images, status = spec.pop("labels", {}), spec.pop("images", []), spec.pop("status", {})
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": {"kubernetes.io/hostname": name, **labels}},
        "spec": {"podCIDR": "10.0.0.0/24", **spec},
        "status": {
            "allocatable": {"cpu": "191450m", "memory": "1500Gi", NPU: str(npus), "pods": "110"},
            "capacity": {"cpu": "192", "memory": "1510Gi", NPU: str(npus), "pods": "110"},
            "conditions": [{"type": "Ready", "status": ready}],
            "images": images,
            **status,
        },
    }


def pod(
    name: str, where: str = "n0", npus: int = 0, namespace: str = "other", **parts: Any
) -> dict[str, Any]:
    """`labels`, `owner`, `phase` set those; everything else goes into spec."""
    labels, owner, phase = parts.pop("labels", {}), parts.pop("owner", None), parts.pop("phase", "Running")
    requests = {"cpu": "1", **({NPU: str(npus)} if npus else {})}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": name,
            "namespace": namespace,
            "labels": labels,
            **({"ownerReferences": [owner]} if owner else {}),
        },
        "spec": {
            "nodeName": where,
            "containers": [{"name": "c", "image": "img:1", "resources": {"requests": requests}}],
            **parts,
        },
        "status": {"phase": phase},
    }


def listed(*items: dict[str, Any]) -> str:
    """As `kubectl get -o json` prints them."""
    whole = {"apiVersion": "v1", "items": list(items), "kind": "List", "metadata": {"resourceVersion": ""}}
    return json.dumps(whole, indent=4)

"""Which role of which instance a pod of a real cluster is.

How KubeInfer names and labels its pods is not published, so several signs are tried, the plainest first.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

#: Labels that name a role or, failing that, a workload; the first that a pod has counts.
ROLE_LABELS = (
    "infer.modelarts.huaweicloud/role",
    "modelarts.huaweicloud/role",
    "rolebasedgroup.workloads.x-k8s.io/role",
    "role",
    "app.kubernetes.io/component",
    "app.kubernetes.io/name",
    "app",
)
#: `<kubeinfer>-<ordinal>-<role>-<replica>`; the ordinal is the last number a role can follow.
_POD_NAME = re.compile(r"(?P<instance>.+-\d+)-(?P<role>[a-z].*)-\d+")


def entries(value: object) -> list[dict[str, Any]]:
    """The objects in a list; nothing where there is no list."""
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def mapping(value: object) -> dict[str, Any]:
    """A mapping; an empty one where there is none."""
    return value if isinstance(value, dict) else {}


def role_of(pod: Mapping[str, Any], label: str | None = None) -> str:
    """The role of a pod: by the label given, by its name, by a usual label, else its workload's name."""
    metadata = pod["metadata"]
    labels = mapping(metadata.get("labels"))
    if label is not None:
        return str(labels.get(label, "other"))
    match = _POD_NAME.fullmatch(str(metadata.get("name")))
    if match is not None:
        return match["role"]
    for each in ROLE_LABELS:
        if labels.get(each):
            return str(labels[each])
    return _workload(metadata)


def instance_of(pod: Mapping[str, Any]) -> tuple[str, str] | None:
    """Namespace and name of the instance whose pods start together; None when there is none."""
    metadata = pod["metadata"]
    namespace = str(metadata.get("namespace") or "default")
    for owner in entries(metadata.get("ownerReferences")):
        if owner.get("kind") == "Instance":
            return namespace, str(owner.get("name"))
    match = _POD_NAME.fullmatch(str(metadata.get("name")))
    return None if match is None else (namespace, match["instance"])


def _workload(metadata: Mapping[str, Any]) -> str:
    """The controller's name without the hash a ReplicaSet has behind it; a pod of its own is named itself."""
    for owner in entries(metadata.get("ownerReferences")):
        if owner.get("controller"):
            name = str(owner.get("name"))
            return name.rpartition("-")[0] or name if owner.get("kind") == "ReplicaSet" else name
    return str(metadata.get("name"))

"""The workloads of a document, listed by their kinds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from kubeinfer_sim.manifest.model import Kind

#: What the list of each kind is called, in order.
LISTS: Mapping[Kind, str] = {
    "KubeInfer": "kubeinfers",
    "Deployment": "deployments",
    "ReplicaSet": "replicaSets",
    "StatefulSet": "statefulSets",
    "DaemonSet": "daemonSets",
    "Pod": "pods",
}
#: Lists that are there even if they are empty.
_ALWAYS = ("kubeinfers", "deployments")


def by_kind(entries: Iterable[tuple[Kind, Mapping[str, Any]]]) -> dict[str, list[Mapping[str, Any]]]:
    """The lists of a document, each of the entries of one kind in their order."""
    lists: dict[str, list[Mapping[str, Any]]] = {name: [] for name in LISTS.values()}
    for kind, entry in entries:
        lists[LISTS[kind]].append(entry)
    return {name: each for name, each in lists.items() if each or name in _ALWAYS}

"""ReplicaSets (apps/v1) in a manifest: checked as the API server checks them, and what is meant by default."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kubeinfer_sim.manifest.apps_object import read_apps_object
from kubeinfer_sim.manifest.checker import Checker
from kubeinfer_sim.manifest.model import ReplicaSet


def read_replica_set_object(checker: Checker, value: Mapping[str, Any]) -> ReplicaSet | None:
    """Check a document whose kind is ReplicaSet; None where something is wrong, which is reported."""
    read = read_apps_object(checker, value, ReplicaSet.kind)
    if read is None:
        return None
    return ReplicaSet(
        **read.head,
        template=read.template,
        replicas=read.spec["replicas"],
        min_ready_seconds=read.spec.get("minReadySeconds", 0),
    )

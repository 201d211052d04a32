"""StatefulSets (apps/v1) in a manifest: checked as the API server checks them, and what is meant by default."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kubeinfer_sim.manifest.apps_object import read_apps_object
from kubeinfer_sim.manifest.checker import Checker
from kubeinfer_sim.manifest.kubernetes.intstr import parse_int_or_percent
from kubeinfer_sim.manifest.model import StatefulSet


def read_stateful_set_object(checker: Checker, value: Mapping[str, Any]) -> StatefulSet | None:
    """Check a document whose kind is StatefulSet; None where something is wrong, which is reported."""
    read = read_apps_object(checker, value, StatefulSet.kind)
    if read is None:
        return None
    stored = read.spec
    strategy = stored["updateStrategy"]
    update = strategy.get("rollingUpdate", {})
    return StatefulSet(
        **read.head,
        template=read.template,
        replicas=stored["replicas"],
        parallel=stored["podManagementPolicy"] == "Parallel",
        on_delete=strategy["type"] == "OnDelete",
        partition=update.get("partition", 0),
        max_unavailable=parse_int_or_percent(update.get("maxUnavailable", 1)),
        first_ordinal=stored.get("ordinals", {}).get("start", 0),
        min_ready_seconds=stored.get("minReadySeconds", 0),
        revision_history_limit=stored["revisionHistoryLimit"],
    )

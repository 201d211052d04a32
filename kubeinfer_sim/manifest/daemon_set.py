"""DaemonSets (apps/v1) in a manifest: checked as the API server checks them, and what is meant by default."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kubeinfer_sim.manifest.apps_object import read_apps_object
from kubeinfer_sim.manifest.checker import Checker
from kubeinfer_sim.manifest.kubernetes.intstr import parse_int_or_percent
from kubeinfer_sim.manifest.model import DaemonSet, RollingUpdate


def read_daemon_set_object(checker: Checker, value: Mapping[str, Any]) -> DaemonSet | None:
    """Check a document whose kind is DaemonSet; None where something is wrong, which is reported."""
    read = read_apps_object(checker, value, DaemonSet.kind)
    if read is None:
        return None
    strategy = read.spec["updateStrategy"]
    update = strategy.get("rollingUpdate", {})
    return DaemonSet(
        **read.head,
        template=read.template,
        on_delete=strategy["type"] == "OnDelete",
        rolling_update=RollingUpdate(
            parse_int_or_percent(update.get("maxSurge", 0)),
            parse_int_or_percent(update.get("maxUnavailable", 1)),
        ),
        min_ready_seconds=read.spec.get("minReadySeconds", 0),
        revision_history_limit=read.spec["revisionHistoryLimit"],
    )

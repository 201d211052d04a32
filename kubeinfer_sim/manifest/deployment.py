"""Deployments (apps/v1) in a manifest: checked as the API server checks them, and what is meant by default."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kubeinfer_sim.diagnostics import Severity
from kubeinfer_sim.manifest.apps_object import read_apps_object
from kubeinfer_sim.manifest.checker import Checker
from kubeinfer_sim.manifest.kubernetes.intstr import parse_int_or_percent
from kubeinfer_sim.manifest.model import RESET_LABEL, Deployment, RollingUpdate


def read_deployment_object(checker: Checker, value: Mapping[str, Any]) -> Deployment | None:
    """Check a document whose kind is Deployment; None where something is wrong, which is reported."""
    read = read_apps_object(checker, value, Deployment.kind)
    if read is None:
        return None
    if read.labels.get(RESET_LABEL) == "true":
        checker.report(
            ("spec", "template", "metadata", "labels", RESET_LABEL),
            "has no effect on a Deployment: it ties KubeInfers to the device plugin. Of a broken NPU only symptoms "
            "show, and the container restarts on it",
            code="reset-label-without-effect",
            severity=Severity.WARNING,
            key=True,
        )
    stored = read.spec
    strategy = stored["strategy"]
    budgets = strategy.get("rollingUpdate")
    return Deployment(
        **read.head,
        template=read.template,
        replicas=stored["replicas"],
        strategy=strategy["type"],
        rolling_update=RollingUpdate()
        if budgets is None
        else RollingUpdate(
            parse_int_or_percent(budgets["maxSurge"]), parse_int_or_percent(budgets["maxUnavailable"])
        ),
        min_ready_seconds=stored.get("minReadySeconds", 0),
        progress_deadline_seconds=stored.get("progressDeadlineSeconds"),
        revision_history_limit=stored.get("revisionHistoryLimit"),
        paused=bool(stored.get("paused")),
    )

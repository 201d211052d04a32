"""Deployments (apps/v1) in a manifest: checked as the API server checks them, and what is meant by default."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kubeinfer_sim.diagnostics import Severity
from kubeinfer_sim.manifest.checker import Checker
from kubeinfer_sim.manifest.convert import convert_template
from kubeinfer_sim.manifest.kubernetes.intstr import parse_int_or_percent
from kubeinfer_sim.manifest.kubernetes_findings import check_apps_spec
from kubeinfer_sim.manifest.model import RESET_LABEL, Deployment, RollingUpdate
from kubeinfer_sim.manifest.object_meta import check_head, check_object_meta

KIND = "Deployment"
API_VERSION = "apps/v1"


def read_deployment_object(checker: Checker, value: Mapping[str, Any]) -> Deployment | None:
    """Check a document whose kind is Deployment; None where something is wrong, which is reported."""
    before = len(checker.findings)
    check_head(checker, value, KIND, API_VERSION, " (Kubernetes 1.16 and later)")
    metadata = check_object_meta(checker, value.get("metadata"), ("metadata",), named=True)
    spec = checker.mapping(value.get("spec"), ("spec",), required=True)
    if not spec:
        if isinstance(value.get("spec"), dict):
            checker.report(("spec",), "selector and template are required", code="required", key=True)
        return None
    reading, template = check_apps_spec(checker, KIND, spec, ("spec",))
    if any(each.severity == "error" for each in checker.findings[before:]):
        return None
    if template.typed["metadata"].get("labels", {}).get(RESET_LABEL) == "true":
        checker.report(
            ("spec", "template", "metadata", "labels", RESET_LABEL),
            "has no effect on a Deployment: it ties KubeInfers to the device plugin. Of a broken NPU only symptoms "
            "show, and the container restarts on it",
            code="reset-label-without-effect",
            severity=Severity.WARNING,
            key=True,
        )
    stored = reading.typed
    strategy = stored["strategy"]
    budgets = strategy.get("rollingUpdate")
    line, _ = checker.document.position(())
    return Deployment(
        name=metadata.name,
        template=convert_template(template.typed, template.effective),
        namespace=metadata.namespace,
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
        labels=metadata.labels,
        annotations=metadata.annotations,
        raw=value,
        source=f"{checker.document.source.name}:{line}",
    )

"""ReplicaSets (apps/v1) in a manifest: checked as the API server checks them, and what is meant by default."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kubeinfer_sim.manifest.checker import Checker
from kubeinfer_sim.manifest.convert import convert_template
from kubeinfer_sim.manifest.kubernetes_findings import check_apps_spec
from kubeinfer_sim.manifest.model import ReplicaSet
from kubeinfer_sim.manifest.object_meta import check_head, check_object_meta

KIND = "ReplicaSet"
API_VERSION = "apps/v1"


def read_replica_set_object(checker: Checker, value: Mapping[str, Any]) -> ReplicaSet | None:
    """Check a document whose kind is ReplicaSet; None where something is wrong, which is reported."""
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
    line, _ = checker.document.position(())
    return ReplicaSet(
        name=metadata.name,
        template=convert_template(template.typed, template.effective),
        namespace=metadata.namespace,
        replicas=reading.typed["replicas"],
        min_ready_seconds=reading.typed.get("minReadySeconds", 0),
        labels=metadata.labels,
        annotations=metadata.annotations,
        raw=value,
        source=f"{checker.document.source.name}:{line}",
    )

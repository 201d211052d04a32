"""Pods in a manifest that no controller makes: checked as the API server checks them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kubeinfer_sim.manifest.checker import Checker
from kubeinfer_sim.manifest.convert import convert_template
from kubeinfer_sim.manifest.kubernetes_findings import check_pod
from kubeinfer_sim.manifest.model import BarePod
from kubeinfer_sim.manifest.object_meta import check_head, check_object_meta

KIND = "Pod"
API_VERSION = "v1"


def read_pod_object(checker: Checker, value: Mapping[str, Any]) -> BarePod | None:
    """Check a document whose kind is Pod; None where something is wrong, which is reported."""
    before = len(checker.findings)
    check_head(checker, value, KIND, API_VERSION)
    metadata = check_object_meta(checker, value.get("metadata"), ("metadata",), named=True)
    spec = checker.mapping(value.get("spec"), ("spec",), required=True)
    if not spec:
        return None
    # Its metadata is checked already; a pod's spec is held to its labels and annotations; finalizers are a pod's.
    held: dict[str, Any] = {"labels": metadata.labels, "annotations": metadata.annotations}
    written = value.get("metadata")
    if isinstance(written, Mapping) and written.get("finalizers") is not None:
        held["finalizers"] = written["finalizers"]
    reading = check_pod(checker, held, spec)
    if any(each.severity == "error" for each in checker.findings[before:]):
        return None
    line, _ = checker.document.position(())
    return BarePod(
        name=metadata.name,
        template=convert_template(reading.typed, reading.effective),
        namespace=metadata.namespace,
        labels=metadata.labels,
        annotations=metadata.annotations,
        raw=value,
        source=f"{checker.document.source.name}:{line}",
    )

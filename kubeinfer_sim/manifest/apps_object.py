"""What all kinds of apps/v1 have in a manifest, checked as the API server checks it: head, metadata, template."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypedDict

from msgspec import Struct

from kubeinfer_sim.manifest.checker import Checker
from kubeinfer_sim.manifest.convert import convert_template
from kubeinfer_sim.manifest.kubernetes_findings import check_apps_spec
from kubeinfer_sim.manifest.model import PodTemplate
from kubeinfer_sim.manifest.object_meta import check_head, check_object_meta

API_VERSION = "apps/v1"


class Head(TypedDict):
    """What says which object it is, and where it was read."""

    name: str
    namespace: str
    labels: dict[str, str]
    annotations: dict[str, str]
    raw: Mapping[str, Any]
    source: str


class AppsObject(Struct, frozen=True):
    """One that the API server takes.

    Attributes:
        spec: with its defaults.
        labels: those of the metadata of its pods, `template` being what is simulated of them.
    """

    head: Head
    spec: dict[str, Any]
    template: PodTemplate
    labels: Mapping[str, str]


def read_apps_object(checker: Checker, value: Mapping[str, Any], kind: str) -> AppsObject | None:
    """Check a document of this kind; None where something is wrong, which is reported."""
    before = len(checker.findings)
    check_head(checker, value, kind, API_VERSION, " (Kubernetes 1.16 and later)")
    metadata = check_object_meta(checker, value.get("metadata"), ("metadata",), named=True)
    spec = checker.mapping(value.get("spec"), ("spec",), required=True)
    if not spec:
        if isinstance(value.get("spec"), dict):
            checker.report(("spec",), "selector and template are required", code="required", key=True)
        return None
    reading, template = check_apps_spec(checker, kind, spec, ("spec",))
    if any(each.severity == "error" for each in checker.findings[before:]):
        return None
    line, _ = checker.document.position(())
    return AppsObject(
        {
            "name": metadata.name,
            "namespace": metadata.namespace,
            "labels": metadata.labels,
            "annotations": metadata.annotations,
            "raw": value,
            "source": f"{checker.document.source.name}:{line}",
        },
        reading.typed,
        convert_template(template.typed, template.effective),
        template.typed["metadata"].get("labels", {}),
    )

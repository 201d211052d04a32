"""What all objects have: API version, kind, metadata (names, labels and annotations) as the API server checks it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct, field

from kubeinfer_sim.diagnostics import Path
from kubeinfer_sim.manifest.checker import Checker, shown
from kubeinfer_sim.manifest.kubernetes.names import (
    dns1123_label,
    dns1123_subdomain,
    label_value,
    qualified_name,
)

#: metav1.ObjectMeta (k8s.io/apimachinery pkg/apis/meta/v1/types.go); what the server writes is accepted.
OBJECT_META_FIELDS = (
    "annotations",
    "creationTimestamp",
    "deletionGracePeriodSeconds",
    "deletionTimestamp",
    "finalizers",
    "generateName",
    "generation",
    "labels",
    "managedFields",
    "name",
    "namespace",
    "ownerReferences",
    "resourceVersion",
    "selfLink",
    "uid",
)
_NOT_A_NAME = 'is not a DNS-1123 name (lower case letters, digits, "-")'


class ObjectMeta(Struct, frozen=True):
    """The part of an object's metadata that matters here."""

    name: str = ""
    namespace: str = "default"
    labels: dict[str, str] = field(default_factory=dict)
    annotations: dict[str, str] = field(default_factory=dict)


def check_head(
    checker: Checker, value: Mapping[str, Any], kind: str, api_version: str, since: str = ""
) -> None:
    """Check what stands on top of an object of this kind: its API version (known `since`), and its fields."""
    written = checker.string(value.get("apiVersion"), ("apiVersion",))
    hint = f"write apiVersion: {api_version}"
    if value.get("apiVersion") is None:
        checker.report(("apiVersion",), "required", code="required", hint=hint)
    elif written and written != api_version:
        checker.report(("apiVersion",), f"there is no kind {kind} in {shown(written)}{since}", hint=hint)
    checker.known_fields(value, (), ("apiVersion", "kind", "metadata", "spec", "status"))


def check_object_meta(checker: Checker, value: Any, path: Path, *, named: bool) -> ObjectMeta:
    """Check metadata; `named`: of an object that needs a name, not of a template.

    Sources: `ValidateObjectMeta` in k8s.io/apimachinery pkg/api/validation/objectmeta.go. A custom
    resource's name is a DNS subdomain (apiextensions-apiserver, NameIsDNSSubdomain).
    """
    metadata = checker.mapping(value, path, required=named)
    checker.known_fields(metadata, path, OBJECT_META_FIELDS)
    name = checker.string(metadata.get("name"), (*path, "name"))
    prefix = checker.string(metadata.get("generateName"), (*path, "generateName"))
    namespace = checker.string(metadata.get("namespace"), (*path, "namespace"))
    if name and dns1123_subdomain(name):
        _report_name(checker, (*path, "name"), name, 253)
    elif prefix and dns1123_subdomain(prefix.rstrip("-.")):
        _report_name(checker, (*path, "generateName"), prefix, 253)
    elif named and metadata and not name and not prefix and not isinstance(metadata.get("name"), int | bool):
        checker.report((*path, "name"), "required", code="required")
    if namespace and dns1123_label(namespace):
        _report_name(checker, (*path, "namespace"), namespace, 63)
    labels = checker.string_map(metadata.get("labels"), (*path, "labels"))
    for key, text in labels.items():
        for message in qualified_name(key):
            checker.report((*path, "labels", key), f"label key {shown(key)}: {message}", key=True)
        for message in label_value(text):
            checker.report((*path, "labels", key), f"{shown(text)} {message}")
    annotations = checker.string_map(metadata.get("annotations"), (*path, "annotations"))
    for key in annotations:
        for message in qualified_name(key.lower()):
            checker.report((*path, "annotations", key), f"annotation key {shown(key)}: {message}", key=True)
    return ObjectMeta(name or prefix.rstrip("-."), namespace or "default", labels, annotations)


def _report_name(checker: Checker, path: Path, name: str, limit: int) -> None:
    if len(name) > limit:
        checker.report(path, f"{shown(name)} must be no more than {limit} characters, is {len(name)}")
    else:
        checker.report(path, f"{shown(name)} {_NOT_A_NAME}")

"""Claims, and the claim template of an ephemeral volume.

Source: pkg/apis/core/validation/validation.go (`ValidatePersistentVolumeClaimSpec`,
`ValidatePersistentVolumeClaimTemplate`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kubeinfer_sim.manifest.kubernetes.field_errors import Errors, Field
from kubeinfer_sim.manifest.kubernetes.names import dns1123_label, dns1123_subdomain
from kubeinfer_sim.manifest.kubernetes.validation.metadata import (
    validate_annotations,
    validate_label_selector,
    validate_labels,
)
from kubeinfer_sim.manifest.kubernetes.validation.resources import validate_quantity

_ACCESS_MODES = ("ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod")
_VOLUME_MODES = ("Block", "Filesystem")


def validate_claim_template(template: Mapping[str, Any], at: Field, errors: Errors) -> None:
    """Of the metadata only labels and annotations may be given."""
    metadata, metadata_at = template.get("metadata", {}), at.child("metadata")
    validate_annotations(metadata.get("annotations", {}), metadata_at.child("annotations"), errors)
    validate_labels(metadata.get("labels", {}), metadata_at.child("labels"), errors)
    for name, value in metadata.items():
        if name not in ("labels", "annotations") and value not in ("", 0):
            place = metadata_at.child(name, ".uID" if name == "uid" else None)
            errors.forbidden(place, "must not be given: only labels and annotations may")
    validate_claim_spec(template.get("spec", {}), at.child("spec"), errors)


def validate_claim_spec(spec: Mapping[str, Any], at: Field, errors: Errors) -> None:
    """The spec of a claim."""
    modes = spec.get("accessModes", ())
    modes_at = at.child("accessModes")
    if not modes:
        errors.required(modes_at, "needs at least one access mode")
    validate_label_selector(spec.get("selector"), at.child("selector"), errors)
    for i, mode in enumerate(modes):
        if mode not in _ACCESS_MODES:
            errors.not_supported(modes_at.index(i, ""), mode, _ACCESS_MODES)
    if "ReadWriteOncePod" in modes and any(m in _ACCESS_MODES and m != "ReadWriteOncePod" for m in modes):
        errors.forbidden(modes_at, "must not have ReadWriteOncePod beside other access modes")
    storage = spec.get("resources", {}).get("requests", {}).get("storage")
    storage_at = Field(at.child("resources").child("requests", ""), "storage", "[storage]")
    if storage is None:
        errors.required(storage_at, "needs the requested size (resources.requests.storage)")
    elif storage.sign <= 0:
        errors.invalid(storage_at, str(storage), "must be greater than 0")
    else:
        validate_quantity("storage", storage, storage_at, errors)
    for name in ("storageClassName", "volumeAttributesClassName"):
        if spec.get(name):
            errors.check(at.child(name), spec[name], dns1123_subdomain(spec[name]))
    mode = spec.get("volumeMode")
    if mode is not None and mode not in _VOLUME_MODES:
        errors.not_supported(at.child("volumeMode"), mode, _VOLUME_MODES)
    source, reference = spec.get("dataSource"), spec.get("dataSourceRef")
    for name, value in (("dataSource", source), ("dataSourceRef", reference)):
        if value is not None:
            _validate_data_source(value, at.child(name), errors)
    if source is not None and reference is not None:
        place = at.child("dataSource", "")
        if reference.get("namespace"):
            errors.invalid(place, None, "dataSource must not be given when dataSourceRef.namespace is")
        elif any(source.get(key) != reference.get(key) for key in ("apiGroup", "kind", "name")):
            errors.invalid(place, None, "dataSource must be equal to dataSourceRef")


def _validate_data_source(source: Mapping[str, Any], at: Field, errors: Errors) -> None:
    kind, group = source.get("kind", ""), source.get("apiGroup", "")
    for name in ("name", "kind"):
        if not source.get(name):
            errors.required(at.child(name))
    if not group and kind != "PersistentVolumeClaim":
        errors.invalid(at, kind, "kind must be PersistentVolumeClaim when there is no apiGroup")
    if group:
        errors.check(at.child("apiGroup"), group, dns1123_subdomain(group))
    namespace = source.get("namespace", "")
    if namespace:
        errors.check(at.child("namespace"), namespace, dns1123_label(namespace))

"""Projected volumes and the files of downward API, Secret and ConfigMap volumes.

The sources clusterTrustBundle and podCertificate are behind features that are off and dropped before.
Source: pkg/apis/core/validation/validation.go (`validateProjectionSources`, `validateDownwardAPIVolumeFile`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kubeinfer_sim.manifest.kubernetes.field_errors import Errors, Field
from kubeinfer_sim.manifest.kubernetes.validation.environment import (
    VOLUME_FIELD_PATHS,
    validate_field_ref,
    validate_resource_field_ref,
)
from kubeinfer_sim.manifest.kubernetes.validation.paths import validate_file_path, validate_mode

_SHORTEST_TOKEN = 600
_LONGEST_TOKEN = 2**32


def validate_key_to_path(item: Mapping[str, Any], at: Field, errors: Errors) -> None:
    """A key and the file it becomes."""
    if not item.get("key"):
        errors.required(at.child("key"))
    path = item.get("path", "")
    if not path:
        errors.required(at.child("path"))
    validate_file_path(path, at.child("path"), errors)
    validate_mode(item.get("mode"), at.child("mode"), errors)


def validate_downward_api_file(item: Mapping[str, Any], at: Field, errors: Errors) -> None:
    """A field of the pod and the file it becomes; the API server names the volume, not the item."""
    path = item.get("path", "")
    if not path:
        errors.required(at.child("path"))
    validate_file_path(path, at.child("path"), errors)
    if "fieldRef" in item:
        validate_field_ref(item["fieldRef"], VOLUME_FIELD_PATHS, at.child("fieldRef"), errors)
        if "resourceFieldRef" in item:
            errors.invalid(at, None, "must not have both fieldRef and resourceFieldRef")
    elif "resourceFieldRef" in item:
        reference_at = at.child("resourceFieldRef")
        validate_resource_field_ref(item["resourceFieldRef"], reference_at, errors, volume=True)
    else:
        errors.required(at, "needs fieldRef or resourceFieldRef")
    validate_mode(item.get("mode"), at.child("mode"), errors)


def validate_projected(source: Mapping[str, Any], at: Field, errors: Errors) -> None:
    """A projected volume: no two sources may write the same file."""
    validate_mode(source.get("defaultMode"), at.child("defaultMode"), errors)
    paths: set[str] = set()

    def unique(path: str, place: Field) -> None:
        if path in paths:
            errors.invalid(place, path, "must not be the path of two sources")
        elif path:
            paths.add(path)

    for i, projection in enumerate(source.get("sources", ())):
        place = at.child("sources").index(i)
        whole = Field(at.child("sources", ""), i, "")  # errors the API server puts at the volume
        for kind in ("secret", "configMap"):
            if kind not in projection:
                continue
            if not projection[kind].get("name"):
                errors.required(place.down(kind, "name"))
            for j, item in enumerate(projection[kind].get("items", ())):
                validate_key_to_path(item, place.down(kind, "items").index(j), errors)
                unique(item.get("path", ""), _hidden(whole, kind, "items", j, "path"))
        for j, item in enumerate(projection.get("downwardAPI", {}).get("items", ())):
            file_at = Field(place.child("downwardAPI").child("items", ""), j, "")
            validate_downward_api_file(item, file_at, errors)
            unique(item.get("path", ""), _hidden(whole, "downwardAPI", "items", j, "path"))
        token = projection.get("serviceAccountToken")
        if token is not None:
            seconds = token.get("expirationSeconds", 0)
            seconds_at = place.down("serviceAccountToken", "expirationSeconds")
            if seconds < _SHORTEST_TOKEN:
                errors.invalid(seconds_at, seconds, f"must be at least {_SHORTEST_TOKEN} (10 minutes)")
            if seconds > _LONGEST_TOKEN:
                errors.invalid(seconds_at, seconds, f"must be at most {_LONGEST_TOKEN} (2^32)")
            path_at = whole.child("serviceAccountToken", "").child("path")
            if not token.get("path"):
                errors.required(path_at)
            else:
                validate_file_path(token["path"], path_at, errors)
        if len(projection) > 1:
            errors.forbidden(place, f"must have one source at most, has {', '.join(projection)}")


def _hidden(at: Field, *parts: str | int) -> Field:
    """A place the API server words like the one above."""
    for part in parts:
        at = Field(at, part, "")
    return at

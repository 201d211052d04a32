"""Whole Pods: what is held against a Pod but not yet against the template it is made from.

A template can be fine and its Pods be refused, one after the other, for ever: the object exists and nothing
runs. Source: pkg/apis/core/validation/validation.go (`ValidatePodCreate`, `validatePodMetadataAndSpec`),
k8s.io/apimachinery pkg/api/validation/objectmeta.go.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from kubeinfer_sim.manifest.kubernetes.field_errors import Errors, Field
from kubeinfer_sim.manifest.kubernetes.names import dns1123_label, dns1123_subdomain, qualified_name
from kubeinfer_sim.manifest.kubernetes.validation.annotations import (
    validate_annotations_match,
    validate_pod_annotations,
)
from kubeinfer_sim.manifest.kubernetes.validation.hosts import each_container
from kubeinfer_sim.manifest.kubernetes.validation.metadata import validate_annotations, validate_labels
from kubeinfer_sim.manifest.kubernetes.validation.pods import validate_pod_spec

_FINALIZERS = ("foregroundDeletion", "kubernetes", "orphan")


def validate_pod(pod: Mapping[str, Any], at: Field, errors: Errors) -> None:
    """A Pod at its creation."""
    metadata, spec = pod.get("metadata", {}), pod.get("spec", {})
    metadata_at, spec_at = at.child("metadata"), at.child("spec")
    annotations, annotations_at = metadata.get("annotations", {}), metadata_at.child("annotations")
    containers = list(each_container(spec, spec_at))
    _validate_metadata(metadata, metadata_at, errors)
    if annotations:
        validate_pod_annotations(annotations, spec, containers, annotations_at, errors)
        validate_annotations_match(annotations, spec, containers, spec_at, errors)
    validate_pod_spec(spec, spec_at, errors)
    validate_pod_only(spec, spec_at, errors)
    _validate_generated_claims(metadata.get("name", ""), spec, spec_at.child("volumes"), errors)


def _validate_metadata(metadata: Mapping[str, Any], at: Field, errors: Errors) -> None:
    name, prefix = metadata.get("name", ""), metadata.get("generateName", "")
    if prefix:
        errors.check(at.child("generateName"), prefix, dns1123_subdomain(f"{prefix.rstrip('-')}a"))
    if name:
        errors.check(at.child("name"), name, dns1123_subdomain(name))
    elif not prefix:
        errors.required(at.child("name"), "needs a name or generateName")
    namespace = metadata.get("namespace", "")
    if not namespace:
        errors.required(at.child("namespace"))
    else:
        errors.check(at.child("namespace"), namespace, dns1123_label(namespace))
    validate_labels(metadata.get("labels", {}), at.child("labels"), errors)
    validate_annotations(metadata.get("annotations", {}), at.child("annotations"), errors)
    _validate_finalizers(metadata.get("finalizers", ()), at.child("finalizers"), errors)


def _validate_finalizers(finalizers: Sequence[str], at: Field, errors: Errors) -> None:
    """Names of finalizers: well formed, with a domain or Kubernetes' own, and no two that exclude each other.

    Source: ValidateFinalizers in k8s.io/apimachinery pkg/api/validation/objectmeta.go, whose errors bear no
    index, and validateKubeFinalizerName in pkg/apis/core/validation/validation.go, whose errors do.
    """
    for i, finalizer in enumerate(finalizers):
        errors.check(at.index(i, ""), finalizer, qualified_name(finalizer))
        if "/" not in finalizer and finalizer not in _FINALIZERS:
            errors.invalid(at.index(i), finalizer, "must have a domain (e.g. example.com/finalizer)")
    if {"foregroundDeletion", "orphan"} <= {*finalizers}:
        errors.invalid(at, None, "must not hold both foregroundDeletion and orphan")


def validate_pod_only(spec: Mapping[str, Any], at: Field, errors: Errors) -> None:
    """The rules of a Pod's spec that a template's spec is spared."""
    for name in ("initContainers", "containers"):
        for i, container in enumerate(spec.get(name, ())):
            image = container.get("image", "")
            if image != image.strip():
                place = at.child(name).index(i).child("image")
                errors.invalid(place, image, "must not begin or end with blanks")
    for i, volume in enumerate(spec.get("volumes", ())):
        place = at.child("volumes").index(i)
        if "image" in volume and not volume["image"].get("reference"):
            errors.required(place.down("image", "reference"))
        if not spec.get("serviceAccountName"):
            for j, source in enumerate(volume.get("projected", {}).get("sources", ())):
                if "serviceAccountToken" in source:
                    token_at = place.down("projected", "sources").index(j).child("serviceAccountToken")
                    errors.forbidden(token_at, "must not be given without serviceAccountName")
    if spec.get("hostNetwork"):
        for i, container in enumerate(spec.get("containers", ())):
            for j, port in enumerate(container.get("ports", ())):
                if port.get("containerPort", 0) and not port.get("hostPort", 0):
                    place = at.child("containers").index(i).child("ports").index(j).child("hostPort")
                    errors.invalid(place, 0, "must be equal to containerPort when hostNetwork is true")
    if spec.get("ephemeralContainers"):
        errors.forbidden(at.child("ephemeralContainers"), "must not be given when a Pod is created")
    if spec.get("nodeName") and spec.get("schedulingGates"):
        errors.forbidden(at.child("nodeName"), "must not be given while there are schedulingGates")


def _validate_generated_claims(pod_name: str, spec: Mapping[str, Any], at: Field, errors: Errors) -> None:
    """The claims made for ephemeral volumes: their names must be valid and not be used otherwise."""
    if not pod_name:
        return
    volumes = spec.get("volumes", ())
    generated = {f"{pod_name}-{v.get('name', '')}" for v in volumes if "ephemeral" in v}
    for i, volume in enumerate(volumes):
        place = at.index(i)
        claim = volume.get("persistentVolumeClaim", {}).get("claimName", "")
        if claim in generated:
            message = "must not be the claim made for an ephemeral volume"
            errors.invalid(place.down("persistentVolumeClaim", "claimName"), claim, message)
        name = volume.get("name", "")
        if "ephemeral" in volume and name:
            messages = dns1123_subdomain(f"{pod_name}-{name}")
            errors.check(place.child("name"), name, (f"the claim's name {m}" for m in messages))

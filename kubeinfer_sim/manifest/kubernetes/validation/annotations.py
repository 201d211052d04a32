"""Annotations of pods that the API server reads itself.

Source: pkg/apis/core/validation/validation.go (`ValidatePodSpecificAnnotations`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from kubeinfer_sim.manifest.kubernetes.decode import decode
from kubeinfer_sim.manifest.kubernetes.field_errors import DECODE, Errors, Field, Root
from kubeinfer_sim.manifest.kubernetes.schema import Type, types
from kubeinfer_sim.manifest.kubernetes.validation.scheduling import validate_tolerations
from kubeinfer_sim.manifest.kubernetes.validation.security import (
    APPARMOR_CONTAINER_PREFIX,
    SECCOMP_CONTAINER_PREFIX,
    SECCOMP_POD_ANNOTATION,
    validate_annotation_matches_profile,
    validate_security_annotations,
)
from kubeinfer_sim.manifest.kubernetes.validation.windows import Placed

_DELETION_COST = "controller.kubernetes.io/pod-deletion-cost"
_TOLERATIONS = "scheduler.alpha.kubernetes.io/tolerations"
_COST = r"0|-?[0-9]{1,12}"


def validate_pod_annotations(
    annotations: Mapping[str, str],
    spec: Mapping[str, Any],
    containers: Sequence[Placed],
    at: Field,
    errors: Errors,
) -> None:
    """Annotations the API server itself reads."""
    mirror = annotations.get("kubernetes.io/config.mirror")
    if mirror is not None and not spec.get("nodeName"):
        errors.invalid(at.key("kubernetes.io/config.mirror"), mirror, "needs spec.nodeName beside it")
    if annotations.get(_TOLERATIONS):
        tolerations = _read_tolerations(annotations[_TOLERATIONS])
        if tolerations is None:
            errors.invalid(at.child(_TOLERATIONS, ""), _TOLERATIONS, "must be a list of tolerations in JSON")
        else:
            validate_tolerations(tolerations, at.child(_TOLERATIONS), errors)
    cost = annotations.get(_DELETION_COST)
    if cost is not None and not _is_deletion_cost(cost):
        errors.invalid(at.key(_DELETION_COST), cost, "must be an integer of 32 bits")
    names = {container.get("name", "") for container, _ in containers}
    validate_security_annotations(annotations, names, at, errors)


def _read_tolerations(text: str) -> list[dict[str, Any]] | None:
    """Tolerations in JSON; None for anything else."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    errors = Errors()
    tolerations = decode(value, Type("list", "list", types()["Toleration"]), Root(), errors)
    return None if any(error.type == DECODE for error in errors.found) else tolerations


def _is_deletion_cost(text: str) -> bool:
    """A 32-bit integer without a plus sign or leading zeros (pkg/apis/core/helper)."""
    if not re.fullmatch(_COST, text) or (text[0] == "0" and text != "0"):
        return False
    return -(2**31) <= int(text) < 2**31


def validate_annotations_match(
    annotations: Mapping[str, str],
    spec: Mapping[str, Any],
    containers: Sequence[Placed],
    at: Field,
    errors: Errors,
) -> None:
    """Annotations for seccomp and AppArmor beside the fields that took their place."""
    context = spec.get("securityContext", {})
    validate_annotation_matches_profile(
        "seccomp",
        annotations.get(SECCOMP_POD_ANNOTATION),
        context.get("seccompProfile"),
        at.down("securityContext", "seccompProfile"),
        errors,
    )
    windows = spec.get("os", {}).get("name") == "windows"
    for container, place in containers:
        name, own = container.get("name", ""), container.get("securityContext", {})
        validate_annotation_matches_profile(
            "seccomp",
            annotations.get(f"{SECCOMP_CONTAINER_PREFIX}{name}"),
            own.get("seccompProfile"),
            place.down("securityContext", "seccompProfile"),
            errors,
        )
        if not windows:
            validate_annotation_matches_profile(
                "AppArmor",
                annotations.get(f"{APPARMOR_CONTAINER_PREFIX}{name}"),
                own.get("appArmorProfile", context.get("appArmorProfile")),
                place.down("securityContext", "appArmorProfile"),
                errors,
            )

"""Security contexts of pods and containers, seccomp and AppArmor, in fields and annotations.

Source: pkg/apis/core/validation/validation.go (`ValidateSecurityContext`, `validatePodSpecSecurityContext`).
Privileged containers are allowed, as nearly all clusters allow them (`--allow-privileged`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from kubeinfer_sim.manifest.kubernetes.field_errors import Errors, Field
from kubeinfer_sim.manifest.kubernetes.names import byte_length
from kubeinfer_sim.manifest.kubernetes.validation.paths import validate_descending_path
from kubeinfer_sim.manifest.kubernetes.validation.windows import validate_windows_options

PROFILE_TYPES = ("Localhost", "RuntimeDefault", "Unconfined")
SECCOMP_POD_ANNOTATION = "seccomp.security.alpha.kubernetes.io/pod"
SECCOMP_CONTAINER_PREFIX = "container.seccomp.security.alpha.kubernetes.io/"
APPARMOR_CONTAINER_PREFIX = "container.apparmor.security.beta.kubernetes.io/"
_LONGEST_PROFILE = 4095
_SYSCTL_SEGMENT = r"[a-z0-9](?:[-_a-z0-9]*[a-z0-9])?"
_SYSCTL = rf"(?:{_SYSCTL_SEGMENT}[./])*{_SYSCTL_SEGMENT}"


def _validate_ids(context: Mapping[str, Any], names: tuple[str, ...], at: Field, errors: Errors) -> None:
    for name in names:
        if name in context:
            _validate_id(context[name], at.child(name), errors)


def _validate_id(number: int, at: Field, errors: Errors) -> None:
    if not 0 <= number < 2**31:
        errors.invalid(at, number, "must be between 0 and 2147483647, inclusive")


def validate_container_security_context(
    context: Mapping[str, Any], host_users: bool, at: Field, errors: Errors
) -> None:
    """The securityContext of a container."""
    _validate_ids(context, ("runAsUser", "runAsGroup"), at, errors)
    mount = context.get("procMount")
    if mount is not None:
        if mount not in ("Default", "Unmasked"):
            errors.not_supported(at.child("procMount"), mount, ("Default", "Unmasked"))
        if host_users and mount == "Unmasked":
            errors.invalid(at.child("procMount"), mount, "must not be Unmasked unless hostUsers is false")
    _validate_profile("seccomp", context.get("seccompProfile"), at.child("seccompProfile"), errors)
    if context.get("allowPrivilegeEscalation") is False:
        if context.get("privileged"):
            message = "must not have allowPrivilegeEscalation false beside privileged true"
            errors.invalid(at, None, message)
        for capability in context.get("capabilities", {}).get("add", ()):
            if capability == "CAP_SYS_ADMIN":
                message = "must not have allowPrivilegeEscalation false beside the capability CAP_SYS_ADMIN"
                errors.invalid(at, None, message)
    validate_windows_options(context.get("windowsOptions"), at.child("windowsOptions"), errors)
    _validate_profile("AppArmor", context.get("appArmorProfile"), at.child("appArmorProfile"), errors)


def validate_pod_security_context(
    context: Mapping[str, Any], spec: Mapping[str, Any], at: Field, errors: Errors
) -> None:
    """The securityContext of a pod, and what the API server keeps with it (shareProcessNamespace)."""
    _validate_ids(context, ("fsGroup", "runAsUser", "runAsGroup"), at, errors)
    for i, group in enumerate(context.get("supplementalGroups", ())):
        _validate_id(group, at.child("supplementalGroups").index(i), errors)
    if spec.get("shareProcessNamespace") and spec.get("hostPID"):
        place = Field(at.parent, "shareProcessNamespace", ".securityContext.shareProcessNamespace")
        errors.invalid(place, True, "must not be true when hostPID is")
    _validate_sysctls(context, spec, at.child("sysctls"), errors)
    for name, choices in (
        ("fsGroupChangePolicy", ("Always", "OnRootMismatch")),
        ("supplementalGroupsPolicy", ("Merge", "Strict")),
        ("seLinuxChangePolicy", ("MountOption", "Recursive")),
    ):
        if name in context and context[name] not in choices:
            errors.not_supported(at.child(name), context[name], choices)
    _validate_profile("seccomp", context.get("seccompProfile"), at.child("seccompProfile"), errors)
    validate_windows_options(context.get("windowsOptions"), at.child("windowsOptions"), errors)
    _validate_profile("AppArmor", context.get("appArmorProfile"), at.child("appArmorProfile"), errors)


def _validate_profile(kind: str, profile: Mapping[str, Any] | None, at: Field, errors: Errors) -> None:
    """A seccomp or AppArmor profile."""
    if profile is None:
        return
    profile_type, file = profile.get("type", ""), profile.get("localhostProfile")
    errors.choice(at.child("type"), profile_type, PROFILE_TYPES)
    file_at = at.child("localhostProfile")
    if profile_type == "Localhost":
        if file is None or (kind == "AppArmor" and not file):
            errors.required(file_at, f"is required for a {kind} profile of type Localhost")
        elif kind == "seccomp":
            validate_descending_path(file, file_at, errors)
        elif file != file.strip():
            errors.invalid(file_at, file, "must not begin or end with blanks")
        if kind == "AppArmor" and file and byte_length(file) > _LONGEST_PROFILE:
            errors.too_long(file_at, _LONGEST_PROFILE)
    elif file is not None and (kind == "seccomp" or profile_type in PROFILE_TYPES):
        errors.invalid(file_at, file, "must only be given when the type is Localhost")


def _validate_sysctls(context: Mapping[str, Any], spec: Mapping[str, Any], at: Field, errors: Errors) -> None:
    seen: set[str] = set()
    for i, sysctl in enumerate(context.get("sysctls", ())):
        name, place = sysctl.get("name", ""), at.index(i).child("name")
        if not name:
            errors.required(place)
        elif byte_length(name) > 253 or not re.fullmatch(_SYSCTL, name):
            message = "must be lower case letters, digits, '-', '_' in parts joined by '.' or '/'"
            errors.invalid(place, name, message)
        elif name in seen:
            errors.duplicate(place, name)
        seen.add(name)
        dotted = _dotted(name)
        if spec.get("hostNetwork") and dotted.startswith("net."):
            errors.invalid(place, name, "must not be given when hostNetwork is true")
        elif spec.get("hostIPC") and (
            dotted == "kernel.sem" or dotted.startswith(("kernel.shm", "kernel.msg", "fs.mqueue."))
        ):
            errors.invalid(place, name, "must not be given when hostIPC is true")


def _dotted(name: str) -> str:
    """A sysctl written with slashes, in dots (component-helpers node/util/sysctl/namespace.go)."""
    first = re.search(r"[./]", name)
    return name.translate(str.maketrans("./", "/.")) if first and first[0] == "/" else name


def validate_security_annotations(
    annotations: Mapping[str, str], container_names: set[str], at: Field, errors: Errors
) -> None:
    """The old annotations for seccomp and AppArmor."""
    for key, value in annotations.items():
        if key == SECCOMP_POD_ANNOTATION or key.startswith(SECCOMP_CONTAINER_PREFIX):
            place = at.child(key)
            if value.startswith("localhost/"):
                validate_descending_path(value.removeprefix("localhost/"), place, errors)
            elif value not in ("runtime/default", "docker/default", "unconfined"):
                errors.invalid(place, value, "must be runtime/default, unconfined or localhost/<profile>")
        elif key.startswith(APPARMOR_CONTAINER_PREFIX):
            name = key.removeprefix(APPARMOR_CONTAINER_PREFIX)
            if name not in container_names:
                errors.invalid(at.key(key), name, "must end with the name of a container")
            if value not in ("", "runtime/default", "unconfined") and not value.startswith("localhost/"):
                message = "must be runtime/default, unconfined or localhost/<profile>"
                errors.invalid(at.key(key), value, message)


def validate_annotation_matches_profile(
    kind: str, annotation: str | None, profile: Mapping[str, Any] | None, at: Field, errors: Errors
) -> None:
    """Where the old annotation and the field are both given, they must say the same."""
    if annotation is None or profile is None:
        return
    allowed = {
        "Unconfined": ("unconfined",),
        "RuntimeDefault": ("runtime/default", "docker/default")[: 2 if kind == "seccomp" else 1],
    }
    profile_type = profile.get("type", "")
    if profile_type in allowed:
        if annotation not in allowed[profile_type]:
            errors.forbidden(at.child("type"), f"must be the same as in the annotation, {annotation!r}")
    elif profile_type == "Localhost":
        if not annotation.startswith("localhost/"):
            errors.forbidden(at.child("type"), f"must be the same as in the annotation, {annotation!r}")
        elif annotation.removeprefix("localhost/") != profile.get("localhostProfile"):
            message = f"must be the same as in the annotation, {annotation!r}"
            errors.forbidden(at.child("localhostProfile"), message)

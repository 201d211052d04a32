"""What is special about pods for Windows, and forbidden there.

Source: pkg/apis/core/validation/validation.go (`validateWindowsSecurityContextOptions`, `validateWindows`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from kubeinfer_sim.manifest.kubernetes.field_errors import Errors, Field
from kubeinfer_sim.manifest.kubernetes.names import byte_length, dns1123_subdomain

#: A container and its place.
Placed = tuple[Mapping[str, Any], Field]

_LONGEST_CREDENTIALS = 64 * 1024
# Compiled when a pod is for Windows: to compile takes longer than to check a small manifest.
_control = partial(re.search, r"[\x00-\x1f\x7f]")
_net_bios = partial(re.fullmatch, r'[^\\/:*?"<>|.][^\\/:*?"<>|]{0,14}')
_DNS = r"[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?"
_dns_domain = partial(re.fullmatch, rf"{_DNS}(?:\.{_DNS})*")
_dots_and_spaces = partial(re.fullmatch, r"[. ]+")
_bad_characters = partial(re.search, r'["/\\:;|=,+*?<>@\[\]]')
_POD_FIELDS = (
    "appArmorProfile",
    "seLinuxOptions",
    "seccompProfile",
    "fsGroup",
    "fsGroupChangePolicy",
    "runAsUser",
    "runAsGroup",
    "supplementalGroups",
    "supplementalGroupsPolicy",
    "seLinuxChangePolicy",
)
_CONTAINER_FIELDS = (
    "appArmorProfile",
    "seLinuxOptions",
    "seccompProfile",
    "capabilities",
    "readOnlyRootFilesystem",
    "privileged",
    "allowPrivilegeEscalation",
    "procMount",
    "runAsUser",
    "runAsGroup",
)


def validate_windows_options(options: Mapping[str, Any] | None, at: Field, errors: Errors) -> None:
    """The windowsOptions of a security context."""
    if options is None:
        return
    name = options.get("gmsaCredentialSpecName")
    if name is not None:
        errors.check(at.child("gmsaCredentialSpecName"), name, dns1123_subdomain(name))
    credentials = options.get("gmsaCredentialSpec")
    if credentials is not None:
        if not credentials:
            errors.invalid(at.child("gmsaCredentialSpec"), credentials, "must not be empty")
        elif byte_length(credentials) > _LONGEST_CREDENTIALS:
            errors.invalid(at.child("gmsaCredentialSpec"), None, "must be smaller than 64 KiB")
    user = options.get("runAsUserName")
    if user is not None:
        errors.check(at.child("runAsUserName"), user, _user_name_errors(user))


def _user_name_errors(name: str) -> list[str]:
    if not name:
        return ["must not be empty"]
    if _control(name):
        return ["must not contain control characters"]
    if name.count("\\") > 1:
        return ["must not contain more than one backslash"]
    domain, backslash, user = name.rpartition("\\")
    errors = []
    if byte_length(domain) >= 256:
        errors.append("the domain must have fewer than 256 characters")
    if backslash and not (_net_bios(domain) or _dns_domain(domain)):
        errors.append("the domain must be a NetBIOS or DNS name")
    if not user:
        errors.append("the user must not be empty")
    elif byte_length(user) > 104:
        errors.append("the user must have at most 104 characters")
    if _dots_and_spaces(user):
        errors.append("the user must not consist of dots and spaces")
    if _bad_characters(user):
        errors.append('the user must not contain any of "/\\:;|=,+*?<>@[]')
    return errors


def validate_host_process(
    spec: Mapping[str, Any], containers: Sequence[Placed], at: Field, errors: Errors
) -> None:
    """HostProcess containers: all of a pod or none, and only on the host's network."""
    of_pod = spec.get("securityContext", {}).get("windowsOptions", {}).get("hostProcess")
    count = 0
    for container, place in containers:
        own = container.get("securityContext", {}).get("windowsOptions", {}).get("hostProcess")
        if of_pod is not None and own is not None and own != of_pod:
            field = place.down("securityContext", "windowsOptions", "hostProcess")
            errors.invalid(field, own, "must be the same as the pod's")
        count += bool(of_pod if own is None else own)
    if count:
        if count != len(containers):
            errors.invalid(at, None, "must have hostProcess for all containers or for none")
        if not spec.get("hostNetwork"):
            errors.invalid(at.child("hostNetwork"), False, "must be true for hostProcess containers")


def validate_linux(spec: Mapping[str, Any], containers: Sequence[Placed], at: Field, errors: Errors) -> None:
    """A pod for Linux by its `os` has no options for Windows."""
    for owner, place in ((spec, at), *containers):
        if "windowsOptions" in owner.get("securityContext", {}):
            message = "must not be given for a Linux pod"
            errors.forbidden(place.down("securityContext", "windowsOptions"), message)


def validate_windows(
    spec: Mapping[str, Any], containers: Sequence[Placed], at: Field, errors: Errors
) -> None:
    """A pod for Windows by its `os` has no options for Linux."""
    message = "must not be given for a Windows pod"
    context = spec.get("securityContext", {})
    for name in _POD_FIELDS:
        if name in context:
            errors.forbidden(at.down("securityContext", name), message)
    if context.get("sysctls"):
        errors.forbidden(at.down("securityContext", "sysctls"), message)
    for name in ("hostUsers", "shareProcessNamespace"):
        if name in spec:
            errors.forbidden(at.child(name), message)
    for name in ("hostPID", "hostIPC"):
        if spec.get(name):
            errors.forbidden(at.child(name), message)
    for container, place in containers:
        own = container.get("securityContext", {})
        for name in _CONTAINER_FIELDS:
            if name in own:
                errors.forbidden(place.down("securityContext", name), message)

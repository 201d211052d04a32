"""Containers: regular, init and ephemeral ones.

Source: pkg/apis/core/validation/validation.go (`validateContainers`, `validateInitContainers`,
`validateEphemeralContainers`, `validateContainerCommon`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct, field

from kubeinfer_sim.manifest.kubernetes.field_errors import Errors, Field
from kubeinfer_sim.manifest.kubernetes.names import dns1123_label
from kubeinfer_sim.manifest.kubernetes.validation.environment import (
    validate_env,
    validate_env_from,
    validate_ports,
)
from kubeinfer_sim.manifest.kubernetes.validation.handlers import validate_lifecycle, validate_probe
from kubeinfer_sim.manifest.kubernetes.validation.mounts import (
    validate_volume_devices,
    validate_volume_mounts,
)
from kubeinfer_sim.manifest.kubernetes.validation.resources import validate_resource_requirements
from kubeinfer_sim.manifest.kubernetes.validation.security import validate_container_security_context

Container = Mapping[str, Any]

PULL_POLICIES = ("Always", "IfNotPresent", "Never")
PROBES = ("livenessProbe", "readinessProbe", "startupProbe")
_MESSAGE_POLICIES = ("File", "FallbackToLogsOnError")
_RESTART_POLICIES = ("Always", "Never", "OnFailure")
_RESIZE_POLICIES = ("NotRequired", "RestartContainer")
_RULE_ACTIONS = ("Restart", "RestartAllContainers")
_EPHEMERAL_FIELDS = frozenset(
    {
        "name",
        "image",
        "command",
        "args",
        "workingDir",
        "envFrom",
        "env",
        "volumeMounts",
        "volumeDevices",
        "terminationMessagePath",
        "terminationMessagePolicy",
        "imagePullPolicy",
        "securityContext",
        "stdin",
        "stdinOnce",
        "tty",
        "targetContainerName",
    }
)


class PodContext(Struct, frozen=True):
    """What containers need to know of their pod.

    Attributes:
        volumes: the volumes without errors, by name.
        claims: names of the pod's resource claims.
        grace_period: terminationGracePeriodSeconds, None when not given.
        restart_policy: of the pod.
        host_users: whether the pod shares the host's user namespace.
    """

    volumes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    claims: frozenset[str] = frozenset()
    grace_period: int | None = None
    restart_policy: str = "Always"
    host_users: bool = True


def validate_containers(containers: Sequence[Container], pod: PodContext, at: Field, errors: Errors) -> None:
    """The regular containers, of which there must be one."""
    if not containers:
        errors.required(at, "at least one container is required")
        return
    names: set[str] = set()
    for i, container in enumerate(containers):
        place = at.index(i)
        _validate_common(container, pod, place, errors)
        name = container.get("name", "")
        if name in names:
            errors.duplicate(place.child("name"), name)
        names.add(name)
        _validate_hooks_and_probes(container, pod, place, errors)
        _validate_restart_policy(container, place, errors)
    _check_host_ports(containers, at, errors)


def validate_init_containers(
    containers: Sequence[Container], regular: Sequence[Container], pod: PodContext, at: Field, errors: Errors
) -> None:
    """Init containers; those with restartPolicy Always (sidecars) may have hooks and probes."""
    names = {container.get("name", "") for container in regular}
    for i, container in enumerate(containers):
        place = at.index(i)
        _validate_common(container, pod, place, errors)
        if "restartPolicy" not in container and container.get("restartPolicyRules"):
            errors.required(place.child("restartPolicy"), "is required beside restartPolicyRules")
        else:
            _validate_restart_policy(container, place, errors)
        name = container.get("name", "")
        if name in names:
            errors.duplicate(place.child("name"), name)
        elif name:
            names.add(name)
        # They run one by one, so ports can only collide within one. The API server puts the error at item 0.
        _check_host_ports([container], at, errors, first=i)
        sidecar = container.get("restartPolicy") == "Always"
        if sidecar:
            _validate_hooks_and_probes(container, pod, place, errors)
            continue
        for name in ("lifecycle", *PROBES):
            if name in container:
                message = "must not be given for an init container without restartPolicy Always"
                errors.forbidden(place.child(name), message)
        for j, policy in enumerate(container.get("resizePolicy", ())):
            if policy.get("restartPolicy") == "RestartContainer":
                errors.invalid(
                    place.child("resizePolicy").index(j).child("restartPolicy"),
                    "RestartContainer",
                    "must not be RestartContainer for an init container without restartPolicy Always",
                )


def validate_ephemeral_containers(
    containers: Sequence[Container],
    others: Sequence[Container],
    pod: PodContext,
    at: Field,
    errors: Errors,
) -> None:
    """Ephemeral containers; `others` are the regular and the init containers."""
    targets = {container.get("name", "") for container in others}
    names = set(targets)
    for i, container in enumerate(containers):
        place = at.index(i)
        _validate_common(container, pod, place, errors)
        image = container.get("image", "")
        if image != image.strip():
            errors.invalid(place.child("image"), image, "must not begin or end with blanks")
        name = container.get("name", "")
        if name in names:
            errors.duplicate(place.child("name"), name)
        names.add(name)
        target = container.get("targetContainerName", "")
        if target and target not in targets:
            message = "must be the name of a regular or init container"
            errors.not_found(place.child("targetContainerName"), target, message)
        for key, value in container.items():
            given = value not in ({}, "", 0) or key == "restartPolicy"  # a pointer: empty is given, too
            if given and key not in _EPHEMERAL_FIELDS:
                errors.forbidden(place.child(key), "must not be given for an ephemeral container")
        for j, mount in enumerate(container.get("volumeMounts", ())):
            for key in ("subPath", "subPathExpr"):
                if mount.get(key):
                    message = "must not be given for an ephemeral container"
                    errors.forbidden(place.child("volumeMounts").index(j).child(key), message)


def _validate_common(container: Container, pod: PodContext, at: Field, errors: Errors) -> None:
    name = container.get("name", "")
    if not name:
        errors.required(at.child("name"))
    else:
        errors.check(at.child("name"), name, dns1123_label(name))
    if not container.get("image"):
        errors.required(at.child("image"))
    message_policy = container.get("terminationMessagePolicy", "")
    errors.choice(at.child("terminationMessagePolicy"), message_policy, _MESSAGE_POLICIES)
    validate_ports(container.get("ports", ()), at.child("ports"), errors)
    validate_env(container.get("env", ()), at.child("env"), errors)
    validate_env_from(container.get("envFrom", ()), at.child("envFrom"), errors)
    validate_volume_mounts(container, pod.volumes, at.child("volumeMounts"), errors)
    validate_volume_devices(container, pod.volumes, at.child("volumeDevices"), errors)
    errors.choice(at.child("imagePullPolicy"), container.get("imagePullPolicy", ""), PULL_POLICIES)
    resources = container.get("resources")
    if resources:
        validate_resource_requirements(resources, pod.claims, at.child("resources"), errors)
    _validate_resize_policy(container.get("resizePolicy", ()), pod, at.child("resizePolicy"), errors)
    context = container.get("securityContext")
    if context is not None:
        validate_container_security_context(context, pod.host_users, at.child("securityContext"), errors)


def _validate_hooks_and_probes(container: Container, pod: PodContext, at: Field, errors: Errors) -> None:
    if "lifecycle" in container:
        validate_lifecycle(container["lifecycle"], pod.grace_period, at.child("lifecycle"), errors)
    for kind in PROBES:
        validate_probe(kind, container.get(kind), pod.grace_period, at.child(kind), errors)


def _validate_resize_policy(
    policies: Sequence[Mapping[str, Any]], pod: PodContext, at: Field, errors: Errors
) -> None:
    seen: set[str] = set()
    for i, policy in enumerate(policies):
        resource, restart = policy.get("resourceName", ""), policy.get("restartPolicy", "")
        if resource in seen:
            errors.duplicate(at.index(i), resource)
        seen.add(resource)
        place = at.index(i, "")
        errors.choice(place.child("resourceName", ""), resource, ("cpu", "memory"))
        errors.choice(place.child("restartPolicy", ""), restart, _RESIZE_POLICIES)
        if pod.restart_policy == "Never" and restart != "NotRequired":
            message = "must be NotRequired when the pod's restartPolicy is Never"
            errors.invalid(place.child("restartPolicy", ""), restart, message)


def _validate_restart_policy(container: Container, at: Field, errors: Errors) -> None:
    """A container's own restartPolicy and its rules by exit code (ContainerRestartRules, on since 1.35)."""
    policy = container.get("restartPolicy")
    rules = container.get("restartPolicyRules", ())
    if policy is None:
        if rules:
            errors.required(at.child("restartPolicy"), "is required beside restartPolicyRules")
    elif policy not in _RESTART_POLICIES:
        errors.not_supported(at.child("restartPolicy"), policy, _RESTART_POLICIES)
    if policy is None and not rules:
        return
    if len(rules) > 20:
        errors.too_many(at.child("restartPolicyRules"), len(rules), 20)
    for i, rule in enumerate(rules):
        place = at.child("restartPolicyRules").index(i)
        action = rule.get("action", "")
        if action not in _RULE_ACTIONS:
            errors.not_supported(place.child("action"), action, _RULE_ACTIONS)
        codes = rule.get("exitCodes")
        if codes is None:
            errors.required(place.child("exitCodes"))
            continue
        operator = codes.get("operator", "")
        if operator not in ("In", "NotIn"):
            errors.not_supported(place.down("exitCodes", "operator"), operator, ("In", "NotIn"))
        values = codes.get("values", ())
        if len(values) > 255:
            errors.too_many(place.down("exitCodes", "values"), len(values), 255)


def _check_host_ports(containers: Sequence[Container], at: Field, errors: Errors, first: int = 0) -> None:
    """No protocol, host IP and host port may occur twice; `first` is the document's index of the first."""
    seen: set[str] = set()
    for i, container in enumerate(containers):
        for j, port in enumerate(container.get("ports", ())):
            number = port.get("hostPort", 0)
            if not number:
                continue
            key = f"{port.get('protocol', '')}/{port.get('hostIP', '')}/{number}"
            if key in seen:
                place = at.index(first + i, f"[{i}]")
                errors.duplicate(place.child("ports").index(j).child("hostPort"), key)
            seen.add(key)

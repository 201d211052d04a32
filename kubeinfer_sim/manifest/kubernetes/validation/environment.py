"""Environment variables, where their values come from, and container ports.

Source: pkg/apis/core/validation/validation.go (`ValidateEnv`, `ValidateEnvFrom`, `validateContainerPorts`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from kubeinfer_sim.manifest.kubernetes.field_errors import Errors, Field
from kubeinfer_sim.manifest.kubernetes.names import (
    config_key,
    dns1123_label,
    dns1123_subdomain,
    port_name,
    port_number,
    qualified_name,
    relaxed_env_var_name,
)
from kubeinfer_sim.manifest.kubernetes.quantity import Quantity
from kubeinfer_sim.manifest.kubernetes.validation.paths import validate_no_backsteps

PROTOCOLS = ("SCTP", "TCP", "UDP")

_ENV_FIELD_PATHS = (
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
    "spec.nodeName",
    "spec.serviceAccountName",
    "status.hostIP",
    "status.hostIPs",
    "status.podIP",
    "status.podIPs",
)
#: Field paths of downward API volumes.
VOLUME_FIELD_PATHS = (
    "metadata.annotations",
    "metadata.labels",
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
)
#: All field paths there are, for whatever use.
_KNOWN_FIELD_PATHS = frozenset(
    {
        *_ENV_FIELD_PATHS,
        *VOLUME_FIELD_PATHS,
        "spec.restartPolicy",
        "spec.schedulerName",
        "spec.host",
        "status.phase",
    }
)
_RESOURCE_FIELDS = tuple(
    f"{kind}.{name}" for kind in ("limits", "requests") for name in ("cpu", "ephemeral-storage", "memory")
)
_HUGE_PAGES_FIELDS = ("limits.hugepages-", "requests.hugepages-")
_BYTE_DIVISORS = frozenset(
    ("1", "1k", "1M", "1G", "1T", "1P", "1E", "1Ki", "1Mi", "1Gi", "1Ti", "1Pi", "1Ei")
)
_SOURCES = ("fieldRef", "resourceFieldRef", "configMapKeyRef", "secretKeyRef", "fileKeyRef")


def validate_ports(ports: Sequence[Mapping[str, Any]], at: Field, errors: Errors) -> None:
    """The ports of one container."""
    names: set[str] = set()
    for i, port in enumerate(ports):
        place = at.index(i)
        name = port.get("name", "")
        if name:
            if messages := port_name(name):
                errors.check(place.child("name"), name, messages)
            elif name in names:
                errors.duplicate(place.child("name"), name)
            else:
                names.add(name)
        number = port.get("containerPort", 0)
        if not number:
            errors.required(place.child("containerPort"))
        else:
            errors.check(place.child("containerPort"), number, port_number(number))
        host_port = port.get("hostPort", 0)
        if host_port:
            errors.check(place.child("hostPort"), host_port, port_number(host_port))
        errors.choice(place.child("protocol"), port.get("protocol", ""), PROTOCOLS)


def validate_env(variables: Sequence[Mapping[str, Any]], at: Field, errors: Errors) -> None:
    """The env list of a container."""
    for i, variable in enumerate(variables):
        place = at.index(i)
        name = variable.get("name", "")
        if not name:
            errors.required(place.child("name"))
        else:
            errors.check(place.child("name"), name, relaxed_env_var_name(name))
        if "valueFrom" in variable:
            _validate_value_from(variable, place.child("valueFrom"), errors)


def _validate_value_from(variable: Mapping[str, Any], at: Field, errors: Errors) -> None:
    source = variable["valueFrom"]
    given = [name for name in _SOURCES if name in source]
    for name in given:
        place, value = at.child(name), source[name]
        match name:
            case "fieldRef":
                validate_field_ref(value, _ENV_FIELD_PATHS, place, errors)
            case "resourceFieldRef":
                validate_resource_field_ref(value, place, errors, volume=False)
            case "configMapKeyRef" | "secretKeyRef":
                reference = value.get("name", "")
                errors.check(place.child("name"), reference, dns1123_subdomain(reference))
                _validate_key(value.get("key", ""), place.child("key"), config_key, errors)
            case "fileKeyRef":
                _validate_file_key(value, place, errors)
    if not given:
        errors.invalid(at, None, f"needs exactly one of {', '.join(_SOURCES)}")
    elif variable.get("value"):
        errors.invalid(at, None, "must not be given beside a non-empty value")
    elif len(given) > 1:
        errors.invalid(at, None, f"must have exactly one source, has {', '.join(given)}")


def _validate_key(key: str, at: Field, check: Any, errors: Errors) -> None:
    if not key:
        errors.required(at)
    else:
        errors.check(at, key, check(key))


def _validate_file_key(value: Mapping[str, Any], at: Field, errors: Errors) -> None:
    _validate_key(value.get("key", ""), at.child("key"), relaxed_env_var_name, errors)
    _validate_key(value.get("volumeName", ""), at.child("volumeName"), dns1123_label, errors)
    path = value.get("path", "")
    if not path:
        errors.required(at.child("path"))
    else:
        validate_no_backsteps(path, at.child("path"), errors)


def validate_field_ref(
    reference: Mapping[str, Any], supported: Collection[str], at: Field, errors: Errors
) -> None:
    """A reference to a field of the pod, such as `metadata.labels['app']`."""
    version, path = reference.get("apiVersion", ""), reference.get("fieldPath", "")
    path_at = at.child("fieldPath")
    if not version:
        errors.required(at.child("apiVersion"))
        return
    if not path:
        errors.required(path_at)
        return
    if version != "v1":
        errors.invalid(path_at, path, f"can only be read as apiVersion v1, not {version}")
        return
    base, subscript = _split_subscript(path)
    if subscript is not None:
        match base:
            case "metadata.annotations":
                errors.check(at, subscript, qualified_name(subscript.lower()))
            case "metadata.labels":
                errors.check(at, subscript, qualified_name(subscript))
            case _:
                errors.invalid(
                    path_at, path, "can have ['key'] after metadata.labels and metadata.annotations only"
                )
    elif path not in _KNOWN_FIELD_PATHS:
        errors.invalid(path_at, path, f"must be one of {', '.join(supported)}")
    elif ("spec.nodeName" if path == "spec.host" else path) not in supported:
        errors.not_supported(path_at, path, supported)


def _split_subscript(path: str) -> tuple[str, str | None]:
    """`metadata.labels['app']` as its two parts; None where there is no subscript."""
    base, bracket, rest = path.partition("['")
    if bracket and base and rest.endswith("']"):
        return base, rest[:-2]
    return path, None


def validate_resource_field_ref(
    reference: Mapping[str, Any], at: Field, errors: Errors, *, volume: bool
) -> None:
    """A reference to a container's requests or limits; a volume must name the container."""
    resource = reference.get("resource", "")
    if volume and not reference.get("containerName"):
        errors.required(at.child("containerName"))
    elif not resource:
        errors.required(at.child("resource"))
    elif resource not in _RESOURCE_FIELDS and not resource.startswith(_HUGE_PAGES_FIELDS):
        errors.not_supported(at.child("resource"), resource, _RESOURCE_FIELDS)
    divisor: Quantity = reference.get("divisor", Quantity(0))
    if not divisor.sign:
        return
    if resource in ("limits.cpu", "requests.cpu"):
        if str(divisor) not in ("1", "1m"):
            errors.invalid(at.child("divisor"), str(divisor), "must be 1 or 1m for cpu")
    elif (resource in _RESOURCE_FIELDS or resource.startswith(_HUGE_PAGES_FIELDS)) and str(
        divisor
    ) not in _BYTE_DIVISORS:
        message = "must be 1, 1k, 1M, 1G, 1T, 1P, 1E, 1Ki, 1Mi, 1Gi, 1Ti, 1Pi or 1Ei"
        errors.invalid(at.child("divisor"), str(divisor), message)


def validate_env_from(sources: Sequence[Mapping[str, Any]], at: Field, errors: Errors) -> None:
    """The envFrom list of a container."""
    for i, source in enumerate(sources):
        place = at.index(i)
        prefix = source.get("prefix", "")
        if prefix:
            errors.check(place.child("prefix"), prefix, relaxed_env_var_name(prefix))
        given = [name for name in ("configMapRef", "secretRef") if name in source]
        for kind in given:
            name_at, name = place.down(kind, "name"), source[kind].get("name", "")
            if not name:
                errors.required(name_at)
            else:
                # A trailing dash is let through here, as for the beginning of a generated name.
                masked = f"{name[:-2]}a" if len(name) > 1 and name.endswith("-") else name
                errors.check(name_at, name, dns1123_subdomain(masked))
        if not given:
            errors.invalid(at.index(i, ""), None, "needs exactly one of configMapRef and secretRef")
        elif len(given) > 1:
            errors.invalid(at.index(i, ""), None, "must not have both configMapRef and secretRef")

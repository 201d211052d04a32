"""Probes and lifecycle hooks.

Source: pkg/apis/core/validation/validation.go (`validateProbe`, `validateHandler`, `validateLifecycle`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kubeinfer_sim.manifest.kubernetes.field_errors import Errors, Field
from kubeinfer_sim.manifest.kubernetes.names import http_header_name, port_name, port_number

_HANDLERS = ("exec", "httpGet", "tcpSocket", "grpc", "sleep")


def validate_port(port: int | str, at: Field, errors: Errors) -> None:
    """A port by number or by name; names are checked for form only."""
    messages = port_name(port) if isinstance(port, str) else port_number(port)
    if isinstance(port, str) and port.isdigit():
        messages = [f"{message} (in quotes it is a name; leave out the quotes)" for message in messages]
    errors.check(at, port, messages)


def validate_handler(handler: Mapping[str, Any], grace_period: int | None, at: Field, errors: Errors) -> None:
    """Exactly one handler; of several the first in the order of `_HANDLERS` counts."""
    given = [name for name in _HANDLERS if name in handler]
    if not given:
        errors.required(
            at, "needs a handler: one of exec, httpGet, tcpSocket, or grpc (probes), sleep (hooks)"
        )
        return
    for name in given[1:]:
        errors.forbidden(at.child(name), f"must not be given beside {given[0]}: one handler at most")
    name = given[0]
    action, place = handler[name], at.child(name)
    match name:
        case "exec":
            if not action.get("command"):
                errors.required(place.child("command"), "needs a command of at least one word")
        case "httpGet":
            _validate_http_get(action, place, errors)
        case "tcpSocket":
            validate_port(action.get("port", 0), place.child("port"), errors)
        case "grpc":
            validate_port(action.get("port", 0), place.child("port"), errors)
        case "sleep":
            seconds = action.get("seconds", 0)
            if grace_period is not None and not 0 <= seconds <= grace_period:
                message = f"seconds must be from 0 to terminationGracePeriodSeconds ({grace_period})"
                errors.invalid(place, seconds, message)


def _validate_http_get(action: Mapping[str, Any], at: Field, errors: Errors) -> None:
    if not action.get("path"):
        errors.required(at.child("path"))
    validate_port(action.get("port", 0), at.child("port"), errors)
    scheme = action.get("scheme", "")
    if scheme not in ("HTTP", "HTTPS"):
        errors.not_supported(at.child("scheme"), scheme, ("HTTP", "HTTPS"))
    for i, header in enumerate(action.get("httpHeaders", ())):
        name = header.get("name", "")
        place = at.child("httpHeaders").index(i, "")
        errors.check(place, name, (f"the name: {message}" for message in http_header_name(name)))


def validate_probe(
    kind: str, probe: Mapping[str, Any] | None, grace_period: int | None, at: Field, errors: Errors
) -> None:
    """A probe; `kind` (`livenessProbe`, `readinessProbe` or `startupProbe`) adds rules of its own."""
    if probe is None:
        return
    validate_handler(probe, grace_period, at, errors)
    for name in (
        "initialDelaySeconds",
        "timeoutSeconds",
        "periodSeconds",
        "successThreshold",
        "failureThreshold",
    ):
        errors.non_negative(at.child(name), probe.get(name, 0))
    own_grace = probe.get("terminationGracePeriodSeconds")
    grace_at = at.child("terminationGracePeriodSeconds")
    if own_grace is not None and own_grace <= 0:
        errors.invalid(grace_at, own_grace, "must be greater than 0")
    if kind == "readinessProbe":
        if own_grace is not None:
            errors.invalid(grace_at, own_grace, "must not be given for readiness probes, which kill nothing")
    elif kind in ("livenessProbe", "startupProbe") and probe.get("successThreshold", 0) != 1:
        errors.invalid(
            at.child("successThreshold"),
            probe.get("successThreshold", 0),
            "must be 1 for liveness and startup probes",
        )


def validate_lifecycle(
    lifecycle: Mapping[str, Any], grace_period: int | None, at: Field, errors: Errors
) -> None:
    """The hooks of a container; stopSignal is behind a feature that is off and dropped before."""
    for name in ("postStart", "preStop"):
        if name in lifecycle:
            validate_handler(lifecycle[name], grace_period, at.child(name), errors)

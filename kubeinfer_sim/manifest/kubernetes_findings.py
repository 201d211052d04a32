"""Kubernetes' own checks of pod templates and Service specs, reported as findings about the document.

Most are told as `kubernetes/` words them, types and sets of words as the KubeInfer's own fields do. A few whose
place in the API server's words says little to people (which of two handlers is one too many, that a request
differs from its limit) are told about the object they are in.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from kubeinfer_sim.diagnostics import Path, Severity
from kubeinfer_sim.manifest.checker import MAX_FINDINGS, Checker, shown
from kubeinfer_sim.manifest.kubernetes import field_errors
from kubeinfer_sim.manifest.kubernetes.field_errors import Errors, Field, FieldError, Root
from kubeinfer_sim.manifest.kubernetes.images import reference_error
from kubeinfer_sim.manifest.kubernetes.pod import pod_errors
from kubeinfer_sim.manifest.kubernetes.pod_template import read_pod, read_pod_template, validate_made_pod
from kubeinfer_sim.manifest.kubernetes.reading import Reading, read
from kubeinfer_sim.manifest.kubernetes.service import read_service_spec
from kubeinfer_sim.manifest.kubernetes.validation.pods import validate_pod_template
from kubeinfer_sim.manifest.kubernetes.validation.services import validate_service_spec
from kubeinfer_sim.manifest.references import (
    ASSUMED_CLAIM,
    ASSUMED_CLASS,
    CLASSES,
    claim_assumed,
    class_assumed,
)
from kubeinfer_sim.manifest.suggest import did_you_mean

#: Short, stable codes for the API server's error types.
_CODES = {
    field_errors.REQUIRED: "required",
    field_errors.INVALID: "invalid",
    field_errors.NOT_SUPPORTED: "not-supported",
    field_errors.FORBIDDEN: "forbidden",
    field_errors.DUPLICATE: "duplicate",
    field_errors.NOT_FOUND: "not-found",
    field_errors.TOO_LONG: "too-long",
    field_errors.TOO_MANY: "too-many",
    field_errors.UNKNOWN: "unknown-field",
    field_errors.DECODE: "type",
}
#: What tells errors apart that the API server gives one type.
_FRACTION = "must be a whole number of"
_PORT_RANGE = "must be between 1 and 65535, inclusive"
_DIFFERS, _DIFFERS_LESS = "equal to the ", "less than or equal to the "
_CHOICES = r"(?s)must be one of (.*), got "
_QUOTED = r'"([^"]*)"'
_WORDS = {
    "expected a text,": "expected a string,",
    "expected a mapping with fields": "expected a mapping",
    "expected a whole number": "expected an integer",
    "expected true or false": "expected a boolean",
    "got the text ": "got the string ",
    "got the truth value ": "got the boolean ",
}
#: The code of the warning of an image that the API server takes and no kubelet does.
INVALID_IMAGE_NAME = "invalid-image-name"
_REFUSED_PODS = "the object is accepted, and every Pod made from it refused: nothing ever runs"
_PROBES = ("startupProbe", "livenessProbe", "readinessProbe")
_NAMED = {
    "containers": "container name",
    "initContainers": "container name",
    "volumes": "volume name",
    "ports": "port name",
}
_HOOKS = ("preStop", "postStart")


def check_pod_template(checker: Checker, template: Any, path: Path) -> Reading:
    """Read a pod template and report what the API server would refuse, or accept with a warning."""
    reading = read_pod_template(template, path)
    _report_all(checker, reading, path, validate_pod_template)
    _warn_of_images(checker, reading, path)
    _tell_of_assumed(checker, reading, path)
    for error in pod_errors(reading, path):
        _report(checker, error, differs=False, hint=_REFUSED_PODS)
    return reading


def check_pod(checker: Checker, metadata: Any, spec: Any) -> Reading:
    """Read a Pod, as the template of one, and report what the API server would refuse, or accept with a warning."""
    reading = read_pod({"metadata": metadata, "spec": spec})
    _report_all(checker, reading, (), validate_made_pod)
    _warn_of_images(checker, reading, ())
    _tell_of_assumed(checker, reading, ())
    return reading


def check_service_spec(checker: Checker, spec: Any, path: Path) -> Reading:
    """Read a Service's spec and report what the API server would refuse, or accept with a warning."""
    reading = read_service_spec(spec, path)
    _report_all(checker, reading, path, validate_service_spec)
    return reading


def check_claim_spec(checker: Checker, spec: Any, path: Path) -> None:
    """Report what the API server would refuse of a claim's spec."""
    from kubeinfer_sim.manifest.kubernetes.validation.claims import validate_claim_spec

    reading = read(spec, "PersistentVolumeClaimSpec", Root(path), validate=validate_claim_spec)
    _report_all(checker, reading, path, validate_claim_spec)


def check_apps_spec(
    checker: Checker, kind: str, spec: Mapping[str, Any], path: Path
) -> tuple[Reading, Reading]:
    """Read the spec of a kind of apps/v1 and its pod template, and report what the API server would refuse."""
    from kubeinfer_sim.manifest.kubernetes.rolling_update import VALIDATIONS, read_apps_spec

    template = check_pod_template(checker, spec.get("template"), (*path, "template"))
    # What is wrong with the template is said; to the rest of the spec it is as it could be read.
    reading = read_apps_spec(kind, {**spec, "template": template.effective}, path)
    _report_all(checker, reading, path, VALIDATIONS[kind])
    return reading, template


def _report_all(
    checker: Checker, reading: Reading, path: Path, validate: Callable[[dict[str, Any], Field, Errors], None]
) -> None:
    errors = list(reading.errors)
    unreadable = {each.path for each in errors if each.type == field_errors.DECODE}
    if unreadable:
        # The API server stops at the first value of the wrong type. People want the rest as well, but not what
        # only follows from a value that could not be read.
        more = Errors()
        validate(reading.typed, Root(path), more)
        above = {bad[:length] for bad in unreadable for length in range(len(bad))}
        errors += [
            each
            for each in more.found
            if each.path not in above
            and not any(each.path[:i] in unreadable for i in range(len(each.path) + 1))
        ]
    fractions = {(each.path[:-2], each.path[-1]) for each in errors if _FRACTION in each.message}
    for error in errors:
        if len(checker.findings) >= MAX_FINDINGS:
            return
        differs = _DIFFERS in error.message and _DIFFERS_LESS not in error.message
        if not (differs and (error.path[:-2], error.path[-1]) in fractions):
            _report(checker, error, differs=differs)
    for warning in reading.warnings:
        checker.report(warning.path, warning.message, severity=Severity.WARNING, code="kubernetes")


def _warn_of_images(checker: Checker, reading: Reading, path: Path) -> None:
    spec = reading.effective.get("spec") or {}
    for kind in ("initContainers", "containers"):
        for index, each in enumerate(spec.get(kind) or ()):
            image = each.get("image") or ""
            if image and (error := reference_error(image)):
                message = f"{shown(image)}: {error}: the container stays Waiting (InvalidImageName) for ever"
                where = (*path, "spec", kind, index, "image")
                checker.report(where, message, severity=Severity.WARNING, code=INVALID_IMAGE_NAME)


def _tell_of_assumed(checker: Checker, reading: Reading, path: Path) -> None:
    spec = reading.effective.get("spec") or {}
    for key, kind in CLASSES.items():
        name = spec.get(key) or ""
        if isinstance(name, str) and name and not name.startswith("system-"):
            told = class_assumed(kind, name)
            checker.report((*path, "spec", key), told, severity=Severity.WARNING, code=ASSUMED_CLASS)
    for index, volume in enumerate(spec.get("volumes") or ()):
        name = (volume.get("persistentVolumeClaim") or {}).get("claimName") or ""
        if name:
            where = (*path, "spec", "volumes", index, "persistentVolumeClaim", "claimName")
            told = claim_assumed(name, _namespace(checker.document.value))
            checker.report(where, told, severity=Severity.NOTE, code=ASSUMED_CLAIM)


def _namespace(written: Any) -> str:
    metadata = written.get("metadata") if isinstance(written, Mapping) else None
    namespace = metadata.get("namespace") if isinstance(metadata, Mapping) else None
    return namespace if isinstance(namespace, str) and namespace else "default"


def _report(checker: Checker, error: FieldError, *, differs: bool, hint: str = "") -> None:
    path, code = error.path, _CODES.get(error.type, "invalid")
    actual, message = shown(error.bad_value), error.message
    at: Path | None = None
    key = error.type == field_errors.UNKNOWN
    parent = path[-2] if len(path) > 1 else ""
    match error.type:
        case field_errors.UNKNOWN:
            _, semicolon, suggestion = message.partition("; ")
            message = f"unknown field {shown(path[-1] if path else '')}{semicolon}{suggestion}"
        case field_errors.REQUIRED if message.startswith("needs a handler"):
            message, key = f"exactly one of {_handlers(path[-1])} must be set", True
        case field_errors.REQUIRED:
            message = message.removeprefix("is ")
        case field_errors.FORBIDDEN if parent in (*_PROBES, *_HOOKS):
            message, at, path, key = f"exactly one of {_handlers(parent)} may be set", path, path[:-1], True
        case field_errors.DUPLICATE:
            message = f"duplicate {_what(path)} {actual}"
        case field_errors.NOT_SUPPORTED:
            message = _not_supported(error)
        case field_errors.DECODE:
            message = _decode(message)
        case field_errors.INVALID if _FRACTION in message:
            message = f"{actual} - extended resources must be whole numbers"
        case field_errors.INVALID if differs:
            limit = message.partition("limit of ")[2].partition(",")[0]
            message = f"{path[-1]} request {error.bad_value} must equal limit {limit} (extended resource)"
            at, path = path, path[:-2]
        case field_errors.INVALID if _DIFFERS_LESS in message:
            limit = message.partition("limit of ")[2].partition(",")[0]
            message = f"{path[-1]} request {error.bad_value} must not be more than limit {limit}"
            at, path = path, path[:-2]
        case field_errors.INVALID if message.startswith(_PORT_RANGE):
            message = f"{actual} is outside 1-65535"
        case field_errors.INVALID if message.startswith("must be greater than or equal to 0"):
            message = f"{actual} must not be negative"
        case field_errors.INVALID if message.startswith("must be 1 for liveness"):
            message = f"must be 1, got {actual}"
            hint = "only readiness probes may ask for several successes in a row"
    checker.report(path, message, code=code, hint=hint, at=at, key=key)


def _what(path: Path) -> str:
    """What is there twice: `container name`, `hostPort`, `value`."""
    if not path or not isinstance(path[-1], str):
        return "value"
    owner = path[-3] if path[-1] == "name" and len(path) > 2 else ""
    return _NAMED.get(str(owner), path[-1])


def _handlers(owner: str | int) -> str:
    return f"exec, httpGet, tcpSocket, {'grpc' if owner in _PROBES else 'sleep'}"


def _not_supported(error: FieldError) -> str:
    match = re.search(_CHOICES, error.message)
    if match is None:
        return error.message
    choices = [each for each in re.findall(_QUOTED, match[1]) if each]
    return f"{shown(error.bad_value)} is not one of {', '.join(choices)}{did_you_mean(str(error.bad_value), choices)}"


def _decode(message: str) -> str:
    """Say what was expected in the words used for the KubeInfer's own fields."""
    if message.startswith("must be "):
        message = "expected " + message.removeprefix("must be ")
    for theirs, ours in _WORDS.items():
        message = message.replace(theirs, ours, 1)
    return message

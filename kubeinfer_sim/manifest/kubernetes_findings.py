"""Kubernetes' own checks of pod templates and Service specs, reported as findings about the document.

Most errors are told as they come. A few whose place in the API server's words says little to people (which of
two handlers is one too many, that a request differs from its limit) are worded about the object they are in.
"""

from __future__ import annotations

from typing import Any

from kubeinfer_sim.manifest.checker import MAX_FINDINGS, Checker, shown
from kubeinfer_sim.manifest.diagnostics import Path
from kubeinfer_sim.manifest.kubernetes import field_errors
from kubeinfer_sim.manifest.kubernetes.field_errors import FieldError
from kubeinfer_sim.manifest.kubernetes.pod_template import validate_pod_template
from kubeinfer_sim.manifest.kubernetes.service import validate_service_spec

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
_PROBES = ("startupProbe", "livenessProbe", "readinessProbe")
_HOOKS = ("preStop", "postStart")


def check_pod_template(checker: Checker, template: Any, path: Path) -> None:
    """Report what the API server would refuse in a pod template."""
    _report_all(checker, validate_pod_template(template, path))


def check_service_spec(checker: Checker, spec: Any, path: Path) -> None:
    """Report what the API server would refuse in a Service's spec."""
    _report_all(checker, validate_service_spec(spec, path))


def _report_all(checker: Checker, errors: list[FieldError]) -> None:
    for error in errors:
        if len(checker.findings) >= MAX_FINDINGS:
            return
        _report(checker, error)


def _report(checker: Checker, error: FieldError) -> None:
    path, code = error.path, _CODES.get(error.type, "invalid")
    if error.type == field_errors.UNKNOWN:
        suggestion = error.message.partition("; ")[2]
        name = str(path[-1]) if path else ""
        message = f"unknown field {shown(name)}" + (f"; {suggestion}" if suggestion else "")
        checker.report(path, message, code=code, key=True)
    elif error.type == field_errors.REQUIRED:
        checker.report(path, error.message.removeprefix("is "), code=code)
    elif error.type == field_errors.FORBIDDEN and len(path) > 1 and path[-2] in (*_PROBES, *_HOOKS):
        last = "grpc" if path[-2] in _PROBES else "sleep"
        message = f"exactly one of exec, httpGet, tcpSocket, {last} may be set"
        checker.report(path[:-1], message, code=code, key=True, at=path)
    elif error.type == field_errors.INVALID and path and path[-1] == "successThreshold" and error.bad_value > 0:
        checker.report(
            path,
            f"must be 1, got {error.bad_value}",
            code=code,
            hint="only readiness probes may ask for several successes in a row",
        )
    elif error.type == field_errors.INVALID and len(path) > 2 and path[-3] == "resources":
        _report_amount(checker, error, code)
    else:
        checker.report(path, error.message, code=code)


def _report_amount(checker: Checker, error: FieldError, code: str) -> None:
    """An amount of a resource: `resources.requests[huawei.com/ascend-1980]` and the like."""
    *above, kind, name = error.path
    if "whole number" in error.message:
        written = shown(error.bad_value)
        checker.report(error.path, f"{written} - extended resources must be whole numbers", code=code)
    elif kind == "requests" and "equal to the" in error.message and "less than" not in error.message:
        limit = error.message.partition("limit of ")[2].partition(",")[0]
        checker.report(
            tuple(above),
            f"{name} request {error.bad_value} must equal limit {limit} (extended resource)",
            code=code,
            at=error.path,
        )
    else:
        checker.report(error.path, error.message, code=code)

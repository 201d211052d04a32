"""Pod templates and Service specs as the API server takes them: decode, fill defaults, validate, warn, store."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from kubeinfer_sim.manifest.diagnostics import Path
from kubeinfer_sim.manifest.kubernetes.decode import decode, stored
from kubeinfer_sim.manifest.kubernetes.defaults import fill_defaults
from kubeinfer_sim.manifest.kubernetes.field_errors import (
    DECODE,
    Errors,
    Field,
    FieldError,
    FieldWarning,
    Root,
    Warnings,
)
from kubeinfer_sim.manifest.kubernetes.pod_warnings import warn_about_pod_template
from kubeinfer_sim.manifest.kubernetes.schema import types
from kubeinfer_sim.manifest.kubernetes.service_warnings import warn_about_service
from kubeinfer_sim.manifest.kubernetes.validation.pods import validate_pod_template as _validate_pod_template
from kubeinfer_sim.manifest.kubernetes.validation.services import (
    validate_service_spec as _validate_service_spec,
)


@dataclass(frozen=True, slots=True)
class Reading:
    """What the API server makes of a value.

    Attributes:
        effective: the value as stored: defaults filled in, quantities as texts, what is empty or unknown left
            out. Where there are errors, as much of it as could be read.
        errors: everything wrong with it; field errors only where every value has the right type.
        warnings: what is accepted with a warning; empty where there are errors.
        typed: the effective value with quantities as `Quantity`.
    """

    effective: dict[str, Any]
    errors: list[FieldError]
    warnings: list[FieldWarning]
    typed: dict[str, Any]


def _read(
    value: Any,
    type_name: str,
    at: Field,
    prepare: Callable[[dict[str, Any]], None],
    validate: Callable[[dict[str, Any], Field, Errors], None],
    warn: Callable[[dict[str, Any], Field, Warnings], None],
) -> Reading:
    errors, warnings = Errors(), Warnings()
    schema = types()[type_name]
    typed = decode(value, schema, at, errors, fill_defaults)
    prepare(typed)
    if not any(error.type == DECODE for error in errors.found):
        validate(typed, at, errors)
        if not errors.found:
            warn(typed, at, warnings)
    return Reading(stored(typed, schema), errors.found, warnings.found, typed)


def read_pod_template(value: Any, path: Path = ()) -> Reading:
    """Read a PodTemplateSpec at `path` of a document."""
    return _read(
        value,
        "PodTemplateSpec",
        Root(path),
        _drop_disabled,
        _validate_pod_template,
        warn_about_pod_template,
    )


def read_service_spec(value: Any, path: Path = ()) -> Reading:
    """Read a ServiceSpec at `path` of a document; errors are worded from the root of the Service."""
    at = Field(Root(path), None, "spec")
    return _read(value, "ServiceSpec", at, _sync_cluster_ips, _validate_service_spec, warn_about_service)


def _drop_disabled(template: dict[str, Any]) -> None:
    """Remove fields of features that are off in 1.36, in silence as the API server does (pkg/api/pod/util.go).

    ContainerStopSignals, ClusterTrustBundleProjection, PodCertificateRequest, GenericWorkload.
    """
    spec = template.get("spec", {})
    for name in ("initContainers", "containers", "ephemeralContainers"):
        for container in spec.get(name, ()):
            container.get("lifecycle", {}).pop("stopSignal", None)
    for volume in spec.get("volumes", ()):
        for source in volume.get("projected", {}).get("sources", ()):
            source.pop("clusterTrustBundle", None)
            source.pop("podCertificate", None)
    spec.pop("schedulingGroup", None)


def _sync_cluster_ips(spec: dict[str, Any]) -> None:
    """Copy a clusterIP given alone into clusterIPs, as the storage of Services does before validating."""
    if spec.get("clusterIP") and not spec.get("clusterIPs"):
        spec["clusterIPs"] = [spec["clusterIP"]]


def validate_pod_template(value: Any, path: Path = ()) -> list[FieldError]:
    """Everything the API server would refuse in a PodTemplateSpec."""
    return read_pod_template(value, path).errors


def default_pod_template(value: Any) -> dict[str, Any]:
    """A new PodTemplateSpec as the API server stores it."""
    return read_pod_template(value).effective


def pod_template_warnings(value: Any, path: Path = ()) -> list[FieldWarning]:
    """What the API server accepts in a PodTemplateSpec with a warning."""
    return read_pod_template(value, path).warnings


def validate_service_spec(value: Any, path: Path = ()) -> list[FieldError]:
    """Everything the API server would refuse in a ServiceSpec."""
    return read_service_spec(value, path).errors


def default_service_spec(value: Any) -> dict[str, Any]:
    """A new ServiceSpec as the API server stores it, before addresses and ports are allocated."""
    return read_service_spec(value).effective


def service_warnings(value: Any, path: Path = ()) -> list[FieldWarning]:
    """What the API server accepts in a ServiceSpec with a warning."""
    return read_service_spec(value, path).warnings

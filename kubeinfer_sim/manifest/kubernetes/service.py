"""Specs of Services as the API server of 1.36 takes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from kubeinfer_sim.diagnostics import Path
from kubeinfer_sim.manifest.kubernetes.field_errors import Field, Root
from kubeinfer_sim.manifest.kubernetes.reading import Reading, read
from kubeinfer_sim.manifest.kubernetes.service_warnings import warn_about_service
from kubeinfer_sim.manifest.kubernetes.validation import services


def read_service_spec(value: Any, path: Path = ()) -> Reading:
    """Read a ServiceSpec that stands at `path` in a document; errors are worded from the root of the Service."""
    reading = read(
        value,
        "ServiceSpec",
        Field(Root(path), None, "spec"),
        prepare=_sync_cluster_ips,
        validate=services.validate_service_spec,
        warn=warn_about_service,
    )
    if isinstance(value, Mapping) and not value.get("clusterIPs"):
        # What is found in the copy stands at the clusterIP that was written.
        copied, written = (*path, "clusterIPs"), (*path, "clusterIP")
        for i, error in enumerate(reading.errors):
            if error.path[: len(copied)] == copied:
                reading.errors[i] = replace(error, path=written)
        for i, warning in enumerate(reading.warnings):
            if warning.path[: len(copied)] == copied:
                reading.warnings[i] = replace(warning, path=written)
    return reading


def _sync_cluster_ips(spec: dict[str, Any]) -> None:
    """Copy a clusterIP given alone into clusterIPs, as the storage of Services does before validating."""
    if spec.get("clusterIP") and not spec.get("clusterIPs"):
        spec["clusterIPs"] = [spec["clusterIP"]]


def default_service_spec(value: Any) -> dict[str, Any]:
    """A new ServiceSpec as the API server stores it, before addresses and ports are allocated."""
    return read_service_spec(value).effective

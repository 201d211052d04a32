"""Specs of Deployments and ReplicaSets as the API server takes them; their templates are only decoded."""

from __future__ import annotations

from typing import Any

from kubeinfer_sim.diagnostics import Path
from kubeinfer_sim.manifest.kubernetes.field_errors import Field, Root
from kubeinfer_sim.manifest.kubernetes.reading import Reading, read
from kubeinfer_sim.manifest.kubernetes.validation.deployments import (
    validate_deployment_spec,
    validate_replica_set_spec,
    validate_rolling_update,
)


def read_deployment_spec(value: Any, path: Path = ()) -> Reading:
    """Read a DeploymentSpec: types, defaults, and the rules of its rolling update; its template is only decoded."""
    at = Field(Root(path), None, "spec")
    return read(value, "DeploymentSpec", at, validate=validate_rolling_update)


def read_deployment(value: Any, path: Path = ()) -> Reading:
    """Read a DeploymentSpec with the rules of its selector as well; its template is only decoded."""
    return read(value, "DeploymentSpec", Field(Root(path), None, "spec"), validate=validate_deployment_spec)


def read_replica_set(value: Any, path: Path = ()) -> Reading:
    """Read a ReplicaSetSpec; its template is only decoded."""
    return read(value, "ReplicaSetSpec", Field(Root(path), None, "spec"), validate=validate_replica_set_spec)

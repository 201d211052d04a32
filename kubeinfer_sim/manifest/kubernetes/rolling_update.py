"""Specs of the kinds of apps/v1 as the API server takes them; their templates are only decoded."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from kubeinfer_sim.diagnostics import Path
from kubeinfer_sim.manifest.kubernetes.field_errors import Errors, Field, Root
from kubeinfer_sim.manifest.kubernetes.reading import Reading, read
from kubeinfer_sim.manifest.kubernetes.validation.deployments import (
    validate_daemon_set_spec,
    validate_deployment_spec,
    validate_replica_set_spec,
    validate_stateful_set_spec,
)

Validate = Callable[[Mapping[str, Any], Field, Errors], None]
#: What the spec of each kind is held to beside its template.
VALIDATIONS: Mapping[str, Validate] = {
    "Deployment": validate_deployment_spec,
    "ReplicaSet": validate_replica_set_spec,
    "StatefulSet": validate_stateful_set_spec,
    "DaemonSet": validate_daemon_set_spec,
}


def read_apps_spec(kind: str, value: Any, path: Path = ()) -> Reading:
    """Read the spec of a kind of `VALIDATIONS` with the rules of its selector; its template is only decoded."""
    return read(value, f"{kind}Spec", Field(Root(path), None, "spec"), validate=VALIDATIONS[kind])

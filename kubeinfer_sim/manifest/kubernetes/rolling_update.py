"""Rolling updates of Deployments: their budgets checked, and resolved to numbers of pods."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from kubeinfer_sim.manifest.diagnostics import Path
from kubeinfer_sim.manifest.kubernetes.field_errors import Field, Root
from kubeinfer_sim.manifest.kubernetes.intstr import scaled_value
from kubeinfer_sim.manifest.kubernetes.reading import Reading, read
from kubeinfer_sim.manifest.kubernetes.validation.deployments import (
    validate_deployment_spec,
    validate_rolling_update,
)
from kubeinfer_sim.manifest.model import IntOrPercent

Budget = int | str | IntOrPercent


@dataclass(frozen=True, slots=True)
class Fenceposts:
    """The bounds of a rolling update, in pods.

    Attributes:
        surge: how many there may be above the wanted number.
        unavailable: how many may be missing, by the budgets alone.
        max_unavailable: how many may be missing, at most all.
        min_available: how many must be there.
    """

    surge: int
    unavailable: int
    max_unavailable: int
    min_available: int


def resolve_fenceposts(max_surge: Budget, max_unavailable: Budget, replicas: int) -> Fenceposts:
    """What budgets come to for a number of replicas (pkg/controller/deployment/util/deployment_util.go).

    maxSurge rounds up, maxUnavailable down; where both come out as 0, one pod may be missing. Numbers are of 32
    bits and overflow.

    Raises:
        ValueError: a budget is neither a number nor a percentage.
    """
    surge = _int32(scaled_value(max_surge, replicas, round_up=True))
    unavailable = _int32(scaled_value(max_unavailable, replicas, round_up=False))
    if surge == 0 and unavailable == 0:
        unavailable = 1
    used = min(unavailable, replicas) if replicas else 0
    return Fenceposts(surge, unavailable, used, replicas - used)


def _int32(number: int) -> int:
    return (number + 2**31) % 2**32 - 2**31


def read_deployment_spec(value: Any, path: Path = ()) -> Reading:
    """Read a DeploymentSpec: types, defaults, and the rules of its rolling update; its template is only decoded."""
    at = Field(Root(path), None, "spec")
    return read(value, "DeploymentSpec", at, validate=validate_rolling_update)


def read_deployment(value: Any, path: Path = ()) -> Reading:
    """Read a DeploymentSpec with the rules of its selector as well; its template is only decoded."""
    return read(value, "DeploymentSpec", Field(Root(path), None, "spec"), validate=validate_deployment_spec)

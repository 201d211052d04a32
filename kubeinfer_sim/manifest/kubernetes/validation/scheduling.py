"""Tolerations, topology spread constraints, scheduling gates.

Source: pkg/apis/core/validation/validation.go (`ValidateTolerations`, `validateTopologySpreadConstraints`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from kubeinfer_sim.manifest.kubernetes.field_errors import Errors, Field
from kubeinfer_sim.manifest.kubernetes.names import label_value, qualified_name
from kubeinfer_sim.manifest.kubernetes.validation.metadata import (
    validate_label_name,
    validate_label_selector,
    validate_match_label_keys,
)

_EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")
_ACTIONS = ("DoNotSchedule", "ScheduleAnyway")
_INCLUSION_POLICIES = ("Honor", "Ignore")


def validate_tolerations(tolerations: Sequence[Mapping[str, Any]], at: Field, errors: Errors) -> None:
    """The tolerations of a pod; what is wrong with the value stands at the operator."""
    for i, toleration in enumerate(tolerations):
        place = at.index(i)
        key, operator = toleration.get("key", ""), toleration.get("operator", "")
        value, effect = toleration.get("value", ""), toleration.get("effect", "")
        operator_at = place.child("operator")
        if key:
            validate_label_name(key, place.child("key"), errors)
        elif operator != "Exists":
            errors.invalid(
                operator_at, operator, "must be Exists when the key is empty, which means every taint"
            )
        if "tolerationSeconds" in toleration and effect != "NoExecute":
            errors.invalid(place.child("effect"), effect, "must be NoExecute when tolerationSeconds is given")
        match operator:
            case "" | "Equal":
                messages = label_value(value)
                if messages:
                    errors.invalid(operator_at, value, f"the value {'; '.join(messages)}")
            case "Exists":
                if value:
                    errors.invalid(operator_at, value, "the value must be empty when the operator is Exists")
            case _:
                errors.not_supported(operator_at, operator, ("Equal", "Exists"))
        if effect and effect not in _EFFECTS:
            errors.not_supported(place.child("effect"), effect, _EFFECTS)


def validate_spread_constraints(constraints: Sequence[Mapping[str, Any]], at: Field, errors: Errors) -> None:
    """The topologySpreadConstraints of a pod."""
    pairs = [(c.get("topologyKey", ""), c.get("whenUnsatisfiable", "")) for c in constraints]
    last = {pair: i for i, pair in enumerate(pairs)}
    for i, constraint in enumerate(constraints):
        place = at.index(i)
        key, action = pairs[i]
        errors.positive(place.child("maxSkew"), constraint.get("maxSkew", 0))
        if not key:
            errors.required(place.child("topologyKey"))
        if action not in _ACTIONS:
            errors.not_supported(place.child("whenUnsatisfiable"), action, _ACTIONS)
        if last[pairs[i]] > i:
            pair_at = Field(place, None, ".{topologyKey, whenUnsatisfiable}")
            errors.duplicate(pair_at, f"{{{key}, {action}}}")
        minimum = constraint.get("minDomains")
        if minimum is not None:
            errors.positive(place.child("minDomains"), minimum)
            if action != "DoNotSchedule":
                message = "must only be given when whenUnsatisfiable is DoNotSchedule"
                errors.invalid(place.child("minDomains"), minimum, message)
        for name in ("nodeAffinityPolicy", "nodeTaintsPolicy"):
            policy = constraint.get(name)
            if policy is not None and policy not in _INCLUSION_POLICIES:
                errors.not_supported(place.child(name), policy, _INCLUSION_POLICIES)
        selector = constraint.get("labelSelector")
        validate_match_label_keys(place, constraint.get("matchLabelKeys", ()), (), selector, errors)
        validate_label_selector(selector, place.child("labelSelector"), errors)


def validate_scheduling_gates(gates: Sequence[Mapping[str, Any]], at: Field, errors: Errors) -> None:
    """The schedulingGates of a pod."""
    seen: set[str] = set()
    for i, gate in enumerate(gates):
        name = gate.get("name", "")
        errors.check(at.index(i), name, qualified_name(name))
        if name in seen:
            errors.duplicate(at.index(i), name)
        seen.add(name)

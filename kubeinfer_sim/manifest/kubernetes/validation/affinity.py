"""Node affinity, pod affinity and anti-affinity.

Source: pkg/apis/core/validation/validation.go (`validateAffinity` and below).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kubeinfer_sim.manifest.kubernetes.field_errors import Errors, Field
from kubeinfer_sim.manifest.kubernetes.names import dns1123_label, dns1123_subdomain, label_value
from kubeinfer_sim.manifest.kubernetes.selectors import PREFERRED, REQUIRED
from kubeinfer_sim.manifest.kubernetes.validation.metadata import (
    validate_label_name,
    validate_label_selector,
    validate_match_label_keys,
    validate_set_operator,
)


def validate_affinity(affinity: Mapping[str, Any], at: Field, errors: Errors) -> None:
    """The affinity of a pod."""
    node = affinity.get("nodeAffinity")
    if node is not None:
        _validate_node_affinity(node, at.child("nodeAffinity"), errors)
    for kind in ("podAffinity", "podAntiAffinity"):
        pods = affinity.get(kind)
        if pods is None:
            continue
        for i, term in enumerate(pods.get(REQUIRED, ())):
            _validate_pod_affinity_term(term, at.down(kind, REQUIRED).index(i), errors)
        for i, weighted in enumerate(pods.get(PREFERRED, ())):
            place = at.down(kind, PREFERRED).index(i)
            _validate_weight(weighted.get("weight", 0), place.child("weight"), errors)
            term = weighted.get("podAffinityTerm", {})
            _validate_pod_affinity_term(term, place.child("podAffinityTerm"), errors)


def _validate_weight(weight: int, at: Field, errors: Errors) -> None:
    if not 1 <= weight <= 100:
        errors.invalid(at, weight, "must be from 1 to 100")


def _validate_node_affinity(affinity: Mapping[str, Any], at: Field, errors: Errors) -> None:
    required = affinity.get(REQUIRED)
    if required is not None:
        terms_at = at.down(REQUIRED, "nodeSelectorTerms")
        terms = required.get("nodeSelectorTerms", ())
        if not terms:
            errors.required(terms_at, "needs at least one term")
        for i, term in enumerate(terms):
            validate_node_selector_term(term, terms_at.index(i), errors)
    for i, preferred in enumerate(affinity.get(PREFERRED, ())):
        place = at.child(PREFERRED).index(i)
        _validate_weight(preferred.get("weight", 0), place.child("weight"), errors)
        preference = preferred.get("preference", {})
        validate_node_selector_term(preference, place.child("preference"), errors, check_values=False)


def validate_node_selector_term(
    term: Mapping[str, Any], at: Field, errors: Errors, *, check_values: bool = True
) -> None:
    """A term of a node selector; the values of preferred terms are not checked for form."""
    for i, requirement in enumerate(term.get("matchExpressions", ())):
        place = at.child("matchExpressions").index(i)
        operator, values = requirement.get("operator", ""), requirement.get("values", ())
        if operator in ("Gt", "Lt"):
            if len(values) != 1:
                errors.required(place.child("values"), f"needs exactly one value for operator {operator}")
        elif operator in ("In", "NotIn", "Exists", "DoesNotExist"):
            validate_set_operator(operator, values, place, errors)
        else:
            message = "must be In, NotIn, Exists, DoesNotExist, Gt or Lt"
            errors.invalid(place.child("operator"), operator, message)
        validate_label_name(requirement.get("key", ""), place.child("key"), errors)
        for j, value in enumerate(values if check_values else ()):
            errors.check(place.child("values").index(j), value, label_value(value))
    for i, requirement in enumerate(term.get("matchFields", ())):
        place = at.child("matchFields").index(i)
        operator, values = requirement.get("operator", ""), requirement.get("values", ())
        if operator not in ("In", "NotIn"):
            errors.invalid(place.child("operator"), operator, "must be In or NotIn for a field")
        elif len(values) != 1:
            errors.required(place.child("values"), f"needs exactly one value, has {len(values)}")
        key = requirement.get("key", "")
        if key != "metadata.name":
            errors.invalid(place.child("key"), key, "must be metadata.name")
            continue
        for j, value in enumerate(values):
            errors.check(place.child("values").index(j), value, dns1123_subdomain(value))


def _validate_pod_affinity_term(term: Mapping[str, Any], at: Field, errors: Errors) -> None:
    selector = term.get("labelSelector")
    validate_label_selector(selector, at.child("labelSelector"), errors)
    validate_label_selector(term.get("namespaceSelector"), at.child("namespaceSelector"), errors)
    for i, namespace in enumerate(term.get("namespaces", ())):
        place = Field(at.child("namespaces", ".namespace"), i, "")
        errors.check(place, namespace, dns1123_label(namespace))
    match_keys, mismatch_keys = term.get("matchLabelKeys", ()), term.get("mismatchLabelKeys", ())
    validate_match_label_keys(at, match_keys, mismatch_keys, selector, errors)
    key = term.get("topologyKey", "")
    if not key:
        errors.required(at.child("topologyKey"))
    validate_label_name(key, at.child("topologyKey"), errors)

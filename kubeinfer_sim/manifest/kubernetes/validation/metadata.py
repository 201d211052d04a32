"""Labels, annotations and label selectors.

Sources: k8s.io/apimachinery pkg/apis/meta/v1/validation/validation.go and pkg/api/validation/objectmeta.go.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from kubeinfer_sim.manifest.kubernetes.field_errors import Errors, Field
from kubeinfer_sim.manifest.kubernetes.names import byte_length, label_value, qualified_name

MAX_ANNOTATIONS_BYTES = 256 * 1024


def validate_labels(labels: Mapping[str, str], at: Field, errors: Errors) -> None:
    """Keys and values of labels, or of a nodeSelector; errors name the map, not the key."""
    for key, value in labels.items():
        entry = at.child(key, "")
        errors.check(entry, key, (f"the key: {message}" for message in qualified_name(key)))
        errors.check(entry, value, (f"the value of {key}: {message}" for message in label_value(value)))


def validate_annotations(annotations: Mapping[str, str], at: Field, errors: Errors) -> None:
    """Keys of annotations, in any case, and the size of all together."""
    for key in annotations:
        errors.check(
            at.child(key, ""), key, (f"the key: {message}" for message in qualified_name(key.lower()))
        )
    if (
        sum(byte_length(key) + byte_length(value) for key, value in annotations.items())
        > MAX_ANNOTATIONS_BYTES
    ):
        errors.too_long(at, MAX_ANNOTATIONS_BYTES)


def validate_label_name(name: str, at: Field, errors: Errors) -> None:
    """A label's key standing by itself."""
    errors.check(at, name, qualified_name(name))


def validate_label_selector(selector: Mapping[str, Any] | None, at: Field, errors: Errors) -> None:
    """A label selector; None matches nothing and is fine."""
    if selector is None:
        return
    validate_labels(selector.get("matchLabels", {}), at.child("matchLabels"), errors)
    for i, requirement in enumerate(selector.get("matchExpressions", ())):
        place = at.child("matchExpressions").index(i)
        values = requirement.get("values", ())
        operator = requirement.get("operator", "")
        validate_set_operator(operator, values, place, errors)
        validate_label_name(requirement.get("key", ""), place.child("key"), errors)
        for j, value in enumerate(values):
            errors.check(place.child("values").index(j), value, label_value(value))


def validate_set_operator(operator: str, values: Sequence[str], at: Field, errors: Errors) -> None:
    """In and NotIn need values, Exists and DoesNotExist must have none, there are no others."""
    if operator in ("In", "NotIn"):
        if not values:
            errors.required(at.child("values"), f"needs at least one value for operator {operator}")
    elif operator in ("Exists", "DoesNotExist"):
        if values:
            errors.forbidden(at.child("values"), f"must not be given for operator {operator}")
    else:
        errors.invalid(at.child("operator"), operator, "must be In, NotIn, Exists or DoesNotExist")


def validate_match_label_keys(
    at: Field,
    match_keys: Sequence[str],
    mismatch_keys: Sequence[str],
    selector: Mapping[str, Any] | None,
    errors: Errors,
) -> None:
    """The matchLabelKeys and mismatchLabelKeys of a spread constraint or an affinity term at `at`."""
    for name, keys in (("matchLabelKeys", match_keys), ("mismatchLabelKeys", mismatch_keys)):
        if keys and selector is None:
            errors.forbidden(at.child(name), "must not be given without labelSelector")
            continue
        for i, key in enumerate(keys):
            validate_label_name(key, at.child(name).index(i), errors)
    if selector is not None:
        positions = {key: i for i, key in enumerate(match_keys)}
        seen = set(selector.get("matchLabels", ()))
        for requirement in selector.get("matchExpressions", ()):
            key = requirement.get("key", "")
            if key in positions and key in seen:
                place = Field(at.child("matchLabelKeys", ""), positions[key])
                errors.invalid(place, key, "must not be in both matchLabelKeys and labelSelector")
            seen.add(key)
    for i, key in enumerate(match_keys):
        if key in mismatch_keys:
            place = at.child("matchLabelKeys").index(i)
            errors.invalid(place, key, "must not be in both matchLabelKeys and mismatchLabelKeys")

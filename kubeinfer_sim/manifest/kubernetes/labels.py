"""Label selectors: requirements, their checks, and matching.

The operators are those of the selector language (`in`, `notin`, `=`, `==`, `!=`, `exists`, `!`, `gt`, `lt`).
Source: k8s.io/apimachinery pkg/labels/selector.go.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from msgspec import Struct

from kubeinfer_sim.manifest.kubernetes.names import label_value, qualified_name

_INTEGER = r"[+-]?[0-9]{1,400}"


def parse_int64(text: str) -> int | None:
    """A base-10 integer of 64 bits as Go's strconv.ParseInt reads it, None for anything else."""
    if not re.fullmatch(_INTEGER, text):
        return None
    number = int(text)
    return number if -(2**63) <= number < 2**63 else None


class Requirement(Struct, frozen=True):
    """One condition on the labels of an object; unchecked, see `requirement_errors`."""

    key: str
    operator: str
    values: tuple[str, ...] = ()

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether labels meet the requirement. A malformed one is never met."""
        value = labels.get(self.key)
        match self.operator:
            case "in" | "=" | "==":
                return value is not None and value in self.values
            case "notin" | "!=":
                return value is None or value not in self.values
            case "exists":
                return value is not None
            case "!":
                return value is None
            case "gt" | "lt":
                if value is None or len(self.values) != 1:
                    return False
                number, bound = parse_int64(value), parse_int64(self.values[0])
                if number is None or bound is None:
                    return False
                return number > bound if self.operator == "gt" else number < bound
        return False


def requirement_errors(key: str, operator: str, values: Sequence[str]) -> list[tuple[str, str]]:
    """What is wrong with a requirement: pairs of field (`key`, `values`, `values[0]` ...) and message."""
    errors: list[tuple[str, str]] = []
    if messages := qualified_name(key):
        errors.append(("key", "; ".join(messages)))
    match operator:
        case "in" | "notin":
            if not values:
                errors.append(("values", "must have at least one value for operators In and NotIn"))
        case "=" | "==" | "!=":
            if len(values) != 1:
                errors.append(("values", f"must have exactly one value, has {len(values)}"))
        case "exists" | "!":
            if values:
                errors.append(("values", "must be empty for operators Exists and DoesNotExist"))
        case "gt" | "lt":
            if len(values) != 1:
                errors.append(("values", f"must have exactly one value for Gt and Lt, has {len(values)}"))
            errors += [
                (f"values[{i}]", "must be an integer for operators Gt and Lt")
                for i, value in enumerate(values)
                if parse_int64(value) is None
            ]
        case _:
            errors.append(("operator", f"is not a known operator: {operator!r}"))
    for i, value in enumerate(values):
        if messages := label_value(value):
            errors.append((f"values[{i}][{key}]", "; ".join(messages)))
    return errors


def matches_all(requirements: Iterable[Requirement], labels: Mapping[str, str]) -> bool:
    """Whether labels meet every requirement; no requirements are met by anything."""
    return all(requirement.matches(labels) for requirement in requirements)


#: The operators of a LabelSelector, and what a requirement calls them.
OPERATORS = {"In": "in", "NotIn": "notin", "Exists": "exists", "DoesNotExist": "!"}


def label_selector(
    raw: Mapping[str, Any] | None, merge: Iterable[Requirement] = ()
) -> tuple[Requirement, ...] | None:
    """A LabelSelector; None when it is absent. `merge` must hold as well."""
    if raw is None:
        return None
    equal = [Requirement(key, "=", (value,)) for key, value in sorted((raw.get("matchLabels") or {}).items())]
    rest = [
        Requirement(r["key"], OPERATORS.get(r["operator"], ""), tuple(r.get("values") or ()))
        for r in raw.get("matchExpressions") or ()
    ]
    return (*equal, *rest, *merge)

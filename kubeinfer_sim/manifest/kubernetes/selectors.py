"""Which nodes a pod accepts: node selector terms and tolerations, on the records of the manifest.

No validation of manifests is needed to use this module. Sources: k8s.io/component-helpers
scheduling/corev1/nodeaffinity/nodeaffinity.go; k8s.io/api core/v1/toleration.go.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Protocol

from kubeinfer_sim.manifest.kubernetes.labels import OPERATORS, Requirement, parse_int64, requirement_errors
from kubeinfer_sim.manifest.model import NodeSelectorRequirement, NodeSelectorTerm, Toleration

#: What affinity has to be, and what it rather is.
REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"
_OPERATORS = {**OPERATORS, "Gt": "gt", "Lt": "lt"}
_DECIMAL_INTEGER = r"0|-?[1-9][0-9]*"


class TaintLike(Protocol):
    """A taint: any record with these attributes."""

    @property
    def key(self) -> str: ...  # noqa: D102
    @property
    def value(self) -> str: ...  # noqa: D102
    @property
    def effect(self) -> str: ...  # noqa: D102


@lru_cache(maxsize=1024)
def _compile(
    term: NodeSelectorTerm,
) -> tuple[tuple[Requirement, ...], tuple[NodeSelectorRequirement, ...]] | None:
    """The requirements of a term on labels and on fields; None if it is empty or malformed."""
    if (not term.match_expressions and not term.match_fields) or term_errors(term):
        return None
    labels = tuple(Requirement(r.key, _OPERATORS[r.operator], r.values) for r in term.match_expressions)
    return labels, term.match_fields


def term_errors(term: NodeSelectorTerm) -> list[tuple[str, str]]:
    """What makes a term malformed, as pairs of field and message; the scheduler lets such a term match nothing."""
    errors: list[tuple[str, str]] = []
    for i, expression in enumerate(term.match_expressions):
        at = f"matchExpressions[{i}]"
        operator = _OPERATORS.get(expression.operator)
        if operator is None:
            errors.append((f"{at}.operator", f"must be one of {', '.join(_OPERATORS)}"))
            continue
        of_values = requirement_errors(expression.key, operator, expression.values)
        errors += [(f"{at}.{where}", message) for where, message in of_values]
    for i, expression in enumerate(term.match_fields):
        at = f"matchFields[{i}]"
        if expression.operator not in ("In", "NotIn"):
            errors.append((f"{at}.operator", "must be In or NotIn for a field"))
        elif len(expression.values) != 1:
            errors.append((f"{at}.values", f"must have exactly one value, has {len(expression.values)}"))
    return errors


def match_node_selector_term(term: NodeSelectorTerm, labels: Mapping[str, str], node_name: str = "") -> bool:
    """Whether a node meets all expressions and fields of a term; an empty or malformed term matches nothing.

    Fields are looked at only where the node has a name, and `metadata.name` is the only one it has.
    """
    compiled = _compile(term)
    if compiled is None:
        return False
    requirements, fields = compiled
    for requirement in requirements:
        if not requirement.matches(labels):
            return False
    if node_name:
        for field in fields:
            actual = node_name if field.key == "metadata.name" else ""
            if (actual == field.values[0]) != (field.operator == "In"):
                return False
    return True


def match_node_selector_terms(
    terms: Iterable[NodeSelectorTerm], labels: Mapping[str, str], node_name: str = ""
) -> bool:
    """Whether a node meets at least one term; no terms match nothing."""
    return any(match_node_selector_term(term, labels, node_name) for term in terms)


def match_node(
    node_selector: Mapping[str, str],
    terms: tuple[NodeSelectorTerm, ...] | None,
    labels: Mapping[str, str],
    node_name: str = "",
) -> bool:
    """Whether a node meets a pod's nodeSelector and its required node affinity (None: it has none)."""
    for key, value in node_selector.items():
        if labels.get(key) != value:
            return False
    return terms is None or match_node_selector_terms(terms, labels, node_name)


def tolerates(toleration: Toleration, taint: TaintLike, *, comparison_operators: bool = False) -> bool:
    """Whether one toleration covers a taint.

    An empty effect covers every effect and an empty key every key. `comparison_operators` also knows Gt and Lt
    (feature gate TaintTolerationComparisonOperators, off in 1.36).
    """
    if toleration.effect and toleration.effect != taint.effect:
        return False
    if toleration.key and toleration.key != taint.key:
        return False
    match toleration.operator:
        case "" | "Equal":
            return toleration.value == taint.value
        case "Exists":
            return True
        case "Gt" | "Lt":
            return comparison_operators and compare_numbers(
                toleration.value, taint.value, toleration.operator
            )
    return False


def tolerates_taint(
    tolerations: Iterable[Toleration], taint: TaintLike, *, comparison_operators: bool = False
) -> bool:
    """Whether any of a pod's tolerations covers a taint."""
    return any(tolerates(t, taint, comparison_operators=comparison_operators) for t in tolerations)


def compare_numbers(toleration_value: str, taint_value: str, operator: str) -> bool:
    """Whether the taint's number is above (`Gt`) or below (`Lt`) the toleration's.

    Both must be plain decimal integers of 64 bits: no plus sign, no leading zeros.
    """
    if not all(re.fullmatch(_DECIMAL_INTEGER, each) for each in (toleration_value, taint_value)):
        return False
    bound, number = parse_int64(toleration_value), parse_int64(taint_value)
    if bound is None or number is None:
        return False
    return (operator == "Gt" and number > bound) or (operator == "Lt" and number < bound)

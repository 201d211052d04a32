"""Node selector terms and tolerations.

Sources: k8s.io/component-helpers/scheduling/corev1/nodeaffinity/nodeaffinity.go,
k8s.io/apimachinery/pkg/labels/selector.go, k8s.io/api/core/v1/toleration.go.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from kubeinfer_sim.manifest.model import NodeSelectorRequirement, NodeSelectorTerm, Toleration

_INT64 = re.compile(r"[+-]?[0-9]+\Z", re.ASCII)


def tolerates(toleration: Toleration, key: str, value: str, effect: str) -> bool:
    """Whether a toleration tolerates a taint: an empty effect matches all effects, an empty key all keys."""
    if toleration.effect and toleration.effect != effect:
        return False
    if toleration.key and toleration.key != key:
        return False
    match toleration.operator or "Equal":
        case "Exists":
            return True
        case "Equal":
            return toleration.value == value
        case _:
            return False


def match_node_selector_term(term: NodeSelectorTerm, labels: Mapping[str, str], node_name: str) -> bool:
    """Whether a node fits a term: all expressions and fields hold. A term with neither matches no node."""
    if not term.match_expressions and not term.match_fields:
        return False
    fields = {"metadata.name": node_name}
    return all(_holds(r, labels) for r in term.match_expressions) and all(
        r.key in fields and r.operator in ("In", "NotIn") and len(r.values) == 1 and _holds(r, fields)
        for r in term.match_fields
    )


def _holds(requirement: NodeSelectorRequirement, labels: Mapping[str, str]) -> bool:
    value = labels.get(requirement.key)
    match requirement.operator:
        case "In":
            return value is not None and value in requirement.values
        case "NotIn":
            return bool(requirement.values) and value not in requirement.values
        case "Exists":
            return value is not None and not requirement.values
        case "DoesNotExist":
            return value is None and not requirement.values
        case "Gt" | "Lt" as operator:
            numbers = [_int64(text) for text in (value, *requirement.values)]
            if len(numbers) != 2 or numbers[0] is None or numbers[1] is None:
                return False
            return numbers[0] > numbers[1] if operator == "Gt" else numbers[0] < numbers[1]
        case _:
            return False


def _int64(text: str | None) -> int | None:
    if text is None or not _INT64.match(text):
        return None
    number = int(text)
    return number if -(2**63) <= number < 2**63 else None

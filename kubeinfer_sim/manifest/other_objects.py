"""Fields of simulated objects that own no pods: an unknown one is an error, as it is of kubectl (strict validation)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kubeinfer_sim.diagnostics import Path
from kubeinfer_sim.manifest.checker import Checker

#: Names of fields; beside each what is known of it: nothing (None), its own fields, or those of each of its items.
Fields = Mapping[str, Any]


def _of(*names: str) -> Fields:
    return dict.fromkeys(names)


def _object(**more: Any) -> Fields:
    return {**_of("apiVersion", "kind", "metadata"), **more}


_TOLERATION = _of("key", "operator", "value", "effect", "tolerationSeconds")
_LIMITS = _of("type", "min", "max", "default", "defaultRequest", "maxLimitRequestRatio")
_SELECTOR = {**_of("matchLabels"), "matchExpressions": [_of("key", "operator", "values")]}
_SCOPES = {"matchExpressions": [_of("scopeName", "operator", "values")]}
#: By API version and kind (staging/src/k8s.io/api: core/v1, policy/v1, scheduling/v1, node/v1; of Volcano
#: volcano.sh/apis, scheduling/v1beta1).
_FIELDS: Mapping[tuple[str, str], Fields] = {
    ("v1", "ResourceQuota"): _object(spec={**_of("hard", "scopes"), "scopeSelector": _SCOPES}, status=None),
    ("v1", "LimitRange"): _object(spec={"limits": [_LIMITS]}),
    ("policy/v1", "PodDisruptionBudget"): _object(
        spec={**_of("minAvailable", "maxUnavailable", "unhealthyPodEvictionPolicy"), "selector": _SELECTOR},
        status=None,
    ),
    ("scheduling.k8s.io/v1", "PriorityClass"): _object(
        **_of("value", "globalDefault", "description", "preemptionPolicy")
    ),
    ("scheduling.volcano.sh/v1beta1", "PodGroup"): _object(
        spec=_of(
            *("minMember", "minTaskMember", "queue", "priorityClassName", "minResources"),
            *("networkTopology", "subGroupPolicy"),
        ),
        status=None,
    ),
    ("scheduling.volcano.sh/v1beta1", "Queue"): _object(
        spec=_of(
            *("weight", "capability", "reclaimable", "priority", "parent", "deserved", "guarantee"),
            *("affinity", "type", "extendClusters", "dequeueStrategy"),
        ),
        status=None,
    ),
    ("node.k8s.io/v1", "RuntimeClass"): _object(
        handler=None,
        overhead=_of("podFixed"),
        scheduling={**_of("nodeSelector"), "tolerations": [_TOLERATION]},
    ),
}


def check_known_fields(checker: Checker, value: Mapping[str, Any]) -> None:
    """Report the unknown fields of an object; what has the wrong type is told where it is read."""
    fields = _FIELDS.get((str(value.get("apiVersion")), str(value.get("kind"))))
    if fields is not None:
        _check(checker, value, (), fields)


def _check(checker: Checker, value: Any, path: Path, fields: Any) -> None:
    if isinstance(fields, list):
        for index, each in enumerate(value if isinstance(value, list) else ()):
            _check(checker, each, (*path, index), fields[0])
    elif fields is not None and isinstance(value, Mapping):
        checker.known_fields(value, path, tuple(fields))
        for name, inner in fields.items():
            _check(checker, value.get(name), (*path, name), inner)

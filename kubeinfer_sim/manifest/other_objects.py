"""Objects that own no pods: what is wrong with one by itself.

An unknown field is an error, as it is of kubectl (strict validation). Source of the bounds of an autoscaler:
pkg/apis/autoscaling/validation/validation.go.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from kubeinfer_sim.diagnostics import Path
from kubeinfer_sim.manifest.checker import Checker, shown
from kubeinfer_sim.manifest.kubernetes_findings import check_claim_spec, check_service_spec

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
    ("v1", "PersistentVolumeClaim"): _object(spec=None, status=None),
    ("v1", "Service"): _object(spec=None, status=None),
    ("v1", "ConfigMap"): _object(**_of("data", "binaryData", "immutable")),
    ("v1", "Secret"): _object(**_of("data", "stringData", "type", "immutable")),
    ("autoscaling/v2", "HorizontalPodAutoscaler"): _object(
        spec={
            **_of("minReplicas", "maxReplicas", "metrics", "behavior"),
            "scaleTargetRef": _of("apiVersion", "kind", "name"),
        },
        status=None,
    ),
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


class Served(NamedTuple):
    """The versions of a kind that the API servers simulated here serve, the newest first, and since when no others."""

    versions: tuple[str, ...]
    since: str


_CORE = Served(("v1",), "")
#: Kinds that count here, as the deprecated API migration guide of Kubernetes has them.
_SERVED: Mapping[str, Served] = {
    "PodDisruptionBudget": Served(("policy/v1",), "1.25"),
    "HorizontalPodAutoscaler": Served(("autoscaling/v2", "autoscaling/v1"), "1.26"),
    "PriorityClass": Served(("scheduling.k8s.io/v1",), "1.22"),
    "RuntimeClass": Served(("node.k8s.io/v1",), "1.25"),
    "StorageClass": Served(("storage.k8s.io/v1",), "1.22"),
    **dict.fromkeys(
        ("PersistentVolumeClaim", "PersistentVolume", "Service", "ConfigMap", "Secret", "Namespace"), _CORE
    ),
    **dict.fromkeys(("ResourceQuota", "LimitRange"), _CORE),
}


def _not_served(value: Mapping[str, Any]) -> Served | None:
    """What is served of an object's kind in its API group, where its version is not, or not said."""
    served = _SERVED.get(str(value.get("kind")))
    version = str(value.get("apiVersion"))
    if served is None or version in served.versions:
        return None
    if value.get("apiVersion") is None:
        return served
    # Others have kinds of these names, too: a Service of Knative.
    return served if _group(version) == _group(served.versions[0]) else None


def _group(version: str) -> str:
    return version.rpartition("/")[0]


def is_checked(value: Mapping[str, Any]) -> bool:
    """Whether `check_other` knows the kind of an object."""
    return _key(value) in _FIELDS or _not_served(value) is not None


def check_other(checker: Checker, value: Mapping[str, Any]) -> None:
    """Report what is wrong with an object; what kinds with readers of their own hold is told where it is read."""
    if (served := _not_served(value)) is not None:
        written, hint = value.get("apiVersion"), f"write apiVersion: {served.versions[0]}"
        if written is None:
            checker.report(("apiVersion",), "required", code="required", hint=hint)
        else:
            since = f" (Kubernetes {served.since} and later)" if served.since else ""
            message = f"there is no kind {value['kind']} in {shown(written)}{since}"
            checker.report(("apiVersion",), message, hint=hint)
        return
    fields = _FIELDS.get(_key(value))
    if fields is None:
        return
    _check(checker, value, (), fields)
    spec = value.get("spec")
    match value["kind"]:
        case "ConfigMap" | "Secret":
            for field in ("data", "binaryData", "stringData"):
                checker.string_map(value.get(field), (field,))
        case "PersistentVolumeClaim" | "Service" if "${" not in json.dumps(spec, default=str):
            check = check_claim_spec if value["kind"] != "Service" else check_service_spec
            check(checker, spec, ("spec",))
        case "HorizontalPodAutoscaler" if "${" not in json.dumps(spec, default=str):
            _check_autoscaler(checker, spec)


def _check_autoscaler(checker: Checker, spec: Any) -> None:
    """Its target and its bounds."""
    path: Path = ("spec",)
    written = checker.mapping(spec, path, required=True)
    target = checker.mapping(
        written.get("scaleTargetRef"), (*path, "scaleTargetRef"), required=isinstance(spec, dict)
    )
    for name in ("kind", "name"):
        if target and not checker.string(target.get(name), (*path, "scaleTargetRef", name)):
            checker.report((*path, "scaleTargetRef", name), "required", code="required")
    least = checker.count(written.get("minReplicas"), (*path, "minReplicas"), default=1)
    if isinstance(spec, dict) and written.get("maxReplicas") is None:
        checker.report((*path, "maxReplicas"), "required", code="required")
        return
    most = checker.count(written.get("maxReplicas"), (*path, "maxReplicas"), default=least)
    if most < max(least, 1):
        least_words = f"minReplicas ({least})" if least else "1"
        checker.report(
            (*path, "maxReplicas"), f"{shown(most)} must be greater than or equal to {least_words}"
        )


def _key(value: Mapping[str, Any]) -> tuple[str, str]:
    return str(value.get("apiVersion")), str(value.get("kind"))


def _check(checker: Checker, value: Any, path: Path, fields: Any) -> None:
    if isinstance(fields, list):
        for index, each in enumerate(value if isinstance(value, list) else ()):
            _check(checker, each, (*path, index), fields[0])
    elif fields is not None and isinstance(value, Mapping):
        checker.known_fields(value, path, tuple(fields))
        for name, inner in fields.items():
            _check(checker, value.get(name), (*path, name), inner)

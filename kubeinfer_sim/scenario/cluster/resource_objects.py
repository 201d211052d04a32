"""ResourceQuotas, LimitRanges and RuntimeClasses, as they stand in manifest files.

Source: pkg/apis/core/validation/validation.go (ValidateResourceQuotaSpec, ValidateLimitRange),
pkg/apis/core/v1/defaults.go (SetDefaults_LimitRangeItem), pkg/apis/node/validation/validation.go.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from kubeinfer_sim.diagnostics import Diagnostic, Path
from kubeinfer_sim.manifest.kubernetes.labels import OPERATORS
from kubeinfer_sim.manifest.kubernetes.quantity import Quantity, QuantityError
from kubeinfer_sim.manifest.load import OtherObject
from kubeinfer_sim.manifest.model import Toleration
from kubeinfer_sim.scenario.cluster.model import (
    LimitRange,
    LimitRangeItem,
    QuotaScope,
    ResourceQuota,
    RuntimeClass,
)
from kubeinfer_sim.scenario.forms import shown

SCOPES = (
    "Terminating",
    "NotTerminating",
    "BestEffort",
    "NotBestEffort",
    "PriorityClass",
    "CrossNamespacePodAffinity",
)
Report = Callable[[Path, str], None]


def read_quota(written: OtherObject, errors: list[Diagnostic]) -> ResourceQuota | None:
    """A ResourceQuota; None when it is wrong, which is noted."""
    report, before = _reporter(written, errors), len(errors)
    spec = _mapping(written.document.value.get("spec"), ("spec",), report)
    hard = {
        name: quantity
        for name, value in _mapping(spec.get("hard"), ("spec", "hard"), report).items()
        if (quantity := _quantity(value, ("spec", "hard", name), report)) is not None
    }
    scopes = tuple(_scopes(spec, report))
    return ResourceQuota(written.name, written.namespace, hard, scopes) if len(errors) == before else None


def _scopes(spec: Mapping[str, Any], report: Report) -> Iterator[QuotaScope]:
    path: Path = ("spec", "scopes")
    for index, name in enumerate(_items(spec.get("scopes"), path, report)):
        if name in SCOPES:
            yield QuotaScope(str(name))
        else:
            report((*path, index), f"expected one of {', '.join(SCOPES)}, found {shown(name)}")
    path = ("spec", "scopeSelector", "matchExpressions")
    selector = _mapping(spec.get("scopeSelector"), path[:2], report)
    for index, each in enumerate(_items(selector.get("matchExpressions"), path, report)):
        scope = _mapping(each, (*path, index), report)
        name, operator = scope.get("scopeName"), scope.get("operator")
        if name not in SCOPES or operator not in OPERATORS:
            words = f"a scopeName ({', '.join(SCOPES)}) and an operator ({', '.join(OPERATORS)})"
            report((*path, index), f"expected {words}")
        else:
            values = _items(scope.get("values"), (*path, index, "values"), report)
            yield QuotaScope(str(name), str(operator), tuple(map(str, values)))


def read_limit_range(written: OtherObject, errors: list[Diagnostic]) -> LimitRange | None:
    """A LimitRange; None when it is wrong, which is noted."""
    report, before = _reporter(written, errors), len(errors)
    spec = _mapping(written.document.value.get("spec"), ("spec",), report)
    defaults: dict[str, dict[str, str]] = {}
    items: list[LimitRangeItem] = []
    for index, item in enumerate(_items(spec.get("limits"), ("spec", "limits"), report)):
        path: Path = ("spec", "limits", index)
        limit = _mapping(item, path, report)
        parts: dict[str, dict[str, Quantity]] = {}
        for key in ("default", "defaultRequest", "min", "max", "maxLimitRequestRatio"):
            amounts = _mapping(limit.get(key), (*path, key), report)
            for name, value in amounts.items():
                if (quantity := _quantity(value, (*path, key, name), report)) is not None:
                    parts.setdefault(key, {})[name] = quantity
        kind = str(limit.get("type"))
        if kind in ("Container", "Pod"):
            least, most, ratio = (parts.get(key, {}) for key in ("min", "max", "maxLimitRequestRatio"))
            items.append(LimitRangeItem(kind, least, most, ratio))
        if kind == "Container":
            for key, amounts in parts.items():
                texts = {name: quantity.canonical() for name, quantity in amounts.items()}
                defaults.setdefault(key, {}).update(texts)
    if len(errors) > before:
        return None
    limits = {**defaults.get("max", {}), **defaults.get("default", {})}
    requests = {**defaults.get("min", {}), **limits, **defaults.get("defaultRequest", {})}
    return LimitRange(written.name, written.namespace, limits, requests, tuple(items))


def read_runtime_class(written: OtherObject, errors: list[Diagnostic]) -> RuntimeClass | None:
    """A RuntimeClass; None when it is wrong, which is noted."""
    report, before = _reporter(written, errors), len(errors)
    value = written.document.value
    overhead = _mapping(value.get("overhead"), ("overhead",), report)
    path: Path = ("overhead", "podFixed")
    fixed = {
        name: str(amount)
        for name, amount in _mapping(overhead.get("podFixed"), path, report).items()
        if _quantity(amount, (*path, name), report) is not None
    }
    scheduling = _mapping(value.get("scheduling"), ("scheduling",), report)
    selector = _mapping(scheduling.get("nodeSelector"), ("scheduling", "nodeSelector"), report)
    tolerations = []
    path = ("scheduling", "tolerations")
    for index, item in enumerate(_items(scheduling.get("tolerations"), path, report)):
        each = _mapping(item, (*path, index), report)
        texts = (str(each.get(key) or "") for key in ("key", "operator", "value", "effect"))
        key, operator, wanted, effect = texts
        seconds = each.get("tolerationSeconds")
        if seconds is not None and (isinstance(seconds, bool) or not isinstance(seconds, int)):
            report((*path, index, "tolerationSeconds"), f"expected a whole number, found {shown(seconds)}")
            continue
        tolerations.append(Toleration(key, operator or "Equal", wanted, effect, seconds))
    labels = {str(name): str(wanted) for name, wanted in selector.items()}
    if len(errors) > before:
        return None
    return RuntimeClass(written.name, fixed, labels, tuple(tolerations))


def _reporter(written: OtherObject, errors: list[Diagnostic]) -> Report:
    return lambda path, message: errors.append(written.document.diagnostic(path, message))


def _mapping(value: Any, path: Path, report: Report) -> Mapping[str, Any]:
    if value is not None and not isinstance(value, Mapping):
        report(path, f"expected a mapping, found {shown(value)}")
    return value if isinstance(value, Mapping) else {}


def _items(value: Any, path: Path, report: Report) -> list[Any]:
    if value is not None and not isinstance(value, list):
        report(path, f"expected a list, found {shown(value)}")
    return value if isinstance(value, list) else []


def _quantity(value: Any, path: Path, report: Report) -> Quantity | None:
    try:
        return Quantity.from_json(value)
    except QuantityError as error:
        report(path, str(error))
        return None

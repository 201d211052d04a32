"""The specs of Deployments, ReplicaSets, StatefulSets, DaemonSets: updates, selector, what they ask of their template.

Source: pkg/apis/apps/validation/validation.go (`ValidateDeploymentSpec`, `ValidateRollingUpdateDeployment`,
`ValidateReplicaSetSpec`, `ValidatePodTemplateSpecForReplicaSet`, `ValidateStatefulSetSpec`, `ValidateDaemonSetSpec`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kubeinfer_sim.manifest.kubernetes.field_errors import FORBIDDEN, Errors, Field, shown
from kubeinfer_sim.manifest.kubernetes.labels import OPERATORS, Requirement, matches_all, parse_int64
from kubeinfer_sim.manifest.kubernetes.names import percent
from kubeinfer_sim.manifest.kubernetes.validation.metadata import validate_label_selector


def validate_deployment_spec(spec: Mapping[str, Any], at: Field, errors: Errors) -> None:
    """Everything in a DeploymentSpec but what any pod template is held to."""
    validate_rolling_update(spec, at, errors)
    _validate_pods(spec, at, errors, "Deployment")


def validate_replica_set_spec(spec: Mapping[str, Any], at: Field, errors: Errors) -> None:
    """Everything in a ReplicaSetSpec but what any pod template is held to."""
    for name in ("replicas", "minReadySeconds"):
        errors.non_negative(at.child(name), spec.get(name, 0))
    _validate_pods(spec, at, errors, "ReplicaSet")


def validate_stateful_set_spec(spec: Mapping[str, Any], at: Field, errors: Errors) -> None:
    """Everything in a StatefulSetSpec but what any pod template is held to."""
    for name in ("replicas", "minReadySeconds", "revisionHistoryLimit"):
        errors.non_negative(at.child(name), spec.get(name, 0))
    policy = spec.get("podManagementPolicy", "")
    if policy not in ("OrderedReady", "Parallel"):
        errors.not_supported(at.child("podManagementPolicy"), policy, ("OrderedReady", "Parallel"))
    start = spec.get("ordinals", {}).get("start", 0)
    errors.non_negative(at.down("ordinals", "start"), start)
    budgets, budgets_at = _validate_strategy(spec, at, errors)
    strategy = spec.get("updateStrategy", {})
    if strategy.get("type") == "OnDelete" and strategy.get("rollingUpdate") is not None:
        message = "must not be given when the type is OnDelete"
        answer = "only allowed for updateStrategy 'RollingUpdate'"
        errors.conflict(budgets_at, strategy["rollingUpdate"], message, answer)
    errors.non_negative(budgets_at.child("partition"), budgets.get("partition", 0))
    if "maxUnavailable" in budgets:
        unavailable = budgets["maxUnavailable"]
        _validate_budget(unavailable, budgets_at.child("maxUnavailable"), errors)
        if _number(unavailable) == 0:
            errors.invalid(budgets_at.child("maxUnavailable"), unavailable, "must not be 0")
    _validate_pods(spec, at, errors, "StatefulSet")


def validate_daemon_set_spec(spec: Mapping[str, Any], at: Field, errors: Errors) -> None:
    """Everything in a DaemonSetSpec but what any pod template is held to."""
    for name in ("minReadySeconds", "revisionHistoryLimit"):
        errors.non_negative(at.child(name), spec.get(name, 0))
    budgets, budgets_at = _validate_strategy(spec, at, errors)
    for name in ("maxUnavailable", "maxSurge") if budgets else ():
        _validate_budget(budgets.get(name, 0), budgets_at.child(name), errors)
    unavailable, surge = _number(budgets.get("maxUnavailable", 0)), _number(budgets.get("maxSurge", 0))
    if unavailable and surge:
        place = budgets_at.child("maxSurge")
        errors.invalid(place, budgets["maxSurge"], "must be 0 when maxUnavailable is not")
    elif budgets and not unavailable and not surge:
        errors.required(budgets_at.child("maxUnavailable"), "must not be 0 when maxSurge is 0")
    _validate_pods(spec, at, errors, "DaemonSet")


def _validate_strategy(spec: Mapping[str, Any], at: Field, errors: Errors) -> tuple[Mapping[str, Any], Field]:
    """An updateStrategy; returns the budgets of its rolling update, none of another."""
    strategy, strategy_at = spec.get("updateStrategy", {}), at.child("updateStrategy")
    kind, budgets_at = strategy.get("type", ""), strategy_at.child("rollingUpdate")
    if kind == "RollingUpdate":
        return strategy.get("rollingUpdate", {}), budgets_at
    if kind != "OnDelete":
        errors.not_supported(strategy_at.child("type"), kind, ("OnDelete", "RollingUpdate"))
    return {}, budgets_at


def _validate_pods(spec: Mapping[str, Any], at: Field, errors: Errors, kind: str) -> None:
    """The selector, and what must be so of the template for it and for pods that are replaced."""
    selector, selector_at = spec.get("selector"), at.child("selector")
    template, template_at = spec.get("template", {}), at.child("template")
    if selector is None:
        errors.required(selector_at)
    elif not selector.get("matchLabels") and not selector.get("matchExpressions"):
        errors.invalid(selector_at, selector, "must not be empty, or it would select every pod")
    else:
        before = len(errors.found)
        validate_label_selector(selector, selector_at, errors)
        labels = template.get("metadata", {}).get("labels", {})
        if len(errors.found) == before and not matches_all(selector_requirements(selector), labels):
            labels_at = template_at.down("metadata", "labels")
            message = f"must be matched by the {kind}'s selector"
            errors.conflict(labels_at, labels, message, "`selector` does not match template `labels`")
    pod = template.get("spec", {})
    policy = pod.get("restartPolicy", "Always")
    if policy != "Always":
        errors.not_supported(template_at.down("spec", "restartPolicy"), policy, ("Always",))
    if pod.get("activeDeadlineSeconds") is not None:
        place = template_at.down("spec", "activeDeadlineSeconds")
        errors.forbidden(place, f"must not be given in a {kind}'s template")


def selector_requirements(selector: Mapping[str, Any]) -> list[Requirement]:
    """What a valid label selector asks of labels."""
    exact = [Requirement(key, "in", (value,)) for key, value in (selector.get("matchLabels") or {}).items()]
    return exact + [
        Requirement(each["key"], OPERATORS[each["operator"]], tuple(each.get("values") or ()))
        for each in selector.get("matchExpressions") or ()
    ]


def validate_rolling_update(spec: Mapping[str, Any], at: Field, errors: Errors) -> None:
    """Everything in a DeploymentSpec but its selector and its template."""
    for name in ("replicas", "minReadySeconds", "revisionHistoryLimit", "progressDeadlineSeconds"):
        errors.non_negative(at.child(name), spec.get(name, 0))
    ready, deadline = spec.get("minReadySeconds", 0), spec.get("progressDeadlineSeconds")
    if deadline is not None and deadline <= ready:
        place, answer = at.child("progressDeadlineSeconds"), "must be greater than minReadySeconds"
        errors.conflict(place, deadline, f"{answer} ({ready}), got {deadline}", answer)
    strategy, strategy_at = spec.get("strategy", {}), at.child("strategy")
    kind, budgets, budgets_at = (
        strategy.get("type", ""),
        strategy.get("rollingUpdate"),
        strategy_at.child("rollingUpdate"),
    )
    if kind == "Recreate":
        if budgets is not None:
            message = "must not be given when the type is Recreate"
            answer = "may not be specified when strategy `type` is 'Recreate'"
            errors.conflict(budgets_at, budgets, message, answer, type=FORBIDDEN)
    elif kind != "RollingUpdate":
        place = strategy_at.child("type", "")
        errors.not_supported(place, kind, ("Recreate", "RollingUpdate"))
    elif budgets is None:
        errors.required(budgets_at, "is required when the type is RollingUpdate")
    else:
        _validate_budgets(budgets.get("maxSurge", 0), budgets.get("maxUnavailable", 0), budgets_at, errors)


def _validate_budgets(surge: int | str, unavailable: int | str, at: Field, errors: Errors) -> None:
    for name, value in (("maxUnavailable", unavailable), ("maxSurge", surge)):
        _validate_number(value, at.child(name), errors)
    if _number(surge) == 0 and _number(unavailable) == 0:
        message = f"must not be 0 when maxSurge is 0: nothing could be replaced, got {shown(unavailable)}"
        answer = "may not be 0 when `maxSurge` is 0"
        errors.conflict(at.child("maxUnavailable"), unavailable, message, answer)
    _validate_percentage(unavailable, at.child("maxUnavailable"), errors)


def _validate_budget(value: int | str, at: Field, errors: Errors) -> None:
    _validate_number(value, at, errors)
    _validate_percentage(value, at, errors)


def _validate_number(value: int | str, at: Field, errors: Errors) -> None:
    if isinstance(value, str):
        errors.check(at, value, percent(value))
    else:
        errors.non_negative(at, value)


def _validate_percentage(value: int | str, at: Field, errors: Errors) -> None:
    if isinstance(value, str) and not percent(value) and _number(value) > 100:
        errors.invalid(at, value, "must not be more than 100%")


def _number(value: int | str) -> int:
    """The number before a percent sign, or of a text of digits; 0 where there is none."""
    if isinstance(value, int):
        return value
    return parse_int64(value[:-1] if not percent(value) else value) or 0

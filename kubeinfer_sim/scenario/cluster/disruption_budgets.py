"""PodDisruptionBudgets, written in the scenario or standing in the manifest files as Kubernetes objects."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from kubeinfer_sim.diagnostics import Diagnostic, Path, Severity
from kubeinfer_sim.manifest.kubernetes.intstr import parse_amount
from kubeinfer_sim.manifest.kubernetes.labels import OPERATORS, Requirement, matches_all, requirement_errors
from kubeinfer_sim.manifest.load import OtherObject
from kubeinfer_sim.manifest.model import IntOrPercent, KubeInfer
from kubeinfer_sim.scenario.cluster.model import DisruptionBudget
from kubeinfer_sim.scenario.context import Context
from kubeinfer_sim.scenario.forms import shown

if TYPE_CHECKING:
    from kubeinfer_sim.scenario.cluster.kubernetes_forms import DisruptionBudgetForm

KIND = "PodDisruptionBudget"
_POLICIES = ("IfHealthyBudget", "AlwaysAllow")


def compile_budgets(
    forms: Sequence[DisruptionBudgetForm],
    objects: Iterable[OtherObject],
    versions: Sequence[KubeInfer],
    context: Context,
) -> tuple[DisruptionBudget, ...]:
    """All budgets; one in the scenario that no pod stands under is an error, which is noted."""
    budgets = []
    for index, form in enumerate(forms):
        selector = tuple(Requirement(key, "in", (value,)) for key, value in form.match_labels.items())
        path: Path = ("spec", "podDisruptionBudgets", index)
        position = context.document.diagnostic((*path, "name"), "")
        namespaces = _namespaces(selector, versions)
        if form.namespace is not None:
            namespaces = [each for each in namespaces if each == form.namespace]
        labels = ", ".join(f"{key}={value}" for key, value in form.match_labels.items())
        if versions and not namespaces:
            where = "" if form.namespace is None else f" of namespace {form.namespace}"
            context.error((*path, "matchLabels"), f"no pod{where} has the labels {labels}")
        if len(namespaces) > 1:
            context.error(
                path,
                f"pods of several namespaces have the labels {labels}: {', '.join(namespaces)}",
                hint=f"a budget is about one namespace: add namespace: {namespaces[0]}",
            )
        budgets.append(
            DisruptionBudget(
                form.name,
                selector,
                form.min_available,
                form.max_unavailable,
                form.unhealthy_pod_eviction_policy == "AlwaysAllow",
                f"{position.file}:{position.line}",
                next(iter(namespaces), "default"),
            )
        )
    for each in objects:
        if each.kind == KIND:
            budgets += read_budget(each, context.errors)
    return tuple(budgets)


def warn_of_budgets(
    budgets: Iterable[DisruptionBudget], versions: Sequence[KubeInfer], unscaled: Sequence[KubeInfer]
) -> Iterator[Diagnostic]:
    """What is legal in budgets and will surprise.

    Args:
        budgets: all of them.
        versions: of everything that has pods.
        unscaled: those of them of which nothing tells how many pods there should be.
    """
    for budget in budgets:
        namespaces = _namespaces(budget.selector, versions)
        counts_pods = budget.min_available is not None and not budget.min_available.percent
        message = ""
        if namespaces and budget.namespace not in namespaces:
            message = (
                f"holds no pod: it is in namespace {budget.namespace}, and the pods that it selects are in "
                f"{', '.join(namespaces)}"
            )
        elif not counts_pods and budget.namespace in _namespaces(budget.selector, unscaled):
            message = (
                "allows no eviction: nothing tells how many pods a KubeInfer should have (assumption "
                "scaleSubresource); a number of minAvailable does without"
            )
        if message:
            file, _, line = budget.where.rpartition(":")
            text = f"{KIND} {budget.name} {message}"
            yield Diagnostic(file, int(line), 1, text, severity=Severity.WARNING, code="budget")


def _namespaces(selector: Iterable[Requirement], versions: Sequence[KubeInfer]) -> list[str]:
    """Of the pods that it selects."""
    return list(
        dict.fromkeys(
            version.namespace
            for version in versions
            if any(matches_all(selector, role.template.labels) for role in version.roles)
        )
    )


def read_budget(written: OtherObject, errors: list[Diagnostic]) -> Iterator[DisruptionBudget]:
    """A budget as `kubectl apply` takes it (pkg/apis/policy/validation/validation.go)."""
    document = written.document
    before = len(errors)

    def error(path: Path, message: str) -> None:
        errors.append(document.diagnostic(path, message))

    spec = document.value.get("spec")
    if not isinstance(spec, Mapping):
        error(
            ("spec",), "a PodDisruptionBudget needs a spec with a selector and minAvailable or maxUnavailable"
        )
        return
    given = [name for name in ("minAvailable", "maxUnavailable") if spec.get(name) is not None]
    if len(given) != 1:
        error(("spec",), f"expected exactly one of minAvailable and maxUnavailable, found {len(given)}")
    amounts = {name: _amount(spec[name], ("spec", name), error) for name in given}
    policy = spec.get("unhealthyPodEvictionPolicy") or _POLICIES[0]
    if policy not in _POLICIES:
        error(
            ("spec", "unhealthyPodEvictionPolicy"),
            f"expected {' or '.join(_POLICIES)}, found {shown(policy)}",
        )
    selector = _selector(spec.get("selector"), ("spec", "selector"), error)
    if len(errors) > before:
        return
    position = document.diagnostic(("spec",), "")
    # policy/v1: a budget without selector, null, matches no pod; an empty one matches all.
    if selector is not None:
        yield DisruptionBudget(
            written.name,
            selector,
            amounts.get("minAvailable"),
            amounts.get("maxUnavailable"),
            policy == "AlwaysAllow",
            f"{position.file}:{position.line}",
            written.namespace,
        )


def _amount(value: Any, path: Path, error: Any) -> IntOrPercent | None:
    amount = parse_amount(value)
    if amount is not None and not amount.exceeds_all:
        return amount
    error(path, f"expected a whole number or a percentage such as 80%, found {shown(value)}")
    return None


def _selector(value: Any, path: Path, error: Any) -> tuple[Requirement, ...] | None:
    if value is None:
        return None
    if not isinstance(value, Mapping):
        error(path, f"expected a label selector, found {shown(value)}")
        return None
    requirements = []
    labels = value.get("matchLabels") or {}
    if isinstance(labels, Mapping):
        requirements += [Requirement(str(key), "in", (str(label),)) for key, label in labels.items()]
    else:
        error((*path, "matchLabels"), f"expected a mapping, found {shown(labels)}")
    expressions = value.get("matchExpressions") or ()
    for index, each in enumerate(expressions if isinstance(expressions, Sequence) else ()):
        here = (*path, "matchExpressions", index)
        operator = OPERATORS.get(str(each.get("operator"))) if isinstance(each, Mapping) else None
        if operator is None:
            error(here, f"expected a key and an operator, one of {', '.join(OPERATORS)}")
            continue
        requirement = Requirement(
            str(each.get("key", "")), operator, tuple(str(v) for v in each.get("values") or ())
        )
        for _, message in requirement_errors(requirement.key, operator, requirement.values):
            error(here, message)
        requirements.append(requirement)
    return tuple(requirements)

"""ResourceQuotas: what the pods of a namespace use, and whether the API server takes another one.

Source: staging/src/k8s.io/apiserver/pkg/admission/plugin/resourcequota/controller.go (checkRequest, prettyPrint),
pkg/quota/v1/evaluator/core/pods.go. Pods whose phase is final use nothing but `count/pods`. The quota controller's
bookkeeping takes no time here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from kubeinfer_sim.cluster.per_template import PerTemplate
from kubeinfer_sim.cluster.reasons import Refusal
from kubeinfer_sim.manifest.kubernetes.labels import OPERATORS, Requirement, matches_all
from kubeinfer_sim.manifest.kubernetes.quantity import ZERO, Quantity
from kubeinfer_sim.manifest.model import PodTemplate
from kubeinfer_sim.manifest.pod_resources import totals
from kubeinfer_sim.scenario.cluster.model import QuotaScope, ResourceQuota

Usage = Mapping[str, Quantity]

ONE = Quantity(1)
#: Counts pods, also those whose phase is final.
OBJECTS = "count/pods"
#: What every container must name where a quota counts it (pods.go, `validationSet`).
_TO_BE_NAMED = ("cpu", "memory", "requests.cpu", "requests.memory", "limits.cpu", "limits.memory")
_BEST_EFFORT = ("cpu", "memory")


class Quotas:
    """All quotas of a cluster, and what is used of each."""

    def __init__(self) -> None:
        self._by_namespace: dict[str, dict[str, ResourceQuota]] = {}
        # By namespace: how many pods there are of each template that are active, and in all.
        self._active: dict[str, dict[int, tuple[PodTemplate, int]]] = {}
        self._objects: dict[str, int] = {}

    def put(self, quota: ResourceQuota) -> None:
        """There is this quota now; pods that are there may be over it."""
        self._by_namespace.setdefault(quota.namespace, {})[quota.name] = quota

    def delete(self, namespace: str, name: str) -> None:
        """There is none of this name any more."""
        self._by_namespace.get(namespace, {}).pop(name, None)

    def pod_created(self, namespace: str, template: PodTemplate) -> None:
        """A pod is there."""
        self._objects[namespace] = self._objects.get(namespace, 0) + 1
        self._count(namespace, template, 1)

    def pod_finished(self, namespace: str, template: PodTemplate) -> None:
        """Its phase is final."""
        self._count(namespace, template, -1)

    def pod_gone(self, namespace: str) -> None:
        """Its object is gone."""
        self._objects[namespace] -= 1

    def _count(self, namespace: str, template: PodTemplate, more: int) -> None:
        active = self._active.setdefault(namespace, {})
        _, count = active.get(id(template), (template, 0))
        active[id(template)] = template, count + more

    def refusal(self, namespace: str, pods: Sequence[tuple[str, PodTemplate]]) -> Refusal | None:
        """Why the API server would not take all of these pods, by name; None where it would."""
        taken: list[PodTemplate] = []
        for name, template in pods:
            for quota in sorted(self._by_namespace.get(namespace, {}).values(), key=lambda each: each.name):
                if not _concerns(quota, template):
                    continue
                if unnamed := _all_unnamed(quota, template):
                    words = f"failed quota: {quota.name}: must specify {unnamed}"
                    return Refusal("unnamedResources", f'pods "{name}" is forbidden: {words}')
                if exceeded := self._exceeded(quota, template, taken):
                    return Refusal("ResourceQuota", f'pods "{name}" is forbidden: {exceeded}')
            taken.append(template)
        return None

    def _exceeded(self, quota: ResourceQuota, template: PodTemplate, taken: Iterable[PodTemplate]) -> str:
        asked = {name: amount for name, amount in _usage_of(template).items() if name in quota.hard}
        used = self._used(quota, taken)
        over = [
            name
            for name, amount in asked.items()
            if amount.sign > 0 and used[name].add(amount) > quota.hard[name]
        ]
        if not over:
            return ""
        texts = (_told({name: each[name] for name in over}) for each in (asked, used, quota.hard))
        return "exceeded quota: {}, requested: {}, used: {}, limited: {}".format(quota.name, *texts)

    def _used(self, quota: ResourceQuota, taken: Iterable[PodTemplate]) -> dict[str, Quantity]:
        used = dict.fromkeys(quota.hard, ZERO)
        active = self._active.get(quota.namespace, {}).values()
        for template, count in (*active, *((each, 1) for each in taken)):
            if count and _concerns(quota, template):
                for name, amount in _usage_of(template).items():
                    if name in used:
                        used[name] = used[name].add(
                            Quantity(amount.unscaled * count, amount.scale, amount.format)
                        )
        if OBJECTS in used and not quota.scopes:
            used[OBJECTS] = Quantity(self._objects.get(quota.namespace, 0) + len(list(taken)))
        return used


def _usage(template: PodTemplate) -> Iterator[tuple[str, Quantity]]:
    yield "pods", ONE
    yield OBJECTS, ONE
    spec = template.raw.get("spec") or {}
    for name, amount in totals(spec, "requests").items():
        yield f"requests.{name}", amount
        if "/" not in name:
            yield name, amount
    for name, amount in totals(spec, "limits").items():
        yield f"limits.{name}", amount


@PerTemplate
def _usage_of(template: PodTemplate) -> Usage:
    """What a pod counts for, by the names that quotas have."""
    return dict(_usage(template))


def _all_unnamed(quota: ResourceQuota, template: PodTemplate) -> str:
    """What the quota counts and containers do not name, in its words; "" where they name all of it."""
    every = ((each, _unnamed(quota, template, each)) for each in _TO_BE_NAMED)
    return "; ".join(f"{each} for: {names}" for each, names in every if names)


def _unnamed(quota: ResourceQuota, template: PodTemplate, counted: str) -> str:
    """The containers, by name, that do not say how much they take of what the quota counts."""
    if counted not in quota.hard:
        return ""
    kind, _, resource = counted.rpartition(".")
    containers = (*template.init_containers, *template.containers)
    amounts = [(each.name, each.limits if kind == "limits" else each.requests) for each in containers]
    return ",".join(name for name, named in amounts if resource not in named)


def _concerns(quota: ResourceQuota, template: PodTemplate) -> bool:
    return all(_in_scope(scope, template) for scope in quota.scopes)


def _in_scope(scope: QuotaScope, template: PodTemplate) -> bool:
    spec = template.raw.get("spec") or {}
    match scope.name:
        case "Terminating":
            return spec.get("activeDeadlineSeconds") is not None
        case "NotTerminating":
            return spec.get("activeDeadlineSeconds") is None
        case "BestEffort" | "NotBestEffort":
            names = [name for each in template.containers for name in (*each.requests, *each.limits)]
            best_effort = not set(names) & set(_BEST_EFFORT)
            return best_effort is (scope.name == "BestEffort")
        case "PriorityClass":
            labels = {"class": template.priority_class_name} if template.priority_class_name else {}
            return matches_all([Requirement("class", OPERATORS[scope.operator], scope.values)], labels)
        case _:
            return False  # affinity to pods of other namespaces


def _told(usage: Usage) -> str:
    return ",".join(f"{name}={usage[name]}" for name in sorted(usage))

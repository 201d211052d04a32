"""What a whole pod asks of its node: containers, sidecars, init containers, overhead, pod-level resources.

Works on typed values, as `kubernetes/` reads them; `requests` on what JSON or YAML gave.
Source: k8s.io/component-helpers resource/helpers.go
(`PodRequests`, `PodLimits`), as the scheduler and the kubelet use them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from kubeinfer_sim.manifest.kubernetes.pod_resources import Quantities, aggregate
from kubeinfer_sim.manifest.kubernetes.quantity import Quantity

#: A few resources may be given for the pod as a whole (`IsSupportedPodLevelResource`).
_POD_LEVEL = ("cpu", "memory")


def pod_total(spec: Mapping[str, Any], kind: Literal["requests", "limits"] = "requests") -> Quantities:
    """The total of a valid pod spec, by resource name.

    The largest of what the containers need together with all sidecars, and what each init container needs
    together with the sidecars started before it; then overhead, which is added to limits only where there
    is one.
    """
    filled = {
        name: [{**each, "resources": {kind: amounts(each, kind)}} for each in spec.get(name) or ()]
        for name in ("containers", "initContainers")
    }
    total = aggregate(filled, kind)
    for name, value in amounts(spec, kind).items():
        if name in _POD_LEVEL or name.startswith("hugepages-"):
            total[name] = value
    for name, value in (spec.get("overhead") or {}).items():
        if name in total:
            total[name] = total[name].add(value)
        elif kind == "requests":
            total[name] = value
    return total


def amounts(container: Mapping[str, Any], kind: Literal["requests", "limits"]) -> Quantities:
    """A container's requests or limits; a request left out is its limit.

    The API server fills that in when the pod is created, not in a template (`SetDefaults_Pod`,
    pkg/apis/core/v1/defaults.go).
    """
    resources = container.get("resources") or {}
    written: Quantities = resources.get(kind) or {}
    return {**(resources.get("limits") or {}), **written} if kind == "requests" else dict(written)


def whole_units(quantities: Quantities) -> dict[str, int]:
    """Millicores of cpu, everything else in whole units, rounded up (kube-scheduler's `Resource`)."""
    return {
        name: value.milli_value() if name == "cpu" else value.value() for name, value in quantities.items()
    }


def resource_list(raw: Mapping[str, Any] | None) -> dict[str, Quantity]:
    """A resource list as written; raises QuantityError where an amount is none."""
    return {str(name): Quantity.from_json(value) for name, value in (raw or {}).items()}


def requests(spec: Mapping[str, Any], missing: Mapping[str, Quantity] | None = None) -> dict[str, int]:
    """What a pod requests: cpu in millicores, everything else in whole units.

    Args:
        spec: a pod spec as decoded.
        missing: what to take for a container that does not name a resource.
    """
    return whole_units(totals(spec, "requests", missing))


def totals(
    spec: Mapping[str, Any],
    kind: Literal["requests", "limits"],
    missing: Mapping[str, Quantity] | None = None,
) -> Quantities:
    """What a pod requests, or its limits, by resource; `spec` and `missing` as for `requests`."""

    def resources(holder: Mapping[str, Any], defaults: Mapping[str, Quantity]) -> dict[str, Any]:
        raw = holder.get("resources") or {}
        limits, asked = resource_list(raw.get("limits")), resource_list(raw.get("requests"))
        return {kind: limits if kind == "limits" else {**defaults, **limits, **asked}}

    typed = {
        group: [{**each, "resources": resources(each, missing or {})} for each in spec.get(group) or ()]
        for group in ("containers", "initContainers")
    }
    whole = {"resources": resources(spec, {}), "overhead": resource_list(spec.get("overhead"))}
    return pod_total({**typed, **whole}, kind)

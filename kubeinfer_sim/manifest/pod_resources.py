"""What a whole pod asks of its node: containers, sidecars, init containers, overhead, pod-level resources.

Works on typed values, as `kubernetes/` reads them. Source: k8s.io/component-helpers resource/helpers.go
(`PodRequests`, `PodLimits`), as the scheduler and the kubelet use them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from kubeinfer_sim.manifest.kubernetes.pod_resources import Quantities, aggregate

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

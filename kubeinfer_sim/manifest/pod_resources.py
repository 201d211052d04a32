"""What a whole pod asks of its node: containers, sidecars, init containers, overhead, pod-level resources.

Source: k8s.io/component-helpers resource/helpers.go (`AggregateContainerRequests`, `PodRequests`,
`PodLimits`), as the scheduler and the kubelet use them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from kubeinfer_sim.manifest.kubernetes.quantity import Quantity

Quantities = dict[str, Quantity]

#: A few resources may be given for the pod as a whole (`IsSupportedPodLevelResource`).
_POD_LEVEL = ("cpu", "memory")


def pod_total(spec: Mapping[str, Any], kind: Literal["requests", "limits"] = "requests") -> Quantities:
    """The total of a valid pod spec, by resource name.

    The largest of what the containers need together with all sidecars, and what each init container needs
    together with the sidecars started before it; then overhead, which is added to limits only where there
    is one.
    """
    total: Quantities = {}
    for container in spec.get("containers") or ():
        _add(total, amounts(container, kind))
    sidecars: Quantities = {}
    peak: Quantities = {}
    for container in spec.get("initContainers") or ():
        own = amounts(container, kind)
        if container.get("restartPolicy") == "Always":
            _add(total, own)
            _add(sidecars, own)
            own = sidecars
        else:
            _add(own, sidecars)
        _maximum(peak, own)
    _maximum(total, peak)
    pod_level = (spec.get("resources") or {}).get(kind) or {}
    for name, value in pod_level.items():
        if name in _POD_LEVEL or name.startswith("hugepages-"):
            total[name] = Quantity.from_json(value)
    overhead = {name: Quantity.from_json(value) for name, value in (spec.get("overhead") or {}).items()}
    if kind == "limits":
        overhead = {name: value for name, value in overhead.items() if name in total}
    _add(total, overhead)
    return total


def amounts(container: Mapping[str, Any], kind: Literal["requests", "limits"]) -> Quantities:
    """A container's requests or limits; a request left out is its limit.

    The API server fills that in when the pod is created, not in a template (`SetDefaults_Pod`,
    pkg/apis/core/v1/defaults.go).
    """
    resources = container.get("resources") or {}
    written: dict[str, Any] = dict(resources.get(kind) or {})
    if kind == "requests":
        written = {**(resources.get("limits") or {}), **written}
    return {name: Quantity.from_json(0 if value is None else value) for name, value in written.items()}


def whole_units(quantities: Mapping[str, Quantity]) -> dict[str, int]:
    """Millicores of cpu, everything else in whole units, rounded up (kube-scheduler's `Resource`)."""
    return {
        name: value.milli_value() if name == "cpu" else value.value() for name, value in quantities.items()
    }


def _add(total: Quantities, more: Mapping[str, Quantity]) -> None:
    for name, value in more.items():
        total[name] = total[name].add(value) if name in total else value


def _maximum(total: Quantities, other: Mapping[str, Quantity]) -> None:
    for name, value in other.items():
        if name not in total or value > total[name]:
            total[name] = value

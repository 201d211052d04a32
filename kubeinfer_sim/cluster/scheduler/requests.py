"""What a whole pod asks of a node, from what its containers ask for.

Sidecars (init containers that restart Always) run on beside the containers; ordinary init containers run one
after another beside the sidecars started before them; the pod needs the larger of the two phases, and its overhead.
Source: k8s.io/component-helpers resource/helpers.go (PodRequests, PodLimits, AggregateContainerRequests).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal

from kubeinfer_sim.manifest.kubernetes.quantity import Quantity

ResourceList = dict[str, Quantity]

#: What a container that asks for no cpu or no memory counts for in scores (pkg/scheduler/util/pod_resources.go).
SCORING_DEFAULTS: ResourceList = {"cpu": Quantity.parse("100m"), "memory": Quantity.parse("200Mi")}


def resource_list(raw: Mapping[str, Any] | None) -> ResourceList:
    """A resource list as written; raises QuantityError where an amount is none."""
    return {str(name): Quantity.from_json(value) for name, value in (raw or {}).items()}


def pod_resources(
    spec: Mapping[str, Any],
    kind: Literal["requests", "limits"] = "requests",
    *,
    overhead: bool = True,
    missing: ResourceList | None = None,
) -> ResourceList:
    """Requests or limits of a pod.

    Args:
        spec: a pod spec as decoded.
        kind: which of the two.
        overhead: add the pod's overhead (to limits only where there is one).
        missing: what to take for a container that does not name a resource.
    """

    def of(container: Mapping[str, Any]) -> ResourceList:
        resources = container.get("resources") or {}
        # The API server takes a limit for the request where a Pod gives none.
        limits = resource_list(resources.get("limits"))
        requests = resource_list(resources.get("requests")) if kind == "requests" else {}
        return {**(missing or {}), **limits, **requests}

    total: ResourceList = {}
    for container in spec.get("containers") or ():
        _add(total, of(container))
    sidecars: ResourceList = {}
    peak: ResourceList = {}
    for container in spec.get("initContainers") or ():
        asked = of(container)
        if container.get("restartPolicy") == "Always":
            _add(total, asked)
            _add(sidecars, asked)
            asked = dict(sidecars)
        else:
            _add(asked, sidecars)
        _raise(peak, asked)
    _raise(total, peak)
    # Pod-level resources take the place of the sum (pkg/apis/core: cpu, memory and hugepages).
    total.update(resource_list((spec.get("resources") or {}).get(kind)))
    if overhead:
        for name, amount in resource_list(spec.get("overhead")).items():
            if kind == "requests" or name in total:
                _add(total, {name: amount})
    return total


def whole_units(resources: Mapping[str, Quantity]) -> dict[str, int]:
    """Amounts as the scheduler counts them: cpu in millicores, everything else in whole units, rounded up."""
    return {name: q.milli_value() if name == "cpu" else q.value() for name, q in resources.items()}


def _add(total: ResourceList, more: Mapping[str, Quantity]) -> None:
    for name, amount in more.items():
        total[name] = total[name].add(amount) if name in total else amount


def _raise(total: ResourceList, floor: Mapping[str, Quantity]) -> None:
    for name, amount in floor.items():
        if name not in total or total[name] < amount:
            total[name] = amount


def images(spec: Mapping[str, Any]) -> Iterable[str]:
    """The images of a pod's containers, init containers first."""
    for group in ("initContainers", "containers"):
        for container in spec.get(group) or ():
            yield str(container.get("image") or "")

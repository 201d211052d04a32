"""What a pod asks of a node, from a pod spec as decoded: for the filters, and as the scores see it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from kubeinfer_sim.manifest.kubernetes.quantity import Quantity
from kubeinfer_sim.manifest.pod_resources import pod_total, whole_units

#: What a container that asks for no cpu or no memory counts for in scores (pkg/scheduler/util/pod_resources.go).
SCORING_DEFAULTS = {"cpu": Quantity.parse("100m"), "memory": Quantity.parse("200Mi")}


def resource_list(raw: Mapping[str, Any] | None) -> dict[str, Quantity]:
    """A resource list as written; raises QuantityError where an amount is none."""
    return {str(name): Quantity.from_json(value) for name, value in (raw or {}).items()}


def requests(spec: Mapping[str, Any], missing: Mapping[str, Quantity] | None = None) -> dict[str, int]:
    """What a pod requests: cpu in millicores, everything else in whole units.

    Args:
        spec: a pod spec as decoded.
        missing: what to take for a container that does not name a resource.
    """

    def resources(holder: Mapping[str, Any], defaults: Mapping[str, Quantity]) -> dict[str, Any]:
        raw = holder.get("resources") or {}
        limits, asked = resource_list(raw.get("limits")), resource_list(raw.get("requests"))
        return {"requests": {**defaults, **limits, **asked}}

    typed = {
        group: [{**each, "resources": resources(each, missing or {})} for each in spec.get(group) or ()]
        for group in ("containers", "initContainers")
    }
    whole = {"resources": resources(spec, {}), "overhead": resource_list(spec.get("overhead"))}
    return whole_units(pod_total({**typed, **whole}))


def images(spec: Mapping[str, Any]) -> Iterable[str]:
    """The images of a pod's containers, init containers first."""
    for group in ("initContainers", "containers"):
        for container in spec.get(group) or ():
            yield str(container.get("image") or "")

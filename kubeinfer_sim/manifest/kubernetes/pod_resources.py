"""What a pod's containers ask for together, on typed values.

Source: k8s.io/component-helpers resource/helpers.go (`AggregateContainerRequests`, `PodRequests`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from kubeinfer_sim.manifest.kubernetes.quantity import Quantity

Quantities = dict[str, Quantity]


def aggregate(spec: Mapping[str, Any], kind: Literal["requests", "limits"]) -> Quantities:
    """The containers' requests or limits as they are written: no overhead, nothing for the pod as a whole.

    All regular containers and sidecars run together; each init container runs beside the sidecars before it.
    """
    total: Quantities = {}
    for container in spec.get("containers", ()):
        _add(total, container.get("resources", {}).get(kind, {}))
    sidecars: Quantities = {}
    peak: Quantities = {}
    for container in spec.get("initContainers", ()):
        own = container.get("resources", {}).get(kind, {})
        if container.get("restartPolicy") == "Always":
            _add(total, own)
            _add(sidecars, own)
            _raise_to(peak, sidecars)
        else:
            together = dict(sidecars)
            _add(together, own)
            _raise_to(peak, together)
    _raise_to(total, peak)
    return total


def _add(total: Quantities, more: Mapping[str, Quantity]) -> None:
    for name, quantity in more.items():
        total[name] = total[name].add(quantity) if name in total else quantity


def _raise_to(total: Quantities, other: Mapping[str, Quantity]) -> None:
    for name, quantity in other.items():
        if name not in total or quantity > total[name]:
            total[name] = quantity

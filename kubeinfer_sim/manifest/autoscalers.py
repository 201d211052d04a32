"""The replicas that an autoscaler keeps: at least its minimum, at most its maximum.

Source: pkg/controller/podautoscaler/horizontal.go (reconcileAutoscaler): a workload scaled to zero is left alone, and
one outside the bounds is brought back to them, whatever its metrics say. KEDA's ScaledObject makes such an autoscaler.
An annotation of the ScaledObject pauses it at a number of replicas (autoscaling.keda.sh/paused-replicas).
What the load asks for between the bounds is not simulated. Whether a KubeInfer can be scaled so is not published.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from msgspec.structs import replace

from kubeinfer_sim.manifest.model import BarePod, DaemonSet, PlainWorkload
from kubeinfer_sim.manifest.names_apart import in_namespace

#: Kind -> names of its bounds, and what they are where they are left out.
_BOUNDS: dict[str, tuple[tuple[str, int], tuple[str, int]]] = {
    "HorizontalPodAutoscaler": (("minReplicas", 1), ("maxReplicas", 2**31 - 1)),
    "ScaledObject": (("minReplicaCount", 0), ("maxReplicaCount", 100)),
}
_PAUSED_AT = "autoscaling.keda.sh/paused-replicas"
#: Kinds of autoscalers.
KINDS = tuple(_BOUNDS)


def autoscaled(workload: PlainWorkload, objects: Iterable[tuple[Mapping[str, Any], str]]) -> PlainWorkload:
    """The workload with the replicas that its autoscaler, one of these objects with their namespaces, keeps."""
    if isinstance(workload, BarePod | DaemonSet) or not workload.replicas:
        return workload
    for value, namespace in objects:
        bounds, spec = _BOUNDS.get(str(value.get("kind"))), value.get("spec")
        if bounds is None or not isinstance(spec, Mapping) or namespace != workload.namespace:
            continue
        target = spec.get("scaleTargetRef")
        if not isinstance(target, Mapping) or target.get("name") != in_namespace(workload.name):
            continue
        if (target.get("kind") or "Deployment") == workload.kind:
            least, most = (_number(spec.get(name), default) for name, default in bounds)
            replicas = max(least, min(workload.replicas, max(most, 1)))
            if (paused := _paused_at(value)) is not None:
                replicas = paused
            # It writes the object itself, which stays so when the autoscaler is gone.
            raw = {**workload.raw, "spec": {**workload.raw["spec"], "replicas": replicas}}
            return (
                workload if replicas == workload.replicas else replace(workload, replicas=replicas, raw=raw)
            )
    return workload


def _paused_at(value: Mapping[str, Any]) -> int | None:
    """At how many replicas a ScaledObject is paused; None where it is not."""
    metadata = value.get("metadata")
    annotations = metadata.get("annotations") if isinstance(metadata, Mapping) else None
    text = annotations.get(_PAUSED_AT) if isinstance(annotations, Mapping) else None
    if value.get("kind") != "ScaledObject" or not isinstance(text, str):
        return None
    return int(text) if re.fullmatch("[0-9]{1,9}", text) else None


def _number(value: Any, default: int) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else default

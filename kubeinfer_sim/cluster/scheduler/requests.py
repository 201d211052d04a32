"""What the scores see of a pod spec as decoded: its images, and what stands in for missing requests."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from kubeinfer_sim.manifest.kubernetes.quantity import Quantity

#: What a container that asks for no cpu or no memory counts for in scores (pkg/scheduler/util/pod_resources.go).
SCORING_DEFAULTS = {"cpu": Quantity.parse("100m"), "memory": Quantity.parse("200Mi")}


def images(spec: Mapping[str, Any]) -> Iterable[str]:
    """The images of a pod's containers, init containers first."""
    for group in ("initContainers", "containers"):
        for container in spec.get(group) or ():
            yield str(container.get("image") or "")

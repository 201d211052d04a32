"""ImageLocality: prefer nodes that have the pod's images already.

Source: pkg/scheduler/framework/plugins/imagelocality/image_locality.go.
"""

from __future__ import annotations

from collections.abc import Sequence

from kubeinfer_sim.cluster.scheduler.node_state import NodeState
from kubeinfer_sim.cluster.scheduler.plugins.interface import MAX_SCORE, Cluster
from kubeinfer_sim.cluster.scheduler.pods import Pod

NAME = "ImageLocality"
_MIB = 1024 * 1024
#: Bytes below which images do not matter, and per container above which more do not either.
SMALLEST, LARGEST = 23 * _MIB, 1000 * _MIB


def full_name(image: str) -> str:
    """The image with its tag: `latest` where it says none."""
    return image if image.rfind(":") > image.rfind("/") else f"{image}:latest"


def scores(pod: Pod, cluster: Cluster, feasible: Sequence[NodeState]) -> dict[str, int]:
    """The bytes that need no pull, each image scaled by the share of nodes that have it, as 0 to 100."""
    images = [full_name(image) for image in pod.spec.images]
    worth: dict[str, int] = {}
    for image in images:
        sizes = [node.images[image] for node in cluster.nodes if image in node.images]
        if sizes:
            # The scheduler keeps one size for an image: that of the first node it saw it on.
            worth[image] = int(sizes[0] * (len(sizes) / len(cluster.nodes)))
    most = LARGEST * len(images)
    result = {}
    for node in feasible:
        present = sum(worth[image] for image in images if image in node.images)
        present = min(max(present, SMALLEST), most)
        result[node.name] = MAX_SCORE * (present - SMALLEST) // (most - SMALLEST) if images else 0
    return result

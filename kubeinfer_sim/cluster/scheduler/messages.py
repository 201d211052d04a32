"""The scheduler's sentences, worded as kube-scheduler 1.36 words them.

Source: pkg/scheduler/framework/types.go (FitError.Error).
"""

from __future__ import annotations

from collections.abc import Mapping

NO_NODES = "no nodes available to schedule pods"


def insufficient(resource: str) -> str:
    """The reason of NodeResourcesFit for a resource there is too little of."""
    return "Too many pods" if resource == "pods" else f"Insufficient {resource}"


def nodes_available(total: int, counts: Mapping[str, int]) -> str:
    """`0/8 nodes are available: 3 Insufficient cpu, 5 node(s) were unschedulable.`

    A node may give several reasons. The parts are sorted as text, so `10 …` comes before `2 …`.
    """
    if not total:
        return NO_NODES
    parts = ", ".join(sorted(f"{count} {reason}" for reason, count in counts.items()))
    return f"0/{total} nodes are available: {parts}." if parts else f"0/{total} nodes are available:."

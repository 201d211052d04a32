"""The scheduler's sentences, worded as kube-scheduler 1.36 words them.

Source: pkg/scheduler/framework/types.go (FitError.Error), pkg/scheduler/framework/preemption/preemption.go.
"""

from __future__ import annotations

from collections.abc import Mapping

NO_NODES = "no nodes available to schedule pods"


def insufficient(resource: str) -> str:
    """The reason of NodeResourcesFit for a resource there is too little of."""
    return "Too many pods" if resource == "pods" else f"Insufficient {resource}"


def is_shortage(reason: str) -> bool:
    """Whether a node gives it since it has too little of something."""
    return reason.startswith(("Insufficient ", "Too many "))


def not_satisfied(plugin: str) -> str:
    """The reason of a node that a plugin left out before it was looked at."""
    return f"node(s) didn't satisfy plugin(s) [{plugin}]"


def counted(reasons: Mapping[str, int]) -> str:
    """`3 Insufficient cpu, 5 node(s) were unschedulable`, sorted as text, so that `10 …` comes before `2 …`."""
    return ", ".join(sorted(f"{count} {reason}" for reason, count in reasons.items()))


def nodes_available(total: int, reasons: Mapping[str, int] | str) -> str:
    """`0/8 nodes are available: 3 Insufficient cpu, 5 node(s) were unschedulable.`

    Args:
        total: how many nodes there are.
        reasons: reason → how many nodes give it (a node may give several), or why the pod is rejected as a whole.
    """
    if not total:
        return NO_NODES
    text = f"0/{total} nodes are available:"
    if not isinstance(reasons, str):
        reasons = counted(reasons)
    return f"{text} {reasons}." if reasons else text

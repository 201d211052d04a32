"""Pods on nodes that are down: why nobody has taken them away, and what an operator can do."""

from __future__ import annotations

from collections.abc import Mapping

from kubeinfer_sim.cluster.records import PodRef, ZoneStateChanged
from kubeinfer_sim.metrics.nodes import StrandedPod
from kubeinfer_sim.report.words import count, rounded

WAY_OUT = "until it returns, the pod is force-deleted or the node gets the out-of-service taint"


def stranded(pods: Mapping[PodRef, StrandedPod], joint: str) -> str:
    """One of them and how many are like it: `chat-0, Terminating since 15m51s on node-0, which is down: …`.

    Those that nobody has deleted come first.
    `joint` is what comes between its name and where it is.
    """
    left = [pod for pod, each in pods.items() if each.terminating is None]
    first, *others = sorted(left or pods)
    more = f" (and {count(len(others), 'more pod')})" if others else ""
    return f"{first.name}{more}{joint}{_where(pods[first])}: {WAY_OUT}"


def _where(pod: StrandedPod) -> str:
    if pod.terminating is not None:
        return f"Terminating since {rounded(pod.terminating)} on {pod.node}, which is down"
    where = f"on {pod.node}, which is down since {rounded(pod.down)}"
    return where if pod.halted is None else f"{where}; nobody evicts it, since {zone_state(pod.halted)}"


def zone_state(record: ZoneStateChanged) -> str:
    """`no node is ready (FullDisruption)`, `1 of 4 nodes of zone a is ready (PartialDisruption)`."""
    of = f" of zone {record.zone}" if record.zone else ""
    if not record.ready:
        return f"no node{of} is ready ({record.state})"
    verb = "is" if record.ready == 1 else "are"
    return f"{record.ready:,} of {count(record.nodes, 'node')}{of} {verb} ready ({record.state})"

"""The lines of the report on nodes that failed and on drains."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from kubeinfer_sim.metrics.cause_kinds import NODE_FAILURES
from kubeinfer_sim.metrics.cluster import ClusterMeasures
from kubeinfer_sim.metrics.nodes import DrainRun, NodeChange, NodeOutage
from kubeinfer_sim.report.words import count, listed, rounded


def node_lines(cluster: ClusterMeasures) -> list[str]:
    """One line for each outage, each drain, and for the nodes that joined or were removed in the same instant."""
    alike = groupby(cluster.node_changes, key=lambda each: (each.at, each.joined))
    lines = [_outage(each) for each in cluster.outages] + [_drain(each) for each in cluster.drains]
    return lines + [_changes(list(each)) for _, each in alike]


def _changes(changes: Sequence[NodeChange]) -> str:
    """`c-0 joined at 30s: 4 nodes`; `c-0, c-1 … and 2,998 more joined at 30s: 3,003 nodes`."""
    last = changes[-1]
    what = "joined" if last.joined else "removed"
    who = listed([each.node for each in changes], 3)
    return f"{who} {what} at {rounded(last.at)}: {count(last.nodes, 'node')}"


def _outage(outage: NodeOutage) -> str:
    """`a2-0 died at 10m: last heartbeat 3s before, not ready after 51s, NoExecute taint after 51s, … not back`."""
    steps = [
        f"{what} after {rounded(at - outage.at)}"
        for what, at in (
            ("not ready", outage.noticed),
            ("NoExecute taint", outage.tainted),
            ("first pod deleted", outage.evicted),
            ("node removed", outage.removed),
            ("back", outage.returned),
        )
        if at is not None
    ]
    if outage.noticed is None:
        steps.insert(0, "the API server never noticed")
    if outage.heard is not None and outage.mode != "notReady" and outage.noticed is not None:
        steps.insert(0, f"last heartbeat {rounded(outage.at - outage.heard)} before")
    if outage.returned is None:
        steps.append("not back")
    return f"{outage.node} {NODE_FAILURES[outage.mode]} at {rounded(outage.at)}: {', '.join(steps)}"


def _drain(drain: DrainRun) -> str:
    text = f"{drain.node} drained from {rounded(drain.at)}"
    if drain.ended is not None and not drain.errors:
        held = "" if drain.held_since is None else f", held by a budget since {rounded(drain.held_since)}"
        return f"{text}: empty after {rounded(drain.ended - drain.at)}{held}"
    return f"{text}: {'failed' if drain.ended is not None else 'held'}: {drain.complaint}"

"""The lines of the report on nodes that failed and on drains."""

from __future__ import annotations

from rich.console import RenderableType
from rich.text import Text

from kubeinfer_sim.manifest.render import printable
from kubeinfer_sim.metrics.cause_kinds import NODE_FAILURES
from kubeinfer_sim.metrics.cluster import ClusterMeasures
from kubeinfer_sim.metrics.nodes import DrainRun, NodeChange, NodeOutage
from kubeinfer_sim.report.words import count, rounded

_MOST = 12


def node_lines(cluster: ClusterMeasures) -> list[RenderableType]:
    """One line for each outage, each drain, each node that joined or was removed."""
    lines = [_outage(each) for each in cluster.outages] + [_drain(each) for each in cluster.drains]
    lines += [_change(each) for each in cluster.node_changes]
    found: list[RenderableType] = [Text(printable(line)) for line in lines[:_MOST]]
    if len(lines) > _MOST:
        found.append(Text(f"… and {count(len(lines) - _MOST, 'more event')}", style="dim"))
    return found


def _change(change: NodeChange) -> str:
    """`c-0 joined at 30s: 4 nodes`."""
    what = "joined" if change.joined else "removed"
    return f"{change.node} {what} at {rounded(change.at)}: {count(change.nodes, 'node')}"


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

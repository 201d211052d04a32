"""Why a gang waits, node by node, in a few lines, and which pods were preempted so that it need not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kubeinfer_sim.cluster.records import GangPending, PodPreempted
from kubeinfer_sim.report.words import count
from kubeinfer_sim.scenario.units import format_duration

MOST_NAMES = 3
MOST_GROUPS = 6


def node_verdicts(pending: GangPending) -> Iterator[str]:
    """`node-0, node-1: Insufficient cpu`, one line for the nodes with the same reasons, most nodes first.

    Nothing when all nodes have the same reasons: the scheduler's own sentence tells as much.
    """
    groups = sorted(pending.verdicts, key=lambda each: -len(each.nodes))
    if len(groups) < 2:
        return
    for group in groups[:MOST_GROUPS]:
        yield f"{_names(group.nodes)}: {', '.join(group.reasons) or 'would take it'}"
    if len(groups) > MOST_GROUPS:
        rest = sum(len(group.nodes) for group in groups[MOST_GROUPS:])
        yield f"… and {count(rest, 'node')} for {count(len(groups) - MOST_GROUPS, 'other reason')}"


def preempted(evicted: Sequence[PodPreempted]) -> Iterator[str]:
    """`other/batch on n1, for infer-0 at 10m`, a line each."""
    for each in evicted:
        yield f"{each.pod} on {each.node}, for {each.by.name} at {format_duration(each.at)}"


def preempted_for(evicted: Sequence[PodPreempted]) -> str:
    """`low-0 and 2 more pods are preempted for infer-0`, of the first gang that preempted any; "" without one."""
    if not evicted:
        return ""
    first = evicted[0]
    same = sum(each.by == first.by for each in evicted) - 1
    who = f"{first.pod} and {count(same, 'more pod')} are" if same else f"{first.pod} is"
    rest = len(evicted) - 1 - same
    others = f", {count(rest, 'more pod')} for others" if rest else ""
    drawn = (
        " (which ones was drawn among nodes of equal score)" if any(each.drawn for each in evicted) else ""
    )
    return f"{who} preempted for {first.by.name}{others}{drawn}"


def _names(nodes: Sequence[str]) -> str:
    shown = ", ".join(nodes[:MOST_NAMES])
    return shown if len(nodes) <= MOST_NAMES else f"{shown} and {count(len(nodes) - MOST_NAMES, 'more node')}"

"""Which pods the target of an action means."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from kubeinfer_sim.cluster.kubelet.start_faults import StartFaults
from kubeinfer_sim.cluster.pod import Pod
from kubeinfer_sim.scenario.actions.model import Action, StartFault, Target


def matches(target: Target, pod: Pod) -> bool:
    """Whether an action's target means this pod; empty fields match everything."""
    ref = pod.ref
    if ref.instance.kind != target.kind or (target.name and ref.instance.owner != target.name):
        return False
    if target.instances and ref.instance.ordinal not in target.instances:
        return False
    if target.roles and ref.role not in target.roles:
        return False
    if target.pods and ref.replica not in target.pods:
        return False
    if target.nodes or target.node_selector:
        if pod.node is None:
            return False
        if target.nodes and pod.node.name not in target.nodes:
            return False
        labels = pod.node.spec.labels
        return all(labels.get(key) == value for key, value in target.node_selector.items())
    return True


def start_faults(actions: Iterable[Action]) -> StartFaults | None:
    """What goes wrong while containers start, with the pods it means; None where nothing does."""
    found = [(each, partial(matches, each.target)) for each in actions if isinstance(each, StartFault)]
    return StartFaults(found) if found else None

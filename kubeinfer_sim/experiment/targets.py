"""Which pods the target of an action means."""

from __future__ import annotations

from kubeinfer_sim.cluster.pod import Pod
from kubeinfer_sim.scenario.model import Target


def matches(target: Target, pod: Pod) -> bool:
    """Whether an action's target means this pod; empty fields match everything."""
    ref = pod.ref
    if ref.instance.kind != target.kind or (target.name and ref.instance.kubeinfer != target.name):
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

"""Nodes that somebody taints, untaints and labels, and what is left of the nodes for the actions that follow."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from kubeinfer_sim.diagnostics import Path
from kubeinfer_sim.manifest.kubernetes.names import label_value, qualified_name
from kubeinfer_sim.scenario.actions.forms import ActionForm
from kubeinfer_sim.scenario.actions.model import Action, LabelNodes, RemoveTaint, SetTaint, relabeled
from kubeinfer_sim.scenario.actions.targets import nodes_meant
from kubeinfer_sim.scenario.cluster.model import NodeSpec, Taint
from kubeinfer_sim.scenario.context import Context


class NodesThen:
    """The nodes as the actions so far leave them; actions are to be taken in order of time.

    Attributes:
        there: those that exist, by name, with the labels they have.
    """

    def __init__(self, nodes: Iterable[NodeSpec]) -> None:
        self.there: dict[str, NodeSpec] = {node.name: node for node in nodes}

    def compile_change(self, form: ActionForm, path: Path, context: Context) -> Action | None:
        """What somebody does to Node objects; None when the action is another one."""
        at, there = form.at, self.there
        if (taint := form.taint) is not None:
            path = (*path, "taint")
            _check_names({taint.key: taint.value}, context, path, (*path, "key"))
            names = nodes_meant(taint, there, context, path)
            return SetTaint(at, names, Taint(taint.key, taint.value, taint.effect))
        if (untaint := form.untaint) is not None:
            path = (*path, "untaint")
            return RemoveTaint(at, nodes_meant(untaint, there, context, path), untaint.key, untaint.effect)
        if form.label_nodes is not None:
            path = (*path, "labelNodes")
            labels = form.label_nodes.labels
            _check_names(labels, context, (*path, "labels"))
            action = LabelNodes(at, nodes_meant(form.label_nodes, there, context, path), labels)
            self._label(action)
            return action
        return None

    def _label(self, action: LabelNodes) -> None:
        for name in action.nodes:
            if (node := self.there.get(name)) is not None:
                self.there[name] = replace(node, labels=relabeled(node.labels, action.labels))


def _check_names(
    written: Mapping[str, str | None], context: Context, path: Path, at_key: Path | None = None
) -> None:
    """Keys and values as the API server takes them of labels and taints; what it refuses is noted."""
    for key, value in written.items():
        for message in qualified_name(key):
            context.error(at_key or (*path, key), f"{key!r}: {message}", key=at_key is None)
        for message in label_value(value or ""):
            context.error((*path, "value") if at_key else (*path, key), f"{value!r}: {message}")

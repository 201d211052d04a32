"""Node objects that somebody changes, adds and deletes, and which nodes there are for the actions that follow."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING

from msgspec.structs import replace

from kubeinfer_sim.diagnostics import Path
from kubeinfer_sim.manifest.kubernetes.names import label_value, qualified_name
from kubeinfer_sim.scenario.actions.model import (
    Action,
    AddNodes,
    LabelNodes,
    NodeDown,
    NodeUp,
    RemoveNodes,
    RemoveTaint,
    SetTaint,
    relabeled,
)
from kubeinfer_sim.scenario.actions.targets import known_nodes, nodes_meant
from kubeinfer_sim.scenario.cluster.compile import amounts
from kubeinfer_sim.scenario.cluster.model import NodeSpec, Taint
from kubeinfer_sim.scenario.cluster.node_labels import with_kubelet_labels
from kubeinfer_sim.scenario.cluster.pools import alike, pool_nodes
from kubeinfer_sim.scenario.context import Context
from kubeinfer_sim.scenario.units import format_duration

if TYPE_CHECKING:
    from kubeinfer_sim.scenario.actions.forms import ActionForm
    from kubeinfer_sim.scenario.actions.nodes_form import NodesForm
    from kubeinfer_sim.scenario.cluster.pool_forms import AddNodesForm


class NodesThen:
    """The nodes as the actions so far leave them; actions are to be taken in order of time.

    Attributes:
        there: those that exist, by name, with the labels they have.
        machines: the same with those whose objects have been deleted.
    """

    def __init__(self, nodes: Iterable[NodeSpec]) -> None:
        self.there: dict[str, NodeSpec] = {node.name: node for node in nodes}
        self.machines = dict(self.there)
        self._configured = dict(self.there)  # as their kubelets register them
        self._gone: dict[str, int] = {}
        self._back: list[tuple[int, str]] = []

    # -- which are meant -----------------------------------------------------------------------------------

    def meant(self, form: NodesForm, context: Context, path: Path) -> tuple[str, ...]:
        """The nodes meant, of those that exist; what matches none is noted."""
        for name in form.nodes or ():
            if (gone := self._gone.get(name)) is not None:
                context.error(path, f"node {name} is deleted at {format_duration(gone)}")
                return ()
        return nodes_meant(form, self.there, context, path)

    def machines_meant(self, form: NodesForm, context: Context, path: Path) -> tuple[str, ...]:
        """The machines meant, by name also of nodes that have been deleted; what matches none is noted."""
        if form.nodes is not None:
            return known_nodes(form.nodes, self.machines, context, path)
        return nodes_meant(form, self.there, context, path)

    # -- what changes --------------------------------------------------------------------------------------

    def note(self, action: Action) -> None:
        """What the action leaves of the nodes for those after it."""
        match action:
            case LabelNodes():
                for name in action.nodes:
                    if (node := self.there.get(name)) is not None:
                        labels = relabeled(node.labels, action.labels)
                        self._is_there(replace(node, labels=labels))
            case AddNodes():
                for node in action.nodes:
                    self._configured[node.name] = node
                    self._is_there(node)
            case RemoveNodes():
                for name in action.nodes:
                    if self.there.pop(name, None) is not None:
                        self._gone[name] = action.at
            case NodeUp():
                self._back += [(action.at, name) for name in action.nodes]
            case NodeDown(until=int(until)) if action.mode in ("silent", "reboot", "kubeletRestart"):
                # A kubelet that is started anew registers its node.
                self._back += [(until, name) for name in action.nodes]

    def _is_there(self, node: NodeSpec) -> None:
        self.there[node.name] = self.machines[node.name] = node
        self._gone.pop(node.name, None)

    def compile_change(self, form: ActionForm, path: Path, context: Context) -> Action | None:
        """What somebody does to Node objects; None when the action is another one."""
        at = form.at
        for back in [each for each in self._back if each[0] <= at]:
            self._back.remove(back)
            if back[1] in self._gone and self._gone[back[1]] <= back[0]:
                self._is_there(self._configured[back[1]])
        if (taint := form.taint) is not None:
            path = (*path, "taint")
            _check_names({taint.key: taint.value}, context, path, (*path, "key"))
            return SetTaint(at, self.meant(taint, context, path), Taint(taint.key, taint.value, taint.effect))
        if (untaint := form.untaint) is not None:
            path = (*path, "untaint")
            return RemoveTaint(at, self.meant(untaint, context, path), untaint.key, untaint.effect)
        if form.label_nodes is not None:
            path = (*path, "labelNodes")
            labels = form.label_nodes.labels
            _check_names(labels, context, (*path, "labels"))
            return LabelNodes(at, self.meant(form.label_nodes, context, path), labels)
        if form.add_nodes is not None:
            return AddNodes(at, self._joining(form.add_nodes, context, (*path, "addNodes")))
        if form.remove_nodes is not None:
            return RemoveNodes(at, self.meant(form.remove_nodes, context, (*path, "removeNodes")))
        return None

    def _joining(self, form: AddNodesForm, context: Context, path: Path) -> tuple[NodeSpec, ...]:
        """The nodes that join: the next ones of their pool."""
        pool = [node for node in self.machines.values() if node.pool == form.name]
        numbers = [int(number) for node in pool if (number := node.name.rpartition("-")[2]).isdecimal()]
        first = max(numbers, default=-1) + 1
        while any(f"{form.name}-{first + i}" in self.machines for i in range(form.count)):
            first += 1
        if form.allocatable is None:
            if not pool:
                known = ", ".join(dict.fromkeys(node.pool for node in self.machines.values()))
                context.error(
                    path,
                    f"there is no pool {form.name!r} to be like ({known}): say what its nodes offer: allocatable",
                )
                return ()
            like = _changed(pool[-1], form)
            return tuple(alike(like, f"{form.name}-{first + i}") for i in range(form.count))
        allocatable = amounts(form.allocatable, context, (*path, "allocatable"))
        make = partial(pool_nodes, form, allocatable, first=first)
        return tuple(context.attempt((*path, "npuTopology"), make) or ())


def _changed(node: NodeSpec, form: AddNodesForm) -> NodeSpec:
    """A node like this one but for what the form says."""
    given = form.model_fields_set
    return replace(
        node,
        labels=with_kubelet_labels(node.name, form.labels, node.allocatable)
        if "labels" in given
        else node.labels,
        taints=tuple(Taint(each.key, each.value, each.effect) for each in form.taints)
        if "taints" in given
        else node.taints,
        images=frozenset(form.images) if "images" in given else node.images,
        weights=frozenset(form.weights) if "weights" in given else node.weights,
        price=form.price if "price" in given else node.price,
    )


def _check_names(
    written: Mapping[str, str | None], context: Context, path: Path, at_key: Path | None = None
) -> None:
    """Keys and values as the API server takes them of labels and taints; what it refuses is noted."""
    for key, value in written.items():
        for message in qualified_name(key):
            context.error(at_key or (*path, key), f"{key!r}: {message}", key=at_key is None)
        for message in label_value(value or ""):
            context.error((*path, "value") if at_key else (*path, key), f"{value!r}: {message}")

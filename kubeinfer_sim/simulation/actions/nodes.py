"""Actions on nodes: cordons, taints, labels, drains, machines that fail and come back."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from kubeinfer_sim.cluster.disruption.drain import DrainOptions
from kubeinfer_sim.cluster.disruption.drains import Drains
from kubeinfer_sim.cluster.environment import Environment
from kubeinfer_sim.cluster.fault_records import ChangedNothing, StruckNothing
from kubeinfer_sim.cluster.node import Node
from kubeinfer_sim.cluster.records import NodeLabeled, NodeTaintEdited
from kubeinfer_sim.engine.history import NO_CAUSE
from kubeinfer_sim.scenario.actions.model import (
    Action,
    AddNodes,
    Cordon,
    Drain,
    LabelNodes,
    NodeDown,
    NodeUp,
    OutOfService,
    RemoveNodes,
    RemoveTaint,
    SetTaint,
    label_changes,
    relabeled,
)
from kubeinfer_sim.scenario.cluster.model import NodeSpec
from kubeinfer_sim.simulation.actions.handlers import Handlers

if TYPE_CHECKING:
    from kubeinfer_sim.cluster.node_failures import NodeFailures


class NodeActions:
    """Does them.

    `failures` None: no node of the run ever fails; `machine` makes one that joins.
    """

    def __init__(
        self,
        env: Environment,
        drains: Drains,
        failures: NodeFailures | None,
        machine: Callable[[NodeSpec], Node],
    ) -> None:
        self._machine = machine
        self._clock = env.clock
        self._history = env.history
        self._api = env.api
        self._drains = drains
        self._failures = failures

    def handlers(self) -> Handlers:
        """The actions it does."""
        return {
            Cordon: self._cordon_or_uncordon,
            SetTaint: self._taint,
            RemoveTaint: self._untaint,
            LabelNodes: self._label,
            AddNodes: self._add,
            RemoveNodes: self._remove,
            Drain: self._drain,
            NodeDown: self._fail,
            NodeUp: self._restore,
            OutOfService: self._out_of_service,
        }

    def _there(self, names: Iterable[str]) -> list[Node]:
        """Those of the nodes that exist."""
        return [node for name in names if (node := self._api.nodes.get(name)) is not None]

    def _note_unchanged(self, action: Action, why: str) -> None:
        """An action has left its nodes as they were."""
        self._history.append(ChangedNothing(self._clock.now, NO_CAUSE, action, why))

    def _note_missed(self, action: Action, there: str, *, wholly: bool = True) -> None:
        self._history.append(StruckNothing(self._clock.now, NO_CAUSE, action, there, wholly))

    def _cordon_or_uncordon(self, action: Cordon) -> None:
        meant = [node for node in self._there(action.nodes) if node.unschedulable is action.uncordon]
        for node in meant:
            self._api.cordon(node, not action.uncordon)
        if not meant:
            self._note_unchanged(action, f"{'not ' if action.uncordon else ''}cordoned already")

    def _cordon(self, name: str) -> None:
        self._api.cordon(self._api.machines[name], True)

    def _taint(self, action: SetTaint) -> None:
        new, tainted = action.taint, False
        for node in self._there(action.nodes):
            old = [taint for taint in node.taints if (taint.key, taint.effect) == (new.key, new.effect)]
            if new not in old:
                tainted = True
                node.last = self._history.append(
                    NodeTaintEdited(self._clock.now, NO_CAUSE, node.name, str(new), removed=False)
                )
                self._api.change_taints(node, [new], old)
        if not tainted:
            self._note_unchanged(action, "tainted so already")

    def _untaint(self, action: RemoveTaint) -> None:
        had = False
        for node in self._there(action.nodes):
            for taint in [*node.taints]:
                if taint.key == action.key and action.effect in ("", taint.effect):
                    had = True
                    node.last = self._history.append(
                        NodeTaintEdited(self._clock.now, NO_CAUSE, node.name, str(taint), removed=True)
                    )
                    self._api.change_taints(node, remove=[taint])
        if not had:
            # kubectl's error, which changes nothing.
            effect = f":{action.effect}" if action.effect else ""
            self._note_missed(action, f'taint "{action.key}{effect}" not found on {", ".join(action.nodes)}')

    def _label(self, action: LabelNodes) -> None:
        changes, labeled = label_changes(action.labels), False
        for node in self._there(action.nodes):
            labels = relabeled(node.labels, action.labels)
            if labels != node.labels:
                labeled = True
                self._history.append(NodeLabeled(self._clock.now, NO_CAUSE, node.name, changes))
                self._api.set_labels(node, labels)
        if not labeled:
            self._note_unchanged(action, "labeled so already")

    def _add(self, action: AddNodes) -> None:
        for spec in action.nodes:
            self._api.join(self._machine(spec))

    def _remove(self, action: RemoveNodes) -> None:
        for node in self._there(action.nodes):
            self._api.remove_node(node.name)

    def _drain(self, action: Drain) -> None:
        options = DrainOptions(
            action.ignore_daemon_sets, action.delete_empty_dir_data, action.force, action.timeout
        )
        self._drains.start(action.nodes, options, self._cordon)

    def _fail(self, action: NodeDown) -> None:
        assert self._failures is not None
        until, mode = action.until, action.mode
        down = [
            name
            for name in action.nodes
            if not self._failures.fail(name, mode, until=until, plugin_after=action.plugin_after)
        ]
        wholly = len(down) == len(action.nodes)
        # A dead machine is as down as was asked for, unless it was asked for until some time.
        if mode != "silent" or until is not None:
            for name in down:
                self._note_missed(action, f"{name} is down already", wholly=wholly)
        elif wholly:
            self._note_unchanged(action, "down already")

    def _restore(self, action: NodeUp) -> None:
        assert self._failures is not None
        restored = [self._failures.restore(name) for name in action.nodes]
        if not any(restored):
            self._note_unchanged(action, "back already")

    def _out_of_service(self, action: OutOfService) -> None:
        assert self._failures is not None
        tainted = [self._failures.out_of_service(name, ended=action.ended) for name in action.nodes]
        if not any(tainted):
            self._note_unchanged(action, f"{'not ' if action.ended else ''}out of service already")

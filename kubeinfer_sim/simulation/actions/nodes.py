"""Actions on nodes: cordons, taints, labels, drains, machines that fail and come back."""

from __future__ import annotations

from kubeinfer_sim.cluster.disruption.drain import DrainOptions
from kubeinfer_sim.cluster.disruption.drains import Drains
from kubeinfer_sim.cluster.environment import Environment
from kubeinfer_sim.cluster.fault_records import StruckNothing
from kubeinfer_sim.cluster.node_failures import NodeFailures
from kubeinfer_sim.cluster.records import NodeLabeled, NodeTaintEdited
from kubeinfer_sim.engine.history import NO_CAUSE
from kubeinfer_sim.scenario.actions.model import (
    Cordon,
    Drain,
    LabelNodes,
    NodeDown,
    NodeUp,
    OutOfService,
    RemoveTaint,
    SetTaint,
    label_changes,
    relabeled,
)
from kubeinfer_sim.simulation.actions.handlers import Handlers


class NodeActions:
    """Does them; `failures` None: no node of the run ever fails."""

    def __init__(self, env: Environment, drains: Drains, failures: NodeFailures | None) -> None:
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
            Drain: self._drain,
            NodeDown: self._fail,
            NodeUp: self._restore,
            OutOfService: self._out_of_service,
        }

    def _cordon_or_uncordon(self, action: Cordon) -> None:
        for name in action.nodes:
            self._api.cordon(self._api.nodes[name], not action.uncordon)

    def _cordon(self, name: str) -> None:
        self._api.cordon(self._api.nodes[name], True)

    def _taint(self, action: SetTaint) -> None:
        new = action.taint
        for name in action.nodes:
            node = self._api.nodes[name]
            old = [taint for taint in node.taints if (taint.key, taint.effect) == (new.key, new.effect)]
            if new not in old:
                node.last = self._history.append(
                    NodeTaintEdited(self._clock.now, NO_CAUSE, name, str(new), removed=False)
                )
                self._api.change_taints(node, [new], old)

    def _untaint(self, action: RemoveTaint) -> None:
        had = False
        for name in action.nodes:
            node = self._api.nodes[name]
            for taint in [*node.taints]:
                if taint.key == action.key and action.effect in ("", taint.effect):
                    had = True
                    node.last = self._history.append(
                        NodeTaintEdited(self._clock.now, NO_CAUSE, name, str(taint), removed=True)
                    )
                    self._api.change_taints(node, remove=[taint])
        if not had:
            # kubectl's error, which changes nothing.
            effect = f":{action.effect}" if action.effect else ""
            there = f'taint "{action.key}{effect}" not found on {", ".join(action.nodes)}'
            self._history.append(StruckNothing(self._clock.now, NO_CAUSE, "untaint", there))

    def _label(self, action: LabelNodes) -> None:
        changes = label_changes(action.labels)
        for name in action.nodes:
            node = self._api.nodes[name]
            labels = relabeled(node.labels, action.labels)
            if labels != node.labels:
                self._history.append(NodeLabeled(self._clock.now, NO_CAUSE, name, changes))
                self._api.set_labels(node, labels)

    def _drain(self, action: Drain) -> None:
        options = DrainOptions(
            action.ignore_daemon_sets, action.delete_empty_dir_data, action.force, action.timeout
        )
        self._drains.start(action.nodes, options, self._cordon)

    def _fail(self, action: NodeDown) -> None:
        assert self._failures is not None
        for name in action.nodes:
            self._failures.fail(name, action.mode, until=action.until)

    def _restore(self, action: NodeUp) -> None:
        assert self._failures is not None
        for name in action.nodes:
            self._failures.restore(name)

    def _out_of_service(self, action: OutOfService) -> None:
        assert self._failures is not None
        for name in action.nodes:
            self._failures.out_of_service(name, ended=action.ended)

"""Actions on nodes: cordons, drains, machines that fail and come back, the out-of-service taint."""

from __future__ import annotations

from kubeinfer_sim.cluster.api import Api
from kubeinfer_sim.cluster.disruption.drain import DrainOptions
from kubeinfer_sim.cluster.disruption.drains import Drains
from kubeinfer_sim.cluster.node_failures import NodeFailures
from kubeinfer_sim.scenario.actions.model import Cordon, Drain, NodeDown, NodeUp, OutOfService
from kubeinfer_sim.simulation.actions.handlers import Handlers


class NodeActions:
    """Does them; `failures` None: no node of the run ever fails."""

    def __init__(self, api: Api, drains: Drains, failures: NodeFailures | None) -> None:
        self._api = api
        self._drains = drains
        self._failures = failures

    def handlers(self) -> Handlers:
        """The actions it does."""
        return {
            Cordon: self._cordon_or_uncordon,
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

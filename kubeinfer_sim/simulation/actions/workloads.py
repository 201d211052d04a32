"""Actions on workloads: another version is applied, replicas are changed."""

from __future__ import annotations

from kubeinfer_sim.scenario.actions.model import Apply, ApplyDeployment, Scale
from kubeinfer_sim.scenario.model import Scenario
from kubeinfer_sim.simulation.actions.handlers import Handlers
from kubeinfer_sim.simulation.workloads import Workloads


class WorkloadActions:
    """Does them."""

    def __init__(self, workloads: Workloads, scenario: Scenario) -> None:
        self._workloads = workloads
        self._scenario = scenario

    def handlers(self) -> Handlers:
        """The actions it does."""
        return {Apply: self._apply, ApplyDeployment: self._apply_deployment, Scale: self._scale}

    def _apply(self, action: Apply) -> None:
        self._workloads.of(action.kubeinfer).apply(action.kubeinfer, action.label)

    def _apply_deployment(self, action: ApplyDeployment) -> None:
        self._workloads.of(action.deployment).apply(action.deployment, action.label)

    def _scale(self, action: Scale) -> None:
        self._workloads.of(self._scenario.kubeinfer).scale(action.replicas)

"""Actions on workloads: another version is applied, replicas are changed."""

from __future__ import annotations

from kubeinfer_sim.scenario.actions.model import Apply, Scale
from kubeinfer_sim.simulation.actions.handlers import Handlers
from kubeinfer_sim.simulation.workloads import Workloads


class WorkloadActions:
    """Does them."""

    def __init__(self, workloads: Workloads) -> None:
        self._workloads = workloads

    def handlers(self) -> Handlers:
        """The actions it does."""
        return {Apply: self._apply, Scale: self._scale}

    def _apply(self, action: Apply) -> None:
        spec = action.workload
        self._workloads.named(spec.kind, spec.name).apply(spec, action.label)

    def _scale(self, action: Scale) -> None:
        self._workloads.named(action.kind, action.name).scale(action.replicas)

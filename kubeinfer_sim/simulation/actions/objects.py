"""Actions on objects: they are created, changed, deleted."""

from __future__ import annotations

from kubeinfer_sim.cluster.environment import Environment
from kubeinfer_sim.cluster.records import RequestRefused
from kubeinfer_sim.engine.history import NO_CAUSE
from kubeinfer_sim.manifest.kubernetes.updates import already_exists, not_found
from kubeinfer_sim.scenario.actions.model import Create, Delete, DeleteObject, Put
from kubeinfer_sim.simulation.actions.handlers import Handlers
from kubeinfer_sim.simulation.workloads import Workloads


class ObjectActions:
    """Does them."""

    def __init__(self, env: Environment, workloads: Workloads) -> None:
        self._env = env
        self._workloads = workloads

    def handlers(self) -> Handlers:
        """The actions it does."""
        return {
            Create: self._create,
            Delete: self._delete,
            Put: lambda action: self._env.api.put(action.object),
            DeleteObject: lambda action: self._env.api.delete_object(action.object),
        }

    def _create(self, action: Create) -> None:
        spec = action.workload
        if self._workloads.exists(spec.kind, spec.name):
            self._refuse("creation", spec.kind, spec.name, already_exists(spec.kind, spec.name))
        else:
            self._workloads.create(spec)

    def _delete(self, action: Delete) -> None:
        kind, name = action.kind, action.name
        if self._workloads.exists(kind, name):
            self._workloads.delete(kind, name)
        else:
            self._refuse("deletion", kind, name, not_found(kind, name))

    def _refuse(self, what: str, kind: str, name: str, message: str) -> None:
        record = RequestRefused(self._env.clock.now, NO_CAUSE, what, f"{kind}/{name}", message)
        self._env.history.append(record)

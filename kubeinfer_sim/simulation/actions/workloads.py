"""Actions on workloads: another version is applied, replicas are changed, an update is undone, or it is refused."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, cast

from kubeinfer_sim.cluster.environment import Environment
from kubeinfer_sim.cluster.fault_records import ChangedNothing
from kubeinfer_sim.cluster.records import RequestRefused
from kubeinfer_sim.engine.history import NO_CAUSE
from kubeinfer_sim.manifest.model import KubeInfer
from kubeinfer_sim.scenario.actions.model import Action, Apply, Put, Refused, Scale, Undo
from kubeinfer_sim.simulation.actions.handlers import Handlers
from kubeinfer_sim.simulation.workloads import Workloads

if TYPE_CHECKING:
    from kubeinfer_sim.controllers.deployment.member_workload import MemberWorkload
    from kubeinfer_sim.controllers.deployment.workload import DeploymentWorkload


class WorkloadActions:
    """Does them."""

    def __init__(self, env: Environment, workloads: Workloads, actions: Iterable[Action]) -> None:
        self._env = env
        self._workloads = workloads
        # When other objects are changed, as in the file that is applied.
        self._put_at = frozenset(each.at for each in actions if isinstance(each, Put))

    def handlers(self) -> Handlers:
        """The actions it does."""
        return {Apply: self._apply, Scale: self._scale, Undo: self._undo, Refused: self._refuse}

    def _apply(self, action: Apply) -> None:
        from kubeinfer_sim.scenario.workloads.rebasing import rebased

        workload = self._workloads.named(action.workload.kind, action.workload.name)
        spec = rebased(action, workload.spec)
        written = spec.raw.get("spec")
        # Of a KubeInfer the record of what is applied says what has changed, and so does the verdict.
        same = written and not isinstance(spec, KubeInfer) and written == workload.spec.raw.get("spec")
        if same and action.at not in self._put_at:
            self._note_unchanged(action, "it is so already")
        workload.apply(spec, action.label)

    def _note_unchanged(self, action: Action, why: str) -> None:
        self._env.history.append(ChangedNothing(self._env.clock.now, NO_CAUSE, action, why))

    def _scale(self, action: Scale) -> None:
        workload = self._workloads.named(action.kind, action.name)
        if workload.spec.replicas == action.replicas:
            self._note_unchanged(action, f"{action.replicas:,} already")
        workload.scale(action.replicas)

    def _undo(self, action: Undo) -> None:
        # No other kind can be rolled back.
        workload = cast(
            "DeploymentWorkload | MemberWorkload", self._workloads.named(action.kind, action.name)
        )
        if message := workload.undo():
            self._refuse(Refused(action.at, "rollback", f"{action.kind}/{action.name}", message))

    def _refuse(self, action: Refused) -> None:
        """Nothing changes."""
        record = RequestRefused(self._env.clock.now, NO_CAUSE, action.what, action.object, action.message)
        self._env.history.append(record)

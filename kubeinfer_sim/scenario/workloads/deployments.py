"""A Deployment of a scenario as it changes with time.

Source of kubectl's refusals: k8s.io/kubectl pkg/polymorphichelpers (objectpauser.go, objectresumer.go,
objectrestarter.go); that of an undo is told in the run, by the ReplicaSets there are then.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from kubeinfer_sim.diagnostics import Path
from kubeinfer_sim.manifest.model import Deployment, Kind, KubeInfer
from kubeinfer_sim.scenario.actions.model import PATCH, Change
from kubeinfer_sim.scenario.context import Context
from kubeinfer_sim.scenario.workloads.manifests import Manifests
from kubeinfer_sim.scenario.workloads.plain import PlainLine

if TYPE_CHECKING:
    from kubeinfer_sim.scenario.actions.apply_form import ApplyForm
    from kubeinfer_sim.scenario.actions.forms import ActionForm


class DeploymentLine:
    """One Deployment (`line.WorkloadLine`): it can be paused, and rolled back."""

    kind: Kind = "Deployment"
    has_instances = False

    def __init__(self, context: Context, manifests: Manifests, first: Deployment) -> None:
        self._line = PlainLine(context, manifests, first)

    @property
    def current(self) -> Deployment:
        """The version in force after the actions so far."""
        deployment = self._line.current
        assert isinstance(deployment, Deployment)
        return deployment

    @property
    def versions(self) -> Sequence[KubeInfer]:
        """Every version, the one at time 0 first, each as a KubeInfer of one role."""
        return self._line.versions

    def change(self, form: ActionForm, path: Path) -> Sequence[Change]:
        """An action on this Deployment; none when it is wrong, which is noted."""
        if form.pause or form.resume:
            label, paused = ("pause", True) if form.pause else ("resume", False)
            if self.current.paused is paused:
                return [self._refused(form.at, label, "is already paused" if paused else "is not paused")]
            return self._line.patch(form.at, {"spec": {"paused": paused}}, path, label, placed=False)
        if form.rollback:
            return self._line.undo(form.at)
        if form.apply is not None:
            return self.applied(form.at, form.apply, (*path, "apply"))
        return self._line.change(form, path)

    def applied(self, at: int, form: ApplyForm, path: Path) -> Sequence[Change]:
        """Another version of it; none when it is wrong, which is noted."""
        if form.new_revision and self.current.paused:
            message = "can't restart paused deployment (run rollout resume first)"
            return [self._refused(at, "restart", message)]
        return self._line.applied(at, form, path)

    def patch(
        self, at: int, patch: Mapping[str, Any], path: Path, label: str = PATCH, *, placed: bool = True
    ) -> Sequence[Change]:
        """The version in force with a JSON merge patch; none when it is wrong, which is noted."""
        return self._line.patch(at, patch, path, label, placed=placed)

    def take(self, at: int, spec: Deployment, label: str) -> Sequence[Change]:
        """Another version of it; none when it is the one in force."""
        return self._line.take(at, spec, label)

    def _refused(self, at: int, what: str, message: str) -> Change:
        return self._line.refused(at, what, f'error: deployments.apps "{self.current.name}" {message}')

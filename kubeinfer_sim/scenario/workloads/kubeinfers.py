"""A KubeInfer of a scenario as it changes with time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from kubeinfer_sim.diagnostics import Path
from kubeinfer_sim.manifest.model import Kind, KubeInfer
from kubeinfer_sim.scenario.actions.model import NEW_REVISION, PATCH, Apply, Change, Refused, Scale
from kubeinfer_sim.scenario.context import Context
from kubeinfer_sim.scenario.workloads.line import another_object
from kubeinfer_sim.scenario.workloads.manifests import Manifests, merge_patch, new_revision

if TYPE_CHECKING:
    from kubeinfer_sim.scenario.actions.apply_form import ApplyForm
    from kubeinfer_sim.scenario.actions.forms import ActionForm


class KubeInferLine:
    """One KubeInfer (`line.WorkloadLine`)."""

    kind: Kind = "KubeInfer"
    has_instances = True

    def __init__(self, context: Context, manifests: Manifests, first: KubeInfer) -> None:
        self._context = context
        self._manifests = manifests
        self._versions = [first]

    @property
    def current(self) -> KubeInfer:
        """The version in force after the actions so far, its replicas as last scaled."""
        return self._versions[-1]

    @property
    def versions(self) -> Sequence[KubeInfer]:
        """Every version, the one at time 0 first."""
        return self._versions

    def change(self, form: ActionForm, path: Path) -> Sequence[Change]:
        """An action on this KubeInfer; none when it is wrong, which is noted."""
        if form.apply is not None:
            return self.applied(form.at, form.apply, (*path, "apply"))
        if form.patch is not None:
            return self.patch(form.at, form.patch, (*path, "patch"))
        if form.scale is not None:
            return self._scaled(form.at, form.scale, (*path, "scale"))
        if form.rollback:
            return self._rolled_back(form.at)
        word = "pause" if form.pause else "resume"
        self._context.error(
            (*path, word), f"a KubeInfer cannot be {word}d; a Deployment can (object: Deployment/…)"
        )
        return []

    def applied(self, at: int, form: ApplyForm, path: Path) -> Sequence[Apply]:
        """Another version of it; none when it is wrong, which is noted.

        A patch and a new revision start from the version in force, a manifest replaces it whole, replicas
        included, as `kubectl apply` does with a manifest that names them.
        """
        if form.new_revision:
            restarted = self._reload(new_revision(self.current.raw), path, ())
            return [] if restarted is None else self.take(at, restarted, NEW_REVISION)
        if form.patch is not None:
            return self.patch(at, form.patch, (*path, "patch"))
        loaded = self._manifests.read(form, path, [self.current.name])
        if loaded is None:
            return []
        kubeinfer = next((each for each in loaded.kubeinfers if each.name == self.current.name), None)
        if kubeinfer is None:
            self._context.error(path, f"it holds no KubeInfer named {self.current.name}")
        return [] if kubeinfer is None else self.take(at, kubeinfer, loaded.label)

    def take(self, at: int, spec: KubeInfer, label: str) -> Sequence[Apply]:
        """Another version of it."""
        self._versions.append(spec)
        return [Apply(at, spec, label)]

    def patch(
        self, at: int, patch: Mapping[str, Any], path: Path, label: str = PATCH, *, placed: bool = True
    ) -> Sequence[Apply]:
        """The version in force with a JSON merge patch; none when it is wrong, which is noted."""
        kubeinfer = self._reload(merge_patch(self.current.raw, patch), path, path if placed else ())
        if kubeinfer is None:
            return []
        if (kubeinfer.namespace, kubeinfer.name) != (self.current.namespace, self.current.name):
            self._context.error(path, another_object(kubeinfer, self.current))
            return []
        return self.take(at, kubeinfer, label)

    def _scaled(self, at: int, replicas: int, path: Path) -> Sequence[Scale]:
        kubeinfer = self._reload(merge_patch(self.current.raw, {"spec": {"replicas": replicas}}), path, ())
        self._versions.append(self.current if kubeinfer is None else kubeinfer)
        return [Scale(at, replicas, self.kind, self.current.name)]

    def _rolled_back(self, at: int) -> Sequence[Apply | Refused]:
        """The role templates of the version before the present ones."""
        current = self.current
        before = next((each for each in reversed(self._versions) if each.revision != current.revision), None)
        if before is None:
            message = "there are no earlier role templates to go back to"
            return [Refused(at, "rollback", f"{self.kind}/{current.name}", message)]
        raw = {**current.raw, "spec": {**current.raw["spec"], "template": before.raw["spec"]["template"]}}
        return self.take(at, replace(current, roles=before.roles, raw=raw), "rollback")

    def _reload(self, raw: Any, path: Path, positions: Path) -> KubeInfer | None:
        loaded = self._manifests.reload(raw, path, positions)
        return next(iter(loaded.kubeinfers), None) if loaded is not None else None

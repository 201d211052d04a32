"""A Deployment of a scenario as it changes with time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from kubeinfer_sim.diagnostics import Path
from kubeinfer_sim.manifest.model import Deployment, Kind, KubeInfer
from kubeinfer_sim.scenario.actions.forms import ActionForm, ApplyForm
from kubeinfer_sim.scenario.actions.model import Apply
from kubeinfer_sim.scenario.context import Context
from kubeinfer_sim.scenario.workloads.manifests import Manifests
from kubeinfer_sim.scenario.workloads.plain import PlainLine


class DeploymentLine:
    """One Deployment (`line.WorkloadLine`): it can be paused, and rolled back."""

    kind: Kind = "Deployment"
    has_instances = False

    def __init__(self, context: Context, manifests: Manifests, first: Deployment) -> None:
        self._context = context
        self._line = PlainLine(context, manifests, first)

    @property
    def current(self) -> Deployment:
        """The version in force after the actions so far."""
        found = self._line.current
        assert isinstance(found, Deployment)
        return found

    @property
    def versions(self) -> Sequence[KubeInfer]:
        """Every version, the one at time 0 first, each as a KubeInfer of one role."""
        return self._line.versions

    def change(self, form: ActionForm, path: Path) -> Sequence[Apply]:
        """An action on this Deployment; none when it is wrong, which is noted."""
        if form.pause or form.resume:
            label = "pause" if form.pause else "resume"
            if self.current.paused == bool(form.pause):
                no = "" if form.pause else "not "
                self._context.error((*path, label), f"Deployment/{self.current.name} is {no}paused then")
            found = self._line.patched({"spec": {"paused": bool(form.pause)}}, path, placed=False)
            return [] if found is None else self._line.new_version(form.at, found, label)
        if form.rollback:
            before = self._rolled_back((*path, "rollback"))
            return [] if before is None else self._line.new_version(form.at, before, "rollback")
        return self._line.change(form, path)

    def applied(self, at: int, form: ApplyForm, path: Path) -> Sequence[Apply]:
        """Another version of it; none when it is wrong, which is noted."""
        return self._line.applied(at, form, path)

    def take(self, at: int, spec: Deployment, label: str) -> Sequence[Apply]:
        """Another version of it; none when it is the one in force."""
        return self._line.take(at, spec, label)

    def _templates(self) -> list[Deployment]:
        """A version of each template there was, the newest last."""
        found: dict[str, Deployment] = {}
        for spec in self._line.specs:
            if not found or next(reversed(found)) != spec.revision:
                # As with ReplicaSets: a template that comes back is the newest again.
                found.pop(spec.revision, None)
                assert isinstance(spec, Deployment)
                found[spec.revision] = spec
        return list(found.values())

    def _rolled_back(self, path: Path) -> Deployment | None:
        """The Deployment with the template of the revision before (kubectl rollout undo)."""
        current, templates = self.current, self._templates()
        if current.paused:
            self._context.error(path, "a paused Deployment cannot be rolled back: resume it first")
        elif len(templates) < 2:
            self._context.error(path, "there is no earlier template to go back to")
        else:
            before = templates[-2]
            raw = {**current.raw, "spec": {**current.raw["spec"], "template": before.raw["spec"]["template"]}}
            return replace(current, template=before.template, raw=raw)
        return None

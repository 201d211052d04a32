"""A Deployment of a scenario as it changes with time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from kubeinfer_sim.diagnostics import Path
from kubeinfer_sim.manifest.model import Deployment, KubeInfer, Role
from kubeinfer_sim.scenario.actions.forms import ActionForm, ApplyForm
from kubeinfer_sim.scenario.actions.model import Apply, Kind
from kubeinfer_sim.scenario.context import Context
from kubeinfer_sim.scenario.workloads.line import another_object
from kubeinfer_sim.scenario.workloads.manifests import Manifests, merge_patch, new_revision_of_template


def as_kubeinfer(deployment: Deployment) -> KubeInfer:
    """A Deployment as a KubeInfer of one role that bears its name.

    For whatever only asks which pods there are: timings, nodes, images.
    """
    return KubeInfer(
        name=deployment.name,
        namespace=deployment.namespace,
        roles=(Role(deployment.name, deployment.template),),
        replicas=deployment.replicas,
        labels=deployment.labels,
    )


class DeploymentLine:
    """One Deployment (`line.WorkloadLine`)."""

    kind: Kind = "Deployment"
    has_instances = False

    def __init__(self, context: Context, manifests: Manifests, first: Deployment) -> None:
        self._context = context
        self._manifests = manifests
        self._current = first
        self._versions = [as_kubeinfer(first)]
        self._templates = [first]

    @property
    def current(self) -> Deployment:
        """The version in force after the actions so far."""
        return self._current

    @property
    def versions(self) -> Sequence[KubeInfer]:
        """Every version, the one at time 0 first, each as a KubeInfer of one role."""
        return self._versions

    def change(self, form: ActionForm, path: Path) -> Sequence[Apply]:
        """An action on this Deployment; none when it is wrong, which is noted."""
        found: Deployment | None = None
        label = ""
        if form.apply is not None:
            return self.applied(form.at, form.apply, (*path, "apply"))
        if form.patch is not None:
            label = "patch"
            found = self._patched(form.patch, (*path, "patch"))
        elif form.scale is not None:
            label = f"scale to {form.scale}"
            found = self._patched({"spec": {"replicas": form.scale}}, path, placed=False)
        elif form.pause or form.resume:
            label = "pause" if form.pause else "resume"
            if self._current.paused == bool(form.pause):
                no = "" if form.pause else "not "
                self._context.error((*path, label), f"Deployment/{self._current.name} is {no}paused then")
            found = self._patched({"spec": {"paused": bool(form.pause)}}, path, placed=False)
        elif form.rollback:
            label = "rollback"
            found = self._rolled_back((*path, "rollback"))
        return [] if found is None else self._new_version(form.at, found, label)

    def applied(self, at: int, form: ApplyForm, path: Path) -> Sequence[Apply]:
        """Another version of it; none when it is wrong, which is noted."""
        current = self._current
        if form.new_revision:
            found = self._patched(new_revision_of_template(current.raw), path, placed=False)
            label = "new revision"
        elif form.patch is not None:
            found, label = self._patched(form.patch, (*path, "patch")), "patch"
        else:
            loaded = self._manifests.read(form, path, [current.name])
            if loaded is None:
                return []
            label = loaded.label
            found = next((each for each in loaded.deployments if each.name == current.name), None)
            if found is None:
                self._context.error(path, f"it holds no Deployment named {current.name}")
        return [] if found is None else self._new_version(at, found, label)

    def take(self, at: int, spec: Deployment, label: str) -> Sequence[Apply]:
        """Another version of it; none when it is the one in force."""
        return [] if spec.raw == self._current.raw else self._new_version(at, spec, label)

    def _new_version(self, at: int, deployment: Deployment, label: str) -> Sequence[Apply]:
        templates = self._templates
        if deployment.revision != templates[-1].revision:
            # As with ReplicaSets: a template that comes back is the newest again.
            templates[:] = [each for each in templates if each.revision != deployment.revision]
            templates.append(deployment)
        self._current = deployment
        self._versions.append(as_kubeinfer(deployment))
        return [Apply(at, deployment, label)]

    def _rolled_back(self, path: Path) -> Deployment | None:
        """The Deployment with the template of the revision before (kubectl rollout undo)."""
        current = self._current
        if current.paused:
            self._context.error(path, "a paused Deployment cannot be rolled back: resume it first")
        elif len(self._templates) < 2:
            self._context.error(path, "there is no earlier template to go back to")
        else:
            before = self._templates[-2]
            raw = {**current.raw, "spec": {**current.raw["spec"], "template": before.raw["spec"]["template"]}}
            return replace(current, template=before.template, raw=raw)
        return None

    def _patched(self, patch: Mapping[str, Any], path: Path, *, placed: bool = True) -> Deployment | None:
        current = self._current
        loaded = self._manifests.reload(merge_patch(current.raw, patch), path, path if placed else ())
        found = next(iter(loaded.deployments), None) if loaded is not None else None
        if found is not None and (found.namespace, found.name) != (current.namespace, current.name):
            self._context.error(path, another_object(found, current))
            return None
        return found

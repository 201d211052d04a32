"""Deployments on the time line: which there are, and each as it changes with time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from kubeinfer_sim.diagnostics import Path
from kubeinfer_sim.manifest.model import Deployment, KubeInfer, Role
from kubeinfer_sim.manifest.suggest import did_you_mean
from kubeinfer_sim.scenario.actions.forms import ActionForm, ApplyForm
from kubeinfer_sim.scenario.actions.model import ApplyDeployment
from kubeinfer_sim.scenario.context import Context
from kubeinfer_sim.scenario.workloads.manifests import Manifests, merge_patch, new_revision_of_template

#: How a user names one: `Deployment/router`.
PREFIX = "Deployment/"


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


@dataclass(slots=True)
class DeploymentLines:
    """The Deployments of a scenario as they change with time.

    Attributes:
        current: by name, the version in force after the actions so far.
        versions: every version of every one.
    """

    context: Context
    manifests: Manifests
    current: dict[str, Deployment] = field(default_factory=dict)
    versions: list[Deployment] = field(default_factory=list)
    _templates: dict[str, list[Deployment]] = field(default_factory=dict)

    def start(self, deployments: Iterable[Deployment]) -> None:
        """They are there at time 0; of one name there can be one."""
        for each in deployments:
            if each.name in self.current:
                self.context.error(("spec", "manifest"), f"there are two Deployments named {each.name}")
                continue
            self.current[each.name] = each
            self.versions.append(each)
            self._templates[each.name] = [each]

    def named(self, text: str, path: Path) -> str | None:
        """The Deployment an `object: Deployment/name` means; None when there is none, which is noted."""
        name = text.removeprefix(PREFIX)
        if name in self.current:
            return name
        known = [f"{PREFIX}{each}" for each in self.current]
        there = f"there are: {', '.join(known)}" if known else "the manifest holds no Deployment"
        self.context.error(path, f"no object is {text!r}{did_you_mean(text, known)} ({there})")
        return None

    def change(self, form: ActionForm, name: str, path: Path) -> list[ApplyDeployment]:
        """An action on one Deployment; empty when it is another action, or wrong, which is noted."""
        current = self.current[name]
        found: Deployment | None = None
        label = ""
        if form.apply is not None:
            return self.applied(form.at, form.apply, name, (*path, "apply"))
        if form.patch is not None:
            label = "patch"
            found = self._patched(current, form.patch, (*path, "patch"))
        elif form.scale is not None:
            label = f"scale to {form.scale}"
            found = self._patched(current, {"spec": {"replicas": form.scale}}, path, placed=False)
        elif form.pause or form.resume:
            label = "pause" if form.pause else "resume"
            if current.paused == bool(form.pause):
                self.context.error(
                    (*path, label), f"{PREFIX}{name} is {'' if form.pause else 'not '}paused then"
                )
            found = self._patched(current, {"spec": {"paused": bool(form.pause)}}, path, placed=False)
        elif form.rollback:
            label = "rollback"
            found = self._rolled_back(current, path)
        return [] if found is None else self.apply(form.at, found, label)

    def applied(self, at: int, form: ApplyForm, name: str, path: Path) -> list[ApplyDeployment]:
        """Another version of one Deployment; empty when it is wrong, which is noted."""
        current = self.current[name]
        if form.new_revision:
            found, label = (
                self._patched(current, new_revision_of_template(current.raw), path, placed=False),
                "new revision",
            )
        elif form.patch is not None:
            found, label = self._patched(current, form.patch, (*path, "patch")), "patch"
        else:
            loaded = self.manifests.read(form, path, name)
            if loaded is None:
                return []
            label = loaded.label
            found = next((each for each in loaded.deployments if each.name == name), None)
            if found is None:
                self.context.error(path, f"it holds no Deployment named {name}")
        return [] if found is None else self.apply(at, found, label)

    def apply(self, at: int, deployment: Deployment, label: str) -> list[ApplyDeployment]:
        """Another version of a Deployment that is there."""
        name = deployment.name
        templates = self._templates[name]
        if deployment.revision != templates[-1].revision:
            # As with ReplicaSets: a template that comes back is the newest again.
            templates[:] = [each for each in templates if each.revision != deployment.revision]
            templates.append(deployment)
        self.current[name] = deployment
        self.versions.append(deployment)
        return [ApplyDeployment(at, deployment, label)]

    def _rolled_back(self, current: Deployment, path: Path) -> Deployment | None:
        """The Deployment with the template of the revision before (kubectl rollout undo)."""
        here = (*path, "rollback")
        templates = self._templates[current.name]
        if current.paused:
            self.context.error(here, "a paused Deployment cannot be rolled back: resume it first")
        elif len(templates) < 2:
            self.context.error(here, "there is no earlier template to go back to")
        else:
            before = templates[-2]
            raw = {**current.raw, "spec": {**current.raw["spec"], "template": before.raw["spec"]["template"]}}
            return replace(current, template=before.template, raw=raw)
        return None

    def _patched(
        self, current: Deployment, patch: Mapping[str, Any], path: Path, *, placed: bool = True
    ) -> Deployment | None:
        raw = merge_patch(current.raw, patch)
        loaded = self.manifests.reload(raw, path, path if placed else ())
        return loaded.deployments[0] if loaded is not None and loaded.deployments else None

"""A Pod or an object of apps/v1 of a scenario as it changes with time, and what a Deployment shares with them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from kubeinfer_sim.diagnostics import Path
from kubeinfer_sim.manifest.model import Deployment, Kind, KubeInfer, PlainWorkload, Role
from kubeinfer_sim.manifest.refusals import refusal, with_strategy
from kubeinfer_sim.scenario.actions.model import NEW_REVISION, PATCH, Apply, Change, Refused, Undo
from kubeinfer_sim.scenario.context import Context
from kubeinfer_sim.scenario.workloads.line import another_object
from kubeinfer_sim.scenario.workloads.manifests import Manifests, merge_patch, new_revision_of_template

if TYPE_CHECKING:
    from kubeinfer_sim.scenario.actions.apply_form import ApplyForm
    from kubeinfer_sim.scenario.actions.forms import ActionForm


def as_kubeinfer(workload: PlainWorkload) -> KubeInfer:
    """A Deployment, a ReplicaSet or a Pod as a KubeInfer of one role that bears its name.

    For whatever only asks which pods there are: timings, nodes, images. Its `raw` is the object itself.
    """
    return KubeInfer(
        name=workload.name,
        namespace=workload.namespace,
        roles=(Role(workload.name, workload.template),),
        replicas=workload.replicas,
        labels=workload.labels,
        raw=workload.raw,
    )


class PlainLine:
    """One of them (`line.WorkloadLine`).

    Attributes:
        specs: every version, the one at time 0 first.
    """

    has_instances = False

    def __init__(self, context: Context, manifests: Manifests, first: PlainWorkload) -> None:
        self._context = context
        self._manifests = manifests
        self.kind: Kind = first.kind
        self.specs = [first]

    @property
    def current(self) -> PlainWorkload:
        """The version in force after the actions so far."""
        return self.specs[-1]

    @property
    def versions(self) -> Sequence[KubeInfer]:
        """Every version, each as a KubeInfer of one role."""
        return [as_kubeinfer(each) for each in self.specs]

    def change(self, form: ActionForm, path: Path) -> Sequence[Change]:
        """An action on this object; none when it is wrong, which is noted."""
        if form.apply is not None:
            return self.applied(form.at, form.apply, (*path, "apply"))
        if form.patch is not None:
            return self.patch(form.at, form.patch, (*path, "patch"))
        if form.scale is not None and self.kind not in ("Pod", "DaemonSet"):
            patch = {"spec": {"replicas": form.scale}}
            return self.patch(form.at, patch, path, f"scale to {form.scale}", placed=False)
        if form.rollback and self.kind in ("StatefulSet", "DaemonSet"):
            return self.undo(form.at)
        word = next(
            each for each in ("scale", "pause", "resume", "rollback") if getattr(form, each) is not None
        )
        can = {
            "scale": "a KubeInfer, a Deployment, a ReplicaSet or a StatefulSet",
            "rollback": "a KubeInfer, a Deployment, a StatefulSet or a DaemonSet",
        }.get(word, "a Deployment")
        self._context.error((*path, word), f"{word} is nothing a {self.kind} knows; {can} can")
        return []

    def undo(self, at: int) -> Sequence[Change]:
        """To what it goes back is known in the run alone; what follows is checked against what it should be."""
        current, before = self.current, self._template_before()
        if before is not None and not (isinstance(current, Deployment) and current.paused):
            raw = {**current.raw, "spec": {**current.raw["spec"], "template": before.raw["spec"]["template"]}}
            self.specs.append(replace(current, template=before.template, raw=raw))
        return [Undo(at, self.kind, current.name)]

    def _template_before(self) -> PlainWorkload | None:
        """The newest version with the template before the present one."""
        newest: dict[str, PlainWorkload] = {}
        for spec in self.specs:
            if not newest or next(reversed(newest)) != spec.revision:
                newest.pop(spec.revision, None)  # a template that comes back is the newest again
                newest[spec.revision] = spec
        return list(newest.values())[-2] if len(newest) > 1 else None

    def applied(self, at: int, form: ApplyForm, path: Path) -> Sequence[Change]:
        """Another version of it; none when it is wrong, which is noted."""
        current = self.current
        if form.new_revision:
            if self.kind == "Pod":
                self._context.error(path, "a Pod has no template: nothing restarts it")
                return []
            return self.patch(at, new_revision_of_template(current.raw), path, NEW_REVISION, placed=False)
        if form.patch is not None:
            return self._patched(at, form.patch, (*path, "patch"), PATCH, placed=True)
        loaded = self._manifests.read(form, path, [current.name])
        if loaded is None:
            return []
        workload = next(
            (each for each in loaded.plain if (each.kind, each.name) == (current.kind, current.name)), None
        )
        if workload is None:
            self._context.error(path, f"it holds no {self.kind} named {current.name}")
        return [] if workload is None else self._replaced(at, workload, loaded.label)

    def take(self, at: int, spec: PlainWorkload, label: str) -> Sequence[Change]:
        """Another version of it; none when it is the one in force."""
        return [] if spec.raw == self.current.raw else self._replaced(at, spec, label)

    def patch(
        self, at: int, patch: Mapping[str, Any], path: Path, label: str = PATCH, *, placed: bool = True
    ) -> Sequence[Change]:
        """The version in force, patched; none when it is wrong, which is noted, `placed` in the patch or at `path`."""
        before = self.current.raw
        # What the API server has filled in stays beside what is patched.
        if message := refusal(before, merge_patch(with_strategy(before), patch)):
            return [self.refused(at, label, message)]
        return self._patched(at, patch, path, label, placed=placed)

    def _patched(
        self, at: int, patch: Mapping[str, Any], path: Path, label: str, *, placed: bool
    ) -> Sequence[Change]:
        """As `patch`, of what people have written: `kubectl apply` takes away what goes with another strategy."""
        before = self.current
        raw = merge_patch(before.raw, patch)
        if message := refusal(before.raw, raw):
            return [self.refused(at, label, message)]
        workload = self._loaded(raw, path, path if placed else ())
        if workload is None:
            return []
        self.specs.append(workload)
        return [Apply(at, workload, label, before)]

    def refused(self, at: int, what: str, message: str) -> Refused:
        """A request to change it that kubectl or the API server refuses."""
        return Refused(at, what, f"{self.kind}/{self.current.name}", message)

    def _replaced(self, at: int, spec: PlainWorkload, label: str) -> Sequence[Change]:
        """It is like this from then on, if the API server takes it."""
        if message := refusal(self.current.raw, spec.raw):
            return [self.refused(at, "update", message)]
        self.specs.append(spec)
        return [Apply(at, spec, label)]

    def _loaded(self, raw: Any, path: Path, positions: Path) -> PlainWorkload | None:
        current = self.current
        loaded = self._manifests.reload(raw, path, positions)
        workload = next(iter(loaded.plain), None) if loaded is not None else None
        if workload is not None and (workload.kind, workload.namespace, workload.name) != (
            current.kind,
            current.namespace,
            current.name,
        ):
            self._context.error(path, another_object(workload, current))
            return None
        return workload

"""The workloads of a scenario as they change with time, and which of them an action means."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from kubeinfer_sim.diagnostics import Diagnostic, Path, Severity, format_path
from kubeinfer_sim.manifest.autoscalers import KINDS as AUTOSCALERS
from kubeinfer_sim.manifest.kubernetes.updates import already_exists, not_found
from kubeinfer_sim.manifest.load import OtherObject
from kubeinfer_sim.manifest.model import (
    BarePod,
    DaemonSet,
    Deployment,
    Kind,
    KubeInfer,
    PlainWorkload,
    ReplicaSet,
    StatefulSet,
    WorkloadSpec,
)
from kubeinfer_sim.manifest.names_apart import full_name
from kubeinfer_sim.manifest.register.check import CODE, differences
from kubeinfer_sim.manifest.suggest import did_you_mean
from kubeinfer_sim.scenario.actions.model import Change, Create, Delete, DeleteObject, Refused
from kubeinfer_sim.scenario.cluster.model import ObjectKey
from kubeinfer_sim.scenario.context import Context
from kubeinfer_sim.scenario.workloads.kubeinfers import KubeInferLine
from kubeinfer_sim.scenario.workloads.line import WorkloadLine, another_object
from kubeinfer_sim.scenario.workloads.manifests import Loaded, Manifests
from kubeinfer_sim.scenario.workloads.objects import ObjectLines

if TYPE_CHECKING:
    from kubeinfer_sim.scenario.actions.apply_form import ApplyForm
    from kubeinfer_sim.scenario.actions.forms import ActionForm, CreateValue


def _deployment(context: Context, manifests: Manifests, first: Deployment) -> WorkloadLine:
    from kubeinfer_sim.scenario.workloads.deployments import DeploymentLine

    return DeploymentLine(context, manifests, first)


def _plain(context: Context, manifests: Manifests, first: PlainWorkload) -> WorkloadLine:
    from kubeinfer_sim.scenario.workloads.plain import PlainLine

    return PlainLine(context, manifests, first)


#: What follows each kind of workload through time; where an action names none, it means one of the first of these
#: kinds of which there is any.
KINDS: dict[str, Callable[[Context, Manifests, Any], WorkloadLine]] = {
    KubeInfer.kind: KubeInferLine,
    Deployment.kind: _deployment,
    ReplicaSet.kind: _plain,
    StatefulSet.kind: _plain,
    DaemonSet.kind: _plain,
    BarePod.kind: _plain,
}


class TimeLine:
    """All workloads, each by the name under which an action's `object` means it: `KubeInfer/chat`.

    Attributes:
        first: the workloads at time 0.
        objects: the objects that own no pods, at time 0.
        warnings: what deletions would do that they do not do here.
    """

    def __init__(
        self,
        context: Context,
        manifests: Manifests,
        workloads: Iterable[WorkloadSpec],
        budgets: Sequence[str] = (),
    ) -> None:
        self._context = context
        self._manifests = manifests
        self._lines: dict[str, WorkloadLine] = {}
        # Of names that were given again, and names whose objects have been deleted.
        self._past: list[WorkloadLine] = []
        self._deleted: set[str] = set()
        self._created_at: dict[str, int] = {}  # of those that were not there at time 0
        self._objects = ObjectLines(context, manifests, budgets)
        self.warnings: list[Diagnostic] = []
        for spec in workloads:
            if name_of(spec) in self._lines:
                context.error(
                    ("spec", "manifest"),
                    f"there are two {spec.kind}s named {full_name(spec)}",
                )
            else:
                self._lines[name_of(spec)] = KINDS[spec.kind](context, manifests, spec)
        self.objects = self._objects.first
        self.first: tuple[WorkloadSpec, ...] = tuple(each.current for each in self._lines.values())

    @property
    def everything(self) -> list[KubeInfer]:
        """Every version of every workload, others than KubeInfers as KubeInfers of one role."""
        lines = (*self._past, *self._lines.values())
        return [version for line in lines for version in line.versions]

    @property
    def by_object(self) -> dict[tuple[Kind, str], list[KubeInfer]]:
        """The same by kind and name."""
        versions: dict[tuple[Kind, str], list[KubeInfer]] = {}
        for line in (*self._past, *self._lines.values()):
            versions.setdefault((line.kind, line.current.name), []).extend(line.versions)
        return versions

    @property
    def kubeinfers(self) -> list[KubeInfer]:
        """Every version of every KubeInfer."""
        return [
            version
            for line in (*self._past, *self._lines.values())
            if line.kind == KubeInfer.kind
            for version in line.versions
        ]

    def versions_of(self, kind: str, name: str) -> list[KubeInfer]:
        """Every version of every object that ever bears this name, others than KubeInfers as KubeInfers of one role."""
        return [
            version
            for line in (*self._past, *self._lines.values())
            if (line.kind, line.current.name) == (kind, name)
            for version in line.versions
        ]

    @property
    def changing(self) -> frozenset[tuple[Kind, str]]:
        """Workloads of which instances or pods come or go because of what is asked for after the start."""
        found = set()
        for key, (first, *later) in self.by_object.items():
            name = "/".join(key)
            scaled_to_nothing = key[0] == KubeInfer.kind and name in self._deleted
            differs = any(
                (each.revision, each.replicas) != (first.revision, first.replicas) for each in later
            )
            if differs or scaled_to_nothing or name in self._created_at:
                found.add(key)
        return frozenset(found)

    @property
    def created_objects(self) -> frozenset[ObjectKey]:
        """What somebody creates that has not been there before."""
        return frozenset(self._objects.created)

    def _of_kind(self, kind: str) -> dict[str, WorkloadLine]:
        return {name: line for name, line in self._lines.items() if line.kind == kind}

    # -- which one is meant --------------------------------------------------------------------------------

    def target(self, form: ActionForm, path: Path) -> WorkloadLine | None:
        """The workload an action is about; None when it is unclear, which is noted."""
        text = form.object
        if text is None:
            return self._only(form.at, path)
        if text in self._lines:
            return self._lines[text]
        kind, _, _ = text.partition("/")
        if text in self._objects:
            message = f"{text} owns no pods: it can be changed by patchObject, and deleted by deleteObject"
            self._context.error((*path, "object"), message)
            return None
        if form.patch_object is not None and kind not in KINDS:
            self._objects.unknown(text, (*path, "object"), list(self._lines))
            return None
        known = list(self._of_kind(kind)) or list(self._lines)
        there = f"there are: {', '.join(known)}"
        if kind in KINDS and not self._of_kind(kind):
            known, there = [], f"the manifest holds no {kind}"
        self._context.error((*path, "object"), f"no object is {text!r}{did_you_mean(text, known)} ({there})")
        return None

    def _only(self, at: int, path: Path) -> WorkloadLine | None:
        """The only one of the first kind of which there is any then; None, which is noted, where there are several."""
        there = {name for name in self._lines if self._created_at.get(name, 0) <= at} or self._lines.keys()
        kinds = (
            {name: line for name, line in self._of_kind(kind).items() if name in there} for kind in KINDS
        )
        candidates = next(filter(None, kinds), {})
        if len(candidates) == 1:
            return next(iter(candidates.values()))
        self._context.error(path, f"say which object is meant: object: one of {', '.join(candidates)}")
        return None

    # -- what changes --------------------------------------------------------------------------------------

    def change(self, form: ActionForm, path: Path) -> Sequence[Change]:
        """An action that makes, changes or deletes an object; none when it is another one, or wrong, which is noted."""
        if form.create is not None:
            return self._create(form.at, form.create, (*path, "create"))
        if form.delete_object is not None:
            return self._delete(form.at, form.delete_object, (*path, "deleteObject"))
        if form.patch_object is not None and form.object is not None and form.object in self._objects:
            path = (*path, "patchObject")
            patched = list(self._objects.patch(form.at, form.object, form.patch_object, path))
            return [*patched, *self._autoscaled(form.at, [self._objects.named(form.object)], path)]
        changes = (form.apply, form.patch, form.pause, form.resume, form.rollback, form.set_image)
        if not any((*changes, form.patch_object)) and form.scale is None:
            return []
        if form.apply is not None and form.object is None:
            return self.apply(form.at, form.apply, (*path, "apply"))
        line = self.target(form, path)
        if line is None:
            return []
        if (name := name_of(line.current)) in self._deleted:
            return [Refused(form.at, "change", name, not_found(line.kind, line.current.name))]
        return self._changed(line, form, path)

    def _changed(self, line: WorkloadLine, form: ActionForm, path: Path) -> Sequence[Change]:
        if form.patch_object is not None:
            return line.patch(form.at, form.patch_object, (*path, "patchObject"))
        if form.set_image is None:
            return line.change(form, path)
        path = (*path, "setImage")
        if line.kind == BarePod.kind:
            message = "another image in a Pod that exists is not simulated: create another Pod"
            self._context.error(path, message)
            return []
        from kubeinfer_sim.scenario.workloads.images import image_patch

        patch = image_patch(line.current.raw, form.set_image, self._context, path)
        return [] if patch is None else line.patch(form.at, patch, path, "set image", placed=False)

    def _create(self, at: int, value: CreateValue, path: Path) -> Sequence[Change]:
        """What does not own pods first: a budget, a class, a quota are there before them."""
        places = [(*path, index) for index in range(len(value))] if isinstance(value, list) else [path]
        values = value if isinstance(value, list) else [value]
        loaded = [
            manifest
            for each, here in zip(values, places, strict=True)
            if (manifest := self._manifests.created(each, here)) is not None
        ]
        others = [other for manifest in loaded for other in manifest.others]
        objects = [self._objects.create(at, other) for other in others]
        scaled = self._autoscaled(at, others, path)
        return [
            *objects,
            *scaled,
            *(self._made(at, spec) for manifest in loaded for spec in manifest.workloads),
        ]

    def _autoscaled(self, at: int, written: Sequence[OtherObject], path: Path) -> Sequence[Change]:
        """What autoscalers created or changed do to the workloads there; what more objects would do is told."""
        there = [line for name, line in self._lines.items() if name not in self._deleted]
        told = {each.message for each in (*self._manifests.warnings, *self.warnings)}
        for each in written:
            value, current = each.document.value, [line.current for line in there]
            for place, what in differences(value, each.namespace, current):
                message = (
                    what if place == ("kind",) else f"{each.kind} {each.name}: {format_path(place)}: {what}"
                )
                if not told & {what, message}:
                    self._warn(path, message)
        if not any(each.kind in AUTOSCALERS for each in written):
            return []
        changes: list[Change] = []
        for line in there:
            if isinstance(line.current, KubeInfer):
                continue
            replicas = self._manifests.autoscaled(line.current).replicas
            if replicas != line.current.replicas:
                patch = {"spec": {"replicas": replicas}}
                changes += line.patch(at, patch, path, f"autoscaled to {replicas}", placed=False)
        return changes

    def _warn(self, path: Path, message: str) -> None:
        self.warnings.append(
            self._context.document.diagnostic(path, message, code=CODE, severity=Severity.WARNING)
        )

    def _made(self, at: int, spec: WorkloadSpec) -> Change:
        """A workload; whether a Pod of its name is still there is known in the run alone."""
        name = name_of(spec)
        if not isinstance(spec, KubeInfer):
            spec = self._manifests.autoscaled(spec)
        before = self._lines.get(name)
        if before is not None and spec.kind != BarePod.kind and name not in self._deleted:
            return Refused(at, "creation", name, already_exists(spec.kind, spec.name))
        if before is not None:
            self._past.append(before)
        self._deleted.discard(name)
        if before is None:
            self._created_at[name] = at
        self._lines[name] = KINDS[spec.kind](self._context, self._manifests, spec)
        return Create(at, spec)

    def _delete(self, at: int, name: str, path: Path) -> Sequence[Change]:
        if name in self._objects:
            written = self._objects.named(name)
            if written.kind == "Namespace" and written.name in _IMMORTAL:
                message = f'namespaces "{written.name}" is forbidden: this namespace may not be deleted'
                return [Refused(at, "deletion", name, message)]
            deleted = self._objects.delete(at, name)
            if not isinstance(deleted, DeleteObject):
                return [deleted]
            self._warn_of_finalizers(name, written.document.value, path)
            inside = self._inside(written.name) if written.kind == "Namespace" else []
            return [deleted, *(change for each in inside for change in self._delete(at, each, path))]
        line = self._lines.get(name)
        if line is None:
            self._objects.unknown(name, path, list(self._lines))
            return []
        if name in self._deleted:
            return [Refused(at, "deletion", name, not_found(line.kind, line.current.name))]
        if line.kind != BarePod.kind:
            self._deleted.add(name)
            self._warn_of_finalizers(name, line.current.raw, path)
        return [Delete(at, line.kind, line.current.name)]

    def _inside(self, namespace: str) -> list[str]:
        """What there is in a namespace, by name: its controller deletes all of it (namespaced_resources_deleter.go)."""
        there = [name for name in self._lines if name not in self._deleted]
        workloads = [name for name in there if self._lines[name].current.namespace == namespace]
        return [*workloads, *self._objects.inside(namespace)]

    def _warn_of_finalizers(self, name: str, value: Mapping[str, Any], path: Path) -> None:
        metadata = value.get("metadata")
        finalizers = metadata.get("finalizers") if isinstance(metadata, Mapping) else None
        if finalizers and isinstance(finalizers, list):
            message = (
                f"not simulated: {name} has finalizers ({', '.join(map(str, finalizers))}): it would stay, and with it "
                "what it owns, until somebody takes them away; here it goes at once"
            )
            self._warn(path, message)

    def apply(self, at: int, form: ApplyForm, path: Path) -> Sequence[Change]:
        """Another version of what the manifest holds; none when it is wrong, which is noted."""
        if form.new_revision or form.patch is not None:
            line = self._only(at, path)
            return [] if line is None else line.applied(at, form, path)
        names = [line.current.name for line in self._of_kind(KubeInfer.kind).values()]
        loaded = self._manifests.read(form, path, names)
        return [] if loaded is None else self._apply_all(at, loaded, path)

    def _apply_all(self, at: int, loaded: Loaded, path: Path) -> Sequence[Change]:
        """Apply all that a manifest holds to what is there: what owns no pods first, wherever it stands."""
        actions: list[Change] = [change for each in loaded.others for change in self._objects.apply(at, each)]
        for spec in loaded.workloads:
            line = self._lines.get(name_of(spec))
            if line is not None and line.current.namespace == spec.namespace:
                actions += line.take(at, spec, loaded.label)
                continue
            others = list(self._of_kind(spec.kind).values()) if line is None else [line]
            if len(others) == 1 and sum(each.kind == spec.kind for each in loaded.workloads) == 1:
                message = another_object(spec, others[0].current)
            else:
                message = f"{spec.kind} {spec.name} is not in the scenario's manifest; it would be created"
            self._context.error(path, message)
        return [*actions, *self._autoscaled(at, loaded.others, path)]


#: Namespaces that the API server keeps (plugin/pkg/admission/namespace/lifecycle).
_IMMORTAL = ("default", "kube-system", "kube-public")


def name_of(spec: WorkloadSpec) -> str:
    """How a user names it: `KubeInfer/chat`."""
    return f"{spec.kind}/{spec.name}"

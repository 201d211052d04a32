"""The workloads of a scenario as they change with time, and which of them an action means."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from kubeinfer_sim.diagnostics import Path
from kubeinfer_sim.manifest.model import BarePod, Deployment, KubeInfer, ReplicaSet, WorkloadSpec
from kubeinfer_sim.manifest.suggest import did_you_mean
from kubeinfer_sim.scenario.actions.forms import ActionForm, ApplyForm
from kubeinfer_sim.scenario.actions.model import Change
from kubeinfer_sim.scenario.context import Context
from kubeinfer_sim.scenario.workloads.deployments import DeploymentLine
from kubeinfer_sim.scenario.workloads.kubeinfers import KubeInferLine
from kubeinfer_sim.scenario.workloads.line import WorkloadLine, another_object
from kubeinfer_sim.scenario.workloads.manifests import Loaded, Manifests
from kubeinfer_sim.scenario.workloads.plain import PlainLine

#: What follows each kind of workload through time; where an action names none, it means one of the first of these
#: kinds of which there is any.
KINDS: dict[str, Callable[[Context, Manifests, Any], WorkloadLine]] = {
    KubeInfer.kind: KubeInferLine,
    Deployment.kind: DeploymentLine,
    ReplicaSet.kind: PlainLine,
    BarePod.kind: PlainLine,
}


class TimeLine:
    """All workloads, each by the name under which an action's `object` means it: `KubeInfer/chat`."""

    def __init__(self, context: Context, manifests: Manifests, workloads: Iterable[WorkloadSpec]) -> None:
        self._context = context
        self._manifests = manifests
        self._lines: dict[str, WorkloadLine] = {}
        for spec in workloads:
            if name_of(spec) in self._lines:
                context.error(("spec", "manifest"), f"there are two {spec.kind}s named {spec.name}")
            else:
                self._lines[name_of(spec)] = KINDS[spec.kind](context, manifests, spec)
        self.first: tuple[WorkloadSpec, ...] = tuple(each.current for each in self._lines.values())

    @property
    def everything(self) -> list[KubeInfer]:
        """Every version of every workload, others than KubeInfers as KubeInfers of one role."""
        return [version for line in self._lines.values() for version in line.versions]

    @property
    def kubeinfers(self) -> list[KubeInfer]:
        """Every version of every KubeInfer."""
        lines = self._of_kind(KubeInfer.kind).values()
        return [version for line in lines for version in line.versions]

    def _of_kind(self, kind: str) -> dict[str, WorkloadLine]:
        return {name: line for name, line in self._lines.items() if line.kind == kind}

    # -- which one is meant --------------------------------------------------------------------------------

    def target(self, form: ActionForm, path: Path) -> WorkloadLine | None:
        """The workload an action is about; None when it is unclear, which is noted."""
        text = form.object
        if text is None:
            return self._only(path)
        if text in self._lines:
            return self._lines[text]
        kind, _, _ = text.partition("/")
        known = list(self._of_kind(kind)) or list(self._lines)
        there = f"there are: {', '.join(known)}"
        if kind in KINDS and not self._of_kind(kind):
            known, there = [], f"the manifest holds no {kind}"
        self._context.error((*path, "object"), f"no object is {text!r}{did_you_mean(text, known)} ({there})")
        return None

    def _only(self, path: Path) -> WorkloadLine | None:
        """The only one of the first kind of which there is any; None, which is noted, where there are several."""
        candidates = next(filter(None, map(self._of_kind, KINDS)), {})
        if len(candidates) == 1:
            return next(iter(candidates.values()))
        self._context.error(path, f"say which object is meant: object: one of {', '.join(candidates)}")
        return None

    # -- what changes --------------------------------------------------------------------------------------

    def change(self, form: ActionForm, path: Path) -> Sequence[Change]:
        """An action that changes a workload; none when it is another one, or wrong, which is noted."""
        changes = (form.apply, form.patch, form.pause, form.resume, form.rollback)
        if not any(changes) and form.scale is None:
            return []
        if form.apply is not None and form.object is None:
            return self.apply(form.at, form.apply, (*path, "apply"))
        line = self.target(form, path)
        return [] if line is None else line.change(form, path)

    def apply(self, at: int, form: ApplyForm, path: Path) -> Sequence[Change]:
        """Another version of what the manifest holds; none when it is wrong, which is noted."""
        if form.new_revision or form.patch is not None:
            line = self._only(path)
            return [] if line is None else line.applied(at, form, path)
        names = [line.current.name for line in self._of_kind(KubeInfer.kind).values()]
        loaded = self._manifests.read(form, path, names)
        return [] if loaded is None else self._apply_all(at, loaded, path)

    def _apply_all(self, at: int, loaded: Loaded, path: Path) -> Sequence[Change]:
        """Apply all that a manifest holds to what is there."""
        actions: list[Change] = []
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
        return actions


def name_of(spec: WorkloadSpec) -> str:
    """How a user names it: `KubeInfer/chat`."""
    return f"{spec.kind}/{spec.name}"

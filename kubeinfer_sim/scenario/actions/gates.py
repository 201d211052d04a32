"""Gates and finalizers of pods: what actions do about them, checked, and those about which none does anything."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from kubeinfer_sim.diagnostics import Diagnostic, Path, Severity
from kubeinfer_sim.manifest.document import Document
from kubeinfer_sim.manifest.model import BarePod, Hold, KubeInfer, PodTemplate, Role, WorkloadSpec, holds_of
from kubeinfer_sim.manifest.suggest import did_you_mean
from kubeinfer_sim.scenario.actions.model import (
    Action,
    Apply,
    RemoveFinalizers,
    SetGate,
    SetReadinessGate,
    Target,
)
from kubeinfer_sim.scenario.context import Context

if TYPE_CHECKING:
    from kubeinfer_sim.scenario.actions.pod_forms import (
        RemoveFinalizersForm,
        SetGateForm,
        SetReadinessGateForm,
    )


def compile_gates(
    at: int,
    form: SetGateForm | SetReadinessGateForm | RemoveFinalizersForm,
    target: Target,
    roles: Sequence[Role],
    context: Context,
    path: Path,
) -> Action:
    """What is done; a gate or a finalizer that none of the pods meant has is an error, which is noted."""
    # Only when one of them is written: forms take long to build.
    from kubeinfer_sim.scenario.actions.pod_forms import (
        RemoveFinalizersForm,
        SetGateForm,
        SetReadinessGateForm,
    )

    templates = [role.template for role in roles]
    match form:
        case SetGateForm():
            known = [name for each in templates for name in each.scheduling_gates]
            _check("scheduling gate", form.gate, known, templates, context, (*path, "gate"))
            return SetGate(at, target, form.gate)
        case SetReadinessGateForm():
            known = [name for each in templates for name in each.readiness_gates]
            _check("readiness gate", form.gate, known, templates, context, (*path, "gate"))
            return SetReadinessGate(at, target, form.gate, form.status)
        case RemoveFinalizersForm():
            known = [name for each in templates for name in each.finalizers]
            for index, name in enumerate(form.finalizers):
                _check("finalizer", name, known, templates, context, (*path, "finalizers", index))
            return RemoveFinalizers(at, target, tuple(form.finalizers or dict.fromkeys(known)))


def _check(
    what: str, name: str, known: list[str], templates: list[PodTemplate], context: Context, path: Path
) -> None:
    if templates and name not in known:
        names = list(dict.fromkeys(known))
        there = f" (there are: {', '.join(names)})" if names else ""
        context.error(path, f"none of these pods has a {what} {name!r}{did_you_mean(name, names)}{there}")


#: What becomes of pods that nobody helps.
_WITHOUT_HELP = {
    "scheduling gate": "which no action opens (setGate): those that are made stay Pending (SchedulingGated)",
    "readiness gate": "which no action sets (setReadinessGate): those that are made are never Ready",
    "finalizer": "which no action takes away (removeFinalizers): deleted they stay for ever, though their "
    "devices are free once their containers have ended",
}


def warn_of_gates(
    versions: Iterable[KubeInfer],
    actions: Iterable[Action],
    written: Sequence[tuple[WorkloadSpec, Document]],
) -> Iterator[Diagnostic]:
    """Gates that nobody opens or sets, and finalizers that nobody takes away, where they are written."""
    acts = list(actions)
    opened = {each.gate for each in acts if isinstance(each, SetGate)}
    given = {each.gate for each in acts if isinstance(each, SetReadinessGate) and each.status}
    removed = {name for each in acts if isinstance(each, RemoveFinalizers) for name in each.finalizers}
    # A Pod's own may be patched away.
    removed |= {
        name
        for each in acts
        if isinstance(each, Apply) and isinstance(each.workload, BarePod) and isinstance(each.before, BarePod)
        for name in each.before.template.finalizers
        if name not in each.workload.template.finalizers
    }
    helped = {"scheduling gate": opened, "readiness gate": given, "finalizer": removed}
    told: set[str] = set()
    for each in versions:
        for role in each.roles:
            for hold in holds_of(role.template, ()):
                message = f"its pods have the {hold.what} {hold.name}, {_WITHOUT_HELP[hold.what]}"
                key = f"{each.name}/{message}"
                if hold.name in helped[hold.what] or key in told:
                    continue
                told.add(key)
                yield _at_its_place(each, hold, written, message)


def _at_its_place(
    version: KubeInfer, hold: Hold, written: Iterable[tuple[WorkloadSpec, Document]], message: str
) -> Diagnostic:
    """A warning where a hold is written; of what is not in a file of the user's (an action's), by its name."""
    # Only where there is something to warn of: the rules of lint know where templates stand.
    from kubeinfer_sim.manifest.lint.rule import LintContext

    for workload, document in written:
        if workload.name == version.name:
            for each in LintContext(workload).templates:
                for other in holds_of(each.template, each.path):
                    if (other.what, other.name) == (hold.what, hold.name):
                        return document.diagnostic(other.path, message, severity=Severity.WARNING)
    return Diagnostic(version.source or version.name, 0, 0, message, severity=Severity.WARNING)

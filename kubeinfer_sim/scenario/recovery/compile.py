"""From the rules of recovery a user writes (in the scenario, or in a file of kind Recovery) to checked ones."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from kubeinfer_sim.diagnostics import Diagnostic, Path, Severity
from kubeinfer_sim.errors import InputError
from kubeinfer_sim.manifest.file_kinds import only_document
from kubeinfer_sim.manifest.model import KubeInfer
from kubeinfer_sim.manifest.source import SourceText
from kubeinfer_sim.scenario.actions.model import Fault
from kubeinfer_sim.scenario.context import Context
from kubeinfer_sim.scenario.faults.model import FaultPlan
from kubeinfer_sim.scenario.findings import read_form
from kubeinfer_sim.scenario.model import Assumptions
from kubeinfer_sim.scenario.recovery.faults import asks_for_recovery
from kubeinfer_sim.scenario.recovery.rules import RecoveryRule

if TYPE_CHECKING:
    from kubeinfer_sim.scenario.recovery.forms import RecoveryForm, RuleForm


def raised_kinds(faults: Iterable[Fault], plan: FaultPlan | None) -> frozenset[str]:
    """Kinds of faults to which a scenario gives a level that asks for recovery."""
    parts = [part for process in plan.processes for part in process.mix] if plan else []
    levels = [(each.kind, each.level) for each in faults] + [(part.kind, part.level) for part in parts]
    return frozenset(kind for kind, level in levels if level and asks_for_recovery(level))


def compile_recovery(
    form: RecoveryForm | None,
    versions: Sequence[KubeInfer],
    context: Context,
    path: Path,
    raised: frozenset[str] = frozenset(),
) -> tuple[RecoveryRule, ...]:
    """The rules; none when they are wrong, which is noted. `raised`: see `raised_kinds`."""
    if form is None:
        return ()
    if form.path is not None:
        file = form.path
        where = (*path, "path") if isinstance(context.document.value["spec"]["recovery"], dict) else path
        source = context.read(file, where)
        return (source and context.attempt(where, lambda: read_recovery(source, versions, raised))) or ()
    return _rules(form.rules or (), versions, context, (*path, "rules"), raised)


def read_recovery(
    source: SourceText, versions: Sequence[KubeInfer], raised: frozenset[str] = frozenset()
) -> tuple[RecoveryRule, ...]:
    """The rules of a file of kind Recovery, for these versions of a KubeInfer.

    Raises:
        InputError: everything that is wrong with the document; the file holds none, or several.
    """
    document = only_document(source, "Recovery")
    from kubeinfer_sim.scenario.file_forms import RecoveryFile

    context = Context(document)
    form = read_form(RecoveryFile, context.document)
    rules = _rules(form.spec.rules, versions, context, ("spec", "rules"), raised)
    if context.errors:
        raise InputError(context.errors)
    return rules


def _rules(
    forms: Sequence[RuleForm],
    versions: Sequence[KubeInfer],
    context: Context,
    path: Path,
    raised: frozenset[str],
) -> tuple[RecoveryRule, ...]:
    from kubeinfer_sim.scenario.recovery.checks import check_rules

    rules = tuple(form.rule() for form in forms)
    check_rules(rules, versions, context, path, raised)
    return rules


def warn_of_recovery(
    versions: Sequence[KubeInfer], assumptions: Assumptions, *, rules: bool
) -> Iterator[Diagnostic]:
    """What is legal about the roles' recovery policies but will surprise."""
    seen: set[tuple[str, str]] = set()
    for version in versions:
        for role in version.roles:
            restart = role.recovery_policy.restart
            key = (role.name, restart)
            if key in seen:
                continue
            seen.add(key)
            message = ""
            if restart == "Custom" and not rules:
                message = (
                    f"role {role.name}: Custom recovery without rules is taken to leave failed containers to the "
                    "kubelet; the vendor publishes nothing on its meaning (spec.recovery of a scenario says more)"
                )
            elif restart == "Pod" and role.replicas > 1 and assumptions.peer_loss_timeout is None:
                message = (
                    f"role {role.name}: Pod recovery of a role of {role.replicas} pods; if they are one collective "
                    "group, the survivors hang without a peer: assumptions.peerLossTimeout makes them exit"
                )
            if message:
                yield Diagnostic(version.source or version.name, 0, 0, message, severity=Severity.WARNING)

"""What is checked of faults, and told of them: what strikes nothing, what nobody sees, what is assumed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from kubeinfer_sim.diagnostics import Diagnostic, Path, Severity
from kubeinfer_sim.manifest.accelerators import ASCEND, Family, common_family, family_of, main_accelerator
from kubeinfer_sim.manifest.model import RESET_LABEL, KubeInfer, WorkloadSpec
from kubeinfer_sim.scenario.actions.model import Fault
from kubeinfer_sim.scenario.cluster.model import NodeSpec
from kubeinfer_sim.scenario.context import Context
from kubeinfer_sim.scenario.faults.kinds import KINDS
from kubeinfer_sim.scenario.faults.levels import are_reported
from kubeinfer_sim.scenario.faults.model import FaultPlan

if TYPE_CHECKING:
    from kubeinfer_sim.scenario.faults.forms import FaultsForm


def npus_of(node: NodeSpec) -> int:
    """How many NPUs of a node can fail."""
    return main_accelerator(node.allocatable)[1]


def family_of_pods(versions: Sequence[KubeInfer]) -> Family:
    """The accelerators of these pods."""
    return common_family(role.template.requests for version in versions for role in version.roles)


def check_level(level: str, nodes: Sequence[NodeSpec], context: Context, path: Path) -> None:
    """Only Ascend's device plugin reports faults at levels."""
    if any(are_reported(node.allocatable) for node in nodes):
        return
    for node in nodes:
        family = family_of(main_accelerator(node.allocatable)[0])
        if family is not None:
            context.error(
                path,
                f"{level} is a level of Ascend's device plugin; {node.name} has {family.noun}s"
                f"{f' ({family.name})' if family.name else ''}, whose faults show by their symptom alone",
            )
            return


def check_storage(kinds: Sequence[str], context: Context, path: Path, *, storage: bool) -> None:
    """A fault of a storage that nobody shares strikes nothing."""
    for kind in kinds:
        if "storage" in KINDS[kind].needs and not storage:
            context.error(
                path, f"{kind} strikes nothing: no storage is shared", hint="add transfers: {storage: …}"
            )


def warn_of_unseen_faults(
    versions: Sequence[KubeInfer], faults: Sequence[Fault], plan: FaultPlan | None
) -> Iterator[Diagnostic]:
    """Faults of NPUs strike, and no pod is such that somebody looks at its NPUs."""
    struck = [each.kind for each in faults]
    struck += [part.kind for process in (plan.processes if plan else ()) for part in process.mix]
    templates = [role.template for version in versions for role in version.roles]
    watched = any(
        template.labels.get(RESET_LABEL) == "true" and are_reported(template.requests)
        for template in templates
    )
    if not templates or watched or not any(KINDS[kind].strikes == "npu" for kind in struck):
        return
    family = family_of_pods(versions)
    if family is ASCEND or any(are_reported(template.requests) for template in templates):
        why = f'no template has the label {RESET_LABEL}: "true"'
    else:
        why = "no device plugin but Ascend's acts upon faults"
    message = family.say(
        f"{why}, so nobody looks at the NPUs: their faults show only in engines that end or hang; a container that "
        "is started again has the same broken NPU until somebody repairs it, a pod made anew may go elsewhere"
    )
    first = versions[0]
    yield Diagnostic(first.source or first.name, 0, 0, message, severity=Severity.WARNING)


def warn_of_spared_pods(
    plan: FaultPlan | None, versions: Sequence[WorkloadSpec], context: Context
) -> Iterator[Diagnostic]:
    """A process per pod strikes by the places that pods of KubeInfers have; there are other pods, too."""
    others = list(
        dict.fromkeys(f"{each.kind} {each.name}" for each in versions if each.kind != KubeInfer.kind)
    )
    for index, process in enumerate(plan.processes if plan is not None and others else ()):
        if process.per == "pod":
            more = f" and {len(others) - 1:,} more" if len(others) > 1 else ""
            spared = f"not those of {others[0]}{more}"
            message = f"per: pod strikes pods of KubeInfers, {spared}: per: node strikes all on a node"
            path = ("spec", "faults", "processes", index)
            yield context.document.diagnostic(path, message, severity=Severity.WARNING)


def assumed_lines(form: FaultsForm | None, faults: Sequence[Fault], plan: FaultPlan | None) -> Iterator[str]:
    """What is assumed of the faults that may strike, where the scenario does not say it."""
    settings = (plan or FaultPlan()).npus
    said = set() if form is None else form.npus.model_fields_set
    struck = [(each.kind, each.symptom, each.factor, each.repair) for each in faults]
    struck += [
        (part.kind, part.symptom, part.factor, process.repair)
        for process in (plan.processes if plan else ())
        for part in process.mix
    ]
    npus = [each for each in struck if KINDS[each[0]].strikes == "npu"]
    if "repair" not in said and any(
        repair is None and KINDS[kind].lasts is None for kind, _, _, repair in npus
    ):
        yield f"faults.npus.repair: {settings.repair.describe()} (assumed)"
    slow = any(
        (symptom or KINDS[kind].symptom) == "slow" and factor is None for kind, symptom, factor, _ in npus
    )
    if "slow_factor" not in said and slow:
        yield f"faults.npus.slowFactor: {settings.slow_factor:g} (assumed)"
    for kind in dict.fromkeys(kind for kind, _, factor, _ in struck if factor is None):
        if (default := KINDS[kind].factor) is not None:
            yield f"faults {kind}.factor: {default:g} (assumed)"

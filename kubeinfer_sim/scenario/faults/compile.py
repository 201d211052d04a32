"""From the faults a user writes to those that are simulated; what strikes nothing is an error."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from kubeinfer_sim.diagnostics import Path
from kubeinfer_sim.manifest.accelerators import common_family
from kubeinfer_sim.manifest.model import KubeInfer
from kubeinfer_sim.scenario.actions.model import Fault, Target
from kubeinfer_sim.scenario.cluster.model import NodeSpec
from kubeinfer_sim.scenario.context import Context
from kubeinfer_sim.scenario.faults.checks import check_level, check_storage, family_of_pods, npus_of
from kubeinfer_sim.scenario.faults.kinds import KINDS
from kubeinfer_sim.scenario.faults.model import FaultPlan, FaultProcess, NpuHandling
from kubeinfer_sim.scenario.timings.compile import compile_distribution

if TYPE_CHECKING:
    from kubeinfer_sim.scenario.faults.forms import FaultForm, FaultsForm, NpusForm

_GROUPS = {"npu": 1, "card": 2, "ring": 8}


def strikes_pods(form: FaultForm) -> bool:
    """Whether it matters whose pods a fault is about: those of the KubeInfer or of a Deployment."""
    by_pod = bool(form.instances or form.roles or form.pods)
    return KINDS[form.kind].strikes == "pod" or by_pod or form.random == "busyNpu"


def compile_fault(
    at: int, form: FaultForm, target: Target, nodes: Mapping[str, NodeSpec], context: Context, path: Path
) -> Fault:
    """A fault on the time line whose target has been checked; NPUs that do not exist are noted."""
    kind = KINDS[form.kind]
    npus = tuple(form.npus) if form.npu is None else (form.npu,)
    meant = [
        node
        for name, node in nodes.items()
        if (not target.nodes or name in target.nodes) and target.node_selector.items() <= node.labels.items()
    ]
    if kind.strikes == "npu" and nodes and meant and not (form.instances or form.roles or form.pods):
        most = max(meant, key=npus_of)
        family = common_family([most.allocatable])
        here = (*path, "npu") if form.npu is not None else (*path, "npus") if form.npus else path
        if not npus_of(most):
            context.error(here, f"node {most.name} has no {family.noun}s")
        elif max(npus, default=0) >= npus_of(most):
            context.error(
                here,
                f"there is no {family.noun} {max(npus)} on {most.name}: it has {npus_of(most)}, numbered from 0",
            )
    if form.level is not None:
        check_level(form.level, meant, context, (*path, "level"))
    repair = None if form.repair is None else compile_distribution(form.repair, context, (*path, "repair"))
    return Fault(
        at,
        form.kind,
        target,
        npus,
        form.level or "",
        form.symptom,
        form.clears_after,
        repair,
        form.failed_resets,
        form.random or "",
        form.factor,
    )


def compile_faults(
    form: FaultsForm | None,
    nodes: Mapping[str, NodeSpec],
    versions: Sequence[KubeInfer],
    context: Context,
    *,
    horizon: int | None,
    storage: bool,
    pods: bool,
) -> tuple[FaultPlan | None, list[str]]:
    """Fault processes and settings, with a line on each for reports."""
    if form is None:
        return None, []
    from kubeinfer_sim.scenario.faults.compile_process import check_number, compile_process, source_of

    path: Path = ("spec", "faults")
    processes: list[FaultProcess] = []
    lines: list[str] = []
    short = isinstance(context.document.value["spec"].get("faults"), str)
    for index, each in enumerate(form.processes):
        here: Path = path if short else (*path, "processes", index)
        made = compile_process(each, nodes, context, here, pods=pods)
        if made is not None:
            if any(made.name == other.name for other in processes):
                context.error(here, f"two processes are named {made.name!r}: give this one another name")
            check_storage([part.kind for part in made.mix], context, here, storage=storage)
            check_number(made, nodes, versions, horizon, context, here)
            processes.append(made)
            lines.append(f"faults {made.name}: every {made.every.describe()} per {made.per}{source_of(each)}")
    if processes and horizon is None:
        context.error(
            path, "faults never end, so neither does the run: say when to stop", hint="horizon: 30d", key=True
        )
    if not any(npus_of(node) for node in nodes.values()) and nodes and versions:
        many = f"{family_of_pods(versions).noun}s"
        for process in processes:
            if any(KINDS[part.kind].strikes == "npu" for part in process.mix):
                context.error(
                    path, f"faults of {many} ({process.name}) strike nothing: no node has {many}", key=True
                )
    return FaultPlan(tuple(processes), compile_npus(form.npus, context, (*path, "npus"))), lines


def compile_npus(form: NpusForm, context: Context, path: Path) -> NpuHandling:
    """How NPUs are looked after."""
    values: dict[str, object] = {}
    for name in form.model_fields_set:
        value = getattr(form, name)
        if name == "reset_group":
            values["group"] = _GROUPS[value]
        elif name in ("pipeline", "attempt", "repair"):
            values[name] = compile_distribution(value, context, (*path, name))
        else:
            values[name] = value
    return NpuHandling(**values)  # type: ignore[arg-type]

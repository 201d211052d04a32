"""From the faults a user writes to those that are simulated; what strikes nothing is an error."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from random import Random

from kubeinfer_sim.diagnostics import Diagnostic, Path, Severity
from kubeinfer_sim.manifest.accelerators import ASCEND, Family, common_family, family_of, main_accelerator
from kubeinfer_sim.manifest.model import RESET_LABEL, KubeInfer
from kubeinfer_sim.manifest.suggest import did_you_mean
from kubeinfer_sim.scenario.actions.model import Fault, Target
from kubeinfer_sim.scenario.cluster.model import NodeSpec
from kubeinfer_sim.scenario.context import Context
from kubeinfer_sim.scenario.faults.forms import FaultForm, FaultsForm, NpusForm, ProcessForm
from kubeinfer_sim.scenario.faults.kinds import KINDS
from kubeinfer_sim.scenario.faults.levels import are_reported
from kubeinfer_sim.scenario.faults.model import FaultPlan, FaultProcess, MixPart, NpuHandling, Per
from kubeinfer_sim.scenario.faults.profiles import LLAMA3_MIX, PROFILES
from kubeinfer_sim.scenario.timings.compile import compile_distribution
from kubeinfer_sim.scenario.timings.distributions import Exponential

_GROUPS = {"npu": 1, "card": 2, "ring": 8}
#: Faults of one process by the horizon, more or less; a minute's work.
MOST_FAULTS = 1_000_000
#: Lengths drawn to tell how often a process strikes.
_DRAWS = 1_000


def _npus_of(node: NodeSpec) -> int:
    """How many NPUs of a node can fail."""
    return main_accelerator(node.allocatable)[1]


def _family_of_pods(versions: Sequence[KubeInfer]) -> Family:
    return common_family(role.template.requests for version in versions for role in version.roles)


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
        most = max(meant, key=_npus_of)
        family = common_family([most.allocatable])
        here = (*path, "npu") if form.npu is not None else (*path, "npus") if form.npus else path
        if not _npus_of(most):
            context.error(here, f"node {most.name} has no {family.noun}s")
        elif max(npus, default=0) >= _npus_of(most):
            context.error(
                here,
                f"there is no {family.noun} {max(npus)} on {most.name}: it has {_npus_of(most)}, numbered from 0",
            )
    if form.level is not None:
        _check_level(form.level, meant, context, (*path, "level"))
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


def _check_level(level: str, nodes: Sequence[NodeSpec], context: Context, path: Path) -> None:
    """Only Ascend's device plugin reports faults at levels."""
    for node in nodes:
        if are_reported(node.allocatable):
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
    path: Path = ("spec", "faults")
    processes: list[FaultProcess] = []
    lines: list[str] = []
    short = isinstance(context.document.value["spec"].get("faults"), str)
    for index, each in enumerate(form.processes):
        here: Path = path if short else (*path, "processes", index)
        made = _process(each, nodes, context, here, pods=pods)
        if made is not None:
            if any(made.name == other.name for other in processes):
                context.error(here, f"two processes are named {made.name!r}: give this one another name")
            _check_storage([part.kind for part in made.mix], context, here, storage=storage)
            _check_number(made, nodes, versions, horizon, context, here)
            processes.append(made)
            lines.append(f"faults {made.name}: every {made.every.describe()} per {made.per}{_source(each)}")
    if processes and horizon is None:
        context.error(
            path, "faults never end, so neither does the run: say when to stop", hint="horizon: 30d", key=True
        )
    if not any(_npus_of(node) for node in nodes.values()) and nodes and versions:
        many = f"{_family_of_pods(versions).noun}s"
        for process in processes:
            if any(KINDS[part.kind].strikes == "npu" for part in process.mix):
                context.error(
                    path, f"faults of {many} ({process.name}) strike nothing: no node has {many}", key=True
                )
    return FaultPlan(tuple(processes), compile_npus(form.npus, context, (*path, "npus"))), lines


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
    family = _family_of_pods(versions)
    if family is ASCEND or any(are_reported(template.requests) for template in templates):
        why = f'no template has the label {RESET_LABEL}: "true"'
    else:
        why = "no device plugin but Ascend's acts upon faults"
    message = family.say(
        f"{why}, so nobody looks at the NPUs: their faults show only in engines that end or hang, and these are "
        "started again on the same broken NPU until somebody repairs it"
    )
    first = versions[0]
    yield Diagnostic(first.source or first.name, 0, 0, message, severity=Severity.WARNING)


def check_storage_fault(fault: Fault, context: Context, path: Path, *, storage: bool) -> None:
    """A fault of a storage that nobody shares strikes nothing."""
    _check_storage([fault.kind], context, path, storage=storage)


def _check_storage(kinds: Sequence[str], context: Context, path: Path, *, storage: bool) -> None:
    for kind in kinds:
        if "storage" in KINDS[kind].needs and not storage:
            context.error(
                path, f"{kind} strikes nothing: no storage is shared", hint="add transfers: {storage: …}"
            )


def _check_number(
    process: FaultProcess,
    nodes: Mapping[str, NodeSpec],
    versions: Sequence[KubeInfer],
    horizon: int | None,
    context: Context,
    path: Path,
) -> None:
    """Faults in every millisecond would be simulated for ever."""
    objects = {
        "npu": sum(map(_npus_of, nodes.values())),
        "pod": max(
            (each.replicas * sum(role.replicas for role in each.roles) for each in versions), default=0
        ),
        "node": len(nodes),
        "domain": len({node.labels.get(process.domain) for node in nodes.values()} - {None}),
        "cluster": 1,
    }[process.per]
    source = Random(0)
    drawn = [process.every.sample(source) for _ in range(_DRAWS)]
    # Each of them begins a wait of its own; what never comes counts for nothing.
    mean = sum(max(1, each) for each in drawn if each is not None) / _DRAWS
    if horizon is None or None in drawn or not objects:
        return
    number = objects * horizon / mean
    if number > MOST_FAULTS:
        noun = common_family(node.allocatable for node in nodes.values()).noun
        of = {"npu": f" ({objects:,} {noun}s)", "cluster": ""}.get(
            process.per, f" ({objects:,} {process.per}s)"
        )
        context.error(
            path,
            f"comes to about {float(f'{number:.2g}'):,.0f} faults by the horizon{of}, more than the {MOST_FAULTS:,} "
            "that are simulated: make them rarer, or the horizon earlier",
        )


def _source(form: ProcessForm) -> str:
    return "" if form.profile is None else f" ({PROFILES[form.profile].source})"


def _process(
    form: ProcessForm, nodes: Mapping[str, NodeSpec], context: Context, path: Path, *, pods: bool
) -> FaultProcess | None:
    if form.profile is not None:
        profile = PROFILES.get(form.profile)
        if profile is None:
            context.error(
                path if len(path) == 2 else (*path, "profile"),
                f"there is no fault profile {form.profile!r}{did_you_mean(form.profile, PROFILES)} "
                f"(profiles: {', '.join(PROFILES)})",
            )
            return None
        mix = LLAMA3_MIX
        mean = profile.mean if form.rate is None else form.rate
        return FaultProcess(form.name or form.profile, "node", Exponential(mean), mix)
    parts = form.mix or []
    mix = tuple(
        MixPart(part.weight, part.kind, part.level or "", part.symptom, part.factor) for part in parts
    )
    if form.kind is not None:
        mix = (MixPart(1.0, form.kind, factor=form.factor),)
    strikes = {KINDS[part.kind].strikes for part in mix}
    if form.per is None and len(strikes) > 1:
        context.error(
            path, f"the mix strikes {' and '.join(sorted(strikes))}: say per what, for example per: node"
        )
        return None
    per: Per = form.per or strikes.pop()
    if per == "pod" and not pods:
        context.error(
            path, "a process strikes the KubeInfer's pods, and there is no KubeInfer: say per: node"
        )
        return None
    for place, part in enumerate(parts):
        if part.level is not None and KINDS[part.kind].strikes != "npu":
            context.error((*path, "mix", place, "level"), f"levels are of NPUs; {part.kind} has none")
        elif part.level is not None:
            _check_level(part.level, list(nodes.values()), context, (*path, "mix", place, "level"))
    if form.domain is not None and nodes and not any(form.domain in node.labels for node in nodes.values()):
        context.error((*path, "domain"), f"no node has a label {form.domain!r}")
    wrong = [part.kind for part in mix if not _can(per, KINDS[part.kind].strikes)]
    if wrong:
        struck = KINDS[wrong[0]].strikes
        context.error(path, f"per: {per} does not fit {wrong[0]}, which strikes a {struck}")
        return None
    if form.every is not None:
        every = compile_distribution(form.every, context, (*path, "every"))
    else:
        assert form.rate is not None
        every = Exponential(form.rate)
    return FaultProcess(
        form.name or (form.kind or "mix"),
        per,
        every,
        mix,
        form.domain or "",
        None
        if form.clears_after is None
        else compile_distribution(form.clears_after, context, (*path, "clearsAfter")),
        None if form.repair is None else compile_distribution(form.repair, context, (*path, "repair")),
    )


def _can(per: str, strikes: str) -> bool:
    """Whether objects of one sort can have the fault: nodes have NPUs and pods, domains have nodes."""
    return {
        "npu": strikes == "npu",
        "pod": strikes in ("pod", "npu"),
        "node": strikes != "cluster",
        "domain": strikes != "cluster",
        "cluster": True,
    }[per]


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

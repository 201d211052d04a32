"""From the fault processes a user writes to those that are simulated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from typing import TYPE_CHECKING

from kubeinfer_sim.diagnostics import Path
from kubeinfer_sim.manifest.accelerators import common_family
from kubeinfer_sim.manifest.model import KubeInfer
from kubeinfer_sim.manifest.suggest import did_you_mean
from kubeinfer_sim.scenario.cluster.model import NodeSpec
from kubeinfer_sim.scenario.context import Context
from kubeinfer_sim.scenario.faults.checks import check_level, npus_of
from kubeinfer_sim.scenario.faults.kinds import KINDS
from kubeinfer_sim.scenario.faults.model import FaultProcess, MixPart, Per
from kubeinfer_sim.scenario.faults.profiles import LLAMA3_MIX, PROFILES
from kubeinfer_sim.scenario.timings.compile import compile_distribution
from kubeinfer_sim.scenario.timings.distributions import Exponential

if TYPE_CHECKING:
    from kubeinfer_sim.scenario.faults.forms import ProcessForm

#: Faults of one process by the horizon, more or less; a minute's work.
MOST_FAULTS = 1_000_000
#: Lengths drawn to tell how often a process strikes.
_DRAWS = 1_000


def compile_process(
    form: ProcessForm, nodes: Mapping[str, NodeSpec], context: Context, path: Path, *, pods: bool
) -> FaultProcess | None:
    """The process; None when it makes no sense, which is noted. Without `pods` there is no KubeInfer."""
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
            check_level(part.level, list(nodes.values()), context, (*path, "mix", place, "level"))
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


def check_number(
    process: FaultProcess,
    nodes: Mapping[str, NodeSpec],
    versions: Sequence[KubeInfer],
    horizon: int | None,
    context: Context,
    path: Path,
) -> None:
    """Faults in every millisecond would be simulated for ever."""
    objects = {
        "npu": sum(map(npus_of, nodes.values())),
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


def source_of(form: ProcessForm) -> str:
    """Who has published its rate, in parentheses after a space."""
    return "" if form.profile is None else f" ({PROFILES[form.profile].source})"

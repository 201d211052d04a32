"""Rules about updates: what the budgets of the rolling update come to, the room they need, and whom pods wait for."""

from __future__ import annotations

from collections.abc import Iterator

from kubeinfer_sim.diagnostics import Severity
from kubeinfer_sim.manifest.kubernetes.fenceposts import resolve_fenceposts
from kubeinfer_sim.manifest.lint.packing import instances_that_fit, need_of, scattered
from kubeinfer_sim.manifest.lint.rule import KUBEINFERS, Finding, LintContext, duration, plural, rule
from kubeinfer_sim.manifest.model import holds_of

_BUDGETS = ("spec", "strategy", "rollingUpdate")
_SURGE = (*_BUDGETS, "maxSurge")
_UNAVAILABLE = (*_BUDGETS, "maxUnavailable")
_UPDATE = "KubeInfer semantics, InstanceRollingUpdate; the vendor's YAML guide (maxSurge, maxUnavailable)"


def _budgets(context: LintContext) -> tuple[int, int]:
    """How many instances maxSurge and maxUnavailable are."""
    written, replicas = context.kubeinfer.rolling_update, context.kubeinfer.replicas
    posts = resolve_fenceposts(written.max_surge, written.max_unavailable, replicas)
    return posts.surge, posts.max_unavailable


@rule(
    "KI001",
    "spare-instance-needed",
    Severity.NOTE,
    summary="an update must place a whole spare instance first",
    reason="""With maxUnavailable at zero no old instance goes before a new one is Ready. The new one needs
    room for all of its pods at once, beside everything that runs. On a full cluster nothing happens at all:
    the update stalls for ever, and the old instances serve on.""",
    right="""Keep that many nodes free, or allow maxUnavailable: 1 (with maxSurge: 0 it is "down first, then
    up" and needs no spare room).""",
    source=f"{_UPDATE}, rules 5 and 7",
    kinds=KUBEINFERS,
)
def spare_instance_needed(context: LintContext) -> Iterator[Finding]:
    """Fires where maxUnavailable comes to zero; a warning where the cluster has no such room."""
    surge, unavailable = _budgets(context)
    replicas = context.kubeinfer.replicas
    if unavailable or not replicas:
        return
    new = min(surge, replicas)
    need = need_of(context, new)
    pods = new * sum(each.replicas for each in context.templates)
    size = f"{plural(new, 'spare instance')}: {plural(pods, 'pod')}"
    if need.npus:
        size += f", {need.npus} {need.resource}"
        size += f" = {plural(need.nodes, 'node')} of {need.per_node}"
        if scattered(context, need.per_node):
            size += " if packed, which Volcano does by binpack on accelerators alone"
    message = f"every update needs free room for {size}"
    fix = "keep that room free, or let one instance go first: maxUnavailable: 1"
    fits = instances_that_fit(context, replicas + 1)
    if fits is not None and fits <= replicas:
        held = (
            f"{fits} of its {replicas} instances"
            if fits < replicas
            else f"its {plural(replicas, 'instance')}"
        )
        message += f"; the cluster holds {held} and nothing beside, so that the update would stall"
        yield Finding(_SURGE, message, fix, Severity.WARNING)
    else:
        yield Finding(_SURGE, message, fix)


@rule(
    "KI002",
    "budget-rounds-to-zero",
    Severity.WARNING,
    summary="maxUnavailable is a percentage that rounds down to zero instances",
    reason="""maxSurge rounds up and maxUnavailable rounds down. With few instances a percentage of them is no
    instance at all: 20 % of 1 to 4 is 0. What looks like "a fifth may be unavailable" means "none may", and
    every update waits for a spare instance.""",
    right="Write maxUnavailable as the number that is meant: 0 or 1.",
    source=f"{_UPDATE}, rule 1; GetScaledValueFromIntOrPercent, k8s.io/apimachinery pkg/util/intstr",
    kinds=KUBEINFERS,
)
def budget_rounds_to_zero(context: LintContext) -> Iterator[Finding]:
    """Fires where a percentage above zero comes to zero while maxSurge does not."""
    written, replicas = context.kubeinfer.rolling_update.max_unavailable, context.kubeinfer.replicas
    surge, unavailable = _budgets(context)
    if replicas and surge and not unavailable and written.value:
        yield Finding(
            _UNAVAILABLE,
            f"{written} of {plural(replicas, 'instance')} rounds down to 0: no instance may go before a new one "
            "is Ready",
            "write 0 if that is meant, 1 to let one instance go",
        )


@rule(
    "KI003",
    "surge-beyond-replicas",
    Severity.WARNING,
    summary="maxSurge is more than there are instances",
    reason="""An update makes as many new instances as there are replicas, never more, whatever maxSurge
    allows. What goes beyond is without effect and hides what was meant; with maxSurge equal to replicas all
    instances are doubled at once.""",
    right="maxSurge at most spec.replicas, as a rule 1.",
    source=f"{_UPDATE}, rule 3",
    kinds=KUBEINFERS,
)
def surge_beyond_replicas(context: LintContext) -> Iterator[Finding]:
    """Fires where maxSurge comes to more than spec.replicas."""
    surge, _ = _budgets(context)
    replicas = context.kubeinfer.replicas
    if replicas and surge > replicas:
        yield Finding(
            _SURGE,
            f"{surge}, of which {surge - replicas} can never be used: an update makes "
            f"{plural(replicas, 'new instance')}",
            f"write maxSurge: {replicas} to double everything at once, 1 to go one by one",
        )


@rule(
    "KI004",
    "update-takes-all-down",
    Severity.WARNING,
    summary="an update may take every instance out at the same time",
    reason="""maxUnavailable counts instances. When it reaches spec.replicas nothing has to be Ready during an
    update, and the service is down from the first deletion to the end of the first new start: grace period
    plus loading. With a single instance this is the price of not needing a second one, and only noted.""",
    right="maxUnavailable below spec.replicas, or maxSurge: 1 with maxUnavailable: 0 where there is room.",
    source=f"{_UPDATE}, rule 5",
    kinds=KUBEINFERS,
)
def update_takes_all_down(context: LintContext) -> Iterator[Finding]:
    """Fires where ready instances may fall to zero."""
    _, unavailable = _budgets(context)
    replicas = context.kubeinfer.replicas
    if not replicas or unavailable < replicas:
        return
    loads = [load.cold for each in context.templates if (load := context.load(each.template)) is not None]
    outage = f" for about {duration(max(loads))} of loading" if loads else ""
    what = "the only instance" if replicas == 1 else f"all {replicas} instances"
    yield Finding(
        _UNAVAILABLE,
        f"an update may take {what} out at once: nothing serves{outage}",
        "maxSurge: 1 with maxUnavailable: 0 keeps it serving but needs a spare instance"
        if replicas == 1
        else f"write maxUnavailable: {replicas - 1} or less",
        Severity.NOTE if replicas == 1 else None,
    )


_FATES = {
    "scheduling gate": (
        "its pods stay Pending (SchedulingGated) until somebody opens the scheduling gate {}",
        "simulate when that is by the action setGate",
    ),
    "readiness gate": (
        "its pods are not Ready until somebody sets the condition of the readiness gate {} to True",
        "simulate when that is by the action setReadinessGate",
    ),
    "finalizer": (
        "its deleted pods stay until somebody takes the finalizer {} away",
        "simulate when that is by the action removeFinalizers",
    ),
}


@rule(
    "KI028",
    "waits-for-somebody-else",
    Severity.NOTE,
    summary="pods wait for somebody else: a scheduling gate, a readiness gate or a finalizer",
    reason="""A pod with a scheduling gate is not looked at by the scheduler, one with a readiness gate is not Ready
    though its containers are, and one with a finalizer is not gone though it is deleted, until a controller or a
    person does what is awaited. Where nobody does, an update waits for ever.""",
    right="A controller in the cluster that opens, sets or removes it; in a scenario an action that does.",
    source="Kubernetes documentation, Pod Scheduling Readiness, Pod readiness, Finalizers",
)
def waits_for_somebody_else(context: LintContext) -> Iterator[Finding]:
    """Fires for each gate and finalizer of a template that has pods."""
    for each in context.templates:
        for hold in holds_of(each.template, each.path):
            message, fix = _FATES[hold.what]
            yield Finding(hold.path, message.format(hold.name), fix)

"""A rule about gates and finalizers: pods that wait for somebody else."""

from __future__ import annotations

from collections.abc import Iterator

from kubeinfer_sim.diagnostics import Severity
from kubeinfer_sim.manifest.held_pods import holds_of
from kubeinfer_sim.manifest.lint.rule import Finding, LintContext, rule

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

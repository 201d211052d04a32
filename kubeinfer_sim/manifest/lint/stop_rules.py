"""Rules about stopping: grace periods against hooks, drains and the scheduler."""

from __future__ import annotations

import re
from collections.abc import Iterator

from kubeinfer_sim.diagnostics import Severity
from kubeinfer_sim.manifest.lint.rule import Finding, LintContext, duration, rule
from kubeinfer_sim.manifest.model import VOLCANO, Hook

_SLEEP = r"\bsleep\s+([0-9]{1,6})(?:\.[0-9]+)?(s|m|h)?(?![\w.])"
_UNITS = {None: 1, "": 1, "s": 1, "m": 60, "h": 3600}
#: The kubelet gives a container this long after SIGTERM even when its hook has used up the grace period.
_LEAST_GRACE = 2


def _hook_seconds(hook: Hook, drain: int) -> tuple[int, str]:
    """How long a preStop hook takes, and how that is known."""
    if hook.sleep_seconds is not None:
        return hook.sleep_seconds, f"preStop sleeps {duration(hook.sleep_seconds)}"
    slept = sum(int(number) * _UNITS[unit] for number, unit in re.findall(_SLEEP, " ".join(hook.command)))
    if slept:
        return slept, f"preStop sleeps {duration(slept)}"
    return drain, f"preStop drains for about {duration(drain)}"


@rule(
    "KI010",
    "grace-shorter-than-drain",
    Severity.WARNING,
    summary="the grace period ends before the preStop hook and the process have finished",
    reason="""terminationGracePeriodSeconds covers everything: the preStop hook first, then SIGTERM and the
    exit of the process. When it runs out in the hook, the hook is cut off and the process gets 2 s before
    SIGKILL: requests in flight are lost at every update, drain and recovery.""",
    right="A grace period above the hook plus the time the engine takes to exit (the vendor's guide: 120 s).",
    source="the kubelet's killContainer (pkg/kubelet/kuberuntime/kuberuntime_container.go), minimumGracePeriod",
)
def grace_shorter_than_drain(context: LintContext) -> Iterator[Finding]:
    """Fires where the hook and the exit take longer than the grace period."""
    for each in context.templates:
        grace = each.template.termination_grace_period_seconds
        path = (*each.pod_path, "terminationGracePeriodSeconds")
        for at in each.containers(sidecars=True):
            hook = at.container.pre_stop
            if hook is None:
                continue
            takes, how = _hook_seconds(hook, context.expectations.drain)
            needed = takes + context.expectations.exit
            left = grace - takes
            if left >= context.expectations.exit:
                continue
            after = f"{max(left, _LEAST_GRACE)} s are left to exit"
            if left > _LEAST_GRACE:
                after += f", which takes about {duration(context.expectations.exit)}"
            yield Finding(
                path,
                f"the grace period is {duration(grace)} and {how}: {after}",
                f"write terminationGracePeriodSeconds: {needed} or more",
            )


@rule(
    "KI011",
    "grace-beyond-scheduler",
    Severity.WARNING,
    summary="the scheduler deletes the pod by force before its grace period ends",
    reason="""Volcano with Ascend's plug-in does not wait for a terminating pod for ever: after grace-over-time
    (900 s by default) it deletes the pod object by force. The kubelet may still be draining, the process
    still holds its NPUs, and the next pod is placed on cards that are not free.""",
    right="A grace period below grace-over-time, or a larger grace-over-time in the scheduler's configuration.",
    source="MindCluster documentation, Volcano's rescheduling, grace-over-time",
)
def grace_beyond_scheduler(context: LintContext) -> Iterator[Finding]:
    """Fires where the grace period is longer than grace-over-time, of pods that Volcano places."""
    limit = context.expectations.grace_over_time
    for each in context.templates:
        grace = each.template.termination_grace_period_seconds
        by_force = context.unit == "instance" or each.template.scheduler_name == VOLCANO
        if grace > limit and by_force:
            yield Finding(
                (*each.pod_path, "terminationGracePeriodSeconds"),
                f"{duration(grace)} is longer than the scheduler's grace-over-time of {duration(limit)}: "
                f"a draining pod is deleted by force up to {duration(grace - limit)} too early",
                f"write at most {limit}, or raise grace-over-time",
            )

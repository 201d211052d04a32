"""What a probe's numbers come to in seconds: windows, detection times, the earliest Ready.

The kubelet's prober (pkg/kubelet/prober/worker.go) counts ticks from the pod's set-up, one ticker per probe, so
the first check of a container comes up to one period after its start. Checks of one probe never overlap: one
that takes longer than the period is followed at once by the next. Threshold crossings count the start of the
first check of a run to the end of the last one. All times in seconds; a check that answers takes no time.
"""

from __future__ import annotations

from typing import NamedTuple

from kubeinfer_sim.manifest.model import Probe


class Span(NamedTuple):
    """The least and the most something takes, in seconds."""

    low: int
    high: int

    def __str__(self) -> str:
        return f"{self.low}-{self.high} s" if self.low != self.high else f"{self.low} s"


def spacing(probe: Probe, *, hangs: bool = False) -> int:
    """From the start of one check to the start of the next one."""
    return max(probe.period_seconds, probe.timeout_seconds) if hangs else probe.period_seconds


def verdict(probe: Probe, *, hangs: bool = False) -> int:
    """From the start of the first failing check to the failure verdict.

    With `hangs` each check fails only by its timeout, so that a timeout longer than the period sets the pace:
    6 x 10 s and not 6 x 5 s.
    """
    last = probe.timeout_seconds if hangs else 0
    return (probe.failure_threshold - 1) * spacing(probe, hangs=hangs) + last


def detection(probe: Probe, *, hangs: bool = False) -> Span:
    """From the moment the application breaks to the failure verdict: up to a period until the first check."""
    least = verdict(probe, hangs=hangs)
    return Span(least, least + probe.period_seconds)


def window(probe: Probe) -> Span:
    """How long a container may fail a startup or liveness probe from its start on before it is killed.

    Checks answer at once. The high end is `initialDelaySeconds + failureThreshold x periodSeconds`, the number
    usually given; what phase the ticks have decides.
    """
    return Span(
        probe.initial_delay_seconds + verdict(probe),
        probe.initial_delay_seconds + probe.failure_threshold * probe.period_seconds,
    )


def successes(readiness: Probe, *, doubled: bool = False) -> int:
    """From the first successful readiness check to Ready: the further successes it takes, a period apart.

    `doubled`: the container counts as started from the beginning (no startup probe) and answers at once. Storing
    its initial failure makes the kubelet check a second time right away, and both count.
    """
    return max(readiness.success_threshold - (2 if doubled else 1), 0) * readiness.period_seconds


def earliest_ready(startup: Probe | None, readiness: Probe | None, load: int) -> Span:
    """From container start to Ready for an application that answers well after `load` seconds.

    The probe that is waited for sees that at its next tick, up to one period later. Success of the startup probe
    makes the kubelet check readiness at once.
    """
    if startup is not None:
        first = max(load, startup.initial_delay_seconds)
        seen = Span(first, first + startup.period_seconds)
    else:
        late = readiness.period_seconds if readiness is not None and load else 0
        seen = Span(load, load + late)
    if readiness is None:
        return seen
    more = successes(readiness, doubled=startup is None and not load and not readiness.initial_delay_seconds)
    low, high = (max(each, readiness.initial_delay_seconds) + more for each in seen)
    return Span(low, high)

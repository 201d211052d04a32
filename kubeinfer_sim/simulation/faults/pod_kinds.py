"""The kinds of faults that strike pods: what each does."""

from __future__ import annotations

from kubeinfer_sim.cluster.prober import PROBE_KINDS, Outcome, Segment
from kubeinfer_sim.simulation.faults.pods import POD_EFFECTS, PodFaults, PodStrike

HANGS = Segment(0, Outcome.HANG)
FAILS = Segment(0, Outcome.FAIL)
EVERY_OTHER_FAILS = Segment(0, Outcome.SUCCESS, 0, 0.5)


#: Kinds that are over as soon as they have struck: where no process runs there is nothing to strike.
AT_ONCE = ("ProcessCrash", "OutOfMemory")


@POD_EFFECTS("ProcessCrash")
def process_crash(pods: PodFaults, strike: PodStrike) -> None:
    """The engine exits."""
    pods.exit(strike, "Error", 1)


@POD_EFFECTS("OutOfMemory")
def out_of_memory(pods: PodFaults, strike: PodStrike) -> None:
    """The kernel kills the engine at its container's memory limit."""
    pods.exit(strike, "OOMKilled", 137)


@POD_EFFECTS("ProcessHang")
def process_hang(pods: PodFaults, strike: PodStrike) -> None:
    """The engine answers neither checks nor peers, until its process is restarted.

    With symptom `none` it is dead behind a check that passes: it serves nothing, and nobody sees it.
    """
    if strike.symptom == "none":
        pods.slow(strike, 0.0)
    else:
        pods.answer(strike, HANGS, PROBE_KINDS, until_restart=True)
    pods.fall_silent(strike)


@POD_EFFECTS("HcclTimeout")
def hccl_timeout(pods: PodFaults, strike: PodStrike) -> None:
    """The engines of the group compute nothing, though they answer their checks, until HCCL gives up (EI0002)."""
    for each in pods.group(strike):
        pods.slow(each, 0.0, at_end=lambda stalled: pods.exit(stalled, "Error", 1))


@POD_EFFECTS("HealthCheckFails")
def health_check_fails(pods: PodFaults, strike: PodStrike) -> None:
    """The engine answers that it is not well."""
    pods.answer(strike, FAILS, ("liveness", "readiness"))


@POD_EFFECTS("SlowStart")
def slow_start(pods: PodFaults, strike: PodStrike) -> None:
    """The engine is not there yet."""
    pods.answer(strike, FAILS, ("startup", "readiness"))


@POD_EFFECTS("ReadinessFlap")
def readiness_flap(pods: PodFaults, strike: PodStrike) -> None:
    """The engine is overloaded: some checks get no answer in time."""
    pods.answer(strike, EVERY_OTHER_FAILS, ("readiness",))

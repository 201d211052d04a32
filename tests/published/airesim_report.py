"""What AIReSim publishes of its default job (docs/SIMULATION_REPORT.md, 30 replications), and ours of the same.

Hours for times, numbers per run for the rest. `"any"`: the report of 2 April 2026; `"failed"`: the one of 20 September
2026, see `airesim.py` for the rule between them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Literal

from published.airesim import HOUR, Parameters, TrainingJob
from published.comparing import Published

Escalation = Literal["any", "failed"]

MEASURES: dict[str, Callable[[TrainingJob], float]] = {
    "total time, h": lambda job: job.total / HOUR,
    "effective training ratio": lambda job: job.ratio,
    "failures": lambda job: job.failures,
    "random failures": lambda job: job.random_failures,
    "systematic failures": lambda job: job.systematic_failures,
    "time between failures, min": lambda job: job.computing / job.failures / 60_000,
    "manual repairs": lambda job: job.manual_repairs,
    "repairs that failed": lambda job: job.failed_repairs,
    "host selections": lambda job: job.host_selections,
    "servers preempted": lambda job: job.preemptions,
}

REPORTS: dict[Escalation, dict[str, Published]] = {
    "any": {
        "total time, h": Published(9865.97, 33.60),
        "effective training ratio": Published(0.6228, 0.0021),
        "failures": Published(11_145.6, 100.3),
        "random failures": Published(10_457.0, 96.1),
        "systematic failures": Published(688.6, 15.4),
        "time between failures, min": Published(33.07, 0.30),
        "manual repairs": Published(8_922.9, 91.4),
        "repairs that failed": Published(2_676.2, 54.9),
        "host selections": Published(42.9, 3.4),
        "servers preempted": Published(13.9, 4.5),
    },
    "failed": {
        "total time, h": Published(9832.32, 32.02),
        "effective training ratio": Published(0.6249, 0.0020),
        "failures": Published(11_062.0, 96.1),
        "random failures": Published(10_455.2, 93.5),
        "systematic failures": Published(606.8, 14.1),
        "time between failures, min": Published(33.32, 0.29),
        "manual repairs": Published(3_538.6, 46.5),
        "repairs that failed": Published(1_586.4, 40.4),
        "host selections": Published(19.8, 2.5),
        "servers preempted": Published(0.0, 0.0),
    },
}


@cache
def _job(escalation: Escalation, seed: int) -> TrainingJob:
    return TrainingJob(Parameters(escalation=escalation), seed).run()


def replications(escalation: Escalation, count: int) -> Sequence[TrainingJob]:
    """Runs with the seeds 0, 1, 2, ..."""
    return [_job(escalation, seed) for seed in range(count)]

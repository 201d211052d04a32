"""Fault processes and how NPUs are looked after, as they are simulated. Times in milliseconds."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct, field

from kubeinfer_sim.scenario.faults.kinds import Symptom
from kubeinfer_sim.scenario.timings.distribution import Distribution
from kubeinfer_sim.scenario.timings.distributions import Constant, Triangular, Uniform
from kubeinfer_sim.scenario.units import Millis

#: What a process strikes again and again: each NPU, node or pod for itself, all nodes of a domain at once, everything.
Per = Literal["npu", "node", "pod", "domain", "cluster"]


class NpuHandling(Struct, frozen=True):
    """How the device plugin works; defaults are those of section 4 of the semantics page.

    Newer MindCluster releases: `idle_before` 60 s, `attempt_timeout` 180 s, `attempts_window` 6 h, and `hot_reset`
    False unless the device plugin is started with -hotReset.

    Attributes:
        group: NPUs that reset together (1, 2, 8); 0: 2 on nodes of 16 (dies of an A3 card), else 8 (an A2 ring).
        pipeline: report -> the recovery policy knows; with the report period 3 to 16 s in all.
        patience: of level RestartRequest, from the beginning of the fault.
        attempts: to reset, per fault, or per `attempts_window` when that is given.
        slow_factor: the speed of a pod with an NPU that is slower than it should be (symptom slow); assumed, for no
            measurement on NPUs is published.
        repair: of an NPU that is out; days, for it is replaced (timings page).
        repeats: faults of one NPU within `repeat_window` that take it out for `repeat_isolation`; 0: never.
        crews: repairs that go on at once; None: no limit.
    """

    report_period: Millis = 5_000
    pipeline: Distribution = field(default_factory=lambda: Uniform(3_000, 11_000))
    patience: Millis = 60_000
    group: int = 0
    hot_reset: bool = True
    idle_before: Millis = 0
    attempt: Distribution = field(default_factory=lambda: Triangular(20_000, 45_000, 60_000))
    attempt_timeout: Millis = 60_000
    attempts: int = 3
    attempts_window: Millis | None = None
    repeats: int = 3
    repeat_window: Millis = 86_400_000
    repeat_isolation: Millis = 172_800_000
    repair: Distribution = field(default_factory=lambda: Constant(172_800_000))
    slow_factor: float = 0.5
    crews: int | None = None
    spares: int = 0
    swap: Millis = 7_200_000


class MixPart(Struct, frozen=True):
    """One kind in a mix: how often (weights need not add up to 1), and as what; `factor` as in `Fault`."""

    weight: float
    kind: str
    level: str = ""
    symptom: Symptom | None = None
    factor: float | None = None


class FaultProcess(Struct, frozen=True):
    """Faults that come again and again, from a stream for each object they strike.

    Attributes:
        every: time from one fault of an object to its next, whatever happens to it meanwhile.
        domain: for `per: domain`, the node label whose values are the domains.
        clears_after: how long each lasts; None: as its kind.
        repair: of what has to be repaired; None: as `NpuHandling.repair`.
    """

    name: str
    per: Per
    every: Distribution
    mix: tuple[MixPart, ...]
    domain: str = ""
    clears_after: Distribution | None = None
    repair: Distribution | None = None


class FaultPlan(Struct, frozen=True):
    """Everything that is said about faults beside the time line."""

    processes: tuple[FaultProcess, ...] = ()
    npus: NpuHandling = NpuHandling()

"""Services on hardware that breaks and is repaired, simulated whole, beside the closed forms of reliability theory.

Here it is instances that are counted, not devices: faults go through detection, recovery and the scheduler before they
show. What these take is minutes; the times to fail and to repair are days, so the closed forms hold nearly.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

from building import kubeinfer, nodes, scenario
from published.rates import WATCHED

from kubeinfer_sim.cluster.fault_records import FaultInjected
from kubeinfer_sim.metrics import measure
from kubeinfer_sim.metrics.steps import segments
from kubeinfer_sim.scenario.faults.model import FaultPlan, FaultProcess, MixPart, NpuHandling
from kubeinfer_sim.scenario.faults.profiles import PROFILES
from kubeinfer_sim.scenario.timings.distributions import Exponential
from kubeinfer_sim.simulation.simulate import simulate

SECOND = 1000
DAY = 86_400 * SECOND
YEAR = 365 * DAY
MTBF, MTTR = 20, 4  # days
#: Everything is whole at the start; a month later that is forgotten.
WARM_UP = 30 * DAY
SEEDS = 16


@dataclass(frozen=True)
class Service:
    """Instances of one pod and one NPU, on nodes of one NPU.

    Attributes:
        breaks: `NodeDeath`: the machine; nobody removes its pods, so they wait for it. `CardDrop`: its NPU; the pod
            goes to another node.
        idle: nodes more than instances.
        spares: machines on the shelf, put in the place of a broken one at once.
        crews: repairs at a time; None: all.
    """

    name: str
    instances: int = 4
    breaks: str = "NodeDeath"
    idle: int = 0
    spares: int = 0
    crews: int | None = None

    def probability(self, least: int) -> float:
        """Closed form: that at least so many instances are ready.

        Birth and death of broken units: those in use (idle nodes included, spares not) break, crews repair.
        """
        idle = self.idle if self.breaks == "CardDrop" else 0
        in_use, units = self.instances + idle, self.instances + idle + self.spares
        weights = [1.0]
        for broken in range(units):
            working = in_use - max(0, broken - self.spares)
            repairs = min(broken + 1, self.crews or units)
            weights.append(weights[-1] * working / MTBF / (repairs / MTTR))
        most = units - least
        return math.fsum(weights[: most + 1]) / math.fsum(weights)


SERVICES = (
    Service("one instance on one node", instances=1),
    Service("4 instances on 4 nodes"),
    Service("the same, one repair at a time", crews=1),
    Service("the same, 1 machine on the shelf", spares=1),
    Service("the same, 1 on the shelf, one repair at a time", spares=1, crews=1),
    Service("4 on 5 nodes, machines die and nobody removes the pods", idle=1),
    Service("4 on 6 nodes, NPUs break", breaks="CardDrop", idle=2),
    Service("the same, one repair at a time", breaks="CardDrop", idle=2, crews=1),
)


@cache
def shares(service: Service, seeds: int, years: int = 2) -> tuple[tuple[float, ...], ...]:
    """For each seed the part of time with at least 1, 2, ... instances ready."""
    per = "node" if service.breaks == "NodeDeath" else "npu"
    process = FaultProcess(
        "breaks",
        per,  # type: ignore[arg-type]
        Exponential(MTBF * DAY),
        (MixPart(1, service.breaks),),
        repair=Exponential(MTTR * DAY),
    )
    handling = NpuHandling(crews=service.crews, spares=service.spares, swap=SECOND, repeats=0)
    count = service.instances + service.idle
    found = []
    for seed in range(seeds):
        made = scenario(
            kubeinfer(service.instances, npus=1, labels=WATCHED),
            count,
            nodes=nodes(count, 1),
            faults=FaultPlan((process,), handling),
            horizon=years * YEAR,
            seed=seed,
        )
        run = simulate(made)
        ready = measure(run.history, ended_at=run.ended_at, end=run.end).ready
        spent = [0] * (service.instances + 1)
        for at, to, (number,) in segments((ready,), WARM_UP, run.ended_at):
            for least in range(1, number + 1):
                spent[least] += to - at
        found.append(tuple(time / (run.ended_at - WARM_UP) for time in spent[1:]))
    return tuple(found)


@dataclass(frozen=True)
class Series:
    """Instances of which any of their nodes stops all; restarted whole in `recovery` seconds."""

    nodes: int
    recovery: int = 16 * 60
    instances: int = 10

    @property
    def mtbf(self) -> float:
        """Of an instance, in seconds: failures of things in series add up."""
        return PROFILES["meta-rsc1"].mean / SECOND / self.nodes

    @property
    def unavailability(self) -> float:
        """Not ready is who was struck within the last `recovery`: faults during a start begin it anew."""
        return 1 - math.exp(-self.recovery / self.mtbf)

    @cache  # noqa: B019 - few, and alive as long as the tests
    def played(self, seeds: int, years: int = 2) -> tuple[tuple[float, int], ...]:
        """For each seed the part of instance-time lost, and the number of faults."""
        every = Exponential(PROFILES["meta-rsc1"].mean)
        process = FaultProcess("hardware", "pod", every, (MixPart(1, "ProcessCrash"),))
        spec = kubeinfer(self.instances, roles={"serve": self.nodes})
        found = []
        for seed in range(seeds):
            made = scenario(
                spec,
                self.instances * self.nodes,
                self.recovery,
                faults=FaultPlan((process,)),
                horizon=years * YEAR,
                seed=seed,
            )
            run = simulate(made)
            whole = measure(run.history, ended_at=run.ended_at, end=run.end).whole
            faults = sum(1 for _ in run.history.of(FaultInjected))
            found.append((whole.lost / (self.instances * (whole.until - whole.since)), faults))
        return tuple(found)

    def faults(self, years: int = 2) -> float:
        """Closed form: faults of one run."""
        return self.instances * years * YEAR / SECOND / self.mtbf

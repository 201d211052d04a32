"""One run with a forced fault: what it adds to the estimates of rare events.

All that is lost is lost in disturbances: from a fault that meets an undisturbed system until all is ready, mended and
quiet again. What the disturbances of a run come to on average is, since the faults come at constant rates,

    E[sum over disturbances] = horizon · sum of rates · E[what one more fault at a random time begins]

(Mecke's formula for Poisson processes; Last and Penrose, Lectures on the Poisson Process, 4.1), nothing from a fault
that meets a disturbed system. So a run is played as it is until a time drawn from the horizon; then a fault strikes,
of a process and an object that are drawn, and as long as it has not been mended further ones are made likely
(`likelihood.py`), until everything that is watched has been missed. When the disturbance is over the run ends. Every
run is unbiased, however long the horizon.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from math import log1p

from kubeinfer_sim.cluster.fault_records import FaultCleared
from kubeinfer_sim.engine.clock import Phase, Timer
from kubeinfer_sim.engine.history import History, Record
from kubeinfer_sim.engine.meter import OnePass
from kubeinfer_sim.engine.streams import Stream
from kubeinfer_sim.errors import UsageError
from kubeinfer_sim.experiment.rare.likelihood import Likelihood, shares
from kubeinfer_sim.experiment.rare.targets import Target, targets_of
from kubeinfer_sim.experiment.rare.watched import (
    Watched,
    WatchedInstances,
    WatchedPods,
    is_below,
    listens_to,
)
from kubeinfer_sim.experiment.replication import Replication, Variant
from kubeinfer_sim.metrics import Outcome
from kubeinfer_sim.metrics.workloads import ByWorkload, Workload
from kubeinfer_sim.scenario.faults.model import FaultProcess
from kubeinfer_sim.scenario.timings.distributions import Exponential
from kubeinfer_sim.scenario.units import Millis, format_duration
from kubeinfer_sim.simulation.assembly import Simulation, assemble
from kubeinfer_sim.simulation.faults.processes import RunningProcess
from kubeinfer_sim.simulation.simulate import play as play_simulation

#: A disturbance is over when all is ready and mended so long after the last fault, or twice, three times … as long:
#: what a fault does later (a collective operation times out after half an hour) still belongs to it.
QUIET: Millis = 3_600_000
#: Faults that are added to one disturbance at most.
MOST_ADDED = 64
#: For each fault that is not mended yet more are added at this rate, per time that it takes to mend one. Where that
#: time is exponential the weights vary least with a half.
PULL = 0.5
#: Pilot runs for each process, which tell how long its faults take to be mended.
PILOT = 16


class _Over(Exception):
    """The disturbance is over: the rest of the run would add nothing."""


def play_rare(variant: Variant, seed: int) -> Replication:
    """Simulate once with a forced fault.

    Raises:
        UsageError: the method does not apply.
    """
    assert variant.rare is not None
    forced = _played(variant, seed, variant.rare)
    return Replication(
        seed=seed,
        outcome=Outcome.COMPLETES,
        flaws=(),
        duration=None,
        values=forced.values(),
        judged=(),
        lost={},
        struck={},
    )


def times_to_mend(variant: Variant) -> dict[str, Millis]:
    """How long it takes on average until all is well again after a fault of each process alone.

    Of pilot runs with seeds of their own, so that it follows from the scenario: how often faults are added must not
    depend on the runs that are counted.

    Raises:
        UsageError: the method does not apply.
    """
    targets_of(variant.scenario)
    plan = variant.scenario.faults
    assert plan is not None
    found: dict[str, Millis] = {}
    for place, process in enumerate(plan.processes):
        lengths = [_played(variant, seed, {}, pilot=place).mended for seed in range(PILOT)]
        found[process.name] = max(1000, round(sum(lengths) / PILOT))
    return found


def _played(
    variant: Variant, seed: int, mended_in: Mapping[str, Millis], pilot: int | None = None
) -> ForcedRun:
    targets = targets_of(variant.scenario)
    simulation = assemble(variant.scenario, seed, variant.recovery, History(keep=False), pods=False)
    forced = ForcedRun(simulation, targets, mended_in, pilot)
    with suppress(_Over):
        if play_simulation(simulation, ways=False).end == "loop":
            raise UsageError(
                "--rare: a run comes to a loop in which time stands still: play it without --rare"
            )
    return forced


class ForcedRun:
    """Forces the fault, watches what comes of it, and weighs it.

    Args:
        simulation: ready to be played.
        targets: what is watched.
        mended_in: for each process how long its faults take to be mended.
        pilot: the process whose fault is forced at once, and none is added; None: a run that counts.

    Attributes:
        mended: how long after the forced fault all was well again, ms; the horizon where it never was.
    """

    def __init__(
        self,
        simulation: Simulation,
        targets: Sequence[Target],
        mended_in: Mapping[str, Millis],
        pilot: int | None = None,
    ) -> None:
        assert simulation.faults is not None
        assert simulation.scenario.horizon is not None
        self._faults = simulation.faults
        self._horizon = simulation.scenario.horizon
        self._clock, self._streams = simulation.env.clock, simulation.env.streams
        self._targets, self._mended_in, self._pilot = targets, mended_in, pilot
        self._watched = _watched(targets)
        self._records = frozenset[type]((FaultCleared,)).union(*map(listens_to, self._watched.values()))
        self._pass = OnePass([ByWorkload({key: each.observers for key, each in self._watched.items()})])
        self._below = [False] * len(targets)
        self._looking = self._disturbed = self._well = False
        self._last_fault = 0
        self._looks: list[Timer] = []
        # From the forced fault on.
        self.mended = self._horizon
        self._processes: Sequence[RunningProcess] = ()
        self._shares: Sequence[float] = ()
        self._likelihood: Likelihood | None = None
        self._factor = 0.0
        self._length = 0
        self._open: list[Millis] = []
        self._next: Timer | None = None
        self._added = 0
        self._accounted = 0
        self._missed_before = [False] * len(targets)
        self._time = [0.0] * len(targets)
        self._times = [0.0] * len(targets)
        self._at_all = [0.0] * len(targets)
        self._faults.told = self._faulted
        simulation.env.history.subscribe(self._observe)
        at = 0 if pilot is not None else int(self._streams.named("rare/when").random() * self._horizon)
        self._clock.at(at, self._force, phase=Phase.OBSERVER)

    def values(self) -> dict[str, float | None]:
        """What the run adds, by target: its part of the time missed, how often, and whether at all; and its weight."""
        self._account(self._clock.now)
        found: dict[str, float | None] = {}
        for place in range(len(self._targets)):
            found[f"rare/{place}/unavailability"] = self._factor * self._time[place]
            found[f"rare/{place}/outages"] = self._factor * self._horizon * self._times[place]
            found[f"rare/{place}/anyOutage"] = self._factor * self._horizon * self._at_all[place]
        ratio = None if self._likelihood is None else self._likelihood.at(self._clock.now)
        return {**found, "rare/likelihoodRatio": ratio, "rare/faultsAdded": float(self._added)}

    # -- the forced fault, and those that are added ---------------------------------------------------------

    def _force(self) -> None:
        if self._disturbed:
            raise _Over
        if not self._all_well():
            raise UsageError(_not_by_faults(self._clock.now))
        self._processes = [each for each in self._faults.processes if each.objects]
        if self._pilot is not None:
            only = self._faults.processes[self._pilot]
            self._processes = [each for each in self._processes if each is only]
        if not self._processes:
            raise _Over
        rates = [len(each.objects) / _mean(each.process) for each in self._processes]
        self._shares = shares(rates)
        now = self._clock.now
        self._likelihood = Likelihood(rates, now)
        self._accounted = now
        forced = self._strike_any(self._streams.named("rare/forced"))
        self._factor = rates[forced] / self._shares[forced]
        # That the fault came was forced, not made likely.
        self._likelihood = Likelihood(rates, now)
        self._bias()

    def _strike_any(self, source: Stream) -> int:
        """A fault of some process strikes some object of it; which process."""
        drawn, place = source.random() - self._shares[0], 0
        while drawn >= 0 and place < len(self._processes) - 1:
            place += 1
            drawn -= self._shares[place]
        chosen = self._processes[place]
        chosen.strike(int(source.random() * len(chosen.objects)), source)
        return place

    def _faulted(self, process: FaultProcess) -> None:
        """A fault comes, whoever has it come."""
        now = self._clock.now
        since = self._last_fault if self._disturbed else None
        self._disturbed, self._last_fault = True, now
        for timer in self._looks:
            timer.cancel()
        self._looks = [self._clock.at(now + QUIET, self._is_it_over, phase=Phase.OBSERVER)]
        if self._likelihood is None:
            return
        self._account(now)
        place = next((i for i, each in enumerate(self._processes) if each.process is process), None)
        if place is None:
            return  # a pilot, and another process
        self._likelihood.fault(place, now)
        length = self._mended_in.get(process.name, 0)
        self._length = length if since is None else max(self._length, length)
        self._open.append(now)
        if length < QUIET:
            self._looks.append(self._clock.at(now + length, self._look, phase=Phase.OBSERVER))
        self._bias()

    def _bias(self) -> None:
        """Faults are added as long as something is to be mended, or a fault may not have shown yet."""
        assert self._likelihood is not None
        now = self._clock.now
        hopeless = not self._length or self._added >= MOST_ADDED or all(self._below)
        over = self._well and now >= self._last_fault + self._length
        rate = 0.0 if hopeless or over else PULL * self._recent(now) / self._length
        if rate == self._likelihood.added and self._next is not None and self._next.pending:
            return
        self._account(now)
        self._likelihood.add(rate, now)
        if self._next is not None:
            self._next.cancel()
        if rate:
            source = self._streams.named(f"rare/next/{now}/{self._added}")
            # Also beyond the horizon: drawn again at each change until it lies within, they would come too often.
            self._next = self._clock.after(max(1, round(-log1p(-source.random()) / rate)), self._add)

    def _recent(self, now: Millis) -> int:
        """How many of the faults of the disturbance are as young as those that are not mended yet; at least one."""
        self._open = [at for at in self._open if now - at < self._length]
        return max(1, len(self._open))

    def _add(self) -> None:
        self._added += 1
        self._strike_any(self._streams.named(f"rare/added/{self._added}"))

    # -- what comes of them -----------------------------------------------------------------------------------

    def _observe(self, record: Record) -> None:
        self._pass.observe(record)
        if type(record) in self._records and not self._looking:
            self._looking = True
            self._clock.at(self._clock.now, self._look, phase=Phase.OBSERVER)

    def _look(self) -> None:
        """At the end of an instant: who is below, and whether the disturbance is over."""
        now, self._looking = self._clock.now, False
        self._account(now)
        for place, target in enumerate(self._targets):
            below = is_below(self._watched[Workload(target.kind, target.name)], target.level)
            if below and not self._below[place]:
                self._missed(place)
            self._below[place] = below
        self._well = self._all_well()
        if self._well and self._likelihood is not None and now > self._last_fault:
            self.mended = min(self.mended, now - self._last_fault)
        if self._likelihood is not None:
            self._bias()

    def _is_it_over(self) -> None:
        self._look()
        if not self._well:
            self._looks = [self._clock.after(QUIET, self._is_it_over, phase=Phase.OBSERVER)]
            return
        self._disturbed = False
        if self._likelihood is not None:
            raise _Over

    def _missed(self, place: int) -> None:
        if not self._disturbed:
            raise UsageError(_not_by_faults(self._clock.now))
        if self._likelihood is not None:
            weight = self._likelihood.at(self._clock.now)
            self._times[place] += weight
            if not self._missed_before[place]:
                self._at_all[place] = weight
        self._missed_before[place] = True

    def _account(self, until: Millis) -> None:
        """Weigh the time since it was weighed last."""
        if self._likelihood is None or until <= self._accounted:
            return
        if any(self._below):
            weighed = self._likelihood.integral(self._accounted, until)
            for place, below in enumerate(self._below):
                self._time[place] += below * weighed
        self._accounted = until

    def _all_well(self) -> bool:
        ready = all(each.ready >= each.desired for each in self._watched.values())
        return ready and self._faults.all_mended


def _mean(process: FaultProcess) -> float:
    assert isinstance(process.every, Exponential)  # `targets_of` has made sure
    return float(process.every.mean)


def _watched(targets: Sequence[Target]) -> dict[Workload, Watched]:
    keys = dict.fromkeys(Workload(each.kind, each.name) for each in targets)
    return {key: WatchedInstances() if key.kind == "KubeInfer" else WatchedPods() for key in keys}


def _not_by_faults(at: Millis) -> str:
    return (
        f"--rare: at {format_duration(at)} not all is ready though no fault has struck: that is not rare; look at a "
        "run without --rare"
    )

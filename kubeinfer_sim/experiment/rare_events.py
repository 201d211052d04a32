"""Events too rare to be seen in runs as they are: forced runs, and what they come to."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from fractions import Fraction
from functools import cached_property
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from kubeinfer_sim.controllers.kubeinfer.policies import RecoveryPlugin
from kubeinfer_sim.errors import UsageError
from kubeinfer_sim.experiment.dispatch import HERE, Job, Workers, remembered
from kubeinfer_sim.experiment.judging import Decision
from kubeinfer_sim.experiment.rare.forced_run import times_to_mend
from kubeinfer_sim.experiment.rare.targets import Target, targets_of
from kubeinfer_sim.experiment.replication import Failure, Replication, Variant
from kubeinfer_sim.experiment.statistics.estimate import Estimate
from kubeinfer_sim.experiment.statistics.means import effective, weighted
from kubeinfer_sim.experiment.store import opened
from kubeinfer_sim.experiment.worker import Played
from kubeinfer_sim.scenario.model import Scenario

#: Told after every run: how many of how many, and what there is so far.
Progress = Callable[[int, int, Sequence[Played]], None]


class RareEvent(Struct, frozen=True):
    """That fewer are ready than an objective asks for.

    Attributes:
        unavailability: for which part of the time, on average over the horizon.
        outages: how often within the horizon, on average.
        any_outage: with what probability at all within the horizon.
        missed: in how many of the forced runs, and how many equal weights these are worth.
    """

    target: Target
    unavailability: Estimate
    outages: Estimate
    any_outage: Estimate
    missed: int
    effective: float

    @property
    def decision(self) -> Decision:
        """Whether the objective is held: by the bounds, with the scenario's confidence."""
        if self.target.at_least is not None:
            return _decided(self.unavailability, 1 - self.target.at_least)
        if self.target.probability is not None:
            return _decided(self.any_outage, 1 - self.target.probability)
        return Decision.OPEN


class RareEvents(Struct, frozen=True, dict=True):
    """Forced runs of one scenario, and what they say.

    Attributes:
        mended_in: for each fault process how long its faults take to be mended, ms: by that faults were added.
        runs: those that came to an end, in order of their seeds.
        failures: those that did not.
        interrupted: there were to be more.
    """

    scenario: Scenario
    mended_in: Mapping[str, int]
    runs: tuple[Replication, ...]
    failures: tuple[Failure, ...] = ()
    asked: int = 0
    interrupted: bool = False

    @property
    def confidence(self) -> float:
        """Of the intervals."""
        return float(self.scenario.confidence)

    @cached_property
    def events(self) -> tuple[RareEvent, ...]:
        """One for each objective; none where no run came to an end."""
        if not self.runs:
            return ()
        return tuple(self._event(place, target) for place, target in enumerate(targets_of(self.scenario)))

    def _event(self, place: int, target: Target) -> RareEvent:
        found = {
            name: [run.values[f"rare/{place}/{name}"] or 0.0 for run in self.runs]
            for name in ("unavailability", "outages", "anyOutage")
        }
        lost = found["unavailability"]
        unavailability, outages, any_outage = (weighted(values, self.confidence) for values in found.values())
        return RareEvent(
            target,
            unavailability,
            outages,
            any_outage,
            missed=sum(value > 0 for value in lost),
            effective=effective(lost),
        )

    @property
    def undisturbed(self) -> int:
        """How many forced faults met a system in which no other one had left anything to be mended."""
        return sum(run.values["rare/likelihoodRatio"] is not None for run in self.runs)

    @property
    def decision(self) -> Decision:
        """The verdict on all objectives."""
        decisions = [each.decision for each in self.events]
        order = (Decision.MISSED, Decision.OPEN, Decision.UNDECIDED)
        if not decisions:
            return Decision.OPEN
        made = next((each for each in order if each in decisions), Decision.HELD)
        return Decision.UNDECIDED if self.failures and made is Decision.HELD else made


def _decided(number: Estimate, allowed: Fraction) -> Decision:
    if number.high is not None and number.high <= allowed:
        return Decision.HELD
    return Decision.MISSED if number.low is not None and number.low > allowed else Decision.UNDECIDED


def rare_events(
    scenario: Scenario,
    n: int,
    *,
    seed: int | None = None,
    recovery: RecoveryPlugin | None = None,
    workers: Workers = HERE,
    store: str | Path | None = None,
    progress: Progress | None = None,
) -> RareEvents:
    """Estimate how rarely objectives about readiness are missed, by failure biasing with likelihood ratios.

    Ctrl-C ends it with what there is. The arguments are those of `replicate`.

    Raises:
        UsageError: the method does not apply to the scenario, which says why; no runs; a store of other inputs.
        OutputError: the store cannot be written.
    """
    if n < 1:
        raise UsageError(f"{n} replications: expected at least 1")
    plain = Variant(scenario.name, scenario, recovery)
    variant = replace(plain, rare=times_to_mend(plain))
    assert variant.rare is not None
    first = scenario.seed if seed is None else seed
    played: list[Played] = []
    interrupted = False
    with nullcontext() if store is None else opened(store, [variant]) as kept:
        try:
            jobs = (Job(0, first + place) for place in range(n))
            for _, each in remembered(kept, [variant], jobs, n, workers):
                if isinstance(each, Failure) and each.why == "error":
                    raise UsageError(each.message)
                played.append(each)
                if progress is not None:
                    progress(len(played), n, played)
        except KeyboardInterrupt:
            interrupted = True
    return RareEvents(
        scenario,
        variant.rare,
        tuple(each for each in played if isinstance(each, Replication)),
        tuple(each for each in played if isinstance(each, Failure)),
        n,
        interrupted,
    )

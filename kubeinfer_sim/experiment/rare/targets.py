"""What is rare: that fewer are ready than an objective asks for. And where failure biasing does not apply, why."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from msgspec import Struct

from kubeinfer_sim.errors import UsageError
from kubeinfer_sim.manifest.model import IntOrPercent, Kind
from kubeinfer_sim.scenario.actions.model import Fault
from kubeinfer_sim.scenario.model import Objectives, ReadyLevel, Scenario
from kubeinfer_sim.scenario.timings.distributions import Exponential


class Target(Struct, frozen=True):
    """An objective about how many are ready.

    Attributes:
        kind, name: of the workload.
        level: how many are to be ready.
        at_least: for which part of the time; None: at all times.
        probability: with which none is missed at any time; None where that is not asked.
    """

    kind: Kind
    name: str
    level: ReadyLevel
    at_least: Fraction | None = None
    probability: Fraction | None = None


def targets_of(scenario: Scenario) -> tuple[Target, ...]:
    """The objectives whose misses are estimated.

    Raises:
        UsageError: the method does not apply to the scenario; says why.
    """
    if reason := _refusal(scenario):
        raise UsageError(f"--rare: {scenario.name}: {reason}")
    targets = [
        each
        for kubeinfer in scenario.kubeinfers
        for each in _targets("KubeInfer", kubeinfer.name, scenario.objectives)
    ]
    for kind, name, objectives in scenario.objectives.objects:
        targets += _targets(kind, name, objectives)
    if not targets:
        raise UsageError(
            f"--rare: {scenario.name}: say what is rare, by objectives: minReadyInstances, as in {{value: 3, "
            "probability: 99.9999%}, or availability, as in [{ready: 3, atLeast: 99.9999%}]"
        )
    return tuple(dict.fromkeys(targets))


def _targets(kind: Kind, name: str, objectives: Objectives) -> Iterator[Target]:
    least = objectives.min_ready_instances
    if least is not None:
        amount = least if isinstance(least, IntOrPercent) else IntOrPercent(least)
        probability = objectives.probabilities.get("minReadyInstances")
        yield Target(kind, name, ReadyLevel(str(least), amount), probability=probability)
    for each in objectives.availability:
        if each.at_least is not None:
            yield Target(kind, name, each.level, each.at_least)


def _refusal(scenario: Scenario) -> str:
    """Why the method does not apply; nothing where it does."""
    processes = () if scenario.faults is None else scenario.faults.processes
    if any(isinstance(each, Fault) for each in scenario.actions) and not processes:
        return "its faults come at fixed times, in every run: nothing about them is rare; give faults a rate"
    if not processes:
        return "nothing in it fails by chance: it takes fault processes with a rate (spec.faults)"
    for each in processes:
        if not isinstance(each.every, Exponential):
            return (
                f"the faults of {each.name} come every {each.every.describe()}: their next one depends on when the "
                "last one was, and only those of a constant rate (rate, or every: {exponential: …}) can be made likely"
            )
    if scenario.actions:
        return (
            "something is done in it at a fixed time (update, actions), and so in every run: what that costs is not "
            "rare; leave it out, or run it without --rare"
        )
    if scenario.initial != "running":
        return "it begins empty: let all run at the start (initial: running)"
    return ""

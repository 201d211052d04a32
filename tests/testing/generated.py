"""Scenarios at random for tests that ask the same of every run."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import HealthCheck, Phase, given, seed, settings

from kubeinfer_sim.testing.strategies import WrittenScenario, scenarios

#: The same examples at every run of the same version of Hypothesis; nothing about how long each takes.
UNHURRIED = settings(
    deadline=None,
    database=None,
    derandomize=True,
    print_blob=False,
    phases=(Phase.generate, Phase.shrink),
    suppress_health_check=list(HealthCheck),
)


def for_each(profile: str, number: int, count: int, check: Callable[[WrittenScenario], object]) -> None:
    """Check so many scenarios, those of this number; one that fails has shrunk before it is told of."""

    @seed(number)
    @settings(UNHURRIED, derandomize=False, max_examples=count)
    @given(scenarios(profile))
    def each(scenario: WrittenScenario) -> None:
        check(scenario)

    each()


def generated(profile: str, number: int, count: int) -> list[WrittenScenario]:
    """So many scenarios, those of this number."""
    made: list[WrittenScenario] = []
    for_each(profile, number, count, made.append)
    return made[:count]

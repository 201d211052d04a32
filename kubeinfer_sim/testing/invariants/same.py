"""What two runs must have in common: the same inputs, or inputs that mean the same, give the same bytes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from random import Random
from typing import Any

from msgspec.structs import replace

from kubeinfer_sim.manifest.source import SourceText
from kubeinfer_sim.report.result import build_result
from kubeinfer_sim.report.verdict import assess
from kubeinfer_sim.scenario.load import load_scenario
from kubeinfer_sim.scenario.model import Scenario
from kubeinfer_sim.simulation.run import Run
from kubeinfer_sim.simulation.simulate import simulate
from kubeinfer_sim.testing.invariants.invariant import InvariantsBroken, Violation

#: Those that are about two runs, and so watch none: number and statement.
OF_TWO_RUNS = {
    "INV-15": "the same inputs give the same bytes",
    "INV-20": "the order in which the keys of a file stand changes no byte",
}


def same_twice(scenario: Scenario, run: Run) -> None:
    """INV-15: the same scenario, seed and version give the same bytes.

    Args:
        scenario: read anew, or the one of the run.
        run: the first of the two, its history kept.

    Raises:
        InvariantsBroken: the second comes to something else.
    """
    _compare("INV-15", run, simulate(scenario, seed=run.seed))


def same_in_any_order(document: Mapping[str, Any]) -> None:
    """INV-20: a scenario comes to the same, whatever the order of the keys of its file.

    Args:
        document: of kind Scenario, with all that it is made of.

    Raises:
        InputError: the scenario is wrong.
        InvariantsBroken: in another order it comes to something else.
    """
    one, other = map(_played, (document, in_another_order(document, Random(0))))
    _compare("INV-20", one, other)


def _played(document: Mapping[str, Any]) -> Run:
    """The run of a document, without what tells where in it something stands."""
    scenario = load_scenario(SourceText("scenario", json.dumps(document)))
    return simulate(replace(scenario, warnings=(), lint=()))


def in_another_order(value: Any, rng: Random) -> Any:
    """Data with the keys of all mappings in it in another order; lists stay as they are."""
    if isinstance(value, list):
        return [in_another_order(each, rng) for each in value]
    if not isinstance(value, Mapping):
        return value
    keys = list(value)
    rng.shuffle(keys)
    return {key: in_another_order(value[key], rng) for key in keys}


def _compare(number: str, one: Run, other: Run) -> None:
    differs = next((pair for pair in zip(one.history, other.history, strict=False) if pair[0] != pair[1]), ())
    if differs or build_result(assess(one)) != build_result(assess(other)):
        raise InvariantsBroken(
            [Violation(number, OF_TWO_RUNS[number], "two runs of one scenario differ", differs)]
        )

"""What two runs must have in common: the same inputs, or inputs that mean the same, give the same bytes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import zip_longest
from math import inf
from random import Random
from typing import Any

from msgspec.structs import replace

from kubeinfer_sim.cluster.records import (
    ContainersRunning,
    GangScheduled,
    PodBound,
    PodCreated,
    PodDeleting,
    PodFinished,
    PodGone,
    PodNotReady,
    PodReady,
    PodRemoved,
    PodStopping,
)
from kubeinfer_sim.engine.history import Record
from kubeinfer_sim.manifest.source import SourceText
from kubeinfer_sim.report.result import build_result
from kubeinfer_sim.report.verdict import assess
from kubeinfer_sim.scenario.cluster.model import NodeSpec
from kubeinfer_sim.scenario.load import load_scenario
from kubeinfer_sim.scenario.model import Scenario
from kubeinfer_sim.scenario.units import parse_duration
from kubeinfer_sim.simulation.run import Run
from kubeinfer_sim.simulation.simulate import simulate
from kubeinfer_sim.testing.invariants.invariant import InvariantsBroken, Violation

#: Those that are about two runs, and so watch none: number and statement.
OF_TWO_RUNS = {
    "INV-15": "the same inputs give the same bytes",
    "INV-20": "the order in which the keys of a file stand changes no byte",
    "INV-22": "a pool of nodes that no pod fits on changes no pod's life",
    "INV-23": "an action that nobody heeds, the creation of a ConfigMap, changes no pod's life",
}
#: What pods go through. Texts are no part of it: they say of how many nodes none has room.
_LIFE = (
    PodCreated,
    GangScheduled,
    PodBound,
    ContainersRunning,
    PodReady,
    PodNotReady,
    PodDeleting,
    PodStopping,
    PodFinished,
    PodRemoved,
    PodGone,
)
_UNUSED = tuple(
    NodeSpec(name, "unused", {"cpu": 0, "memory": 0, "pods": 0}, {"kubernetes.io/hostname": name})
    for name in ("unused-0", "unused-1")
)
_INERT = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "nobody-reads-it"}, "data": {}}


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


def same_beside_an_unused_pool(scenario: Scenario, run: Run) -> None:
    """INV-22: a scenario comes to the same with one more pool of nodes that have room for nothing.

    Of what counts nodes nothing is asked: a DaemonSet has a pod for each, and how fast pods are evicted where nodes
    fail depends on how many there are.

    Args:
        scenario: the one of the run.
        run: without the pool, its history kept.

    Raises:
        InvariantsBroken: with the pool it comes to something else.
    """
    if scenario.loses_nodes or any(each.kind == "DaemonSet" for each in scenario.workloads):
        return
    _compare_lives(
        "INV-22", run, simulate(replace(scenario, nodes=(*scenario.nodes, *_UNUSED)), seed=run.seed)
    )


def same_beside_an_inert_action(document: Mapping[str, Any], at: int) -> None:
    """INV-23: a scenario comes to the same where somebody creates a ConfigMap at some time, ms.

    Args:
        document: of kind Scenario, with all that it is made of.
        at: before the end of what happens in it: the run goes on until then.

    Raises:
        InputError: the scenario is wrong.
        InvariantsBroken: with the action it comes to something else.
    """
    # Whether instances run at the start depends on whether anything is done, unless it is said.
    spec = {
        **document["spec"],
        "initial": load_scenario(SourceText("scenario", json.dumps(document))).initial,
    }
    actions = [*(spec.get("actions") or ()), {"at": f"{at}ms", "create": _INERT}]
    actions.sort(key=lambda each: parse_duration(each["at"]))
    one, other = map(_played, (document, {**document, "spec": {**spec, "actions": actions}}))
    _compare_lives("INV-23", one, other)


def _compare_lives(number: str, one: Run, other: Run) -> None:
    """Compare what pods go through, up to the end of the run that ends first.

    When a run that goes round is given up depends on when something else was last done in it.
    """
    until = inf if one.ended_at == other.ended_at else min(one.ended_at, other.ended_at)
    lives = [
        [record for record in run.history if isinstance(record, _LIFE) and record.at < until]
        for run in (one, other)
    ]
    for pair in zip_longest(*lives):
        if len({None if each is None else _step(each) for each in pair}) > 1:
            told = [each for each in pair if each is not None]
            raise InvariantsBroken([Violation(number, OF_TWO_RUNS[number], "a pod lives otherwise", told)])


def _step(record: Record) -> tuple[str, int, object, object]:
    """What happens when to which pod, and where."""
    pod, node = getattr(record, "pod", None), getattr(record, "node", "")
    return type(record).__name__, record.at, pod, node or getattr(record, "nodes", ())


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

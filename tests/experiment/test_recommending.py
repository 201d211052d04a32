"""The search for the smallest set of changes, held to an exhaustive one; effects where no mean has an interval."""

from __future__ import annotations

import random
from collections.abc import Callable
from itertools import combinations, product
from math import inf
from pathlib import Path
from typing import Any

import pytest
from field.user import User, asking, deployment, kubeinfer
from sweeps import blocks

from kubeinfer_sim.errors import UsageError
from kubeinfer_sim.experiment.dispatch import HERE
from kubeinfer_sim.experiment.judging import Decision
from kubeinfer_sim.experiment.knobs import Space, grid
from kubeinfer_sim.experiment.recommending.changes import Change, spare
from kubeinfer_sim.experiment.recommending.effects import Effect, effects
from kubeinfer_sim.experiment.recommending.recommend import recommend
from kubeinfer_sim.experiment.recommending.search import SetSearch
from kubeinfer_sim.experiment.replication import Replication
from kubeinfer_sim.experiment.replications import replicate
from kubeinfer_sim.manifest.source import SourceText, read_source
from kubeinfer_sim.metrics import Outcome
from kubeinfer_sim.scenario.load import load_scenario

STARTUP = {"tcpSocket": {"port": 1}, "periodSeconds": 10, "timeoutSeconds": 1}
N = 10


def asked(user: User, seed: int) -> dict[str, list[str]]:
    """A small problem: budgets, a startup window and nodes of which several may be needed together; its knobs."""
    source = random.Random(seed)
    workload: Callable[..., Any] = (kubeinfer, deployment)[seed % 2]
    replicas = source.choice((2, 3))
    failures = source.choice((1, 9))
    pods = workload(
        {**asking(npu=8), "startupProbe": {**STARTUP, "failureThreshold": failures}},
        replicas=replicas,
        surge=source.choice((0, 1)),
    )
    objectives: dict[str, Any] = {"completes": True}
    if source.random() < 0.7:
        objectives["minReadyInstances"] = source.choice((replicas, replicas - 1))
    if source.random() < 0.5:
        objectives["completesWithin"] = f"{source.choice((80, 130, 300))}s"
    user.plans(
        pods,
        cluster=f"{replicas + source.choice((0, 0, 1))}x8",
        initial="running",
        update={"newRevision": True},
        timings={"profile": "zero", "weights": f"{source.choice((15, 35))}s"},
        quietAfter="20m",
        objectives=objectives,
    )
    if seed < 3:  # of the first, which the tests of every change play, few values
        return {
            "maxSurge": ["0", "1"],
            "maxUnavailable": ["0", "1"],
            "startupProbe.failureThreshold": ["8"],
            "spareNodes": ["1"],
        }
    return {
        "maxSurge": ["0", "1", "2"],
        "maxUnavailable": ["0", "1"],
        "startupProbe.failureThreshold": ["4", "8"],
        "spareNodes": ["1", "2"],
    }


def exhaustive(source: SourceText, knobs: dict[str, list[str]]) -> dict[tuple[int, int], list[set[str]]]:
    """All sets that hold, by nodes and how many changes they are."""
    holding: dict[tuple[int, int], list[set[str]]] = {}
    names = [name for name in knobs if name != "spareNodes"]
    choices = [
        tuple(zip(some, values, strict=True))
        for size in range(4)
        for some in combinations(names, size)
        for values in product(*(knobs[name] for name in some))
    ]
    for nodes, changes in product(["0", *knobs["spareNodes"]], choices):
        if nodes != "0" and len(changes) > 2:
            continue
        written = [f"{name}={value}" for name, value in changes]
        try:
            (variant,) = grid([*written, f"spareNodes={nodes}"], source, {})
        except UsageError:
            continue
        if replicate(variant.scenario, 1).decision is Decision.HELD:
            told = {text.replace("=", " ") for text in written}
            holding.setdefault((int(nodes), len(changes)), []).append(told)
    return holding


@pytest.mark.parametrize("seed", [1, 2, *blocks(60, of_ci=8, first=3)])
def test_what_is_recommended_is_the_smallest_that_an_exhaustive_search_finds(
    tmp_path: Path, seed: int
) -> None:
    knobs = asked(User(tmp_path), seed)
    path = tmp_path / "scenario.yaml"
    made = recommend(path, vary=[f"{name}={','.join(values)}" for name, values in knobs.items()], n=N)
    holding = exhaustive(read_source(str(path)), knobs)
    if made.chosen is None:
        assert (made.decision, holding) == (Decision.MISSED, {})
        return
    assert made.decision is Decision.HELD
    nodes, size = min(holding)
    changes = {step.change.name for step in made.steps if not step.change.nodes}
    assert (made.nodes, len(changes)) == (nodes, size)
    assert changes in holding[nodes, size]
    assert all(any(each.tells for each in step.effects) for step in made.steps)


@pytest.mark.parametrize("workload", [kubeinfer, deployment])
def test_where_the_fewest_nodes_turn_out_not_to_do_the_next_smallest_set_is_taken(
    tmp_path: Path, workload: Callable[..., Any]
) -> None:
    """One up first on a full cluster: a node does, and beside it nothing else is of use."""
    pods = workload(asking(npu=8), replicas=2, surge=1)
    objectives = {"completes": True, "minReadyInstances": 2}
    User(tmp_path).plans(pods, cluster="2x8", update={"newRevision": True}, objectives=objectives, timings={})
    own = Space(load_scenario(read_source(str(tmp_path / "scenario.yaml"))), (), SourceText("", ""), {}, {})
    name = "terminationGracePeriodSeconds"
    grace = Change("grace period", "grace period", tuple(own.settings(name, ["10"])))
    nodes = [spare(own, "", number) for number in (1, 2, 3)]

    def found(is_told: Callable[[tuple[Change, ...]], bool]) -> tuple[list[str] | None, bool]:
        search = SetSearch(own, [grace], [nodes], most=None, workers=HERE, progress=None, is_told=is_told)
        chosen = search.found()
        return None if chosen is None else [each.name for each in chosen], search.undecided

    assert found(lambda _: True) == (["1 more node"], False)
    assert found(lambda changes: changes != (nodes[0],)) == (["grace period", "1 more node"], True)
    assert found(lambda changes: nodes[0] not in changes) == (["2 more nodes"], True)
    assert found(lambda _: False) == (None, True)


# -- effects -----------------------------------------------------------------------------------------------


def run(seed: int, duration: float | None, lost: float = 0.0) -> Replication:
    outcome = Outcome.NEVER if duration == inf else Outcome.COMPLETES
    return Replication(seed, outcome, (), duration, {"lostPodMs": lost}, (), {}, {}, by_chance=True)


def of(before: list[Replication], after: list[Replication], *, drawn: bool = True) -> dict[str, Effect]:
    return {each.figure: each for each in effects(before, after, 0.95, drawn=drawn)}


def test_what_differs_by_the_same_in_every_run_has_no_interval_of_the_mean_but_one_of_how_often_it_is_so() -> (
    None
):
    told = of([run(each, 100.0) for each in range(20)], [run(each, 60.0) for each in range(20)])["duration"]
    assert (told.before, told.after, told.difference.mean, told.runs) == (100.0, 60.0, -40.0, 20)
    assert told.difference.low is None
    assert (told.more, told.less, told.always, told.tells) == (0, 20, True, True)
    # 0.05 ** (1 / 20): with a smaller part that is so, 20 of 20 come about in less than one of twenty times.
    assert told.oftener.low == pytest.approx(0.05 ** (1 / 20))
    same = of([run(each, 100.0) for each in range(20)], [run(each, 100.0) for each in range(20)])["duration"]
    assert (same.more, same.less, same.tells) == (0, 0, False)
    assert same.oftener.low is not None
    assert same.oftener.low <= 0
    # Of two runs that differ by the same nothing can be told.
    assert not of([run(0, 9.0), run(1, 9.0)], [run(0, 5.0), run(1, 5.0)])["duration"].tells


def test_what_never_comes_into_place_is_told_by_how_many_do() -> None:
    told = of([run(each, inf) for each in range(10)], [run(each, 60.0) for each in range(10)])
    assert "duration" not in told
    effect = told["inPlace"]
    assert (effect.before, effect.after, effect.more, effect.less) == (0.0, 1.0, 10, 0)
    assert effect.difference.low is not None
    assert 0 < effect.difference.low < 1
    assert effect.tells
    # Where some are, the means are of those, and the others count as longer.
    before = [run(each, inf if each else 70.0) for each in range(10)]
    told = of(before, [run(each, 60.0) for each in range(10)])
    assert (told["duration"].difference.mean, told["duration"].less, told["duration"].runs) == (-10.0, 10, 10)
    assert not told["duration"].always
    assert told["duration"].tells
    assert told["inPlace"].after - told["inPlace"].before == pytest.approx(0.9)


def test_where_nothing_is_drawn_a_difference_is_the_true_one_and_seeds_are_paired() -> None:
    told = of([run(0, 100.0, 7.0)], [run(0, 60.0, 7.0)], drawn=False)
    assert (told["duration"].difference.low, told["duration"].difference.high) == (-40.0, -40.0)
    assert told["duration"].tells
    assert not told["lostPodMs"].tells
    assert effects([run(0, 1.0)], [run(1, 2.0)], 0.95, drawn=True) == ()
    paired = of([run(1, 5.0), run(0, 9.0)], [run(0, 8.0), run(1, 4.0)])["duration"]
    assert (paired.less, paired.difference.mean) == (2, -1.0)


def test_now_one_now_the_other_is_no_effect() -> None:
    before = [run(each, 100.0) for each in range(40)]
    after = [run(each, 100.0 + (7 if each % 2 else -7) * (1 + each)) for each in range(40)]
    told = of(before, after)["duration"]
    assert (told.more, told.less, told.tells) == (20, 20, False)

"""`kubeinfer-sim fuzz --any-two-faults`: pairs of faults neither of which breaks anything alone, and what part was played."""

from __future__ import annotations

import json
from collections import Counter
from itertools import combinations
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any, cast
from xml.etree import ElementTree

import jsonschema
import pytest
from command_line import ROOT, sim
from field.user import deployment, kubeinfer
from testing.test_fuzz import updated

from kubeinfer_sim.experiment.replication import Variant, play
from kubeinfer_sim.scenario.self_contained import whole_scenario
from kubeinfer_sim.testing.fuzz.cases import Cost, cost_of, read, with_actions
from kubeinfer_sim.testing.fuzz.exhaustive import play_single_faults
from kubeinfer_sim.testing.fuzz.fault_pairs import FaultPairs, _Space, play_fault_pairs
from kubeinfer_sim.testing.fuzz.moments import Moment
from kubeinfer_sim.testing.fuzz.single_faults import SingleFault, Where

FUZZ = ("fuzz", "scenario.yaml", "--any-two-faults", "--workers", "1")


def test_two_that_break_it_only_together_are_told_and_kept_as_a_file_that_run_plays(tmp_path: Path) -> None:
    user = updated(tmp_path, deployment, cluster="4x8")
    done = user.types(*FUZZ, "--faults", "NodeDeath", "--json", "all.json")
    assert done.returncode == 1, done.told
    told = " ".join(done.stdout.split())
    assert "of 66 pairs of faults break it though no single one does; the worst: NodeDeath just " in told
    assert "all single faults, then 66 of 66 pairs" in told
    assert max(map(len, done.stdout.splitlines())) <= 80
    found = json.loads((tmp_path / "all.json").read_text("utf-8"))
    schema = json.loads((ROOT / "docs" / "schemas" / "fuzz.schema.json").read_text("utf-8"))
    jsonschema.Draft202012Validator(schema).validate(found)
    pairs = found["faultPairs"]
    assert (pairs["total"], pairs["known"], pairs["stopped"], len(pairs["cases"])) == (66, 0, "", 66)
    assert pairs["broken"] == sum(bool(each["breaks"]) for each in pairs["cases"]) > 0
    assert all(each["first"]["atMs"] <= each["second"]["atMs"] for each in pairs["cases"])
    assert not any(each["breaks"] for each in found["singleFaults"]["cases"])
    assert len(found["kept"]["differences"]) == 2
    again = sim("run", str(tmp_path / found["kept"]["path"]))
    assert again.returncode == 1
    assert "✘ missed  completes" in again.stdout


def test_pairs_with_a_fault_that_breaks_it_alone_need_no_run(tmp_path: Path) -> None:
    done = updated(tmp_path, kubeinfer, cluster="4x8").types(*FUZZ, "--faults", "NodeDeath", "-o", "junit")
    assert done.returncode == 1
    assert "8 of 12 single faults break it; 0 of 6 pairs of others do; the worst: NodeDeath" in done.told
    (suite,) = ElementTree.fromstring(done.stdout)
    assert {case.attrib["name"]: case.find("failure") is not None for case in suite} == {
        "NodeDeath": True,
        "NodeDeath and NodeDeath": False,
    }


def test_a_part_of_them_leaves_it_undecided_says_of_how_many_and_is_the_same_each_time(
    tmp_path: Path,
) -> None:
    user = updated(tmp_path)
    line = (*FUZZ, "--faults", "RequestFault", "--max-examples", "20", "--json")
    done = user.types(*line, "one.json")
    assert done.returncode == 4, done.stdout
    told = " ".join(done.stdout.split())
    assert told.startswith(
        "? No single fault and none of 11 pairs of faults breaks it that were played; there are "
    )
    assert "as many as there were to be" in told
    assert user.types(*line, "other.json").stdout == done.stdout
    one, other = ((tmp_path / name).read_text("utf-8") for name in ("one.json", "other.json"))
    assert one == other
    played = json.loads(one)
    singles, pairs = played["singleFaults"]["cases"], played["faultPairs"]["cases"]
    assert (len(singles), len(pairs)) == (9, 11)
    assert sum(each["chosen"] for each in pairs) == 5
    assert played["faultPairs"]["stopped"] == "limit"


def test_a_pair_of_which_one_strikes_nothing_is_missed_and_breaks_nothing_by_that(tmp_path: Path) -> None:
    """The update replaces the first pods, so that in the end none of their names is there."""
    user = updated(tmp_path, objectives={"completes": True}, cluster="4x8")
    document = whole_scenario(str(user.folder / "scenario.yaml"))
    scenario = read(document)

    def cost(*faults: tuple[str, str, int]) -> Cost:
        actions = [
            {"at": at, "object": "Deployment/chat", "fault": {"kind": kind, "pods": [pod]}}
            for kind, at, pod in faults
        ]
        return cost_of(
            play(Variant("", scenario), 0), play(Variant("", read(with_actions(document, actions))), 0)
        )

    hits, misses = ("OutOfMemory", "1s", 0), ("OutOfMemory", "5h", 1)
    assert cost(hits).struck
    for faults in ([misses], [hits, misses]):
        assert (cost(*faults).struck, cost(*faults).breaks) == (False, ())


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ((*FUZZ, "--any-single-fault"), "--any-two-faults plays single faults, too"),
        ((*FUZZ, "--vary", "times"), "--vary is about a search"),
    ],
)
def test_what_does_not_go_together_is_said(tmp_path: Path, line: tuple[str, ...], told: str) -> None:
    done = updated(tmp_path).types(*line)
    assert done.returncode == 2
    assert told in done.told


@pytest.mark.sweep
def test_pairs_of_places_that_are_taken_to_be_alike_come_to_the_same(tmp_path: Path) -> None:
    """What is left out breaks the same as what is played; by how much it is later is the scheduler's draw of a node."""
    document = whole_scenario(str(updated(tmp_path, deployment, cluster="5x8").folder / "scenario.yaml"))

    def played(*, every_place: bool) -> FaultPairs:
        singles = play_single_faults(document, kinds=["NodeDeath"], every_place=every_place)
        return play_fault_pairs(document, singles, every_place=every_place, most=100_000)

    few, all_ = played(every_place=False), played(every_place=True)
    assert few.all_played
    assert all_.all_played
    assert len(few.cases) < len(all_.cases)
    assert {(each.first.moment, each.second.moment, each.cost.breaks) for each in few.cases} == {
        (each.first.moment, each.second.moment, each.cost.breaks) for each in all_.cases
    }


#: Two moments; of a kind that strikes one of three nodes, the first two alike, and of one that strikes what all share.
FAULTS = [
    SingleFault(kind, Moment(at, at, ""), Where({}, name, like=like))
    for at in (1, 2)
    for kind, places in (("Node", {"a": "a", "b": "a", "c": "c"}), ("All", {"cluster": "cluster"}))
    for name, like in places.items()
]


def space(lost: dict[str, int], breaks: tuple[str, ...] = ()) -> _Space:
    """Of faults that lose so much by kind and place; some kinds break something alone."""
    cases = [
        SimpleNamespace(
            fault=each,
            cost=Cost(
                ("it",) if each.kind in breaks else (), lost=lost.get(each.where.name, 0) + each.moment.at
            ),
        )
        for each in FAULTS
        if each.where.name == each.where.like
    ]
    return _Space(FAULTS, cast("Any", SimpleNamespace(cases=cases)), every_place=False)


def names(pairs: Any) -> list[str]:
    return [" ".join(f"{FAULTS[each].where.name}{FAULTS[each].moment.at}" for each in pair) for pair in pairs]


def test_the_earlier_of_two_strikes_what_stands_for_others_and_the_later_one_any_place() -> None:
    """By hand: each pair once but for those that differ by the names a and b alone."""
    made = space({})
    every = names(made.sample(Random(0), made.open, set()))
    expected = [
        pair for pair in names(combinations(range(len(FAULTS)), 2)) if not pair.startswith(("b1", "b2"))
    ]
    assert Counter(every) == Counter(expected)
    assert made.total == made.open == len(expected)
    assert made.known == 0


def test_what_breaks_alone_is_in_no_pair_that_is_played() -> None:
    made = space({}, breaks=("All",))
    assert made.total == space({}).total
    every = names(made.sample(Random(0), made.open, set()))
    assert every
    assert not any("cluster" in pair for pair in every)
    assert made.known + made.open == made.total


def test_half_of_them_are_of_what_loses_most_alone_the_worst_of_each_kind_first() -> None:
    hard = names(space({"a": 10, "c": 30, "cluster": 5}).hardest())
    assert hard[0] == "c2 cluster2"  # the worst place of one kind, and of the other, each at its worst moment
    assert hard[1:] == ["a2 c2", "a2 cluster2", "a2 b2"]


def test_what_was_chosen_is_not_drawn_again() -> None:
    made = space({})
    chosen = set(made.hardest())
    drawn = list(made.sample(Random(0), made.open - len(chosen), chosen))
    assert len(drawn) == made.open - len(chosen)
    assert not chosen & set(drawn)

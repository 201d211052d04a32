"""What a node costs, as a pool says it."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import pytest
from scenario_files import SMALLEST, Load

POOL = SMALLEST.replace(
    "16x8",
    "{pools: [{name: a, count: 9, labels: {pool: infer}, allocatable: {huawei.com/ascend-1980: 16}, price: 40/h}]}",
)
JOIN = "  actions: [{at: 1m, addNodes: {name: a}}, {at: 2m, addNodes: {name: a, price: 60/h}}]\n"


@pytest.mark.parametrize(
    ("written", "per_hour"), [("40/h", Fraction(40)), ("900/d", Fraction(75, 2)), ("0.5/h", Fraction(1, 2))]
)
def test_a_pool_has_a_price_for_each_of_its_nodes(load: Load, written: str, per_hour: Fraction) -> None:
    assert {node.price for node in load(text=POOL.replace("40/h", written)).nodes} == {per_hour}
    assert {node.price for node in load(text=SMALLEST).nodes} == {None}


def test_nodes_that_join_cost_what_their_pool_does_or_what_they_say(load: Load) -> None:
    made = load(text=POOL + JOIN)
    assert [action.nodes[0].price for action in made.actions] == [40, 60]


@pytest.mark.parametrize("written", ["40", "40 CNY", "-1/h", "'40/y'"])
def test_a_price_without_a_time_is_refused(findings: Callable[..., list[str]], written: str) -> None:
    told = findings(text=POOL.replace("40/h", written))
    assert any("expected what a node costs in a time, such as 40/h or 900/d" in each for each in told)

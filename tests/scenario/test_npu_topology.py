"""Pools whose NPUs are in rings, as a scenario writes them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from building import NPU
from scenario_files import SMALLEST, Load

from kubeinfer_sim.scenario.cluster.model import NpuTopology

POOL = SMALLEST.replace(
    "16x8",
    "{pools: [{name: a, count: 9, labels: {pool: infer}, allocatable: {huawei.com/ascend-1980: 16}, npuTopology: {ring: 8}}]}",
)


def test_a_pool_says_how_its_npus_are_linked(load: Load) -> None:
    assert load(text=POOL).nodes[0].npu_topology == NpuTopology(NPU, 8)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (("ring: 8", "ring: 32"), "a ring has 32 NPUs, and a node of this pool only 16"),
        (
            ("huawei.com/ascend-1980: 16", "cpu: 16"),
            "rings of which NPUs? allocatable names none, expected one kind",
        ),
    ],
)
def test_rings_that_cannot_be_are_told(
    findings: Callable[..., list[str]], change: tuple[str, str], expected: str
) -> None:
    assert any(expected in each for each in findings(text=POOL.replace(*change)))

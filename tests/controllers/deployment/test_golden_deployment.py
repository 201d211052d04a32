"""Every trace of the real controllers comes out (`golden_deployment`)."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from controllers.deployment.simulated import Simulated

Case = dict[str, Any]


def without_reasons(rows: list[list[Any]]) -> list[list[Any]]:
    """Rows of counts and Available alone; those that then say nothing new are left out."""
    kept: list[list[Any]] = []
    for row in rows:
        if not kept or kept[-1][1:] != row[1:4]:
            kept.append(row[:4])
    return kept


@pytest.mark.vectors("golden_deployment")
def test_counts_and_conditions_come_out_row_by_row(case: Case) -> None:
    if case["rows_tie_dependent"] or case["counts_order_dependent"]:
        pytest.skip("the real components' own outcome is not determined")
    rows = Simulated(case).run().rows
    assert without_reasons(rows) == without_reasons(case["rows"])
    if not case["conds_order_dependent"]:
        assert rows == case["rows"]


@pytest.mark.vectors("golden_deployment")
def test_pods_come_and_go_as_they_did(case: Case) -> None:
    if case["rows_tie_dependent"] or case["counts_order_dependent"] or case["tie_unlike"]:
        pytest.skip("which pods go is not determined")
    simulated = Simulated(case).run()
    pods = [[pod.number, pod.revision, *pod.times] for pod in simulated.pods]
    downs = [(at, revision, size, sorted(picked)) for at, revision, size, picked in simulated.downs]
    recorded = [(each["t_ms"], each["rev"], each["active"], each["picked"]) for each in case["scale_downs"]]
    if not case["tie"]:
        assert pods == case["pods"]
        assert downs == recorded
        return
    # Pods of one pool may stand for each other: the same lives, whoever leads them.
    assert Counter(tuple(pod[1:]) for pod in pods) == Counter(tuple(pod[1:]) for pod in case["pods"])
    assert [(*each[:3], len(each[3])) for each in downs] == [(*each[:3], len(each[3])) for each in recorded]

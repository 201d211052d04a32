"""The traces of a real kubelet's probers (Kubernetes 1.36.3): the reference call by call, the computed prober by
what can be seen of it."""

from __future__ import annotations

from typing import Any

import pytest
from cluster.prober.cases import Trace, call_rows, compressed, play, prober_of

from kubeinfer_sim.cluster.prober import ContainerProber
from kubeinfer_sim.testing.reference_prober import ReferenceProber


def assert_visible(trace: Trace, expected: dict[str, Any]) -> None:
    assert trace.container == expected["container"]
    assert trace.status == expected["status"]


def assert_everything(trace: Trace, prober: ReferenceProber, expected: dict[str, Any], horizon: int) -> None:
    assert_visible(trace, expected)
    assert [list(row) for row in prober.recording.results if row[0] < horizon] == expected["results"]
    assert [at for at in prober.recording.syncs if at < horizon] == expected["syncs"]
    for kind, counted in expected["call_counts"].items():
        rows = call_rows(prober.recording.calls[kind], horizon)
        assert len(rows) == counted["n"]
        assert (compressed(rows) if counted["compressed"] else rows) == expected["calls"].get(kind, [])


@pytest.mark.vectors("golden_prober")
def test_the_reference_does_every_call_result_kill_and_sync_of_the_real_one(case):
    prober = prober_of(ReferenceProber, case)
    assert_everything(play(case, prober), prober, case["trace"], case["horizon_ms"])


@pytest.mark.vectors("golden_prober")
def test_the_computed_prober_starts_readies_and_kills_when_the_real_one_does(case):
    assert_visible(play(case, prober_of(ContainerProber, case)), case["trace"])


@pytest.mark.vectors("golden_prober", key="ambiguous_cases")
@pytest.mark.parametrize("tie", ["trigger", "tick"])
def test_where_the_real_one_picks_at_random_the_reference_does_one_of_its_traces(case, tie):
    prober = prober_of(ReferenceProber, case, tie=tie)
    trace = play(case, prober)
    failures = []
    for expected in case["traces"]:
        try:
            assert_everything(trace, prober, expected, case["horizon_ms"])
        except AssertionError as failure:
            failures.append(failure)
        else:
            return
    raise failures[0]


@pytest.mark.vectors("golden_prober", key="ambiguous_cases")
@pytest.mark.parametrize("tie", ["trigger", "tick"])
def test_where_the_real_one_picks_at_random_the_computed_prober_does_one_of_its_traces(case, tie):
    trace = play(case, prober_of(ContainerProber, case, tie=tie))
    assert any(
        trace.container == expected["container"] and trace.status == expected["status"]
        for expected in case["traces"]
    )

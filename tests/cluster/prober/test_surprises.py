"""What surprises people in how the kubelet probes, each in the computed prober and in the reference.

The rules are those of the recorded traces (`golden_prober`); here each stands alone, with round numbers.
"""

from __future__ import annotations

from typing import Any

import pytest
from cluster.prober.cases import Trace, play, prober_of

from kubeinfer_sim.cluster.prober import ContainerProber
from kubeinfer_sim.testing.reference_prober import ReferenceProber

BOTH = pytest.mark.parametrize("kind", [ReferenceProber, ContainerProber])


def probe(period: int, failures: int, timeout: int = 1) -> dict[str, int]:
    return {
        "initialDelaySeconds": 0,
        "timeoutSeconds": timeout,
        "periodSeconds": period,
        "successThreshold": 1,
        "failureThreshold": failures,
    }


def a_case(probes: dict[str, dict[str, int]], scripts: dict[str, Any], **other: Any) -> dict[str, Any]:
    """A container that starts 1 s after its pod was set up; `scripts` by probe, one list of rows per run."""
    return {
        "addpod_wall_ms": 0,
        "trigger_sees": "new",
        "container_start_ms": 1000,
        "kill_ms": 0,
        "restart_delay_ms": 0,
        "horizon_ms": 120_000,
        "probes": probes,
        "scripts": scripts,
        **other,
    }


def played(kind: type, case: dict[str, Any]) -> Trace:
    return play(case, prober_of(kind, case))


def kills(trace: Trace) -> list[int]:
    return [row[0] for row in trace.container if row[1] == "kill"]


def test_readiness_is_probed_twice_at_the_start() -> None:
    case = a_case({"readiness": probe(10, 3)}, {"readiness": [[[0, "success", 100]]]}, horizon_ms=30_000)
    prober = prober_of(ReferenceProber, case)
    play(case, prober)
    assert [call.start for call in prober.recording.calls["readiness"]][:3] == [1000, 1100, 11_100]


@BOTH
def test_a_hang_nearly_doubles_the_time_to_detect(kind: type) -> None:
    spec = {"liveness": probe(5, 6, timeout=10)}
    refused = played(kind, a_case(spec, {"liveness": [[[0, "fail", 0]]]}))
    hung = played(kind, a_case(spec, {"liveness": [[[0, "hang", 0]]]}))
    assert kills(refused)[0] == 30_000
    assert kills(hung)[0] == 65_000


@BOTH
def test_failures_are_counted_across_a_restart(kind: type) -> None:
    """Two failures before the process exits and one after: the third in a row kills the new container."""
    rows = [[[0, "fail", 0]], [[0, "fail", 0]], [[0, "success", 0]]]
    case = a_case({"liveness": probe(10, 3)}, {"liveness": rows}, exit_ms=[24_000, -1], restart_delay_ms=1000)
    assert kills(played(kind, case)) == [30_000]


@BOTH
def test_a_new_container_dies_of_the_liveness_of_its_predecessor(kind: type) -> None:
    """The new one would be healthy 5 s after its start, but has one check left instead of three."""
    rows = [[[0, "fail", 0]], [[0, "fail", 0], [5100, "success", 0]], [[0, "success", 0]]]
    case = a_case({"liveness": probe(10, 3)}, {"liveness": rows}, exit_ms=[24_000, -1], restart_delay_ms=1000)
    trace = played(kind, case)
    assert [row[2] for row in trace.container if row[1] == "kill"] == [1]
    alone = a_case({"liveness": probe(10, 3)}, {"liveness": rows[1:]}, container_start_ms=26_000)
    assert kills(played(kind, alone)) == []


@BOTH
def test_readiness_goes_on_while_the_pod_terminates(kind: type) -> None:
    case = a_case(
        {"readiness": probe(5, 1)},
        {"readiness": [[[0, "success", 0], [20_000, "fail", 0]]]},
        terminate_ms=[15_000],
        kill_ms=30_000,
    )
    after = [row for row in played(kind, case).status if row[0] > 15_000 and row[1] == "ready"]
    assert after == [[21_000, "ready", False]]


@BOTH
def test_liveness_kills_nothing_any_more_while_the_pod_terminates(kind: type) -> None:
    case = a_case(
        {"liveness": probe(5, 1)},
        {"liveness": [[[0, "success", 0], [20_000, "fail", 0]]]},
        terminate_ms=[15_000],
        kill_ms=30_000,
    )
    assert kills(played(kind, case)) == []

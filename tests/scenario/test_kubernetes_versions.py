"""What `kubernetesVersion` switches: one test for each thing that changed between releases (docs/fidelity.md)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from cluster.prober.cases import play, prober_of
from cluster.prober.reference import ReferenceProber
from scenario_files import Load

from kubeinfer_sim.cluster.kubelet.backoff import BackoffLimits, PodWorkerRetry
from kubeinfer_sim.cluster.prober import ContainerProber

BOTH = pytest.mark.parametrize("kind", [ReferenceProber, ContainerProber])


def probe(period: int) -> dict[str, int]:
    return {
        "initialDelaySeconds": 0,
        "timeoutSeconds": 1,
        "periodSeconds": period,
        "successThreshold": 1,
        "failureThreshold": 3,
    }


def played(kind: type, version: str, **case: Any) -> tuple[Any, Any]:
    whole = {
        "addpod_wall_ms": 0,
        "trigger_sees": "new",
        "container_start_ms": 1_000,
        "kill_ms": 0,
        "restart_delay_ms": 0,
        "horizon_ms": 60_000,
        **case,
    }
    prober = prober_of(kind, whole, kubernetes_version=version)
    return play(whole, prober), prober


def test_the_startup_probe_rests_after_a_success_since_1_32() -> None:
    scripts = {"startup": [[[0, "success", 0]]]}
    for version, rests in (("1.31", False), ("1.32", True)):
        _, prober = played(ReferenceProber, version, probes={"startup": probe(1)}, scripts=scripts)
        assert prober.workers["startup"].on_hold is rests


@BOTH
def test_a_readiness_round_out_of_turn_restarts_its_ticker_since_1_32(kind: type) -> None:
    # Not ready at the sync at 14 s, which asks out of turn; it would answer from 15 s on.
    scripts = {"readiness": [[[0, "fail", 0], [14_000, "success", 0]]]}
    ready = {}
    for version in ("1.31", "1.32"):
        trace, _ = played(
            kind, version, probes={"readiness": probe(10)}, scripts=scripts, extra_sync_ms=[13_000]
        )
        (ready[version],) = [row[0] for row in trace.status if row[1:] == ["ready", True]]
    assert ready == {"1.31": 20_000, "1.32": 23_000}


@pytest.mark.parametrize(("version", "grace"), [("1.31", 40_000), ("1.32", 50_000), ("1.36", 50_000)])
def test_the_grace_period_of_nodes_is_10_s_longer_since_1_32(load: Load, version: str, grace: int) -> None:
    assert load(f'kubernetesVersion: "{version}"').node_lifecycle.grace == grace


@pytest.mark.parametrize(("version", "expiry"), [("1.31", 40_000), ("1.32", 600_000)])
def test_a_back_off_is_forgotten_after_600_s_whatever_its_maximum_since_1_32(
    version: str, expiry: int
) -> None:
    limits = BackoffLimits.of_kubelet(minor=int(version[2:]), maximum=20_000)
    assert limits.expiry == expiry


class Least:
    def random(self) -> float:
        return 0.0


@pytest.mark.parametrize(("version", "waits"), [("1.34", 10_000), ("1.35", 40_000)])
def test_a_container_in_back_off_is_looked_at_when_it_ends_since_1_35(version: str, waits: int) -> None:
    retry = PodWorkerRetry(int(version[2:]), Least())
    assert retry.next(0, 40_000) == waits


@pytest.mark.parametrize(
    ("setting", "since"), [("maxContainerRestartPeriod: 1m", 35), ("reducedCrashLoopBackOff: true", 33)]
)
def test_a_setting_that_kubelets_of_a_release_do_not_have_is_an_error(
    load: Load, findings: Callable[..., list[str]], setting: str, since: int
) -> None:
    load(f'kubernetesVersion: "1.{since}"\nkubelet: {{{setting}}}')
    (found,) = findings(f'kubernetesVersion: "1.{since - 1}"\nkubelet: {{{setting}}}')
    assert f"kubelets have it from 1.{since} on" in found


@BOTH
@pytest.mark.parametrize(("version", "kept"), [("1.34", False), ("1.35", True)])
def test_a_new_kubelet_keeps_the_status_of_containers_since_1_35(
    kind: type, version: str, kept: bool
) -> None:
    trace, _ = played(
        kind,
        version,
        probes={"startup": probe(10), "readiness": probe(10)},
        scripts={"startup": [[[0, "success", 0]]], "readiness": [[[0, "success", 0]]]},
        adopted={"age_ms": 3_600_000, "started": True, "pod_ready": True},
    )
    assert trace.status[0][0] == (1_000 if kept else 10_000)


@BOTH
@pytest.mark.parametrize(("version", "inherits"), [("1.34", False), ("1.35", True)])
def test_a_container_started_in_the_sync_that_killed_the_one_before_counts_as_started_since_1_35(
    kind: type, version: str, inherits: bool
) -> None:
    trace, _ = played(
        kind,
        version,
        probes={"startup": probe(10), "liveness": probe(3)},
        scripts={
            "startup": [[[0, "success", 0]], [[0, "fail", 0]]],
            "liveness": [[[0, "success", 0], [20_000, "fail", 0]]],
        },
    )
    killed = next(row[0] for row in trace.container if row[1] == "kill")
    unstarted = next(row[0] for row in trace.status if row[1:] == ["started", False])
    assert (unstarted > killed) is inherits

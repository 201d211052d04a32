"""A kubelet that is restarted: what its pods' containers, probes, back-offs and the node's heartbeats make of it."""

from __future__ import annotations

from typing import Any

import pytest
from building import EVERY_SECOND, kubeinfer, scenario
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from kubeinfer_sim.cluster.records import (
    ContainerBackOff,
    ContainerDied,
    ContainersRunning,
    NodeReadyChanged,
    PodDeleting,
    PodGone,
    PodNotReady,
    PodReady,
    PodRejected,
    PodStarted,
    TransferDone,
)
from kubeinfer_sim.manifest.model import Container, Probe
from kubeinfer_sim.scenario.actions.model import Crash, Health, NodeDown, Scale, Target
from kubeinfer_sim.scenario.faults.model import FaultPlan
from kubeinfer_sim.scenario.timings.model import Link, Transfers
from kubeinfer_sim.simulation.run import Run
from kubeinfer_sim.simulation.simulate import simulate

MINUTE = 60_000
AT = 10 * MINUTE
EVERY_10_S = Probe(period_seconds=10, failure_threshold=3)


def restart(at: int = AT, takes: int = 10_000) -> NodeDown:
    return NodeDown(at, ("node-0",), "kubeletRestart", at + takes, plugin_after=0)


def played(*actions: Any, load: float = 60, seed: int = 0, probes: Any = None, **fields: Any) -> Run:
    spec = kubeinfer(1, **(probes or {"readiness": EVERY_SECOND}))
    return simulate(scenario(spec, 1, load, 5, initial="empty", actions=actions, **fields), seed=seed)


def times(run: Run, kind: type, **wanted: Any) -> list[int]:
    return [
        record.at
        for record in run.history
        if type(record) is kind and all(getattr(record, name) == value for name, value in wanted.items())
    ]


def test_the_containers_of_a_restarted_kubelet_run_on_and_since_1_35_its_pods_stay_ready() -> None:
    run = played(restart(), kubernetes_version="1.35")
    assert times(run, ContainersRunning) == [0]
    assert not times(run, PodNotReady)


@pytest.mark.parametrize("seed", range(10))
def test_up_to_1_34_its_pods_are_not_ready_until_their_probes_have_passed_again(seed: int) -> None:
    run = played(
        restart(),
        kubernetes_version="1.34",
        probes={"readiness": EVERY_10_S, "startup": Probe(period_seconds=10, failure_threshold=30)},
        seed=seed,
    )
    (lost,) = times(run, PodNotReady, reason="KubeletRestarted")
    assert lost == AT + 10_000
    _, again = times(run, PodReady)
    # The startup probe begins at a random part of its period; readiness follows at once, or after its own.
    assert 0 < again - lost <= 10_000
    first, anew = times(run, PodStarted)
    assert first < lost < anew <= again
    assert times(run, ContainersRunning) == [0]


def test_since_1_35_a_pod_that_is_not_ready_stays_so_until_its_probe_passes() -> None:
    sick = Health(AT - MINUTE, Target(), False, AT + 5_000)
    run = played(sick, restart(), probes={"readiness": EVERY_10_S})
    (lost,) = times(run, PodNotReady)
    _, again = times(run, PodReady)
    assert lost < AT
    assert AT + 10_000 < again <= AT + 20_000


def test_since_1_35_a_pod_whose_check_began_to_fail_meanwhile_is_found_out_after_its_threshold() -> None:
    sick = Health(AT + 1_000, Target(), False)
    run = played(sick, restart(), probes={"readiness": EVERY_10_S})
    (lost,) = times(run, PodNotReady, reason="ReadinessProbeFailed")
    # The new kubelet counts from 0: its first sync asks at once after the random wait, three failures are two periods.
    assert AT + 10_000 + 10_000 <= lost <= AT + 10_000 + 30_000


def test_nothing_is_probed_while_no_kubelet_runs() -> None:
    sick = Health(AT + 1_000, Target(), False, AT + 59_000)
    run = played(sick, restart(takes=MINUTE))
    assert not [at for at in times(run, PodNotReady, reason="ReadinessProbeFailed") if AT < at < AT + MINUTE]


def test_a_kubelet_that_is_away_for_longer_than_the_grace_period_loses_its_node() -> None:
    run = played(restart(takes=2 * MINUTE))
    unknown, back = times(run, NodeReadyChanged)
    assert 40_000 < unknown - AT < 55_100
    assert back >= AT + 2 * MINUTE
    (lost,) = times(run, PodNotReady, reason="NodeNotReady")
    assert lost == unknown
    assert times(run, PodReady)[-1] >= AT + 2 * MINUTE


def test_a_process_that_ends_meanwhile_is_seen_and_restarted_by_the_new_kubelet() -> None:
    run = played(Crash(AT + 3_000, Target()), restart(), probes={"restart": "Pod"})
    assert times(run, ContainerDied) == [AT + 10_000]


def test_a_new_kubelet_remembers_no_back_off() -> None:
    crashes = [Crash(AT + n * MINUTE, Target()) for n in range(5)]
    until = AT + 4 * MINUTE

    def again(*actions: Any) -> int:
        # A whole group waits for its peers; a startup crash that nobody rebuilds is left to the kubelet.
        run = played(*crashes, *actions, probes={"readiness": EVERY_SECOND, "restart": "Custom"})
        assert max(times(run, ContainerBackOff)) == until
        return min(at for at in times(run, ContainersRunning) if at > until)

    assert again() > until + MINUTE
    assert again(restart(until + 5_000)) == until + 15_000


def test_a_pod_deleted_meanwhile_stops_when_the_new_kubelet_hears_of_it() -> None:
    run = played(restart(takes=30_000), Scale(AT + 5_000, 0))
    assert times(run, PodDeleting) == [AT + 5_000]
    assert times(run, PodGone) == [AT + 30_000 + 5_000]


def test_a_pod_that_is_being_stopped_ends_when_its_process_does_or_when_the_new_kubelet_can_say_so() -> None:
    before = Scale(AT - 2_000, 0)
    assert times(played(restart(takes=1_000), before), PodGone) == [AT + 3_000]
    assert times(played(restart(takes=30_000), before), PodGone) == [AT + 30_000]


def test_a_pod_created_meanwhile_is_set_up_by_the_new_kubelet() -> None:
    run = played(restart(takes=30_000), Scale(AT - MINUTE, 0), Scale(AT + 5_000, 1))
    assert times(run, ContainersRunning) == [0, AT + 30_000]


def test_a_start_under_way_goes_on() -> None:
    run = played(restart(30_000, 10_000), load=60)
    assert times(run, PodReady)[0] in range(60_000, 62_001)
    assert times(run, ContainersRunning) == [0]


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 200),
    st.integers(1, 90),
    st.sampled_from(["1.29", "1.34", "1.35", "1.36"]),
    st.integers(0, 99),
)
def test_whenever_it_is_restarted_the_pod_ends_ready_and_no_container_with_it(
    at: int, takes: int, version: str, seed: int
) -> None:
    run = played(
        restart(at * 1_000, takes * 1_000),
        kubernetes_version=version,
        seed=seed,
        probes={"readiness": EVERY_10_S, "startup": Probe(period_seconds=5, failure_threshold=30)},
    )
    ready, lost = times(run, PodReady), times(run, PodNotReady)
    assert len(ready) == len(lost) + 1
    assert len(times(run, ContainersRunning)) == 1
    assert not times(run, ContainerDied)


@pytest.mark.parametrize("ends", [30, 90])
def test_a_pull_under_way_when_the_kubelet_ends_is_begun_anew_by_the_next(ends: int) -> None:
    """Over a registry that all nodes share, an image takes so many seconds; the kubelet is away from 10 s to 60 s."""
    links = Transfers(registry=Link(1_000_000_000), default_image_size=ends * 1_000_000_000)
    run = played(restart(10_000, 50_000), transfers=links, horizon=AT)
    assert times(run, TransferDone) == times(run, ContainersRunning) == [(60 + ends) * 1000]
    assert len(times(run, PodReady)) == 1


@pytest.mark.parametrize("crashes", [True, False])
def test_a_pod_of_which_a_container_with_npus_has_ended_is_rejected_by_a_kubelet_that_knows_of_no_npus_yet(
    crashes: bool,
) -> None:
    """The other container runs on; while all of them run, nobody has to be given anything."""
    spec = kubeinfer(1, restart="Custom")
    (role,) = spec.roles
    template = replace(role.template, containers=(*role.template.containers, Container("router", "router:1")))
    spec = replace(spec, roles=(replace(role, template=template),))
    down = NodeDown(AT, ("node-0",), "kubeletRestart", AT + 5_000)
    actions = (*((Crash(AT - 1_000 - each, Target()) for each in (2_000, 0)) if crashes else ()), down)
    made = scenario(spec, 1, 1, 5, initial="empty", actions=actions, horizon=AT + MINUTE)
    run = simulate(replace(made, faults=FaultPlan()))
    assert [each.reason for each in run.history.of(PodRejected)] == ["UnexpectedAdmissionError"] * crashes

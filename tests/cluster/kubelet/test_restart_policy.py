"""Restart policies and rules of single containers, by Kubernetes' version."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
from building import EVERY_SECOND, kubeinfer, scenario, seconds
from msgspec.structs import replace

from kubeinfer_sim.cluster.kubelet.restart_policy import consequence, killed_and_started_at_once
from kubeinfer_sim.cluster.records import (
    ContainerBackOff,
    ContainerDied,
    ContainersRunning,
    PodReady,
    SetUpContinued,
)
from kubeinfer_sim.engine.history import Record
from kubeinfer_sim.manifest.model import Container, PodTemplate, Probe, RestartRule
from kubeinfer_sim.manifest.releases import LATEST, release_of
from kubeinfer_sim.scenario.actions.model import Action, Crash, Health, StartFault, Target
from kubeinfer_sim.scenario.model import Scenario
from kubeinfer_sim.simulation.run import Run
from kubeinfer_sim.simulation.simulate import simulate

MINUTE = 60_000


def restart_on(*codes: int, none_of: bool = False) -> RestartRule:
    return RestartRule("Restart", frozenset(codes), none_of)


ALL_ON_88 = RestartRule("RestartAllContainers", frozenset({88}))


def running(
    *actions: Action,
    own: str | None = None,
    rules: tuple[RestartRule, ...] = (),
    policy: str = "Always",
    beside: tuple[Container, ...] = (),
    init: tuple[Container, ...] = (),
    liveness: Probe | None = None,
    **fields: Any,
) -> Scenario:
    """One pod, created at 0 s: 7 s for each init container, 2 s to create, 60 s to load, 5 s to stop."""
    spec = kubeinfer(restart="Custom", restart_policy=policy, init_containers=init, liveness=liveness)
    (role,) = spec.roles
    engine = replace(role.template.containers[0], restart_policy=own, restart_rules=rules)
    spec = replace(
        spec, roles=(replace(role, template=replace(role.template, containers=(engine, *beside))),)
    )
    stages = {"create": seconds(2), "init": seconds(7)}
    return scenario(spec, 2, 60, 5, initial="empty", actions=actions, stages=stages, **fields)


def at(run: Run, kind: type[Record]) -> list[int]:
    return [record.at for record in run.history.of(kind)]


def phase(run: Run) -> str:
    (pod,) = run.pods
    return pod.phase


def ends(code: int, when: int = 10 * MINUTE, container: str = "") -> Crash:
    return Crash(when, Target(), "Error" if code else "Completed", code, container)


@pytest.mark.parametrize(("version", "knows"), [("1.34", False), ("1.35", True), ("1.36", True)])
def test_a_container_s_own_policy_goes_before_the_pod_s_from_1_35_on(version: str, knows: bool) -> None:
    stays = simulate(running(ends(1), own="Never", kubernetes_version=version))
    assert len(at(stays, PodReady)) == (1 if knows else 2)
    assert phase(stays) == ("Failed" if knows else "Running")
    again = simulate(running(ends(1), own="Always", policy="Never", kubernetes_version=version))
    assert len(at(again, PodReady)) == (2 if knows else 1)


@pytest.mark.parametrize(("code", "again"), [(42, True), (43, False), (0, False)])
def test_a_rule_restarts_a_container_that_would_stay_dead(code: int, again: bool) -> None:
    run = simulate(running(ends(code), own="Never", policy="Never", rules=(restart_on(42),)))
    assert len(at(run, PodReady)) == 1 + again
    assert phase(run) == ("Running" if again else "Failed" if code else "Succeeded")


def test_a_rule_of_codes_that_are_not_listed_means_all_others() -> None:
    rules = (restart_on(0, 3, none_of=True),)
    for code, again in ((0, False), (3, False), (4, True), (137, True)):
        run = simulate(running(ends(code), own="Never", rules=rules))
        assert len(at(run, PodReady)) == 1 + again, code


def test_a_restart_by_a_rule_backs_off_like_any() -> None:
    crashes = [ends(42, when * 1000) for when in range(100, 700, 5)]
    run = simulate(running(*crashes, own="Never", rules=(restart_on(42),), horizon=700_000))
    waits = [record.until - record.at for record in run.history.of(ContainerBackOff)]
    for wait, least in zip(waits, (10, 20, 40, 80), strict=False):
        assert least * 1000 <= wait <= least * 1500 + 1000


def test_a_container_that_has_ended_for_good_leaves_the_pod_running_while_others_run() -> None:
    beside = Container("log", "log:1")
    run = simulate(running(ends(1), own="Never", beside=(beside,)))
    assert phase(run) == "Running"
    assert len(at(run, PodReady)) == 1, "but not ready"


def test_a_rule_restarts_a_container_that_its_probe_has_killed() -> None:
    """Killed within its grace period it ends with 143; the next sync sees that, so nothing is started within the kill."""
    probe = Probe(period_seconds=10, failure_threshold=9)
    sick = Health(10 * MINUTE, Target(), False, 12 * MINUTE, ("liveness",))
    for rules, again in (((restart_on(143),), True), ((restart_on(137),), False), ((), False)):
        run = simulate(running(sick, own="Never", rules=rules, liveness=probe, horizon=60 * MINUTE))
        assert [record.exit_code for record in run.history.of(ContainerDied)] == [143]
        assert len(at(run, PodReady)) == 1 + again


@pytest.mark.parametrize(
    ("own", "rules", "policy", "again"),
    [
        (None, (), "Always", True),
        ("Never", (), "Always", False),
        ("OnFailure", (), "Never", True),
        ("Never", (restart_on(1),), "Always", True),
        ("Never", (restart_on(2),), "Always", False),
    ],
)
def test_an_init_container_s_own_policy_says_whether_it_is_tried_again(
    own: str | None, rules: tuple[RestartRule, ...], policy: str, again: bool
) -> None:
    fetch = Container("fetch", "fetch:1", restart_policy=own, restart_rules=rules)
    run = simulate(running(StartFault(0, times=1), init=(fetch,), policy=policy))
    assert bool(at(run, PodReady)) is again
    assert phase(run) == ("Running" if again else "Failed")


def test_a_sidecar_is_started_again_whatever_the_pod_s_policy() -> None:
    proxy = Container("proxy", "proxy:1", restart_policy="Always", readiness_probe=EVERY_SECOND)
    run = simulate(running(ends(0, container="proxy"), init=(proxy,), policy="Never"))
    assert len(at(run, PodReady)) == 2


def test_a_rule_may_have_the_whole_pod_started_again_in_place() -> None:
    """As KEP-5532's example: the watcher ends with 88, init containers run again, nobody gets time to stop."""
    fetch = Container("fetch", "fetch:1")
    watcher = Container("watcher", "watch:1", restart_policy="Always", restart_rules=(ALL_ON_88,))
    made = running(ends(88, container="watcher"), init=(fetch, watcher), policy="Never")
    run = simulate(made)
    died = [
        (record.at, record.container, record.reason, record.exit_code)
        for record in run.history.of(ContainerDied)
    ]
    assert died == [
        (10 * MINUTE, "watcher", "Error", 88),
        (10 * MINUTE, "engine", "RestartAllContainers", 137),
    ]
    assert at(run, ContainersRunning) == [9_000, 10 * MINUTE + 9_000], "no 5 s to stop"
    assert at(run, PodReady) == [69_000, 10 * MINUTE + 69_000]
    assert [str(stage.name) for record in run.history.of(SetUpContinued) for stage in record.stages].count(
        "init fetch"
    ) >= 1
    assert phase(run) == "Running"


def test_it_begins_anew_as_often_as_the_rule_says() -> None:
    crashes = [ends(88, when * MINUTE) for when in (10, 20, 30)]
    run = simulate(running(*crashes, own="Never", rules=(ALL_ON_88,)))
    assert len(at(run, PodReady)) == 4


def test_an_init_container_may_have_it_begin_anew_too() -> None:
    first = Container("fetch", "fetch:1")
    second = Container("check", "check:1", restart_policy="Never", restart_rules=(ALL_ON_88,))
    fault = StartFault(0, container="check", exit_code=88, times=1)
    run = simulate(running(fault, init=(first, second)))
    assert at(run, ContainersRunning) == [4 * 7_000 + 2_000], "both init containers twice"


def test_before_1_36_the_rule_to_restart_all_is_not_known() -> None:
    run = simulate(running(ends(88), own="Never", rules=(ALL_ON_88,), kubernetes_version="1.35"))
    assert len(at(run, PodReady)) == 1


def test_of_several_rules_the_first_that_matches_counts() -> None:
    beside = (Container("log", "log:1"),)
    rules = (restart_on(1), RestartRule("RestartAllContainers", frozenset({1, 2})))
    one = simulate(running(ends(1), own="Never", rules=rules, beside=beside))
    assert [record.container for record in one.history.of(ContainerDied)] == ["engine"]
    two = simulate(running(ends(2), own="Never", rules=rules, beside=beside))
    assert [record.container for record in two.history.of(ContainerDied)] == ["engine", "log"]


@pytest.mark.parametrize("version", ["1.29", "1.34"])
def test_up_to_1_34_a_container_s_own_policy_changes_nothing(version: str) -> None:
    for own, policy, code in product(
        (None, "Always", "OnFailure", "Never"), ("Always", "OnFailure", "Never"), (0, 1)
    ):
        container = Container("c", "c:1", restart_policy=own, restart_rules=(restart_on(0, 1),))
        template = PodTemplate((container,), restart_policy=policy)  # type: ignore[arg-type]
        plain = PodTemplate((Container("c", "c:1"),), restart_policy=policy)  # type: ignore[arg-type]
        assert consequence(container, template, code, kubernetes=release_of(version)) == consequence(
            plain.containers[0], plain, code, kubernetes=LATEST
        )


@pytest.mark.parametrize(
    ("own", "of_pod", "at_once"),
    [(None, "Always", True), (None, "Never", False), ("Always", "Never", True), ("Never", "Always", False)],
)
def test_its_own_policy_says_whether_the_sync_that_has_killed_a_container_starts_it_again(
    own: str | None, of_pod: str, at_once: bool
) -> None:
    container = Container("engine", "engine:1", restart_policy=own)  # type: ignore[arg-type]
    template = PodTemplate(containers=(container,), restart_policy=of_pod)  # type: ignore[arg-type]
    assert killed_and_started_at_once(container, template, kubernetes=LATEST) is at_once
    assert killed_and_started_at_once(container, template, kubernetes=LATEST, sidecar=True)

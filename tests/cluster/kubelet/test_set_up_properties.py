"""Pods with all that can be in their way, at random: they get ready once nothing is any more."""

from __future__ import annotations

from itertools import pairwise

import pytest
from building import EVERY_SECOND, kubeinfer, scenario, seconds
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from kubeinfer_sim.cluster.records import PodBound, PodGone, PodReady
from kubeinfer_sim.manifest.model import Container, Hook, Probe, RestartRule
from kubeinfer_sim.metrics import measure
from kubeinfer_sim.scenario.actions.model import (
    Action,
    Crash,
    Health,
    ImageFault,
    NodeDown,
    Scale,
    StartFault,
    Target,
)
from kubeinfer_sim.scenario.model import Assumptions, Scenario
from kubeinfer_sim.scenario.timings.model import Link, Transfers
from kubeinfer_sim.simulation.run import Run
from kubeinfer_sim.simulation.simulate import simulate

#: When all that is wrong is over, ms.
WELL = 300_000
HOOKS = st.sampled_from([None, None, None, Hook("sleep", 4)])
PROBES = st.sampled_from(
    [None, None, Probe(period_seconds=3, failure_threshold=2), Probe(period_seconds=7, timeout_seconds=5)]
)
RULES = st.sampled_from(
    [
        (),
        (),
        (RestartRule("Restart", frozenset({1})),),
        (RestartRule("RestartAllContainers", frozenset({88})),),
    ]
)


@st.composite
def containers(draw: st.DrawFn) -> tuple[tuple[Container, ...], Container, tuple[Container, ...]]:
    """Init containers and sidecars, the engine, and at most one container beside it."""
    init = []
    for number in range(draw(st.integers(0, 4))):
        if draw(st.booleans()):
            init.append(Container(f"init{number}", f"init:{number % 2}", restart_rules=()))
        else:
            init.append(
                Container(
                    f"side{number}",
                    f"init:{number % 2}",
                    restart_policy="Always",
                    startup_probe=draw(PROBES),
                    liveness_probe=draw(PROBES),
                    readiness_probe=draw(PROBES),
                    post_start=draw(HOOKS),
                    restart_rules=draw(RULES),
                )
            )
    engine = Container("engine", "engine:1", readiness_probe=EVERY_SECOND, post_start=draw(HOOKS))
    beside = [
        Container(
            "log",
            "init:1",
            startup_probe=draw(PROBES),
            post_start=draw(HOOKS),
            restart_policy="Always",
            restart_rules=draw(RULES),
        )
    ]
    return tuple(init), engine, tuple(beside if draw(st.booleans()) else [])


@st.composite
def troubles(draw: st.DrawFn, names: list[str]) -> Action:
    """Something wrong that is over when all is to be well."""
    at = draw(st.integers(0, WELL // 4))
    until = at + draw(st.integers(1, WELL // 4))
    name = draw(st.sampled_from(["", *names]))
    match draw(st.sampled_from(["crash", "crash", "sick", "init", "hook", "image", "node"])):
        case "crash":
            return Crash(at, Target(), "Error", draw(st.sampled_from([1, 88])), name)
        case "sick":
            probe = draw(st.sampled_from(["startup", "liveness", "readiness"]))
            how = {"container": name, "hang": draw(st.booleans()), "new_pods": draw(st.booleans())}
            return Health(at, Target(), False, until, (probe,), **how)  # type: ignore[arg-type]
        case "init":
            return StartFault(at, Target(), name, until=until)
        case "hook":
            return StartFault(at, Target(), name, times=draw(st.integers(1, 3)), what="postStart")
        case "image":
            return ImageFault(at, until=until)
    mode = draw(st.sampled_from(["silent", "cutOff", "reboot"]))
    return NodeDown(at, ("node-0", "node-1"), mode, until)  # type: ignore[arg-type]


@st.composite
def scenarios(draw: st.DrawFn) -> Scenario:
    init, engine, beside = draw(containers())
    spec = kubeinfer(restart=draw(st.sampled_from(["Custom", "Pod", "Instance"])), init_containers=init)
    (role,) = spec.roles
    engine = replace(engine, requests=role.template.requests)
    order = (engine, *beside) if draw(st.booleans()) else (*beside, engine)
    spec = replace(spec, roles=(replace(role, template=replace(role.template, containers=order)),))
    names = [each.name for each in (*init, engine, *beside)]
    actions = draw(st.lists(troubles(names), max_size=6))
    gone = draw(st.sampled_from([None, None, 20_000, 90_000]))
    if gone is not None:
        actions = [*actions, Scale(gone, 0), Scale(gone + draw(st.sampled_from([0, 5_000])), 1)]
    stages = {"create": seconds(2), "init": seconds(7), "image_cold": seconds(3), "sidecar_exit": seconds(1)}
    transfers = Transfers()
    if draw(st.booleans()):
        transfers = Transfers(registry=Link(1_000_000_000), default_image_size=3_000_000_000)
    return scenario(
        spec,
        2,
        10,
        5,
        initial="empty",
        actions=tuple(sorted(actions, key=lambda each: each.at)),
        stages=stages,
        transfers=transfers,
        assumptions=Assumptions(startup_crash=draw(st.sampled_from(["rebuild", "kubelet"]))),
        horizon=4 * 3_600_000,
    )


def check(made: Scenario) -> Run:
    """The pod that is there in the end is ready, and its life is told without a gap."""
    run = simulate(made)
    gone = {record.pod for record in run.history.of(PodGone)}
    (alive,) = {record.pod for record in run.history.of(PodBound)} - gone
    assert alive in {record.pod for record in run.history.of(PodReady)}
    measures = measure(run.history, ended_at=run.ended_at, end=run.end)
    assert {pod.ref: pod.phase for pod in run.pods}[alive] == "Running"
    for pod in (pod for life in measures.instances for pod in life.pods):
        for one, other in pairwise(pod.spans):
            assert one.until == other.since
    return run


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(scenarios())
def test_a_pod_is_ready_in_the_end_whatever_was_in_its_way(made: Scenario) -> None:
    run = check(made)
    again = simulate(made)
    assert [repr(record) for record in again.history] == [repr(record) for record in run.history]


@pytest.mark.sweep
@settings(max_examples=1_500, deadline=None, suppress_health_check=list(HealthCheck))
@given(scenarios())
def test_a_pod_is_ready_in_the_end_whatever_was_in_its_way_at_length(made: Scenario) -> None:
    check(made)

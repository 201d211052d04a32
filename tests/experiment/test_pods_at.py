"""Pods at any time, as the API server has them."""

from __future__ import annotations

from functools import cache
from random import Random
from typing import Any

import pytest
from building import EVERY_SECOND, kubeinfer, scenario
from msgspec.structs import replace

from kubeinfer_sim.cluster.pod import PodState, is_sidecar
from kubeinfer_sim.manifest.model import Container, KubeInfer, Probe
from kubeinfer_sim.report.result import build_result
from kubeinfer_sim.report.verdict import assess
from kubeinfer_sim.scenario.actions.model import (
    Action,
    Apply,
    Crash,
    Drain,
    Health,
    ImageFault,
    NodeDown,
    Scale,
    Target,
)
from kubeinfer_sim.scenario.model import Scenario
from kubeinfer_sim.simulation.assembly import assemble
from kubeinfer_sim.simulation.pod_objects import PodAt
from kubeinfer_sim.simulation.pods_at import PodsAt, pods_at
from kubeinfer_sim.simulation.simulate import play, simulate

AT = 600_000
SECOND = 1000
MINUTE = 60_000


def with_containers(spec: KubeInfer, *init: Container, beside: tuple[Container, ...] = ()) -> KubeInfer:
    role = spec.roles[0]
    template = replace(role.template, init_containers=init, containers=(*role.template.containers, *beside))
    return replace(spec, roles=(replace(role, template=template), *spec.roles[1:]))


def made(*actions: Action, spec: KubeInfer | None = None, nodes: int = 1, **fields: Any) -> Scenario:
    spec = spec or kubeinfer(1, restart="Custom")
    return scenario(spec, nodes, 60, 5, actions=actions, **fields)


def only(found: PodsAt) -> PodAt:
    (pod,) = found.pods
    return pod


def word(what: Scenario, at: int) -> str:
    return only(pods_at(what, at)).columns.status


def conditions(pod: PodAt) -> dict[str, tuple[bool, str, int | None]]:
    return {
        each.condition.type: (each.condition.status, each.condition.reason, each.since)
        for each in pod.conditions
    }


def test_a_pod_that_ran_before_the_beginning_has_no_known_age() -> None:
    pod = only(pods_at(made(), AT))
    assert (pod.columns.status, pod.columns.ready, pod.created) == ("Running", 1, None)
    assert set(conditions(pod).values()) == {(True, "", None)}


def test_a_new_pod_is_created_pulls_runs_and_is_ready_at_the_times_its_conditions_say() -> None:
    stages = {"image_cold": EVERY.cold, "create": EVERY.create}
    what = made(initial="empty", stages=stages)
    assert word(what, 10 * SECOND) == "ContainerCreating"
    assert word(what, 40 * SECOND) == "Running"
    pod = only(pods_at(what, 5 * MINUTE))
    assert pod.columns.ready == 1
    bound = 0
    ready = 32 * SECOND + 60 * SECOND
    assert conditions(pod)["Initialized"] == (True, "", bound)
    assert conditions(pod)["Ready"] == (True, "", ready)
    assert conditions(pod)["PodScheduled"] == (True, "", bound)


class EVERY:
    """Constant stages."""

    from building import seconds as _seconds

    cold, create = _seconds(30), _seconds(2)


def test_a_pod_without_a_place_is_pending_and_says_what_the_scheduler_says() -> None:
    pod = pods_at(made(Scale(AT, 2)), AT + MINUTE).pods[1]
    assert (pod.columns.status, pod.node, pod.columns.ready, pod.columns.containers) == ("Pending", "", 0, 1)
    (found,) = pod.conditions
    assert (found.condition.reason, found.since) == ("Unschedulable", AT)
    assert found.condition.message.startswith("0/1 nodes are available")


def test_a_crash_loop_shows_its_error_and_then_its_back_off_and_counts_restarts() -> None:
    crashes = [Crash(AT + at * SECOND, Target(), "OOMKilled", 137) for at in (0, 5, 20)]
    what = made(*crashes, stages={"create": EVERY.create})
    assert word(what, AT + SECOND) == "OOMKilled"
    again = only(pods_at(what, AT + 3 * SECOND)).columns
    assert (again.status, again.ready, again.restarts, again.last_restart) == ("Running", 0, 1, AT)
    assert word(what, AT + 6 * SECOND) == "OOMKilled"
    assert word(what, AT + 21 * SECOND) == "OOMKilled"
    later = only(pods_at(what, AT + 29 * SECOND)).columns
    assert (later.status, later.restarts, later.last_restart) == ("OOMKilled", 2, AT + 5 * SECOND)
    seen = {word(what, AT + at * SECOND) for at in range(30, 60)}
    assert seen == {"OOMKilled", "CrashLoopBackOff", "Running"}, (
        "the sync that starts it again is the first to say so"
    )


def test_a_missing_image_is_an_error_and_then_a_back_off_and_an_error_again() -> None:
    what = made(ImageFault(0), initial="empty")
    words = [word(what, at * SECOND) for at in (1, 9)]
    assert words == ["ErrImagePull", "ErrImagePull"]
    seen = {word(what, at * SECOND) for at in range(0, 200, 4)}
    assert seen == {"ErrImagePull", "ImagePullBackOff"}


def test_init_containers_are_counted_and_those_after_them_wait() -> None:
    spec = with_containers(kubeinfer(1), Container("one", "init:1"), Container("two", "init:1"))
    what = made(spec=spec, initial="empty", stages={"init": EVERY.cold, "image_cold": EVERY.create})
    assert word(what, 10 * SECOND) == "Init:0/2"
    pod = only(pods_at(what, 40 * SECOND))
    assert pod.columns.status == "Init:1/2"
    assert [each.status.state for each in pod.containers] == ["terminated", "running", "waiting"]
    assert conditions(pod)["Initialized"] == (False, "ContainersNotInitialized", 0)
    assert conditions(only(pods_at(what, 5 * MINUTE)))["Initialized"] == (True, "", 62 * SECOND)


def test_of_two_containers_one_can_be_ready_alone() -> None:
    proxy = Container("proxy", "engine:1", readiness_probe=EVERY_SECOND)
    what = made(spec=with_containers(kubeinfer(1), beside=(proxy,)), initial="empty")
    columns = only(pods_at(what, 30 * SECOND)).columns
    assert (columns.ready, columns.containers, columns.status) == (1, 2, "Running")


def test_a_deleted_pod_is_terminating_with_its_containers_as_they_were_until_they_have_stopped() -> None:
    what = made(Scale(AT, 0), stages={"cleanup": EVERY.create})
    pod = only(pods_at(what, AT + SECOND))
    assert (pod.columns.status, pod.columns.ready, pod.deleting) == ("Terminating", 1, AT)
    stopped = only(pods_at(what, AT + 6 * SECOND))
    assert (stopped.columns.status, stopped.columns.ready) == ("Error", 0), "its phase is Failed"
    assert conditions(stopped)["Ready"] == (False, "PodFailed", AT + 5 * SECOND)
    assert pods_at(what, AT + 10 * SECOND).pods == ()


def test_pods_of_a_node_that_is_not_heard_of_stay_as_they_were_but_for_what_the_control_plane_writes() -> (
    None
):
    what = made(NodeDown(AT, ("node-0",)), nodes=3)
    before = only(pods_at(what, AT + 30 * SECOND))
    assert (before.columns.status, before.columns.ready, before.unheard) == ("Running", 1, AT)
    told = conditions(only(pods_at(what, AT + 2 * MINUTE)))
    assert told["ContainersReady"] == (True, "", None)
    status, reason, since = told["Ready"]
    assert (status, reason) == (False, "")
    assert since is not None
    assert AT + 30 * SECOND < since < AT + MINUTE
    evicted = only(pods_at(what, AT + 10 * MINUTE))
    assert (evicted.columns.status, evicted.columns.ready) == ("Terminating", 1)
    assert conditions(evicted)["DisruptionTarget"][:2] == (True, "DeletionByTaintManager")


def test_a_drained_pod_is_a_disruption_target_and_its_peers_are_not() -> None:
    spec = kubeinfer(1, roles={"prefill": 1, "decode": 1})
    what = made(Drain(AT, ("node-0",)), spec=spec, nodes=3)
    disrupted = {
        pod.node: conditions(pod).get("DisruptionTarget", (False, "", None))[1]
        for pod in pods_at(what, AT + SECOND).pods
        if pod.deleting is not None
    }
    assert disrupted == {"node-0": "EvictionByEvictionAPI", "node-1": ""}


def test_looking_does_not_change_what_happens() -> None:
    for seed in range(5):
        what = drawn(seed)
        found = pods_at(what)
        other = simulate(what)
        assert [*found.run.history] == [*other.history]
        assert found.run.ended_at == other.ended_at


# -- any scenario, any moment ---------------------------------------------------------------------------------


@cache
def drawn(seed: int) -> Scenario:
    """Instances of one or two pods, with init containers or a second container, and what befalls them."""
    random = Random(seed)
    startup = Probe(period_seconds=2, failure_threshold=random.choice([5, 60]))
    liveness = Probe(period_seconds=3, failure_threshold=2)
    spec = kubeinfer(
        2,
        roles={"prefill": 1, "decode": 1} if random.random() < 0.4 else None,
        restart=random.choice(["Instance", "Pod", "Custom", "Custom"]),
        startup=startup if random.random() < 0.5 else None,
        liveness=liveness if random.random() < 0.5 else None,
        grace=random.choice([3, 60]),
    )
    init = [Container("fetch", "init:1"), Container("log", "log:1", restart_policy="Always")]
    beside = (Container("proxy", "proxy:1", readiness_probe=EVERY_SECOND),)
    spec = with_containers(
        spec,
        *(each for each in init if random.random() < 0.3),
        beside=beside if random.random() < 0.3 else (),
    )
    actions: list[Action] = []
    for _ in range(random.randint(1, 5)):
        at = AT + random.randrange(0, 300) * SECOND
        name = f"node-{random.randrange(4)}"
        kind = random.randrange(7)
        if kind == 0:
            reason, code = random.choice([("Error", 1), ("OOMKilled", 137), ("Completed", 0)])
            actions += [
                Crash(at + n * 7 * SECOND, Target(), reason, code) for n in range(random.randint(1, 4))
            ]
        elif kind == 1:
            until = at + random.randrange(5, 60) * SECOND
            actions.append(Health(at, Target(), healthy=False, until=until, probes=("readiness", "liveness")))
        elif kind == 2:
            mode = random.choice(["silent", "cutOff", "notReady", "reboot"])
            actions.append(NodeDown(at, (name,), mode, at + random.randrange(10, 400) * SECOND))  # type: ignore[arg-type]
        elif kind == 3:
            actions.append(Drain(at, (name,)))
        elif kind == 4:
            actions.append(Scale(at, random.randrange(4)))
        elif kind == 5:
            actions.append(ImageFault(at, until=at + random.randrange(10, 200) * SECOND))
        else:
            raw = {"revision": f"new{at}", "image": "engine:1"}
            role = spec.roles[0]
            new = replace(
                spec, roles=(replace(role, template=replace(role.template, raw=raw)), *spec.roles[1:])
            )
            actions.append(Apply(at, new))
    actions.sort(key=lambda action: action.at)
    stages = {"create": EVERY.create, "cleanup": EVERY.create, "image_cold": EVERY.cold, "init": EVERY.create}
    base = scenario(spec, 4, 20, 5, actions=tuple(actions), stages=stages)
    return replace(base, initial=random.choice(["running", "empty"]), horizon=AT + 1_000_000, seed=seed)


def moments(seed: int, number: int) -> list[int]:
    random = Random(f"moments {seed}")
    return sorted(
        random.randrange(0, 120_000) if random.random() < 0.2 else AT + random.randrange(0, 600_000)
        for _ in range(number)
    )


@pytest.mark.parametrize("seed", range(60))
def test_at_random_moments_pods_are_as_their_kubelet_and_the_history_have_them(seed: int) -> None:
    what = drawn(seed)
    for at in moments(seed, 4):
        simulation = assemble(what, what.seed)
        play(simulation, until=at)
        found = {pod.ref: pod for pod in simulation.objects.at(at)}
        states = {pod.ref: pod for pod in simulation.workloads.pods() if pod.state is not PodState.GONE}
        assert found.keys() == states.keys()
        for ref, pod in states.items():
            shown, columns = found[ref], found[ref].columns
            assert shown.node == ("" if pod.node is None else pod.node.name)
            assert (columns.status == "Terminating") == (pod.state is PodState.DELETING) or shown.phase in (
                "Failed",
                "Succeeded",
            )
            sidecars = sum(map(is_sidecar, pod.template.init_containers))
            assert columns.ready <= columns.containers == len(pod.template.containers) + sidecars
            if pod.state is PodState.DELETING or shown.unheard is not None:
                continue
            ready = conditions(shown).get("Ready", (False, "", None))[0]
            assert ready == pod.ready, columns
            if ready:
                assert (columns.ready, columns.status) == (columns.containers, "Running")


@pytest.mark.parametrize("seed", range(20))
def test_the_result_shows_the_pods_at_the_end(seed: int) -> None:
    found = pods_at(drawn(seed))
    result = build_result(assess(found.run))
    told = {
        pod.name: (
            pod.phase,
            [(each.type, each.status, each.last_transition_time_ms) for each in pod.conditions],
        )
        for life in result.instances
        for pod in life.pods
        if pod.gone_at_ms is None
    }
    assert told == {
        pod.ref.name: (
            pod.phase,
            [(each.condition.type, each.condition.status, each.since) for each in pod.conditions],
        )
        for pod in found.pods
    }


@pytest.mark.parametrize("seed", range(30))
def test_a_condition_has_held_since_the_very_moment_it_names(seed: int) -> None:
    what = drawn(seed)
    for at in moments(seed, 2):
        for pod in pods_at(what, at).pods:
            for kind, (status, _, since) in conditions(pod).items():
                if since is None:
                    continue
                then = {each.ref: each for each in pods_at(what, since).pods}
                assert conditions(then[pod.ref])[kind][0] == status, (kind, at, since)
                if since == 0:
                    continue
                before = {each.ref: each for each in pods_at(what, since - 1).pods}
                if pod.ref in before:
                    assert conditions(before[pod.ref]).get(kind, (None,))[0] != status, (kind, at, since)

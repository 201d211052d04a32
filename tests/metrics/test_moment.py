"""A run at one time: states, causes and ends, held against a plain replay of the history."""

from __future__ import annotations

import random

import pytest
from building import kubeinfer, scenario
from msgspec.structs import replace

from kubeinfer_sim.cluster.records import InstanceRef
from kubeinfer_sim.controllers.kubeinfer.records import InstanceReady, InstanceRestarting, SpecApplied
from kubeinfer_sim.engine.history import NO_CAUSE, History
from kubeinfer_sim.metrics import measure
from kubeinfer_sim.metrics.moment import Moment, look
from kubeinfer_sim.scenario.actions.model import Apply, Crash, Drain, Health, NodeDown, Scale, Target
from kubeinfer_sim.scenario.model import Scenario
from kubeinfer_sim.simulation.run import Run
from kubeinfer_sim.simulation.simulate import simulate

MINUTE = 60_000


def crash(at: int, *instances: int) -> Crash:
    return Crash(at, Target(instances=instances))


def at(run: Run, when: int) -> Moment:
    return look(run.history, when, run.ended_at)


def two_instances(*actions: object, **fields: object) -> Scenario:
    made = scenario(kubeinfer(2), 3, load=60, term=10)
    return replace(made, actions=actions, **fields)  # type: ignore[arg-type]


def test_before_anything_happens_all_are_ready_and_the_first_thing_is_named() -> None:
    run = simulate(two_instances(crash(MINUTE, 1)))
    moment = at(run, MINUTE - 1)
    assert (moment.quiet, moment.ready, moment.wanted) == (True, 2, 2)
    assert moment.first is not None
    assert moment.first.at == MINUTE
    assert all(each.state == "ready" and each.since == 0 for each in moment.instances)
    assert [each.ending for each in moment.instances] == ["never", "notReady"]


def test_what_follows_from_the_start_a_millisecond_later_has_happened() -> None:
    history = History()
    history.append(SpecApplied(0, NO_CAUSE, "infer", 1, "r", 1, 1, 0, ("created",), "running", ()))
    history.append(InstanceReady(1, 0, InstanceRef(7, "infer", 0)))
    first = look(history, 0, 10).first
    assert first is not None
    assert first.at == 1


def test_what_happens_in_an_instant_counts_in_that_instant() -> None:
    run = simulate(two_instances(crash(MINUTE, 1)))
    moment = at(run, MINUTE)
    assert not moment.quiet
    assert [each.state for each in moment.instances] == ["ready", "notReady"]


def test_a_crashed_instance_is_told_from_the_crash_on_and_until_it_is_ready_again() -> None:
    run = simulate(two_instances(crash(MINUTE, 1)))
    each = at(run, MINUTE + 30_000).instances[1]
    assert (each.state, each.since) == ("notReady", MINUTE)
    assert each.causes[0].cause == NO_CAUSE
    assert type(each.causes[0]).__name__ == "ContainerCrashed"
    assert any(isinstance(record, InstanceRestarting) for record in each.causes)
    ready = next(r for r in run.history.of(InstanceReady) if r.at > MINUTE)
    assert (each.ending, each.ended_at) == ("ready", ready.at)
    assert each.following[-1] is ready
    assert all(record.at > MINUTE + 30_000 for record in each.following)


def test_pods_that_stop_are_told_with_their_node_and_stage() -> None:
    run = simulate(two_instances(crash(MINUTE, 1)))
    each = at(run, MINUTE + 5_000).instances[1]
    assert [(pod.node, str(pod.stage), pod.since, pod.until) for pod in each.pods] == [
        ("node-1", "exit", MINUTE, MINUTE + 10_000)
    ]
    loading = at(run, MINUTE + 15_000).instances[1].pods
    assert [(str(pod.stage), pod.since, pod.until) for pod in loading] == [
        ("warmUp", MINUTE + 10_000, MINUTE + 70_000)
    ]


def test_an_instance_without_room_waits_for_a_place_for_ever() -> None:
    run = simulate(replace(scenario(kubeinfer(2), 1, load=60), initial="empty"))
    each = at(run, run.ended_at).instances[1]
    assert (each.state, each.ending, each.ended_at) == ("starting", "never", None)
    assert [(str(pod.stage), pod.node, pod.until) for pod in each.pods] == [("pending", "", None)]
    assert type(each.causes[-1]).__name__ == "GangPending"


def test_an_instance_being_replaced_is_terminating_because_of_the_update() -> None:
    update = Apply(MINUTE, kubeinfer(2, surge=0, unavailable=1, revision="new"))
    run = simulate(replace(scenario(kubeinfer(2, 0, 1), 2, load=60, term=10), actions=(update,)))
    going = [each for each in at(run, MINUTE + 5_000).instances if each.state == "terminating"]
    assert [(each.since, each.ending, each.ended_at) for each in going] == [(MINUTE, "gone", MINUTE + 10_000)]
    assert type(going[0].causes[0]).__name__ == "SpecApplied"


def test_a_machine_that_is_down_and_a_cordon_last_until_they_end() -> None:
    down = NodeDown(MINUTE, ("node-2",), "cutOff", until=3 * MINUTE)
    run = simulate(two_instances(down, Drain(2 * MINUTE, ("node-0",))))

    def lasting(when: int) -> list[tuple[str, int | None]]:
        return [(type(each.record).__name__, each.until) for each in at(run, when).under_way]

    assert lasting(2 * MINUTE) == [("NodeFailed", 3 * MINUTE), ("NodeCordoned", None)]
    assert lasting(4 * MINUTE) == [("NodeCordoned", None)]


def random_scenario(seed: int) -> Scenario:
    source = random.Random(seed)
    actions: list[object] = []
    for _ in range(source.randrange(1, 7)):
        when = source.randrange(0, 20) * MINUTE
        target = Target(instances=(source.randrange(3),))
        kind = source.randrange(6)
        if kind == 0:
            actions.append(Crash(when, target))
        elif kind == 1:
            actions.append(Health(when, target, healthy=False, until=when + 2 * MINUTE))
        elif kind == 2:
            actions.append(Apply(when, kubeinfer(3, revision=f"v{when}")))
        elif kind == 3:
            actions.append(Scale(when, source.randrange(5)))
        elif kind == 4:
            node = (f"node-{source.randrange(4)}",)
            actions.append(NodeDown(when, node, "reboot", until=when + 5 * MINUTE))
        else:
            actions.append(Drain(when, (f"node-{source.randrange(4)}",)))
    actions.sort(key=lambda each: each.at)  # type: ignore[attr-defined]
    made = scenario(kubeinfer(3), 4, load=60, term=10)
    return replace(made, actions=tuple(actions), horizon=40 * MINUTE)  # type: ignore[arg-type]


@pytest.mark.parametrize("seed", range(25))
def test_at_any_time_of_random_runs_the_moment_agrees_with_the_measured_numbers(seed: int) -> None:
    run = simulate(random_scenario(seed))
    measures = measure(run.history, ended_at=run.ended_at, end=run.end)
    source = random.Random(seed)
    times = {record.at for record in run.history} | {source.randrange(run.ended_at + 1) for _ in range(10)}
    for when in sorted(times)[:60]:
        moment = at(run, when)
        assert moment.ready == measures.ready.at(when)
        assert moment.wanted == measures.desired.at(when)
        assert moment.ready == sum(each.state == "ready" for each in moment.instances)
        for each in moment.instances:
            assert each.since <= when
            assert each.causes[0].cause == NO_CAUSE
            assert [record.id for record in each.causes] == sorted({record.id for record in each.causes})
            assert all(record.at <= when for record in each.causes)
            assert (each.ended_at is None) == (each.ending == "never")
            assert each.ended_at is None or each.ended_at > when
            # Its state lasts: one millisecond before its end it is the same one.
            if each.ended_at is not None:
                later = look(run.history, each.ended_at - 1, run.ended_at).instances
                same = next(other for other in later if other.instance == each.instance)
                assert (same.state, same.since, same.ending) == (each.state, each.since, each.ending)

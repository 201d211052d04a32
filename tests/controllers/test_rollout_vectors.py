"""InstanceRollingUpdate against worked traces: every event of every trace, and every fencepost."""

from __future__ import annotations

from typing import Any

import pytest
from building import budget, kubeinfer, scenario, stage_timings
from msgspec.structs import replace

from kubeinfer_sim.cluster.records import GangScheduled
from kubeinfer_sim.controllers.kubeinfer.budget import BothZero, resolve
from kubeinfer_sim.controllers.kubeinfer.records import (
    InstanceConcerning,
    InstanceCreated,
    InstanceDeleting,
    InstanceGone,
    InstanceReady,
    SpecApplied,
    Stalled,
    UpdateCompleted,
)
from kubeinfer_sim.manifest.model import RollingUpdate
from kubeinfer_sim.scenario.actions.model import Action, Apply, Health, Scale, Target
from kubeinfer_sim.scenario.model import Assumptions
from kubeinfer_sim.scenario.timings.distributions import Never
from kubeinfer_sim.scenario.timings.model import Timings
from kubeinfer_sim.simulation.run import Run
from kubeinfer_sim.simulation.simulate import simulate

#: Room between the start of the simulation and the update, for what the trace says happened before it.
BEFORE = 100_000_000


@pytest.mark.vectors("kubeinfer_rollout", key="fenceposts")
def test_budgets_resolve_to_the_fencepost(case: dict[str, Any]) -> None:
    rolling_update = RollingUpdate(budget(case["maxSurge"]), budget(case["maxUnavailable"]))
    expect = case["expect"]
    if "error" in expect:
        with pytest.raises(BothZero):
            resolve(rolling_update, case["replicas"])
        return
    resolved = resolve(rolling_update, case["replicas"])
    assert resolved.surge == expect["surge"]
    assert resolved.unavailable == expect["unavailable"]
    assert resolved.min_available == expect["minAvailable"]
    assert resolved.ceiling == expect["ceiling"]
    assert list(resolved.warnings) == expect.get("warnings", [])


@pytest.mark.parametrize(
    ("replicas", "surge", "unavailable", "warnings"),
    [
        (3, 1, 0, []),
        (1, 1, 0, ["single instance: needs room for a second instance during the update"]),
        (1, 0, 1, ["no instance is guaranteed to stay up"]),
        (2, 3, 2, ["surge above replicas has no further effect", "no instance is guaranteed to stay up"]),
        (3, "0%", "30%", ["both resolve to 0: unavailable raised to 1"]),
        (0, 0, "30%", []),
    ],
)
def test_what_a_user_should_know_of_budgets_is_said(
    replicas: int, surge: int | str, unavailable: int | str, warnings: list[str]
) -> None:
    resolved = resolve(RollingUpdate(budget(surge), budget(unavailable)), replicas)
    assert [*resolved.warnings] == warnings


@pytest.mark.vectors("kubeinfer_rollout", key="traces")
def test_a_rollout_goes_event_for_event_as_in_the_trace(case: dict[str, Any]) -> None:
    run, config = play(case["config"])
    expect = case["expect"]
    events = list(trace(run))
    assert in_order(events) == in_order(expect["events"])
    assert events[-1]["t"] == expect["lastEventAt"] if events else expect["lastEventAt"] in (0, None)
    figures = measure(run, config)
    for key in ("minReady", "maxLive", "finalOrdinals", "finalRevisions", "readyAtEnd", "completed"):
        assert figures[key] == expect[key], key
    assert figures["stalled"] == expect.get("stalled", False)
    if expect.get("allNewReadyAt") is not None:
        assert figures["allNewReadyAt"] == expect["allNewReadyAt"]
    if expect.get("lostInstanceSeconds") is not None:
        assert figures["lostInstanceSeconds"] == expect["lostInstanceSeconds"]


def play(config: dict[str, Any]) -> tuple[Run, dict[str, Any]]:
    """Run a trace's configuration: R old instances that run, a new template at the trace's time 0."""

    def spec(revision: str, replicas: int = config["R"]) -> Any:
        roles = {"role0": 1}
        if config.get("newBroken") and revision != "old":
            roles = {"broken": 1}
        return kubeinfer(replicas, config["S"], config["U"], revision, roles)

    actions: list[Action] = []
    for ordinal in config.get("unready", ()):
        # 1 ms before the tick that finds it.
        since = BEFORE - round(config.get("unreadyFor", 3600) * 1000)
        actions.append(Health(since - 1, Target(instances=(ordinal,)), healthy=False))
    actions.append(Apply(BEFORE, spec("new")))
    current, replicas = "new", config["R"]
    for at, kind, *value in config.get("actions", ()):
        when = BEFORE + round(at * 1000)
        match kind:
            case "template":
                current = value[0]
                actions.append(Apply(when, spec(current, replicas)))
            case "scale":
                replicas = value[0]
                actions.append(Scale(when, replicas))
            case "unready" | "ready":
                target = Target(instances=(value[0],))
                actions.append(Health(when - 1, target, healthy=kind == "ready"))
            case _:
                raise ValueError(f"a trace with an action this test does not know: {kind}")
    actions.sort(key=lambda action: action.at)
    made = scenario(
        spec("old"),  # created at 0 and ready long before the trace begins, its probes on whole seconds
        config["cap"] if config.get("cap") is not None else 4 * (config["R"] + config["S"]) + 20,
        initial="empty",
        actions=tuple(actions),
        assumptions=Assumptions(replacement=config.get("replace", "TerminationComplete")),
        timings=Timings(
            stage_timings(config["load"], config["term"]),
            {"broken": stage_timings(0, config["term"], warm_up=Never())},
        ),
    )
    return simulate(made), config


def trace(run: Run) -> Any:
    """The run's history as a trace's events, from the update on; the update itself is not an event."""
    names = {spec.revision: name for name, spec in revisions(run).items()}
    revision_of = {r.instance.uid: names[r.revision] for r in run.history.of(InstanceCreated)}
    first = True
    for record in run.history:
        if record.at < BEFORE:
            continue
        event: dict[str, Any] = {"t": (record.at - BEFORE) / 1000}
        match record:
            case InstanceCreated():
                event["event"] = "create"
            case GangScheduled():
                event["event"] = "schedule"
            case InstanceReady():
                event["event"] = "ready"
            case InstanceDeleting():
                event["event"] = "delete"
            case InstanceGone():
                event["event"] = "gone"
            case SpecApplied(changed=("template",)) | SpecApplied(changed=("template", "replicas")):
                if not first:
                    yield event | {"event": "templateChange", "revision": names[record.revision]}
                first = False
                continue
            case _:
                continue
        yield event | {
            "ordinal": record.instance.ordinal,
            "revision": revision_of[record.instance.uid],
        }


def revisions(run: Run) -> dict[str, Any]:
    specs = [run.scenario.kubeinfer]
    specs += [action.workload for action in run.scenario.actions if isinstance(action, Apply)]
    return {spec.roles[0].template.raw["revision"]: spec for spec in specs}


def in_order(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Events with what the world does at one instant (ready, gone) in one order: that is a tie, no decision."""
    world = ("ready", "gone")
    keys = []
    block = 0
    for index, event in enumerate(events):
        before = events[index - 1] if index else None
        tied = (
            before is not None
            and before["t"] == event["t"]
            and before["event"] in world
            and event["event"] in world
        )
        block += not tied
        keys.append((block, event["event"], event.get("ordinal", 0)))
    return [event for _, event in sorted(zip(keys, events, strict=True), key=lambda pair: pair[0])]


def measure(run: Run, config: dict[str, Any]) -> dict[str, Any]:
    """The trace's figures, counted over again from the history alone, from the update on."""
    names = {spec.revision: name for name, spec in revisions(run).items()}
    revision_of: dict[int, str] = {}
    ready: set[int] = set()
    live: dict[int, int] = {}
    ready_at: dict[int, int] = {}
    wanted = config["R"]
    min_ready, max_live, lost, at = None, 0, 0, BEFORE
    completed_at = None
    last_spec = "old"
    records = list(run.history)
    for index, record in enumerate(records):
        if record.at > BEFORE and completed_at is None:
            lost += max(0, wanted - len(ready)) * (record.at - max(at, BEFORE))
        at = record.at
        match record:
            case InstanceCreated():
                revision_of[record.instance.uid] = names[record.revision]
                live[record.instance.uid] = record.instance.ordinal
            case InstanceReady():
                ready.add(record.instance.uid)
                ready_at[record.instance.uid] = record.at
            case InstanceConcerning() | InstanceDeleting():
                ready.discard(record.instance.uid)
            case InstanceGone():
                del live[record.instance.uid]
            case SpecApplied():
                wanted, last_spec = record.replicas, names[record.revision]
                completed_at = None
            case UpdateCompleted():
                completed_at = record.at
        if record.at >= BEFORE and (index + 1 == len(records) or records[index + 1].at > record.at):
            min_ready = len(ready) if min_ready is None else min(min_ready, len(ready))
            max_live = max(max_live, len(live))
    new_ready = [ready_at[uid] for uid in ready if revision_of[uid] == last_spec]
    all_ready_at = max(0, *new_ready, BEFORE) - BEFORE if len(new_ready) == wanted else None
    finals = sorted(live.values())
    count: dict[str, int] = {}
    for uid in live:
        count[revision_of[uid]] = count.get(revision_of[uid], 0) + 1
    return {
        "completed": completed_at is not None,
        "minReady": min_ready,
        "maxLive": max_live,
        "finalOrdinals": finals,
        "finalRevisions": count,
        "readyAtEnd": len(ready),
        "stalled": completed_at is None and any(True for _ in run.history.of(Stalled)),
        "allNewReadyAt": all_ready_at if all_ready_at is None else all_ready_at / 1000,
        "lostInstanceSeconds": lost / 1000,
    }


def test_the_serial_rollout_of_kthenas_guide_takes_4080_s_and_loses_4080_instance_seconds() -> None:
    # https://kthena.volcano.sh: 4 groups, maxUnavailable 1, stop 60 s, start 960 s.
    run, config = play({"R": 4, "S": 0, "U": 1, "load": 960, "term": 60})
    figures = measure(run, config)
    assert figures["allNewReadyAt"] == 4 * (60 + 960) == 4080
    assert figures["lostInstanceSeconds"] == 4080
    assert figures["minReady"] == 3


@pytest.mark.parametrize(("surge", "unavailable"), [(1, 0), (0, 1), (2, 0), (0, 3), (3, 0)])
@pytest.mark.parametrize("replicas", [1, 4, 7, 10])
def test_surge_only_and_unavailable_only_rollouts_take_the_closed_sum(
    replicas: int, surge: int, unavailable: int
) -> None:
    load, term = 600, 120
    run, _ = play({"R": replicas, "S": surge, "U": unavailable, "load": load, "term": term})
    step = surge or min(unavailable, replicas)
    completed = [r.at - BEFORE for r in run.history.of(UpdateCompleted) if r.generation == 2]
    assert completed == [-(-replicas // step) * (load + term) * 1000]


def test_with_termination_started_a_surge_rollout_overlaps_termination_and_load() -> None:
    run, _ = play({"R": 6, "S": 2, "U": 0, "load": 600, "term": 120, "replace": "TerminationStarted"})
    completed = [r.at - BEFORE for r in run.history.of(UpdateCompleted) if r.generation == 2]
    assert completed == [(3 * 600 + 120) * 1000]


def test_an_unchanged_template_rolls_nothing() -> None:
    base = kubeinfer(3)
    changed = replace(base, labels={"team": "a"}, raw={"metadata": {"labels": {"team": "a"}}})
    run = simulate(scenario(base, 4, 600, 120, actions=(Apply(1000, changed),)))
    assert not list(run.history.of(InstanceDeleting))
    assert [r.changed for r in run.history.of(SpecApplied)] == [("created",), ("metadata",)]

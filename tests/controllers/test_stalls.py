"""When an update does not go on by itself, what is told of that, and when it does again (rules 7 and 8)."""

from __future__ import annotations

from typing import Any

import pytest
from building import kubeinfer, scenario
from controllers.playing import Event, crash, of, play
from field.user import Raw, User, asking
from field.user import kubeinfer as written

from kubeinfer_sim.cluster.records import PodReady
from kubeinfer_sim.controllers.kubeinfer.records import InstanceReady, Stalled, StallEnded, UpdateAborted
from kubeinfer_sim.manifest.model import Probe
from kubeinfer_sim.scenario.actions.model import Apply, Cordon
from kubeinfer_sim.scenario.model import Assumptions
from kubeinfer_sim.simulation.run import Run

#: A startup probe that gives up 10 s before the engine has loaded.
SHORT = Probe(period_seconds=10, failure_threshold=5)


def updated(
    nodes: int, *events: Event, replicas: int = 1, surge: int = 1, new: Any = None, **fields: Any
) -> Run:
    """Instances that load for 60 s get a new revision at 200 s."""
    update = Apply(200_000, kubeinfer(replicas, surge, 0, "new", **(new or {})))
    actions = (update, *fields.pop("actions", ()))
    old = kubeinfer(replicas, surge, 0)
    return play(scenario(old, nodes, 60, 10, actions=actions, horizon=1_000_000, **fields), *events)


def told(run: Run) -> list[tuple[float, str]]:
    """When it stalls, with the reason, and when it goes on."""
    records = (record for record in run.history if isinstance(record, Stalled | StallEnded))
    return [(each.at / 1000, each.reason if isinstance(each, Stalled) else "") for each in records]


def test_an_update_stalls_where_there_is_no_place_also_after_an_instance_has_recovered() -> None:
    assert told(updated(1, crash(10))) == [(200, "Unschedulable")]


def test_a_stall_ends_as_soon_as_there_is_a_place() -> None:
    cordons = (Cordon(100_000, ("node-1",)), Cordon(500_000, ("node-1",), uncordon=True))
    assert told(updated(2, actions=cordons)) == [(200, "Unschedulable"), (500, "")]


def test_an_instance_that_fails_during_its_start_and_then_finds_no_place_waits_for_that() -> None:
    run = updated(2, crash(220, ordinal=1), actions=(Cordon(210_000, ("node-1",)),))
    assert told(run) == [(230, "Unschedulable")], "when it is gone"


def test_what_fails_is_told_before_what_has_no_place() -> None:
    run = updated(
        3, replicas=2, surge=2, new={"startup": SHORT}, assumptions=Assumptions(startup_crash="kubelet")
    )
    stall = of(run, Stalled)[0]
    assert (stall.at, stall.reason) == (260_000, "NewRevisionNotReady"), "50 s, and 10 s to end"
    assert stall.detail.startswith("infer-2: StartupProbeFailed; needs 1 node × 8 ")


def test_an_engine_that_dies_again_before_it_is_ready_holds_an_update_up() -> None:
    """Of one that was ready the first time is taken for a reload; the other instance has no place all along."""
    made = scenario(kubeinfer(2, restart="Custom"), 1, 60, 10, initial="empty", horizon=1_000_000)
    run = play(made, crash(100), crash(130))
    assert told(run)[:3] == [(60, "Unschedulable"), (100, ""), (130, "NewRevisionNotReady")]


@pytest.mark.parametrize(
    ("nodes", "new", "aborts"),
    [(1, {}, True), (2, {"startup": SHORT}, False)],
    ids=["no place", "crash loop"],
)
def test_an_update_is_aborted_for_want_of_a_place_but_not_for_what_may_yet_start(
    nodes: int, new: dict[str, Any], aborts: bool
) -> None:
    run = updated(nodes, new=new, assumptions=Assumptions(on_stall="abort"))
    assert told(run)
    assert bool(of(run, UpdateAborted)) is aborts


def test_an_instance_is_ready_because_its_last_pod_is() -> None:
    run = play(scenario(kubeinfer(1, roles={"a": 2}), 2, 60, 10, initial="empty"), crash(100, "a", 1))
    ready = of(run, InstanceReady)
    assert len(ready) == 2
    assert all(
        type(run.history[each.cause]) is PodReady and each.at == run.history[each.cause].at for each in ready
    )


# -- refusals, through the command line ---------------------------------------------------------------------


CHECK = {"exec": {"command": ["true"]}, "periodSeconds": 1}


def quota(pods: int) -> Raw:
    metadata = {"name": "q", "namespace": "prod"}
    return {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": metadata,
        "spec": {"hard": {"pods": pods}},
    }


def allowed(at: str, pods: int) -> Raw:
    return {"at": at, "object": "ResourceQuota/q", "patchObject": {"spec": {"hard": {"pods": pods}}}}


def stalls(user: User) -> list[tuple[int, int | None, str]]:
    return [(each["atMs"], each["endedAtMs"], each["reason"]) for each in user.runs()[1]["stalls"]]


def test_an_instance_whose_pods_are_taken_at_last_is_on_its_way(user: User) -> None:
    """5 ms, 10 ms, 20 ms … lead to 81.915 s; then its engine is not ready for a minute."""
    user.plans(
        written({**asking(npu=8), "readinessProbe": {**CHECK, "initialDelaySeconds": 60}}, replicas=1),
        quota(0),
        cluster="1x8",
        initial="empty",
        actions=[allowed("1m", 1)],
        horizon="10m",
    )
    assert stalls(user) == [(0, 81_915, "NewRevisionNotReady")]


def test_an_instance_that_was_ready_and_whose_pods_are_refused_is_not_on_its_way(user: User) -> None:
    """The other one has had no place all along; for 10 s nothing is said of one that was ready just now."""
    actions = [
        {"at": "1m", "cordon": "node-0"},
        allowed("2m", 1),
        {"at": "3m", "deletePod": {"instances": [0]}},
    ]
    pods = written(asking(npu=8), replicas=2)
    user.plans(pods, quota(2), cluster="1x8", initial="empty", actions=actions, horizon="10m")
    assert stalls(user) == [(0, 180_000, "Unschedulable"), (190_000, None, "NewRevisionNotReady")]

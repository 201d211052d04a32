"""Gangs that wait, for either scheduler, in whole runs: when they are looked at, what is told of them, and by whom."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from field.user import NPU, Raw, User, asking, bare_pod, deployment, kubeinfer

from kubeinfer_sim.cluster.records import GangPending, GangScheduled, PodPreempted
from kubeinfer_sim.controllers.kubeinfer.records import Stalled
from kubeinfer_sim.engine.streams import Streams
from kubeinfer_sim.scenario.load import load_scenario
from kubeinfer_sim.simulation.run import Run
from kubeinfer_sim.simulation.simulate import simulate

BY_VOLCANO = {"schedulerName": "volcano"}
#: Seconds into the run of the first of Volcano's cycles, to the millisecond.
FIRST_CYCLE = int(Streams(0).named("volcano/cycle").random() * 1000) / 1000


@pytest.fixture
def user(tmp_path: Path) -> User:
    return User(tmp_path)


def played(user: User, *manifest: Raw, cluster: Any = "1x8", **spec: Any) -> Run:
    """The run of a scenario that begins with an empty cluster."""
    user.plans(*manifest, cluster=cluster, initial="empty", **spec)
    return simulate(load_scenario(str(user.folder / "scenario.yaml")))


def waits(run: Run) -> list[tuple[int, str]]:
    """When it is told of whom that it waits."""
    return [(each.at, each.instance.name) for each in run.history.of(GangPending)]


def placed(run: Run) -> list[tuple[int, str]]:
    return [(each.at, each.instance.name) for each in run.history.of(GangScheduled)]


def whole(kind: Any, replicas: int = 1, **fields: Any) -> Raw:
    """Pods of a whole node each."""
    return kind(asking(npu=8), replicas=replicas, **fields)


def test_a_pod_without_an_owner_that_has_no_place_is_told_to_have_none_in_the_instant_in_which_it_came(
    user: User,
) -> None:
    actions = [{"at": "5m", "cordon": ["node-0"]}]
    run = played(user, bare_pod(asking(npu=9)), actions=actions)
    assert waits(run)[0] == (0, "p")


def test_what_comes_in_the_very_instant_of_a_cycle_is_placed_by_it(user: User) -> None:
    actions = [{"at": f"{10 + FIRST_CYCLE:.3f}s", "create": whole(kubeinfer, **BY_VOLCANO)}]
    other = whole(deployment, replicas=0)
    other["metadata"]["name"] = "other"
    run = played(user, other, actions=actions)
    assert placed(run) == [(round(1000 * (10 + FIRST_CYCLE)), "chat-0")]


def test_an_instance_that_volcano_has_looked_at_in_vain_is_told_of_in_that_cycle(user: User) -> None:
    run = played(user, whole(kubeinfer, 2, **BY_VOLCANO))
    cycle = round(1000 * FIRST_CYCLE)
    assert placed(run) == [(cycle, "chat-0")]
    assert waits(run)[0] == (cycle, "chat-1")


@pytest.mark.parametrize("scheduler", [{}, BY_VOLCANO], ids=["kube-scheduler", "Volcano"])
def test_an_instance_that_is_not_wanted_any_more_gets_no_place_that_comes_free(
    user: User, scheduler: Raw
) -> None:
    """Beside a workload of Volcano's; and though a finalizer keeps its pods' objects."""
    made = whole(kubeinfer, 2, **scheduler)
    (role,) = made["spec"]["template"]["spec"]["roles"]
    role["template"]["metadata"]["finalizers"] = ["example.com/kept"]
    other = deployment({}, replicas=1, **BY_VOLCANO)
    other["metadata"]["name"] = "other"
    actions = [
        {"at": "1m", "object": "KubeInfer/chat", "scale": 1},
        {"at": "2m", "addNodes": {"name": "more", "count": 1, "allocatable": {NPU: 8}}},
    ]
    run = played(user, made, other, actions=actions, horizon="5m")
    assert [name for _, name in placed(run) if name.startswith("chat")] == ["chat-0"]


def test_an_instance_that_the_next_cycle_places_is_not_stalled(user: User) -> None:
    """A node joins, and one of two instances that wait is not wanted any more: the other one has its place soon."""
    actions = [
        {"at": "1m", "addNodes": {"name": "more", "count": 1, "allocatable": {NPU: 8}}},
        {"at": "1m", "scale": 2},
    ]
    run = played(user, whole(kubeinfer, 3, **BY_VOLCANO), actions=actions, horizon="5m")
    assert [name for _, name in placed(run)] == ["chat-0", "chat-1"]
    assert [each.at for each in run.history.of(Stalled)] == [round(1000 * FIRST_CYCLE)]


def test_of_two_pods_of_one_priority_the_younger_one_goes_whichever_scheduler_placed_it(user: User) -> None:
    def alone(name: str, **pod: Any) -> Raw:
        made = whole(deployment, labels={"of": name}, **pod)
        made["metadata"]["name"] = name
        made["spec"]["selector"] = {"matchLabels": {"of": name}}
        return made

    high = {"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "value": 10}
    actions = [
        {"at": "3h", "create": alone("older", **BY_VOLCANO)},
        {"at": "3h2s", "create": alone("younger")},
        {"at": "4h", "create": alone("urgent", priorityClassName="high")},
    ]
    first = alone("first", **BY_VOLCANO)
    first["spec"]["replicas"] = 0
    run = played(
        user, first, {**high, "metadata": {"name": "high"}}, cluster="2x8", actions=actions, horizon="5h"
    )
    assert [each.pod.partition("-")[0] for each in run.history.of(PodPreempted)] == ["younger"]


def test_of_several_instances_that_wait_one_alone_is_told_what_would_give_it_a_place(user: User) -> None:
    """The third waits from the start; the first is made anew when its node takes no more pods."""
    actions = [{"at": "10m", "cordon": ["node-0"]}, {"at": "11m", "deletePod": {"instances": [0]}}]
    run = played(user, whole(kubeinfer, 3), cluster="2x8", actions=actions, horizon="1h")
    assert {name for _, name in waits(run)} == {"chat-0", "chat-2"}
    assert [each.instance.name for each in run.history.of(GangPending) if each.ways] == ["chat-2"]


def test_a_gang_that_lacks_more_than_room_is_told_to_have_no_place_and_what_it_waits_for(user: User) -> None:
    """Its queue and the nodes are too small for it."""
    made = kubeinfer(asking(npu=16), replicas=1, **BY_VOLCANO)
    (role,) = made["spec"]["template"]["spec"]["roles"]
    role["template"]["metadata"]["annotations"] = {"scheduling.volcano.sh/queue-name": "small"}
    queue = {
        "apiVersion": "scheduling.volcano.sh/v1beta1",
        "kind": "Queue",
        "metadata": {"name": "small"},
        "spec": {"weight": 1, "capability": {NPU: 4}},
    }
    user.plans(made, queue, cluster="2x8", initial="empty", horizon="1h")
    _, result = user.runs()
    said = (
        f"chat-0 has no place: queue small may have 4 {NPU} by its capability and has 0 in use, and PodGroup"
    )
    assert said in result["verdict"]["sentence"]
    assert f"; besides, chat-0-serve-0 needs 1 node × 16 {NPU}" in result["verdict"]["sentence"]


def test_what_a_gang_waits_for_is_told_once_as_long_as_it_is_the_same(user: User) -> None:
    """A node gets a label that nobody looks at; later one is cordoned, of which the reasons of the nodes tell."""
    labels = {"at": "10m", "labelNodes": {"nodes": ["node-0"], "labels": {"rack": "r1"}}}
    cordon = {"at": "20m", "cordon": ["node-0"]}
    run = played(user, whole(kubeinfer, 2), actions=[labels, cordon], horizon="1h")
    assert [at for at, _ in waits(run) if 0 < at < 3_600_000] == [1_200_000]

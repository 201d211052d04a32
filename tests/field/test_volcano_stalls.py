"""What Volcano's next cycle places, or has promised places that become free by themselves, is not stalled."""

from __future__ import annotations

from typing import Any

import pytest
from field.user import Raw, User, asking, deployment, kubeinfer

STALLED = "nothing goes on by itself"


def named(name: str, pods: int) -> Raw:
    """A KubeInfer of one instance with so many pods of a whole node each."""
    made = kubeinfer(asking(npu=8), replicas=1, schedulerName="volcano")
    made["metadata"]["name"] = name
    made["spec"]["template"]["spec"]["roles"][0]["replicas"] = pods
    return made


def alone(name: str, pods: int) -> list[Raw]:
    """A KubeInfer, which brings its own PodGroup."""
    return [named(name, pods)]


def grouped(name: str, pods: int) -> list[Raw]:
    """A Deployment of so many such pods, and the PodGroup that they name."""
    made = deployment(asking(npu=8), replicas=pods, labels={"of": name}, schedulerName="volcano")
    made["metadata"]["name"] = name
    made["spec"]["template"]["metadata"]["annotations"] = {"scheduling.k8s.io/group-name": name}
    made["spec"]["selector"] = {"matchLabels": {"of": name}}
    group = {
        "apiVersion": "scheduling.volcano.sh/v1beta1",
        "kind": "PodGroup",
        "metadata": {"name": name, "namespace": "prod"},
        "spec": {"minMember": pods},
    }
    return [group, made]


def test_a_gang_that_fits_and_waits_for_the_next_cycle_is_not_stalled(user: User) -> None:
    made = kubeinfer(asking(npu=8), replicas=2, surge=1, schedulerName="volcano")
    made["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] = 1
    made["spec"]["template"]["spec"]["roles"][0]["replicas"] = 2
    timings = {"profile": "zero", "exit": "20s"}
    goals = {"noStall": True, "completes": True}
    user.plans(made, cluster="4x8", timings=timings, update={"newRevision": True}, objectives=goals)
    for seed in range(5):
        done, _ = user.runs("--seed", str(seed))
        assert done.returncode == 0, done.stdout
        assert "no stall (measured: 0)" in done.stdout


@pytest.mark.parametrize(("gang", "says"), [(alone, True), (grouped, False)])
def test_a_gang_with_promised_places_goes_on_by_itself(user: User, gang: Any, says: bool) -> None:
    actions = [
        {"at": "10s", "create": gang("big", 3)},
        {"at": "1m", "object": f"{gang('old', 2)[-1]['kind']}/old", "scale": 0},
        {"at": "1m3s", "create": gang("small", 1)},
    ]
    timings = {"profile": "zero", "exit": "15s"}
    user.plans(*gang("old", 2), cluster="3x8", timings=timings, actions=actions, horizon="5m")
    before = user.types("why", "scenario.yaml", "--at", "50s").stdout
    meanwhile = " ".join(user.types("why", "scenario.yaml", "--at", "1m5s").stdout.split())
    # A Deployment has no stalls: what it has is its own progress deadline.
    assert (f"KubeInfer big: {STALLED} (Unschedulable)" in before) is says
    assert "it is promised 3 places" in meanwhile
    assert f"big: {STALLED}" not in meanwhile
    assert (f"KubeInfer small: {STALLED}" in meanwhile) is says


def test_a_promise_that_is_no_more_leaves_a_gang_stalled(user: User) -> None:
    actions = [
        {"at": "10s", "create": named("big", 3)},
        {"at": "1m", "object": "KubeInfer/old", "scale": 0},
        {"at": "1m5s", "cordon": ["node-0", "node-1", "node-2"]},
    ]
    timings = {"profile": "zero", "exit": "15s"}
    user.plans(named("old", 2), cluster="3x8", timings=timings, actions=actions, horizon="5m")
    told = [
        f"KubeInfer big: {STALLED}" in " ".join(user.types("why", "scenario.yaml", "--at", at).stdout.split())
        for at in ("50s", "1m4s", "1m10s")
    ]
    assert told == [True, False, True]


def test_a_single_place_that_is_promised_is_told_as_one(user: User) -> None:
    actions = [{"at": "1m", "object": "KubeInfer/old", "scale": 0}, {"at": "1m3s", "create": named("new", 1)}]
    timings = {"profile": "zero", "exit": "15s"}
    user.plans(named("old", 1), cluster="1x8", timings=timings, actions=actions, horizon="5m")
    said = " ".join(user.types("why", "scenario.yaml", "--at", "1m5s").stdout.split())
    assert "it is promised 1 place, of a pod that terminates" in said


def test_what_the_pods_of_each_role_need_is_told_apart(user: User) -> None:
    made = named("big", 1)
    roles = made["spec"]["template"]["spec"]["roles"]
    other = kubeinfer(asking(npu=8, cpu=1), schedulerName="volcano")["spec"]["template"]["spec"]["roles"][0]
    roles.append({**other, "name": "decode"})
    user.plans(made, cluster="1x8", initial="empty")
    said = " ".join(user.runs()[0].stdout.split())
    assert "; for its other pods it needs 1 node" in said


def test_that_no_pod_is_available_before_the_first_cycle_is_not_put_down_to_a_later_deletion(
    user: User,
) -> None:
    made = deployment(asking(npu=8), replicas=4, schedulerName="volcano")
    made["spec"]["strategy"]["rollingUpdate"] = {"maxSurge": 1, "maxUnavailable": 0}
    actions = [{"at": "20s", "object": "Deployment/chat", "deletePod": {"first": 1}}]
    user.plans(made, cluster="3x8", initial="empty", actions=actions)
    said = " ".join(user.runs()[0].stdout.split())
    assert "no pod is available for" in said
    assert "(deletion of" not in said.split("no pod is available for")[1].split(";")[0].split(".")[0]


def test_what_waits_since_volcano_promised_its_place_to_another_says_so(user: User) -> None:
    actions = [
        {"at": "10s", "create": named("big", 3)},
        {"at": "1m", "object": "KubeInfer/old", "scale": 0},
        {"at": "1m3s", "create": named("small", 1)},
    ]
    timings = {"profile": "zero", "exit": "15s"}
    for scheduler, says in (("volcano", True), ("kube-scheduler", False)):
        assumptions = {"scheduler": scheduler}
        user.plans(named("old", 2), cluster="3x8", timings=timings, actions=actions, assumptions=assumptions)
        said = " ".join(user.runs()[0].stdout.split())
        assert ("Volcano has promised places to another gang meanwhile" in said) is says, said

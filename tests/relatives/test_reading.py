"""The reader of relatives' recorded runs: names, groups, what a case becomes in a scenario, and what a run answers."""

from __future__ import annotations

from typing import Any

import pytest
from relatives.lives import Life, Place, Run
from relatives.questions import QUESTIONS, order_of
from relatives.recorded import Case, place_of, run_of
from relatives.scenarios import Written, write

NPUS = {"requests": {"huawei.com/ascend-1980": "1"}, "limits": {"huawei.com/ascend-1980": "1"}}


def template(image: str = "sim/here:v1", ready: str = "--ready-after=4s") -> dict[str, Any]:
    probe = {"exec": {"command": ["probe", ready]}, "periodSeconds": 1}
    container = {"name": "main", "image": image, "command": ["sim"], "readinessProbe": probe}
    return {"spec": {"containers": [container], "terminationGracePeriodSeconds": 5}}


def lws(**spec: Any) -> dict[str, Any]:
    group = {"size": 3, "workerTemplate": template(), **spec.pop("group", {})}
    return {
        "kind": "LeaderWorkerSet",
        "name": "m",
        "spec": {"replicas": 2, "leaderWorkerTemplate": group, **spec},
    }


def serving(**spec: Any) -> dict[str, Any]:
    prefill = {"name": "prefill", "replicas": 2, "entryTemplate": template(), "workerReplicas": 1}
    roles = [{**prefill, "workerTemplate": template()}]
    inner = {"roles": roles, **spec.pop("template", {})}
    return {"kind": "ModelServing", "name": "m", "spec": {"replicas": 2, "template": inner, **spec}}


def case_of(theirs: dict[str, Any], *steps: list[Any], lines: list[list[Any]] | None = None) -> Case:
    run = lines or [[100, "m-0", "created owner=StatefulSet/m rev1"]]
    return {
        "id": "x",
        "what": "",
        "nodes": [{"role": "a", "cpu": 8, "devices": 16}],
        "steps": [[0, "create", theirs], *steps],
        "end_s": 60,
        "runs": {"r1": run, "r2": run},
    }


def roles_of(written: Written) -> list[tuple[str, int, str]]:
    roles = written.manifest["spec"]["template"]["spec"]["roles"]
    return [(each["name"], each["replicas"], each["recoveryPolicy"]["restart"]) for each in roles]


# -- names and groups -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("m-3", Place(3, "leader", 0)),
        ("m-3-1", Place(3, "worker", 0)),
        ("m-12-decode-1-2", Place(12, "decode-1", 2)),
        ("other", None),
    ],
)
def test_a_pods_name_says_where_it_stands(name: str, place: Place | None) -> None:
    assert place_of(name) == place


def test_a_recorded_life_is_what_a_watch_saw() -> None:
    lines = [
        [40, "m-0", "created owner=StatefulSet/m rev1"],
        [4_500, "m-0", "Ready=True"],
        [9_000, "m-0", "Ready=False(ContainersNotReady)"],
        [10_000, "m-0", "deleting grace=5"],
        [10_500, "m-0", "Ready=False(PodFailed)"],
        [10_900, "m-0", "deleting grace=0"],
        [11_000, "m-0", "gone"],
        [11_100, "m-0#2", "created owner=StatefulSet/m rev2"],
    ]
    first, second = run_of(case_of(lws(), lines=lines), "r1").lives
    assert (first.ready, first.unready, first.deleted, first.gone) == ([4_500], [9_000], 10_000, 11_000)
    assert (second.revision, second.created, second.deleted) == ("rev2", 11_100, None)


def life(
    ordinal: int, created: int, deleted: int | None = None, *, rev: str = "rev1", index: int = 0
) -> Life:
    """Ready 5 s after it was made; gone 1 s after it was deleted."""
    gone = None if deleted is None else deleted + 1_000
    return Life(Place(ordinal, "r", index), rev, created, [created + 5_000], [], deleted, gone)


def test_a_pod_that_takes_the_place_of_one_belongs_to_its_group_and_a_rebuilt_group_is_another() -> None:
    alone = Run([life(0, 0), life(0, 0, 20_000, index=1), life(0, 21_000, index=1)])
    assert [len(each.pods) for each in alone.groups] == [3]
    whole = Run([*(life(0, 0, 20_000, index=i) for i in (0, 1)), *(life(0, 21_000, index=i) for i in (0, 1))])
    assert [len(each.pods) for each in whole.groups] == [2, 2]


# -- scenarios --------------------------------------------------------------------------------------------------


def test_a_leader_and_its_workers_are_roles() -> None:
    assert roles_of(write(case_of(lws()))) == [("leader", 1, "Instance"), ("worker", 2, "Instance")]


def test_each_replica_of_a_role_is_a_role() -> None:
    written = write(case_of(serving(recoveryPolicy="ServingGroupRecreate")))
    assert roles_of(written) == [("prefill-0", 2, "Instance"), ("prefill-1", 2, "Instance")]


@pytest.mark.parametrize(
    ("theirs", "rules"),
    [
        (lws(group={"restartPolicy": "None"}), None),
        (serving(recoveryPolicy="None"), None),
        (serving(), [{"action": "RecreateRole"}]),
        (
            serving(recoveryPolicy="ServingGroupRecreate", template={"restartGracePeriodSeconds": 10}),
            [{"action": "RecreateInstance", "delay": "10s"}],
        ),
    ],
)
def test_other_policies_are_custom_with_or_without_a_rule(
    theirs: dict[str, Any], rules: list[dict[str, str]] | None
) -> None:
    written = write(case_of(theirs))
    assert {level for _, _, level in roles_of(written)} == {"Custom"}
    assert written.scenario["spec"].get("recovery") == (None if rules is None else {"rules": rules})


@pytest.mark.parametrize(
    "theirs",
    [
        lws(rolloutStrategy={"rollingUpdateConfiguration": {"partition": 1}}),
        lws(startupPolicy="LeaderReady"),
        lws(group={"subGroupPolicy": {}}),
        serving(rolloutStrategy={"type": "RoleRollingUpdate"}),
        serving(template={"gangPolicy": {"minRoleReplicas": {"prefill": 1}}}),
    ],
)
def test_what_a_kubeinfer_has_no_words_for_is_named(theirs: dict[str, Any]) -> None:
    assert len(write(case_of(theirs)).cannot) == 1


def test_a_merge_is_a_patch_and_another_process_of_an_image_gets_a_name_of_its_own() -> None:
    changed = {"spec": {"leaderWorkerTemplate": {"workerTemplate": template(ready="--never")}}}
    written = write(case_of(lws(), [14, "merge", "LeaderWorkerSet", "m", changed]))
    (action,) = written.scenario["spec"]["actions"]
    assert action["at"] == "13.9s", "the first pod's creation is time 0"
    roles = action["patch"]["spec"]["template"]["spec"]["roles"]
    assert roles[0]["template"]["spec"]["containers"][0]["image"] == "sim/here:v1-2"
    assert written.scenario["spec"]["timings"]["images"]["sim/here:v1-2"]["frameworkImport"] == "never"


def test_a_pod_of_a_name_is_not_ready_whoever_bears_it() -> None:
    steps = [[10.1, "unready", "m-0-2"], [14.1, "unready", "m-0-2", False]]
    actions = write(case_of(lws(), *steps)).scenario["spec"]["actions"]
    assert [each["at"] for each in actions] == ["10s", "12s"]
    assert {each["health"]["until"] for each in actions} == {"14s"}
    assert actions[0]["health"]["pods"] == [1]


# -- questions --------------------------------------------------------------------------------------------------


def answer(words: str, run: Run, *steps: list[Any], **spec: Any) -> str | None:
    (question,) = [each for each in QUESTIONS if each.text.startswith(words)]
    return question.ask(run, case_of(lws(**spec), *steps))


NEW = [14, "merge", "LeaderWorkerSet", "m", {"spec": {"leaderWorkerTemplate": {}}}]


@pytest.mark.parametrize(
    ("taken", "said"),
    [
        ((1, 0), "the lowest that is free"),
        ((1, 2), "the next above all there are"),
        ((1, 5), None),
    ],
)
def test_ordinals_that_are_taken_tell_the_policy(taken: tuple[int, int], said: str | None) -> None:
    old = [life(0, 0, 30_000), life(1, 0, 14_000)]
    new = [life(taken[0], 15_000, rev="rev2"), life(taken[1], 31_000, rev="rev2")]
    assert answer("a new instance takes", Run([*old, *new]), NEW) == said


def test_what_starts_beside_the_old_does_not_wait_for_the_last_pod() -> None:
    old = life(0, 0, 14_000)
    assert (
        answer("the successor", Run([old, life(0, 14_500, rev="rev2")]), NEW) == "beside pods of the old one"
    )
    assert (
        answer("the successor", Run([old, life(0, 15_000, rev="rev2")]), NEW) == "when its last pod is gone"
    )


def test_what_goes_in_one_moment_is_in_no_order() -> None:
    run = Run([life(0, 0, 20_300), life(1, 0, 20_000), life(2, 0, 14_000)])
    assert order_of(run, case_of(lws())) == ((2, 0, 1), ())


def test_two_gone_before_one_is_ready_is_as_many_as_the_budget_lets() -> None:
    budget = {"rolloutStrategy": {"rollingUpdateConfiguration": {"maxUnavailable": 2}}}
    old = [life(0, 0), life(1, 0), life(2, 0, 14_000)]
    new = life(2, 15_000, rev="rev2")
    one = Run([*old, new])
    assert answer("of ready old instances are", one, NEW, **budget) == "one, all new ones ready"
    two = Run([old[0], life(1, 0, 14_200), old[2], new])
    assert answer("of ready old instances are", two, NEW, **budget) == "as many as the budget lets"


def test_the_others_after_the_failed_one_or_with_it() -> None:
    exits = [14, "delete", "Pod", "m-0-1"]
    for at, said in ((14_100, "all at once"), (15_100, "the failed pod first")):
        failed = Life(Place(0, "worker", 0), "rev1", 0, [5_000], [], 14_000, 15_000)
        other = Life(Place(0, "leader", 0), "rev1", 0, [5_000], [], at, at + 1_000)
        assert answer("an instance or role is taken down", Run([other, failed]), exits) == said

"""Objectives and comparisons, asked of the same pods as a KubeInfer and as a Deployment, alone and beside each other."""

from __future__ import annotations

import json
from typing import Any

import pytest
from field.user import Raw, User, asking, both, daemon_set, deployment, kubeinfer, stateful_set

STAGES = {"profile": "zero", "create": {"uniform": {"low": "30s", "high": "90s"}}}
TEN = {"terminationGracePeriodSeconds": 0}
NEW_ROUTER = [{"at": "1s", "object": "Deployment/router", "apply": {"newRevision": True}}]


def pods(workload: Any, replicas: int = 3, **fields: Any) -> Raw:
    made: Raw = workload({**asking(npu=8)}, replicas=replicas, **TEN, **fields)
    return made


def router(replicas: int = 2) -> Raw:
    made = deployment({}, replicas=replicas, labels={"app": "router"}, **TEN)
    made["metadata"]["name"] = "router"
    made["spec"]["selector"]["matchLabels"] = {"app": "router"}
    return made


@both
def test_each_objective_is_held_missed_or_told_apart(user: User, workload: Any) -> None:
    objectives = {
        "minReadyInstances": "60%",
        "completes": True,
        "completesWithin": "10s",
        "maxLostInstanceSeconds": 1000,
        "availability": [{"ready": 2, "longestOutage": "0s"}, {"ready": "all", "longestOutage": "1s"}],
    }
    user.plans(
        pods(workload), cluster="3x8", update={"newRevision": True}, timings=STAGES, objectives=objectives
    )
    done, result = user.runs()
    told = [(each["name"], each["judgement"]) for each in result["objectives"]]
    assert told == [
        ("minReadyInstances", "held"),
        ("completes", "held"),
        ("completesWithin", "missed"),
        ("maxLostInstanceSeconds", "held"),
        ("longestOutage", "held"),
        ("longestOutage", "missed"),
    ]
    assert done.returncode == 1
    many = user.types("run", "scenario.yaml", "-n", "5", "--workers", "1", "-o", "json")
    judged = json.loads(many.stdout)["objectives"]
    assert [(each["held"], each["missed"]) for each in judged] == [
        (5, 0),
        (5, 0),
        (0, 5),
        (5, 0),
        (5, 0),
        (0, 5),
    ]


@both
def test_of_a_run_that_does_not_finish_the_other_objectives_are_told_besides(
    user: User, workload: Any
) -> None:
    user.plans(
        workload(asking(npu=8), replicas=3),
        cluster="3x8",
        actions=[{"at": "10m", "nodeDown": "node-2"}],
        horizon="3h",
        objectives={"minReadyInstances": 3, "maxLostInstanceSeconds": 10**6},
    )
    done = user.types("run", "scenario.yaml")
    assert done.returncode == 1
    said = " ".join(done.stdout.split())
    assert "; 1 of 2 objectives missed besides: at least 3 " in said
    assert said.index("At the horizon") < said.index("missed besides")


def test_what_is_asked_of_one_workload_is_judged_for_it_alone(user: User) -> None:
    objectives = {
        "minReadyInstances": 2,
        "objects": {"Deployment/router": {"minReadyInstances": "100%", "completesWithin": "1s"}},
    }
    user.plans(
        pods(kubeinfer),
        router(),
        cluster="3x8",
        actions=NEW_ROUTER,
        timings=STAGES,
        objectives=objectives,
    )
    done, result = user.runs()
    told = {each["name"]: each["judgement"] for each in result["objectives"]}
    assert told == {
        "chat/minReadyInstances": "held",
        "Deployment/router/minReadyInstances": "missed",
        "Deployment/router/completesWithin": "missed",
    }
    assert "Deployment/router: at least 2 ready (measured: 1)" in " ".join(done.stdout.split())


def test_without_a_kubeinfer_all_others_are_asked(user: User) -> None:
    user.plans(
        pods(stateful_set),
        router(),
        cluster="3x8",
        actions=NEW_ROUTER,
        objectives={"minReadyInstances": "50%"},
    )
    _, result = user.runs()
    told = {each["name"]: (each["target"], each["judgement"]) for each in result["objectives"]}
    assert told == {
        "StatefulSet/chat/minReadyInstances": (2, "held"),
        "Deployment/router/minReadyInstances": (1, "held"),
    }


@pytest.mark.parametrize(
    ("manifest", "objectives", "said"),
    [
        (
            deployment,
            {"minReadyInstances": 4},
            "cannot hold: 4 are asked for, and spec.replicas is 3 at some time",
        ),
        (
            deployment,
            {"minCapacity": "90%"},
            "is about a KubeInfer's instances, and there is none: use availability",
        ),
        (
            deployment,
            {"objects": {"Deployment/chatt": {}}},
            'there is no Deployment/chatt; did you mean "Deployment/chat"?',
        ),
        (stateful_set, {"noStall": True}, "nothing reports that the update of a StatefulSet stalls"),
        (
            daemon_set,
            {"minReadyInstances": 1},
            "how many pods a DaemonSet has, its nodes say: use availability",
        ),
    ],
)
def test_what_could_never_hold_or_be_judged_is_refused(
    user: User, manifest: Any, objectives: Raw, said: str
) -> None:
    user.plans(
        manifest({}, **TEN), cluster="3x8", update={"newRevision": True}, objectives=objectives, horizon="1d"
    )
    done = user.types("run", "scenario.yaml")
    assert done.returncode == 2
    assert said in " ".join(done.stderr.split())


@both
def test_only_what_changes_is_asked_whether_it_completes_in_one_run_and_in_many(
    user: User, workload: Any
) -> None:
    other = pods(workload)
    other["metadata"]["name"] = "code"
    kind = other["kind"]
    reboots = {"processes": [{"kind": "NodeReboot", "rate": "1 per 6h", "per": "node"}]}
    user.plans(
        pods(workload),
        other,
        cluster="8x8",
        actions=[{"at": "1m", "object": f"{kind}/code", "apply": {"newRevision": True}}],
        timings=STAGES,
        faults=reboots,
        horizon="3h",
        objectives={"completes": True, "completesWithin": {"time": "1h", "probability": "80%"}},
    )
    owner = "code" if kind == "KubeInfer" else "Deployment/code"
    _, result = user.runs()
    told = {each["name"]: each["judgement"] for each in result["objectives"]}
    assert told == {f"{owner}/completes": "held", f"{owner}/completesWithin": "held"}
    many = user.types("run", "scenario.yaml", "-n", "20", "--workers", "1", "-o", "json")
    assert [(each["kubeinfer"], each["held"]) for each in json.loads(many.stdout)["objectives"]] == [
        (owner, 20)
    ] * 2
    assert many.returncode == 0


@both
@pytest.mark.parametrize("options", [(), ("-n", "3")])
def test_that_something_completes_of_which_nothing_changes_is_refused(
    user: User, workload: Any, options: tuple[str, ...]
) -> None:
    kind = pods(workload)["kind"]
    labels = [{"at": "1m", "object": f"{kind}/chat", "patch": {"metadata": {"labels": {"a": "b"}}}}]
    spec = {"cluster": "4x8", "actions": labels, "timings": STAGES, "initial": "running"}
    user.plans(pods(workload), **spec, objectives={"completes": True})
    done = user.types("run", "scenario.yaml", *options)
    assert (done.returncode, "there is no update or scaling that could complete" in done.told) == (2, True)
    own = {"objects": {f"{kind}/chat": {"completesWithin": "1h"}}}
    user.plans(pods(workload), **spec, objectives=own)
    done = user.types("run", "scenario.yaml", *options)
    said = f"nothing makes pods of {kind}/chat come or go: it has no update or scaling that could complete"
    assert (done.returncode, said in done.told) == (2, True)


def test_who_means_a_deployment_beside_kubeinfers_is_told_where_it_goes(user: User) -> None:
    user.plans(pods(kubeinfer), router(), cluster="3x8", actions=NEW_ROUTER, objectives={"completes": True})
    done = user.types("run", "scenario.yaml")
    assert "there is no update or scaling that could complete" in done.told
    assert "what is asked of Deployment/router goes under objects" in done.told


# -- compare ------------------------------------------------------------------------------------------------


@both
@pytest.mark.parametrize("knob", ["maxUnavailable=1,2", "maxSurge=0,1", "replicas=2,3"])
def test_knobs_of_workloads_are_turned_and_judged(user: User, workload: Any, knob: str) -> None:
    objectives = {"minReadyInstances": {"value": "50%", "probability": "50%"}}
    user.plans(
        pods(workload), cluster="4x8", update={"newRevision": True}, timings=STAGES, objectives=objectives
    )
    done = user.types("compare", "scenario.yaml", "--vary", knob, "-n", "6", "--workers", "1", "-o", "json")
    assert done.returncode == 0, done.stderr
    one, other = json.loads(done.stdout)["variants"]
    differ = [name for name, values in one["values"].items() if values != other["values"][name]]
    assert differ, "the knob turned something"
    assert None not in one["durationMs"]
    assert (one["allObjectives"]["value"], other["allObjectives"]["value"]) == (
        (1, 0) if knob == "maxUnavailable=1,2" else (1, 1)
    )
    text = user.types("compare", "scenario.yaml", "--vary", knob, "-n", "6", "--workers", "1").stdout
    assert max(map(len, text.splitlines())) <= 80


def test_min_ready_seconds_hold_up_a_rollout_by_just_so_much(user: User) -> None:
    user.plans(pods(deployment), cluster="3x8", update={"newRevision": True})
    done = user.types("compare", "scenario.yaml", "--vary", "minReadySeconds=0,60")
    assert done.stdout.startswith("minReadySeconds=0 is better than minReadySeconds=60: ")
    document = json.loads(
        user.types("compare", "scenario.yaml", "--vary", "minReadySeconds=0,60", "-o", "json").stdout
    )
    short, long = (each["durationMs"] for each in document["variants"])
    # Nothing is drawn: one run.
    assert [later - sooner for sooner, later in zip(short, long, strict=True)] == [3 * 60_000]


def test_a_knob_of_one_workload_leaves_the_others(user: User) -> None:
    user.plans(pods(kubeinfer), router(), cluster="3x8", actions=NEW_ROUTER, timings=STAGES)
    done = user.types("compare", "scenario.yaml", "--vary", "maxUnavailable.router=1,2", "-o", "json")
    one, other = json.loads(done.stdout)["variants"]
    assert (one["values"]["minAvailable"], other["values"]["minAvailable"]) == ([1] * 6, [0] * 6)
    assert one["values"]["minReady"] == other["values"]["minReady"] == [3] * 6


@pytest.mark.parametrize(
    ("knob", "said"),
    [
        ("maxSurge=0", "maxSurge and maxUnavailable must not both be zero, or no pod could ever be replaced"),
        ("maxSurge=200%", "expected a number or a percentage up to 100%, found '200%'"),
        ("replicas=x", "expected a number from 0 on, found 'x'"),
        ("minReadySeconds=600", "must be less than progressDeadlineSeconds, 600"),
        ("label=on", "it means nothing on Deployment chat, for it is KubeInfers'"),
        (
            "maxSurge.Deployment/chatt=1",
            'there is no such workload; did you mean "Deployment/chat"? (there are Deployment/chat)',
        ),
    ],
)
def test_a_value_that_cannot_be_is_refused(user: User, knob: str, said: str) -> None:
    made = pods(deployment, surge=1)
    made["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] = 0
    user.plans(made, cluster="4x8", update={"newRevision": True})
    done = user.types("compare", "scenario.yaml", "--vary", knob)
    assert done.returncode == 2
    assert said in " ".join(done.stderr.split())


def test_replicas_that_the_scenario_changes_are_not_varied(user: User) -> None:
    user.plans(pods(deployment), cluster="4x8", actions=[{"at": "1m", "scale": 4}])
    done = user.types("compare", "scenario.yaml", "--vary", "replicas=2,3")
    assert done.returncode == 2
    said = " ".join(done.stderr.split())
    assert "Deployment chat is scaled on the way: vary what the scenario says instead" in said


# -- winners ------------------------------------------------------------------------------------------------


@both
def test_few_draws_name_no_winner_and_enough_do(user: User, workload: Any) -> None:
    user.plans(pods(workload), cluster="4x8", update={"newRevision": True}, timings=STAGES)
    few, enough = (
        user.types("compare", "scenario.yaml", "--vary", "maxSurge=0,1", "-n", number, "--workers", "1")
        for number in ("1", "6")
    )
    told = " ".join(few.stdout.split())
    assert told.startswith("Under seed 0 maxSurge=1 is better than maxSurge=0 (")
    assert "but 1 seed cannot tell: that takes 6 that agree." in told
    assert enough.stdout.startswith("maxSurge=1 is better than maxSurge=0: ")


def test_where_nothing_is_drawn_one_run_says_all(user: User) -> None:
    stages = {"profile": "zero", "create": "30s"}
    user.plans(pods(deployment), cluster="3x8", update={"newRevision": True}, timings=stages)
    done = user.types("compare", "scenario.yaml", "--vary", "minReadySeconds=0,60")
    assert "is better than" in done.stdout.splitlines()[0]


def test_a_single_variant_is_compared_with_nothing(user: User) -> None:
    user.plans(pods(deployment), cluster="4x8", update={"newRevision": True})
    done = user.types("compare", "scenario.yaml", "--vary", "nodes=4")
    assert done.stdout.startswith("nodes=4 is the only variant: there is nothing to compare it with.\n")


@both
def test_where_another_variant_holds_the_objectives_more_often_than_the_best_one_it_is_said(
    user: User, workload: Any
) -> None:
    made = workload({**asking(npu=8)}, replicas=4, surge=1, terminationGracePeriodSeconds=0)
    spec = {"cluster": "8x8", "update": {"newRevision": True}, "timings": STAGES}
    user.plans(made, **spec, objectives={"completesWithin": "150s"})
    line = ("compare", "scenario.yaml", "--vary", "maxUnavailable=0,2", "-n", "8", "--workers", "1")
    done = user.types(*line, "--json", "compared.json")
    said = "maxUnavailable=0 holds all objectives in 0 % of runs, maxUnavailable=2 in 100 %."
    assert done.stdout.startswith("maxUnavailable=0 is better than maxUnavailable=2: ")
    assert said in " ".join(done.stdout.split())
    assert json.loads((user.folder / "compared.json").read_text(encoding="utf-8"))["sentences"][-1] == said
    assert said in user.types(*line, "-o", "markdown").stdout.replace("\\", "")


def test_of_many_variants_the_best_is_named_only_when_it_can_be_told(user: User) -> None:
    user.plans(pods(deployment), cluster="4x8", update={"newRevision": True}, timings=STAGES)
    options = (
        "compare",
        "scenario.yaml",
        "--vary",
        "minReadySeconds=0,60,120,180,240,300,360",
        "--workers",
        "1",
    )
    few = user.types(*options, "-n", "7").stdout
    assert few.startswith("7 seeds cannot tell which of 7 variants is the best"), "of seven it takes eight"
    assert user.types(*options).stdout.startswith("minReadySeconds=0 is the best of 7 variants.")


@both
def test_many_runs_rank_and_tell_what_was_lost_of_instances_or_pods(user: User, workload: Any) -> None:
    user.plans(pods(workload), cluster="3x8", update={"newRevision": True}, timings=STAGES)
    done = user.types("run", "scenario.yaml", "-n", "5", "--workers", "1", "--store", "c.db")
    what = "instance" if workload is kubeinfer else "pod"
    assert f"of {what} time" in done.stdout
    rows = json.loads(user.types("results", "c.db", "-o", "json").stdout)["rows"]
    assert all(each["lost"] == round(each["duration"]) for each in rows), "one is missing all the while"

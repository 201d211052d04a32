"""`backtest` of what `pods -o kubectl` lists of another run: what a user tries first; which pods are new; stages."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from field.user import User, asking, both, deployment, kubeinfer

from kubeinfer_sim.experiment.rollout import STAGES

Raw = dict[str, Any]
#: Before the rollout, in the middle of, and after it.
TIMES = ("0s", "1m10s", "10m")


def plans(user: User, workload: Callable[..., Any], **spec: Any) -> None:
    """A rollout of three pods, one after the other, with an image to pull and an init container."""
    timings = {
        "profile": "zero",
        "create": {"uniform": {"low": "2s", "high": "6s"}},
        "imageCold": {"uniform": {"low": "20s", "high": "30s"}},
        "init": {"uniform": {"low": "10s", "high": "15s"}},
    }
    user.has("new.yaml", pods(workload, "repo/vllm:v2"))
    spec = {"cluster": "3x8", "timings": timings, "update": {"path": "new.yaml"}, **spec}
    user.plans(pods(workload, "repo/vllm:v1"), **{key: each for key, each in spec.items() if each})


def pods(workload: Callable[..., Any], image: str) -> Raw:
    """Three of them."""
    init = [{"name": "fetch", "image": "repo/tools:v1", "command": ["fetch"]}]
    own = {**asking(npu=8), "image": image}
    made: Raw = workload(own, replicas=3, terminationGracePeriodSeconds=30, initContainers=init)
    return made


def listings(user: User, *times: str, seed: str = "77") -> list[str]:
    """A run of another seed, as kubectl would have listed it."""
    for at in times:
        done = user.types("pods", "scenario.yaml", "--at", at, "--seed", seed, "-o", "kubectl")
        assert done.returncode == 0, done.told
        (user.folder / f"{at}.json").write_text(done.stdout, encoding="utf-8")
    return [f"{at}.json" for at in times]


def backtested(user: User, *options: str) -> tuple[int, Raw]:
    """`backtest`: the exit code, and the only rollout by figure."""
    done = user.types("backtest", "scenario.yaml", *options, "-n", "19", "-o", "json")
    if not done.stdout:
        return done.returncode, {"told": " ".join(done.stderr.split())}
    document = json.loads(done.stdout)
    (rollout,) = document["rollouts"]
    return done.returncode, {**rollout, **{each["name"]: each for each in rollout["figures"]}}


def change(user: User, name: str, change: Callable[[Raw], None]) -> None:
    """Change every pod of a listing."""
    whole = json.loads((user.folder / name).read_text(encoding="utf-8"))
    for each in whole["items"]:
        if each["kind"] == "Pod":
            change(each)
    user.has(name, whole)


@both
def test_a_simulated_rollout_lies_in_its_own_prediction(user: User, workload: Callable[..., Any]) -> None:
    plans(user, workload)
    code, rollout = backtested(user, *listings(user, *TIMES))
    names = ["duration", "fewestReady", *(["order"] if workload is kubeinfer else [])]
    assert [each["name"] for each in rollout["figures"]] == [*names, *STAGES]
    assert {each["judgement"] for each in rollout["figures"]} == {"inside"}
    assert code == 0
    assert 20 <= rollout["image"]["truth"]["low"] <= 30, "as Pulled says, to the millisecond"
    assert rollout["image"]["predicted"]["low"] >= 20
    assert 10 <= rollout["init"]["truth"]["low"] <= 15
    assert rollout["fewestReady"]["truth"] == {"low": 2, "high": 2}
    assert rollout["notes"] == []


@both
def test_an_image_that_took_longer_lies_outside_by_itself(user: User, workload: Callable[..., Any]) -> None:
    plans(user, workload)
    names = listings(user, *TIMES)
    scenario = json.loads((user.folder / "scenario.yaml").read_text(encoding="utf-8"))
    scenario["spec"]["timings"]["imageCold"] = "10s"
    user.has("scenario.yaml", scenario)
    code, rollout = backtested(user, *names)
    assert code == 1
    assert (rollout["image"]["judgement"], rollout["init"]["judgement"]) == ("outside", "inside")


@both
def test_pulls_of_which_the_first_are_not_told_any_more_are_not_judged(
    user: User, workload: Callable[..., Any]
) -> None:
    """Events are kept for an hour: of the cold pulls, which come first, there are none left."""
    plans(user, workload)
    names = listings(user, *TIMES)
    assert backtested(user, *names)[1]["image"]["judgement"] == "inside"
    last = json.loads((user.folder / names[-1]).read_text(encoding="utf-8"))
    pulled = [each for each in last["items"] if each["kind"] == "Event" and each["reason"] == "Pulled"]
    gone = min(pulled, key=lambda each: str(each["firstTimestamp"]))["involvedObject"]["name"]
    last["items"] = [
        each
        for each in last["items"]
        if each["kind"] != "Event" or each["reason"] != "Pulled" or each["involvedObject"]["name"] != gone
    ]
    (user.folder / names[-1]).write_text(json.dumps(last), encoding="utf-8")
    (user.folder / names[1]).unlink()
    _, judged = backtested(user, names[0], names[-1])
    assert (judged["image"]["judgement"], judged["setUp"]["judgement"]) == ("not told", "inside")


@both
def test_pods_and_events_may_stand_in_files_of_their_own(user: User, workload: Callable[..., Any]) -> None:
    plans(user, workload)
    together = backtested(user, *listings(user, *TIMES))[1]
    names = []
    for each in TIMES:
        whole = json.loads((user.folder / f"{each}.json").read_text(encoding="utf-8"))
        for kind in ("Pod", "Event"):
            names.append(f"{kind}-{each}.json")
            user.has(names[-1], {**whole, "items": [item for item in whole["items"] if item["kind"] == kind]})
    code, apart = backtested(user, *names)
    assert code == 0
    assert apart["figures"] == together["figures"]


# -- old and new -------------------------------------------------------------------------------------------


@both
def test_one_listing_in_the_middle_tells_old_from_new(user: User, workload: Callable[..., Any]) -> None:
    plans(user, workload)
    names = listings(user, "1m10s")
    rollout = backtested(user, *names)[1]
    assert rollout["duration"]["judgement"] == "not told"
    notes = " ".join(rollout["notes"])
    assert "it was not over when last listed" in notes
    assert "no pod of before is listed" not in notes
    # Of a KubeInfer nobody knows the labels: then its images tell.
    if workload is kubeinfer:
        change(user, names[0], lambda pod: pod["metadata"].pop("labels"))
        assert backtested(user, *names)[1]["figures"] == rollout["figures"]


@both
def test_a_listing_from_before_the_rollout_takes_no_old_pod_for_a_new_one(
    user: User, workload: Callable[..., Any]
) -> None:
    plans(user, workload, update=None, actions=[{"at": "1h", "apply": {"path": "new.yaml"}}])
    names = listings(user, "30m")
    code, told = backtested(user, *names)
    assert code == 2
    assert "are of the template of before the update: no rollout is to be seen" in told["told"]


@both
def test_where_nothing_tells_new_from_old_nothing_is_judged(user: User, workload: Callable[..., Any]) -> None:
    """A new revision of the same template, and one listing: it may be of before, or of after."""
    plans(user, workload, update={"newRevision": True})
    names = listings(user, "10m")
    code, rollout = backtested(user, *names)
    assert code == 4
    assert {each["judgement"] for each in rollout["figures"]} == {"not told"}
    assert "which pods are new is not told" in rollout["notes"][0]
    assert backtested(user, *listings(user, "0s", "10m"))[0] == 0, "with one from before it is"


@both
def test_of_a_workload_that_is_created_all_pods_are_new(user: User, workload: Callable[..., Any]) -> None:
    plans(user, workload, update=None, initial="empty")
    code, rollout = backtested(user, *listings(user, "10m"))
    assert code == 0
    assert rollout["duration"]["judgement"] == "inside"


def test_only_the_first_listing_tells_where_pods_have_no_sign(user: User) -> None:
    plans(user, kubeinfer, update={"newRevision": True})
    names = listings(user, *TIMES)
    for each in names:
        change(user, each, lambda pod: pod["metadata"].pop("labels"))
    # What the first listing holds was there before; three new pods have been made by then.
    whole = json.loads((user.folder / names[0]).read_text(encoding="utf-8"))
    old = [each for each in whole["items"] if not each["metadata"]["creationTimestamp"]]
    user.has(names[0], {**whole, "items": old})
    code, rollout = backtested(user, *names)
    assert code == 0
    assert "nothing on its pods tells new from old" in rollout["notes"][0]


# -- times that are missing --------------------------------------------------------------------------------


@both
def test_pods_without_the_time_of_their_creation_are_refused(
    user: User, workload: Callable[..., Any]
) -> None:
    plans(user, workload)
    names = listings(user, *TIMES)
    for each in names:
        change(user, each, lambda pod: pod["metadata"].pop("creationTimestamp"))
    code, told = backtested(user, *names)
    assert code == 2
    assert "creationTimestamp: none of the 5 pods of" in told["told"]
    assert "was it taken out of the listing?" in told["told"]


@both
def test_one_pod_without_it_leaves_out_what_rests_on_it(user: User, workload: Callable[..., Any]) -> None:
    plans(user, workload)
    names = listings(user, *TIMES)
    created = [
        each["metadata"]
        for each in json.loads((user.folder / names[2]).read_text(encoding="utf-8"))["items"]
        if each["kind"] == "Pod"
    ]
    uid = max(created, key=lambda each: each["creationTimestamp"])["uid"]
    for each in names:
        change(
            user,
            each,
            lambda pod: pod["metadata"]["uid"] == uid and pod["metadata"].pop("creationTimestamp"),
        )
    code, rollout = backtested(user, *names)
    assert code == 0
    assert (rollout["duration"]["judgement"], rollout["setUp"]["judgement"]) == ("not told", "inside")
    assert "of new pods it is not known when they were created" in " ".join(rollout["notes"])


# -- what is said ------------------------------------------------------------------------------------------


def test_the_document_of_our_own_is_no_listing(user: User) -> None:
    plans(user, deployment)
    user.types("pods", "scenario.yaml", "--json", "own.json")
    code, told = backtested(user, "own.json")
    assert code == 2
    assert "`kubeinfer-sim pods SCENARIO --at 10m -o kubectl` lists them as kubectl does" in told["told"]


def test_times_that_differ_are_not_written_alike(user: User) -> None:
    """An hour and more is told in minutes: here two that are half a minute apart are outside of each other."""
    plans(user, deployment, timings={"profile": "zero", "create": "28m10s"})
    names = listings(user, "0s", "3h")
    scenario = json.loads((user.folder / "scenario.yaml").read_text(encoding="utf-8"))
    scenario["spec"]["timings"]["create"] = "28m13s"
    user.has("scenario.yaml", scenario)
    done = user.types("backtest", "scenario.yaml", *names)
    assert done.returncode == 1
    (row,) = (line.split() for line in done.stdout.splitlines() if line.startswith("duration"))
    assert row[:3] == ["duration", "1h24m30s", "1h24m39s"]


@both
def test_workers_and_a_store_change_nothing(user: User, workload: Callable[..., Any]) -> None:
    plans(user, workload)
    names = listings(user, *TIMES)
    line = ("backtest", "scenario.yaml", *names, "-n", "9", "-o", "json")
    alone = user.types(*line, "--workers", "1")
    assert user.types(*line, "--workers", "2", "--store", "kept.db").stdout == alone.stdout
    again = user.types(*line, "--store", "kept.db")
    assert again.stdout == alone.stdout
    other = user.types(*line, "--store", "kept.db", "--seed", "5", "--horizon", "1h")
    assert other.returncode == 2
    assert "its runs are of other inputs" in other.told


@both
def test_backtest_and_calibrate_learn_the_rates_of_a_simulation(
    user: User, workload: Callable[..., Any]
) -> None:
    user.plans(
        workload(asking(npu=8), replicas=2),
        cluster="2x8",
        actions=[{"at": "10m", "nodeDown": {"nodes": ["node-0"], "lasts": "5m"}}],
        update={"newRevision": True},
    )
    for at in ("1m", "40m"):
        done = user.types("pods", "scenario.yaml", "--at", at, "-o", "kubectl")
        (user.folder / f"{at}.json").write_text(done.stdout, encoding="utf-8")
    user.types("backtest", "scenario.yaml", "1m.json", "40m.json", "-n", "2", "--timings", "learned.yaml")
    for text in (
        (user.folder / "learned.yaml").read_text(encoding="utf-8"),
        user.types("calibrate", "1m.json", "40m.json").stdout,
    ):
        assert "#   nodes not ready: 1 in" in text
        assert "kind: Timings" in text

"""Lost time is charged to what cost it, also where an instance was not ready yet."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from field.user import Raw, User, asking, both, deployment, kubeinfer, stateful_set

PROBES = {
    "startupProbe": {"tcpSocket": {"port": 1}, "periodSeconds": 1, "failureThreshold": 7200},
    "readinessProbe": {"tcpSocket": {"port": 1}, "periodSeconds": 1},
}
READY = {"readinessProbe": {"tcpSocket": {"port": 1}, "periodSeconds": 1}}
SLOW = {"profile": "zero", "image": "1m", "weights": "4m", "exit": "10s"}
NEW_IMAGE = {"at": "1m", "setImage": {"container": "engine", "image": "repo/vllm:v2"}}
UPDATE = {"at": "1m", "apply": {"newRevision": True}}


def charges(user: User, *actions: dict[str, Any], surge: int = 0, **spec: Any) -> dict[str, int]:
    """What each cause cost, in seconds, by the words of the report."""
    user.plans(
        kubeinfer({**asking(npu=8), **PROBES}, replicas=3, surge=surge),
        cluster="5x8",
        initial="running",
        actions=list(actions),
        timings={"profile": "zero", "weights": "10m", "exit": "10s"},
        horizon="1h",
        **spec,
    )
    _, result = user.runs()
    found = {each["what"]: each["lostInstanceMs"] // 1000 for each in result["causes"]}
    assert sum(found.values()) == result["wholeRun"]["lostInstanceSeconds"]
    return found


def crash(*instances: int, at: str = "5m") -> dict[str, Any]:
    return {"at": at, "crash": {"instances": list(instances)}}


def test_a_crash_of_an_instance_that_starts_is_charged_from_then_on(user: User) -> None:
    # Each of the three costs the update 10 s of exit and 10 min of loading; at 5m chat-2 has to stop and load anew.
    assert charges(user, UPDATE) == {"update at 1m": 1_830}
    with_crash = charges(user, UPDATE, crash(2))
    assert with_crash == {"update at 1m": 240 + 2 * 610, "chat-2-serve-0 ended (Error) at 5m": 610}


def test_so_is_a_fault(user: User) -> None:
    fault = {"at": "5m", "fault": {"kind": "NpuFault", "instances": [2]}}
    charged = charges(user, UPDATE, fault)
    assert any(what.startswith("NpuFault of node-") and lost >= 600 for what, lost in charged.items())


def test_so_is_a_readiness_gate_that_is_set_by_somebody(user: User) -> None:
    gate = {"gate": "x/y", "instances": [1]}
    pods = kubeinfer({**asking(npu=8), **PROBES}, readinessGates=[{"conditionType": "x/y"}])
    closed, open_ = (
        {"at": at, "setReadinessGate": {**gate, "status": status}}
        for at, status in (("5m", False), ("8m", True))
    )
    user.plans(pods, cluster="5x8", initial="running", actions=[closed, open_], horizon="1h")
    _, result = user.runs()
    (told,) = result["causes"]
    assert told["what"] == "condition x/y of chat-1-serve-0 set False at 5m"
    assert told["lostInstanceMs"] == 180_000
    assert [each["kind"] for each in result["causeKinds"]] == ["readiness gate"]


def test_the_next_crash_is_charged_in_place_of_the_one_before(user: User) -> None:
    assert charges(user, crash(0), crash(0, at="8m")) == {
        "chat-0-serve-0 ended (Error) at 5m": 180,
        "chat-0-serve-0 ended (Error) at 8m": 640,  # with a back-off of 30 s
    }


@both
def test_what_was_hit_again_before_it_was_ready_was_one_incident_until_it_was(
    user: User, workload: Callable[..., Raw]
) -> None:
    user.plans(
        workload({**asking(npu=8), **PROBES}),
        cluster="3x8",
        timings={"profile": "zero", "weights": "10m"},
        actions=[{"at": at, "crash": {"pods": [0]}} for at in ("1m", "2m")],
        horizon="1h",
    )
    _, result = user.runs()
    of = result if workload is kubeinfer else result["deployments"][0]
    told = {
        each["what"].rpartition(" ")[2]: (each["incidents"], each["meanRepairMs"], each["lostInstanceMs"])
        for each in of["causes"]
    }
    loads = told["2m"][2]
    assert loads > 600_000, "after a back-off"
    assert told == {"1m": (1, 60_000 + loads, 60_000), "2m": (0, None, loads)}


def test_an_instance_that_nobody_misses_costs_nothing(user: User) -> None:
    assert charges(user, UPDATE, crash(3), surge=1) == {}


def test_an_order_is_not_charged_for_what_began_before(user: User) -> None:
    found = charges(user, crash(0, at="1m"), {"at": "2m", "scale": 3})
    assert list(found) == ["chat-0-serve-0 ended (Error) at 1m"]


def why(user: User, at: str) -> str:
    return " ".join(user.types("why", "scenario.yaml", "--at", at).stdout.split())


def test_why_tells_of_the_crash_for_which_an_update_replaces_an_instance_early(user: User) -> None:
    charges(user, UPDATE, crash(0))
    text = why(user, "6m")
    told = "5m a container of chat-0-serve-0 ends by itself (Error, exit code 1)"
    assert told in text
    assert (
        "chat-0 is not ready any more (Error) 5m10s chat-0 is deleted (it is not ready, so deleting it"
        in text
    )
    assert text.count("ends by itself") == 1, "chat-2 is replaced since the update came to it"
    assert told not in why(user, "20m"), "it is ready again"


def test_why_does_so_where_pods_stop_at_once(user: User) -> None:
    user.plans(
        kubeinfer({**asking(npu=8), **PROBES}, replicas=3),
        cluster="5x8",
        initial="running",
        actions=[UPDATE, crash(0)],
        timings={"profile": "zero", "weights": "10m"},
        horizon="1h",
    )
    assert "5m a container of chat-0-serve-0 ends by itself" in why(user, "6m")


def test_an_instance_that_was_ready_when_it_was_replaced_has_nothing_but_the_update_to_tell(
    user: User,
) -> None:
    charges(user, crash(0, at="30s"), {**UPDATE, "at": "20m"})
    assert "ends by itself" not in why(user, "45m")


def test_one_that_was_scaled_away_is_not_what_a_later_one_of_its_name_stands_for(user: User) -> None:
    charges(user, crash(2), {"at": "6m", "scale": 2}, {"at": "8m", "scale": 3})
    assert "ends by itself" not in why(user, "9m")
    assert "chat-2 has been starting since 8m" in why(user, "9m")


def verdict(user: User) -> str:
    done, result = user.runs()
    assert done.returncode == 0
    text: str = result["verdict"]["sentence"]
    return text


def test_the_verdict_of_an_update_names_the_crash_that_took_it_below_its_budget(user: User) -> None:
    charges(user, UPDATE, crash(0))
    assert verdict(user).endswith(
        "at least 1 of 3 instances stay ready, fewer than the 2 that the budget keeps "
        "(chat-0-serve-0 ended (Error) at 5m)."
    )
    charges(user, UPDATE, crash(1), crash(2, at="6m"), surge=1)
    assert "fewer than the 3 that the budget keeps (chat-" in verdict(user)
    assert "and 1 more cause)" in verdict(user)


def test_a_crash_within_the_budget_of_an_update_is_told_beside_it(user: User) -> None:
    charges(user, UPDATE, crash(2))
    assert verdict(user).endswith(
        "at least 2 of 3 instances stay ready; 610 instance-seconds lost besides (chat-2-serve-0 ended (Error) at 5m)."
    )
    charges(user, UPDATE)
    assert verdict(user).endswith("at least 2 of 3 instances stay ready.")


@pytest.mark.parametrize("workload", [deployment, stateful_set])
@pytest.mark.parametrize(
    ("disturbs", "says"),
    [
        ({"at": "3m", "crash": {"nodes": ["node-1"]}}, "ended (Error) at 3m"),
        ({"at": "3m", "deletePod": {"first": 1, "ready": True}}, "deletion of chat-"),
        ({"at": "3m", "drain": "node-1"}, "drain of node-1 at 3m"),
    ],
    ids=["a crash", "a deletion", "a drain"],
)
def test_the_verdict_names_what_took_an_update_below_what_its_strategy_keeps(
    user: User, workload: Any, disturbs: Raw, says: str
) -> None:
    made = workload({**asking(npu=8), **READY}, replicas=3)
    of = {} if "drain" in disturbs else {"object": f"{made['kind']}/chat"}
    actions = [{**NEW_IMAGE, "object": f"{made['kind']}/chat"}, {**disturbs, **of}]
    user.plans(made, cluster="5x8", timings=SLOW, actions=actions)
    done, result = user.runs()
    sentence = result["verdict"]["sentence"]
    assert says in sentence
    assert "fewer than the 2 that its strategy keeps (" in sentence or "no pod is available" in sentence
    assert says in " ".join(done.stdout.split())


def test_an_update_that_only_its_own_strategy_holds_down_blames_nothing(user: User) -> None:
    update = {**NEW_IMAGE, "object": "Deployment/chat"}
    crash = {"at": "2h", "object": "Deployment/chat", "crash": {"nodes": ["node-0"]}}
    for actions in ([update], [{**crash, "at": "30s"}, {**update, "at": "2h"}]):  # mended long before
        user.plans(
            deployment({**asking(npu=8), **READY}, replicas=3), cluster="4x8", timings=SLOW, actions=actions
        )
        _, result = user.runs()
        assert "at least 2 of 3 pods available" in result["verdict"]["sentence"]
        assert "keeps" not in result["verdict"]["sentence"]


def test_without_an_update_the_verdict_of_a_deployment_names_what_disturbed_it(user: User) -> None:
    made = deployment({**asking(npu=8), **READY}, replicas=3)
    crash = {"at": "3m", "crash": {}}
    user.plans(made, cluster="4x8", timings=SLOW, actions=[crash])
    _, result = user.runs()
    assert (
        "no pod is available for 4m (chat-0 ended (Error) at 3m and 2 more causes)"
        in (result["verdict"]["sentence"])
    )


#: What disturbs, alone -> how the verdict of a KubeInfer and of a Deployment names it.
ALONE = {
    "a broken card": (
        {"fault": {"kind": "CardDrop", "node": "node-0", "npu": 3, "repair": "20m"}},
        "CardDrop of node-0/npu3",
    ),
    "a dead node": ({"nodeDown": "node-0"}, "node-0 died at 10m"),
    "a drain": ({"drain": "node-0"}, "drain of node-0 at 10m"),
    "a crash": ({"crash": {"nodes": ["node-0"]}}, "{} ended (Error) at 10m"),
    "checks that fail": (
        {"health": {"nodes": ["node-0"], "lasts": "10m"}},
        "health check of {} fails at 10m",
    ),
    "a deletion": ({"deletePod": {"nodes": ["node-0"]}}, "deletion of {} at 10m"),
}


@both
@pytest.mark.parametrize(("action", "named"), ALONE.values(), ids=ALONE)
def test_what_disturbs_without_an_update_is_named_with_what_it_cost(
    user: User, workload: Any, action: Raw, named: str
) -> None:
    user.plans(
        workload({**asking(npu=8), **READY}, replicas=2),
        cluster="4x8",
        initial="running",
        timings={"profile": "zero", "graph": "5m", "exit": "10s"},
        actions=[{"at": "10m", **action}],
        horizon="2h",
    )
    _, result = user.runs()
    sentence = result["verdict"]["sentence"]
    pod = "chat-0-serve-0" if workload is kubeinfer else "chat-0"
    assert sentence.count(named.format(pod)) == 1
    if workload is kubeinfer:
        (cause,) = result["causes"]
        comes_back = "in the end" in sentence
        assert (f"at 10m: {cause['lostInstanceMs'] / 1000:,g} instance-seconds" in sentence) is comes_back
        assert comes_back is (action != {"nodeDown": "node-0"})


def test_what_happens_before_and_after_a_change_of_a_deployment_is_told_apart(user: User) -> None:
    user.plans(
        deployment({**asking(npu=8), **READY}, replicas=2),
        cluster="4x8",
        initial="running",
        timings={"profile": "zero", "graph": "5m", "exit": "10s"},
        actions=[
            {"at": "10m", "crash": {"pods": [0]}},
            {"at": "40m", "scale": 3},
            {"at": "70m", "crash": {"pods": [1]}},
        ],
        horizon="2h",
    )
    _, result = user.runs()
    # Until the third is there, nobody has lost any.
    assert result["verdict"]["sentence"].endswith(
        "at least 2 of 3 pods available; before that only 1 for 5m (chat-0 ended (Error) at 10m); "
        "later only 2 for 5m (chat-1 ended (Error) at 1h10m)."
    )


@both
def test_what_is_missing_for_good_is_told_with_its_first_cause(user: User, workload: Any) -> None:
    user.plans(
        workload({**asking(npu=8), **READY}, replicas=2),
        cluster="2x8",
        initial="running",
        actions=[{"at": "10m", "drain": "node-0"}],
        horizon="2h",
    )
    _, result = user.runs()
    assert result["verdict"]["sentence"].endswith("; first cause: drain of node-0 at 10m.")


def test_each_of_several_kubeinfers_is_told_with_what_disturbed_it(user: User) -> None:
    other = kubeinfer({**asking(npu=8), **READY}, replicas=1)
    other["metadata"]["name"] = "other"
    user.plans(
        kubeinfer({**asking(npu=8), **READY}, replicas=1),
        other,
        cluster="4x8",
        initial="running",
        timings={"profile": "zero", "graph": "5m"},
        actions=[{"at": "10m", "object": f"KubeInfer/{name}", "crash": {}} for name in ("chat", "other")],
        horizon="2h",
    )
    _, result = user.runs()
    for name in ("chat", "other"):
        assert (
            f"({name}-0-serve-0 ended (Error) at 10m: 300 instance-seconds)" in result["verdict"]["sentence"]
        )


@both
def test_a_fault_that_makes_pods_slow_and_no_more_is_told(user: User, workload: Any) -> None:
    slow = {"kind": "SubHealth", "node": "node-0", "npu": 1, "factor": 0.7, "clearsAfter": "30m"}
    user.plans(
        workload({**asking(npu=8), **READY}, replicas=2),
        cluster="3x8",
        initial="running",
        actions=[{"at": "10m", "fault": slow}],
        horizon="2h",
    )
    done, result = user.runs()
    assert done.returncode == 0
    if workload is kubeinfer:
        # A quarter of the time one of two is 30 % slower.
        assert result["verdict"]["sentence"] == (
            "Both instances stay ready throughout; slow pods lower the capacity to 96.25 %."
        )
    else:
        assert result["verdict"]["sentence"] == (
            "Deployment chat stays as it is: 2 pods available, and faults slow 1 of them."
        )


def test_all_that_took_pods_of_a_deployment_is_counted(user: User) -> None:
    user.plans(
        deployment({**asking(npu=8), **READY}, replicas=2),
        cluster="3x8",
        initial="running",
        timings={"profile": "zero", "graph": "2m"},
        actions=[{"at": at, "crash": {"pods": [number]}} for number, at in enumerate(("10m", "1h"))],
        horizon="2h",
    )
    _, result = user.runs()
    assert "(chat-0 ended (Error) at 10m and 1 more cause)" in result["verdict"]["sentence"]


V2 = "repo/vllm:v2"


def pull_fault(**more: str) -> dict[str, Any]:
    return {"at": "1s", "imageFault": {"images": [V2], **more}}


@both
@pytest.mark.parametrize("after", ["0s", "5m"], ids=["fails", "stalls"])
def test_a_pull_that_an_image_fault_holds_up_is_charged_to_the_fault(
    user: User, workload: Callable[..., Raw], after: str
) -> None:
    """Until it can be pulled; the pull itself and the loading are the update's, as they would be without."""
    timings = {"profile": "zero", "imageCold": "2m", "weights": "10m"}
    fields: dict[str, Any] = {"cluster": "4x8", "timings": timings, "horizon": "3h"}
    update = {"at": "1m", "setImage": {"container": "engine", "image": V2}}
    user.plans(
        workload({**asking(npu=8), **READY}), actions=[pull_fault(after=after, lasts="20m"), update], **fields
    )
    done, result = user.runs()
    of = result if workload is kubeinfer else result["deployments"][0]
    causes = {each["what"].partition(" ")[0]: each for each in of["causes"]}
    # Two of three begin to pull once the fault is over.
    assert causes["update"]["stages"] == {"image": 3 * 120_000, "weights": 3 * 600_000}
    fault = causes["image"]
    assert fault["what"] == f"image fault of {V2} at 1s"
    assert [*fault["stages"]] == ["image"]
    # From 1m until an attempt after 20m1s, one back-off of at most five minutes and a failing pull later.
    assert 19 * 60_000 < fault["lostInstanceMs"] <= (19 + 5 + 5 + 2) * 60_000
    assert fault["incidents"] == 0, "it has taken no readiness"
    told = " ".join(done.stdout.split())
    assert f"-seconds lost besides (image fault of {V2} at 1s)" in told
    why = " ".join(user.types("why", "scenario.yaml", "--at", "3m").stdout.split())
    assert f"1s {V2} cannot be pulled until 20m1s" in why
    assert ("in vain" if after == "5m" else "cannot have") in why


@both
@pytest.mark.parametrize("after", ["0s", "4h"], ids=["fails", "stalls"])
def test_the_verdict_names_the_image_fault_that_an_update_never_gets_over(
    user: User, workload: Callable[..., Raw], after: str
) -> None:
    update = {"at": "1m", "setImage": {"container": "engine", "image": V2}}
    fields: dict[str, Any] = {"cluster": "4x8", "horizon": "1h"}
    user.plans(workload({**asking(npu=8), **READY}), actions=[pull_fault(after=after), update], **fields)
    done, result = user.runs()
    assert done.returncode == 1
    told = " ".join(done.stdout.split())
    assert f"image fault of {V2} at 1s" in told.partition(" field ")[0]
    of = result if workload is kubeinfer else result["deployments"][0]
    lost = {each["what"]: each["lostInstanceMs"] for each in of["causes"] if each["lostInstanceMs"]}
    assert lost == {f"image fault of {V2} at 1s": 59 * 60_000}


def test_an_image_that_nobody_has_is_the_fault_of_the_update_that_names_it(user: User) -> None:
    """Also while the registry is down: that it comes back would not help."""
    update = {"at": "1m", "setImage": {"container": "engine", "image": V2}}
    user.plans(
        kubeinfer({**asking(npu=8), **READY}),
        cluster="4x8",
        horizon="1h",
        brokenImages=[V2],
        actions=[{"at": "30s", "imageFault": {"lasts": "10m"}}, update],
    )
    assert [each["what"] for each in user.runs()[1]["causes"]] == ["update at 1m"]


@both
@pytest.mark.parametrize("engine", [{"image": "repo/VLLM:v2"}, {"image": V2, "imagePullPolicy": "Never"}])
def test_an_image_that_is_never_pulled_is_no_fault_of_a_registry_that_is_down(
    user: User, workload: Callable[..., Raw], engine: Raw
) -> None:
    user.plans(
        workload({**asking(npu=8), **READY, **engine}, replicas=1),
        cluster="4x8",
        initial="empty",
        horizon="1h",
        actions=[{"at": "0s", "imageFault": {"lasts": "10m"}}],
    )
    _, result = user.runs()
    of = result if workload is kubeinfer else result["deployments"][0]
    assert not any(each["what"].startswith("image fault") for each in of["causes"])
    assert sum(each["lostInstanceMs"] for each in of["causes"]) == 3_600_000


def test_an_instance_of_several_pods_waits_until_the_last_has_its_image(user: User) -> None:
    made = kubeinfer({**asking(npu=4), **READY}, replicas=1)
    made["spec"]["template"]["spec"]["roles"][0]["replicas"] = 2
    update = {"at": "1m", "setImage": {"container": "engine", "image": V2}}
    timings = {"profile": "zero", "imageCold": "2m", "weights": "10m"}
    user.plans(made, cluster="4x4", timings=timings, horizon="2h", actions=[pull_fault(lasts="10m"), update])
    causes = {each["what"]: each["stages"] for each in user.runs()[1]["causes"]}
    assert causes["update at 1m"]["weights"] == 600_000
    assert [*causes[f"image fault of {V2} at 1s"]] == ["image"]

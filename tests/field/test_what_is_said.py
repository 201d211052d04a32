"""What is said of checks, images and restarts is what happened."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from field.user import Raw, User, asking, both, daemon_set, deployment, kubeinfer, replica_set, stateful_set

POOL = {"pools": [{"name": "a", "count": 4, "allocatable": {"huawei.com/ascend-1980": "8", "pods": "110"}}]}


def probe(**more: Any) -> dict[str, Any]:
    return {"exec": {"command": ["/health.sh"]}, **more}


LIVENESS = {"livenessProbe": probe(periodSeconds=5, timeoutSeconds=10, failureThreshold=6)}

CHECK = {"probes": ["liveness"]}


def why(user: User, at: str) -> str:
    return " ".join(user.types("why", "scenario.yaml", "--at", at).stdout.split())


@both
@pytest.mark.parametrize(
    ("health", "said"),
    [
        # A call ends when the engine has not answered for 10 s, and the next one follows at once.
        ([{"at": "10m", "health": {**CHECK, "hang": True}}], "6 failures in a row, one every 10 s"),
        ([{"at": "10m", "health": CHECK}], "6 failures in a row, one every 5 s"),
        # Two fail at once, at 10m and 10m5s, then four hang, from 10m10s on.
        (
            [{"at": "599s", "health": CHECK}, {"at": "606s", "health": {**CHECK, "hang": True}}],
            "6 failures in a row within 50s",
        ),
    ],
)
def test_failures_of_a_check_are_as_far_apart_as_its_calls_were(
    user: User, workload: Any, health: list[Any], said: str
) -> None:
    user.plans(
        workload({**LIVENESS, **asking(npu=8)}, replicas=1),
        cluster=POOL,
        initial="running",
        actions=health,
        timings={"profile": "zero", "create": "5m"},
        horizon="20m",
    )
    assert said in why(user, "11m5s")


@both
@pytest.mark.parametrize("init", [False, True])
def test_an_image_that_is_never_pulled_is_told_as_kubectl_does(user: User, workload: Any, init: bool) -> None:
    container: dict[str, Any] = {"imagePullPolicy": "Never", **asking(npu=8)}
    pod: dict[str, Any] = {}
    if init:
        pod["initContainers"] = [{"name": "fetch", "image": "repo/fetch:v1", "imagePullPolicy": "Never"}]
        container["imagePullPolicy"] = "IfNotPresent"
    user.plans(workload(container, replicas=1, **pod), cluster=POOL, initial="empty", horizon="1h")
    done, result = user.runs()
    image = "repo/fetch:v1" if init else "repo/vllm:v1"
    for text in (" ".join(done.stdout.split()), why(user, "10m"), str(result)):
        assert "ErrImageNeverPull" in text
        assert "ImagePullBackOff" not in text
        assert "try again" not in text
    assert f"cannot have {image} (ErrImageNeverPull)" in why(user, "10m")
    (pod_row,) = user.pods("10m")
    assert pod_row["status"] == ("Init:" if init else "") + "ErrImageNeverPull"


@both
def test_a_pod_without_a_startup_probe_is_not_said_to_pass_one(user: User, workload: Any) -> None:
    for container, said in (
        ({}, "count as started: they have no startup probe"),
        ({"startupProbe": probe(periodSeconds=1)}, "the startup probe of chat-0-serve-0 succeeds"),
    ):
        manifest = workload({**container, **asking(npu=8)}, replicas=1)
        user.plans(
            manifest,
            cluster=POOL,
            initial="empty",
            timings={"profile": "zero", "create": "10s"},
            horizon="10m",
        )
        text = why(user, "5s")
        assert said.replace("chat-0-serve-0", "chat-0") in text.replace("chat-0-serve-0", "chat-0")
        assert ("succeeds" in text) == ("startupProbe" in container)


@both
def test_an_engine_that_fails_its_probes_is_not_said_to_pass_them(user: User, workload: Any) -> None:
    container = {"readinessProbe": probe(periodSeconds=5), **asking(npu=8)}
    user.plans(
        workload(container, replicas=1),
        cluster=POOL,
        initial="empty",
        horizon="10m",
        actions=[{"at": "0s", "health": {"newPods": True}}],
    )
    assert "loaded, and not Ready as its probes have it since" in why(user, "5m")
    assert "passing" not in why(user, "5m")


@both
def test_containers_that_were_restarted_are_something_that_happened(user: User, workload: Any) -> None:
    user.plans(
        workload(asking(npu=8), replicas=2),
        cluster=POOL,
        initial="running",
        actions=[{"at": "80s", "crash": {}}],
        horizon="10m",
    )
    done, result = user.runs()
    assert done.returncode == 0
    assert "Nothing happened" not in done.stdout
    assert "throughout." not in done.stdout
    assert result["verdict"]["outcome"] == "completes"


@both
def test_a_pod_that_waits_for_a_place_has_no_container_that_ends(user: User, workload: Any) -> None:
    user.plans(
        workload(asking(npu=16), replicas=1),
        cluster=POOL,
        initial="empty",
        actions=[{"at": "2m", "crash": {}}],
        horizon="10m",
    )
    done, _ = user.runs()
    assert done.returncode == 1
    assert (
        "the crash at 2m strikes nothing: the pods that matched have no such container running"
        in " ".join(done.stdout.split())
    )
    assert "ends by itself" not in why(user, "5m")


def test_an_outage_after_the_update_is_not_denied(user: User) -> None:
    """The pods of a Deployment are available while it is updated, and all drained later."""
    user.plans(
        deployment(asking(npu=4), replicas=2),
        cluster="1x8",
        initial="running",
        actions=[
            {"at": "1m", "apply": {"newRevision": True}},
            {"at": "30m", "drain": {"nodes": ["node-0"]}},
            {"at": "35m", "uncordon": ["node-0"]},
        ],
    )
    done, _ = user.runs()
    said = " ".join(done.stdout.split())
    assert "pods available; later none for " in said


@pytest.mark.parametrize("options", [(), ("--details",)])
def test_nodes_that_join_together_are_one_line_and_none_is_lost_count_of(
    user: User, options: tuple[str, ...]
) -> None:
    joins = [{"at": f"{minute}m", "addNodes": {"name": "a", "count": 20}} for minute in (1, 2)]
    alone = [{"at": f"{minute}m", "addNodes": {"name": "a"}} for minute in range(3, 17)]
    user.plans(deployment(asking(npu=8), replicas=1), cluster=POOL, actions=[*joins, *alone])
    done, result = user.runs(*options)
    assert len(result["nodeChanges"]) == 54
    said = " ".join(done.stdout.split())
    assert "a-4, a-5 … and 18 more joined at 1m: 24 nodes" in said
    assert "a-24, a-25 … and 18 more joined at 2m: 44 nodes" in said
    assert ("… and 4 more events" if options else "… and 13 more") in said  # of 16 lines


@both
def test_a_readiness_gate_that_somebody_sets_false_is_why_a_pod_is_not_ready(
    user: User, workload: Any
) -> None:
    gates = {"readinessGates": [{"conditionType": "x/y"}]}
    made = workload(asking(npu=8), replicas=2, **gates)
    shut = {
        "at": "40m",
        "object": f"{made['kind']}/chat",
        "setReadinessGate": {"gate": "x/y", "status": False},
    }
    user.plans(made, cluster=POOL, actions=[shut])
    done, _ = user.runs()
    assert done.returncode == 1
    verdict = " ".join(done.stdout.partition("seed 0")[0].split())
    assert (
        "the condition of its readiness gate x/y is not True; setting it to True would let it go on"
        in verdict
    )
    opened = {**shut, "at": "50m", "setReadinessGate": {"gate": "x/y", "status": True}}
    user.plans(made, cluster=POOL, actions=[shut, opened])
    done, _ = user.runs()
    assert done.returncode == 0
    assert "is not True" not in done.stdout


def test_a_pod_that_is_not_ready_any_more_in_the_last_instant_is_named(user: User) -> None:
    """What begins there takes no time: it is the state in the end all the same."""
    readiness = {"readinessProbe": probe(periodSeconds=10, failureThreshold=1)}
    fails = {"at": "10m", "health": {"probes": ["readiness"]}}
    user.plans(
        deployment({**readiness, **asking(npu=8)}, replicas=1),
        cluster=POOL,
        actions=[fails],
    )
    done, _ = user.runs()
    assert "chat-0 is not ready any more" in " ".join(done.stdout.split())


@pytest.mark.parametrize(("horizon", "code"), [(None, 0), ("125s", 1)])
def test_a_kubeinfer_that_is_deleted_is_not_said_to_be_scaled(
    user: User, horizon: str | None, code: int
) -> None:
    limit = {} if horizon is None else {"horizon": horizon}
    delete = {"at": "2m", "deleteObject": "KubeInfer/chat"}
    timings = {"profile": "zero", "exit": "30s"}
    user.plans(kubeinfer(asking(npu=8), replicas=2), cluster=POOL, actions=[delete], timings=timings, **limit)
    done, _ = user.runs()
    assert done.returncode == code
    assert "Scaling" not in done.stdout
    assert "Deletion" in done.stdout
    verdict = " ".join(done.stdout.partition("seed 0")[0].split())
    if horizon is None:
        assert "The KubeInfer is deleted at 2m; its last pod is gone after 30s" in verdict
    else:
        assert "The deletion is not finished" in verdict


@both
def test_a_pod_whose_sidecar_stops_last_is_said_to_stop_it(
    user: User, workload: Callable[..., dict[str, Any]]
) -> None:
    sidecar = {"name": "proxy", "image": "repo/proxy:v1", "restartPolicy": "Always"}
    user.plans(
        workload({}, replicas=1, initContainers=[sidecar], terminationGracePeriodSeconds=120),
        cluster="2x8",
        initial="running",
        timings={"profile": "zero", "exit": "5s", "sidecarExit": "30s"},
        actions=[{"at": "1m", "scale": 0}],
    )
    assert "stopping proxy (SIGTERM sent) since 1m5s" in why(user, "80s")


def test_a_change_of_other_fields_is_named_by_the_fields(user: User) -> None:
    patch = {"spec": {"minReadySeconds": 5, "progressDeadlineSeconds": 9000, "paused": True}}
    user.plans(
        deployment(asking(npu=8)), cluster=POOL, initial="running", actions=[{"at": "1m", "patch": patch}]
    )
    _, result = user.runs()
    changed = result["deployments"][0]["changes"][-1]["changed"]
    assert changed == ["paused", "minReadySeconds", "progressDeadlineSeconds"]


@pytest.mark.parametrize(
    ("checks", "noticed"),
    [
        ({}, "by peers after 30m"),
        ({"readinessProbe": probe(periodSeconds=5)}, "by readiness probe after"),
    ],
)
def test_peers_that_hang_with_a_process_have_not_noticed_it(user: User, checks: Any, noticed: str) -> None:
    workload = kubeinfer({**asking(npu=4), **checks}, replicas=1)
    workload["spec"]["template"]["spec"]["roles"][0]["replicas"] = 2
    user.plans(
        workload,
        cluster=POOL,
        initial="running",
        actions=[{"at": "1h", "fault": {"kind": "ProcessHang", "instances": [0], "pods": [0]}}],
        assumptions={"peerLossTimeout": "30m"},
        horizon="3h",
    )
    done, result = user.runs("--details")
    assert f"1 fault, 1 noticed {noticed}" in done.stdout
    took = result["faults"][0]["detectedAtMs"] - 3_600_000
    assert took == 1_800_000 if not checks else 0 < took < 30_000
    # When the instance was not ready is another question.
    assert ("1 instance hit, not ready after" in done.stdout) is bool(checks)


@pytest.mark.parametrize("other", [deployment, stateful_set])
def test_where_the_new_version_of_each_workload_is_written_is_said(user: User, other: Any) -> None:
    beside = other(asking(npu=2))
    beside["metadata"]["name"] = "web"
    old = [kubeinfer(asking(npu=2)), beside]
    new = json.loads(json.dumps(old).replace("vllm:v1", "vllm:v2"))
    user.has("old.yaml", *old)
    user.has("new.yaml", *new)
    line = (user.folder / "new.yaml").read_text().splitlines().index("---") + 2
    done = user.types("rollout", "old.yaml", "new.yaml", "--cluster", "3x8", COLUMNS="140")
    assert f"{beside['kind']} web: new.yaml:{line}" in done.stdout
    assert "inline" not in done.stdout


@both
def test_what_is_said_of_the_kubeinfer_stands_before_what_is_said_of_others(
    user: User, workload: Any
) -> None:
    beside = workload(asking(npu=2))
    beside["metadata"]["name"] = "beside"
    user.plans(
        kubeinfer(asking(npu=2), replicas=1),
        beside,
        cluster=POOL,
        initial="running",
        actions=[{"at": "5m", "object": "KubeInfer/chat", "deletePod": {}}],
        timings={"profile": "zero", "exit": "30s"},
        horizon="1h",
    )
    done, _ = user.runs()
    title = done.stdout.index(f"{beside['kind']} beside\n")
    assert done.stdout.index("Lost time") < title


def test_a_stateful_set_is_not_said_to_have_a_surge(user: User) -> None:
    user.plans(
        stateful_set(asking(npu=2)),
        cluster=POOL,
        initial="running",
        update={"newRevision": True},
        horizon="1h",
    )
    done, _ = user.runs()
    assert "Budgets    maxUnavailable 1 (at least 2 available)" in done.stdout


@pytest.mark.parametrize("of", [deployment, stateful_set, daemon_set, replica_set])
def test_container_restarts_are_told_with_why_the_containers_ended(
    user: User, of: Callable[..., Raw]
) -> None:
    """Also where the restart takes no time, so that nothing is lost."""
    pods = of(asking(cpu=1))
    at = f"{pods['kind']}/{pods['metadata']['name']}"
    crash = {"at": "1m", "object": at, "crash": {"reason": "OOMKilled", "pods": [0]}}
    cluster = {"pools": [{"name": "a", "count": 3, "allocatable": {"cpu": "8"}}]}
    user.plans(pods, cluster=cluster, actions=[crash], horizon="10m")
    assert "1 container restart (OOMKilled)" in " ".join(user.runs()[0].stdout.split())


def test_of_several_reasons_the_commonest_is_first(user: User) -> None:
    live = {
        "livenessProbe": {"httpGet": {"path": "/", "port": 80}, "periodSeconds": 1, "failureThreshold": 1}
    }
    actions = [
        {"at": "1m", "crash": {"reason": "Error", "pods": [0]}},
        {"at": "5m", "health": {"probes": ["liveness"], "lasts": "1500ms"}},
    ]
    cluster = {"pools": [{"name": "a", "count": 3, "allocatable": {"cpu": "8"}}]}
    user.plans(deployment({**asking(cpu=1), **live}), cluster=cluster, actions=actions, horizon="10m")
    assert "container restarts (LivenessProbeFailed, Error)" in " ".join(user.runs()[0].stdout.split())

"""Runs that would go on for ever: they end, and say what was going on."""

from __future__ import annotations

import json
from collections.abc import Callable
from cProfile import Profile
from typing import Any

import pytest
from field.test_pod_worker import in_place
from field.user import NPU, Raw, User, asking, bare_pod, both, deployment, kubeinfer, replica_set

from kubeinfer_sim.cli import progress
from kubeinfer_sim.cluster.kubelet import flap_limit
from kubeinfer_sim.engine import history
from kubeinfer_sim.simulation import rounds, simulate, standstill

LABEL = {"modelarts-infer-npu-reset-enable": "true"}


@pytest.mark.parametrize("probe", ["liveness", "readiness"])
@both
def test_a_crash_loop_is_no_progress(user: User, workload: Callable[..., Any], probe: str) -> None:
    probes = {f"{probe}Probe": {"tcpSocket": {"port": 1}, "periodSeconds": 10}}
    bad = {"at": "1m", "health": {"probes": [probe], "newPods": True}}
    user.plans(
        workload({**asking(npu=8), **probes}, replicas=1), cluster="1x8", actions=[bad], quietAfter="10m"
    )
    done, result = user.runs()
    assert done.returncode == 1
    assert result["end"]["atMs"] < 20 * 60_000


@pytest.mark.parametrize("probe", ["liveness", "readiness"])
@pytest.mark.parametrize("workload", [replica_set, bare_pod])
def test_nor_is_one_of_pods_that_nobody_updates(user: User, workload: Callable[..., Any], probe: str) -> None:
    probes = {f"{probe}Probe": {"tcpSocket": {"port": 1}, "periodSeconds": 10}}
    flaps = {"at": "1m", "health": {"probes": [probe], "flapping": 0.9, "newPods": True}}
    user.plans(workload({**asking(npu=8), **probes}), cluster="4x8", actions=[flaps], quietAfter="10m")
    done, result = user.runs()
    assert done.returncode == 1
    assert result["end"]["reason"] == "quiet"
    assert result["end"]["atMs"] < 20 * 60_000


def test_a_loop_in_which_time_stands_still_is_named(user: User) -> None:
    pods = kubeinfer(asking(npu=8), replicas=1, initContainers=[{"name": "fetch", "image": "f:1"}])
    never = {"at": "0s", "initFault": {"lasts": "10m"}}
    once = {"backoff": ["0s"]}
    user.plans(pods, cluster="1x8", initial="empty", actions=[never], assumptions=once, horizon="1h")
    done, result = user.runs()
    assert done.returncode == 1
    assert (result["end"]["reason"], result["end"]["atMs"]) == ("loop", 0)
    assert "Time stands still at 0s" in result["verdict"]["sentence"]
    assert "init container fetch" in result["verdict"]["sentence"]


@pytest.mark.parametrize(
    ("after", "says"), [("0s", "Time stands still at 0s"), ("1ms", "Time hardly passes")]
)
def test_so_is_one_in_which_it_hardly_passes(
    user: User, after: str, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(simulate, "PAUSE", 2_000)
    monkeypatch.setattr(standstill, "PAUSE", 2_000)
    monkeypatch.setattr(standstill, "TOO_OFTEN", 300)
    crash = {"at": "0s", "crash": {"after": after}}
    once = {"backoff": ["0s"]}
    user.plans(
        kubeinfer(asking(npu=8), replicas=1),
        cluster="1x8",
        initial="empty",
        actions=[crash],
        assumptions=once,
    )
    done, result = user.runs()
    assert done.returncode == 1
    assert result["end"]["reason"] == "loop"
    assert says in result["verdict"]["sentence"]


@both
def test_a_crash_that_takes_time_is_no_such_loop(user: User, workload: Callable[..., Any]) -> None:
    crash = {"at": "0s", "crash": {"after": "1ms"}}
    user.plans(
        workload(asking(npu=8), replicas=1), cluster="1x8", initial="empty", actions=[crash], horizon="3h"
    )
    done, result = user.runs()
    assert (done.returncode, result["end"]["reason"]) == (1, "horizon")


def test_what_a_repair_will_bring_back_is_not_missing_for_good(user: User) -> None:
    drop = {"at": "50s", "fault": {"kind": "CardDrop", "node": "node-0", "npu": 1}}
    user.plans(kubeinfer(asking(npu=8), replicas=1, labels=LABEL), cluster="1x8", actions=[drop])
    done, result = user.runs()
    assert "for good" not in done.stdout
    (due,) = result["end"]["due"]
    assert (due["what"], due["kind"]) == ("node-0/npu1", "repair")
    assert "the repair of node-0/npu1 at 2d" in result["verdict"]["sentence"]


def test_an_old_instance_that_is_rebuilt_is_safe_until_its_start_window_is_over(user: User) -> None:
    probe = {"tcpSocket": {"port": 1}, "periodSeconds": 1}
    for window, safe in ((7200, True), (40, False)):
        probes = {"startupProbe": {**probe, "failureThreshold": window}, "readinessProbe": probe}
        user.plans(
            kubeinfer({**asking(npu=8), **probes}, surge=1),
            cluster="8x8",
            timings={"profile": "zero", "weights": "100s", "exit": "10s"},
            update={"newRevision": True},
            actions=[{"at": "50s", "crash": {"instances": [0]}}],
            assumptions={"oldInstanceFailure": "rebuildOld"},
        )
        done, _ = user.runs()
        assert ("NotReady" not in done.stdout) is safe


def test_an_exceeded_progress_deadline_is_told(user: User) -> None:
    probe = {"readinessProbe": {"tcpSocket": {"port": 1}, "periodSeconds": 1}}
    user.plans(
        kubeinfer({**asking(npu=8), **probe}, surge=1),
        cluster="4x8",
        timings={"profile": "zero", "weights": "100s"},
        update={"newRevision": True},
        assumptions={"progressDeadline": "60s"},
    )
    done, result = user.runs()
    assert "progressDeadline exceeded at 1m" in done.stdout
    assert result["changes"][-1]["deadlineExceededAtMs"] == 60_000
    assert "deadline is exceeded" in user.types("why", "scenario.yaml", "--at", "90s").stdout


def test_so_is_one_of_a_deployment(user: User) -> None:
    probe = {"readinessProbe": {"tcpSocket": {"port": 1}, "periodSeconds": 1}}
    pods = deployment({**asking(npu=8), **probe}, surge=1)
    pods["spec"]["progressDeadlineSeconds"] = 60
    user.plans(
        pods, cluster="4x8", timings={"profile": "zero", "weights": "100s"}, update={"newRevision": True}
    )
    done, result = user.runs()
    assert "ProgressDeadlineExceeded from 1m1s until 1m40s" in " ".join(done.stdout.split())
    assert result["deployments"][0]["changes"][-1]["deadlineExceededAtMs"] == 61_000
    told = "Deployment chat is ProgressDeadlineExceeded, until 1m40s"
    for at, is_so in ("1m", False), ("90s", True), ("100s", False):
        assert (told in user.types("why", "scenario.yaml", "--at", at).stdout) is is_so


@pytest.mark.parametrize("horizon", ["36500d", "settled"])
def test_a_load_that_repeats_too_often_for_its_run_is_refused_with_the_limit(
    user: User, horizon: str
) -> None:
    (user.folder / "load.csv").write_text("time,load\n0s,1\n1ms,2\n", encoding="utf-8")
    probe = {"readinessProbe": {"tcpSocket": {"port": 1}, "periodSeconds": 1}}
    often = {"csv": {"file": "load.csv", "repeat": "2ms"}}
    timings = {"profile": "zero", "weights": "2h"}
    update = {"newRevision": True}
    user.plans(
        kubeinfer({**asking(npu=8), **probe}, surge=1),
        cluster="4x8",
        load=often,
        horizon=horizon,
        timings=timings,
        update=update,
    )
    done, _ = user.runs()
    assert done.returncode == 2
    assert "at most 1,000,000 are measured" in " ".join(done.stderr.split())


@both
def test_more_devices_of_a_node_than_are_simulated_are_refused_with_the_limit(
    user: User, workload: Callable[..., Any]
) -> None:
    pool = {"name": "a", "count": 1, "allocatable": {NPU: "1000000000"}}
    fault = {"at": "1h", "fault": {"kind": "NpuFault", "node": "a-0", "npu": 3}}
    user.plans(workload(asking(npu=8), replicas=1), cluster={"pools": [pool]}, actions=[fault])
    done, _ = user.runs()
    assert done.returncode == 2
    assert "at most 9,999 NPUs of a node are simulated, found 1,000,000,000" in " ".join(done.stderr.split())
    offered = {"cpu": "64", "pods": "110", "nvidia.com/gpu": "1000000000"}
    node = {"kind": "Node", "metadata": {"name": "n"}, "status": {"allocatable": offered}}
    user.has("nodes.json", {"kind": "List", "items": [node]})
    user.plans(workload(asking(npu=8), replicas=1), cluster={"file": "nodes.json"})
    done, _ = user.runs()
    assert done.returncode == 2
    assert "at most 9,999 GPUs of a node are simulated" in " ".join(done.stderr.split())


@both
def test_a_check_that_hardly_ever_flaps_never_does(user: User, workload: Callable[..., Any]) -> None:
    probe = {"readinessProbe": {"tcpSocket": {"port": 1}, "periodSeconds": 1, "failureThreshold": 1}}
    never = {"at": "1m", "health": {"probes": ["readiness"], "flapping": 5e-324}}
    user.plans(workload({**asking(npu=8), **probe}), cluster="4x8", actions=[never], horizon="30d")
    done, result = user.runs()
    assert done.returncode in (0, 1)
    assert result["end"]["reason"] in ("horizon", "settled")


@both
def test_a_repair_that_nobody_waits_for_ends_nothing(user: User, workload: Callable[..., Any]) -> None:
    """All pods run elsewhere long before the card is repaired."""
    drop = {"at": "50s", "fault": {"kind": "CardDrop", "node": "node-0", "npu": 1}}
    restart = {"at": "20m", "object": "Deployment/chat", "apply": {"newRevision": True}}
    user.plans(
        workload(asking(npu=8), replicas=1, labels=LABEL),
        cluster="2x8",
        initial="running",
        actions=[drop, *([restart] if workload is deployment else [])],
    )
    done, result = user.runs()
    assert done.returncode == 0, done.stdout
    assert result["end"]["reason"] == "settled"
    assert [(each["what"], each["kind"]) for each in result["end"]["due"]] == [("node-0/npu1", "repair")]
    told = " ".join(done.stdout.split())
    assert "nothing more happens but the repair of node-0/npu1 at 2d" in told
    if workload is kubeinfer:  # nothing of a Deployment has the platform look after its NPUs
        assert "until repaired; not back in the end; its repair is due at 2d" in told
        end = f"{result['end']['atMs']}ms"
        why = " ".join(user.types("why", "scenario.yaml", "--at", end).stdout.split())
        assert "NPU 1 of node-0 is out until repaired; 7 left to give; repair due at 2d" in why


def test_an_isolation_for_a_fixed_time_is_no_repair(user: User) -> None:
    fault = {"kind": "HbmFault", "node": "node-0", "npu": 1, "level": "ManuallySeparateNPU"}
    user.plans(
        kubeinfer(asking(npu=8), replicas=1, labels=LABEL),
        cluster="1x8",
        actions=[{"at": "50s", "fault": fault}],
    )
    for end in ("30d", "1h"):
        done = user.types("run", "scenario.yaml", "--horizon", end)
        told = " ".join(done.stdout.split())
        assert "node-0 npu1: isolated at 1m1s until 2d1m1s" in told, told
        assert ("back after 2d" in told) is (end == "30d")
        assert "repair" not in told
        why = user.types("why", "scenario.yaml", "--horizon", end, "--at", "2m").stdout
        assert "NPU 1 of node-0 is isolated until 2d" in " ".join(why.split())
        assert "repair" not in why


CENTURY = "36500d"
READINESS = {"readinessProbe": {"tcpSocket": {"port": 1}, "periodSeconds": 1, "failureThreshold": 10}}
#: A check that flaps so loses its pod nothing.
FLAPS = {"at": "1m", "health": {"probes": ["readiness"], "flapping": 0.1, "newPods": True}}


@both
@pytest.mark.parametrize(
    "flaps",
    [FLAPS, {"at": "1m", "fault": {"kind": "ReadinessFlap", "pods": [0], "clearsAfter": CENTURY}}],
)
def test_checks_that_flap_for_a_century_are_refused_with_the_limit(
    user: User, workload: Callable[..., Any], flaps: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flap_limit, "MOST_DRAWS", 10_000)
    pods = workload({**asking(npu=8), **READINESS}, replicas=1)
    user.plans(pods, cluster="4x8", actions=[flaps], horizon=CENTURY)
    done, _ = user.runs()
    assert done.returncode == 2
    said = " ".join(done.stderr.split())
    assert "checks have flapped 10,000 times by " in said
    assert "end the run sooner" in said


@pytest.mark.parametrize("workload", [kubeinfer, deployment, replica_set])
def test_a_crash_loop_of_more_records_than_are_kept_is_refused_with_the_limit(
    user: User, workload: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "MOST_RECORDS", 1_000)
    crash = {"at": "1m", "crash": {"after": "1s"}}
    again = {"at": "2m", "crash": {}}
    user.plans(workload(asking(npu=8), replicas=1), cluster="1x8", actions=[crash, again], horizon=CENTURY)
    done, _ = user.runs()
    said = " ".join(done.stderr.split())
    assert done.returncode == 2
    assert "the run has 1,000 records after " in said
    assert "lately most of all" in said


@both
def test_a_crash_loop_costs_as_much_in_some_hours_as_in_as_many_others(
    user: User, workload: Callable[..., Any]
) -> None:
    probes = {"livenessProbe": {"tcpSocket": {"port": 1}, "periodSeconds": 10}}
    sick = {"at": "1m", "health": {"probes": ["liveness"], "newPods": True}}

    def cost(hours: int) -> int:
        pods = workload({**asking(npu=8), **probes}, replicas=1)
        user.plans(pods, cluster="1x8", actions=[sick], horizon=f"{hours}h")
        return calls_of(user)

    _, one, two, three = (cost(hours) for hours in (1, 8, 16, 24))
    assert 0.9 < (three - two) / (two - one) < 1.1


def calls_of(user: User) -> int:
    """Function calls of `run`, Python's own included."""
    with Profile() as profile:
        done, _ = user.runs()
    assert done.returncode in (0, 1)
    return sum(entry.callcount for entry in profile.getstats())


@both
def test_four_times_the_faults_cost_four_times_as_much(user: User, workload: Callable[..., Any]) -> None:
    """Of one node, whose NPUs are never mended; the twenty thousand of them cost so many times one."""

    def cost(faults: int) -> int:
        struck = {"kind": "NpuFault", "node": "node-0"}
        strike = [
            {"at": f"{60 + each}s", "fault": {**struck, "npu": each % 8, "clearsAfter": "9d"}}
            for each in range(faults)
        ]
        user.plans(workload(asking(npu=8), replicas=1), cluster="2x8", actions=strike, horizon="10d")
        return calls_of(user)

    _, none, few, many = (cost(number) for number in (1, 1, 100, 400))
    assert many - none < 4.5 * (few - none)


LONG = "9" * 5_000
NODE = {
    "kind": "Node",
    "metadata": {"name": "n", "generation": 7},
    "status": {"allocatable": {"cpu": "64", "pods": "110", NPU: "8"}},
}
RUNNING = {
    "kind": "Pod",
    "metadata": {"name": "p", "namespace": "x"},
    "spec": {"nodeName": "n", "priority": 7, "containers": [{"name": "c", "image": "i"}]},
    "status": {"phase": "Running"},
}


@pytest.mark.parametrize("command", [["run", "scenario.yaml"], ["rollout", "manifest.yaml", "manifest.yaml"]])
@pytest.mark.parametrize("file", ["nodes.json", "pods.json"])
@pytest.mark.parametrize("comment", ["", "# from kubectl\n"], ids=["JSON", "YAML"])
@both
def test_an_integer_of_five_thousand_digits_in_a_file_of_kubectl_is_an_error_at_its_line(
    user: User, workload: Callable[..., Any], command: list[str], file: str, comment: str
) -> None:
    user.plans(workload(asking(npu=8), replicas=1), cluster="1x8")
    user.has("nodes.json", {"kind": "List", "items": [NODE]})
    user.has("pods.json", {"kind": "List", "items": [RUNNING]})
    path = user.folder / file
    text = comment + path.read_text("utf-8")
    line = text[: text.index(": 7")].count("\n") + 1
    path.write_text(text.replace(": 7", f": {LONG}"), encoding="utf-8")
    done = user.types(*command, "--cluster", "nodes.json", "--pods", "pods.json")
    assert done.returncode == 2
    said = " ".join(done.stderr.split())
    assert f"{file}:{line}:" in said
    assert "a number of 5,000" in said


@pytest.mark.parametrize(
    "part", [{"metadata": {"name": "n", "generation": -7}}, {"status": {"allocatable": {NPU: -7}}}], ids=str
)
def test_so_is_one_that_nobody_reads_and_one_where_a_text_belongs(user: User, part: Raw) -> None:
    user.plans(kubeinfer(asking(npu=8), replicas=1), cluster="1x8")
    user.has("nodes.json", {"kind": "List", "items": [{**NODE, **part, "note": f"a: {LONG}"}]})
    path = user.folder / "nodes.json"
    text = path.read_text("utf-8")
    line = text[: text.index(" -7")].count("\n") + 1
    column = len(text.splitlines()[line - 1].split("-7")[0]) + 1
    path.write_text(text.replace("-7", f"-{LONG}"), encoding="utf-8")
    done = user.types("run", "scenario.yaml", "--cluster", "nodes.json")
    assert done.returncode == 2
    assert f"nodes.json:{line}:{column}: error: a number of 5,000 digits is too long" in done.stderr


@both
def test_why_of_a_long_crash_loop_tells_the_beginning_and_the_end_of_its_chain(
    user: User, workload: Callable[..., Any]
) -> None:
    probes = {"livenessProbe": {"tcpSocket": {"port": 1}, "periodSeconds": 10}}
    sick = {"at": "1m", "health": {"probes": ["liveness"], "newPods": True}}
    pods = in_place(workload({**asking(npu=8), **probes}, replicas=1))
    user.plans(pods, cluster="1x8", actions=[sick], horizon="2d")
    done = user.types("why", "scenario.yaml", "--at", "2d", "--json", "-")
    (pod,) = json.loads(done.stdout)["instances"]
    ids = [each["id"] for each in pod["causes"]]
    assert len(ids) == 200
    assert ids == sorted(ids)
    assert pod["causesLeftOut"] > 1_000
    assert (pod["causes"][0]["cause"], pod["followingLeftOut"]) == (None, 0)
    assert pod["causes"][-1]["atMs"] > 86_400_000
    assert len(done.stdout) < 100_000


LATE: Raw = {"readinessProbe": {"tcpSocket": {"port": 1}, "initialDelaySeconds": 9}}
#: What goes round without end, and whether anything comes of it meanwhile.
ROUNDS: list[tuple[Raw, Raw, bool]] = [
    (LATE, {"at": "1m", "crash": {"after": "5s"}}, False),
    ({}, {"at": "1m", "crash": {"after": "5s"}}, True),
    (
        {"livenessProbe": {"tcpSocket": {"port": 1}, "periodSeconds": 10}, **LATE},
        {"at": "1m", "health": {"newPods": True, "probes": ["liveness", "readiness"]}},
        False,
    ),
    (
        {"readinessProbe": {"tcpSocket": {"port": 1}, "periodSeconds": 10, "failureThreshold": 1}},
        {"at": "1m", "health": {"probes": ["readiness"], "flapping": 0.5, "newPods": True}},
        True,
    ),
]


@both
@pytest.mark.parametrize(("container", "action", "comes_of_it"), ROUNDS)
def test_what_goes_round_without_end_ends_in_a_verdict_or_in_an_error(
    user: User,
    workload: Callable[..., Any],
    container: Raw,
    action: Raw,
    comes_of_it: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Given up, as where there is no horizon, if nothing comes of it; else too much is asked for."""
    monkeypatch.setattr(rounds, "LOOK", 100)
    monkeypatch.setattr(rounds, "MOST", 4_000)
    monkeypatch.setattr(rounds, "MOST_WITHOUT_PROGRESS", 2_000)
    again = {"at": "2m", "deletePod": {}}
    pods = workload({**asking(npu=8), **container}, replicas=1)
    user.plans(pods, cluster="1x8", initial="running", actions=[action, again], horizon="4000d")
    done, result = user.runs()
    if done.returncode == 2:
        assert comes_of_it
        said = " ".join(done.stderr.split())
        assert "something goes round without end (lately most of all" in said
        assert "say when it is over (until, lasts, times), or end the run sooner (horizon)" in said
        return
    assert not comes_of_it
    assert done.returncode == 1
    assert result["end"]["reason"] == "quiet"
    assert "before the horizon of 4000d: it goes round without end" in " ".join(done.stdout.split())


@pytest.mark.parametrize("horizon", ["settled", "190300ms", "200s"])
@both
def test_instances_made_anew_before_they_are_ready_fail_whatever_the_last_is_in_at_the_end(
    user: User, workload: Callable[..., Any], horizon: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a KubeInfer they are rebuilt, of a Deployment's pods the containers run again; neither loops for a day."""
    monkeypatch.setattr(rounds, "LOOK", 100)
    monkeypatch.setattr(rounds, "MOST_WITHOUT_PROGRESS", 50)
    pods = workload(asking(npu=8), replicas=2, schedulerName="volcano")
    crash, at_once = {"at": "0s", "crash": {"after": "18500ms"}}, {"backoff": ["0s"]}
    probe = {"readinessProbe": {"tcpSocket": {"port": 1}, "initialDelaySeconds": 60}}
    spec = pods["spec"]["template"]["spec"]
    if "roles" in spec:
        (role,) = spec["roles"]
        role["recoveryPolicy"] = {"type": "Restart", "restart": "Instance"}
        spec = role["template"]["spec"]
    spec["containers"][0].update(probe)
    user.plans(pods, cluster="3x8", initial="empty", actions=[crash], assumptions=at_once, horizon=horizon)
    done, result = user.runs()
    told = " ".join(done.stdout.split())
    assert done.returncode == 1
    assert f"does not become ready{', restarted' if 'roles' in str(pods) else ''}" in told
    assert "Error, exit code 1" in told
    assert "waits for a place" not in told
    assert result["end"]["atMs"] < 5 * 3_600_000


def test_a_long_run_tells_on_standard_error_how_far_it_is(
    user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rounds, "LOOK", 100)
    monkeypatch.setattr(progress, "PATIENCE", 0.0)
    crash = {"at": "1m", "crash": {"after": "5s", "times": 100}}
    user.plans(
        deployment(asking(npu=8), replicas=1),
        cluster="1x8",
        initial="running",
        actions=[crash, {"at": "2m", "deletePod": {}}],
        horizon="9d",
    )
    assert " of 9d, " in user.runs()[0].stderr
    assert " of 9d, " not in user.runs("-q")[0].stderr


@both
def test_a_reboot_costs_as_much_after_a_hundred_others(user: User, workload: Callable[..., Any]) -> None:
    """What the kubelets reject stays on the nodes, in ever greater number."""

    def cost(reboots: int) -> int:
        actions = [{"at": f"{hour}h", "reboot": f"node-{hour % 2}"} for hour in range(1, reboots + 1)]
        user.plans(workload(asking(npu=8), replicas=2), cluster="2x8", actions=actions, horizon="90d")
        return calls_of(user)

    _, none, few, many = (cost(number) for number in (1, 1, 40, 160))
    assert many - none < 4.5 * (few - none)

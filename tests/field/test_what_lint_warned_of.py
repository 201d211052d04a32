"""What lint warns of, and the run then shows, stands in the run's report: with its rule and its line, as validate has it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from field.user import (
    NPU,
    Raw,
    User,
    asking,
    bare_pod,
    daemon_set,
    deployment,
    kubeinfer,
    replica_set,
    stateful_set,
)

from kubeinfer_sim.manifest.lint.shown_by_runs import SHOWN_BY_RUNS
from kubeinfer_sim.report.confirmed import SHOWS

TIMINGS = {"profile": "zero", "weights": "30m"}
STARTUP = {"startupProbe": {"tcpSocket": {"port": 1}, "periodSeconds": 10, "failureThreshold": 3}}
LIVENESS = {"livenessProbe": {"tcpSocket": {"port": 1}, "periodSeconds": 10, "failureThreshold": 3}}
READINESS = {"readinessProbe": {"tcpSocket": {"port": 1}, "periodSeconds": 1}}
NEW = {"update": {"newRevision": True}}


def chat(probes: Raw | None = None, *, surge: int = 0, down: int = 1, replicas: int = 2) -> Raw:
    made = kubeinfer({**asking(npu=8), **(probes or {})}, replicas=replicas, surge=surge)
    made["spec"]["strategy"]["rollingUpdate"] = {"maxSurge": surge, "maxUnavailable": down}
    return made


#: Rule -> a manifest, the scenario's fields, and what the run shows of it.
SHOWN = {
    "KI001": (chat(surge=1, down=0), {"cluster": "2x8", **NEW}, "chat-2 waits for a place to the end"),
    "KI004": (
        chat(READINESS, down=2),
        {"cluster": "2x8", "timings": TIMINGS, **NEW},
        "none was ready from 0s",
    ),
    "KI005": (
        chat(LIVENESS),
        {"cluster": "2x8", "initial": "empty", "timings": TIMINGS, "horizon": "2h"},
        "killed by the liveness probe",
    ),
    "KI006": (
        chat(STARTUP),
        {"cluster": "2x8", "initial": "empty", "timings": TIMINGS, "horizon": "2h"},
        "killed by the startup probe",
    ),
}


@pytest.mark.parametrize("code", SHOWN)
def test_the_report_says_which_warning_has_come_true(user: User, code: str) -> None:
    manifest, fields, shown = SHOWN[code]
    user.plans(manifest, **fields)
    done, result = user.runs()
    [found] = [each for each in result["confirmed"] if each["code"] == code]
    assert shown in found["shown"]
    assert found["owner"] == "chat"
    told = " ".join(done.stdout.split())
    place = f"manifest.yaml:{found['line']}"
    assert f"{code}, {place}, as validate says: {found['message']}; here" in told
    assert shown in told
    assert f"{place}:" in user.types("validate", "manifest.yaml").stdout
    assert code in user.types("run", "scenario.yaml", "-o", "markdown").stdout


@pytest.mark.parametrize(
    ("probes", "code", "probe"), [(LIVENESS, "KI005", "liveness"), (STARTUP, "KI006", "startup")]
)
def test_of_pods_it_is_said_whoever_owns_them(user: User, probes: Raw, code: str, probe: str) -> None:
    """By `validate` at the line of each, and by the run of whose pods it has come true."""
    container = {**asking(npu=4), **probes}
    makers = (kubeinfer, deployment, replica_set, stateful_set, daemon_set, bare_pod)
    objects = [make(container) for make in makers]
    for each in objects:
        each["metadata"]["name"] = each["kind"].lower()
    user.plans(*objects, cluster="16x8", initial="empty", timings=TIMINGS, horizon="2h")
    checked = json.loads(user.types("validate", "manifest.yaml", "-o", "json").stdout)
    warned = [each for each in checked["findings"] if each["code"] == code]
    lines = (Path(user.folder) / "manifest.yaml").read_text(encoding="utf-8").splitlines()
    field = {"KI005": '"livenessProbe"', "KI006": '"failureThreshold"'}[code]
    assert [field in lines[each["line"] - 1] for each in warned] == [True] * len(objects)
    done, result = user.runs()
    found = {each["owner"]: each for each in result["confirmed"] if each["code"] == code}
    assert [found[each["metadata"]["name"]]["line"] for each in objects] == [each["line"] for each in warned]
    told = " ".join(done.stdout.split())
    for each in found.values():
        assert each["shown"].endswith(f"killed by the {probe} probe")
        assert (
            f"{code}, manifest.yaml:{each['line']}, as validate says: {each['message']}; here {each['shown']}"
            in told
        )


def test_of_a_deployment_that_is_rolled_out_the_new_template_is_meant(user: User) -> None:
    """Its old pods ran before anybody looked; two files, each with a line of its own."""
    user.has("old.yaml", deployment({**asking(npu=8), **LIVENESS}))
    user.has("new.yaml", deployment({**asking(npu=8), **LIVENESS, "env": [{"name": "X", "value": "1"}]}))
    told = " ".join(user.types("rollout", "old.yaml", "new.yaml", "--nodes", "4x8").stdout.split())
    assert "KI005, new.yaml:" in told
    assert "KI005, old.yaml:" not in told


def test_pods_of_a_deployment_that_no_node_can_take_wait_as_it_says(user: User) -> None:
    contradiction = {
        "requiredDuringSchedulingIgnoredDuringExecution": {
            "nodeSelectorTerms": [
                {"matchExpressions": [{"key": "zone", "operator": "NotIn", "values": ["b"]}]}
            ]
        }
    }
    pods = {"nodeSelector": {"zone": "b"}, "affinity": {"nodeAffinity": contradiction}}
    pool = {"name": "a", "count": 2, "allocatable": {NPU: 8}}
    user.plans(deployment(asking(npu=8), **pods), cluster={"pools": [pool]}, initial="empty")
    assert "KI023" in user.types("validate", "manifest.yaml").stdout
    done, result = user.runs()
    [found] = [each for each in result["confirmed"] if each["code"] == "KI023"]
    assert found["shown"] == "3 pods wait for a node to the end"
    assert found["shown"] in " ".join(done.stdout.split())


@pytest.mark.parametrize("code", SHOWN)
@pytest.mark.parametrize("line", ["run", "compare --assume startupCrash=rebuild,kubelet"])
def test_so_do_reports_about_many_runs_with_the_runs_that_show_it(user: User, code: str, line: str) -> None:
    manifest, fields, shown = SHOWN[code]
    user.plans(manifest, **fields)
    command, *options = line.split()
    done = user.types(command, "scenario.yaml", *options, "-n", "2", "--workers", "1")
    _, _, lint = " ".join(done.stdout.split()).partition(" Lint ")
    assert lint.startswith(f"{code}, manifest.yaml:")
    assert shown in lint
    which = ("seed 0", "the worst") if command == "run" else ("startupCrash=rebuild, seed",)
    assert any(each in lint for each in which)
    # Nothing where it does not come true.
    user.plans(chat(surge=1, down=0), cluster="3x8", **NEW)
    assert "Lint" not in user.types("run", "scenario.yaml", "-n", "2").stdout


def test_a_rollout_tells_the_line_of_the_new_manifest(user: User) -> None:
    user.has("old.yaml", chat(surge=1, down=0))
    user.has("new.yaml", chat({"env": [{"name": "X", "value": "1"}]}, surge=1, down=0))
    done = user.types("rollout", "old.yaml", "new.yaml", "--nodes", "2x8")
    told = " ".join(done.stdout.split())
    checked = user.types("validate", "new.yaml").stdout
    line = next(each for each in checked.splitlines() if "maxSurge:" in each).split(":")[1]
    assert f"KI001, new.yaml:{line}, as validate says" in told


def test_what_does_not_come_true_is_not_told(user: User) -> None:
    for manifest, fields in (
        (chat(surge=1, down=0), {"cluster": "3x8", **NEW}),  # there is room
        (chat(down=2), {"cluster": "2x8", "actions": [{"at": "1m", "scale": 3}]}),  # no update
        (chat(STARTUP), {"cluster": "2x8", "initial": "empty"}),  # it loads in no time
    ):
        user.plans(manifest, **fields)
        done, result = user.runs()
        assert "confirmed" not in result
        assert "as validate says" not in " ".join(done.stdout.split())


@pytest.mark.parametrize(("nodes", "capability", "true"), [(4, 16, False), (2, 24, True), (2, 16, True)])
def test_what_its_queue_holds_back_does_not_confirm_that_nodes_have_no_room(
    user: User, nodes: int, capability: int, true: bool
) -> None:
    made = chat(surge=1, down=0)
    made["spec"]["template"]["spec"]["roles"][0]["template"]["spec"]["schedulerName"] = "volcano"
    queue = {
        "apiVersion": "scheduling.volcano.sh/v1beta1",
        "kind": "Queue",
        "metadata": {"name": "small"},
        "spec": {"weight": 1, "capability": {NPU: capability}},
    }
    user.plans(made, queue, cluster=f"{nodes}x8", scheduler={"queue": "small"}, **NEW)
    done, result = user.runs()
    assert done.returncode == 1
    assert ("KI001" in [each["code"] for each in result.get("confirmed", [])]) is true
    assert ("KI001" in done.stdout) is true


def test_a_rule_that_a_comment_switches_off_is_not_told_either(user: User, tmp_path: Path) -> None:
    user.plans(chat(down=2), cluster="2x8", **NEW)
    file = tmp_path / "manifest.yaml"
    text = file.read_text(encoding="utf-8")
    file.write_text(f"# kubeinfer-sim: disable=KI004\n{text}", encoding="utf-8")
    _, result = user.runs()
    assert "KI004" not in [each["code"] for each in result.get("confirmed", [])]


def test_each_of_these_rules_has_something_that_a_run_shows() -> None:
    assert SHOWS.keys() == SHOWN_BY_RUNS


def test_a_start_that_is_killed_counts_for_the_manifest_that_its_instance_is_of(user: User) -> None:
    """Those of the old manifest ran before anybody looked: none of their starts was killed."""
    user.has("old.yaml", chat(LIVENESS))
    user.has("new.yaml", chat({**LIVENESS, "env": [{"name": "X", "value": "1"}]}))
    done = user.types("rollout", "old.yaml", "new.yaml", "--nodes", "3x8", "--json", "result.json")
    told = " ".join(done.stdout.split())
    assert "KI005, new.yaml:" in told
    assert "KI005, old.yaml:" not in told
    # What no file has is made from the last one.
    user.plans(chat(LIVENESS), cluster="3x8", timings=TIMINGS, horizon="2h", **NEW)
    assert [each["code"] for each in user.runs()[1]["confirmed"]] == ["KI005"]

"""`recommend`: what to change, as a patch that is applied and then comes to what was said."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable, Sequence
from copy import deepcopy
from typing import Any

import pytest
import yaml
from field.user import PAGES, User, asking, both, kubeinfer

HEAD = {
    "KubeInfer": """apiVersion: infer.modelarts.huaweicloud/v1
kind: KubeInfer
metadata: {name: chat, namespace: prod}
spec:
  replicas: 4   # as many as there are nodes
  strategy:
    type: InstanceRollingUpdate
    rollingUpdate: {maxSurge: 1, maxUnavailable: 0}   # up first
  template:
    spec:
      roles:
      - name: serve
        template:
          metadata: {labels: {app: chat}}
          spec:
""",
    "Deployment": """apiVersion: apps/v1
kind: Deployment
metadata: {name: chat, namespace: prod}
spec:
  replicas: 4   # as many as there are nodes
  selector: {matchLabels: {app: chat}}
  strategy:
    type: RollingUpdate
    rollingUpdate: {maxSurge: 1, maxUnavailable: 0}   # up first
  template:
          metadata: {labels: {app: chat}}
          spec:
""",
}
CONTAINERS = """            # the engine
            containers:
            - name: engine
              image: repo/vllm:v1
              resources: {requests: {huawei.com/ascend-1980: 8}, limits: {huawei.com/ascend-1980: 8}}
"""


def recommended(user: User, *options: str) -> tuple[int, dict[str, Any], str]:
    done = user.types("recommend", *options, "-n", "8", "--json", "r.json", "--workers", "1")
    path = user.folder / "r.json"
    return done.returncode, json.loads(path.read_text()) if path.exists() else {}, done.stdout + done.stderr


def json_patched(value: Any, operations: Sequence[dict[str, Any]]) -> Any:
    """A document after a JSON patch as RFC 6902 has it: nothing is added where its parent is missing."""
    value = deepcopy(value)
    for each in operations:
        *way, last = (
            part.replace("~1", "/").replace("~0", "~") for part in each["path"].removeprefix("/").split("/")
        )
        parent = value
        for part in way:
            parent = parent[int(part)] if isinstance(parent, list) else parent[part]
        assert isinstance(parent, dict), each
        assert each["op"] == "add" or last in parent, each
        parent[last] = each["value"]
    return value


def down_first(kind: str) -> str:
    """The manifest with one down first, in place of one up first."""
    return (HEAD[kind] + CONTAINERS).replace(
        "maxSurge: 1, maxUnavailable: 0", "maxSurge: 0, maxUnavailable: 1"
    )


@pytest.mark.parametrize("kind", ["KubeInfer", "Deployment"])
def test_the_patch_is_applied_by_git_and_comes_to_what_was_said(user: User, kind: str) -> None:
    """Up first on a full cluster: one down first is the smallest change, and costs one instance."""
    manifest = user.folder / "manifest.yaml"
    manifest.write_text(HEAD[kind] + CONTAINERS)
    ask = ("manifest.yaml", "--nodes", "4x8", "--min-ready", "3", "--completes")
    code, document, told = recommended(
        user, *ask, "--patch", "c.patch", "--kubectl-patch", "k.yaml", "--rules", "rules.yaml"
    )
    assert code == 0, told
    assert document["decision"] == "held"
    (change,) = document["changes"]
    effects = {each["figure"]: each for each in change["effects"]}
    assert effects["held"]["before"] == 0
    assert effects["held"]["after"] == 1
    assert effects["held"]["differs"]
    assert document["nodes"] == 0
    presets = [each for each in document["looked"] if each["advised"]]
    assert {"maxSurge 25%, maxUnavailable 25%"} <= {each["changes"][0] for each in presets}
    assert document["jsonPatch"][0]["path"].startswith("/spec/strategy/rollingUpdate/max")
    assert json.loads((user.folder / "k.yaml").read_text().partition("\n")[2]) == document["jsonPatch"]
    subprocess.run(["git", "apply", "c.patch"], cwd=user.folder, check=True)
    text = manifest.read_text()
    assert "   # as many as there are nodes" in text
    assert "}   # up first" in text
    done = user.types("rollout", *ask, "--json", "result.json")
    result = json.loads((user.folder / "result.json").read_text())
    assert done.returncode == 0, done.stdout
    (ready,) = [each for each in result["objectives"] if each["name"] == "minReadyInstances"]
    said = effects.get("minReady") or effects["minAvailable"]
    assert ready["measured"] == said["after"] == 3
    assert document["seeds"] == [0], "nothing is drawn: one run tells all"
    code, document, told = recommended(user, *ask)
    assert (code, document["changes"], document["patch"]) == (0, [], "")
    assert "Nothing to change" in told


def test_what_no_change_of_the_manifest_gives_more_nodes_do_and_where_nothing_does_it_says_so(
    user: User,
) -> None:
    (user.folder / "manifest.yaml").write_text(HEAD["KubeInfer"] + CONTAINERS)
    code, document, told = recommended(
        user,
        "manifest.yaml",
        "--nodes",
        "4x8",
        "--min-ready",
        "4",
        "--completes",
        "--patch",
        "c.patch",
        "--rules",
        "r.yaml",
    )
    assert code == 0
    assert [each["name"] for each in document["changes"]] == ["1 more node"]
    words = " ".join(told.split())
    assert "--patch c.patch is not written: no field of the manifest changes" in words
    assert "--rules r.yaml is not written: no rules of Custom recovery go with it" in words
    assert not {"c.patch", "r.yaml"} & {each.name for each in user.folder.iterdir()}
    assert (document["nodes"], document["patch"], document["jsonPatch"]) == (1, "", [])
    assert "1 more node" in told
    for each in document["changes"]:
        assert any(effect["differs"] for effect in each["effects"])
    code, _, told = recommended(user, "manifest.yaml")
    assert code == 2
    assert "--nodes 8x8" in told


def test_where_no_set_of_changes_meets_the_objectives_it_exits_with_1(user: User) -> None:
    (user.folder / "manifest.yaml").write_text(HEAD["KubeInfer"] + CONTAINERS)
    done = user.types(
        *("recommend", "manifest.yaml", "--nodes", "4x8", "--within", "1s", "-n", "1", "--workers", "1"),
        *("--json", "r.json", "--html", "page.html")[: 4 if PAGES else 2],
    )
    assert done.returncode == 1
    number = re.match(r"✘ No set of changes meets the objectives, of ([\d,]+) that were", done.stdout)
    assert number is not None
    document = json.loads((user.folder / "r.json").read_text())
    assert number[1] == f"{sum(bool(each['changes']) for each in document['looked']):,}"
    if not PAGES:
        return
    page = (user.folder / "page.html").read_text(encoding="utf-8")
    assert f"{number[1]} sets of changes" in page
    assert f"Of {number[1]} sets no more than 20: those that were played first." in page


@pytest.mark.parametrize("kind", ["KubeInfer", "Deployment"])
def test_a_node_that_helps_only_with_another_budget_is_found_beside_it(user: User, kind: str) -> None:
    """All four are to stay ready: one up first needs a node, and a node alone leaves one down first."""
    (user.folder / "manifest.yaml").write_text(down_first(kind))
    ask = ("manifest.yaml", "--nodes", "4x8", "--min-ready", "4", "--completes", "--timings", "range")
    line = ("--vary", "maxSurge=0,1", "--vary", "maxUnavailable=0,1", "--vary", "spareNodes=1..3")
    code, document, told = recommended(user, *ask, *line, "--patch", "c.patch")
    assert code == 0, told
    assert [each["name"] for each in document["changes"]] == [
        "maxSurge 1",
        "maxUnavailable 0",
        "1 more node",
    ]
    # Each with an interval that leaves out no effect: here all runs come to the same.
    for change in document["changes"]:
        telling = [each for each in change["effects"] if each["differs"]]
        assert telling
        assert all(
            each["oftener"]["low"] > 0 or each["difference"]["low"] > 0 or each["difference"]["high"] < 0
            for each in telling
        )
    node = {each["figure"]: each for each in document["changes"][-1]["effects"]}
    assert (node["inPlace"]["before"], node["inPlace"]["after"], node["inPlace"]["more"]) == (0, 1, 8)
    assert "comes into place in 100 %, before 0 %: +100 %" in told
    assert "in 8 of 8 runs (68.7 % at least)" in told
    # The nodes that the update runs on have the image, the new one has not.
    assert (document["starts"]["number"], document["starts"]["warm"]) == (4, 3)
    assert "3 of 4 starts pull no image, for their nodes have it already" in " ".join(told.split())
    subprocess.run(["git", "apply", "c.patch"], cwd=user.folder, check=True)
    assert user.types("rollout", *ask).returncode == 1
    assert user.types("rollout", "manifest.yaml", "--nodes", "5x8", *ask[3:]).returncode == 0
    assert document["seeds"] == [*range(8)]
    # Two runs of each set are too few to tell what a change does: nothing is recommended.
    (user.folder / "manifest.yaml").write_text(down_first(kind))
    assert user.types("recommend", *ask, *line, "-n", "2").returncode == 4
    # Without the values given the usual ones come to the same.
    (user.folder / "manifest.yaml").write_text(down_first(kind))
    code, document, _ = recommended(user, *ask)
    assert (code, document["nodes"], len(document["changes"])) == (0, 1, 2)


@both
def test_two_changes_of_which_neither_does_anything_alone_are_found_together(
    user: User, workload: Callable[..., Any]
) -> None:
    """A full cluster, one up first, and a window that is too short: room shows that pods are killed."""
    probe = {"tcpSocket": {"port": 1}, "periodSeconds": 10, "timeoutSeconds": 1, "failureThreshold": 3}
    pods = workload({**asking(npu=8), "startupProbe": probe}, replicas=2, surge=1)
    user.plans(
        pods,
        cluster="2x8",
        update={"path": "new.yaml"},
        timings={"profile": "zero", "weights": "55s"},
        quietAfter="20m",
        objectives={"completes": True, "minReadyInstances": 1},
    )
    user.has("new.yaml", json.loads(json.dumps(pods).replace("repo/vllm:v1", "repo/vllm:v2")))
    code, document, told = recommended(
        user, "scenario.yaml", "--kubectl-patch", "k.yaml", "--patch", "c.patch"
    )
    assert code == 0, told
    assert [each["name"].split()[0] for each in document["changes"]] == [
        "maxSurge",
        "startupProbe.failureThreshold",
    ]
    assert document["alsoIn"] == ["new.yaml"]
    assert "new.yaml is applied in the runs, and changed in them likewise" in " ".join(told.split())
    assert document["starts"]["warm"] == 0
    before = yaml.safe_load((user.folder / "manifest.yaml").read_text())
    subprocess.run(["git", "apply", "c.patch"], cwd=user.folder, check=True)
    after = yaml.safe_load((user.folder / "manifest.yaml").read_text())
    assert json_patched(before, yaml.safe_load((user.folder / "k.yaml").read_text())) == after


@both
def test_only_the_values_given_are_tried_and_what_no_manifest_has_is_refused(
    user: User, workload: Callable[..., Any]
) -> None:
    user.has("manifest.yaml", workload(asking(npu=8), replicas=4, surge=1))
    ask = ("recommend", "manifest.yaml", "--nodes", "4x8", "--min-ready", "3", "--completes", "-n", "8")
    done = user.types(*ask, "--vary", "maxUnavailable=0,1,50%", "--json", "r.json")
    document = json.loads((user.folder / "r.json").read_text())
    assert done.returncode == 0
    assert [each["changes"] for each in document["looked"]] == [
        [],
        ["maxUnavailable 1"],
        ["maxUnavailable 50%"],
    ]
    assert [each["name"] for each in document["changes"]] == ["maxUnavailable 1"]
    for vary, said in (
        ("nodes=4,5", "no field of a manifest that recommend can patch"),
        ("maxSurg=1", 'did you mean "maxSurge"?'),
        ("maxSurge=", "expected values, as in maxSurge=A,B or maxSurge=8..16"),
        ("maxSurge.other=1", "the manifest that is patched is"),
        ("maxSurge=often", "expected a number or a percentage"),
        ("startupProbe=1", "say which field of the probe"),
        ("recovery.nobody=Pod", "say of which role" if workload is kubeinfer else "KubeInfers' that have it"),
    ):
        done = user.types(*ask, "--vary", vary)
        assert (done.returncode, done.stdout) == (2, ""), vary
        assert said in " ".join(done.stderr.split()), vary
        assert "Traceback" not in done.stderr
    done = user.types(*ask, "--vary", "maxSurge=1", "--vary", "maxSurge=2")
    assert done.returncode == 2
    assert "maxSurge is there twice" in done.stderr


def test_a_rule_of_custom_recovery_is_recommended_where_it_is_best_and_comes_to_what_was_said(
    user: User,
) -> None:
    """Two that compute together, of which one crashes: decode loads ten minutes, and has nothing to do with it."""
    pods = kubeinfer(
        {**asking(npu=8), "readinessProbe": {"tcpSocket": {"port": 1}, "periodSeconds": 5}},
        replicas=1,
        terminationGracePeriodSeconds=0,
    )
    (role,) = pods["spec"]["template"]["spec"]["roles"]
    pods["spec"]["template"]["spec"]["roles"] = [
        {**role, "name": "prefill", "replicas": 2},
        {**role, "name": "decode"},
    ]
    loads = {"prefill": {"weights": "60s"}, "decode": {"weights": "10m"}}
    scenario: dict[str, Any] = {
        "cluster": "3x8",
        "timings": {"profile": "zero", "roles": loads},
        "assumptions": {"peerLossTimeout": "30s"},
        "actions": [{"at": "5m", "crash": {"roles": ["prefill"], "pods": [0]}}],
        "objectives": {"maxLostInstanceSeconds": 70},
    }
    user.plans(pods, **scenario)
    code, document, told = recommended(user, "scenario.yaml", "--patch", "c.patch", "--rules", "rules.yaml")
    assert code == 0, told
    (change,) = document["changes"]
    assert (change["name"], change["advised"]) == ("recovery of prefill: Custom, the role", True)
    (lost,) = [each for each in change["effects"] if each["figure"] == "lostInstanceMs"]
    assert (lost["before"], lost["after"], lost["always"]) == (600_000, 60_000, True)
    # What else the vendor advises by parallelism has been played, and one pod alone leaves its peer to time out.
    looked = {"; ".join(each["changes"]): each for each in document["looked"]}
    assert looked["recovery of decode: Pod"]["advised"]
    assert looked["recovery of decode: Pod"]["decision"] == "missed"
    both_roles = looked["recovery of prefill: Custom, the role, recovery of decode: Pod"]
    assert (both_roles["advised"], both_roles["decision"]) == (True, "held")
    alone = looked["recovery of prefill: Pod"]
    assert (alone["advised"], alone["decision"]) == (False, "missed")
    assert {each["figure"]: each["after"] for each in alone["effects"]}["lostInstanceMs"] == 90_000
    subprocess.run(["git", "apply", "c.patch"], cwd=user.folder, check=True)
    user.plans(
        yaml.safe_load((user.folder / "manifest.yaml").read_text()),
        **scenario,
        recovery="rules.yaml",
    )
    done, result = user.runs()
    assert done.returncode == 0, done.stdout
    (judged,) = result["objectives"]
    assert judged["measured"] == 60
    # Without the rules Custom means something else.
    user.plans(yaml.safe_load((user.folder / "manifest.yaml").read_text()), **scenario)
    assert user.types("run", "scenario.yaml", "-n", "1").returncode == 1


def test_what_so_few_runs_leave_undecided_exits_with_4(user: User) -> None:
    user.plans(
        kubeinfer({**asking(npu=8)}, replicas=3, terminationGracePeriodSeconds=0),
        cluster="4x8",
        timings={"profile": "zero", "create": {"uniform": {"low": "30s", "high": "90s"}}},
        update={"newRevision": True},
        objectives={"completesWithin": {"time": "150s", "probability": "50%"}},
    )
    done = user.types("recommend", "scenario.yaml", "-n", "2", "--workers", "1")
    assert done.returncode == 4
    assert done.stdout.startswith("? Undecided: none of ")


def test_a_node_more_is_found_where_many_more_make_it_slower(user: User) -> None:
    """Each pod on a new node pulls the image first; with one more node all but one start where it is already."""
    (user.folder / "manifest.yaml").write_text(HEAD["Deployment"] + CONTAINERS)
    ask = ("manifest.yaml", "--nodes", "4x8", "--min-ready", "4", "--within", "8m")
    code, document, told = recommended(user, *ask)
    assert code == 0, told
    assert told.startswith("✔ With 1 more node the objectives hold")
    missed = {tuple(each["changes"]) for each in document["looked"] if each["decision"] == "missed"}
    assert ("16 more nodes",) in missed


@pytest.mark.parametrize("kind", ["KubeInfer", "Deployment"])
def test_of_changes_that_do_the_one_that_keeps_most_ready_comes_first(user: User, kind: str) -> None:
    """All at once is soonest on a full cluster, and an outage that nobody has asked for."""
    (user.folder / "manifest.yaml").write_text(HEAD[kind] + CONTAINERS)
    code, document, told = recommended(user, "manifest.yaml", "--nodes", "4x8", "--completes")
    assert code == 0, told
    fewest = next(
        figure["after"]
        for change in document["changes"]
        for figure in change["effects"]
        if figure["figure"] in ("minReady", "minAvailable")
    )
    assert fewest == 3


@pytest.mark.parametrize("kind", ["KubeInfer", "Deployment"])
def test_what_is_missed_is_said_with_what_was_measured(user: User, kind: str) -> None:
    """Nothing can go up first on a full cluster; one down first leaves three ready."""
    (user.folder / "manifest.yaml").write_text(HEAD[kind] + CONTAINERS)
    ask = ("manifest.yaml", "--nodes", "4x8", "--min-ready", "4", "--vary")
    _, _, told = recommended(
        user, *ask, "maxUnavailable=1", "--vary", "terminationGracePeriodSeconds=5", "--within", "1s"
    )
    words = " ".join(told.split())
    assert re.search(
        r"maxUnavailable 1: misses: at least 4 ready \(measured: 3\); completes within 1s \(meas", words
    )
    assert re.search(r"terminationGracePeriodSeconds 5: misses: completes within 1s \(never\)", words)
    _, _, told = recommended(user, *ask, "terminationGracePeriodSeconds=5")
    assert "misses: what is asked for does not come about; " in " ".join(told.split())

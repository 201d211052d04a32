"""A run that never finishes names the smallest changes with which it does, each of which has been played."""

from __future__ import annotations

import json
from typing import Any

import pytest
from field.user import User, asking, both, kubeinfer

from kubeinfer_sim.experiment import ways_to_finish

NPUS = asking(npu=8)
STARTUP = {
    "startupProbe": {
        "tcpSocket": {"port": 1},
        "periodSeconds": 10,
        "timeoutSeconds": 1,
        "failureThreshold": 3,
    }
}


@both
def test_the_least_number_of_nodes_and_budgets_with_which_it_finishes(user: User, workload: Any) -> None:
    """Two at once on top of four on four nodes: one more node is enough, for one comes after the other."""
    user.plans(
        workload(NPUS, replicas=4, surge=2),
        cluster="4x8",
        initial="running",
        update={"newRevision": True},
        timings={"profile": "zero", "create": "10s"},
    )
    done, result = user.runs()
    assert done.returncode == 1
    known = result["waysToFinish"]
    owner = "KubeInfer/chat" if result["instances"] else "Deployment/chat"
    assert [(each["knob"], each["value"], each["owner"]) for each in known["ways"]] == [
        ("spareNodes", "1", ""),
        ("maxUnavailable", "1", owner),
        ("replicas", "3", owner),
    ]
    assert [(each["fewestReady"], each["replicas"]) for each in known["ways"]] == [(4, 4), (3, 4), (3, 3)]
    assert known["runs"] == 3
    assert "with 1 more node (4 of 4 stay ready" in done.stdout
    assert "with maxUnavailable 1 (3 of 4 stay ready" in done.stdout
    assert "with 3 replicas from the start, 1 fewer (3 of 3" in done.stdout
    # As it is said.
    user.plans(
        workload(NPUS, replicas=4, surge=2),
        cluster="5x8",
        initial="running",
        update={"newRevision": True},
        timings={"profile": "zero", "create": "10s"},
    )
    done, result = user.runs()
    assert done.returncode == 0
    assert "waysToFinish" not in result


@both
def test_a_probe_that_kills_too_early_gets_the_window_that_is_just_long_enough(
    user: User, workload: Any
) -> None:
    user.plans(
        workload({**STARTUP, **NPUS}, replicas=1),
        cluster="2x8",
        initial="empty",
        timings={"profile": "zero", "weights": "95s"},
    )
    done, result = user.runs()
    (way,) = result["waysToFinish"]["ways"]
    # It answers after 95 s, and is asked every 10 s: the tenth time it does.
    assert (way["knob"], way["value"], way["more"]) == ("startupProbe.failureThreshold", "10", 7)
    assert "with startupProbe.failureThreshold 10 (1 of 1 stays ready" in done.stdout


@both
def test_what_was_still_due_is_waited_for(user: User, workload: Any) -> None:
    broken = {"at": "1m", "fault": {"kind": "CardDrop", "node": "node-0", "npu": 3, "repair": "51h"}}
    user.plans(
        workload(NPUS, replicas=1),
        cluster="1x8",
        initial="running",
        actions=[broken, {"at": "2m", "deletePod": {"pods": [0]}}],
        horizon="1d",
    )
    done, result = user.runs()
    assert done.returncode == 1
    waited = [each for each in result["waysToFinish"]["ways"] if each["knob"] == "wait"]
    assert [each["value"] for each in waited] == ["repair of node-0/npu3"]
    assert "after the repair of node-0/npu3 at 2d3h" in done.stdout


@both
def test_the_budgets_are_those_of_the_manifest_that_is_applied(user: User, workload: Any) -> None:
    """One down first, until the update itself asks for one up first: by that it goes, and is warned of."""
    user.plans(
        workload(NPUS, replicas=1),
        cluster="1x8",
        initial="running",
        update={"path": "new.yaml"},
        timings={"profile": "zero", "create": "10s"},
    )
    user.has("new.yaml", workload({"image": "repo/vllm:v2", **NPUS}, replicas=1, surge=1))
    done, result = user.runs()
    assert done.returncode == 1
    assert [(each["knob"], each["value"]) for each in result["waysToFinish"]["ways"]] == [
        ("spareNodes", "1"),
        ("maxUnavailable", "1"),
    ]
    assert "no instance is guaranteed to stay up" not in done.stdout
    if result["instances"]:
        assert "! single instance: needs room for a second instance during the update" in done.stdout
    # The other way round it goes, and nobody is told of the room that the old budgets would have needed.
    user.has("old.yaml", workload({"image": "repo/vllm:v2", **NPUS}, replicas=1))
    user.plans(
        workload(NPUS, replicas=1, surge=1),
        cluster="1x8",
        initial="running",
        update={"path": "old.yaml"},
        timings={"profile": "zero", "create": "10s"},
    )
    done, result = user.runs()
    assert done.returncode == 0
    assert "waysToFinish" not in result
    assert "needs room" not in done.stdout
    assert ("! no instance is guaranteed to stay up" in done.stdout) == bool(result["instances"])


@both
def test_replicas_are_those_it_is_scaled_to_last(user: User, workload: Any) -> None:
    """Half of 4 may be unavailable; of the one that is left none: then one of it lets it finish."""
    pods = workload(NPUS, replicas=4, surge=1)
    pods["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] = "50%"
    new = workload({"image": "repo/vllm:v2", **NPUS})["spec"]["template"]
    stays = 0 if pods["kind"] == "KubeInfer" else 3
    user.plans(
        pods,
        cluster="4x8",
        initial="running",
        actions=[
            {"at": "1s", "object": f"{pods['kind']}/chat", "scale": 1},
            {"at": "2s", "cordon": {"nodes": [f"node-{each}" for each in range(4) if each != stays]}},
            {"at": "3s", "object": f"{pods['kind']}/chat", "patch": {"spec": {"template": new}}},
        ],
        timings={"profile": "zero", "create": "10s"},
    )
    _, result = user.runs()
    ways = [(each["knob"], each["value"]) for each in result["waysToFinish"]["ways"]]
    assert ways == [("spareNodes", "1"), ("maxUnavailable", "1")]


@both
def test_a_budget_that_is_something_after_a_scaling_is_no_way_out(user: User, workload: Any) -> None:
    """Half of one is nothing, half of two is one: what is asked for then lacks a node, and no budget."""
    pods = workload(NPUS, replicas=1, surge=1)
    pods["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] = "50%"
    user.plans(
        pods,
        cluster="1x8",
        initial="running",
        update={"newRevision": True},
        actions=[{"at": "1m", "object": f"{pods['kind']}/chat", "scale": 2}],
        timings={"profile": "zero", "create": "10s"},
    )
    _, result = user.runs()
    known = result["waysToFinish"]
    assert [(each["knob"], each["value"]) for each in known["ways"]] == [("spareNodes", "1")]
    assert not [each for each in known["tried"] if "maxUnavailable" in each]


@both
def test_two_causes_get_a_way_out_of_two_changes_each_the_least(user: User, workload: Any) -> None:
    """The second comes to light where the first is mended: what has a place at last is killed by its probe."""
    user.plans(
        workload(NPUS, replicas=2, surge=1),
        cluster="2x8",
        initial="running",
        update={"path": "new.yaml"},
        timings={"profile": "zero", "weights": "95s"},
        quietAfter="20m",
    )
    user.has("new.yaml", workload({"image": "repo/vllm:v2", **STARTUP, **NPUS}, replicas=2, surge=1))
    done, result = user.runs()
    assert done.returncode == 1
    known = result["waysToFinish"]
    assert (known["ways"], known["tried"]) == ([], ["spareNodes 64", "maxUnavailable 2", "replicas - 1"])
    ways = [[(one["knob"], one["value"]) for one in each["changes"]] for each in known["together"]]
    probe = ("startupProbe.failureThreshold", "10")
    assert ways[:2] == [[("spareNodes", "1"), probe], [("maxUnavailable", "1"), probe]]
    assert [each["fewestReady"] for each in known["together"][:2]] == [2, 1]
    assert 2 <= known["pairs"] <= 6
    assert known["runs"] <= 48
    told = " ".join(done.stdout.split())
    assert "with 1 more node and startupProbe.failureThreshold 10 (2 of 2 stay ready, in" in told
    # As it is said, and no less is enough.
    knobs = ("--vary", "spareNodes=0,1", "--vary", "startupProbe.failureThreshold=9,10")
    user.types("sweep", "scenario.yaml", *knobs, "-n", "1", "--json", "s.json")
    points = json.loads((user.folder / "s.json").read_text(encoding="utf-8"))["points"]
    assert [each["figures"]["finishes"] for each in points] == [0, 0, 0, 1]


@both
def test_of_two_changes_that_help_one_that_does_so_alone_is_told_alone(user: User, workload: Any) -> None:
    """Nobody answers in 20 s: the window is enough for all, once it is longer; no node is asked for."""
    user.plans(
        workload({**STARTUP, **NPUS}, replicas=1),
        cluster="1x8",
        initial="empty",
        timings={"profile": "zero", "weights": "95s"},
    )
    _, result = user.runs()
    assert [each["knob"] for each in result["waysToFinish"]["ways"]] == ["startupProbe.failureThreshold"]
    assert (result["waysToFinish"]["together"], result["waysToFinish"]["pairs"]) == ([], 0)


@both
def test_starts_that_probes_kill_on_the_way_are_told(user: User, workload: Any) -> None:
    """With a node it finishes, after starts that take too long: these are killed first, and tried again."""
    user.plans(
        workload({**STARTUP, **NPUS}, replicas=3, surge=1),
        cluster="3x8",
        initial="running",
        update={"newRevision": True},
        timings={"profile": "zero", "weights": {"uniform": {"low": "10s", "high": "60s"}}},
    )
    done, result = user.runs()
    way = result["waysToFinish"]["ways"][0]
    assert (way["knob"], way["value"]) == ("spareNodes", "1")
    assert way["killedStarts"] > 0
    starts = f"{way['killedStarts']} start{'s' if way['killedStarts'] > 1 else ''}"
    assert f"probes kill {starts} on the way" in " ".join(done.stdout.split())


def test_where_nothing_helps_it_says_what_was_tried_and_of_a_run_that_finishes_nothing(
    user: User,
) -> None:
    user.plans(
        kubeinfer({**STARTUP, **NPUS}, replicas=1, nodeSelector={"no": "where"}),
        cluster={"pools": [{"name": "a", "count": 1, "allocatable": {"huawei.com/ascend-1980": 8}}]},
        initial="empty",
    )
    done, result = user.runs("--markdown", "-", "-q")
    assert result["waysToFinish"]["ways"] == []
    assert result["waysToFinish"]["tried"] == ["spareNodes 64"]
    assert result["waysToFinish"]["pairs"] == 0
    assert "with none of what was tried: up to 64 more nodes" in done.stdout
    user.plans(kubeinfer(NPUS, replicas=1), cluster="1x8", initial="empty")
    done, result = user.runs()
    assert done.returncode == 0
    assert "waysToFinish" not in result
    assert "Finishes" not in done.stdout


@both
def test_of_a_probe_the_least_window_without_a_kill_is_told_too(user: User, workload: Any) -> None:
    """A cold load takes 35 minutes; killed after 21 it goes on loading in its grace period, and the next one is warm."""

    def plans(failures: int) -> None:
        probe = {**STARTUP["startupProbe"], "failureThreshold": failures}
        user.plans(
            workload({"startupProbe": probe, **NPUS}, replicas=2, surge=1),
            cluster="3x8",
            initial="running",
            update={"newRevision": True},
            timings={"profile": "typical"},
        )

    plans(100)
    done, result = user.runs()
    least, unkilled = result["waysToFinish"]["ways"]
    assert {each["knob"] for each in (least, unkilled)} == {"startupProbe.failureThreshold"}
    assert (least["killedStarts"], unkilled["killedStarts"]) == (1, 0)
    assert least["afterSigtermMs"] > 0
    assert unkilled["afterSigtermMs"] is None
    told = " ".join(done.stdout.split())
    assert "kill 1 start on the way: it comes up since a killed engine is taken to go on loading" in told
    assert f"with startupProbe.failureThreshold {unkilled['value']} (2 of 2 stay ready" in told
    for less, killed in ((0, False), (1, True)):
        plans(int(unkilled["value"]) - less)
        _, result = user.runs()
        assert ("killedStarts" in result) == killed


@both
def test_among_very_many_replicas_fewer_are_found_and_what_would_take_too_long_is_named(
    user: User, workload: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half of them have a place; no run as large as that which does not finish is played again."""
    user.plans(
        workload(NPUS, replicas=64),
        cluster="32x8",
        initial="empty",
        timings={"profile": "zero", "create": "10s"},
    )
    monkeypatch.setattr(ways_to_finish, "MOST_WORK", 4 * ways_to_finish.LIFE_WORK * 64 - 1)
    done, result = user.runs()
    known = result["waysToFinish"]
    assert [(each["knob"], each["value"], each["more"]) for each in known["ways"]] == [
        ("replicas", "32", -32)
    ]
    assert (known["tried"], known["untried"], known["cut"]) == ([], ["spareNodes 64"], True)
    # 1, 2, 4, 8, 16 and 32; the work of 64 is too much; what lies between is bisected.
    assert known["runs"] <= 12
    assert "with 32 replicas from the start, 32 fewer" in done.stdout
    assert "not tried, since it would take too long: up to 64 more nodes" in " ".join(done.stdout.split())

"""`events` as a user meets it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from command_line import sim
from field.user import User, asking, deployment, kubeinfer
from kubectl_objects import listed, pod

from kubeinfer_sim.metrics.events import go_duration


def table(*line: str) -> list[tuple[str, ...]]:
    """The rows of the table: when last seen, type, reason, object, message."""
    done = sim("events", *line)
    assert done.returncode == 0, done.stderr
    head, *rows = done.stdout.splitlines()
    assert head.split("  ")[0] == "LAST SEEN"
    return [tuple(row.split(maxsplit=4)) for row in rows]


def test_kubelets_and_controllers_tell_of_a_node_that_dies_and_of_the_pod_that_comes_in_its_place() -> None:
    image = '"swr.example.com/demo/ascend-vllm:A3.6"'
    assert table("scenarios/silent-node-death.yaml", "--at", "1h") == [
        ("49m", "Normal", "NodeNotReady", "node/node-0", "Node node-0 status is now: NodeNotReady"),
        ("49m", "Warning", "NodeNotReady", "pod/chat-1-serve-0", "Node is not ready"),
        (
            "44m",
            "Normal",
            "TaintManagerEviction",
            "pod/chat-1-serve-0",
            "Marking for deletion Pod default/chat-1-serve-0",
        ),
        (
            "19m",
            "Normal",
            "Scheduled",
            "pod/chat-1-serve-0",
            "Successfully assigned default/chat-1-serve-0 to node-1",
        ),
        ("19m", "Normal", "Pulling", "pod/chat-1-serve-0", f"Pulling image {image}"),
        (
            "15m",
            "Normal",
            "Pulled",
            "pod/chat-1-serve-0",
            f"Successfully pulled image {image} in 4m50s (4m50s including waiting)",
        ),
        ("15m", "Normal", "Created", "pod/chat-1-serve-0", "Container created"),
        ("15m", "Normal", "Started", "pod/chat-1-serve-0", "Container started"),
    ]


def test_a_deployment_tells_what_it_scales_and_an_event_is_gone_after_an_hour() -> None:
    rows = table("scenarios/model-as-deployment.yaml", "--at", "10m")
    assert (
        "10m",
        "Normal",
        "ScalingReplicaSet",
        "deployment/chat",
        "Scaled up replica set chat-6d8c3b28d9 from 0 to 1",
    ) in rows
    made = [row[3:] for row in rows if row[2] == "SuccessfulCreate"]
    assert ("replicaset/chat-6d8c3b28d9", "Created pod: chat-4") in made
    # A ReplicaSet that is made without pods is scaled when it gets some.
    assert not any(row[4].endswith("from 0 to 0") for row in rows)
    # Those that ran already when the simulation began were created before.
    assert not any(message in ("Created pod: chat-0", "Created pod: chat-3") for _, message in made)
    later = table("scenarios/model-as-deployment.yaml", "--at", "70m")
    assert not any(row[4].endswith("from 0 to 1") for row in later)


@pytest.mark.parametrize("kind", [kubeinfer, deployment])
def test_a_pull_behind_another_is_one_pull_with_its_waiting(tmp_path: Path, kind: Any) -> None:
    (tmp_path / "pods.yaml").write_text(json.dumps(kind(asking(npu=4), replicas=2)))
    scenario = {
        "apiVersion": "kubeinfer-sim/v1",
        "kind": "Scenario",
        "metadata": {"name": "two-on-one-node"},
        "spec": {"manifest": "pods.yaml", "cluster": "1x8", "initial": "empty"},
    }
    (tmp_path / "scenario.yaml").write_text(json.dumps(scenario))
    rows = [row for row in table(str(tmp_path / "scenario.yaml")) if row[2] in ("Pulling", "Pulled")]
    assert [row[2] for row in rows] == ["Pulling", "Pulling", "Pulled", "Pulled"]
    assert rows[0][3] != rows[1][3]
    assert " in 4m50s (4m50s including waiting)" in rows[2][4]
    assert " in 1s (4m51s including waiting)" in rows[3][4], "what is there by then is asked for once more"
    listed = tmp_path / "pods.json"
    listed.write_text(sim("pods", str(tmp_path / "scenario.yaml"), "-o", "kubectl").stdout)
    assert "imageCold: 4m50s" in sim("calibrate", str(listed)).stdout


def test_what_comes_again_is_counted_and_calibrate_reads_the_list(tmp_path: Path) -> None:
    done = sim("events", "scenarios/startup-crash-left-to-kubelet.yaml", "-o", "json")
    document = json.loads(done.stdout)
    assert (document["apiVersion"], document["kind"]) == ("v1", "List")
    again = {each["reason"]: each for each in document["items"] if each["count"] > 1}
    assert {reason: each["count"] for reason, each in again.items()} == {
        "Killing": 11,
        "Pulled": 11,
        "Created": 12,
        "Started": 12,
    }
    for each in again.values():
        assert each["firstTimestamp"] < each["lastTimestamp"]
        assert each["involvedObject"]["fieldPath"] == "spec.containers{engine}"
    assert again["Killing"]["message"] == "Container engine failed startup probe, will be restarted"

    events = sim("events", "scenarios/silent-node-death.yaml", "--at", "1h", "-o", "json").stdout
    there = pod("chat-1-serve-0", namespace="default", npus=8)
    there["spec"]["containers"][0]["image"] = "swr.example.com/demo/ascend-vllm:A3.6"
    times = {"PodScheduled": "00:40:00", "Ready": "01:06:00"}
    there["metadata"]["creationTimestamp"] = "2026-01-01T00:40:00Z"
    there["status"]["conditions"] = [
        {"type": name, "status": "True", "lastTransitionTime": f"2026-01-01T{at}Z"}
        for name, at in times.items()
    ]
    there["status"]["containerStatuses"] = [
        {"name": "c", "state": {"running": {"startedAt": "2026-01-01T00:44:54Z"}}}
    ]
    (tmp_path / "pods.json").write_text(listed(there), encoding="utf-8")
    (tmp_path / "events.json").write_text(events, encoding="utf-8")
    learned = sim("calibrate", "pods.json", "events.json", cwd=tmp_path)
    assert learned.returncode == 0, learned.stderr
    assert yaml.safe_load(learned.stdout)["spec"]["roles"]["serve"]["imageCold"] == "4m50s"


@pytest.mark.parametrize(
    ("millis", "text"),
    [
        (0, "0s"),
        (450, "450ms"),
        (290_000, "4m50s"),
        (182_500, "3m2.5s"),
        (3_600_000, "1h0m0s"),
        (1_050, "1.05s"),
    ],
)
def test_durations_are_written_as_go_does(millis: int, text: str) -> None:
    assert go_duration(millis) == text


def test_a_container_that_ends_again_is_backed_off_in_the_words_of_the_kubelet(tmp_path: Path) -> None:
    user = User(tmp_path)
    crashes = [{"at": at, "crash": {"pods": [0]}} for at in ("1m", "2m")]
    user.plans(deployment({}, replicas=1), cluster="2x8", horizon="3m", actions=crashes)
    done = user.types("events", "scenario.yaml", "-o", "json")
    assert done.returncode == 0, done.stderr
    (event,) = [each for each in json.loads(done.stdout)["items"] if each["reason"] == "BackOff"]
    about = event["involvedObject"]
    of = f"{about['name']}_{about['namespace']}({about['uid']})"
    assert event["message"] == f"Back-off restarting failed container engine in pod {of}"
    assert (event["type"], event["source"]["component"]) == ("Warning", "kubelet")


def test_a_time_that_is_none_is_refused() -> None:
    done = sim("events", "scenarios/model-as-deployment.yaml", "--at", "soon")
    assert done.returncode == 2
    assert done.stderr.startswith("error: --at: ")


def test_what_is_wrong_with_the_name_of_an_image_is_said_once(tmp_path: Path) -> None:
    """The kubelet's event is the message of the container (pkg/kubelet/images/image_manager.go)."""
    user = User(tmp_path)
    user.plans(
        deployment({"image": "repo/web:V2:x"}, replicas=1), cluster="1x8", initial="empty", horizon="1m"
    )
    done = user.types("events", "scenario.yaml")
    assert done.stdout.count("InspectFailed") == 1, done.told
    assert done.stdout.count("Failed to apply default image tag") == 1
    assert "couldn't parse image name" in done.stdout

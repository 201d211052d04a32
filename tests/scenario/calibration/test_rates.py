"""Failure rates from listings over time: what is counted, over which hours, with which interval; and as a user has it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from command_line import sim

from kubeinfer_sim.scenario.timings.calibration.rates import poisson_interval

Raw = dict[str, Any]


@pytest.mark.parametrize(
    ("count", "low", "high"),
    [(0, 0, 3.6889), (1, 0.025318, 5.5716), (3, 0.61867, 8.7673), (10, 4.7954, 18.390)],
)
def test_intervals_are_those_of_the_tables(count: int, low: float, high: float) -> None:
    """Garwood's 95 % limits of a Poisson mean."""
    assert poisson_interval(count, 1) == pytest.approx((low, high), rel=1e-4)
    assert poisson_interval(count, 100) == pytest.approx((low / 100, high / 100), rel=1e-4)


def event(kind: str, name: str, at: str, reason: str, message: str, **more: Any) -> Raw:
    return {
        "kind": "Event",
        "metadata": {"name": f"{name}.{at}", "namespace": "default", "uid": f"{name}/{at}/{reason}"},
        "involvedObject": {"kind": kind, "name": name},
        "reason": reason,
        "message": message,
        "eventTime": f"2026-03-01T{at}.000000Z",
        **more,
    }


def node(name: str) -> Raw:
    return {
        "kind": "Node",
        "metadata": {"name": name, "uid": name, "creationTimestamp": "2026-01-01T00:00:00Z"},
        "status": {"capacity": {"huawei.com/ascend-1980": "8", "cpu": "192"}},
    }


def pod(restarts: int) -> Raw:
    moments = {"PodScheduled": "06:00:01", "Ready": "06:20:00"}
    limits = {"limits": {"huawei.com/ascend-1980": "8"}}
    return {
        "kind": "Pod",
        "metadata": {"name": "chat-0-serve-0", "namespace": "p", "uid": "u", "creationTimestamp": "2026-03-01T06:00:00Z"},
        "spec": {"nodeName": "n0", "containers": [{"name": "engine", "image": "i", "resources": limits}]},
        "status": {
            "phase": "Running",
            "conditions": [
                {"type": name, "status": "True", "lastTransitionTime": f"2026-03-01T{at}Z"}
                for name, at in moments.items()
            ],
            "containerStatuses": [
                {
                    "name": "engine",
                    "restartCount": restarts,
                    "state": {"running": {"startedAt": "2026-03-01T06:05:00Z"}},
                }
            ],
        },
    }  # fmt: skip


def fault(at: str, kind: str = "Warning") -> Raw:
    """As Ascend's device plugin writes it, about its own pod."""
    text = (
        f"device fault, nodeName:n0, assertion:{'Occur' if kind == 'Warning' else 'Recover'}, cardID:1, deviceID:0, "
        f"faultCodes:80E01801, faultLevelName:RestartNPU, alarmRaisedTime:{at}"
    )
    return event("Pod", "device-plugin", at, "Occur", text, type=kind)


def lost(at: str) -> Raw:
    return event("Node", "n1", at, "NodeNotReady", "Node n1 status is now: NodeNotReady")


def learned(folder: Path, *listings: list[Raw], options: tuple[str, ...] = ()) -> list[str]:
    """The lines of `calibrate` that tell rates."""
    names = []
    for items in listings:
        names.append(f"{len(names)}.json")
        (folder / names[-1]).write_text(json.dumps({"kind": "List", "items": items}), encoding="utf-8")
    done = sim("calibrate", *names, *options, cwd=folder)
    assert done.returncode == 0, done.told
    return [line for line in done.stdout.splitlines() if line.startswith("#   ")]


def test_listings_over_time_tell_how_often_nodes_npus_and_containers_fail(tmp_path: Path) -> None:
    """Four nodes, of which events are known for three hours and a half: those of 9:30 and 10:00 overlap."""
    nodes = [node(f"n{number}") for number in range(4)]
    other = event("Pod", "x", "08:00:00", "Pulled", "x")
    lines = learned(
        tmp_path,
        [pod(1), *nodes, other],
        [pod(2), lost("09:10:00"), fault("09:30:00"), fault("09:20:00", "Normal")],
        [pod(2), lost("09:10:00"), fault("09:30:00"), fault("10:00:00")],
        [lost("12:00:00"), event("Pod", "y", "12:00:00", "NodeNotReady", "Node is not ready")],
    )
    assert lines == [
        "#   nodes not ready: 2 in 14 node-hours: one in 1.94 h to 57.8 h",
        "#   - {kind: NodeReboot, per: node, rate: 2 per 14h}",
        "#   NPU faults: 2 in 112 accelerator-hours (2 RestartNPU): one in 15.5 h to 462 h",
        "#   - {kind: NpuFault, per: npu, rate: 2 per 112h}",
        "#   container restarts: 2 in 4 pod-hours (in 32 accelerator-hours): one in 0.554 h to 16.5 h",
        "#   - {kind: ProcessCrash, per: pod, rate: 2 per 14400s}",
    ]


def test_where_nothing_failed_the_least_time_between_failures_is_told(tmp_path: Path) -> None:
    (nodes, *rest) = learned(tmp_path, [pod(0), event("Pod", "x", "08:00:00", "Pulled", "x")])
    assert nodes.startswith(
        "#   nodes not ready: 0 in 1 node-hours (nodes are those that pods are on: list nodes, too)"
    )
    assert nodes.endswith("one in 0.271 h or more")
    assert not any("{kind:" in line for line in rest), "a process that never strikes is none"
    assert not any("NPU faults" in line for line in rest), "how many NPUs there are nodes tell"


def test_without_events_only_what_pods_count_is_told(tmp_path: Path) -> None:
    (restarts, _) = learned(tmp_path, [pod(1)])
    assert restarts.startswith("#   container restarts: 1 in")


def test_what_is_no_listing_is_refused(tmp_path: Path) -> None:
    (tmp_path / "p.json").write_text(json.dumps({"kind": "List", "items": [pod(0)]}), encoding="utf-8")
    (tmp_path / "s.json").write_text('{"kind": "List", "items": [{"kind": "Service"}]}', encoding="utf-8")
    done = sim("calibrate", "p.json", "s.json", cwd=tmp_path)
    assert done.returncode == 2
    assert "expected an Event, found a Service" in done.told
    assert sim("calibrate", "-", "-", cwd=tmp_path).returncode == 2

"""`--trace`: a run for the Perfetto UI, read back with the protobuf classes that wrote it."""

from __future__ import annotations

import importlib.util
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from command_line import ROOT, sim
from field.user import User, asking, both

S = "scenarios/router-beside-kubeinfer.yaml"


class Read:
    """What a trace says, by the names of its tracks."""

    def __init__(self, data: bytes) -> None:
        from perfetto.protos.perfetto.trace import perfetto_trace_pb2 as classes

        kinds: Any = classes.TrackEvent
        trace: Any = classes.Trace.FromString(data)
        tracks = [each.track_descriptor for each in trace.packet if each.HasField("track_descriptor")]
        self.processes = {each.process.pid: each.process.process_name for each in tracks if each.process.pid}
        self.threads = {
            each.uuid: (self.processes[each.thread.pid], each.thread.thread_name)
            for each in tracks
            if each.thread.tid
        }
        counters = {each.uuid: each.name for each in tracks if each.HasField("counter")}
        self.slices: dict[tuple[str, str], list[tuple[str, float, float]]] = {}
        self.counts: dict[str, list[tuple[float, int]]] = {name: [] for name in counters.values()}
        begun, ended, opened = {}, {}, {}
        for packet in trace.packet:
            event, at = packet.track_event, packet.timestamp / 1e9
            if not packet.HasField("track_event"):
                continue
            if event.type == kinds.TYPE_COUNTER:
                self.counts[counters[event.track_uuid]].append((at, event.counter_value))
                continue
            thread = self.threads[event.track_uuid]
            if event.type == kinds.TYPE_SLICE_BEGIN:
                assert event.track_uuid not in opened
                opened[event.track_uuid] = event.name, at
            elif event.type == kinds.TYPE_SLICE_END:
                self.slices.setdefault(thread, []).append((*opened.pop(event.track_uuid), at))
            else:
                begun.update(dict.fromkeys(event.flow_ids, (thread, event.name)))
                ended.update(dict.fromkeys(event.terminating_flow_ids, (thread, event.name)))
        assert not opened
        assert begun.keys() == ended.keys()
        self.flows = {(begun[number], ended[number]) for number in begun}


def read(done: Any, file: Path) -> Read:
    pytest.importorskip("perfetto", reason="traces need the extra [trace]")
    assert done.returncode in (0, 1), done.stderr
    return Read(file.read_bytes())


@both
def test_a_trace_has_pods_on_their_nodes_in_stages_counters_and_arrows_from_what_began_it(
    tmp_path: Path, workload: Any
) -> None:
    user = User(tmp_path)
    user.plans(
        workload(asking(npu=8), replicas=2),
        cluster="3x8",
        initial="running",
        timings={"profile": "zero", "create": "10s"},
        actions=[{"at": "1m", "drain": {"nodes": ["node-0"]}}],
        horizon="10m",
    )
    told = read(user.types("run", "scenario.yaml", "--trace", "t.pftrace"), tmp_path / "t.pftrace")
    assert [*told.processes.values()][:4] == ["cluster", "node-0", "node-1", "node-2"]
    [old], [new] = ([each for each in told.slices if each[0] == home] for home in ("node-0", "node-2"))
    stages = told.slices[new]
    assert ("create", 60, 70) in stages
    assert stages[-1] == ("serving", 70, 600)
    assert all(before[2] == after[1] for before, after in pairwise(stages))
    [ready] = [each for name, each in told.counts.items() if "chat ready" in name]
    assert ready == [(0, 2), (60, 1), (70, 2)]
    assert {value for _, value in told.counts["NPUs free"]} == {8}
    drain = ("cluster", "actions and faults"), "drain of node-0 at 1m"
    assert (drain, (old, "pod deleting")) in told.flows
    assert (drain, (new, "pod created")) in told.flows


def test_an_npu_out_of_service_is_a_thread_of_its_node(tmp_path: Path) -> None:
    done = sim(
        "run", str(ROOT / "scenarios" / "npu-fault-with-label.yaml"), "--trace", "t.pftrace", cwd=tmp_path
    )
    told = read(done, tmp_path / "t.pftrace")
    [broken] = [each for each in told.slices if each[1].startswith("NPU ")]
    assert {what for what, _, _ in told.slices[broken]} == {"out of service"}
    began = {effect: cause for cause, effect in told.flows}
    pod = "node-0", "chat-0-serve-0"
    assert began[pod, "pod deleting"] == (pod, "pod not ready")
    assert began[pod, "pod not ready"] == (pod, "container died")
    fault = began[pod, "container died"]
    assert fault == (("cluster", "actions and faults"), "NpuFault of node-0/npu3 at 10m")
    assert any(value for _, value in told.counts["NPUs out of service"])


def test_a_trace_is_written_beside_the_report_over_an_earlier_one_and_over_nothing_of_the_users(
    tmp_path: Path,
) -> None:
    pytest.importorskip("perfetto", reason="traces need the extra [trace]")
    target = tmp_path / "t.pftrace"
    written = set()
    for _ in range(2):
        assert sim("run", S, "--trace", str(target)).stdout == sim("run", S).stdout
        written.add(target.read_bytes())
    assert len(written) == 1
    target.write_bytes(b"\n\x03mine")
    refused = sim("run", S, "--trace", str(target))
    assert (refused.returncode, target.read_bytes()) == (2, b"\n\x03mine")
    assert "`--trace new.pftrace`" in refused.told
    many = sim("run", S, "-n", "2", "--trace", str(tmp_path / "many"))
    assert many.returncode == 2
    assert "--trace is about one run" in many.told


def test_without_perfetto_it_is_said_before_anything_is_simulated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    done = sim("run", S, "--trace", "x.pftrace")
    assert (done.returncode, done.stdout) == (2, "")
    assert "pip install 'kubeinfer-sim[trace]'" in done.told
    assert not (ROOT / "x.pftrace").exists()


@both
def test_on_request_each_accelerator_is_a_thread_that_says_when_it_was_in_service(
    tmp_path: Path, workload: Any
) -> None:
    user = User(tmp_path)
    node = {
        "name": "new",
        "count": 1,
        "allocatable": {"cpu": 64, "memory": "512Gi", "huawei.com/Ascend910": 3},
    }
    user.plans(
        workload(asking(npu=2), replicas=2),
        cluster="2x4",
        initial="running",
        timings={"profile": "zero"},
        actions=[
            {"at": "1m", "nodeDown": {"nodes": ["node-0"]}},
            {"at": "2m", "nodeUp": {"nodes": ["node-0"]}},
            {"at": "3m", "addNodes": node},
            {"at": "5m", "removeNodes": {"nodes": ["new-0"]}},
        ],
        horizon="10m",
    )
    line = ("run", "scenario.yaml", "--trace", "t.pftrace", "--trace-accelerators")
    told = read(user.types(*line), tmp_path / "t.pftrace")
    npus = {each: slices for each, slices in told.slices.items() if each[1].startswith("NPU ")}
    assert {name for _, name in npus} == {f"NPU {number}" for number in range(4)}
    for number in range(4):
        assert npus["node-0", f"NPU {number}"] == [("in service", 0, 60), ("in service", 120, 600)]
        assert npus["node-1", f"NPU {number}"] == [("in service", 0, 600)]
    assert {each: npus[each] for each in npus if each[0] not in ("node-0", "node-1")} == {
        ("new-0", f"NPU {number}"): [("in service", 180, 300)] for number in range(3)
    }
    alone = user.types("run", "scenario.yaml", "--trace-accelerators")
    assert alone.returncode == 2
    assert "add --trace FILE" in alone.told


def test_an_accelerator_is_in_service_before_and_after_it_is_out_of_service(tmp_path: Path) -> None:
    file = str(ROOT / "scenarios" / "npu-fault-with-label.yaml")
    done = sim("run", file, "--trace", "t.pftrace", "--trace-accelerators", cwd=tmp_path)
    told = read(done, tmp_path / "t.pftrace").slices
    broken = told["node-0", "NPU 3"]
    assert [state for state, _, _ in broken] == ["in service", "out of service", "in service"]
    assert all(before[2] == after[1] for before, after in pairwise(broken))
    assert told["node-0", "NPU 2"] == [("in service", broken[0][1], broken[-1][2])]

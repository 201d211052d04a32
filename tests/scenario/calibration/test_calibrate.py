"""A scenario is simulated, its pods and events written as kubectl would, and its timings learned back."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from building import NPU, kubeinfer, nodes, stage_timings
from command_line import sim
from kubectl_objects import listed
from scenario_files import MANIFEST, SMALLEST

from kubeinfer_sim.cluster.records import (
    ContainersRunning,
    PodBound,
    PodCreated,
    PodReady,
    PodRef,
)
from kubeinfer_sim.cluster.stages import StageKind
from kubeinfer_sim.engine.history import Record
from kubeinfer_sim.errors import InputError
from kubeinfer_sim.manifest.model import Probe
from kubeinfer_sim.manifest.source import SourceText
from kubeinfer_sim.scenario.cluster.kubectl.listing import Item
from kubeinfer_sim.scenario.load import load_scenario
from kubeinfer_sim.scenario.model import Scenario
from kubeinfer_sim.scenario.timings.calibration.calibrate import calibrate
from kubeinfer_sim.scenario.timings.calibration.observe import go_duration, observe
from kubeinfer_sim.scenario.timings.compile import read_timings
from kubeinfer_sim.scenario.timings.distribution import Distribution
from kubeinfer_sim.scenario.timings.distributions import Constant, Gamma, Lognormal, Triangular
from kubeinfer_sim.scenario.timings.model import Timings
from kubeinfer_sim.simulation.simulate import simulate

PROBE = Probe(period_seconds=5, success_threshold=3, failure_threshold=1000)
START = datetime(2026, 1, 1, tzinfo=UTC)
TRUTH: dict[str, Distribution] = {
    "bind": Triangular(1_000, 5_000, 30_000),
    "image_cold": Lognormal(290_000, 600_000),
    "create": Gamma(9.0, 20_000),
    "weights_shared": Lognormal(700_000, 1_000_000),
}


def when(at: int) -> str:
    """A moment as the API writes it: whole seconds."""
    return (START + timedelta(milliseconds=at)).replace(microsecond=0).strftime("%Y-%m-%dT%H:%M:%SZ")


def go_text(millis: int) -> str:
    minutes, rest = divmod(millis, 60_000)
    return f"{minutes}m{rest / 1000:g}s" if minutes else f"{rest / 1000:g}s"


def written(scenario: Scenario) -> tuple[str, str]:
    """The pods and events of a run, as kubectl would list them."""
    moments: dict[PodRef, dict[type[Record], int]] = {}
    pods: dict[PodRef, dict[str, Any]] = {}
    events: list[dict[str, Any]] = []
    for record in simulate(scenario).history:
        if isinstance(record, PodCreated | PodBound | ContainersRunning | PodReady):
            moments.setdefault(record.pod, {})[type(record)] = record.at
        if isinstance(record, PodBound):
            for stage in record.stages:
                if stage.name.kind is StageKind.IMAGE:
                    image, length = stage.name.about, go_text(stage.duration or 0)
                    took = f"in {length} ({length} including waiting). Image size: 16000000000 bytes."
                    about = {"kind": "Pod", "namespace": "default", "name": record.pod.name}
                    events.append(
                        {
                            "kind": "Event",
                            "involvedObject": about,
                            "reason": "Pulled",
                            "message": f'Successfully pulled image "{image}" {took}',
                        }
                    )
    for ref, at in moments.items():
        conditions = {"PodScheduled": PodBound, "PodReadyToStartContainers": PodBound, "Ready": PodReady}
        pods[ref] = {
            "kind": "Pod",
            "metadata": {"name": ref.name, "namespace": "default", "creationTimestamp": when(at[PodCreated])},
            "spec": {
                "containers": [
                    {
                        "name": "engine",
                        "image": "engine:1",
                        "readinessProbe": {"periodSeconds": 5, "successThreshold": 3},
                        "resources": {"limits": {NPU: 8}},
                    }
                ]
            },
            "status": {
                "conditions": [
                    {"type": name, "status": "True", "lastTransitionTime": when(at[kind])}
                    for name, kind in conditions.items()
                ],
                "containerStatuses": [
                    {"name": "engine", "state": {"running": {"startedAt": when(at[ContainersRunning])}}}
                ],
            },
        }
    return listed(*pods.values()), listed(*events)


@pytest.fixture(scope="module")
def run() -> tuple[str, str]:
    spec = kubeinfer(300, roles={"decode": 2}, readiness=PROBE)
    made = Scenario("truth", (spec,), nodes(600), Timings(stage_timings(**TRUTH)), initial="empty", seed=3)
    return written(made)


def test_what_was_simulated_is_learned_back(run: tuple[str, str]) -> None:
    text, summary = calibrate(SourceText("pods.json", run[0]), SourceText("events.json", run[1]))
    stages = read_timings(SourceText("timings.yaml", text)).roles["decode"]
    image, create, load = stages["image_cold"], stages["create"], stages["weights_shared"]
    assert isinstance(image, Lognormal)
    assert image.p50 == pytest.approx(290_000, rel=0.06)
    assert image.p95 == pytest.approx(600_000, rel=0.1)
    assert isinstance(create, Gamma)
    assert create.mean == pytest.approx(20_000, rel=0.05)
    assert create.shape == pytest.approx(9.0, rel=0.2)
    assert isinstance(load, Lognormal)
    assert load.p50 == pytest.approx(700_000, rel=0.03)
    assert load.p95 == pytest.approx(1_000_000, rel=0.05)
    assert stages["warm_up"] == stages["communicator"] == stages["graph_cold"] == Constant(0)
    assert "from" in summary
    assert "600 pods" in summary


def test_the_file_says_what_it_rests_on(run: tuple[str, str]) -> None:
    text, _ = calibrate(SourceText("pods.json", run[0]), SourceText("events.json", run[1]))
    assert "# Learned by kubeinfer-sim calibrate from pods.json and events.json: 600 of decode." in text
    assert "whole seconds" in text
    assert '#   "engine:1": 16GB' in text
    assert text.count("KS distance") == 4
    assert (
        text.count("n = 600") == 3
    )  # a gang is bound together, but each of its pods has its own pull and load


def test_without_events_pulls_and_containers_are_one_and_this_is_said(run: tuple[str, str]) -> None:
    text, _ = calibrate(SourceText("pods.json", run[0]), None)
    stages = read_timings(SourceText("timings.yaml", text)).roles["decode"]
    assert "bind" not in stages
    assert stages["image_cold"] == stages["image_warm"]
    assert "600 pods without events of their pulls" in text


def test_a_scenario_includes_the_file_and_goes_before_it(run: tuple[str, str], tmp_path: Path) -> None:
    text, _ = calibrate(SourceText("pods.json", run[0]), SourceText("events.json", run[1]))
    (tmp_path / "chat.yaml").write_text(MANIFEST.replace("name: serve", "name: decode"))
    (tmp_path / "timings.yaml").write_text(text)
    more = "  timings: {file: timings.yaml, create: 7s}\n"
    (tmp_path / "scenario.yaml").write_text(SMALLEST + more)
    timings = load_scenario(str(tmp_path / "scenario.yaml")).timings.of("decode")
    assert isinstance(timings.image_cold, Lognormal)
    assert timings.create == Constant(7_000)


def test_a_file_about_other_roles_alone_is_an_error(run: tuple[str, str], tmp_path: Path) -> None:
    text, _ = calibrate(SourceText("pods.json", run[0]), None)
    (tmp_path / "chat.yaml").write_text(MANIFEST)
    (tmp_path / "timings.yaml").write_text(text)
    (tmp_path / "scenario.yaml").write_text(SMALLEST + "  timings: {file: timings.yaml}\n")
    with pytest.raises(InputError, match="all of the file is about other roles"):
        load_scenario(str(tmp_path / "scenario.yaml"))


def test_the_same_files_give_the_same_bytes(run: tuple[str, str]) -> None:
    one, other = (
        calibrate(SourceText("pods.json", run[0]), SourceText("events.json", run[1]))[0] for _ in range(2)
    )
    assert one == other


def few(run: tuple[str, str], count: int, change: dict[str, Any]) -> str:
    items = json.loads(run[0])["items"][:count]
    return listed(*({**each, **change} for each in items))


def test_too_few_pods_are_said(run: tuple[str, str]) -> None:
    assert calibrate(SourceText("p", few(run, 4, {})), None)[0].count("too few") >= 2


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"status": {}}, "no length of any stage can be learned from 4 pods: 4 pods that are not Ready"),
        ({"status": 3}, "expected a mapping, as the API server writes pods"),
        ({"kind": "Node"}, "expected a Pod, found a Node"),
    ],
)
def test_what_cannot_be_learned_from_is_an_error(
    run: tuple[str, str], change: dict[str, Any], expected: str
) -> None:
    with pytest.raises(InputError, match=expected):
        calibrate(SourceText("p", few(run, 4, change)), None)


@pytest.mark.parametrize("part", ["spec", "status", "metadata"])
@pytest.mark.parametrize(
    "value",
    [
        {},
        {"containers": 3},
        {"conditions": [3], "containerStatuses": {"a": 1}},
        {"name": 4, "labels": [], "ownerReferences": [{}]},
    ],
)
def test_pods_of_odd_shapes_are_never_a_traceback(run: tuple[str, str], part: str, value: Any) -> None:
    try:
        calibrate(SourceText("p", few(run, 30, {part: value})), SourceText("e", run[1]))
    except InputError as error:
        assert error.diagnostics


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("3m2s", 182),
        ("1h2m3.5s", 3723.5),
        ("512.5ms", 0.5125),
        ("1.234s", 1.234),
        ("5µs", 5e-6),
        ("x", None),
        ("3m2", None),
        ("", None),
    ],
)
def test_lengths_are_read_as_go_prints_them(text: str, expected: float | None) -> None:
    assert go_duration(text) == (expected if expected is None else pytest.approx(expected))


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("metadata.creationTimestamp", "metadata.creationTimestamp"),
        ("status.conditions.0.lastTransitionTime", "status.conditions[0].lastTransitionTime"),
        (
            "status.containerStatuses.0.state.running.startedAt",
            "status.containerStatuses[0].state.running.startedAt",
        ),
    ],
)
@pytest.mark.parametrize("written", ["yesterday", "2026-01-01", 5])
def test_a_time_that_is_none_is_an_error_where_it_stands(
    run: tuple[str, str], tmp_path: Path, path: str, says: str, written: object
) -> None:
    first = json.loads(run[0])["items"][0]
    value = first
    *steps, last = path.split(".")
    for step in steps:
        value = value[int(step)] if step.isdecimal() else value[step]
    value[last] = written
    (tmp_path / "p.json").write_text(listed(first), encoding="utf-8")
    done = sim("calibrate", "p.json", cwd=tmp_path)
    assert done.returncode == 2
    assert (
        f"{says}: {json.dumps(written)} is no time; the API server writes them as 2026-01-31T08:00:00Z"
        in done.told
    )
    assert "p.json:" in done.told


def test_one_is_told_as_one(run: tuple[str, str], tmp_path: Path) -> None:
    (tmp_path / "p.json").write_text(listed(json.loads(run[0])["items"][0]), encoding="utf-8")
    done = sim("calibrate", "p.json", cwd=tmp_path)
    assert "# 1 pod without events of its pulls" in done.stdout
    assert "1 pods" not in done.stdout + done.stderr
    assert "of 1 pod" in done.told
    (tmp_path / "p.json").write_text(listed(), encoding="utf-8")
    done = sim("calibrate", "p.json", cwd=tmp_path)
    assert (done.returncode, "it holds no pods" in done.told) == (2, True)


def seen(name: str, created: int, started: int, ready: int) -> dict[str, Any]:
    """A pod of the instance chat-0 that asks for NPUs and has no probe, created at some second."""
    conditions = [
        {"type": kind, "status": "True", "lastTransitionTime": when(1000 * at)}
        for kind, at in (("PodScheduled", created), ("Ready", ready))
    ]
    return {
        "kind": "Pod",
        "metadata": {
            "name": f"chat-0-{name}-0",
            "uid": f"{name}{created}",
            "creationTimestamp": when(1000 * created),
        },
        "spec": {"containers": [{"name": "engine", "resources": {"limits": {NPU: 8}}}]},
        "status": {
            "conditions": conditions,
            "containerStatuses": [
                {"name": "engine", "state": {"running": {"startedAt": when(1000 * started)}}}
            ],
        },
    }


@pytest.mark.parametrize(
    ("pods", "loads"),
    [
        pytest.param(
            [("p", 0, 10, 110), ("d", 0, 30, 130)],
            {"p": {80}, "d": {100}},
            id="the load begins with the last start",
        ),
        pytest.param(
            [("p", 0, 10, 110), ("d", 0, 30, 130), ("p", 900, 920, 1000), ("d", 900, 950, 1010)],
            {"p": {80, 50}, "d": {100, 60}},
            id="made anew under the same name",
        ),
        pytest.param(
            [("p", 0, 10, 110), ("d", 0, 30, 130), ("d", 900, 950, 1010)],
            {"p": {80}, "d": {100, 60}},
            id="one of its pods made anew",
        ),
        pytest.param(
            [("d", 0, 30, 130), ("p", 900, 920, 1000), ("d", 901, 950, 1010)],
            {"p": {50}, "d": {100, 60}},
            id="of before only one pod is listed",
        ),
        pytest.param(
            [("p", 0, 10, 110), ("d", 3, 30, 130), ("p", 4, 50, 200)],
            {"p": {80, 150}, "d": {100}},
            id="made anew at once",
        ),
    ],
)
def test_pods_of_an_instance_start_together_that_were_created_together(
    pods: list[tuple[str, int, int, int]], loads: dict[str, set[int]]
) -> None:
    read = [Item(SourceText("pods.json", ""), seen(*each)) for each in pods]
    for order in (read, read[::-1]):
        lengths = observe(order, None).lengths
        assert {role: set(stages["weights"]) for role, stages in lengths.items()} == loads


def test_where_a_container_of_an_instance_has_stopped_its_other_pods_tell_no_load() -> None:
    runs, stopped = seen("p", 0, 10, 110), seen("d", 0, 30, 130)
    stopped["status"]["containerStatuses"] = [{"name": "engine", "state": {"terminated": {}}}]
    observed = observe([Item(SourceText("pods.json", ""), each) for each in (runs, stopped)], None)
    assert not any("weights" in stages for stages in observed.lengths.values())
    assert "2 pods in whose instance the first start of a container is not told: no load" in observed.told()

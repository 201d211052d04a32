"""A real cluster on the command line: nodes and pods from kubectl, timings learned from pods."""

from __future__ import annotations

import json
from pathlib import Path

import command_line
import pytest
from command_line import ROOT, Done
from kubectl_objects import listed, node, pod

MANIFEST = ROOT / "scenarios" / "manifests" / "2p1d.yaml"
LABELS = {"accelerator/huawei-npu": "ascend-1980"}


def sim(folder: Path, *args: str, stdin: str = "", code: int = 0) -> Done:
    done = command_line.sim(*args, stdin=stdin, cwd=folder)
    assert done.returncode == code, done.stdout + done.stderr
    return done


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "nodes.json").write_text(listed(*(node(f"n{i}", labels=LABELS) for i in range(16))))
    (tmp_path / "pods.json").write_text(
        listed(pod("busy", "n3", npus=8), pod("x", "n4", namespace="kube-system"))
    )
    return tmp_path


ROLLOUT = ("rollout", str(MANIFEST), "--set", "image=repo/vllm:v1")


def test_an_update_that_fits_on_empty_nodes_stalls_beside_what_runs(folder: Path) -> None:
    sim(folder, *ROLLOUT, "--cluster", "nodes.json")
    done = sim(
        folder,
        *ROLLOUT,
        "--cluster",
        "nodes.json",
        "--pods",
        "pods.json",
        "--json",
        "r.json",
        "--assumptions",
        code=1,
    )
    assert "never finishes" in done.stdout
    assert "2 pods on 2 nodes keep what they have" in " ".join(done.stdout.split())
    assert max(map(len, done.stdout.splitlines())) <= 80
    result = json.loads((folder / "r.json").read_text())
    waiting = next(each for each in result["instances"] if each["state"] == "pending")
    assert sum(len(each["nodes"]) for each in waiting["pendingNodes"]) == 16


def test_nodes_come_from_a_pipe_and_the_same_files_give_the_same_bytes(folder: Path) -> None:
    nodes = (folder / "nodes.json").read_text()
    sim(folder, *ROLLOUT, "--cluster", "-", "-q", stdin=nodes)
    sim(
        folder,
        *ROLLOUT,
        "--cluster",
        "nodes.json",
        "--pods",
        "pods.json",
        "--check-determinism",
        "-q",
        code=1,
    )


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ((), "give the nodes either as --nodes 8x8 or as --cluster FILE"),
        (("--nodes", "8x8", "--cluster", "nodes.json"), "give the nodes either as"),
        (("--nodes", "8x8", "--pods", "pods.json"), "--pods are those of the nodes given as --cluster FILE"),
        (("--cluster", "-", "--pods", "-"), "only one file can come from standard input"),
        (("--cluster", "pods.json"), "expected a Node, found a Pod, and 1 more"),
        (("--cluster", "gone.json"), "gone.json"),
    ],
)
def test_wrong_options_and_files_are_told(folder: Path, options: tuple[str, ...], expected: str) -> None:
    assert expected in " ".join(sim(folder, *ROLLOUT, *options, code=2).stderr.split())


def test_validate_lints_for_the_real_nodes(folder: Path) -> None:
    (folder / "other.json").write_text(listed(node("n0")))
    manifest = ("validate", str(MANIFEST), "--set", "image=repo/vllm:v1")
    done = sim(folder, *manifest, "--cluster", "other.json", code=2)
    assert "none of the 1 node of the cluster has these labels" in " ".join(
        (done.stdout + done.stderr).split()
    )
    sim(folder, *manifest, "--cluster", "nodes.json")


def test_calibrate_writes_a_file_a_scenario_can_name(folder: Path) -> None:
    ready = {
        "conditions": [
            {"type": kind, "status": "True", "lastTransitionTime": f"2026-01-01T00:{minute:02}:00Z"}
            for kind, minute in (("PodScheduled", 0), ("PodReadyToStartContainers", 1), ("Ready", 30))
        ],
        "containerStatuses": [{"name": "c", "state": {"running": {"startedAt": "2026-01-01T00:09:00Z"}}}],
    }
    pods = [{**pod(f"infer-{i}-decode-0", npus=8), "status": ready} for i in range(6)]
    (folder / "own.json").write_text(listed(*pods))
    done = sim(folder, "calibrate", "own.json", "-o", "timings.yaml")
    assert "learned 3 stages of 1 role from 18 lengths of 6 pods" in done.stderr
    text = (folder / "timings.yaml").read_text()
    assert "weights: 21m\n" in text
    assert sim(folder, "calibrate", "own.json").stdout == text
    sim(folder, "calibrate", "nodes.json", code=2)

"""`--check-invariants`: silent where all hold; a bug planted in the simulator is told, and kept as a file that replays it."""

from __future__ import annotations

import pkgutil
import re
from pathlib import Path

import pytest
import yaml
from command_line import sim
from field.user import User, asking, deployment, kubeinfer

from kubeinfer_sim.cli.invariants import SAMPLE, sampled

CEILINGS = {
    "KubeInfer": "kubeinfer_sim.controllers.kubeinfer.budget.Budget.ceiling",
    "Deployment": "kubeinfer_sim.controllers.deployment.rolling.Bounds.ceiling",
}
CHECK = "--check-invariants"


def user(folder: Path, kind: str = "KubeInfer") -> None:
    """A scenario with an update that may use one instance more than asked for."""
    workload = {"KubeInfer": kubeinfer, "Deployment": deployment}[kind]
    pods = workload({**asking(npu=8), "readinessProbe": {"tcpSocket": {"port": 1}}}, replicas=2, surge=1)
    User(folder).plans(
        pods,
        cluster="5x8",
        actions=[{"at": "10s", "apply": {"newRevision": True}}],
        timings={"profile": "zero"},
    )


@pytest.fixture
def one_too_many(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """An update makes one instance, or pod, more than its budget allows."""
    for name in CEILINGS.values():
        where, _, attribute = name.rpartition(".")
        monkeypatch.setattr(name, _one_more(where, attribute))
    return monkeypatch


def _one_more(where: str, attribute: str) -> property:
    original = vars(pkgutil.resolve_name(where))[attribute]
    return property(lambda self: original.__get__(self) + 1)


@pytest.mark.parametrize("kind", CEILINGS)
def test_what_is_broken_is_told_with_its_records_and_a_file_that_replays_it(
    tmp_path: Path, one_too_many: pytest.MonkeyPatch, kind: str
) -> None:
    user(tmp_path, kind)
    done = sim("run", "scenario.yaml", "--seed", "7", CHECK, cwd=tmp_path)
    assert done.returncode == 3
    assert done.stdout == ""
    assert "invariant INV-07 does not hold: 4 " in done.told
    assert "what must hold: live instances of a KubeInfer, and pods" in done.told
    assert re.search(r"10s, record \d+: ", done.told), done.told
    assert "This is our mistake" in done.told
    (replay,) = re.findall(
        r"replay \(please send this file, too\): kubeinfer-sim run (\S+) --check-invariants", done.told
    )
    kept = tmp_path / replay
    assert f"\n# kubeinfer-sim run {replay} --check-invariants\n" in kept.read_text("utf-8")
    assert kept.parent.name == ".kubeinfer-sim"
    assert kept.read_text("utf-8").startswith("# INV-07: 4 ")
    assert yaml.safe_load(kept.read_text("utf-8"))["spec"]["seed"] == 7
    (tmp_path / "scenario.yaml").unlink()
    (tmp_path / "elsewhere").mkdir()
    again = sim("run", str(kept), CHECK, cwd=tmp_path / "elsewhere")
    assert again.returncode == 3
    assert "invariant INV-07 does not hold: 4 " in again.told
    one_too_many.undo()
    assert sim("run", str(kept), CHECK, cwd=tmp_path).returncode == 0


LINES: dict[str, list[str]] = {
    "rollout": ["rollout", "manifest.yaml", "--nodes", "5x8"],
    "why": ["why", "scenario.yaml", "--at", "5s"],
    "pods": ["pods", "scenario.yaml", "--at", "5s"],
    "events": ["events", "scenario.yaml", "--at", "5s"],
    "many runs": ["run", "scenario.yaml", "-n", "2", "--workers", "1"],
    "compare": ["compare", "scenario.yaml", "--vary", "maxSurge=1", "-n", "1", "--workers", "1"],
}


@pytest.mark.parametrize("line", LINES.values(), ids=LINES)
def test_every_command_that_simulates_checks_them(
    tmp_path: Path, one_too_many: pytest.MonkeyPatch, line: list[str]
) -> None:
    user(tmp_path)
    done = sim(*line, CHECK, cwd=tmp_path)
    assert done.returncode == 3, done
    assert done.stdout == ""
    assert "invariant INV-07 does not hold" in done.told
    kept = list((tmp_path / ".kubeinfer-sim").glob("inv-07-*.yaml"))
    assert len(kept) == done.told.count("send this file") == (line[0] != "compare"), done.told
    for each in kept:
        assert sim("run", str(each), CHECK, cwd=tmp_path).returncode == 3
    one_too_many.undo()
    assert sim(*line, CHECK, cwd=tmp_path).returncode in (0, 4)


@pytest.mark.parametrize("command", ["many runs", "compare"])
def test_runs_that_came_to_no_end_are_not_played_again(
    tmp_path: Path, one_too_many: pytest.MonkeyPatch, command: str
) -> None:
    user(tmp_path)

    def endless(*_: object) -> None:
        while True:
            pass

    one_too_many.setattr("kubeinfer_sim.experiment.worker.play", endless)
    done = sim(*LINES[command], CHECK, "--run-timeout", "20ms", cwd=tmp_path)
    assert done.returncode in (0, 4), done
    assert "invariant" not in done.told


def test_a_run_comes_to_the_same_with_them_and_says_that_they_hold(tmp_path: Path) -> None:
    user(tmp_path)
    plain, checked = (
        sim("run", "scenario.yaml", "-o", "json", *more, cwd=tmp_path) for more in ((), (CHECK,))
    )
    assert plain.stdout == checked.stdout
    assert "all invariants hold" in checked.told
    assert not (tmp_path / ".kubeinfer-sim").exists()
    quiet = sim("run", "scenario.yaml", "-n", "2", "--workers", "1", "-q", CHECK, cwd=tmp_path)
    assert (quiet.returncode, quiet.stderr) == (0, "")


def test_what_came_through_a_pipe_is_kept_too_and_what_cannot_be_is_replayed_by_the_command(
    tmp_path: Path, one_too_many: pytest.MonkeyPatch
) -> None:
    user(tmp_path)
    text = (tmp_path / "scenario.yaml").read_text("utf-8")
    done = sim("run", "-", CHECK, cwd=tmp_path, stdin=text)
    assert "replay (please send this file, too): kubeinfer-sim run .kubeinfer-sim/inv-07-" in done.told
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / ".kubeinfer-sim").write_text("a file", "utf-8")
    blocked = sim("run", "../scenario.yaml", CHECK, cwd=tmp_path / "other")
    assert blocked.returncode == 3
    assert "no file that replays it could be written" in blocked.told
    assert "this file" not in blocked.told


def test_a_sample_has_the_first_and_the_last_and_is_spread() -> None:
    assert sampled([5, 6]) == [5, 6]
    many = sampled(range(100, 1100))
    assert (len(many), many[0], many[-1]) == (SAMPLE, 100, 1099)
    assert many == sorted(set(many))


def test_rare_runs_are_no_runs_to_check(tmp_path: Path) -> None:
    user(tmp_path)
    done = sim("run", "scenario.yaml", "--rare", "-n", "10", CHECK, cwd=tmp_path)
    assert done.returncode == 2
    assert "--check-invariants" in done.told

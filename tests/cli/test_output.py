"""Where output goes, and what becomes of it when nobody can read or store it."""

from __future__ import annotations

import json
import os
import stat
import threading
from pathlib import Path

import pytest
from command_line import process, python, sim

SCENARIO = "scenarios/down-first.yaml"
STALLED = "scenarios/full-cluster-stall.yaml"


def test_with_json_on_standard_output_the_verdict_goes_to_standard_error() -> None:
    done = sim("run", STALLED, "--json", "-")
    assert done.returncode == 1
    assert json.loads(done.stdout)["verdict"]["outcome"] == "neverFinishes"
    assert done.stderr.startswith("✘ The update never finishes")


def test_the_time_a_run_took_is_on_standard_error_alone() -> None:
    first, second = sim("run", SCENARIO), sim("run", SCENARIO)
    assert first.stdout == second.stdout
    assert first.stderr.startswith("simulated in ")
    assert sim("run", SCENARIO, "--quiet").stdout == ""


def test_json_is_utf_8_whatever_the_terminal_speaks() -> None:
    plain = process("run", SCENARIO, "--json", "-", PYTHONIOENCODING="ascii")
    assert plain.stdout == sim("run", SCENARIO, "--json", "-").stdout
    assert plain.returncode == 0


def test_a_terminal_without_utf_8_gets_ascii() -> None:
    done = process("run", STALLED, PYTHONIOENCODING="ascii")
    assert done.returncode == 1
    assert done.stdout.isascii()
    assert done.stdout.startswith("x The update never finishes")


def test_a_result_file_replaces_the_old_one_whole_with_ordinary_permissions(tmp_path: Path) -> None:
    target = tmp_path / "result.json"
    umask = os.umask(0)
    os.umask(umask)
    assert sim("run", STALLED, "--json", str(target), "-q").returncode == 1
    assert sim("run", SCENARIO, "--json", str(target), "-q").returncode == 0
    assert json.loads(target.read_text(encoding="utf-8"))["kind"] == "Result"
    assert stat.S_IMODE(target.stat().st_mode) == 0o666 & ~umask
    assert [path.name for path in tmp_path.iterdir()] == ["result.json"]


def test_a_symbolic_link_keeps_being_one(tmp_path: Path) -> None:
    real, link = tmp_path / "real.json", tmp_path / "link.json"
    link.symlink_to(real)
    assert sim("run", SCENARIO, "--json", str(link), "-q").returncode == 0
    assert link.is_symlink()
    assert json.loads(real.read_text(encoding="utf-8"))["kind"] == "Result"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_named_pipe_is_written_to_and_left_in_place(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read: list[str] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_text(encoding="utf-8")))
    reader.start()
    done = sim("run", SCENARIO, "--json", str(pipe), "-q")
    reader.join(timeout=30)
    assert done.returncode == 0
    assert json.loads(read[0])["kind"] == "Result"
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_a_folder_is_no_place_for_a_result(tmp_path: Path) -> None:
    done = sim("run", SCENARIO, "--json", str(tmp_path), "-q")
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.iterdir())


def test_ctrl_c_is_exit_130(monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(*args: object, **options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("kubeinfer_sim.scenario.load.load_scenario", stopped)
    done = sim("run", SCENARIO)
    assert done.returncode == 130
    assert "Traceback" not in done.stderr


def fault(**env: str) -> str:
    code = (
        "import sys, kubeinfer_sim.cli.main, kubeinfer_sim.scenario.load as load\n"
        "def broken(*args, **options): raise ZeroDivisionError('x')\n"
        "load.load_scenario = broken\n"
        f"sys.exit(sys.modules['kubeinfer_sim.cli.main'].run(['run', {SCENARIO!r}]))"
    )
    done = python(code, **env)
    assert done.returncode == 3
    return done.stderr


def test_a_fault_of_ours_is_exit_3_with_an_id_that_stays_and_a_traceback_only_on_request() -> None:
    short, long = fault(), fault(PYTHONHASHSEED="7", KUBEINFER_SIM_DEBUG="1")
    assert short.startswith("simulator fault ")
    assert "our mistake" in short
    assert short.splitlines()[0] in long
    assert "Traceback" not in short
    assert "Traceback" in long


@pytest.mark.parametrize("command", ["run", "rollout"])
def test_check_determinism_runs_again_under_another_hash_seed(command: str) -> None:
    manifest = "scenarios/manifests/2p1d.yaml"
    args = {
        "run": ["run", SCENARIO, "--seed", "3"],
        "rollout": ["rollout", manifest, "--nodes", "16x8", "--set", "image=a/b:1", "--timings", "range"],
    }
    done = sim(*args[command], "--check-determinism")
    assert done.returncode == 0, done.stderr
    assert "twice with the same bytes" in done.stderr


def test_runs_that_differ_are_a_fault_that_says_where() -> None:
    from kubeinfer_sim.cli.simulation import _compare
    from kubeinfer_sim.errors import SimulatorFault

    _compare("a\nb\n", "a\nb\n")
    with pytest.raises(SimulatorFault, match=r"first in line 2 of the JSON result: b / c"):
        _compare("a\nb\n", "a\nc\n")


def test_another_seed_gives_another_result() -> None:
    args = ("rollout", "scenarios/manifests/2p1d.yaml", "--nodes", "16x8", "--set", "image=a/b:1")
    results = {sim(*args, "--timings", "range", "--seed", seed, "--json", "-", "-q").stdout for seed in "12"}
    assert len(results) == 2


def test_colour_only_where_it_is_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    from kubeinfer_sim.cli.output import colour_on

    class Terminal:
        encoding = "utf-8"

        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert colour_on(terminal)  # type: ignore[arg-type]
    monkeypatch.setenv("NO_COLOR", "1")
    assert not colour_on(terminal)  # type: ignore[arg-type]
    monkeypatch.delenv("NO_COLOR")
    monkeypatch.setenv("TERM", "dumb")
    assert not colour_on(terminal)  # type: ignore[arg-type]


def test_a_command_completes_its_options() -> None:
    done = process(
        _KUBEINFER_SIM_COMPLETE="bash_complete", COMP_WORDS="kubeinfer-sim run --se", COMP_CWORD="2"
    )
    assert "--seed" in done.stdout

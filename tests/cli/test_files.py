"""Nothing of the user's is lost: what may be written over, and what becomes of a file."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from command_line import ROOT, sim
from kubectl_listings import listed

from kubeinfer_sim import load_scenario

MANIFEST = ROOT / "docs" / "examples" / "qwen3.yaml"
SCENARIO = ROOT / "scenarios" / "down-first.yaml"
#: A command for each document that `--json` writes, and how the file gets there.
COMMANDS = {
    "Result": ("run", "s.yaml", "-q"),
    "Replications": ("run", "s.yaml", "-n", "2", "--workers", "1", "-q"),
    "RareEvents": (
        "run",
        str(ROOT / "scenarios" / "rare-outage.yaml"),
        "-n",
        "2",
        "--rare",
        "--workers",
        "1",
        "-q",
    ),
    "Comparison": ("compare", "s.yaml", "--vary", "maxSurge=0,1"),
    "Sensitivity": ("sensitivity", "s.yaml", "-n", "1", "--workers", "1"),
    "Sweep": ("sweep", "s.yaml", "--vary", "maxSurge=0,1"),
    "Cliffs": ("sweep", "s.yaml", "--cliff", "maxSurge=0..1"),
    "Backtest": ("backtest", "s.yaml", "after.json", "-n", "2"),
    "Recommendation": ("recommend", "s.yaml", "-n", "1"),
    "Why": ("why", "s.yaml", "--at", "20m"),
    "Pods": ("pods", "s.yaml", "--at", "20m"),
    "Findings": ("validate", "a.yaml"),
    "Diff": ("diff", "a.yaml", "b.yaml"),
}
#: What people have in files, none of it ours.
THEIRS = {
    "manifest": MANIFEST.read_bytes(),
    "scenario": b"apiVersion: kubeinfer-sim/v1\nkind: Scenario\n",
    "scenario in JSON": b'{"apiVersion": "kubeinfer-sim/v1", "kind": "Scenario"}',
    "nodes": b'{"apiVersion": "v1", "kind": "NodeList", "items": []}',
    "notes": b"to do: {kind: Result}\n",
    "bytes": bytes(range(256)),
    "a quoted result": b'["apiVersion: kubeinfer-sim/v1", "kind: Result"]',
}


@pytest.fixture(scope="module")
def after() -> str:
    """What kubectl lists after the rollout of the scenario."""
    return json.dumps(listed(load_scenario(str(SCENARIO)), 86_400_000))


@pytest.fixture
def folder(tmp_path: Path, after: str) -> Path:
    (tmp_path / "after.json").write_text(after, encoding="utf-8")
    shutil.copytree(ROOT / "scenarios" / "manifests", tmp_path / "manifests")
    shutil.copy(SCENARIO, tmp_path / "s.yaml")
    for name in ("a.yaml", "b.yaml"):
        shutil.copy(MANIFEST, tmp_path / name)
    return tmp_path


@pytest.mark.parametrize("what", THEIRS)
@pytest.mark.parametrize("kind", COMMANDS)
def test_a_file_of_the_user_is_never_written_over(folder: Path, kind: str, what: str) -> None:
    theirs = folder / "theirs"
    theirs.write_bytes(THEIRS[what])
    done = sim(*COMMANDS[kind], "--json", "theirs", cwd=folder)
    assert done.returncode == 2
    assert theirs.read_bytes() == THEIRS[what]
    said = " ".join(done.stderr.split())
    assert "theirs is there already and is no output of kubeinfer-sim" in said
    assert "`-o json`" in said


def test_json_taken_for_a_switch_leaves_the_manifest_behind_it_alone(folder: Path) -> None:
    before = (folder / "a.yaml").read_bytes()
    done = sim("rollout", "--json", "a.yaml", "b.yaml", "--nodes", "15x8", "-q", cwd=folder)
    assert done.returncode == 2
    assert (folder / "a.yaml").read_bytes() == before


def test_an_option_is_not_taken_for_the_file_to_write(folder: Path) -> None:
    done = sim("run", "s.yaml", "--json", "-q", cwd=folder)
    assert done.returncode == 2
    assert "-q is an option" in done.stderr
    assert not (folder / "-q").exists()


@pytest.mark.parametrize("kind", COMMANDS)
def test_an_earlier_output_and_an_empty_file_hold_nothing_of_the_user(folder: Path, kind: str) -> None:
    target = folder / "out.json"
    target.touch()
    for _ in range(2):
        assert sim(*COMMANDS[kind], "--json", "out.json", cwd=folder).returncode in (0, 1, 4)
        assert json.loads(target.read_text(encoding="utf-8"))["kind"] == kind
    other = "Diff" if kind != "Diff" else "Result"
    assert sim(*COMMANDS[other], "--json", "out.json", cwd=folder).returncode in (0, 1)
    assert json.loads(target.read_text(encoding="utf-8"))["kind"] == other


def test_an_output_made_small_by_jq_is_still_one(folder: Path) -> None:
    target = folder / "out.json"
    assert sim(*COMMANDS["Result"], "--json", "out.json", cwd=folder).returncode == 0
    target.write_text(json.dumps(json.loads(target.read_text()), separators=(",", ":")), encoding="utf-8")
    assert sim(*COMMANDS["Result"], "--json", "out.json", cwd=folder).returncode == 0


def test_a_file_that_is_written_over_keeps_its_mode_and_a_new_one_has_an_ordinary_one(folder: Path) -> None:
    target = folder / "out.json"
    umask = os.umask(0)
    os.umask(umask)
    assert sim(*COMMANDS["Diff"], "--json", "out.json", cwd=folder).returncode == 0
    assert stat.S_IMODE(target.stat().st_mode) == 0o666 & ~umask
    target.chmod(0o600)
    assert sim(*COMMANDS["Diff"], "--json", "out.json", cwd=folder).returncode == 0
    assert stat.S_IMODE(target.stat().st_mode) == 0o600


def test_a_link_to_a_file_of_the_user_is_no_way_around(folder: Path) -> None:
    (folder / "link.json").symlink_to("a.yaml")
    before = (folder / "a.yaml").read_bytes()
    assert sim(*COMMANDS["Diff"], "--json", "link.json", cwd=folder).returncode == 2
    assert (folder / "a.yaml").read_bytes() == before


def test_a_link_that_goes_in_a_circle_is_said(folder: Path) -> None:
    (folder / "round.json").symlink_to("round.json")
    done = sim(*COMMANDS["Diff"], "--json", "round.json", cwd=folder)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everything")
def test_a_write_protected_output_is_not_replaced(folder: Path) -> None:
    assert sim(*COMMANDS["Diff"], "--json", "out.json", cwd=folder).returncode == 0
    (folder / "out.json").chmod(0o444)
    done = sim(*COMMANDS["Diff"], "--json", "out.json", cwd=folder)
    assert (done.returncode, "write-protected" in done.stderr) == (2, True)


def test_a_file_that_comes_while_we_simulate_is_not_written_over(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import kubeinfer_sim.simulation.simulate as module

    simulate = module.simulate

    def meanwhile(*args: object, **options: object) -> object:
        (folder / "out.json").write_text("mine", encoding="utf-8")
        return simulate(*args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "simulate", meanwhile)
    done = sim("run", "s.yaml", "--json", "out.json", cwd=folder)
    assert done.returncode == 2
    assert (folder / "out.json").read_text(encoding="utf-8") == "mine"


@pytest.mark.skipif(not Path("/dev/stdout").exists(), reason="no /dev/stdout here")
def test_standard_output_by_its_other_name_is_data_only(folder: Path) -> None:
    with (folder / "all.txt").open("wb") as file:
        words = [sys.executable, "-P", "-m", "kubeinfer_sim", "run", "s.yaml", "--json", "/dev/stdout"]
        subprocess.run(words, cwd=folder, stdout=file, stderr=subprocess.DEVNULL, check=True)
    assert json.loads((folder / "all.txt").read_text(encoding="utf-8"))["kind"] == "Result"


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash here")
def test_a_pipe_of_the_shell_gets_the_document_beside_the_report(folder: Path) -> None:
    line = f"{sys.executable} -P -m kubeinfer_sim run s.yaml --json >(cat > copy.json); wait; sleep 0.2"
    done = subprocess.run(["bash", "-c", line], cwd=folder, capture_output=True, check=False)
    assert done.stdout.decode().startswith("✔ ")
    assert json.loads((folder / "copy.json").read_text(encoding="utf-8"))["kind"] == "Result"


def test_calibrate_writes_over_its_own_files_and_no_others(tmp_path: Path) -> None:
    from fuzzing.files import lay_out

    lay_out(tmp_path)
    pods = (tmp_path / "past.json").read_bytes()
    done = sim("calibrate", "past.json", "--output", "past.json", cwd=tmp_path)
    assert done.returncode == 2
    assert (tmp_path / "past.json").read_bytes() == pods
    for _ in range(2):
        assert sim("calibrate", "past.json", "--output", "learned.yaml", cwd=tmp_path).returncode == 0
    by_hand = "apiVersion: kubeinfer-sim/v1\nkind: Timings\nmetadata: {name: x}\nspec: {}\n"
    (tmp_path / "learned.yaml").write_text(by_hand, encoding="utf-8")
    done = sim("calibrate", "past.json", "-o", "learned.yaml", cwd=tmp_path)
    assert done.returncode == 2
    assert (tmp_path / "learned.yaml").read_text(encoding="utf-8") == by_hand


def test_the_short_option_of_calibrate_goes_and_says_what_takes_its_place(tmp_path: Path) -> None:
    from fuzzing.files import lay_out

    lay_out(tmp_path)
    done = sim("calibrate", "past.json", "-o", "learned.yaml", cwd=tmp_path)
    assert done.returncode == 0
    assert "write --output FILE" in " ".join(done.stderr.split())


# -- places where no file can be ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("run {S} --json nowhere/x.json", "there is no folder"),
        ("validate {M} --json nowhere/x.json", "there is no folder"),
        ("calibrate past.json --output nowhere/x.yaml", "there is no folder"),
        ("run {S} -n 2 --store nowhere/x.db", "there is no folder nowhere"),
        ("run {S} -n 2 --store .", "is a folder: name a file in it"),
        ("run {S} -n 2 --store -", "runs are kept in a file: name one"),
        ("compare {S} --vary maxSurge=0,1 --store -", "runs are kept in a file: name one"),
        ("results .", "is a folder, no store of runs"),
    ],
)
def test_a_place_where_no_file_can_be_is_told_before_anything_is_simulated(
    folder: Path, line: str, says: str
) -> None:
    places = {"S": ROOT / "scenarios" / "down-first.yaml", "M": ROOT / "docs" / "examples" / "qwen3.yaml"}
    before = sorted(folder.iterdir())
    done = sim(*line.format_map(places).split(), cwd=folder)
    assert done.returncode == 2
    assert says in " ".join(done.stderr.split())
    assert "simulated in" not in done.stderr
    assert sorted(folder.iterdir()) == before


@pytest.mark.parametrize(
    "query", ["VACUUM INTO 'new.db'", "ATTACH 'new.db' AS other", "DELETE FROM runs", "DROP TABLE runs"]
)
def test_a_question_to_a_store_writes_nothing(tmp_path: Path, query: str) -> None:
    scenario = str(ROOT / "scenarios" / "down-first.yaml")
    assert sim("run", scenario, "-n", "2", "-q", "--store", "runs.db", cwd=tmp_path).returncode == 0
    done = sim("results", "runs.db", "--sql", query, cwd=tmp_path)
    assert done.returncode == 2
    assert "a SELECT reads them" in " ".join(done.stderr.split())
    assert not (tmp_path / "new.db").exists()
    asked = sim("results", "-f", "runs.db", "--sql", "SELECT count(*) AS n FROM runs", cwd=tmp_path)
    assert asked.stdout.split() == ["n", "2"]


@pytest.mark.parametrize(
    "line",
    [
        "run s.yaml -n 2 --store one --json ./one",
        "compare s.yaml --vary maxSurge=0,1 --store one --json one",
        "results one --parquet two --json two",
    ],
)
def test_one_file_for_two_outputs_is_refused_before_anything_is_done(line: str, folder: Path) -> None:
    done = sim(*line.split(), cwd=folder)
    assert done.returncode == 2
    assert "give each its own file" in " ".join(done.stderr.split())
    assert not (folder / "one").exists()
    assert not (folder / "two").exists()

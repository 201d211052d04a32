"""Campaigns on disk: they go on where they stopped, with the same bytes; what is not theirs is refused with words."""

from __future__ import annotations

import csv
import io
import json
import os
import shlex
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from building import kubeinfer, scenario
from command_line import ROOT, sim

from kubeinfer_sim.errors import UsageError
from kubeinfer_sim.experiment.compare import compare
from kubeinfer_sim.experiment.replication import Failure, Replication, Variant, play
from kubeinfer_sim.experiment.replications import replicate
from kubeinfer_sim.experiment.store import opened
from kubeinfer_sim.experiment.stored import Stored
from kubeinfer_sim.report.comparison_result import comparison_json
from kubeinfer_sim.report.replications_result import replications_json
from kubeinfer_sim.scenario.actions.model import Apply
from kubeinfer_sim.scenario.model import Objectives, Scenario
from kubeinfer_sim.scenario.timings.distributions import Uniform

MINUTE = 60_000
UPDATE = "scenarios/rolling-update-2p1d.yaml"


def update(longest: int = 5, **fields: Any) -> Scenario:
    stages = {"warm_up": Uniform(MINUTE, longest * MINUTE)}
    fields.setdefault("objectives", Objectives(completes_within=9 * MINUTE))
    first, later = kubeinfer(2, 0, 1), kubeinfer(2, 0, 1, revision="b")
    return scenario(first, 4, 60, 10, actions=(Apply(0, later),), stages=stages, **fields)


@pytest.fixture
def played(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The seeds that are really played."""
    seeds: list[int] = []

    def counting(variant: Variant, seed: int) -> Replication:
        seeds.append(seed)
        return play(variant, seed)

    monkeypatch.setattr("kubeinfer_sim.experiment.worker.play", counting)
    return seeds


def test_what_is_known_is_not_played_again_and_comes_back_the_same(tmp_path: Path, played: list[int]) -> None:
    store, made = tmp_path / "a.db", update()
    alone = replicate(made, 30)
    played.clear()
    replicate(made, 12, store=store)
    replicate(made, 5, seed=20, store=store)
    played.clear()
    found = replicate(made, 30, store=store)
    assert played == [*range(12, 20), *range(25, 30)]
    assert found.runs == alone.runs
    assert replications_json(found) == replications_json(alone)


def test_comparisons_are_kept_by_variant(tmp_path: Path, played: list[int]) -> None:
    variants = [Variant("a", update()), Variant("b", update(6))]
    alone = compare(variants, range(9))
    compare(variants, range(4), store=tmp_path / "a.db")
    played.clear()
    found = compare(variants, range(9), store=tmp_path / "a.db")
    assert len(played) == 10
    assert comparison_json(found) == comparison_json(alone)


def test_a_failed_run_is_kept_but_not_that_a_worker_died(tmp_path: Path) -> None:
    variant = Variant("a", update())
    with opened(tmp_path / "a.db", [variant]) as store:
        store.put(0, Failure(3, "error", "rules.py: no such pod"))
        store.put(0, Failure(4, "died", "its worker process died twice"))
        assert store.get(0, 3) == Failure(3, "error", "rules.py: no such pod")
        assert store.get(0, 4) is None


def test_killed_it_goes_on_where_it_stopped(tmp_path: Path) -> None:
    store = tmp_path / "campaign.db"
    line = ["run", UPDATE, "--timings", "range", "-n", "60", "--store", str(store), "-o", "json"]
    with subprocess.Popen(
        [sys.executable, "-P", "-m", "kubeinfer_sim", *line], stdout=subprocess.DEVNULL, cwd=ROOT
    ) as process:
        for _ in range(600):
            time.sleep(0.05)
            if rows(store) >= 1 or process.poll() is not None:
                break
        os.kill(process.pid, signal.SIGKILL)
    kept = rows(store)
    done = sim(*line)
    assert done.returncode == 1
    assert kept <= rows(store) == 60
    assert done.stdout == sim("run", UPDATE, "--timings", "range", "-n", "60", "-o", "json").stdout


def rows(store: Path) -> int:
    if not store.exists():
        return 0
    try:
        with closing(sqlite3.connect(f"{store.as_uri()}?mode=ro", uri=True)) as connection:
            return int(connection.execute("SELECT count(*) FROM runs").fetchone()[0])
    except sqlite3.OperationalError:
        return 0


def test_with_a_disk_that_is_full_it_ends_with_words_and_goes_on_where_it_stopped(tmp_path: Path) -> None:
    store = tmp_path / "campaign.db"
    line = ("run", UPDATE, "--timings", "range", "--workers", "1", "-o", "json")
    assert sim(*line, "-n", "10", "--store", str(store)).returncode == 1
    own = shlex.join(
        [sys.executable, "-m", "kubeinfer_sim", *line, "-n", "60", "--store", str(store), "--quiet"]
    )
    done = subprocess.run(
        ["bash", "-c", f"ulimit -f 100; exec {own}"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (5, ""), done.stderr
    assert f"error: cannot write to --store {store}: " in " ".join(done.stderr.split())
    assert 10 <= rows(store) < 60, "what was written is kept"
    again = sim(*line, "-n", "60", "--store", str(store))
    assert again.stdout == sim(*line, "-n", "60").stdout
    assert rows(store) == 60
    assert store.stat().st_size < 250_000, "a row takes no page of its own"


@pytest.mark.parametrize(
    ("changed", "what"),
    [
        (update(6), r"timings.default.warmUp: uniform .*\.\.5m, now uniform .*\.\.6m"),
        (
            update(objectives=Objectives(completes_within=8 * MINUTE)),
            "objectives.completesWithin: 9m, now 8m",
        ),
        (update(quiet_after=1000), "quietAfter: 1d, now 1s"),
    ],
)
def test_other_inputs_are_refused_with_what_changed(tmp_path: Path, changed: Scenario, what: str) -> None:
    replicate(update(), 2, store=tmp_path / "a.db")
    with pytest.raises(UsageError, match=rf"its runs are of other inputs \({what}"):
        replicate(changed, 4, store=tmp_path / "a.db")
    assert rows(tmp_path / "a.db") == 2


def test_the_same_inputs_in_a_file_of_another_name_go_on(tmp_path: Path) -> None:
    store, folder = str(tmp_path / "a.db"), ROOT / "scenarios"
    text = (folder / "model-as-deployment.yaml").read_text(encoding="utf-8")
    manifest = (folder / "manifests" / "chat-deployment.yaml").read_text(encoding="utf-8")
    for name in ("one", "two"):
        (tmp_path / f"{name}-manifest.yaml").write_text(manifest, encoding="utf-8")
        own = text.replace("manifests/chat-deployment.yaml", f"{name}-manifest.yaml")
        (tmp_path / f"{name}.yaml").write_text(own, encoding="utf-8")
    assert sim("run", str(tmp_path / "one.yaml"), "-n", "2", "--store", store).returncode in (0, 1)
    done = sim("run", str(tmp_path / "two.yaml"), "-n", "3", "--store", store)
    assert done.returncode in (0, 1), done.stderr
    assert rows(tmp_path / "a.db") == 3


def test_an_empty_question_is_an_error(tmp_path: Path) -> None:
    replicate(update(), 2, store=tmp_path / "a.db")
    done = sim("results", str(tmp_path / "a.db"), "--sql", " ")
    assert (done.returncode, done.stdout) == (2, "")
    assert "expected a question" in done.told


def test_other_variants_and_another_version_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compare([Variant("a", update()), Variant("b", update())], [0], store=tmp_path / "a.db")
    with pytest.raises(UsageError, match="variants a, b, now a, c"):
        compare([Variant("a", update()), Variant("c", update(6))], [0], store=tmp_path / "a.db")
    compare([Variant("a", update()), Variant("the same", update())], [0, 1], store=tmp_path / "a.db")
    with Stored(tmp_path / "a.db") as stored:
        assert [(each.name, each.runs) for each in stored.variants()] == [("a", 2), ("the same", 2)]
    monkeypatch.setattr("kubeinfer_sim.experiment.store.__version__", "99.0")
    with pytest.raises(UsageError, match=r"its runs are of kubeinfer-sim .*, and this is 99.0"):
        compare([Variant("a", update()), Variant("b", update())], [0], store=tmp_path / "a.db")


def test_a_second_writer_is_refused_and_a_reader_is_not(tmp_path: Path) -> None:
    store, variant = tmp_path / "a.db", Variant("a", update())
    with opened(store, [variant]) as first:
        first.put(0, play(variant, 0))
        first.commit()
        with pytest.raises(UsageError, match="another campaign writes to it"), opened(store, [variant]):
            pass
        done = sim("results", str(store))
        assert (done.returncode, "1 run ·" in done.stdout) == (0, True)
    with opened(store, [variant]) as again:
        assert again.get(0, 0) == play(variant, 0)


def test_a_file_that_is_no_store_is_an_error_with_words(tmp_path: Path) -> None:
    text, foreign, newer, damaged, page = (
        tmp_path / name for name in ("text.db", "foreign.db", "newer.db", "damaged.db", "page.db")
    )
    text.write_text("a text that is longer than the head of a database " * 40, encoding="utf-8")
    with sqlite3.connect(foreign) as connection:
        connection.execute("CREATE TABLE t (x)")
    connection.close()
    replicate(update(), 2, store=newer)
    with sqlite3.connect(newer) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    replicate(update(), 200, store=damaged)
    content = bytearray(damaged.read_bytes())
    size = int.from_bytes(content[16:18], "big")
    page.write_bytes(bytes([*content[:-size], 0xFF, *content[1 - size :]]))  # the last page is of no kind
    content[4096 * 2 : 4096 * 4] = b"\xff" * (4096 * 2)
    damaged.write_bytes(bytes(content))
    words = {
        text: "it is damaged, or no store of runs",
        foreign: "it is a database of something else",
        newer: "it is in form 99, of a later kubeinfer-sim",
        damaged: "it is damaged, or no store of runs",
        page: "the check of its pages fails",
    }
    for file, said in words.items():
        before = file.read_bytes()
        with pytest.raises(UsageError, match=said):
            replicate(update(), 3, store=file)
        done = sim("results", str(file))
        assert (done.returncode, done.stdout) == (2, "")
        assert said in " ".join(done.stderr.split())
        assert file.read_bytes() == before
    with pytest.raises(UsageError, match="there is no folder"):
        replicate(update(), 3, store=tmp_path / "no" / "such" / "folder.db")
    assert "no such file" in sim("results", str(tmp_path / "nothing.db")).told


def test_results_lists_summarises_exports_and_answers(tmp_path: Path) -> None:
    store = str(tmp_path / "a.db")
    line = ["compare", UPDATE, "--vary", "nodes=15,16", "-n", "3", "--store", store]
    assert sim(*line).returncode == 0
    text = sim("results", store).stdout
    assert "rolling-update-2p1d · 2 variants · 6 runs" in text
    assert "\nnodes=16: 3 runs, seeds 0-2\n" in text
    assert "26m33s" in text.partition("\nnodes=16")[2]
    table = list(csv.DictReader(io.StringIO(sim("results", store, "-o", "csv").stdout)))
    assert [(each["variant"], each["seed"]) for each in table[2:4]] == [("nodes=15", "2"), ("nodes=16", "0")]
    assert (table[0]["duration"], table[5]["duration"], table[5]["minReady"]) == ("inf", "1592618.0", "1")
    whole = json.loads(sim("results", store, "-o", "json").stdout)["rows"]
    assert (whole[0]["duration"], whole[5]["availability"]) == (None, 1.0)
    asked = sim(
        "results",
        store,
        "--sql",
        "SELECT name, count(*) AS runs FROM runs JOIN variants USING (variant) GROUP BY name",
    )
    assert asked.stdout.split() == ["name", "runs", "nodes=15", "3", "nodes=16", "3"]
    for wrong, said in (
        ("SELECT x FROM runs", "no such column: x"),
        ("DELETE FROM runs", "a SELECT reads them"),
    ):
        done = sim("results", store, "--sql", wrong)
        assert (done.returncode, said in done.told) == (2, True)
    assert rows(tmp_path / "a.db") == 6


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("here.db", "it is there already: name a new file"),
        ("nowhere/a.parquet", "there is no folder nowhere: name a new file"),
        ("-", "rows are written to a file: name a new file"),
    ],
)
def test_a_parquet_file_that_cannot_be_is_an_error_with_words(tmp_path: Path, name: str, said: str) -> None:
    sim("run", UPDATE, "-n", "2", "--workers", "1", "-q", "--store", str(tmp_path / "here.db"))
    done = sim("results", "here.db", "--parquet", name, cwd=tmp_path)
    assert (done.returncode, said in done.told) == (2, True), done.stderr


def test_an_interrupted_campaign_keeps_what_it_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(variant: Variant, seed: int) -> Replication:
        if seed == 5:
            signal.raise_signal(signal.SIGINT)
        return play(variant, seed)

    monkeypatch.setattr("kubeinfer_sim.experiment.worker.play", interrupted)
    done = sim("run", UPDATE, "-n", "50", "--workers", "1", "--store", str(tmp_path / "a.db"))
    assert (done.returncode, rows(tmp_path / "a.db")) == (130, 5)
    assert "the same command goes on from there" in " ".join(done.stderr.split())

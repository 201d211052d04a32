"""Runs on a Dask cluster: the same bytes as here, whoever dies meanwhile; what is wrong with the cluster is told."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from building import kubeinfer, scenario
from command_line import ROOT, process, sim

from kubeinfer_sim.errors import UnavailableError, UsageError
from kubeinfer_sim.experiment import dask_cluster
from kubeinfer_sim.experiment.dask_cluster import dask_workers
from kubeinfer_sim.experiment.replication import Variant
from kubeinfer_sim.experiment.replications import replicate
from kubeinfer_sim.experiment.worker import packed, play_chunk
from kubeinfer_sim.report.replications_result import replications_json
from kubeinfer_sim.scenario.actions.model import Apply
from kubeinfer_sim.scenario.model import Scenario
from kubeinfer_sim.scenario.timings.distributions import Uniform

MINUTE = 60_000
UPDATE = "scenarios/rolling-update-2p1d.yaml"
LOCAL = ("run", UPDATE, "--timings", "range", "-n", "12", "-o", "json")


def update() -> Scenario:
    """Two instances get a new image, one after the other; how long loading takes is drawn."""
    first, later = kubeinfer(2, 0, 1), kubeinfer(2, 0, 1, revision="b")
    stages = {"warm_up": Uniform(MINUTE, 5 * MINUTE)}
    return scenario(first, 4, 60, 10, actions=(Apply(0, later),), stages=stages)


class Cluster:
    """A scheduler and workers, each a process of its own on loopback."""

    def __init__(self, folder: Path) -> None:
        self.processes: list[subprocess.Popen[bytes]] = []
        self.folder, self.file = folder, folder / "scheduler.json"
        # What a worker dies of is told at once, not after three more have died of it.
        self.env = {
            **os.environ,
            "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "0",
            "PYTHONPATH": os.pathsep.join([str(folder), str(ROOT), os.environ.get("PYTHONPATH", "")]),
        }
        self.scheduler = self.start("scheduler", "--scheduler-file", str(self.file), "--port", "0")
        # The file is there before what is written in it.
        while not (self.file.exists() and (written := self.file.read_text(encoding="utf-8")).endswith("}")):
            assert self.scheduler.poll() is None
            time.sleep(0.05)
        self.address: str = json.loads(written)["address"]

    def start(self, what: str, *options: str) -> subprocess.Popen[bytes]:
        line = [sys.executable, "-m", "dask", what, "--host", "127.0.0.1", "--no-dashboard", *options]
        with (self.folder / f"{what}.log").open("ab") as log:
            started = subprocess.Popen(line, cwd=self.folder, env=self.env, stdout=log, stderr=log)
        self.processes.append(started)
        return started

    def workers(self, number: int, *options: str) -> list[subprocess.Popen[bytes]]:
        """So many, which the scheduler knows."""
        from distributed import Client

        line = ("worker", self.address, "--nthreads", "1", *options)
        started = [self.start(*line) for _ in range(number)]
        with Client(self.address, set_as_default=False) as client:  # type: ignore[no-untyped-call]
            client.wait_for_workers(number, timeout=300)
        return started

    def end(self) -> None:
        """By force: a nanny's worker ends when it does, and nobody wants to know how they say goodbye."""
        for each in self.processes:
            each.kill()
            each.wait()


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    pytest.importorskip("distributed")
    made = Cluster(tmp_path)
    yield made
    made.end()


def test_a_worker_killed_in_the_middle_leaves_the_result_as_it_is(cluster: Cluster) -> None:
    workers = cluster.workers(2, "--no-nanny")
    killed = False

    def kill(done: int, total: int, played: Sequence[object]) -> None:
        nonlocal killed
        if done >= 20 and not killed:
            os.kill(workers[0].pid, signal.SIGKILL)
            killed = True

    with dask_workers(cluster.address) as places:
        found = replicate(update(), 200, workers=places, progress=kill)
    assert workers[0].wait() == -signal.SIGKILL
    assert replications_json(found) == replications_json(replicate(update(), 200))

    there = process(*LOCAL, "--engine", "dask", "--scheduler", cluster.address)
    assert there.stdout == sim(*LOCAL, "--workers", "1").stdout
    *progress, last = there.stderr.splitlines()  # and nothing that Dask says
    assert last.startswith("simulated in")
    assert all(line.startswith("runs ") for line in progress)


RULES = """
import os

def hangs(failure):
    while True:
        pass

def dies(failure):
    os._exit(1)
"""


@pytest.mark.sweep
def test_a_run_that_hangs_or_whose_worker_dies_is_named_with_its_seed_and_how_to_replay_it(
    cluster: Cluster, tmp_path: Path
) -> None:
    (tmp_path / "rules_of_mine.py").write_text(RULES, encoding="utf-8")
    cluster.workers(1)
    failing = "scenarios/npu-fault-with-label.yaml"
    line = ("compare", failing, "-n", "2", "--seed", "7", "--engine", "dask", "--scheduler", cluster.address)
    hung = process(
        *line, "--recovery", "Instance,rules_of_mine:hangs", "--run-timeout", "2s", PYTHONPATH=path(tmp_path)
    )
    told = " ".join(hung.stdout.split())
    assert hung.returncode == 4
    assert "seed 7: not over after 2s" in told
    assert "seed 8: not over after 2s" in told
    late = process("run", UPDATE, "-n", "2", "--run-timeout", "1ms", *line[6:])
    assert late.returncode == 4
    assert "seed 1: not over after 1ms" in " ".join(late.stdout.split())
    assert f"kubeinfer-sim run {UPDATE} --seed 1\n" in late.stdout
    died = process(*line, "--recovery", "Instance,rules_of_mine:dies", PYTHONPATH=path(tmp_path))
    told = " ".join(died.stdout.split())
    assert died.returncode == 3
    assert "seed 7: its worker process died" in told
    assert "seed 8: its worker process died" in told


def path(folder: Path) -> str:
    return os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")])


def test_a_campaign_whose_scheduler_dies_goes_on_where_it_was(cluster: Cluster, tmp_path: Path) -> None:
    cluster.workers(1, "--no-nanny")
    store, made = tmp_path / "campaign.db", update()
    seen = 0

    def kill(done: int, total: int, played: Sequence[object]) -> None:
        nonlocal seen
        seen = done
        if done == 20:
            cluster.scheduler.kill()
            cluster.scheduler.wait()

    with (
        pytest.raises(UnavailableError, match=r"^the Dask scheduler at tcp://127\.0\.0\.1"),
        dask_workers(cluster.address) as places,
    ):
        replicate(made, 20_000, workers=places, store=store, progress=kill)
    assert 20 <= seen < 20_000
    again = replicate(made, 60, store=store)
    assert replications_json(again) == replications_json(replicate(made, 60))


def test_workers_that_are_all_gone_end_it_in_bounded_time(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    (only,) = cluster.workers(1, "--no-nanny")

    def kill(done: int, total: int, played: Sequence[object]) -> None:
        if done == 20:
            monkeypatch.setattr(dask_cluster, "PATIENCE_FOR_WORKERS", 1.0)
            only.kill()

    with (
        pytest.raises(
            UnavailableError, match=r"has had no workers for 1 s; `dask worker tcp://.* starts one"
        ),
        dask_workers(cluster.address) as places,
    ):
        replicate(update(), 20_000, workers=places, progress=kill)
    with pytest.raises(UnavailableError, match="has had no workers"), dask_workers(cluster.address):
        pass


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--engine", "dask"], "--engine dask needs --scheduler with the address of Dask's, as in tcp://"),
        (["--scheduler", "tcp://127.0.0.1:1"], "give --engine dask, too"),
        (["--engine", "dask", "--scheduler", "http://127.0.0.1:1"], "as in tcp://10.0.0.1:8786"),
        (["--engine", "dask", "--scheduler", "127.0.0.1:8786"], "as in tcp://10.0.0.1:8786"),
        (["--engine", "dask", "--scheduler", "tcp://127.0.0.1"], "as in tcp://10.0.0.1:8786"),
        (["--engine", "dask", "--scheduler", "tcp://a:99999"], "out of range"),
        (["--engine", "spark"], "'spark' is not one of 'local', 'dask'"),
        (
            ["--engine", "dask", "--scheduler", "tcp://127.0.0.1:1", "--workers", "2"],
            "with --engine dask the scheduler's workers play",
        ),
    ],
)
def test_what_is_wrong_with_the_options_is_told(tmp_path: Path, options: list[str], message: str) -> None:
    store = tmp_path / "campaign.db"
    done = sim("run", UPDATE, "-n", "3", "--store", str(store), *options)
    assert (done.returncode, done.stdout, store.exists()) == (2, "", False)
    assert message in " ".join(done.stderr.split())


def test_it_is_about_many_runs() -> None:
    done = sim("run", UPDATE, "--engine", "dask", "--scheduler", "tcp://127.0.0.1:8786")
    assert (done.returncode, done.stdout) == (2, "")
    assert "--engine is about many runs: say how many with -n" in " ".join(done.stderr.split())


def test_without_the_extra_it_is_told_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dask_cluster, "find_spec", lambda name: None)
    done = sim("run", UPDATE, "-n", "3", "--engine", "dask", "--scheduler", "tcp://127.0.0.1:8786")
    assert (done.returncode, done.stdout) == (2, "")
    assert "pip install 'kubeinfer-sim[dask]'" in " ".join(done.stderr.split())


@pytest.mark.parametrize("command", ["run", "compare"])
def test_where_no_scheduler_answers_nothing_is_written(tmp_path: Path, command: str) -> None:
    pytest.importorskip("distributed")
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"tcp://127.0.0.1:{server.getsockname()[1]}"
    store, result = tmp_path / "campaign.db", tmp_path / "result.json"
    line = [command, UPDATE, "-n", "3", "--engine", "dask", "--scheduler", address]
    line += ["--vary", "maxSurge=0,1"] if command == "compare" else []
    done = sim(*line, "--store", str(store), "--json", str(result))
    assert (done.returncode, done.stdout) == (5, "")
    assert " ".join(done.stderr.split()) == (
        f"error: no Dask scheduler at {address}: Connection refused; `dask scheduler` starts one, and prints its address"
    )
    assert not store.exists()
    assert not result.exists()


def test_who_accepts_and_says_nothing_is_no_scheduler(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("distributed")
    monkeypatch.setattr(dask_cluster, "PATIENCE", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"tcp://127.0.0.1:{server.getsockname()[1]}"
        with (
            pytest.raises(UnavailableError, match="does not answer as a Dask scheduler"),
            dask_workers(address),
        ):
            pass


def test_a_worker_of_another_version_plays_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    made = packed(Variant("a", update()))
    monkeypatch.setattr("kubeinfer_sim.experiment.worker._PLAYER", "kubeinfer-sim 7, Python 3.11")
    with pytest.raises(
        UsageError, match=r"a worker has kubeinfer-sim 7, Python 3.11, and this is kubeinfer-sim"
    ):
        play_chunk(made, [1])

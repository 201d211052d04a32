"""`--estimate`, and the word beforehand where a run takes more than a minute."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from field.user import Raw, User, asking, both, kubeinfer

UPDATE = ("rollout", "chat.yaml", "--nodes", "8x8")


@both
def test_what_a_run_will_cost_is_said_and_nothing_is_simulated(
    user: User, workload: Callable[..., Raw], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kubeinfer_sim.experiment.estimate.seconds_per_call", lambda: 0.01)
    # What the process took to start: here it has played thousands of tests.
    monkeypatch.setattr("kubeinfer_sim.cli.estimate.time.process_time", lambda: 1.0)
    user.has("chat.yaml", workload(asking(npu=8)))
    for options, said in (((), "of memory, within"), (("-n", "10"), "of memory for 10 runs, within")):
        done = user.types(*UPDATE, "--estimate", *options)
        assert done.returncode == 0
        assert done.stdout.startswith("about 1")
        assert said in done.stdout.splitlines()[0]
        assert "pods over the whole run: 6" in done.stdout
        assert not done.stderr


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("-o", "json"), "--estimate is for people"),
        (("--json", "x.json"), "--estimate is for people"),
        (("--detail", "pods"), "--estimate makes no result that --detail could be about"),
        (("--until-decided",), "--estimate takes a number of runs, as in -n 300"),
    ],
)
def test_what_cannot_be_estimated_is_refused(user: User, options: tuple[str, ...], said: str) -> None:
    user.has("chat.yaml", kubeinfer(asking(npu=8)))
    done = user.types(*UPDATE, "--estimate", *options)
    assert done.returncode == 2
    assert said in done.told


@pytest.mark.parametrize("options", [(), ("-n", "2")])
def test_what_takes_more_than_a_minute_says_so_beforehand(
    user: User, options: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    user.has("chat.yaml", kubeinfer(asking(npu=8)))
    assert "this takes" not in user.types(*UPDATE, *options).told
    monkeypatch.setattr("kubeinfer_sim.cli.estimate._SMALL", 0)
    monkeypatch.setattr("kubeinfer_sim.cli.estimate._LEAST_PER_CALL", 0.1)
    monkeypatch.setattr("kubeinfer_sim.experiment.estimate.seconds_per_call", lambda: 0.1)
    told = user.types(*UPDATE, *options).told
    assert "this takes about" in told
    assert "(--estimate says of what)" in told, "of the same command"
    assert "this takes" not in user.types(*UPDATE, *options, "-q").told


def test_for_a_dask_cluster_it_says_what_to_order(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody has to be at the scheduler's address."""
    monkeypatch.setattr("kubeinfer_sim.experiment.estimate.seconds_per_call", lambda: 1e-6)
    user.has("chat.yaml", kubeinfer(asking(npu=8)))
    done = user.types(*UPDATE, "--estimate", "-n", "1000000", "--engine", "dask")
    assert done.returncode == 0
    told = dict(line.split(": ", 1) for line in done.stdout.splitlines() if ": " in line)
    seconds = float(told["each run"].split()[0])
    workers, _, batches = told["on Dask"].partition(" workers for ")
    assert 0.9 < int(workers) / (seconds * 1_000_000 / 3600) < 1.5
    long, _, of_runs = batches.partition(", each with a core; batches of ")
    assert long.startswith(("5", "1h"))
    runs, _, number = of_runs.partition(" runs (0.2 s), ")
    assert int(runs) * int(number.split()[0].replace(",", "")) >= 1_000_000
    assert float(told["Dask's scheduler"].split()[2]) <= 6
    assert told["what comes back"].startswith("700.0 MB, 3m20s of this process")
    assert told["a store"].startswith("1,200.0 MB, 5m of this process")
    assert "on Dask" not in user.types(*UPDATE, "--estimate", "-n", "1000000").stdout


@both
@pytest.mark.parametrize(
    ("command", "says"),
    [("why", "of memory ("), ("pods", "of memory at most ("), ("events", "of memory at most (")],
)
def test_commands_that_show_a_moment_say_beforehand_what_takes_more_than_a_minute(
    user: User, workload: Callable[..., Raw], command: str, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    user.plans(workload(asking(npu=8)), cluster={"nodes": "8x8"})
    at = (command, "scenario.yaml", "--at", "5m")
    assert "this takes" not in user.types(*at).told
    monkeypatch.setattr("kubeinfer_sim.cli.estimate._SMALL", 0)
    monkeypatch.setattr("kubeinfer_sim.cli.estimate._LEAST_PER_CALL", 0.1)
    monkeypatch.setattr("kubeinfer_sim.experiment.estimate.seconds_per_call", lambda: 0.1)
    told = user.types(*at).told
    assert "this takes about" in told
    assert says in told
    assert "(run --estimate says of what)" in told


def test_a_small_run_is_said_to_take_what_it_takes_to_start(
    user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kubeinfer_sim.experiment.estimate.seconds_per_call", lambda: 1e-9)
    monkeypatch.setattr("kubeinfer_sim.cli.estimate.time.process_time", lambda: 20.0)
    user.has("chat.yaml", kubeinfer(asking(npu=8)))
    assert user.types(*UPDATE, "--estimate").stdout.startswith("about 25 s of processor time")

"""How far a command is, on standard error: a bar on a terminal, lines elsewhere, nothing before a second is over."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
import time

import pytest
from command_line import ROOT
from msgspec.structs import replace

from kubeinfer_sim.cli import progress
from kubeinfer_sim.cli.compare import SoFarOfEach
from kubeinfer_sim.cli.progress import ProgressBar
from kubeinfer_sim.experiment.replication import Replication
from kubeinfer_sim.metrics import Judged, Judgement, Outcome

LINE = ("run", "scenarios/rolling-update-2p1d.yaml", "--timings", "range", "--workers", "2")


class Clock:
    """Stands still until it is told to go on."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(progress, "time", made)
    return made


def lines(clock: Clock, capsys: pytest.CaptureFixture[str], bar: ProgressBar, *, seconds: int) -> list[str]:
    """What is said of eight things done a second."""
    with bar:
        for done in range(1, 8 * seconds + 1):
            clock.now += 0.125
            bar.update(done, 10_000, lambda: "held in 98 % of runs (90–99)")
    return capsys.readouterr().err.splitlines()


def test_where_there_is_no_terminal_lines_come_further_and_further_apart(
    clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    found = lines(clock, capsys, ProgressBar("runs"), seconds=200)
    assert found[0] == "runs 8/10,000 · 8/s · 20m49s left · held in 98 % of runs (90–99)"
    done = [int(line.partition("/")[0].removeprefix("runs ").replace(",", "")) for line in found]
    assert [each / 8 for each in done] == [1, 3, 7, 15, 31, 63, 123, 183]


def test_what_takes_less_than_a_second_or_is_to_be_quiet_says_nothing(
    clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    assert lines(clock, capsys, ProgressBar("runs", shown=False), seconds=20) == []
    with ProgressBar("runs") as bar:
        clock.now += 0.9
        bar.update(5000, 10_000, lambda: "")
    assert capsys.readouterr().err == ""


def test_the_rate_is_that_of_late_and_what_is_left_may_be_the_most(
    clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    with ProgressBar("runs", at_most=True) as bar:
        bar._looks.clear()
        bar._looks.append((clock.now - 10, 9000))  # what a store knew
        clock.now += 1
        bar.update(9022, 10_000, lambda: "")
        assert capsys.readouterr().err == "runs 9,022/10,000 · 2/s · at most 8m9s left\n"
        clock.now += 1000
        bar.update(9030, 10_000, lambda: "")
    assert capsys.readouterr().err.startswith("runs 9,030/10,000 · 33.7 s each · at most 9h")


@pytest.mark.skipif(not hasattr(os, "login_tty"), reason="a terminal of one's own")
def test_on_a_terminal_a_bar_shows_the_estimate_and_ctrl_c_prints_what_is_done() -> None:
    master, slave = pty.openpty()
    campaign = subprocess.Popen(
        [sys.executable, "-P", "-m", "kubeinfer_sim", *LINE, "-n", "1000000"],
        cwd=ROOT,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "120", "PYTHONIOENCODING": "utf-8"},
        preexec_fn=lambda: os.login_tty(slave),
    )
    os.close(slave)
    shown = until(master, "held in ")
    pace = r"[\d,]+/1,000,000 · [\d.]+(/s| s each) · (\d+[dhms])+ left"
    assert re.search(pace + r" · held in [\d.]+ % of runs \([\d.]+–[\d.]+\)", shown), shown
    os.write(master, b"\x03")
    told = until(master, None)
    assert campaign.wait() == 130
    assert "interrupted: 1,000,000 were asked for" in " ".join(told.split())
    assert "Traceback" not in told


def until(terminal: int, text: str | None) -> str:
    """What comes until there is such a text, and a little more; None: until all programs have left the terminal."""
    seen, limit = "", time.monotonic() + 120
    while time.monotonic() < limit:
        try:
            seen += os.read(terminal, 65536).decode("utf-8", "replace")
        except OSError:  # nobody writes any more
            break
        if text is not None and re.search(f"{text}.*\\)", seen):
            break
    return re.sub(r"\x1b\[[\d;?]*[A-Za-z]", "", seen)


def test_of_two_variants_each_estimate_is_told_and_of_more_the_best() -> None:
    judged = Judged("completes", Judgement.HELD, True, True)
    good = Replication(0, Outcome.COMPLETES, True, 1.0, {}, (judged,), {}, {})
    bad = replace(good, judged=(replace(judged, judgement=Judgement.MISSED),))
    two = SoFarOfEach({"nodes=2": 0.95, "nodes=3": 0.9})
    assert two.told([{0: bad}, {}]) == "nodes=2 held in 0 % of runs (0–95)"
    told = two.told([{0: bad, 1: good}, {0: good}])
    assert told == "nodes=2 held in 50 % of runs (1.2–98.8) · nodes=3 held in 100 % of runs (9.9–100)"
    three = SoFarOfEach(dict.fromkeys(["nodes=2", "nodes=3", "nodes=4"], 0.95))
    assert three.told([{}, {}, {}]) == "3 variants"
    assert three.told([{0: bad}, {0: good}, {}]) == "3 variants, nodes=3 held in 100 % of runs (5–100)"

"""Campaigns that are interrupted or killed: what is printed, and that no process stays behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from command_line import ROOT

PROC = Path("/proc")
LINE = ("run", "scenarios/rolling-update-2p1d.yaml", "-n", "1000000", "--workers", "2")

pytestmark = pytest.mark.skipif(not PROC.is_dir(), reason="processes are found in /proc")


def state(pid: int) -> tuple[str, int]:
    """The state of a process and its parent; Z when it is gone."""
    try:
        _, _, rest = (PROC / str(pid) / "stat").read_text(encoding="utf-8").rpartition(")")
    except OSError:
        return "Z", 0
    return rest.split()[0], int(rest.split()[1])


def below(pid: int) -> list[int]:
    """The processes that one has started, and theirs."""
    own = [
        int(each.name) for each in PROC.iterdir() if each.name.isdigit() and state(int(each.name))[1] == pid
    ]
    return own + [each for child in own for each in below(child)]


class Campaign:
    """A campaign with two workers, in a session of its own, as a terminal has one."""

    def __init__(self, *options: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", "kubeinfer_sim", *LINE, *options],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            text=True,
        )
        self.started: set[int] = set()

    def wait_for_processes(self, number: int) -> None:
        """Until it has started so many."""
        while len(self.started) < number:
            assert self.process.poll() is None
            self.started |= set(below(self.process.pid))
            time.sleep(0.02)

    def assert_nothing_is_left(self) -> None:
        """Whatever it has started ends."""
        limit = time.monotonic() + 30
        while left := [each for each in self.started if state(each)[0] != "Z"]:
            assert time.monotonic() < limit, left
            time.sleep(0.05)


#: A tracker of resources, a server that starts workers, and the two workers.
ALL = 4


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_workers_end_with_the_command_however_it_ends(number: signal.Signals) -> None:
    campaign = Campaign()
    campaign.wait_for_processes(ALL)
    campaign.process.send_signal(number)
    assert campaign.process.wait() == -number
    campaign.assert_nothing_is_left()
    campaign.process.communicate()


@pytest.mark.parametrize("processes", [1, pytest.param(2, marks=pytest.mark.sweep), ALL])
def test_ctrl_c_prints_what_is_done_and_leaves_neither_traceback_nor_process(
    tmp_path: Path, processes: int
) -> None:
    """Also while the workers are being started."""
    store = tmp_path / "campaign.db"
    campaign = Campaign("--store", str(store))
    campaign.wait_for_processes(processes)
    os.killpg(campaign.process.pid, signal.SIGINT)
    out, err = campaign.process.communicate()
    assert campaign.process.returncode == 130
    assert "interrupted: 1,000,000 were asked for" in " ".join(out.split()) or out.startswith("? No run")
    assert "Traceback" not in err
    assert f"kept in {store}: the same command goes on from there" in " ".join(err.split())
    campaign.assert_nothing_is_left()

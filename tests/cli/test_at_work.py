"""A command that says nothing for long says that it is at work, and how far it is."""

from __future__ import annotations

import time
from typing import Any

import pytest
from command_line import ROOT, sim

from kubeinfer_sim.cli import output
from kubeinfer_sim.engine.clock import Clock
from kubeinfer_sim.engine.history import History
from kubeinfer_sim.engine.playing import Playing
from kubeinfer_sim.report.at_work import at_work
from kubeinfer_sim.simulation import simulate as simulation

STORIES = ("rolling-update-2p1d", "model-as-deployment")


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first run waits until somebody has looked at it, or a while."""
    monkeypatch.setattr(output, "SILENCE", 0.005)
    monkeypatch.setattr(output, "LONGEST_SILENCE", 0.005)
    advance, waited = simulation._advance, []

    def slow(*given: Any) -> Any:
        before = output.VOICE.last
        while output.VOICE.last == before and len(waited) < 200:
            waited.append(1)
            time.sleep(0.001)
        waited.extend([1] * 200)
        return advance(*given)

    monkeypatch.setattr(simulation, "_advance", slow)


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("story", STORIES)
@pytest.mark.parametrize("line", [("run",), ("why", "--at", "5m"), ("pods",), ("events", "--at", "5m")])
def test_any_command_that_plays_says_how_far_its_run_is(story: str, line: tuple[str, ...]) -> None:
    command, *options = line
    done = sim(command, str(ROOT / "scenarios" / f"{story}.yaml"), *options)
    assert ": simulated 0s, " in done.stderr
    assert "at work for " not in done.stdout
    assert all(len(each) <= 80 for each in done.stderr.splitlines())


@pytest.mark.usefixtures("hasty")
def test_who_asks_for_quiet_is_told_nothing() -> None:
    assert sim("run", str(ROOT / "scenarios" / "up-first.yaml"), "-q").stderr == ""


def test_what_is_soon_done_says_nothing_of_it() -> None:
    assert "at work" not in sim("run", str(ROOT / "scenarios" / "up-first.yaml")).stderr


def test_it_tells_which_run_of_several_it_is_and_how_many_were_played() -> None:
    playing, clock, history = Playing(), Clock(), History()
    assert at_work(12.4, playing) == "at work for 12s"
    with playing.run(clock, history, 7_200_000):
        clock.run(until=3_600_000)
        assert at_work(20, playing) == "at work for 20s: simulated 1h of 2h, 0 events, 0 records"
        with playing.run(clock, history, None):
            assert at_work(20, playing) == "at work for 20s: run 2: simulated 1h, 0 events, 0 records"
        assert "of 2h" in at_work(20, playing)
    assert at_work(70, playing) == "at work for 1m10s, 2 runs played"

"""How far a command is that takes long: `at work for 40 s: simulated 2h of 7d, 20,000 events, 90,000 records`."""

from __future__ import annotations

from kubeinfer_sim.engine.playing import Playing
from kubeinfer_sim.report.words import count, rounded
from kubeinfer_sim.scenario.units import format_duration


def at_work(seconds: float, playing: Playing) -> str:
    """A command is at work for so long; what is played in its process, if anything is."""
    text, run = f"at work for {format_duration(1000 * round(seconds))}", playing.now
    if run is None:
        return f"{text}, {count(playing.begun, 'run')} played" if playing.begun else text
    number = f"run {playing.begun:,}: " if playing.begun > 1 else ""
    end = "" if run.horizon is None else f" of {format_duration(run.horizon)}"
    done = f"{run.clock.fired:,} events, {run.history.total:,} records"
    return f"{text}: {number}simulated {rounded(run.clock.now)}{end}, {done}"

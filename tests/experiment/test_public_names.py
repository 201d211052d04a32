"""The names a notebook needs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import kubeinfer_sim

ROOT = Path(__file__).parents[2]


def test_every_promised_name_is_there() -> None:
    assert all(getattr(kubeinfer_sim, name) for name in kubeinfer_sim.__all__)


def test_a_scenario_is_judged_in_one_line() -> None:
    run = kubeinfer_sim.simulate(kubeinfer_sim.load_scenario(str(ROOT / "scenarios" / "down-first.yaml")))
    assert kubeinfer_sim.assess(run).verdict.holds
    assert kubeinfer_sim.measure(run.history, ended_at=run.ended_at, end=run.end).losing == 0


def test_importing_the_package_imports_nothing_else() -> None:
    code = "import sys, kubeinfer_sim; print([n for n in sys.modules if n in ('simpy', 'pydantic', 'yaml', 'rich')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"

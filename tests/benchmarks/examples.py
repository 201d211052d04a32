"""What examples at random cost: `python tests/benchmarks/examples.py [--write] [EXAMPLES]`. Run by hand.

Scenarios are drawn and read; neighbours of the rolling update of 2P1D are, and played, without and with all invariants
watching; `fuzz` searches near it, and plays single faults and pairs of them, in this process. Printed are examples in a
second of processor time; with --write the table goes into docs/benchmarks.md.
"""

from __future__ import annotations

import itertools
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from common import ROOT, show, sizes
from hypothesis import given, seed, settings
from hypothesis import strategies as st
from testing.generated import UNHURRIED

from kubeinfer_sim.scenario.self_contained import whole_scenario
from kubeinfer_sim.simulation.simulate import simulate
from kubeinfer_sim.testing.fuzz.exhaustive import play_single_faults
from kubeinfer_sim.testing.fuzz.fault_pairs import play_fault_pairs
from kubeinfer_sim.testing.fuzz.search import search
from kubeinfer_sim.testing.invariants import checked
from kubeinfer_sim.testing.strategies import WrittenScenario, near, scenarios

PHASES = ("corners", "random", "long")
GIVEN = ROOT / "scenarios" / "rolling-update-2p1d.yaml"


def drawn(strategy: st.SearchStrategy[WrittenScenario], do: Callable[[Any], object], count: int) -> int:
    """Draw, read and do something with so many; how many there were."""
    done = 0

    @seed(0)
    @settings(UNHURRIED, derandomize=False, max_examples=count)
    @given(strategy)
    def each(written: WrittenScenario) -> None:
        nonlocal done
        do(written.load())
        done += 1

    each()
    return done


def searched(document: Mapping[str, Any], vary: Sequence[str], count: int) -> int:
    """So many examples near it, objectives apart: a search ends with a find, which is made smaller; then the next seed."""
    spec = {key: value for key, value in document["spec"].items() if key != "objectives"}
    number = 0
    for drawn_from in itertools.count():
        found = search(
            {**document, "spec": spec}, vary=vary, phases=PHASES, most=count, drawn_from=drawn_from
        )
        number += sum(found.examples.values())
        if number >= count:
            break
    return number


def main() -> None:
    (count,) = sizes([60])
    document = whole_scenario(str(GIVEN))
    beside = near(WrittenScenario.read(GIVEN))
    singles: Any = None

    def alone() -> int:
        nonlocal singles
        singles = play_single_faults(document, most=count)
        return len(singles.cases)

    rows: dict[str, Callable[[], int]] = {
        "small scenarios drawn and read": lambda: drawn(scenarios("small"), id, count),
        "medium scenarios drawn and read": lambda: drawn(scenarios("medium"), id, count),
        "neighbours drawn and read": lambda: drawn(beside, id, count),
        "neighbours played": lambda: drawn(beside, simulate, count),
        "neighbours played, all invariants watching": lambda: drawn(beside, checked, count),
        "search, times edited": lambda: searched(document, ["times"], count),
        "search, stages edited": lambda: searched(document, ["stages"], count),
        "search, all edits": lambda: searched(document, [], count),
        "single faults": alone,
        "pairs of faults": lambda: len(play_fault_pairs(document, singles, most=count).cases),
    }
    lines = ["| examples | number | a second |", "|---|---|---|"]
    for name, play in rows.items():
        begun = time.process_time()
        number = play()
        lines.append(f"| {name} | {number:,} | {number / (time.process_time() - begun):.0f} |")
    show("examples", "\n".join(lines))


if __name__ == "__main__":
    main()

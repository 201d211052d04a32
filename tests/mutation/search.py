"""How long it takes until random scenarios with all invariants watching, and `fuzz`, find a planted bug.

Played in a Python of its own, which imports the bug: `python -m mutation.search scenarios|fuzz EDIT NEAR`.
"""

from __future__ import annotations

import contextlib
import json
import sys
import tempfile
import time
from itertools import count
from pathlib import Path
from typing import Any

from mutation.edits import ROOT, Edit
from mutation.playing import Changed

#: After so many examples, or seconds of processor time, the search is given up.
EXAMPLES, SECONDS = 300, 30.0
#: Scenarios beside those that are shipped.
NEAR = Path(__file__).parent / "near"


class _Over(BaseException):
    """Found, or given up."""


def by_scenarios() -> dict[str, Any]:
    """Medium scenarios at random, one seed after the other, until an invariant is broken."""
    from hypothesis import given, seed, settings
    from testing.generated import UNHURRIED

    from kubeinfer_sim.testing.invariants import InvariantsBroken, checked
    from kubeinfer_sim.testing.strategies import WrittenScenario, scenarios

    begun, examples, found = time.process_time(), 0, ""

    def each(scenario: WrittenScenario) -> None:
        nonlocal examples, found
        examples += 1
        try:
            checked(scenario.load())
        except InvariantsBroken as broken:
            found = broken.violations[0].number
        except Exception as error:  # the bug shows as it can
            found = type(error).__name__
        if found or examples >= EXAMPLES or time.process_time() - begun > SECONDS:
            raise _Over

    try:
        for number in count():
            of_seed = settings(UNHURRIED, derandomize=False, max_examples=200)
            seed(number)(of_seed(given(scenarios("medium"))(each)))()
    except _Over:
        pass
    return {"examples": examples, "seconds": round(time.process_time() - begun, 1), "found": found}


def by_fuzz(near: str) -> dict[str, Any]:
    """What `fuzz` draws near a scenario, with the seed 0, until an invariant is broken; the scenario itself comes first.

    An objective that an example misses is no bug, and passed over; that the scenario itself ends otherwise than it
    says in its second line is one.
    """
    from kubeinfer_sim.cli.main import run
    from kubeinfer_sim.errors import SimulatorFault
    from kubeinfer_sim.scenario.model import Scenario
    from kubeinfer_sim.scenario.self_contained import whole_scenario
    from kubeinfer_sim.testing.fuzz import search
    from kubeinfer_sim.testing.fuzz.cases import Cost

    class InvariantsAlone(search.Looker):
        def look(self, scenario: Scenario) -> search.Looked:
            looked = super().look(scenario)
            return looked if looked.invariant else search.Looked(Cost(lost=looked.cost.lost))

    search.SHRINKING, search.Looker = 0.0, InvariantsAlone  # type: ignore[misc]
    begun = time.process_time()
    file = next(path for path in (NEAR / near, ROOT / "scenarios" / near) if path.exists())
    wanted = int(file.read_text("utf-8").partition("# expect: exit ")[2][0])
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):  # where a counterexample is kept
        code = run(["run", str(file), "--quiet", "--check-invariants"])
    if code not in (wanted, 3):
        return {"examples": 1, "seconds": round(time.process_time() - begun, 1), "found": f"exit {code}"}
    document = whole_scenario(str(file))
    try:
        made = search.search(document, most=EXAMPLES)
    except SimulatorFault as fault:
        found = " ".join(str(fault).split()[4:5])  # what was given breaks INV-07 itself: …
        return {"examples": 1, "seconds": round(time.process_time() - begun, 1), "found": found}
    return {
        "examples": sum(made.examples.values()),
        "seconds": round(time.process_time() - begun, 1),
        "found": made.found.invariant.partition(":")[0] if made.found else "",
    }


def main() -> None:
    mode, edit, near = sys.argv[1:]
    if edit != "none":
        sys.meta_path.insert(0, Changed([Edit(*json.loads(edit))]))
    answer = by_scenarios() if mode == "scenarios" else by_fuzz(near)
    print(json.dumps(answer))


if __name__ == "__main__":
    main()

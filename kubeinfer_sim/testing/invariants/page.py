"""The documentation page of the catalogue, docs/invariants.md: `python -m kubeinfer_sim.testing.invariants.page`."""

from __future__ import annotations

import sys

from kubeinfer_sim.testing.invariants.catalogue import CATALOGUE
from kubeinfer_sim.testing.invariants.same import OF_TWO_RUNS

_HEAD = """# Invariants

<!-- Made by `python -m kubeinfer_sim.testing.invariants.page`; a test keeps it current. -->

What holds in every run, whatever the scenario. Each watches the records as they are written and changes nothing
of the run. The project's tests play thousands of scenarios at random with all of them watching;
`--check-invariants` has them watch yours:

```sh
kubeinfer-sim run scenarios/fault-mid-rollout.yaml --check-invariants
```

One that is broken is our mistake: exit code 3, its number, the records that show it, and a file in
`.kubeinfer-sim/` that holds the whole scenario, for the bug report; `kubeinfer-sim run FILE --check-invariants`
replays it. Of many runs (`-n`, `compare`) a sample is played once more with them watching. A number is never given
to another invariant.

"Caught" is a fault that the invariant has told of; `tests/testing/test_planted_bugs.py` plants each again.

| number | what holds | why | caught |
|---|---|---|---|
"""

_OF_TWO_RUNS = """
These are about two runs: `same_twice`, `same_in_any_order`, `same_beside_an_unused_pool` and
`same_beside_an_inert_action` of `kubeinfer_sim.testing.invariants` play them, and `--check-determinism` the first.

| number | what holds |
|---|---|
"""


def invariants_markdown() -> str:
    """The page."""
    rows = (f"| {each.number} | {each.statement} | {each.reason} | {each.caught} |\n" for each in CATALOGUE)
    pairs = (f"| {number} | {statement} |\n" for number, statement in OF_TWO_RUNS.items())
    return _HEAD + "".join(rows) + _OF_TWO_RUNS + "".join(pairs)


if __name__ == "__main__":
    sys.stdout.write(invariants_markdown())

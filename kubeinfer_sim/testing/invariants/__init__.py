"""What holds in every run, checked while it goes on."""

from kubeinfer_sim.testing.invariants.catalogue import CATALOGUE
from kubeinfer_sim.testing.invariants.invariant import (
    Checked,
    Finished,
    Invariant,
    InvariantsBroken,
    Report,
    Violation,
)
from kubeinfer_sim.testing.invariants.same import (
    OF_TWO_RUNS,
    same_beside_an_inert_action,
    same_beside_an_unused_pool,
    same_in_any_order,
    same_twice,
)
from kubeinfer_sim.testing.invariants.watch import Watch, checked

__all__ = [
    "CATALOGUE",
    "OF_TWO_RUNS",
    "Checked",
    "Finished",
    "Invariant",
    "InvariantsBroken",
    "Report",
    "Violation",
    "Watch",
    "checked",
    "same_beside_an_inert_action",
    "same_beside_an_unused_pool",
    "same_in_any_order",
    "same_twice",
]

"""What holds in every run, checked while it goes on."""

from kubeinfer_sim.testing.invariants.catalogue import CATALOGUE
from kubeinfer_sim.testing.invariants.invariant import Checked, Finished, Invariant, Report, Violation
from kubeinfer_sim.testing.invariants.watch import InvariantsBroken, Watch, checked, same_twice

__all__ = [
    "CATALOGUE",
    "Checked",
    "Finished",
    "Invariant",
    "InvariantsBroken",
    "Report",
    "Violation",
    "Watch",
    "checked",
    "same_twice",
]

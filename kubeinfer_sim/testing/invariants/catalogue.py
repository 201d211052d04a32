"""All invariants, by number."""

from __future__ import annotations

from kubeinfer_sim.testing.invariants.accelerators import Conserved, NeverOvercommitted
from kubeinfer_sim.testing.invariants.causes import CausesFirst
from kubeinfer_sim.testing.invariants.devices import NothingMendedWhileHeld
from kubeinfer_sim.testing.invariants.evictions import BudgetsNeverOverdrawn
from kubeinfer_sim.testing.invariants.invariant import Invariant
from kubeinfer_sim.testing.invariants.numbers import ChargesAddUp, ExplanationsAgree, SettledSaysWhy
from kubeinfer_sim.testing.invariants.pods import (
    NoHalfGang,
    NoNameTwice,
    NothingAfterTheEnd,
    NothingDeadIsStopped,
    OneNode,
)
from kubeinfer_sim.testing.invariants.probes import ProbesAsTicked
from kubeinfer_sim.testing.invariants.recount import Recounted
from kubeinfer_sim.testing.invariants.resources import NothingOvercommitted
from kubeinfer_sim.testing.invariants.rollouts import (
    NoRestartWithoutTrigger,
    OneRestartPerEvent,
    WithinSurge,
    WithinUnavailable,
)

CATALOGUE: tuple[type[Invariant], ...] = (
    Conserved,
    NeverOvercommitted,
    NoHalfGang,
    OneNode,
    NothingDeadIsStopped,
    NothingAfterTheEnd,
    WithinSurge,
    WithinUnavailable,
    OneRestartPerEvent,
    CausesFirst,
    NothingMendedWhileHeld,
    ChargesAddUp,
    SettledSaysWhy,
    ExplanationsAgree,
    NothingOvercommitted,
    NoNameTwice,
    NoRestartWithoutTrigger,
    Recounted,
    BudgetsNeverOverdrawn,
    ProbesAsTicked,
)

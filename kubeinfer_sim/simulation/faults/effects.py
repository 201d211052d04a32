"""What the faults of each kind do: a function for each, joined by name with the rows of `scenario/faults/kinds.py`.

The functions stand in `npu_kinds.py`, `pod_kinds.py`, `node_kinds.py` and `shared_kinds.py`, by what they strike. Each
gets the room in which it acts (`PodFaults` …), which offers what can be done there, and the strike.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

from msgspec import Struct

from kubeinfer_sim.scenario.actions.model import Fault
from kubeinfer_sim.scenario.faults.kinds import KINDS, Symptom
from kubeinfer_sim.scenario.units import Millis

R = TypeVar("R")
S = TypeVar("S")


class Strike(Struct, frozen=True):
    """A fault at the moment in which it begins.

    Attributes:
        cause: id of the record that tells of it.
    """

    fault: Fault
    cause: int

    @property
    def lasts(self) -> Millis | None:
        """How long until it ends by itself; None: it does not."""
        return KINDS[self.fault.kind].lasts if self.fault.clears_after is None else self.fault.clears_after

    @property
    def symptom(self) -> Symptom:
        """How it shows."""
        return self.fault.symptom or KINDS[self.fault.kind].symptom

    @property
    def factor(self) -> float:
        """What it leaves of what it slows down."""
        factor = KINDS[self.fault.kind].factor if self.fault.factor is None else self.fault.factor
        return 0.0 if factor is None else factor


class Effects(Generic[R, S]):
    """The functions of all kinds that strike one sort of things."""

    def __init__(self) -> None:
        self._by_kind: dict[str, Callable[[R, S], None]] = {}

    def __call__(self, *kinds: str) -> Callable[[Callable[[R, S], None]], Callable[[R, S], None]]:
        """The function that follows is what faults of these kinds do."""

        def register(effect: Callable[[R, S], None]) -> Callable[[R, S], None]:
            self._by_kind.update(dict.fromkeys(kinds, effect))
            return effect

        return register

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_kind)

    def of(self, kind: str) -> Callable[[R, S], None]:
        """What faults of this kind do."""
        return self._by_kind[kind]

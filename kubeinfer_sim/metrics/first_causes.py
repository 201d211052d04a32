"""The records that no other record caused: people's actions and faults. All else follows from them."""

from __future__ import annotations

from collections.abc import Mapping

from kubeinfer_sim.engine.history import Record
from kubeinfer_sim.engine.meter import End, FirstCause, Handlers


class FirstCauses:
    """Keeps them by id, which is the `root` of every record that follows from them."""

    def __init__(self) -> None:
        self._records: dict[int, Record] = {}

    def handlers(self) -> Handlers:
        """What it listens to."""
        return {FirstCause: self._add}

    def finish(self, ended_at: int, end: End) -> Mapping[int, Record]:
        """All of them."""
        return self._records

    def _add(self, record: Record) -> None:
        self._records[record.id] = record

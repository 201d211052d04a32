"""The history: a typed, append-only sequence of what happened, each entry with the entry that caused it.

Metrics, timelines and explanations are functions of the history and of nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TypeVar

#: The cause of what nothing in the history caused: the start of the simulation, the user.
NO_CAUSE = -1


@dataclass(slots=True)
class Record:
    """Something that happened.

    Attributes:
        at: when, in simulated milliseconds.
        cause: `id` of the record that caused this one, `NO_CAUSE` when none did.
        id: place in the history, given by `History.append`.
    """

    at: int
    cause: int
    id: int = field(default=NO_CAUSE, init=False, compare=False)


R = TypeVar("R", bound=Record)


class History:
    """Records in the order in which they happened."""

    def __init__(self) -> None:
        self._records: list[Record] = []
        self._listeners: list[Callable[[Record], None]] = []

    def append(self, record: Record) -> int:
        """Add a record and return its id, for the records it causes."""
        records = self._records
        record.id = number = len(records)
        records.append(record)
        for listener in self._listeners:
            listener(record)
        return number

    def subscribe(self, listener: Callable[[Record], None]) -> None:
        """Call `listener` with every record from now on."""
        self._listeners.append(listener)

    def __len__(self) -> int:
        return len(self._records)

    def __iter__(self) -> Iterator[Record]:
        return iter(self._records)

    def __getitem__(self, number: int) -> Record:
        return self._records[number]

    def of(self, kind: type[R]) -> Iterator[R]:
        """The records of one type, in order."""
        return (record for record in self._records if isinstance(record, kind))

    def chain(self, number: int) -> list[Record]:
        """A record, what caused it, what caused that … back to the first cause."""
        chain = []
        while number != NO_CAUSE:
            record = self._records[number]
            chain.append(record)
            number = record.cause
        return chain

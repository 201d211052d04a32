"""The history: a typed, append-only sequence of what happened, each entry with the entry that caused it.

Metrics, timelines and explanations are functions of the history and of nothing else. It can be kept whole, or only
told to listeners as it is written: then a run of any length takes no more memory for it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from msgspec import Struct

from kubeinfer_sim.errors import SimulatorFault, UsageError

#: The cause of what nothing in the history caused: the start of the simulation, the user.
NO_CAUSE = -1

#: A reference to a record holds its id in so many bits, and its root's id + 1 above them.
_ID_BITS = 40
_ID = (1 << _ID_BITS) - 1


class _Placed(Struct, kw_only=True):
    """What `History.append` gives a record.

    Attributes:
        id: place in the history.
        root: `id` of the first cause, where the chain of causes ends: its own when nothing caused it.
    """

    id: int = NO_CAUSE
    root: int = NO_CAUSE


class Record(_Placed):
    """Something that happened.

    Attributes:
        at: when, in simulated milliseconds.
        cause: what `History.append` returned for the record that caused this one, `NO_CAUSE` when none did; once it
            is in the history, that record's `id`.
    """

    at: int
    cause: int


R = TypeVar("R", bound=Record)

#: Is told of every record. It must not change the run: append nothing, draw nothing, write to nothing it is handed.
Listener = Callable[[Record], None]


#: So many records are kept: some three gigabytes of them, and minutes of work.
MOST_RECORDS = 5_000_000


class History:
    """Records in the order in which they happened.

    Attributes:
        total: how many records were appended, kept or not.
        last_at: when the last one was, ms; 0 before there is any.
        keep: whether the records are kept. If not, only listeners ever see them, and there is nothing to iterate.
    """

    def __init__(self, *, keep: bool = True) -> None:
        self.keep = keep
        self.total = 0
        self.last_at = 0
        self._records: list[Record] = []
        self._listeners: tuple[Listener, ...] = ()

    def append(self, record: Record) -> int:
        """Add a record, tell the listeners, and return a reference to it: the `cause` of the records it causes.

        A reference carries the root along with the id, so that whoever goes on from a record holds all that has to be
        known of it. It is good for nothing else.

        Raises:
            SimulatorFault: the cause is no such reference (ids do, while records are kept).
            UsageError: as many records as are kept are there.
        """
        number = self.total
        self.total = number + 1
        cause = record.cause
        if cause > _ID:
            root, cause = (cause >> _ID_BITS) - 1, cause & _ID
            if self.keep:
                # The very objects that those records have as ids: a number takes 32 bytes, and is kept once so.
                root, cause = self._records[root].id, self._records[cause].id
            record.root, record.cause = root, cause
        elif cause == NO_CAUSE:
            record.root = root = number
        else:
            record.root = root = self[cause].root
        record.id = number
        self.last_at = record.at
        if self.keep:
            if number >= MOST_RECORDS:
                raise UsageError(_too_many(self))
            self._records.append(record)
        for listener in self._listeners:
            listener(record)
        return root + 1 << _ID_BITS | number

    def subscribe(self, listener: Listener) -> None:
        """Call `listener` with every record from now on, after those that subscribed before.

        It is told when the record has its id and root, before the component that appended it goes on.
        """
        self._listeners = (*self._listeners, listener)

    def close(self) -> None:
        """Nothing more will happen: the listeners are let go, and what is left is data."""
        self._listeners = ()

    def __len__(self) -> int:
        return len(self._records)

    def __iter__(self) -> Iterator[Record]:
        return iter(self._records)

    def __getitem__(self, number: int) -> Record:
        if not self.keep:
            raise SimulatorFault(f"record {number} was asked for in a history that is not kept")
        return self._records[number]

    def since(self, number: int) -> Sequence[Record]:
        """The records from the one with this id on."""
        return self._records[number:]

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_listeners": ()}

    def of(self, kind: type[R]) -> Iterator[R]:
        """The records of one type, in order."""
        return (record for record in self._records if isinstance(record, kind))

    def chain(self, number: int) -> list[Record]:
        """The record with an id, what caused it, what caused that … back to the first cause."""
        chain = []
        while number != NO_CAUSE:
            record = self[number]
            chain.append(record)
            number = record.cause
        return chain


def latest_kinds(history: History) -> str:
    """The kinds of which the latest records are most: `container died, pod ready`; "" where none are kept."""
    kinds = Counter(type(each).__name__ for each in history.since(max(0, len(history) - 10_000)))
    return ", ".join(re.sub("(?<!^)([A-Z])", r" \1", name).lower() for name, _ in kinds.most_common(3))


def _too_many(history: History) -> str:
    """What is wrong with a run of which there are more records; those of its latest that are most frequent say why."""
    return (
        f"the run has {len(history):,} records after {history.last_at / 86_400_000:,.1f} days (lately most of all "
        f"{latest_kinds(history)}), and no more are kept: end it sooner (horizon, quietAfter), or end what goes on "
        "there"
    )

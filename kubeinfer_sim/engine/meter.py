"""Numbers from records as they come: each meter says which records it listens to, and one pass feeds them all.

A meter may be fed while the history is written, or afterwards from one that was kept; what it comes to is the same.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal, Protocol

from kubeinfer_sim.engine.history import NO_CAUSE, Record

#: Why a simulation stopped: nothing waits any more, the scenario's horizon, no progress for long, or a loop in which
#: time stands still.
End = Literal["settled", "horizon", "quiet", "loop"]

#: What is called with each record of a type.
Handlers = Mapping[type[Record], Callable[[Any], None]]


class FirstCause(Record):
    """As a key of `Handlers`: every record that nothing in the history caused, whatever its type."""


class Observer(Protocol):
    """Something that follows the records of some types."""

    def handlers(self) -> Handlers:
        """What it listens to; asked for once."""
        ...


def merged(observers: Iterable[Observer]) -> dict[type[Record], tuple[Callable[[Any], None], ...]]:
    """What is called with each record of a type, by several observers, in the order in which they are given."""
    handlers: dict[type[Record], tuple[Callable[[Any], None], ...]] = {}
    for observer in observers:
        for kind, handler in observer.handlers().items():
            handlers[kind] = (*handlers.get(kind, ()), handler)
    return handlers


class OnePass:
    """Feeds several observers, those of one record in the order in which they are given.

    `OnePass.observe` can be subscribed to a history as it is written.
    """

    def __init__(self, observers: Iterable[Observer]) -> None:
        handlers = merged(observers)
        self._first_cause = handlers.pop(FirstCause, ())
        # Nobody listens to what is left; looked up for every record of a run, so without a call.
        self._handlers = defaultdict(tuple, handlers)

    def observe(self, record: Record) -> None:
        """Hand a record to those who listen to its type."""
        if record.cause == NO_CAUSE:
            for handler in self._first_cause:
                handler(record)
        for handler in self._handlers[type(record)]:
            handler(record)

    def feed(self, records: Iterable[Record]) -> None:
        """Hand them all of several records, as `observe` does each."""
        handlers, first_cause = self._handlers, self._first_cause
        for record in records:
            if record.cause == NO_CAUSE:
                for handler in first_cause:
                    handler(record)
            for handler in handlers[type(record)]:
                handler(record)

"""One pass over a history: each meter says which records it listens to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

from kubeinfer_sim.engine.history import Record

#: What is called with each record of a type.
Handlers = Mapping[type[Record], Callable[[Any], None]]


class Meter(Protocol):
    """Something that is computed from records as they come."""

    def handlers(self) -> Handlers:
        """What it listens to."""
        ...


class OnePass:
    """Feeds several meters; `OnePass.observe` can be subscribed to a history as it is written."""

    def __init__(self, meters: Iterable[Meter]) -> None:
        self._handlers: dict[type[Record], tuple[Callable[[Any], None], ...]] = {}
        for meter in meters:
            for kind, handler in meter.handlers().items():
                self._handlers[kind] = (*self._handlers.get(kind, ()), handler)

    def observe(self, record: Record) -> None:
        """Hand a record to those who listen to its type."""
        for handler in self._handlers.get(type(record), ()):
            handler(record)

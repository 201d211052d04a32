"""What a container answers to its probes, as a function of time.

A health is piecewise constant: per kind of probe a sequence of segments, each in force from its `from_ms` to
the next one's. A call takes outcome and latency from the segment in which it starts.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from enum import Enum
from math import log1p
from typing import Literal, NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from kubeinfer_sim.scenario.timings.distribution import RandomSource
from kubeinfer_sim.scenario.units import Millis

ProbeKind = Literal["startup", "liveness", "readiness"]

#: All kinds, in the order in which the kubelet's loop looks at coincident results.
PROBE_KINDS: tuple[ProbeKind, ...] = ("startup", "liveness", "readiness")


class Checks(NamedTuple):
    """The checks behind the probes of a kind: of one container, or ("") of all that have none of their own."""

    probe: str
    container: str = ""

    def cover(self, other: Checks) -> bool:
        """Whether the others are among them."""
        return self.probe == other.probe and self.container in ("", other.container)


class Outcome(Enum):
    """What one call of a probe's handler gets.

    HANG: no answer within `timeoutSeconds`; lasts exactly that long and counts as a failure.
    ERROR: the runtime could not run the probe at all; retried at once, three calls in all, then discarded.
    """

    SUCCESS = "success"
    FAIL = "fail"
    HANG = "hang"
    ERROR = "error"


class Segment(Struct, frozen=True):
    """How calls that start from `from_ms` on are answered, until the next segment begins.

    Attributes:
        from_ms: absolute simulated time. The first segment also holds for everything before it.
        outcome, latency_ms: the answer, and how long it takes; above the probe's timeout it is a hang.
        flap_probability: chance, drawn independently for each call, that it gets the flap answer instead.
    """

    from_ms: Millis
    outcome: Outcome
    latency_ms: Millis = 0
    flap_probability: float = 0.0
    flap_outcome: Outcome = Outcome.FAIL
    flap_latency_ms: Millis = 0


class Health(Struct, frozen=True):
    """The answers of one container incarnation. Segments in order of time, at least one per kind."""

    startup: Sequence[Segment]
    liveness: Sequence[Segment]
    readiness: Sequence[Segment]

    @classmethod
    def alike(cls, *segments: Segment) -> Health:
        """One history for all three kinds."""
        return cls(segments, segments, segments)

    def of(self, kind: ProbeKind) -> Sequence[Segment]:
        """The history of one kind."""
        if kind == "startup":
            return self.startup
        return self.liveness if kind == "liveness" else self.readiness


def segment_at(segments: Sequence[Segment], at: Millis) -> int:
    """Index of the segment in force at a time."""
    if len(segments) == 1:
        return 0
    return max(0, bisect_right(segments, at, key=_from_ms) - 1)


def overlaid(
    segments: Sequence[Segment], answer: Segment, since: Millis, until: Millis | None
) -> tuple[Segment, ...]:
    """The same with this answer from `since` to `until` (None: from then on)."""
    before = [each for each in segments if each.from_ms < since]
    changed = [*before, replace(answer, from_ms=since)]
    if until is not None:
        changed.append(replace(segments[segment_at(segments, until)], from_ms=until))
        changed += [each for each in segments if each.from_ms > until]
    return tuple(changed)


def _from_ms(segment: Segment) -> Millis:
    return segment.from_ms


#: As many calls as no run has: what is rarer than once in that many never happens.
_NEVER = 2.0**53


class FlapDraws:
    """The random numbers of one worker's flapping calls, in the order of the calls.

    Numbers are kept until they are used up, so that a look into the future draws nothing twice: the outcome of a
    call depends on how many flapping answers came before it, never on when somebody asked.
    """

    __slots__ = ("_first", "_numbers", "_open", "_source")

    def __init__(self, open_source: Callable[[], RandomSource]) -> None:
        self._open = open_source
        self._source: RandomSource | None = None
        self._numbers: list[float] = []
        self._first = 0

    def gap(self, cursor: int, probability: float) -> int:
        """How many calls get the usual answer before one gets the flap answer: geometrically distributed."""
        if probability >= 1.0:
            return 0
        number = self.number(cursor)
        return int(min(log1p(-number) / log1p(-probability), _NEVER)) if number > 0.0 else 0

    def number(self, cursor: int) -> float:
        """The number in [0, 1) at a position of the stream."""
        if self._source is None:
            self._source = self._open()
        numbers = self._numbers
        while len(numbers) <= cursor - self._first:
            numbers.append(self._source.random())
        return numbers[cursor - self._first]

    def forget(self, cursor: int) -> None:
        """Positions below `cursor` will not be asked for again."""
        if cursor - self._first > 1024:
            del self._numbers[: cursor - self._first]
            self._first = cursor


__all__ = [
    "PROBE_KINDS",
    "Checks",
    "FlapDraws",
    "Health",
    "Outcome",
    "ProbeKind",
    "Segment",
    "overlaid",
    "segment_at",
]

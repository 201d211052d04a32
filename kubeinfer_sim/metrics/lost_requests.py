"""The requests that are lost when a unit stops serving."""

from __future__ import annotations

from statistics import fmean, stdev

from msgspec import Struct

from kubeinfer_sim.engine.streams import Streams
from kubeinfer_sim.scenario.model import Traffic

#: Draws of the length of a request; the interval beside each estimate tells what that is worth.
DRAWS = 4_000
#: Half the width of a 95 % interval in standard errors.
_Z95 = 1.96


class Stop(Struct, frozen=True):
    """A unit that stopped serving for good, or until it starts anew.

    Attributes:
        at: it was told to stop, or just stopped.
        out: from then on no proxy sends it anything.
        ends: its engine ends; what it has not answered by then is lost.
        reason: of the deletion or death.
        cut, refused: expected requests that are lost in its hands, and that reach it when it is dead.
        error: half the width of the 95 % interval of their sum.
    """

    unit: str
    at: int
    out: int
    ends: int
    reason: str
    cut: float
    refused: float
    error: float


def request_lengths(traffic: Traffic, seed: int) -> list[int]:
    """Lengths of requests as they are drawn, ms; none where nothing is said of them."""
    if traffic.request_duration is None:
        return []
    source = Streams(seed).named("traffic/request-duration")
    drawn = (traffic.request_duration.sample(source) for _ in range(DRAWS))
    return [length for length in drawn if length is not None]


def stop_of(
    unit: str, at: int, out: int, ends: int, reason: str, traffic: Traffic, lengths: list[int]
) -> Stop:
    """Requests arrive as a Poisson stream of `rate` per unit; those of length L are in hand rate x L at a time.

    Of those that came up to the last moment the unit was sent any (or lived), the ones longer than what it has left
    are cut: rate x E[max(0, L - left)]. Those that reach it after its end are refused.
    """
    rate = traffic.requests_per_second or 0.0
    left = max(0, ends - out)
    over = [max(0, length - left) / 1000 for length in lengths]
    cut = rate * fmean(over) if over else 0.0
    error = rate * _Z95 * stdev(over) / len(over) ** 0.5 if len(over) > 1 else 0.0
    refused = rate * max(0, out - ends) / 1000
    return Stop(unit, at, out, ends, reason, cut, refused, error)

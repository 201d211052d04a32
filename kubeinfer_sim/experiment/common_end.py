"""What is added up over a run, carried on to an end that all runs of a comparison have in common.

With a horizon all runs end at it. Without one each ends by itself, when nothing is left to happen, and from then on all
stays as it is: what is missing stays missing, what was in place stays there. So a run that stalls early loses no less
for it, and a part of the time is one of the same time everywhere.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct


class Growth(Struct, frozen=True, array_like=True):
    """A number when its run ended of itself, and how it goes on: it is a quotient of two that grow evenly.

    Attributes:
        value, rate: the dividend, and by how much it grows in a ms.
        base, base_rate: the divisor, likewise.
    """

    value: float
    rate: float = 0.0
    base: float = 1.0
    base_rate: float = 0.0

    def after(self, length: int) -> float:
        """What it is `length` ms later."""
        return (self.value + self.rate * length) / (self.base + self.base_rate * length)


def part_of_time(held: float, holds: float, wanted: float, wants: float) -> Sequence[Growth]:
    """What was held of what was wanted, over time; nothing where nothing is ever wanted."""
    return [Growth(held, holds, wanted, wants)] if wanted or wants else []

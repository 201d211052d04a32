"""The likelihood ratio of a run in which faults were made more likely than they are.

Faults of each process come at a rate r; for a while more are added, at a rate e: failure biasing. Half of what is
added is for all processes alike, so that none is forgotten (balanced: Shahabuddin, Management Science 40, 1994;
Heidelberger, ACM TOMACS 5, 1995), half for each as often as it comes. What such a run counts for is the product of
r / (r + e) over its faults, times exp(∫ (sum of e) dt): the Radon-Nikodym derivative of one point process after the
other (Brémaud, Point Processes and Queues, VI.2).
"""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, expm1

from kubeinfer_sim.scenario.units import Millis


def shares(rates: Sequence[float]) -> tuple[float, ...]:
    """Which part of the faults that are added is of each process; its rate is among `rates`."""
    total = sum(rates)
    return tuple((1 / len(rates) + rate / total) / 2 for rate in rates)


class Likelihood:
    """What the run counts for, from an instant on.

    Args:
        rates: of each fault process in all, per ms.
        since: when it begins, ms.

    Attributes:
        added: at what rate faults are added now, of all processes together, per ms.
    """

    def __init__(self, rates: Sequence[float], since: Millis) -> None:
        self._rates = rates
        self._shares = shares(rates)
        self._value = 1.0
        self._since = since
        self.added = 0.0

    def at(self, when: Millis) -> float:
        """The ratio at an instant after the last change, before anything else happens."""
        return self._value * exp(self.added * (when - self._since))

    def integral(self, begin: Millis, end: Millis) -> float:
        """Over a time after the last change in which nothing happens, in ms."""
        if not self.added:
            return self._value * (end - begin)
        return self.at(begin) * expm1(self.added * (end - begin)) / self.added

    def add(self, rate: float, when: Millis) -> None:
        """From now on faults are added at another rate."""
        self._value, self._since, self.added = self.at(when), when, rate

    def fault(self, process: int, when: Millis) -> None:
        """A fault of a process comes, by itself or because it was added."""
        own = self._rates[process]
        self._value = self.at(when) * own / (own + self.added * self._shares[process])
        self._since = when

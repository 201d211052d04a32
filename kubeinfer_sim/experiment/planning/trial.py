"""What runs tell of one combination: whether it meets what is required, looked at after every run and decided once.

A requirement is to hold with a probability (a sequential test, `proportions.decided`), or in every run. What is
decided stays so. The two ways to err have confidences of their own: see `search.py`.
"""

from __future__ import annotations

from collections.abc import Sequence

from kubeinfer_sim.experiment.judging import Decision
from kubeinfer_sim.experiment.statistics.estimate import Estimate
from kubeinfer_sim.experiment.statistics.proportions import always_valid, decided

#: What a run says of each requirement: held, missed, or None: it cannot tell.
Verdicts = tuple[bool | None, ...]
#: A requirement that none of so many runs could judge is one that no run can.
UNJUDGED = 20
#: Beyond so many runs it is of no use to say how many it takes.
_MOST_TOLD = 10_000_000


class Trial:
    """The runs of one combination, counted.

    Args:
        wanted: of each requirement the probability, None: in every run.
        accept: the confidence with which one is said to hold.
        reject: the one with which it is said not to.
        every: so many runs have to hold what must hold in every one, where anything is drawn.

    Attributes:
        runs: how many.
        held, open: of each requirement how many held it, and could not judge it.
        all_held, any_missed: how many held all of them, and missed one.
    """

    def __init__(self, wanted: Sequence[float | None], accept: float, reject: float, every: int) -> None:
        self.wanted = tuple(wanted)
        self._accept, self._reject, self._every = accept, reject, every
        self.runs = self.all_held = self.any_missed = 0
        self.held, self.open = [0] * len(self.wanted), [0] * len(self.wanted)
        self._decided: list[Decision | None] = [None] * len(self.wanted)
        self._drawn = True

    def add(self, verdicts: Verdicts) -> None:
        """Count the next run."""
        self.runs += 1
        self.all_held += all(verdicts)
        self.any_missed += False in verdicts
        for place, verdict in enumerate(verdicts):
            self.held[place] += verdict is True
            self.open[place] += verdict is None
            if self._decided[place] is None:
                self._decided[place] = self._tested(place, verdict)

    def is_the_only_one(self) -> None:
        """Nothing is drawn: every other run would be as this one, which says all."""
        self._drawn = False
        self._decided = [
            Decision.HELD if held else Decision.OPEN if open_ else Decision.MISSED
            for held, open_ in zip(self.held, self.open, strict=True)
        ]

    def _tested(self, place: int, verdict: bool | None) -> Decision | None:
        wanted, held, open_ = self.wanted[place], self.held[place], self.open[place]
        if open_ == self.runs >= UNJUDGED:
            return Decision.OPEN
        if wanted is None:
            if verdict is False:
                return Decision.MISSED
            return None if self.runs < self._every else Decision.OPEN if open_ else Decision.HELD
        if decided(held, self.runs, wanted, self._accept):
            return Decision.HELD
        if decided(held + open_, self.runs, wanted, self._reject) is False:
            return Decision.MISSED
        return None

    def of(self, place: int) -> Decision:
        """What is known of a requirement by now."""
        return self._decided[place] or Decision.UNDECIDED

    @property
    def decision(self) -> Decision:
        """Of all together: missed where one is, held where all are."""
        each = [self.of(place) for place in range(len(self.wanted))]
        for decision in (Decision.MISSED, Decision.OPEN, Decision.UNDECIDED):
            if decision in each:
                return decision
        return Decision.HELD

    def share(self, place: int, confidence: float) -> Estimate:
        """In which part of the runs a requirement holds, with an interval that holds however often one has looked."""
        return self._share(self.held[place], self.open[place], confidence)

    def together(self, confidence: float) -> Estimate:
        """In which part of the runs all of them hold at once."""
        return self._share(self.all_held, self.runs - self.all_held - self.any_missed, confidence)

    def _share(self, held: int, open_: int, confidence: float) -> Estimate:
        if not self._drawn:
            return Estimate(held / self.runs)
        low, high = (
            always_valid(held, self.runs, confidence),
            always_valid(held + open_, self.runs, confidence),
        )
        return Estimate(held / self.runs, low.low, high.high, low.method)

    def more_runs(self) -> int | None:
        """About how many more runs would decide what is not; None: no number of them, as far as it can be told."""
        more = 0
        for place, wanted in enumerate(self.wanted):
            if self.of(place) is not Decision.UNDECIDED:
                continue
            if wanted is None:
                more = max(more, self._every - self.runs)
            elif (needed := self._needed(place, wanted)) is None:
                return None
            else:
                more = max(more, needed - self.runs)
        return more

    def _needed(self, place: int, wanted: float) -> int | None:
        """How many runs would decide, if the part that holds stays as it is."""
        part = self.held[place] / self.runs
        confidence = self._accept if part > wanted else self._reject

        def tells(runs: int) -> bool:
            return decided(round(part * runs), runs, wanted, confidence) is not None

        enough = self.runs
        while not tells(enough):
            enough *= 2
            if enough > _MOST_TOLD:
                return None
        too_few = enough // 2
        while enough - too_few > max(1, enough // 50):
            middle = (enough + too_few) // 2
            enough, too_few = (middle, too_few) if tells(middle) else (enough, middle)
        return enough

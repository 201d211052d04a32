"""Which combinations to play, and how often, to know the cheapest that meets its requirements.

From the cheapest on each is played until it is decided: what clearly fails is gone after a few runs, so that most are
spent where it is close, and what is dearer than one that holds is never played. Along a knob of many values, of which
each costs more than the one before (`lines`), the boundary is bisected; whether what is cheaper fails, too, is checked
then at some of the values between, and where it is not so all of them are played.

The answer is right with the confidence asked for (`looks.py`): the cheapest that holds is taken for one that fails, or
one that fails for one that holds, no more often.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct

from kubeinfer_sim.experiment.judging import Decision
from kubeinfer_sim.experiment.planning.looks import Looks, Player
from kubeinfer_sim.experiment.planning.trial import Trial

#: A line with fewer values is played from its cheapest on.
SHORTEST_LINE = 17
#: In a bisection a value that has not failed after so many runs is taken for one that may hold.
SCREEN = 16
#: So many of the values that a bisection has skipped are played to see whether they fail, too.
CHECKS = 8


class Line(Struct, frozen=True):
    """What differs in the value of one knob alone, cheapest first."""

    knob: str
    candidates: tuple[int, ...]


class Monotony(Struct, frozen=True):
    """What was checked of a line that was bisected.

    Attributes:
        checked: how many of the skipped values were played.
        skipped: how many were not.
        holds: whether all that were played below the boundary fail.
    """

    knob: str
    checked: int
    skipped: int
    holds: bool


class Found(Struct, frozen=True):
    """What a search comes to.

    Attributes:
        chosen: the cheapest that is known to hold; None: none is.
        decision: held: no cheaper one holds; missed: none does; undecided or not judged: that is not known.
        trials: what is known of each that was played.
        cheaper: those that are cheaper than the chosen one (all, where there is none), and not decided.
        monotony: of each line that was bisected.
    """

    chosen: int | None
    decision: Decision
    trials: Mapping[int, Trial]
    cheaper: tuple[int, ...]
    monotony: tuple[Monotony, ...] = ()


class Search:
    """One search.

    Args:
        costs: of each combination; of equal ones the first is preferred.
        player: plays them.
        confidence: with which the answer is right.
        most: runs of one combination at most.
        every: so many runs have to hold what has no probability.
        lines: knobs along which a boundary may be bisected; every combination is on one line of each.

    Attributes:
        interrupted: Ctrl-C came before its end.
    """

    def __init__(
        self,
        costs: Sequence[float],
        player: Player,
        *,
        confidence: float,
        most: int,
        every: int,
        lines: Sequence[Line] = (),
    ) -> None:
        self._costs, self._most = costs, most
        self._looks = Looks(player, len(costs), confidence, min(every, most))
        self._lines = sorted(lines, key=lambda line: self._rank(line.candidates[0]))
        self.interrupted = False
        self._chosen: int | None = None
        self._monotony: list[Monotony] = []

    def run(self) -> Found:
        """Search; what was interrupted is left undecided."""
        try:
            if any(len(line.candidates) >= SHORTEST_LINE for line in self._lines):
                for line in self._lines:
                    self._along(line)
            else:
                self._from_the_cheapest(range(len(self._costs)))
        except KeyboardInterrupt:
            self.interrupted = True
        return self._found()

    @property
    def trials(self) -> Mapping[int, Trial]:
        """What is known of each that was played."""
        return self._looks.trials

    def look(self, candidate: int, runs: int) -> Trial:
        """Play a combination until it is decided, or it has so many runs; one that no run can judge is decided."""
        return self._looks.look(candidate, runs)

    def _rank(self, candidate: int) -> tuple[float, int]:
        return self._costs[candidate], candidate

    def _decided(self, candidate: int) -> Decision:
        decision = self.look(candidate, self._most).decision
        if decision is Decision.HELD and (
            self._chosen is None or self._rank(candidate) < self._rank(self._chosen)
        ):
            self._chosen = candidate
        return decision

    def _may_be_cheaper(self, candidate: int) -> bool:
        return self._chosen is None or self._rank(candidate) < self._rank(self._chosen)

    def _from_the_cheapest(self, candidates: Sequence[int]) -> None:
        for candidate in sorted(candidates, key=self._rank):
            if not self._may_be_cheaper(candidate) or self._decided(candidate) is Decision.HELD:
                return

    def _along(self, line: Line) -> None:
        """Find the cheapest of a line that holds, if it is cheaper than what is known."""
        own = [each for each in line.candidates if self._may_be_cheaper(each)]
        if len(own) < SHORTEST_LINE:
            self._from_the_cheapest(own)
            return
        # The last that fails after a few runs, and the first that does not.
        fails, rest = (len(own) - 1, len(own)) if self._fails_soon(own[-1]) else (-1, len(own) - 1)
        while rest - fails > 1:
            middle = (fails + rest) // 2
            if self._fails_soon(own[middle]):
                fails = middle
            else:
                rest = middle
        self._check(line.knob, own[: fails + 1])
        self._from_the_cheapest(own[fails + 1 :])

    def _fails_soon(self, candidate: int) -> bool:
        return self.look(candidate, min(SCREEN, self._most)).decision is Decision.MISSED

    def _check(self, knob: str, below: Sequence[int]) -> None:
        """Whether what is cheaper than the boundary fails as it should; where it does not, all of it is played."""
        skipped = [each for each in below if each not in self.trials]
        step = max(1, -(-len(skipped) // CHECKS))
        sample = skipped[step // 2 :: step]
        decisions = [self._decided(each) for each in sample]
        holds = set(decisions) <= {Decision.MISSED}
        if not holds:
            self._from_the_cheapest(below)
        left = [each for each in below if each not in self.trials and self._may_be_cheaper(each)]
        self._monotony.append(Monotony(knob, len(sample), len(left), holds))

    def _found(self) -> Found:
        open_ = tuple(
            each
            for each in sorted(self.trials, key=self._rank)
            if self._may_be_cheaper(each)
            and self.trials[each].decision in (Decision.UNDECIDED, Decision.OPEN)
        )
        if open_ or (self._chosen is None and len(self.trials) < len(self._costs) and not self._monotony):
            judged = not open_ or any(self.trials[each].decision is Decision.UNDECIDED for each in open_)
            decision = Decision.UNDECIDED if judged else Decision.OPEN
        else:
            decision = Decision.MISSED if self._chosen is None else Decision.HELD
        return Found(self._chosen, decision, self.trials, open_, tuple(self._monotony))

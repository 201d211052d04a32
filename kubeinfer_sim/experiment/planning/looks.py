"""Plays candidates until it is decided whether they meet what is required, and keeps what is known of each.

Half of what may go wrong is that the one that is looked for is taken for one that fails, divided among its
requirements; half that one that fails is taken for one that holds, divided among all candidates (Bonferroni). Neither
depends on which are played, or in which order: the tests hold however often one looks.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from kubeinfer_sim.experiment.judging import Decision
from kubeinfer_sim.experiment.planning.trial import Trial, Verdicts

#: Runs between two looks at most: as many as there are already, up to so many.
LARGEST_BATCH = 256


class Player(Protocol):
    """Plays candidates, all under the same seeds."""

    def requirements(self, candidate: int) -> Sequence[float | None]:
        """With which probability each has to hold; None: in every run. Asked after its first run."""

    def play(self, candidate: int, number: int) -> Sequence[Verdicts]:
        """The next runs of a candidate; fewer where it was interrupted."""

    def is_drawn(self, candidate: int) -> bool:
        """Whether anything was drawn in the runs it has played."""


class Looks:
    """What is known of candidates.

    Args:
        player: plays them.
        number: of all candidates, played or not.
        confidence: with which all that is decided is right.
        every: so many runs have to hold what has no probability.

    Attributes:
        trials: of each that was played.
    """

    def __init__(self, player: Player, number: int, confidence: float, every: int) -> None:
        self._player, self._number = player, number
        self._wrong, self._every = (1 - confidence) / 2, every
        self.trials: dict[int, Trial] = {}

    def look(self, candidate: int, runs: int) -> Trial:
        """Play a candidate until it is decided, or it has so many runs; one that no run can judge is decided."""
        trial = self.trials.get(candidate)
        while trial is None or (trial.decision is Decision.UNDECIDED and trial.runs < runs):
            done = 0 if trial is None else trial.runs
            # Not beyond what will decide it, if it goes on as it does.
            enough = (trial and trial.more_runs()) or LARGEST_BATCH
            number = min(max(1, done), LARGEST_BATCH, runs - done, enough)
            trial = self.take(candidate, self._player.play(candidate, number))
            if not self._player.is_drawn(candidate):
                break
        return trial

    def take(self, candidate: int, played: Iterable[Verdicts]) -> Trial:
        """What the next runs of a candidate came to."""
        trial = self.trials.get(candidate)
        if trial is None:
            wanted = self._player.requirements(candidate)
            probable = max(1, sum(each is not None for each in wanted))
            accept, reject = 1 - self._wrong / self._number, 1 - self._wrong / probable
            trial = self.trials[candidate] = Trial(wanted, accept, reject, self._every)
        for verdicts in played:
            trial.add(verdicts)
        if not self._player.is_drawn(candidate):
            trial.is_the_only_one()
        return trial

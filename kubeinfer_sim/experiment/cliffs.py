"""Along one knob, where does the outcome jump? Looked at in a few places, and between two that differ by bisection.

What an outcome is, is told of most runs of a value: how the run ended, what stands against it, which objectives it
missed, whether what was asked for came into place. Where that is the same all along, it is how long it takes (of runs
without a change the time lost), and a jump is a step between neighbours that makes most of the difference,
and not too little of the figure itself. Two jumps between the same two places that were looked at, which undo each
other, are not seen.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from itertools import pairwise
from math import inf
from statistics import median
from typing import Literal, NamedTuple

from msgspec import Struct

from kubeinfer_sim.errors import UsageError
from kubeinfer_sim.experiment.dispatch import HERE, Job, Workers, played_in_order
from kubeinfer_sim.experiment.knobs import Setting, Space, check_knob
from kubeinfer_sim.experiment.ranges import Steps, between, whole_numbers
from kubeinfer_sim.experiment.replication import Replication, Variant
from kubeinfer_sim.experiment.template_knobs import GRACE_PERIOD, PROBES
from kubeinfer_sim.experiment.worker import Played
from kubeinfer_sim.metrics import Judgement

#: Values that are looked at first, the ends among them.
FIRST_LOOKS = 9
#: Where anything is drawn each value meets so many seeds: an odd number, so that most of them agree.
SEEDS = 11
#: From a range whose ends are so many times apart on, the first values are as many times apart, and not as far.
_WIDE = 20
#: A step between neighbours that makes so much of the whole difference is a jump.
_JUMP = 0.5
#: One that is less than so much of the figure itself is none, however little the rest differs.
_FELT = 0.05
#: So many jumps in kind are bisected at most; of those beyond it is told between which values looked at they are.
MOST_JUMPS = 16


class Outcome(NamedTuple):
    """What is the same of most runs of a value."""

    end: str
    flaws: tuple[str, ...]
    missed: tuple[str, ...]
    in_place: bool


class Looked(Struct, frozen=True, dict=True):
    """A value of the knob that was looked at.

    Attributes:
        place: which of all values it is.
        runs: those that came to an end.
        outcome: of most of them; of as many the one of the first seed.
        figure: the median of how long it took, or of the time lost.
    """

    place: int
    variant: Variant
    runs: tuple[Replication, ...]
    failed: int
    outcome: Outcome
    figure: float

    @property
    def typical(self) -> Replication:
        """The first run with the outcome of most."""
        return next(run for run in self.runs if outcome_of(run) == self.outcome)


class Cliff(Struct, frozen=True):
    """Two neighbours of those looked at between which the outcome jumps; `by`: in kind, or how long it takes."""

    below: Looked
    above: Looked
    by: Literal["outcome", "figure"]


class Cliffs(Struct, frozen=True):
    """What a knob does along its values.

    Attributes:
        looked: every value looked at, in their order.
        refused: values that cannot be, with the reason.
    """

    knob: str
    looked: tuple[Looked, ...]
    cliffs: tuple[Cliff, ...]
    refused: tuple[tuple[str, str], ...] = ()

    @property
    def is_idle(self) -> bool:
        """Whether the knob changes nothing that is told of a run."""
        return len({(each.outcome, each.figure) for each in self.looked}) == 1


def range_of(own: Space, text: str) -> tuple[str, Steps]:
    """The knob, and the values along which to look: those of `NAME=A..B`, or the usual ones of `NAME`.

    Raises:
        UsageError: there is no such knob, no range is known of it, or it is none.
    """
    knob, equals, given = text.partition("=")
    check_knob(knob, "--cliff")
    if equals:
        steps = between(f"--cliff {knob}", given)
        if steps is None:
            raise UsageError(f"--cliff {text}: expected a range, as in {knob}=1..100 or {knob}=10s..10m")
        return knob, steps
    head = knob.partition(".")[0]
    field = knob.split(".")[1] if head in PROBES and "." in knob else ""
    scenario = own.scenario
    most = max((each.replicas for each in (*scenario.workloads, *scenario.created)), default=1)
    usual: dict[str, tuple[int, int]] = {
        "nodes": (1, 4 * len(scenario.nodes)),
        "spareNodes": (0, 2 * len(scenario.nodes)),
        "replicas": (1, 4 * max(1, most)),
        "maxSurge": (0, max(1, most)),
        "maxUnavailable": (0, max(1, most)),
        "minReadySeconds": (0, 3600),
        GRACE_PERIOD: (0, 3600),
    }
    if field:
        return knob, whole_numbers(0 if field == "initialDelaySeconds" else 1, 1000)
    if head not in usual:
        raise UsageError(
            f"--cliff {knob}: say between which values to look, as in {knob}=1..100 or {knob}=10s..10m"
        )
    return knob, whole_numbers(*usual[head])


def find_cliffs(
    own: Space,
    text: str,
    fixed: Sequence[Setting] = (),
    *,
    n: int | None = None,
    workers: Workers = HERE,
    progress: Callable[[int], None] | None = None,
) -> Cliffs:
    """Look along a knob, `NAME` or `NAME=A..B`; the same seeds for all values.

    Args:
        own: the scenario.
        text: the knob.
        fixed: other knobs, each at one value.
        n: how many seeds each value meets; if not given one, and eleven where anything is drawn.
        workers: processes to play in.
        progress: told after every value how many have been looked at.

    Raises:
        UsageError: a knob or a range that is none, a knob that is there twice, or no value of it can be.
    """
    knob, steps = range_of(own, text)
    if any(each.knob == knob for each in fixed):
        raise UsageError(
            f"--cliff {knob}: {knob} is there twice; --vary gives other knobs one value each: leave --vary {knob} out"
        )
    search = _Search(own, knob, steps, fixed, n, workers, progress)
    return search.cliffs()


class _Search:
    """Values that have been looked at, and where to look next."""

    def __init__(
        self,
        own: Space,
        knob: str,
        steps: Steps,
        fixed: Sequence[Setting],
        n: int | None,
        workers: Workers,
        progress: Callable[[int], None] | None,
    ) -> None:
        self._own, self._knob, self._steps, self._fixed = own, knob, steps, fixed
        self._n, self._workers, self._progress = n, workers, progress
        self._looked: dict[int, Looked] = {}
        self._refused: dict[int, str] = {}

    def cliffs(self) -> Cliffs:
        """Look, and say where it jumps."""
        for place in first_places(self._steps.number):
            self._look(place)
        if not self._looked:
            raise UsageError(f"--cliff {self._knob}: no value can be: {next(iter(self._refused.values()))}")
        found = self._jumps_in_kind() or self._jump()
        return Cliffs(
            self._knob,
            self._in_order(),
            tuple(found),
            tuple((self._steps.written(place), why) for place, why in sorted(self._refused.items())),
        )

    def _in_order(self) -> tuple[Looked, ...]:
        return tuple(each for _, each in sorted(self._looked.items()))

    def _jumps_in_kind(self) -> list[Cliff]:
        """Where what comes of it is another; a value met on the way may differ from both sides."""
        narrowed: set[tuple[int, int]] = set()
        while True:
            apart = [pair for pair in pairwise(self._in_order()) if pair[0].outcome != pair[1].outcome]
            wide = next((pair for pair in apart if (pair[0].place, pair[1].place) not in narrowed), None)
            if wide is None or len(narrowed) == MOST_JUMPS:
                return [Cliff(*pair, "outcome") for pair in apart]
            below, above = self._narrowed(*wide, _kinds_differ)
            narrowed.add((below.place, above.place))

    def _jump(self) -> list[Cliff]:
        """Where how long it takes jumps, if it does."""
        looked = self._in_order()
        figures = [each.figure for each in looked]
        if len(looked) < 2 or not (whole := max(figures) - min(figures)) or inf in figures:
            return []
        one, other = max(pairwise(looked), key=_step)
        below, above = self._narrowed(
            one, other, lambda low, middle, high: _step((low, middle)) >= _step((middle, high))
        )
        least = max(_JUMP * whole, _FELT * max(below.figure, above.figure))
        return [Cliff(below, above, "figure")] if _step((below, above)) >= least else []

    def _narrowed(
        self, below: Looked, above: Looked, is_below: Callable[[Looked, Looked, Looked], bool]
    ) -> tuple[Looked, Looked]:
        """Neighbours between which it jumps; `is_below`: whether it does before the one in the middle."""
        while True:
            middle = next(
                (
                    seen
                    for place in _inwards(below.place, above.place)
                    if (seen := self._look(place)) is not None
                ),
                None,
            )
            if middle is None:
                return below, above
            if is_below(below, middle, above):
                above = middle
            else:
                below = middle

    def _look(self, place: int) -> Looked | None:
        """Play a value; None where it cannot be."""
        if place in self._refused:
            return None
        if place not in self._looked:
            value = self._steps.written(place)
            try:
                variant = self._own.variant([*self._fixed, *self._own.settings(self._knob, [value])])
            except UsageError as error:
                self._refused[place] = str(error)
                return None
            self._looked[place] = self._played(place, variant)
            if self._progress is not None:
                self._progress(len(self._looked))
        return self._looked[place]

    def _played(self, place: int, variant: Variant) -> Looked:
        first = variant.scenario.seed
        played = self._runs(variant, range(first, first + (self._n or 1)))
        if self._n is None and any(isinstance(each, Replication) and each.by_chance for each in played):
            played += self._runs(variant, range(first + 1, first + SEEDS))
        runs = tuple(each for each in played if isinstance(each, Replication))
        if not runs:
            messages = [each.message for each in played if not isinstance(each, Replication)]
            raise UsageError(f"{variant.name}: no run came to an end: {messages[0]}")
        outcomes = Counter(map(outcome_of, runs))
        # The first of those that came about as often.
        outcome = max(outcomes, key=lambda each: outcomes[each])
        return Looked(place, variant, runs, len(played) - len(runs), outcome, median(map(_figure, runs)))

    def _runs(self, variant: Variant, seeds: range) -> list[Played]:
        jobs = (Job(0, seed) for seed in seeds)
        return [each for _, each in played_in_order([variant], jobs, len(seeds), self._workers)]


def outcome_of(run: Replication) -> Outcome:
    """What counts as the outcome of a run."""
    missed = tuple(each.name for each in run.judged if each.judgement is Judgement.MISSED)
    return Outcome(run.outcome.value, tuple(run.flaws), missed, run.duration != inf)


def _figure(run: Replication) -> float:
    return float(run.lost_in_all) if run.duration is None else run.duration


def _kinds_differ(below: Looked, middle: Looked, above: Looked) -> bool:
    return middle.outcome != below.outcome


def _step(pair: tuple[Looked, Looked]) -> float:
    return abs(pair[1].figure - pair[0].figure)


def _inwards(low: int, high: int) -> Sequence[int]:
    """Places strictly between two, the middle first: a value in the middle may be one that cannot be."""
    middle = (low + high) // 2
    return sorted(range(max(low + 1, middle - 2), min(high, middle + 3)), key=lambda each: abs(each - middle))


def first_places(number: int) -> list[int]:
    """The places that are looked at first: as far apart, and where there are many first ever farther apart."""
    last = number - 1
    even = {round(last * each / (FIRST_LOOKS - 1)) for each in range(FIRST_LOOKS)}
    if number <= _WIDE:
        return sorted(even)
    return sorted({0, *(round(last ** (each / (FIRST_LOOKS - 1))) for each in range(FIRST_LOOKS)), last})

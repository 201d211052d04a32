"""Whether a simulated run is one the real components could have made: milestone by milestone.

A milestone agrees when it lies between the times of the two recorded runs, widened by 2 s on each side. What the two
runs do not agree on themselves is left out: a milestone whose n-th time of its group differs by more than 1.5 s, also
after the second run is moved to where the first has its first node not heard of, or that only one run has.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from e2e.language import missing
from e2e.milestones import Key, Milestones, Seen
from e2e.played import load, play
from e2e.recorded import Case, milestones_of
from e2e.scenarios import Written, write

from kubeinfer_sim.errors import InputError
from kubeinfer_sim.scenario.model import Scenario

#: What a simulated time may be off, and what the recorded runs may differ by where they agree, in ms.
TOLERANCE, JITTER = 2_000, 1_500
#: Phases of heartbeats, jitter of back-offs and which of equals is taken come from the seed. A run that one of these
#: seeds gives is one that happens; none of them may be needed where chance has no part.
SEEDS = range(32)


@dataclass(frozen=True, slots=True)
class Compared:
    """The n-th milestone of a key: its recorded times and the simulated one, in ms; `wrong` says why they differ."""

    key: Key
    number: int
    recorded: tuple[int | None, int | None]
    simulated: int | None
    wrong: str = ""

    @property
    def when(self) -> int:
        """The earliest of its times."""
        return min(at for at in (*self.recorded, self.simulated) if at is not None)

    @property
    def times(self) -> str:
        """Both recorded times and the simulated one, in columns."""
        all_three = (*self.recorded, self.simulated)
        return " ".join(f"{'-' if at is None else f'{at / 1000:.3f}':>9}" for at in all_three)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a case.

    Attributes:
        says: `agrees`, `differs`, or `not expressible`.
        why: of a case that is not expressible, or whose scenario is refused.
        seed: of the run that was compared last; `milestones`: all that was compared there.
    """

    says: Literal["agrees", "differs", "not expressible"]
    why: str = ""
    seed: int = 0
    milestones: tuple[Compared, ...] = field(default=(), repr=False)

    @property
    def differences(self) -> list[Compared]:
        """The milestones that differ, in order of time."""
        return sorted((each for each in self.milestones if each.wrong), key=lambda each: each.when)

    @property
    def summary(self) -> str:
        """Why it does not agree, in a line."""
        if not self.differences:
            return self.why
        first = self.differences[0]
        return f"{len(self.differences)} milestones, first: {' '.join(first.key)}: {first.wrong}"


@dataclass(frozen=True, slots=True)
class Reader:
    """How cases of a table become scenarios, and how their recorded runs and simulated ones are read."""

    write: Callable[[Case], Written] = write
    recorded: Callable[[Case, str], Milestones] = milestones_of
    play: Callable[[Case, Scenario, int, int], Milestones] = lambda case, *run: play(*run)


WHOLE_RUNS = Reader()


def judge(case: Case, reader: Reader = WHOLE_RUNS) -> Verdict:
    """Play a case and compare it with its recorded runs."""
    written = reader.write(case)
    if lacking := [*written.unknown, *missing(written)]:
        return Verdict("not expressible", "; ".join(lacking))
    with tempfile.TemporaryDirectory() as folder:
        try:
            scenario = load(written, Path(folder))
        except InputError as error:
            messages = "; ".join(each.message for each in error.diagnostics)
            return Verdict("differs", f"the scenario is refused: {messages}")
    recorded = [reader.recorded(case, run) for run in case["runs"]]
    nearest: Verdict | None = None
    for seed in SEEDS:
        simulated = reader.play(case, scenario, written.origin, seed)
        found = tuple(compare(*recorded, simulated, case["end_s"] * 1000))
        verdict = Verdict("differs" if any(each.wrong for each in found) else "agrees", "", seed, found)
        if verdict.says == "agrees":
            return verdict
        if nearest is None or len(verdict.differences) < len(nearest.differences):
            nearest = verdict
    assert nearest is not None
    return nearest


def compare(first: Milestones, second: Milestones, simulated: Milestones, end: float) -> Iterator[Compared]:
    """All milestones of three runs, in order of time within each key; `end`: of the recorded ones, in ms."""
    moved = 0
    if first.unknown_at is not None and second.unknown_at is not None:
        moved = first.unknown_at - second.unknown_at
    for key in sorted({*first.by_key, *second.by_key, *simulated.by_key}):
        one, other, played = _alike(first.of(key), second.of(key), simulated.of(key))
        for number in range(max(len(one), len(other), len(played))):
            pair = (_nth(one, number), _nth(other, number))
            seen = _nth(played, number)
            times = (pair[0].at if pair[0] else None, pair[1].at if pair[1] else None)
            at = seen.at if seen is not None else None
            wrong = _wrong(pair, seen, _moved_at(second, moved), end)
            yield Compared(key, number, times, at, wrong)


@dataclass(frozen=True, slots=True)
class _Move:
    """What follows a node's loss comes so much later in the first run than in the second."""

    by: int
    since: int

    def of(self, at: int) -> int:
        return at + self.by if at >= self.since else at


def _moved_at(second: Milestones, by: int) -> _Move:
    return _Move(by, second.unknown_at if second.unknown_at is not None else 0)


def _wrong(pair: tuple[Seen | None, Seen | None], seen: Seen | None, move: _Move, end: float) -> str:
    one, other = pair
    if one is None and other is None:
        late = seen is not None and seen.at > end - TOLERANCE
        return "" if seen is None or seen.brief or late else "never recorded"
    if one is None or other is None:
        return ""
    apart = min(abs(one.at - other.at), abs(one.at - move.of(other.at)))
    if apart > JITTER:
        return ""
    low, high = min(one.at, other.at) - TOLERANCE, max(one.at, other.at) + TOLERANCE
    if seen is None:
        may_be_missed = one.brief or other.brief or high > end
        return "" if may_be_missed else "never simulated"
    if low <= seen.at <= high:
        return ""
    return f"{(seen.at - (high if seen.at > high else low)) / 1000:+.1f} s beyond tolerance"


def _alike(*runs: list[Seen]) -> list[list[Seen]]:
    """The runs' milestones of one key, where each has some without brief ones that another has not seen."""
    fewest = max(1, min(map(len, runs)))
    return [_without_brief(each, len(each) - fewest) for each in runs]


def _without_brief(found: list[Seen], most: int) -> list[Seen]:
    left = []
    for each in found:
        if most and each.brief:
            most -= 1
        else:
            left.append(each)
    return left


def _nth(found: list[Seen], number: int) -> Seen | None:
    return found[number] if number < len(found) else None


def table_of(case: Case, verdict: Verdict, *, everything: bool = False) -> str:
    """The milestones that differ (or all), in order of time: both recorded runs and the simulated one, in seconds."""
    rows = [each for each in verdict.milestones if everything or each.wrong]
    if not rows:
        return ""
    one, other = case["runs"]
    lines = [f"{one:>9} {other:>9} simulated (seed {verdict.seed})"]
    for each in sorted(rows, key=lambda each: each.when):
        wrong = f"   <- {each.wrong}" if each.wrong else ""
        lines.append(f"{each.times}  {each.key[0]:<12} {each.key[1]}{wrong}")
    return "\n".join(lines)

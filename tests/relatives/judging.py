"""Whether a case's simulated run is one the relative could have made, and under which switches.

Milestones are those of all pods of one revision and role together, in order of time: created, ready, ready no more,
deleted, gone. Which ordinals they are of is asked apart (`questions.py`). What the two recorded runs do not agree on
is left out, as for the whole runs of Kubernetes (`e2e/comparing.py`).
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

from e2e.comparing import Compared, compare
from e2e.milestones import Milestones, Seen
from relatives.lives import Life, Run
from relatives.played import play
from relatives.questions import QUESTIONS, Question, order_of
from relatives.recorded import Case, run_of
from relatives.scenarios import load, write

from kubeinfer_sim.errors import InputError
from kubeinfer_sim.scenario.model import Scenario

Assumed = Mapping[str, Any]
#: Latencies come from the seed: a run that one of these gives is one that happens.
SEEDS = range(12)


@dataclass(frozen=True, slots=True)
class Play:
    """One way to play a case, and how it went: the seed whose run comes nearest.

    `order`: groups are deleted and made in the order of one of the recorded runs.
    """

    run: Run
    milestones: tuple[Compared, ...]
    order: bool

    @property
    def wrong(self) -> list[Compared]:
        """The milestones that differ, in order of time."""
        return sorted((each for each in self.milestones if each.wrong), key=lambda each: each.when)

    @property
    def agrees(self) -> bool:
        """Whether milestones and order are the recorded ones."""
        return self.order and not self.wrong


class Answer(NamedTuple):
    """What the recorded runs answer, where they agree, and the simulated run under the default switches and under theirs."""

    question: Question
    theirs: str
    default: str | None
    switched: str | None


@dataclass(frozen=True, slots=True)
class Judged:
    """A case's outcome: under the default switches, and under the relative's; `needs`: those it takes."""

    case: Case
    cannot: tuple[str, ...]
    answers: tuple[Answer, ...]
    default: Play | None = None
    theirs: Play | None = None
    needs: tuple[str, ...] = ()

    @property
    def says(self) -> Literal["agrees", "agrees under switches", "differs", "cannot be expressed"]:
        """In a word."""
        if self.default is None or self.theirs is None:
            return "cannot be expressed"
        if self.default.agrees:
            return "agrees"
        return "agrees under switches" if self.theirs.agrees else "differs"

    @property
    def because(self) -> list[Question]:
        """Of a case that differs: the rules that even the relative's switches answer otherwise."""
        answered = [each.question for each in self.answers if each.switched not in (None, each.theirs)]
        return answered or [each.question for each in self.answers if each.switched is None]


def judge(case: Case, switches: Assumed) -> Judged:
    """Play a case under the default switches and under these, and see which of these it takes."""
    recorded = [run_of(case, name) for name in case["runs"]]
    written = write(case)
    cannot, scenario = tuple(written.cannot), None
    if not cannot:
        with tempfile.TemporaryDirectory() as folder:
            try:
                scenario = load(written, Path(folder))
            except InputError as error:
                cannot = tuple(each.message for each in error.diagnostics)
    if scenario is None:
        return Judged(case, cannot, tuple(_answers(case, recorded, None, None)))
    player = _Player(case, scenario, written.origin, recorded)
    default = player.best({})
    theirs = default if default.agrees else player.best(switches)
    needs = dict(switches) if theirs.agrees and not default.agrees else {}
    for name in list(needs):
        rest = {key: value for key, value in needs.items() if key != name}
        if player.best(rest).agrees:
            needs = rest
    answers = tuple(_answers(case, recorded, default.run, theirs.run))
    return Judged(case, (), answers, default, theirs, tuple(needs))


def _answers(case: Case, recorded: list[Run], default: Run | None, theirs: Run | None) -> Iterator[Answer]:
    for question in QUESTIONS:
        first, second = (question.ask(run, case) for run in recorded)
        if first is not None and first == second:
            ours = [None if run is None else question.ask(run, case) for run in (default, theirs)]
            yield Answer(question, first, *ours)


@dataclass(frozen=True, slots=True)
class _Player:
    case: Case
    scenario: Scenario
    origin: int
    recorded: list[Run]

    def best(self, assumed: Assumed) -> Play:
        """The run that comes nearest."""
        nearest: Play | None = None
        for seed in SEEDS:
            this = self._play(assumed, seed)
            if nearest is None or (not this.order, len(this.wrong)) < (not nearest.order, len(nearest.wrong)):
                nearest = this
            if nearest.agrees:
                break
        assert nearest is not None
        return nearest

    def _play(self, assumed: Assumed, seed: int) -> Play:
        run = play(self.scenario, self.origin, seed, **assumed)
        both = [milestones_of(each) for each in self.recorded]
        differences = compare(*both, milestones_of(run), self.case["end_s"] * 1000)
        order = order_of(run, self.case) in [order_of(each, self.case) for each in self.recorded]
        return Play(run, tuple(differences), order)


def milestones_of(run: Run) -> Milestones:
    """The milestones of a run, without ordinals."""
    milestones = Milestones()
    for life in run.lives:
        role, _, _ = life.place.role.partition("-")
        group = f"{life.revision} {role}"
        for what, at, until in _of(life):
            milestones.by_key[group, what].append(Seen(at, until))
    return milestones


def _of(life: Life) -> Iterator[tuple[str, int, int | None]]:
    """What happened, when, and what ended it."""
    yield "created", life.created, None
    for at in life.ready:
        yield "ready", at, _next_after(at, *life.unready, life.deleted)
    for at in life.unready:
        yield "ready no more", at, _next_after(at, *life.ready, life.deleted)
    if life.deleted is not None:
        yield "deleted", life.deleted, None
    if life.gone is not None:
        yield "gone", life.gone, None


def _next_after(at: int, *times: int | None) -> int | None:
    return min((each for each in times if each is not None and each > at), default=None)

"""What a search near a scenario comes to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Literal

from msgspec import Struct, field

from kubeinfer_sim.experiment.replication import Replication
from kubeinfer_sim.report.words import count
from kubeinfer_sim.scenario.model import Scenario
from kubeinfer_sim.testing.fuzz.cases import Cost, Document

#: How a phase is called, how many edits its neighbours have at most, and its part of the examples.
PHASES: Mapping[str, tuple[int, int]] = {"corners": (1, 30), "random": (3, 50), "long": (10, 20)}
Stopped = Literal["", "time", "interrupted"]


class Covered(Struct):
    """What came to pass in the examples.

    Attributes:
        faults: by kind, and the phase of life of the pod that was struck ("none": no pod was).
        levels: by what recovery rebuilt, whatever for.
        recovery: by kind of fault, the phase of life of the pod it struck, and what recovery rebuilt for it.
        budgets: of workloads, as written (`maxSurge 1, maxUnavailable 0`), by examples.
        evictions: pods that went for one (`evicted`, all of an instance where one is), those `refused` (for a budget,
            or two at once), and drains that were `held` for it.
        actions: by the names they have in a scenario, `update` included.
        edits: examples by how many differences they have.
    """

    faults: Counter[tuple[str, str]] = field(default_factory=Counter)
    levels: Counter[str] = field(default_factory=Counter)
    recovery: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    budgets: Counter[str] = field(default_factory=Counter)
    evictions: Counter[str] = field(default_factory=Counter)
    actions: Counter[str] = field(default_factory=Counter)
    edits: Counter[int] = field(default_factory=Counter)


class Found(Struct, frozen=True):
    """A neighbour that breaks something.

    Attributes:
        document: it.
        cost: what it comes to beside what was given.
        invariant: the number of the one that is broken, and what is wrong; "" where none is.
        differences: the smallest that were found.
        phase: in which it was found first.
        saved_as: the file of earlier that it comes from; "" where it was found now.
    """

    document: Document
    cost: Cost
    invariant: str
    differences: tuple[str, ...]
    phase: str
    saved_as: str = ""

    @property
    def sentence(self) -> str:
        """What happens."""
        return "; ".join((*filter(None, (self.invariant,)), *self.cost.breaks))


class Search(Struct, frozen=True):
    """What came of it.

    Attributes:
        base: the run of what was given.
        examples: how many were played, by phase.
        found: None: nothing.
        vary: what was edited.
        mended: files of what was found earlier and breaks nothing any more.
        stopped: why no more of them were played; "": there were to be no more.
        left_out: files of what was found earlier that were not played, with what they edit besides `vary`.
    """

    scenario: Scenario
    base: Replication
    vary: tuple[str, ...]
    examples: Mapping[str, int]
    covered: Covered
    found: Found | None = None
    stopped: Stopped = ""
    mended: tuple[str, ...] = ()
    left_out: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def undecided(self) -> bool:
        """Whether not even one example was played: there was no time for it, or none is kept of earlier."""
        return self.found is None and not sum(self.examples.values())


def search_sentence(search: Search) -> str:
    """`It breaks near what was given: no stall (measured: 1).`"""
    played = sum(search.examples.values())
    examples = count(played, "example")
    if search.undecided:
        return f"No example was played{_why_none(search)}."
    if search.found is None:
        return f"Nothing near it was found to break it in {examples}, which are no proof."
    how = "The simulator breaks its own rules" if search.found.invariant else "It breaks"
    return f"{how} near what was given: {search.found.sentence}."


def _why_none(search: Search) -> str:
    """Of a search for what was found earlier alone; of one that was stopped it is said elsewhere."""
    if search.stopped:
        return ""
    return (
        ": --vary leaves out all that is kept" if search.left_out else ": nothing is kept of earlier searches"
    )

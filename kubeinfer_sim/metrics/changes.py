"""What the user changed and how it went: one `Change` per applied spec, the stalls, warnings on the way."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Self

from msgspec import Struct

from kubeinfer_sim.cluster.records import GangPending, InstanceRef
from kubeinfer_sim.controllers.deployment.records import DeploymentApplied
from kubeinfer_sim.controllers.kubeinfer.records import (
    ProgressDeadlineExceeded,
    SpecApplied,
    Stalled,
    StallEnded,
    UpdateAborted,
    UpdateCompleted,
)
from kubeinfer_sim.engine.meter import End, Handlers
from kubeinfer_sim.scenario.units import format_duration


class AppliedSpec(Struct):
    """An applied spec, of the KubeInfer or of a Deployment.

    Attributes:
        changed: what differs from the one before (template, replicas, strategy, metadata; `created`).
        surge, unavailable: the budgets, in instances or pods.
        completed: when all of it was in place and ready; None when that never happened.
        superseded: when another template came before it was in place.
        aborted: why the update was given up; "" when it was not.
        deadline_exceeded: when it first had made no progress for as long as its progress deadline; None when never.
    """

    generation: int
    at: int
    revision: str
    replicas: int
    surge: int
    unavailable: int
    changed: tuple[str, ...]
    label: str
    completed: int | None = None
    superseded: int | None = None
    deadline_exceeded: int | None = None
    aborted: str = ""

    @classmethod
    def of(cls, r: SpecApplied | DeploymentApplied) -> Self:
        """What a record says was applied."""
        return cls(r.generation, r.at, r.revision, r.replicas, r.surge, r.unavailable, r.changed, r.label)

    @property
    def is_update(self) -> bool:
        """Whether it replaces instances (or pods): another template for an object that was there."""
        return "template" in self.changed

    @property
    def duration(self) -> int | None:
        """Ms from the change until it was in place."""
        return None if self.completed is None else self.completed - self.at


def supersede(earlier: Iterable[AppliedSpec], at: int) -> None:
    """Another template came: what is not in place yet never will be."""
    for each in earlier:
        if each.completed is None and each.superseded is None:
            each.superseded = at


def exceed_deadline(changes: Iterable[AppliedSpec], generation: int, at: int) -> None:
    """The generation has made no progress for its deadline."""
    for each in changes:
        if each.generation == generation and each.deadline_exceeded is None:
            each.deadline_exceeded = at


def complete(changes: Iterable[AppliedSpec], generation: int, at: int) -> None:
    """All up to a generation is in place."""
    for each in changes:
        if each.generation <= generation and each.completed is each.superseded is None:
            each.completed = at


class Change(AppliedSpec):
    """An applied spec of the KubeInfer."""

    @property
    def is_deletion(self) -> bool:
        """Whether the object is deleted; its controller scales it to nothing."""
        return self.label == "deleted"

    @property
    def is_material(self) -> bool:
        """Whether instances have to come or go for it."""
        return not {"template", "replicas", "created"}.isdisjoint(self.changed)


class Stall(Struct):
    """A time in which nothing could go on by itself, as last described. `ended` None: it lasts until the end."""

    generation: int
    at: int
    reason: str
    pod_reason: str
    instances: tuple[InstanceRef, ...]
    detail: str
    ended: int | None = None


class Changes(Struct, frozen=True):
    """What was asked of a KubeInfer, and the stalls and warnings on the way; in order of time."""

    changes: tuple[Change, ...]
    stalls: tuple[Stall, ...]
    warnings: tuple[str, ...]


class ChangesMeter:
    """Follows applied specs until they are in place."""

    def __init__(self) -> None:
        self._changes: list[Change] = []
        self._told_of_stall: Stalled | None = None
        self._stalls: list[Stall] = []
        # Each with the generation whose budgets it is about, until these give way; 0: it stays.
        self._warnings: list[tuple[int, str]] = []

    def handlers(self) -> Handlers:
        """What it listens to."""
        return {
            SpecApplied: self._spec,
            UpdateCompleted: self._completed,
            Stalled: self._stalled,
            GangPending: self._pending,
            StallEnded: self._stall_ended,
            UpdateAborted: self._aborted,
            ProgressDeadlineExceeded: self._deadline_exceeded,
        }

    def finish(self, ended_at: int, end: End) -> Changes:
        """All of it."""
        warnings = dict.fromkeys(text for _, text in self._warnings)
        return Changes(tuple(self._changes), tuple(self._stalls), tuple(warnings))

    def _spec(self, r: SpecApplied) -> None:
        self._end_stall(r.at)  # it is another question now; if it is still stuck, that is said again
        self._budgets_give_way(r.at)
        change = Change.of(r)
        if change.is_update:
            supersede(self._changes, r.at)
        self._changes.append(change)
        self._warnings += [(r.generation, warning) for warning in r.warnings]

    def _budgets_give_way(self, at: int) -> None:
        """What those in force so far are warned of is of no account where nothing was rolled out by them.

        An update goes by the budgets of what is applied last (`KubeInferController.apply`), its own from its start.
        """
        if not self._changes:
            return
        last = self._changes[-1]
        rolled_out = any(
            each.is_update and (each.completed or at) >= last.at and (each.superseded or at) >= last.at
            for each in self._changes
        )
        self._warnings = [
            (0, text) if of == last.generation and rolled_out else (of, text)
            for of, text in self._warnings
            if of != last.generation or rolled_out
        ]

    def _completed(self, record: UpdateCompleted) -> None:
        self._end_stall(record.at)
        complete(self._changes, record.generation, record.at)

    def _aborted(self, record: UpdateAborted) -> None:
        self._changes[-1].aborted = record.reason

    def _stalled(self, r: Stalled) -> None:
        self._told_of_stall = r
        last = self._stalls[-1] if self._stalls else None
        if last is not None and last.reason == r.reason and last.ended in (None, r.at):
            last.pod_reason, last.instances, last.detail, last.ended = (
                r.pod_reason,
                r.instances,
                r.detail,
                None,
            )
            return
        self._end_stall(r.at)
        self._stalls.append(Stall(r.generation, r.at, r.reason, r.pod_reason, r.instances, r.detail))

    def _pending(self, record: GangPending) -> None:
        """A stall for want of a place is for what those that were told of wait for now."""
        last = self._stalls[-1] if self._stalls else None
        told = self._told_of_stall
        if last is not None and last.ended is None and told is not None and told.waits_for(record.instance):
            last.detail = record.proof

    def _deadline_exceeded(self, record: ProgressDeadlineExceeded) -> None:
        exceed_deadline(self._changes, record.generation, record.at)
        text = (
            f"progressDeadline exceeded at {format_duration(record.at)}: no progress of generation "
            f"{record.generation} for so long; it is only reported"
        )
        self._warnings.append((0, text))

    def _stall_ended(self, record: StallEnded) -> None:
        self._end_stall(record.at)

    def _end_stall(self, at: int) -> None:
        if self._stalls and self._stalls[-1].ended is None:
            self._stalls[-1].ended = at

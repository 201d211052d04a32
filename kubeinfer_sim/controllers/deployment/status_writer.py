"""What is written down of a ReplicaSet, StatefulSet or DaemonSet: that the user applies it, and its status.

A status is written where it changed. These kinds have no conditions: those of a Deployment of the same size that waits
for nothing stand for them.
"""

from __future__ import annotations

from collections.abc import Iterable

from kubeinfer_sim.controllers.deployment.progress import BestSoFar, Counts
from kubeinfer_sim.controllers.deployment.records import DeploymentApplied, DeploymentStatus
from kubeinfer_sim.engine.clock import Clock
from kubeinfer_sim.engine.history import NO_CAUSE, History
from kubeinfer_sim.manifest.model import DaemonSet, ReplicaSet, StatefulSet

Spec = ReplicaSet | StatefulSet | DaemonSet


class StatusWriter:
    """Writes it.

    Attributes:
        last_progress: when the spec last changed, or the status last got better than it had been since (ms).
    """

    def __init__(self, clock: Clock, history: History) -> None:
        self._clock = clock
        self._history = history
        self._generation = 0
        self._best = BestSoFar()
        self._written: DeploymentStatus | None = None
        self.last_progress = 0

    def applied(
        self,
        spec: Spec,
        changed: tuple[str, ...],
        label: str,
        *,
        desired: int,
        surge: int = 0,
        unavailable: int = 0,
    ) -> int:
        """The user has applied it; `desired` pods, with these budgets. Returns the record's reference."""
        self._generation += 1
        self.last_progress = self._clock.now
        self._best.forget()
        return self._history.append(
            DeploymentApplied(
                self._clock.now,
                NO_CAUSE,
                spec.name,
                self._generation,
                spec.revision,
                desired,
                surge,
                unavailable,
                changed,
                label,
                spec.kind,
                spec.leaves,
            )
        )

    def settled(self, spec: Spec, counts: Counts, cause: int, *, complete: bool, failure: str) -> None:
        """This is its status at the end of an instant."""
        record = DeploymentStatus(
            self._clock.now,
            cause,
            spec.name,
            self._generation,
            counts,
            not counts.unavailable,
            "",
            "",
            complete,
            spec.kind,
            failure,
        )
        if self._written is None or _what(record) != _what(self._written):
            self._written = record
            if self._best.surpassed_by(record.counts):
                self.last_progress = self._clock.now
            self._history.append(record)


def changed_fields(before: Spec, after: Spec, *, settings: Iterable[str]) -> tuple[str, ...]:
    """What another version of it changes; `settings`: the fields beside template and replicas that differ."""
    changed = [
        name
        for name, differs in (
            ("template", before.revision != after.revision),
            ("replicas", before.replicas != after.replicas),
        )
        if differs
    ]
    return (*changed, *settings) or ("metadata" if before.raw != after.raw else "nothing",)


def camel_case(name: str) -> str:
    """A field as a manifest names it: `min_ready_seconds` is minReadySeconds."""
    first, *others = name.split("_")
    return first + "".join(map(str.title, others))


def _what(record: DeploymentStatus) -> tuple[object, ...]:
    """What of a status is not when and why."""
    return record.generation, record.counts, record.available, record.complete, record.failure

"""Status and conditions of a Deployment: is it available, does it go on, has it stood still for too long?

Source: pkg/controller/deployment/progress.go, sync.go (calculateStatus) and util/deployment_util.go.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from msgspec import Struct
from msgspec.structs import replace

if TYPE_CHECKING:
    # Reports name a Deployment's counts and reasons also where there is none to control.
    from kubeinfer_sim.controllers.deployment.replica_set import ReplicaSet
    from kubeinfer_sim.controllers.deployment.rolling import Bounds

#: progressDeadlineSeconds that switches the deadline off.
NO_DEADLINE = 2**31 - 1

#: Reasons of the condition Progressing.
CREATED = "NewReplicaSetCreated"
FOUND = "FoundNewReplicaSet"
UPDATED = "ReplicaSetUpdated"
AVAILABLE = "NewReplicaSetAvailable"
TIMED_OUT = "ProgressDeadlineExceeded"
PAUSED = "DeploymentPaused"
RESUMED = "DeploymentResumed"


class Progressing(Struct, frozen=True):
    """The condition Progressing; `updated` is its lastUpdateTime in ms, cut to the whole second."""

    status: Literal["True", "False", "Unknown"]
    reason: str
    updated: int


class Counts(Struct, frozen=True):
    """The numbers of a Deployment's status."""

    replicas: int = 0
    updated: int = 0
    ready: int = 0
    available: int = 0
    unavailable: int = 0
    terminating: int = 0


#: Of a Deployment nobody has looked at yet.
NO_PODS = Counts()


class Status(Struct, frozen=True):
    """A Deployment's status.

    `available` is the condition Available, None before there is one; `failure` the reason of ReplicaFailure, or "".
    """

    counts: Counts = NO_PODS
    observed_generation: int = 0
    available: bool | None = None
    progressing: Progressing | None = None
    failure: str = ""


def condition(
    current: Progressing | None, status: Literal["True", "False", "Unknown"], reason: str, now: int
) -> Progressing:
    """The condition with this status and reason; one that says the same keeps its time."""
    if current is not None and (current.status, current.reason) == (status, reason):
        return current
    return Progressing(status, reason, now - now % 1000)


def count(
    replica_sets: Sequence[ReplicaSet],
    new: ReplicaSet | None,
    bounds: Bounds,
    generation: int,
    status: Status,
) -> Status:
    """The status the ReplicaSets add up to, with the conditions Available and ReplicaFailure; Progressing as it was."""
    wanted = replicas = ready = available = terminating = 0
    # The failure is that of the new ReplicaSet, else the first of any (getReplicaFailures).
    failure = "" if new is None else new.status.failure
    for each in replica_sets:
        own = each.status
        failure = failure or own.failure
        wanted += each.replicas
        replicas += own.replicas
        ready += own.ready
        available += own.available
        terminating += own.terminating
    updated = new.status.replicas if new is not None else 0
    counts = Counts(replicas, updated, ready, available, max(0, wanted - available), terminating)
    return replace(
        status,
        counts=counts,
        observed_generation=generation,
        available=available >= bounds.min_available,
        failure=failure,
    )


def complete(status: Status, replicas: int, generation: int) -> bool:
    """Whether all wanted pods are of the new template and available, and no others are left."""
    counts = status.counts
    return (
        counts.updated == counts.replicas == counts.available == replicas
        and status.observed_generation >= generation
    )


class BestSoFar:
    """The best that counts have been since the spec last changed; what comes and goes again is no progress."""

    def __init__(self) -> None:
        self._marks: tuple[int, ...] = ()

    def forget(self) -> None:
        """The spec has changed."""
        self._marks = ()

    def surpassed_by(self, counts: Counts) -> bool:
        """Whether any of the counts is better than it ever was; it is the best then."""
        marks = (
            counts.updated,
            counts.ready,
            counts.available,
            counts.updated - counts.replicas,
            -counts.terminating,
        )
        best = tuple(map(max, marks, self._marks or marks))
        better = best != self._marks
        self._marks = best
        return better


def progressed(before: Counts, after: Counts) -> bool:
    """More updated, fewer old, more ready or more available pods than before."""
    return (
        after.updated > before.updated
        or after.replicas - after.updated < before.replicas - before.updated
        or after.ready > before.ready
        or after.available > before.available
    )


def deadline_ms(progress_deadline_seconds: int | None) -> int | None:
    """The progress deadline in ms; None when there is none or it is switched off."""
    if progress_deadline_seconds is None or progress_deadline_seconds == NO_DEADLINE:
        return None
    return progress_deadline_seconds * 1000


def timed_out(current: Progressing | None, deadline: int | None, now: int) -> bool:
    """Whether the last progress lies further back than the deadline (ms; None: there is none).

    The real controller looks some microseconds after the instant it was woken for, so the deadline itself is
    late enough.
    """
    if deadline is None or current is None or current.reason == AVAILABLE:
        return False
    return current.reason == TIMED_OUT or current.updated + deadline <= now


def estimate(
    before: Status, after: Status, replicas: int, generation: int, deadline: int, now: int
) -> Status:
    """The status with its Progressing condition brought up to date (syncRolloutStatus)."""
    current = before.progressing
    counts = after.counts
    if counts.replicas == counts.updated and current is not None and current.reason == AVAILABLE:
        return after  # no rollout is going on
    if complete(after, replicas, generation):
        return replace(after, progressing=condition(current, "True", AVAILABLE, now))
    if progressed(before.counts, counts):
        return replace(after, progressing=Progressing("True", UPDATED, now - now % 1000))
    if timed_out(after.progressing, deadline, now):
        return replace(after, progressing=condition(current, "False", TIMED_OUT, now))
    return after

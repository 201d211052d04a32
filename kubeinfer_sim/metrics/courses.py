"""The states that each instance went through; a pod that belongs to no instance counts as one of its own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from msgspec import Struct

from kubeinfer_sim.cluster.records import (
    InstanceRef,
    PodCreated,
    PodDeleting,
    PodFinished,
    PodGone,
    PodNotReady,
    PodReady,
)
from kubeinfer_sim.controllers.kubeinfer.records import (
    InstanceConcerning,
    InstanceCreated,
    InstanceDeleting,
    InstanceFailed,
    InstanceGone,
    InstanceReady,
    InstanceRestarting,
)
from kubeinfer_sim.engine.history import Record

State = Literal["ready", "starting", "notReady", "failed", "terminating"]

#: What a record makes of the instance (or the pod that is none of one) it is about.
_INSTANCE_STATES: dict[type[Record], State | Literal["gone"]] = {
    InstanceCreated: "starting",
    InstanceReady: "ready",
    InstanceConcerning: "notReady",
    InstanceRestarting: "notReady",
    InstanceFailed: "failed",
    InstanceDeleting: "terminating",
    InstanceGone: "gone",
}
_POD_STATES: dict[type[Record], State | Literal["gone"]] = {
    PodCreated: "starting",
    PodReady: "ready",
    PodNotReady: "notReady",
    PodDeleting: "terminating",
    PodGone: "gone",
}


#: Why an update deletes instances for which it makes new ones.
_REPLACING = ("NotReady", "Rollout")


class Course(Struct):
    """How the states of one instance follow one another, each with the record that began it.

    Attributes:
        unready: what took its readiness, while it is not ready again, also where it was deleted in that instant.
        deleted: its deletion, once it is.
        replaces: the instance that had its name before it.
    """

    instance: InstanceRef
    states: list[tuple[State | Literal["gone"], Record]]
    unready: Record | None = None
    deleted: InstanceDeleting | None = None
    replaces: Course | None = None

    def inherited(self) -> set[int]:
        """Why it had to be made, where the instance before it was not ready when it was deleted."""
        before = self.replaces
        if before is None or before.unready is None or before.deleted is None:
            return set()
        if before.deleted.reason not in _REPLACING:
            return set()
        return {before.unready.id, before.deleted.id}

    def at(self, when: int) -> int:
        """The place of the state in force at an instant; -1 before the first."""
        return sum(record.at <= when for _, record in self.states) - 1


#: Owners to whom a pod that its node has rejected is no more.
_REPLACED = ("Deployment", "ReplicaSet")


class Courses:
    """Those of all instances, fed record by record."""

    def __init__(self) -> None:
        self._of: dict[InstanceRef, Course] = {}
        self._named: dict[tuple[str, int], Course] = {}  # the latest instance of each name

    def __iter__(self) -> Iterator[Course]:
        return iter(self._of.values())

    def follow(self, record: Record) -> None:
        """Take the next record."""
        state: State | Literal["gone"] | None = _INSTANCE_STATES.get(type(record))
        if state is not None:
            ref: InstanceRef = record.instance  # type: ignore[attr-defined]
        else:
            state = _POD_STATES.get(type(record))
            if isinstance(record, PodFinished) and record.reason and record.pod.instance.kind in _REPLACED:
                state = "gone"
            if state is None:
                return
            ref = record.pod.instance  # type: ignore[attr-defined]
            if ref.has_roles:
                return
        courses, named = self._of, self._named
        if ref not in courses:
            courses[ref] = Course(
                ref, [], replaces=named.get((ref.owner, ref.ordinal)) if ref.has_roles else None
            )
        course = courses[ref]
        states = course.states
        if ref.has_roles:
            named[ref.owner, ref.ordinal] = course
            if isinstance(record, InstanceDeleting):
                course.deleted = course.deleted or record
            elif state == "ready":
                course.unready = None
            elif state in ("notReady", "failed") and course.unready is None and course.deleted is None:
                course.unready = record
        last = states[-1][0] if states else None
        # Not ready stays not ready until it is ready, however often it is rebuilt; what is going is going.
        if state == last or (
            state in ("notReady", "starting") and last in ("starting", "terminating", "notReady")
        ):
            return
        if last == "terminating" and state != "gone":
            return
        if states and states[-1][1].at == record.at:
            states.pop()  # of several at one instant the last one counts
            if states and states[-1][0] == state:
                return
        states.append((state, record))

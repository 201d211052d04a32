"""The lives of pods in one run, recorded or simulated: whose they are, and when they were created, ready, deleted, gone."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple


class Place(NamedTuple):
    """Which pod of a group: the group's ordinal, the role and the pod's index there."""

    ordinal: int
    role: str
    index: int


@dataclass(slots=True, eq=False)
class Life:
    """One pod's life, in ms; `ready` and `unready`: when it became ready, when it lost that before it was deleted."""

    place: Place
    revision: str
    created: int
    ready: list[int] = field(default_factory=list)
    unready: list[int] = field(default_factory=list)
    deleted: int | None = None
    gone: int | None = None

    def there(self, at: int) -> bool:
        """Whether its object exists at a time."""
        return self.created <= at and (self.gone is None or at < self.gone)

    def is_ready(self, at: int) -> bool:
        """Whether it is ready, and not being deleted, at a time."""
        came = max((each for each in self.ready if each <= at), default=None)
        lost = max((each for each in self.unready if each <= at), default=-1)
        return came is not None and came > lost and (self.deleted is None or at < self.deleted)


@dataclass(slots=True, eq=False)
class Group:
    """The pods that were made together as one group (instance) of one ordinal and revision, and those that took their places."""

    ordinal: int
    revision: str
    pods: list[Life]

    @property
    def created(self) -> int:
        """When its first pod was."""
        return self.pods[0].created

    @property
    def deleted(self) -> int | None:
        """When the first of its pods was, if all were in the end."""
        times = [each.deleted for each in self.pods]
        return None if None in times else min(each for each in times if each is not None)

    @property
    def gone(self) -> int | None:
        """When the last of its pods was."""
        times = [each.gone for each in self.pods]
        return None if None in times else max(each for each in times if each is not None)

    def ready_at(self, size: int) -> int | None:
        """When so many of its pods were ready for the first time."""
        first = sorted(each.ready[0] for each in self.pods if each.ready)
        return first[size - 1] if len(first) >= size else None


@dataclass
class Run:
    """All lives of one run, in the order in which the pods were created; `size`: how many pods a group has."""

    lives: list[Life]
    size: int = 0

    def __post_init__(self) -> None:
        self.lives.sort(key=lambda each: each.created)
        first = self.lives[0].place.ordinal if self.lives else 0
        self.size = len({each.place for each in self.lives if each.place.ordinal == first})

    @cached_property
    def groups(self) -> list[Group]:
        """In the order in which they were made; a pod that replaces one of a group whose others stay belongs to it."""
        made: list[Group] = []
        newest: dict[int, Group] = {}
        for life in self.lives:
            group = newest.get(life.place.ordinal)
            if group is None or group.revision != life.revision or self._over(group, life):
                group = newest[life.place.ordinal] = Group(life.place.ordinal, life.revision, [])
                made.append(group)
            group.pods.append(life)
        return made

    def _over(self, group: Group, life: Life) -> bool:
        """Whether all the group's pods have been deleted by the time another one of its ordinal is made."""
        places = {each.place for each in group.pods}
        complete = len(places) == self.size
        return complete and all(
            each.deleted is not None and each.deleted <= life.created for each in group.pods
        )

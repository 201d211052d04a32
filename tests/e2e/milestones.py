"""What happened in a whole run, as milestones: of pods, of Deployments, and what the API server answered.

Recorded and simulated runs are brought into this one form: a pod's object is watched, and whatever changes of it is a
milestone of its group, the pods of one owner.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

#: Whose milestone, and which: ("rs1", "ready"), ("deploy/web", "Available=True"), ("answers", "evict: 201").
Key = tuple[str, str]
#: A state that lasts less than this may have been missed: watchers see what the last write left.
BRIEF = 1_000


@dataclass(frozen=True, slots=True)
class PodState:
    """What the API server shows of a pod.

    Attributes:
        phase: with the reason behind it where there is one, as in `Failed OutOfcpu`.
        waits: why it has no node yet: Unschedulable, SchedulingGated.
        disruption: reason of the condition DisruptionTarget.
        containers: by name: `running`, `waiting(REASON)`, `terminated(REASON,CODE)`, and restarts.
        started: the containers that run and have passed their startup probes.
    """

    phase: str = "Pending"
    scheduled: bool = False
    ready: bool = False
    waits: str = ""
    deleted: bool = False
    disruption: str = ""
    containers: Mapping[str, tuple[str, int]] = field(default_factory=dict)
    started: frozenset[str] = frozenset()

    @property
    def restarts(self) -> int:
        """Of all its containers."""
        return sum(count for _, count in self.containers.values())


@dataclass(slots=True)
class Seen:
    """A milestone at `at` ms; `ended`: when another took the place of what began with it (None: nothing did)."""

    at: int
    ended: int | None = None

    @property
    def brief(self) -> bool:
        """Whether it lasted so short that nobody need have seen it."""
        return self.ended is not None and self.ended - self.at < BRIEF


@dataclass(slots=True)
class Milestones:
    """The milestones of one run, by key; `unknown_at`: when a node was first reported as not heard of."""

    by_key: dict[Key, list[Seen]] = field(default_factory=lambda: defaultdict(list))
    unknown_at: int | None = None

    def add(self, group: str, what: str, at: int) -> Seen:
        """One more."""
        seen = Seen(at)
        self.by_key[group, what].append(seen)
        return seen

    def of(self, key: Key) -> list[Seen]:
        """In order of time."""
        return sorted(self.by_key.get(key, ()), key=lambda each: each.at)


class PodWatch:
    """Follows one pod's object, and notes its milestones."""

    def __init__(self, milestones: Milestones, group: str, at: int) -> None:
        self._milestones = milestones
        self._group = group
        self._state = PodState()
        # What lasts until something takes its place, by what it is a state of.
        self._lasting: dict[str, Seen] = {}
        self._note("created", at)

    def changed(self, state: PodState, at: int) -> None:
        """The object is like this from now on."""
        before, self._state = self._state, state
        if state.scheduled and not before.scheduled:
            self._note("scheduled", at)
        if state.waits != before.waits:
            self._lasts("place", f"waits: {state.waits}" if state.waits else "", at)
        for name, (text, restarts) in state.containers.items():
            if before.containers.get(name) != (text, restarts):
                self._lasts(name, f"{name}: {text}{_restarts(restarts)}", at)
            started = name in state.started
            if started and name not in before.started and at - self._lasting[name].at >= BRIEF:
                self._note(f"{name}: started{_restarts(restarts)}", at)
        if state.phase != before.phase:
            self._lasts("phase", f"phase {state.phase}", at)
        if state.ready != before.ready:
            self._lasts("ready", f"{'ready' if state.ready else 'not ready'}{_restarts(state.restarts)}", at)
        if state.disruption and not before.disruption:
            self._note(f"disrupted: {state.disruption}", at)
        if state.deleted and not before.deleted:
            self._note("deleted", at)

    def gone(self, at: int, disruption: str = "") -> None:
        """There is no such object any more: it was deleted, if at once, and with the reason for a `disruption`."""
        if disruption and not self._state.disruption:
            self._note(f"disrupted: {disruption}", at)
        if not self._state.deleted:
            self._note("deleted", at)
        self._note("gone", at)
        for seen in self._lasting.values():
            seen.ended = at

    def _note(self, what: str, at: int) -> None:
        self._milestones.add(self._group, what, at)

    def _lasts(self, aspect: str, what: str, at: int) -> None:
        if aspect in self._lasting:
            self._lasting.pop(aspect).ended = at
        if what:
            self._lasting[aspect] = self._milestones.add(self._group, what, at)


class ConditionWatch:
    """Follows the conditions of one object.

    What a condition says again after it said something else for a moment was in force all the time: nobody need have seen
    the moment.
    """

    def __init__(self, milestones: Milestones, group: str) -> None:
        self._milestones = milestones
        self._group = group
        self._lasting: dict[str, tuple[str, Seen]] = {}
        self._before: dict[str, tuple[str, Seen]] = {}

    def changed(self, conditions: Iterable[str], at: int) -> None:
        """These are in force from now on, each as `TYPE=STATUS(REASON)`; those of other types stay."""
        for text in conditions:
            kind = text.partition("=")[0]
            before = self._lasting.get(kind)
            if before is None or before[0] != text:
                if before is not None:
                    before[1].ended = at
                    earlier = self._before.get(kind)
                    if before[1].brief and earlier is not None and earlier[0] == text:
                        earlier[1].ended = None
                        self._lasting[kind] = earlier
                        continue
                    self._before[kind] = before
                self._lasting[kind] = text, self._milestones.add(self._group, text, at)


def _restarts(count: int) -> str:
    return f", {count} restarts" if count > 1 else ", 1 restart" if count else ""

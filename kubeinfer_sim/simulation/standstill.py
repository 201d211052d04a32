"""Whether time stands still: whether things go on for ever that cause one another and take next to no time."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Hashable

from kubeinfer_sim.cluster.records import ContainerDied, PodRef
from kubeinfer_sim.engine.history import History, Record

#: How many timers fire within `WINDOW` ms between two looks; after how many of one instant it is over in any case.
PAUSE, TOO_MANY = 10_000, 2_000_000
#: Within so many ms no component does the same thing to the same place in a gang so often.
WINDOW, TOO_OFTEN = 10_000, 1_000


class Standstill:
    """Watches a run that makes much of little time.

    Args:
        history: where things are told; it is not listened to before the first look.
        actions: so many times more may anything happen, since people ask for it.
    """

    def __init__(self, history: History, actions: int) -> None:
        self._history = history
        self._limit = TOO_OFTEN + actions
        self._latest: deque[Record] = deque(maxlen=100)
        self._counts: Counter[Hashable] = Counter()
        self._since = 0
        self._watching = False
        self._repeats = False
        self._instant, self._before = -1, 0

    def look(self, now: int, fired: int) -> tuple[Record, ...]:
        """One round of what happens again and again; nothing while it may be going on. Called at each pause.

        `fired`: how many timers have.
        """
        if not self._watching:
            self._watching = True
            self._history.subscribe(self._told)
        if now != self._instant:
            self._instant, self._before = now, fired - PAUSE
        if self._repeats or (self._latest and fired - self._before >= TOO_MANY):
            return self._cycle()
        return ()

    def _told(self, record: Record) -> None:
        self._latest.append(record)
        pod = getattr(record, "pod", None)
        instance = pod.instance if isinstance(pod, PodRef) else getattr(record, "instance", None)
        if instance is None:
            return
        if record.at > self._since + WINDOW:
            self._counts.clear()
            self._since = record.at
        place = pod.place if isinstance(pod, PodRef) else None
        key = type(record), instance.kind, instance.owner, instance.ordinal, place
        self._counts[key] += 1
        self._repeats = self._repeats or self._counts[key] > self._limit

    def _cycle(self) -> tuple[Record, ...]:
        """One round: from the last end of a container, or else the last record, back to the one before of its type."""
        latest = tuple(self._latest)
        ends = [place for place, record in enumerate(latest) if isinstance(record, ContainerDied)]
        last = ends[-1] if ends else len(latest) - 1
        same = (place for place in range(last) if type(latest[place]) is type(latest[last]))
        return latest[max(same, default=-1) + 1 : last + 1]

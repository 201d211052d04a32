"""InstanceRollingUpdate written down as plainly as the rules: slow, everything counted anew at every instant.

A stand-in for traces worked by hand (`kubeinfer_rollout`): the same configurations, the same events. Numbers in
brackets are the rules of section 2 of the semantics page. Times in whole seconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

UNREADY_GRACE = 10


@dataclass
class Live:
    ordinal: int
    revision: str
    placed: bool = False
    ready: bool = False
    was_ready: bool = False
    unready_since: int = 0
    ready_at: int | None = None  # when loading ends
    gone_at: int | None = None  # terminating until then


class UnlikeATraceError(Exception):
    """A configuration says of an instance what cannot be said of it then."""


class Reference:
    """Plays a trace's configuration; `events` are what the trace would list."""

    def __init__(self, config: dict[str, Any]) -> None:
        self.config = config
        self.replicas, self.revision = config["R"], "new"
        self.surge, self.unavailable = config["S"], config["U"]
        self.events: list[dict[str, Any]] = []
        self.live = [Live(i, "old", placed=True, ready=True, was_ready=True) for i in range(self.replicas)]
        for ordinal in config.get("unready", ()):
            self.live[ordinal].ready = False
            self.live[ordinal].unready_since = -config.get("unreadyFor", 3600)
        self.actions = sorted(config.get("actions", ()), key=lambda action: action[0])
        now: int | None = 0
        while now is not None:
            self.world(now)
            self.act(now)
            deciding = True
            while deciding:
                while self.decide(now):
                    pass
                deciding = self.world(now)  # pods without a node are gone at once
            self.place(now)
            now = self.following(now)

    def note(self, now: int, event: str, instance: Live) -> None:
        self.events.append(
            {"t": now, "event": event, "ordinal": instance.ordinal, "revision": instance.revision}
        )

    def world(self, now: int) -> bool:
        """Instances that are gone or ready now; whether there were any."""
        before = len(self.events)
        for each in list(self.live):
            if each.gone_at == now:
                self.live.remove(each)
                self.note(now, "gone", each)
            elif each.ready_at == now and each.gone_at is None:
                each.ready = each.was_ready = True
                each.ready_at = None
                self.note(now, "ready", each)
        return len(self.events) > before

    def act(self, now: int) -> None:
        for at, kind, value in self.actions:
            if at != now:
                continue
            if kind == "template":
                if value != self.revision:
                    self.events.append({"t": now, "event": "templateChange", "revision": value})
                self.revision = value
            elif kind == "scale":
                self.replicas = value
            else:
                (each,) = [each for each in self.live if each.ordinal == value] or [Live(value, "")]
                if each.ready == (kind == "ready") or each.gone_at is not None or not each.was_ready:
                    raise UnlikeATraceError(f"instance {value} cannot become {kind} at {now}")
                each.ready, each.unready_since = kind == "ready", now
                if each.ready:
                    self.note(now, "ready", each)

    def decide(self, now: int) -> bool:
        """One pass over one view (6); whether it did anything."""
        staying = [each for each in self.live if each.gone_at is None]
        new = [each for each in staying if each.revision == self.revision]
        old_lives = any(each.revision != self.revision for each in self.live)
        ceiling = self.replicas + (self.surge if old_lives else 0)  # (2)
        counted = staying if self.config.get("replace") == "TerminationStarted" else self.live
        creates = min(ceiling - len(counted), self.replicas - len(new))  # (3)
        floor = self.replicas - min(self.unavailable, self.replicas)  # (1)

        victims: list[Live] = []
        if len(staying) > ceiling:  # (10)
            staying.sort(
                key=lambda each: (
                    not (each.was_ready and not each.ready),
                    each.revision == self.revision,
                    -each.ordinal,
                )
            )
            victims += staying[: len(staying) - ceiling]
        old = sorted(
            (each for each in staying if each.revision != self.revision and each not in victims),
            key=lambda each: -each.ordinal,
        )
        for each in old:  # (4)
            overdue = each.was_ready and now - each.unready_since >= UNREADY_GRACE
            if not each.ready and (overdue or not each.was_ready):
                victims.append(each)
        ready = sum(each.ready for each in staying if each not in victims)
        for each in sorted(old, key=lambda each: each.ready):  # (5); sorting keeps the order of ordinals
            if each not in victims and ready > floor:
                victims.append(each)
                ready -= each.ready

        taken = {each.ordinal for each in self.live}
        free = (ordinal for ordinal in range(10_000) if ordinal not in taken)
        for _ in range(creates):
            made = Live(next(free), self.revision)
            self.live.append(made)
            self.note(now, "create", made)
        for each in victims:
            each.ready = False
            self.note(now, "delete", each)
            each.gone_at = now + (self.config["term"] if each.placed else 0)
        return creates > 0 or bool(victims)

    def place(self, now: int) -> None:
        capacity = self.config.get("cap")
        for each in self.live:
            used = sum(other.placed for other in self.live)
            if not each.placed and (capacity is None or used < capacity):
                each.placed = True
                self.note(now, "schedule", each)
                if not (self.config.get("newBroken") and each.revision != "old"):
                    each.ready_at = now + self.config["load"]

    def following(self, now: int) -> int | None:
        """The next instant at which anything can change."""
        times = [action[0] for action in self.actions]
        for each in self.live:
            times += [each.gone_at or 0, each.ready_at or 0]
            if each.was_ready and not each.ready:
                times.append(each.unready_since + UNREADY_GRACE)
        return min((time for time in times if time > now), default=None)

"""The restarts of one instance: the back-off before the next one, and whether there may be a next one."""

from __future__ import annotations

from msgspec import Struct, field

from kubeinfer_sim.scenario.model import Assumptions
from kubeinfer_sim.scenario.units import Millis


class Streak(Struct):
    """Restarts that followed each other closely; `last` in ms."""

    count: int
    last: Millis


class RestartHistory(Struct):
    """The restarts of one instance and of the parts of it that were rebuilt alone.

    The instance as a whole and each such part have a back-off of their own; the limit counts all of them,
    those of one instant once (as JobSet counts restarts of the set and of single jobs together:
    pkg/controllers/failure_policy.go).
    """

    streaks: dict[object, Streak] = field(default_factory=dict)
    recent: list[Millis] = field(default_factory=list)

    def restart(self, now: Millis, assumptions: Assumptions, part: object = None) -> Millis | None:
        """Note a restart; returns the wait before its pods are made again, None when the limit is used up."""
        if assumptions.max_restarts is not None:
            self.recent = [at for at in self.recent if now - at < assumptions.max_restarts_window]
            if now not in self.recent:
                if len(self.recent) >= assumptions.max_restarts:
                    return None
                self.recent.append(now)
        streak = self.streaks.get(part)
        if streak is None or now - streak.last > assumptions.backoff_reset:
            streak = self.streaks[part] = Streak(0, now)
        waits = assumptions.backoff
        wait = waits[min(streak.count, len(waits) - 1)] if waits else 0
        streak.count += 1
        streak.last = now
        return wait

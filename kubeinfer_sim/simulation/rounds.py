"""Whether a run goes round without end: far more happens in it than what is asked for takes.

A crash loop of a year, checks that flap for ever: nothing of it is new, and nobody waits for its end. Counted are
timers, the measure of what a run costs; so many are asked for by each pod, action and fault.
"""

from __future__ import annotations

from kubeinfer_sim.engine.history import History, latest_kinds
from kubeinfer_sim.errors import UsageError
from kubeinfer_sim.scenario.model import Scenario
from kubeinfer_sim.scenario.units import format_duration

#: Timers between two looks; that any run may fire: some 10 s of work; and that it may, beside those of each pod,
#: without anything coming of it.
LOOK, MOST, MOST_WITHOUT_PROGRESS = 20_000, 200_000, 50_000
#: Timers that a pod may fire for each action, and for each fault, which may strike all pods and more besides.
PER_POD, BESIDE = 60, 10
_HOUR = 3_600_000


class Rounds:
    """Looks at one run.

    Attributes:
        next: after so many timers the next look is due.
    """

    def __init__(self, scenario: Scenario, history: History) -> None:
        self.next = LOOK
        self._scenario = scenario
        self._history = history
        self._pods = 0
        self._step, self._became_ready = 0, 0
        self._since, self._fired_by_then = 0, 0

    def look(
        self,
        now: int,
        fired: int,
        *,
        last_step: int,
        became_ready: int,
        pods: int,
        faults: int,
        awaits_more: bool,
    ) -> int:
        """For how long nothing has come of what goes on, in ms, where the run is given up for that; else 0.

        Args:
            now: the time, ms.
            fired: how many timers have.
            last_step: when anything last came nearer to its end, or will be done or end last, ms.
            became_ready: how often pods have.
            pods: how many there are.
            faults: how many have struck.
            awaits_more: faults or repairs are to come, after which things may go on.

        Raises:
            UsageError: something comes of it again and again, and it is too much.
        """
        self.next = fired + LOOK
        if became_ready > self._became_ready:
            self._became_ready, self._since, self._fired_by_then = became_ready, now, fired
        if last_step > self._step:
            self._step, self._since, self._fired_by_then = last_step, max(self._since, last_step), fired
        self._pods = max(self._pods, pods)
        idle, in_vain = now - self._since, fired - self._fired_by_then
        most_in_vain = MOST_WITHOUT_PROGRESS + PER_POD * self._pods
        given_up = not awaits_more and idle > min(self._scenario.quiet_after, _HOUR)
        if given_up and in_vain > most_in_vain:
            return idle
        actions = 1 + len(self._scenario.actions)
        most = MOST + PER_POD * (self._pods * actions + (self._pods + BESIDE) * faults)
        if fired <= most:
            return 0
        if given_up:
            return idle
        lately = latest_kinds(self._history)
        what = f" (lately most of all {lately})" if lately else ""
        raise UsageError(
            f"{fired:,} events by {format_duration(now)}, where what is asked for takes {most:,} at most: something "
            f"goes round without end{what}; say when it is over (until, lasts, times), or end the run sooner (horizon)"
        )

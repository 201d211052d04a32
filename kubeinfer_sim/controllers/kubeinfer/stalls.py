"""Whether an update goes on by itself: stalls (rules 7 and 8), and the scenario's progress deadline."""

from __future__ import annotations

from collections.abc import Callable

from kubeinfer_sim.cluster.cluster import Cluster
from kubeinfer_sim.controllers.kubeinfer.instances import Instances
from kubeinfer_sim.controllers.kubeinfer.records import ProgressDeadlineExceeded, Stalled, StallEnded
from kubeinfer_sim.engine.clock import Phase, Timer
from kubeinfer_sim.engine.history import NO_CAUSE
from kubeinfer_sim.scenario.units import Millis


class Stalls:
    """Concludes at the end of an instant whether anything is still under way.

    `stalled` is told the pods' reason of every stall, and its record.

    Attributes:
        last_progress: when the KubeInfer last came nearer to its end: an instance created, ready for the
            first time, gone; or another spec.
        open: the spec is not all in place yet.
    """

    def __init__(
        self,
        kubeinfer: str,
        cluster: Cluster,
        instances: Instances,
        deadline: Millis | None,
        stalled: Callable[[str, int], None],
    ) -> None:
        self._kubeinfer = kubeinfer
        self._clock = cluster.env.clock
        self._history = cluster.env.history
        self._scheduling = cluster.scheduling
        self._instances = instances
        self._limit = deadline
        self._stalled = stalled
        self._generation = 0
        self._applied = NO_CAUSE
        self.open = False
        self.last_progress = 0
        self._stall: tuple[object, ...] | None = None
        self._timer: Timer | None = None
        self._deadline: Timer | None = None

    def begin(self, generation: int, applied: int) -> None:
        """Another spec was applied (in the record `applied`): it is another question now."""
        self._generation, self._applied = generation, applied
        self.open = True
        self._stall = None
        self.progressed()

    def completed(self) -> None:
        """All of the spec is in place."""
        self.open = False
        self._set_deadline()

    def progressed(self) -> None:
        """It came nearer to its end."""
        self.last_progress = self._clock.now
        self._set_deadline()

    def turned(self) -> None:
        """No instance is on its way any more, or some are again: it may stall, or what was stalled goes on."""
        if self._stall is not None or not self._instances.progressing:
            self.check()

    def check(self) -> None:
        """Look once this instant is over."""
        if self.open and self._timer is None:
            self._timer = self._clock.after(0, self._check_now, phase=Phase.OBSERVER)

    def _check_now(self) -> None:
        """Nothing terminates, nothing is on its way, no window runs out: it will not go on by itself."""
        self._timer = None
        if not self.open:
            return
        if self._goes_on():
            if self._stall is not None:
                self._stall = None
                self._history.append(
                    StallEnded(self._clock.now, self._applied, self._kubeinfer, self._generation)
                )
            return
        instances = self._instances
        stuck = [i for i in instances.by_ordinal.values() if not i.ready and not i.terminating]
        new = [i for i in stuck if not instances.is_old(i)] or stuck
        waiting = [i for i in new if i.gangs]
        failing = [i for i in new if not i.gangs and i.failed_starts]
        if failing:
            reason, pod_reason, which = "NewRevisionNotReady", failing[0].failure, failing
        elif waiting:
            reason, pod_reason, which = "Unschedulable", "Unschedulable", waiting
        elif new:
            reason, pod_reason, which = "NewRevisionNotReady", new[0].failure or "NotReady", new
        else:
            return
        key = (reason, pod_reason, tuple(i.ref.uid for i in which))
        if key == self._stall:
            return
        self._stall = key
        details = [
            self._scheduling.diagnose(next(iter(instance.gangs)), instance.last).proof
            for instance in waiting[:1]
        ]
        if failing:
            details.insert(0, f"{failing[0].ref.name}: {failing[0].failure}")
        told = self._history.append(
            Stalled(
                self._clock.now,
                which[0].last,
                self._kubeinfer,
                self._generation,
                reason,
                pod_reason,
                tuple(i.ref for i in which),
                "; ".join(details),
            )
        )
        self._stalled(pod_reason, told)

    def _goes_on(self) -> bool:
        """Whether something is under way, or a place may yet come by itself to what waits for one."""
        instances = self._instances
        if instances.terminating or instances.progressing or instances.in_grace:
            return True
        waiting = (gang for each in instances.by_ordinal.values() if not each.ready for gang in each.gangs)
        return any(map(self._scheduling.may_go_on, waiting))

    def _set_deadline(self) -> None:
        """The scenario's progressDeadline only reports; it counts from the last progress of an open update."""
        if self._limit is None:
            return
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
        if self.open:
            self._deadline = self._clock.after(self._limit, self._deadline_exceeded, phase=Phase.OBSERVER)

    def _deadline_exceeded(self) -> None:
        self._deadline = None
        self._history.append(
            ProgressDeadlineExceeded(self._clock.now, self._applied, self._kubeinfer, self._generation)
        )

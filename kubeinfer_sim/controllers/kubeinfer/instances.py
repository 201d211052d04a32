"""The instances of one KubeInfer and what is counted about them; cost follows what changed, not their number."""

from __future__ import annotations

from collections.abc import Callable
from heapq import heapify, heappop, heappush

from kubeinfer_sim.cluster.environment import Environment
from kubeinfer_sim.cluster.reasons import Refusal
from kubeinfer_sim.cluster.records import InstanceRef
from kubeinfer_sim.controllers.kubeinfer.gangs import Gangs
from kubeinfer_sim.controllers.kubeinfer.instance import Instance, InstanceState
from kubeinfer_sim.controllers.kubeinfer.records import (
    InstanceConcerning,
    InstanceCreated,
    InstanceDeleting,
    InstanceGone,
    InstanceReady,
    InstanceRefused,
)
from kubeinfer_sim.engine.clock import Phase
from kubeinfer_sim.manifest.model import KubeInfer
from kubeinfer_sim.scenario.model import Assumptions
from kubeinfer_sim.scenario.units import Millis

#: Between two attempts to make the pods of an instance that the API server refuses: at first, and at most.
_FIRST_RETRY, _LONGEST_RETRY = 5, 1_000_000


class Instances:
    """Creates and deletes instances, follows their states, and keeps count.

    Attributes:
        by_ordinal: all instances, terminating ones included.
        terminating: how many of them are being deleted for good.
        old: how many are of another revision than `spec`'s, terminating ones included.
        new_active: how many are of the spec's revision and not terminating.
        next_ordinal: above all that are taken.
        ready: how many are ready; `new_ready`: of those of the spec's revision.
        progressing: how many are not ready, but on their way there.
        in_grace: how many are not ready, and not yet for as long as rule 4 waits.
        ready_old: heap of the negative ordinals of ready old ones; an entry may have become stale.
        overdue_old: the old ones that rule 4 lets go.
        changed: called when something changed on which decisions rest; `turned` when by that of one alone no
            instance is on its way any more, or some are again.
    """

    def __init__(
        self,
        env: Environment,
        gangs: Gangs,
        spec: KubeInfer,
        assumptions: Assumptions,
        *,
        changed: Callable[[], None],
        progressed: Callable[[], None],
        turned: Callable[[], None],
    ) -> None:
        self._clock = env.clock
        self._history = env.history
        self._api = env.api
        self._gangs = gangs
        self._assumptions = assumptions
        self.changed = changed
        self._progressed = progressed
        self.turned = turned
        self.spec = spec
        self.by_ordinal: dict[int, Instance] = {}
        self.terminating = 0
        self.old = 0
        self.new_active = 0
        self.ready = 0
        self.new_ready = 0
        self.progressing = 0
        self.in_grace = 0
        self.ready_old: list[int] = []
        self.overdue_old: dict[Instance, None] = {}
        self._free_ordinals: list[int] = []
        self.next_ordinal = 0

    @property
    def replacing(self) -> bool:
        """Whether an instance is going, or one of the spec's revision is not ready."""
        return self.terminating > 0 or self.new_active != self.new_ready

    def is_old(self, instance: Instance) -> bool:
        """Whether it is of another revision than the spec's."""
        return instance.revision != self.spec.revision

    def adopt_spec(self, spec: KubeInfer) -> None:
        """Another spec is in force; the one place that looks at every instance, if the template changed."""
        before, self.spec = self.spec, spec
        if spec.revision == before.revision:
            return
        self.old = self.new_active = self.new_ready = 0
        self.ready_old = []
        self.overdue_old = {}
        for ordinal in sorted(self.by_ordinal, reverse=True):
            instance = self.by_ordinal[ordinal]
            if not self.is_old(instance):
                self.new_active += not instance.terminating
                self.new_ready += instance.ready
                continue
            self.old += 1
            if instance.ready:
                self.ready_old.append(-ordinal)
            elif instance.overdue and not instance.terminating:
                self.overdue_old[instance] = None
        heapify(self.ready_old)

    # -- creation and deletion -----------------------------------------------------------------------------

    def create(self, cause: int, *, running: bool = False) -> None:
        """Make an instance at the lowest free ordinal, or at the next above all (switch `ordinals`).

        With `running` it ran before the simulation began.
        """
        now = self._clock.now
        ordinal = self._ordinal()
        self.next_ordinal = max(self.next_ordinal, ordinal + 1)
        ref = InstanceRef(self._api.new_uid(), self.spec.name, ordinal)
        instance = Instance(ref, self.spec)
        instance.unready_since = now
        self.by_ordinal[ordinal] = instance
        self.new_active += 1
        self._progressed()
        instance.last = self._history.append(
            InstanceCreated(now, cause, ref, instance.revision, instance.wanted, running)
        )
        self.populate(instance, adopt=running)

    def populate(self, instance: Instance, *, adopt: bool = False) -> None:
        """Make all its pods, or none as long as the API server refuses one; it is ready when they are."""
        if refusal := self._gangs.refusal(instance):
            self._refused(instance, refusal)
            return
        if instance.refusals:
            instance.refusals = instance.failed_starts = 0
            if self.update_progressing(instance):
                self.turned()
        if self._gangs.whole(instance, adopt=adopt) or not instance.wanted:
            self.set_ready(instance)
        elif not self._gangs.waits(instance):
            self.update_progressing(instance)

    def _refused(self, instance: Instance, refusal: Refusal) -> None:
        """Ask again after 5 ms, 10 ms, 20 ms … (assumed: the rate limiter that controllers have by default)."""
        if not instance.refusals or refusal != instance.refusal:
            instance.failure, instance.refusal = "FailedCreate", refusal
            refused = InstanceRefused(self._clock.now, instance.last, instance.ref, refusal)
            instance.last = self._history.append(refused)
        wait = min(_FIRST_RETRY << min(instance.refusals, 20), _LONGEST_RETRY)
        instance.refusals += 1
        instance.failed_starts += 1
        self.update_progressing(instance)
        instance.timers.append(self._clock.after(wait, self.populate, instance, phase=Phase.CONTROLLER))

    def delete(self, instance: Instance, reason: str, cause: int) -> None:
        """Delete an instance for good: all its pods at once."""
        if instance.ready:
            self._count_ready(instance, -1)
        self.new_active -= not self.is_old(instance)
        self.terminating += 1
        self.overdue_old.pop(instance, None)
        self._end_grace(instance)
        instance.forget_parts()
        instance.state = InstanceState.TERMINATING
        self.update_progressing(instance)
        instance.last = self._history.append(InstanceDeleting(self._clock.now, cause, instance.ref, reason))
        self.delete_pods(instance, reason)
        if not instance.pods:
            self.gone(instance)

    def delete_pods(self, instance: Instance, reason: str) -> None:
        """Delete all pods it has; gangs that wait for nodes are taken back."""
        self._gangs.withdraw(instance)
        for pod in list(instance.pods):
            self._api.delete(pod, reason, instance.last)

    def gone(self, instance: Instance) -> None:
        """Its last pod is gone: its ordinal is free."""
        ordinal = instance.ref.ordinal
        del self.by_ordinal[ordinal]
        heappush(self._free_ordinals, ordinal)
        while self.next_ordinal and self.next_ordinal - 1 not in self.by_ordinal:
            self.next_ordinal -= 1
        self.terminating -= 1
        self.old -= self.is_old(instance)
        instance.last = self._history.append(InstanceGone(self._clock.now, instance.last, instance.ref))
        self._progressed()
        self.changed()

    def _ordinal(self) -> int:
        """The ordinal of the next instance."""
        if self._assumptions.ordinals == "next" or not self._free_ordinals:
            return self.next_ordinal
        return heappop(self._free_ordinals)

    # -- readiness -----------------------------------------------------------------------------------------

    def _count_ready(self, instance: Instance, by: int) -> None:
        self.ready += by
        if not self.is_old(instance):
            self.new_ready += by

    def set_ready(self, instance: Instance) -> None:
        """All pods it takes are ready."""
        if not instance.was_ready:
            self._progressed()
        instance.state = InstanceState.READY
        instance.was_ready = True
        instance.ready_incarnation = instance.incarnation
        instance.overdue = False
        instance.failure = ""
        instance.failed_starts = 0
        instance.died.clear()
        instance.reloads = False
        self._count_ready(instance, 1)
        self._end_grace(instance)
        self.overdue_old.pop(instance, None)
        if self.is_old(instance):
            heappush(self.ready_old, -instance.ref.ordinal)
        self.update_progressing(instance)
        instance.last = self._history.append(InstanceReady(self._clock.now, instance.last, instance.ref))
        self.changed()

    def leave_ready(self, instance: Instance, state: InstanceState) -> None:
        """It is not ready any more; the window of rule 4 begins."""
        if instance.ready:
            self._count_ready(instance, -1)
            instance.unready_since = self._clock.now
            grace = self._assumptions.unready_grace
            instance.grace_timer = self._clock.after(grace, self._grace_over, instance)
            self.in_grace += 1
        instance.state = state
        self.update_progressing(instance)
        self.changed()

    def concerning(self, instance: Instance, reason: str, cause: int) -> None:
        """A pod of a ready instance is not ready any more; nothing happens where the instance is not ready anyway."""
        if instance.ready:
            self.leave_ready(instance, InstanceState.CONCERNING)
            instance.failure = reason
            instance.last = self._history.append(
                InstanceConcerning(self._clock.now, cause, instance.ref, reason)
            )

    def _grace_over(self, instance: Instance) -> None:
        """It has not been ready for long; one that is being rebuilt on its revision is given its start window, too."""
        rebuilds = self._assumptions.old_instance_failure == "rebuildOld"
        if rebuilds and instance.rebuilt_once:
            window = start_window(instance.spec)
            if window is not None:
                instance.grace_timer = self._clock.after(window, self._window_over, instance)
            return
        self._window_over(instance)

    def rebuilt_again(self, instance: Instance) -> None:
        """It failed before it was ready again: no window is left to it beyond the grace of all."""
        if instance.grace_timer is not None and not instance.rebuilt_once:
            grace_over = instance.unready_since + self._assumptions.unready_grace
            instance.grace_timer.cancel()
            instance.grace_timer = self._clock.at(
                max(self._clock.now, grace_over), self._window_over, instance
            )

    def _window_over(self, instance: Instance) -> None:
        instance.grace_timer = None
        self.in_grace -= 1
        instance.overdue = True
        if self.is_old(instance):
            self.overdue_old[instance] = None
        self.changed()

    def _end_grace(self, instance: Instance) -> None:
        if instance.grace_timer is not None:
            instance.grace_timer.cancel()
            instance.grace_timer = None
            self.in_grace -= 1

    def update_progressing(self, instance: Instance) -> bool:
        """Keep count of the instances that are on their way to ready; whether there are none now, or again some."""
        progressing = (
            instance.state in (InstanceState.STARTING, InstanceState.CONCERNING, InstanceState.RESTARTING)
            and (instance.failed_starts == 0 or instance.reloads)
            and not self._gangs.waits(instance)
        )
        before = self.progressing
        self.progressing += progressing - instance.progressing
        instance.progressing = progressing
        return (before > 0) != (self.progressing > 0)


def start_window(spec: KubeInfer) -> Millis | None:
    """How long its engines have to start before a probe has them killed; None: for ever."""
    windows = [
        (probe.initial_delay_seconds + probe.period_seconds * probe.failure_threshold) * 1000
        for role in spec.roles
        for container in role.template.containers
        if (probe := container.startup_probe or container.liveness_probe) is not None
    ]
    return max(windows, default=None)

"""The Deployment controller: one sync after another until nothing is left to do.

Source: pkg/controller/deployment/deployment_controller.go (syncDeployment), sync.go, rolling.go, recreate.go,
progress.go. Within one instant the Deployment is looked at until it wants nothing more, then each ReplicaSet
with news once, then the Deployment again: the Deployment controller makes no pods and so is the quicker one.

A sync writes the Deployment's status once at most. Where it has written it midway (a new ReplicaSet, pause
and resume), what it would write at its end is refused as a conflict and made up for by the next sync; so
the real controller's conditions pass through the same states.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from msgspec.structs import replace

from kubeinfer_sim.controllers.deployment import progress
from kubeinfer_sim.controllers.deployment.deletion_ranking import Neighbours
from kubeinfer_sim.controllers.deployment.progress import Progressing, Status
from kubeinfer_sim.controllers.deployment.replica_pod import ReplicaPod
from kubeinfer_sim.controllers.deployment.replica_set import FAILED_CREATE, PodControl, ReplicaSet
from kubeinfer_sim.controllers.deployment.requeue import Requeue
from kubeinfer_sim.controllers.deployment.rolling import (
    Bounds,
    Change,
    active,
    by_age,
    new_replica_set_size,
    reconcile_new,
    reconcile_old,
    wanted,
)
from kubeinfer_sim.controllers.deployment.scaling import is_scaling_event, scaled
from kubeinfer_sim.engine.clock import Clock, Phase, Timer
from kubeinfer_sim.manifest.model import Deployment


class _ConflictError(Exception):
    """The sync wrote the Deployment already and holds an old version of it."""


class DeploymentController:
    """The controller of one Deployment and of its ReplicaSets.

    Attributes:
        spec: the Deployment as last applied.
        status: its status as last written.
        replica_sets: oldest first.
    """

    def __init__(
        self,
        clock: Clock,
        control: PodControl,
        spec: Deployment,
        *,
        settled: Callable[[], None] = lambda: None,
        scaled: Callable[[ReplicaSet, int], None] = lambda replica_set, before: None,
    ) -> None:
        """Make the controller of a Deployment that is created with `start` or `adopt`.

        `settled` is called when an instant's work is done, `scaled` with each ReplicaSet that gets another size
        and the size it had.
        """
        self._clock = clock
        self._control = control
        self._take(spec)
        self.status = Status()
        self.replica_sets: list[ReplicaSet] = []
        self._settled = settled
        self._scaled = scaled
        self._generation = 1
        self._neighbours = Neighbours()
        self._revision = 0  # annotation deployment.kubernetes.io/revision
        self._created = 0
        self._queued = self._stopped = False
        self._news: dict[ReplicaSet, None] = {}
        self._run_timer: Timer | None = None
        self._requeue = Requeue(clock, self._enqueue)
        self._available_timers: dict[ReplicaSet, Timer] = {}
        self._retries: dict[ReplicaSet, Requeue] = {}
        # One sync's view of the status, and whether a write in it made that view an old one.
        self._view = self.status
        self._stale = False

    # -- what the user does --------------------------------------------------------------------------------

    def start(self) -> None:
        """The Deployment was created."""
        self._enqueue()

    def adopt(self, pod: Callable[[ReplicaSet], ReplicaPod | None], since: int) -> None:
        """It has been there since long ago (`since`, ms): complete, but for pods the cluster has no room for.

        `pod` makes one of its pods, which has a node where it runs; None where the API server refuses it.
        """
        bounds = self._bounds
        new = self._new_replica_set(bounds, 1)
        self._revision = 1
        failure = ""
        for _ in range(bounds.replicas):
            made = pod(new)
            if made is None:
                failure = FAILED_CREATE
                self.pod_changed(new)
                break
            new.pod_adopted(made, since)
        new.advance(self._clock.now)
        self._await_available(new)
        new.status = replace(new.counted(), failure=failure)
        condition = None
        if self._deadline is not None:
            condition = progress.condition(None, "True", progress.AVAILABLE, since)
        self.status = progress.count(
            [new], new, bounds, self._generation, replace(Status(), progressing=condition)
        )
        self._enqueue()

    def apply(self, spec: Deployment) -> None:
        """The Deployment was changed: template, replicas, strategy, pause ..."""
        if spec != self.spec:
            self._generation += 1
            self._take(spec)
            self._enqueue()

    def _take(self, spec: Deployment) -> None:
        self.spec = spec
        # What each sync asks of it.
        self._bounds = Bounds.of(spec)
        self._deadline = progress.deadline_ms(spec.progress_deadline_seconds)
        self._min_ready = spec.min_ready_seconds * 1000
        self._sorted: tuple[ReplicaSet, list[ReplicaSet]] | None = None

    def stop(self) -> None:
        """The Deployment is gone: nobody looks at it any more, and it asks for no pods."""
        self._stopped = True
        self._take(replace(self.spec, replicas=0))

    def revision_before(self) -> Deployment | None:
        """The Deployment as it was when it made the ReplicaSet before its newest; None where there is none."""
        by_revision = sorted(self.replica_sets, key=lambda each: each.revision)
        before = by_revision[-2].spec if len(by_revision) > 1 else None
        assert before is None or isinstance(before, Deployment)
        return before

    # -- what the pods do ----------------------------------------------------------------------------------

    def pod_changed(self, replica_set: ReplicaSet) -> None:
        """A pod of the ReplicaSet was bound, turned ready, is deleted or gone."""
        self._news[replica_set] = None
        self._wake_up()

    def pod_ready(self, replica_set: ReplicaSet, pod: ReplicaPod) -> None:
        """A pod's Ready condition turned true."""
        replica_set.pod_ready(pod, self._clock.now)
        self._await_available(replica_set)
        self.pod_changed(replica_set)

    def pod_unready(self, replica_set: ReplicaSet, pod: ReplicaPod) -> None:
        """A pod's Ready condition turned false."""
        replica_set.pod_unready(pod)
        self.pod_changed(replica_set)

    def pod_gone(self, replica_set: ReplicaSet, pod: ReplicaPod) -> None:
        """A pod's phase is final, or its object is gone; Recreate waits for the last one."""
        replica_set.pod_gone(pod)
        if replica_set in self.replica_sets:
            self.pod_changed(replica_set)
        if self.spec.strategy == "Recreate" and not any(each.pods for each in self.replica_sets):
            self._enqueue()

    def _await_available(self, replica_set: ReplicaSet) -> None:
        """Wake up when the next pod will have been ready for minReadySeconds."""
        timer = self._available_timers.pop(replica_set, None)
        if timer is not None:
            timer.cancel()
        due = replica_set.next_available_at()
        if due is not None and replica_set in self.replica_sets:
            self._available_timers[replica_set] = self._clock.at(
                due, self._more_available, replica_set, phase=Phase.CONTROLLER
            )

    def _more_available(self, replica_set: ReplicaSet) -> None:
        del self._available_timers[replica_set]
        if replica_set.advance(self._clock.now):
            self.pod_changed(replica_set)
        self._await_available(replica_set)

    # -- the work queue ------------------------------------------------------------------------------------

    def _enqueue(self) -> None:
        self._queued = True
        self._wake_up()

    def _wake_up(self) -> None:
        if not self._stopped and (self._run_timer is None or not self._run_timer.pending):
            self._run_timer = self._clock.after(0, self._run, phase=Phase.CONTROLLER)

    def _run(self) -> None:
        if self._stopped:
            return
        now = self._clock.now
        while self._queued or self._news:
            news, self._news = self._news, {}
            for replica_set in [each for each in self.replica_sets if each in news]:
                size, before = replica_set.active, replica_set.status
                if replica_set.sync(self._control, self.replica_sets, now):
                    # Which generation it has seen matters to the Deployment where it might forget an empty one.
                    status = replica_set.status
                    self._queued |= not status.replicas or status.differs(before)
                if replica_set.active != size:
                    self._news[replica_set] = None
                if replica_set.status.failure or self._retries:
                    self._try_again(replica_set)
            while self._queued:
                self._queued = False
                self._sync()
        self._settled()

    def _try_again(self, replica_set: ReplicaSet) -> None:
        """A ReplicaSet whose pods were refused is looked at again after 5 ms, 10 ms, 20 ms …"""
        if replica_set.status.failure:
            if replica_set not in self._retries:
                self._retries[replica_set] = Requeue(self._clock, partial(self.pod_changed, replica_set))
            self._retries[replica_set].rate_limited()
        elif replica_set in self._retries:
            self._retries.pop(replica_set).forget()

    # -- one sync ------------------------------------------------------------------------------------------

    def _sync(self) -> None:
        self._view, self._stale = self.status, False
        try:
            self._sync_deployment()
        except _ConflictError:
            self._requeue.rate_limited()
        else:
            self._requeue.forget()

    def _sync_deployment(self) -> None:
        spec, bounds = self.spec, self._bounds
        self._check_paused()
        if spec.paused or is_scaling_event(self.replica_sets, spec.replicas):
            new, old = self._sort_replica_sets(bounds, create=False)
            self._scale_all(scaled(new, old, bounds, self._view.counts.replicas), bounds)
            if spec.paused:
                self._clean_up(old)
            self._write(progress.count(self.replica_sets, new, bounds, self._generation, self._view))
        elif spec.strategy == "Recreate":
            self._recreate(bounds)
        else:
            self._roll(bounds)

    def _roll(self, bounds: Bounds) -> None:
        """One step of a rolling update: grow the new ReplicaSet, else shrink the old ones."""
        new, old = self._sort_replica_sets(bounds, create=True)
        assert new is not None
        again = self._queued
        changes = self._step(new, old, bounds)
        if changes:
            self._scale_all(changes, bounds)
            again = again or bool(self._step(new, old, bounds))
        elif progress.complete(self._view, bounds.replicas, self._generation):
            self._clean_up(old)
            again = self._queued
        self._write_rollout_status(new, bounds, again=again)

    def _step(self, new: ReplicaSet, old: list[ReplicaSet], bounds: Bounds) -> list[Change]:
        return reconcile_new(self.replica_sets, new, bounds) or reconcile_old(old, new, bounds)

    def _recreate(self, bounds: Bounds) -> None:
        """All old pods away, terminating ones included, before the first new one."""
        new, old = self._sort_replica_sets(bounds, create=False)
        living = active(old)
        self._scale_all([(each, 0) for each in living], bounds)
        if not living and not any(each.status.replicas or each.pods for each in old):
            if new is None:
                new, old = self._sort_replica_sets(bounds, create=True)
                assert new is not None
            if new.replicas != bounds.replicas:
                self._scale(new, bounds.replicas, bounds)
            if progress.complete(self._view, bounds.replicas, self._generation):
                self._clean_up(old)
        self._write_rollout_status(new, bounds, again=self._queued)

    def _check_paused(self) -> None:
        """Pausing and resuming show in the condition, so that a pause does not count as lack of progress."""
        current, paused = self._view.progressing, self.spec.paused
        reason = "" if current is None else current.reason
        if paused == (reason == progress.PAUSED) or reason == progress.TIMED_OUT or self._deadline is None:
            return
        word = progress.PAUSED if paused else progress.RESUMED
        condition = progress.condition(current, "Unknown", word, self._clock.now)
        self._write(replace(self._view, progressing=condition))

    # -- ReplicaSets ---------------------------------------------------------------------------------------

    def _sort_replica_sets(
        self, bounds: Bounds, *, create: bool
    ) -> tuple[ReplicaSet | None, list[ReplicaSet]]:
        """The ReplicaSet of the present template, made if asked for, and all others (getNewReplicaSet)."""
        if self._sorted is not None:
            return self._sorted
        revision = self.spec.revision
        new: ReplicaSet | None = None
        old: list[ReplicaSet] = []
        number = 1
        for each in self.replica_sets:
            if new is None and each.spec.revision == revision:
                new = each
            else:
                old.append(each)
                if each.revision >= number:
                    number = each.revision + 1
        if new is not None:
            self._adopt(new, number)
            if not self._queued:
                self._sorted = new, old
        elif create:
            new = self._create(bounds, number)
        return new, old

    def _adopt(self, new: ReplicaSet, number: int) -> None:
        """Bring the ReplicaSet of the present template up to date; a rollback gives it a new revision."""
        changed = new.set_min_ready(self._min_ready, self._clock.now)
        if changed:
            self._await_available(new)
        if new.revision < number:
            new.revision = number
            changed = True
        if changed:
            self._touched(new)
            return
        current = self._view.progressing
        if current is None and self._deadline is not None:
            current = progress.condition(None, "True", progress.FOUND, self._clock.now)
            self._write_midway(replace(self._view, progressing=current), number)
        elif self._revision != new.revision:
            self._write_midway(self._view, new.revision)

    def _create(self, bounds: Bounds, number: int) -> ReplicaSet:
        new = self._new_replica_set(bounds, number)
        self._touched(new)
        if new.replicas:
            self._scaled(new, 0)
        status = self._view
        if self._deadline is not None:
            now = self._clock.now
            condition = progress.condition(status.progressing, "True", progress.CREATED, now)
            status = replace(status, progressing=condition)
        self._write_midway(status, number)
        return new

    def _new_replica_set(self, bounds: Bounds, number: int) -> ReplicaSet:
        self._created += 1
        size = new_replica_set_size(0, wanted(self.replica_sets), bounds)
        new = ReplicaSet(
            self._created,
            self.spec,
            size,
            bounds.replicas,
            bounds.ceiling,
            number,
            self._min_ready,
            neighbours=self._neighbours,
        )
        self.replica_sets.append(new)
        return new

    def _scale_all(self, changes: list[Change], bounds: Bounds) -> None:
        for replica_set, size in changes:
            self._scale(replica_set, size, bounds)

    def _scale(self, replica_set: ReplicaSet, size: int, bounds: Bounds) -> None:
        before = replica_set.replicas
        if replica_set.scale(size, bounds.replicas, bounds.ceiling):
            self._touched(replica_set)
            if size != before:
                self._scaled(replica_set, before)

    def _touched(self, replica_set: ReplicaSet) -> None:
        """The ReplicaSet was written: both controllers look at it."""
        self._news[replica_set] = None
        self._queued = True

    def _clean_up(self, old: list[ReplicaSet]) -> None:
        """Forget the oldest empty ReplicaSets beyond revisionHistoryLimit."""
        limit = self.spec.revision_history_limit
        if limit is None:
            return
        for each in sorted(by_age(old), key=lambda each: each.revision)[: max(0, len(old) - limit)]:
            status = each.status
            if status.replicas == 0 and each.replicas == 0 and each.generation <= status.observed_generation:
                self.replica_sets.remove(each)
                self._sorted = None
                self._queued = True

    # -- status --------------------------------------------------------------------------------------------

    def _write_rollout_status(self, new: ReplicaSet | None, bounds: Bounds, *, again: bool) -> None:
        """Write the status if it has changed; `again`: another sync has more to do than to read what is written.

        One that has not, and whose rollout is not complete, would count the same and find the deadline as it is found
        here. So it is not played: with pods that become ready one by one it would be every other one.
        """
        before, deadline, now = self._view, self._deadline, self._clock.now
        status = progress.count(self.replica_sets, new, bounds, self._generation, before)
        if deadline is None:
            status = replace(status, progressing=None)
        else:
            status = progress.estimate(before, status, bounds.replicas, self._generation, deadline, now)
        written = status != before
        if written:
            self._write(status)
        complete = progress.complete(status, bounds.replicas, self._generation)
        if self._queued and not again and not complete:
            self._queued = False
            self._requeue.forget()
        elif written:
            return
        if deadline is not None and not complete:
            self._look_again(status.progressing, deadline)

    def _look_again(self, current: Progressing | None, deadline: int) -> None:
        """Nothing changed: see whether the deadline has passed once it has (requeueStuckDeployment).

        Normally that is one second late. A finished rollout that lost pods is looked at again and again by the
        real controller, to no effect; here it is not.
        """
        if current is None or current.reason == progress.TIMED_OUT:
            return
        left = current.updated + deadline - self._clock.now
        if left > 1000:  # the real clock is some microseconds further
            self._requeue.after(left + 1000)
        elif current.reason != progress.AVAILABLE:
            self._requeue.rate_limited()

    def _write_midway(self, status: Status, revision: int) -> None:
        self._revision = revision
        self._write(status, changed=True)

    def _write(self, status: Status, *, changed: bool = False) -> None:
        """Write the status.

        Raises:
            _ConflictError: this sync has written it before.
        """
        if status == self._view and not changed:
            return
        if self._stale:
            raise _ConflictError
        self.status = self._view = status
        self._stale = True
        self._queued = True

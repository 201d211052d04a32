"""A pod's way from its binding to running containers: images, init containers, sidecars, containers."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from kubeinfer_sim.cluster.kubelet.container import Container
from kubeinfer_sim.cluster.kubelet.engine_starts import EngineStarts
from kubeinfer_sim.cluster.kubelet.image_manager import ImageManager, Request
from kubeinfer_sim.cluster.kubelet.image_pull import PullRetries, needs_pull
from kubeinfer_sim.cluster.kubelet.image_pull_back_off import ImagePullBackOff
from kubeinfer_sim.cluster.kubelet.object_waits import ObjectWaits
from kubeinfer_sim.cluster.kubelet.pod_layout import ContainerKind
from kubeinfer_sim.cluster.kubelet.pod_worker import PodWorker, Sync
from kubeinfer_sim.cluster.kubelet.services import Services
from kubeinfer_sim.cluster.kubelet.set_up_plan import FailedHook, SetUpPlan
from kubeinfer_sim.cluster.kubelet.sidecar_watch import SidecarWatch
from kubeinfer_sim.cluster.kubelet.start_faults import Failure
from kubeinfer_sim.cluster.kubelet.sync_loop import SyncLoop
from kubeinfer_sim.cluster.pod import Pod, PodState
from kubeinfer_sim.cluster.prober import Checks, Segment
from kubeinfer_sim.cluster.reasons import InitReason
from kubeinfer_sim.cluster.records import (
    ContainersRunning,
    ImagePullRetried,
    PodBound,
    SetUpContinued,
    TransferDone,
)
from kubeinfer_sim.cluster.stages import Stage, StageKind, StageName, end_of
from kubeinfer_sim.engine.history import Record

#: What keeps a pod from running whose set-up does not end.
NEVER_ENDS = {
    StageKind.IMAGE: "ImagePullNeverEnds",
    StageKind.POST_START: "PostStartHookNeverEnds",
}


class SetUp:
    """Sets pods up."""

    def __init__(
        self,
        services: Services,
        images: ImageManager,
        retries: PullRetries,
        engines: EngineStarts,
        loop: SyncLoop,
        first_answers: Callable[[Pod, int], dict[Checks, Segment]] | None,
        objects: ObjectWaits,
    ) -> None:
        """`first_answers`: what the checks get of a pod that is set up at a time (ms)."""
        self._clock = services.clock
        self._history = services.history
        self._status = services.status
        self._probes = services.probes
        self._planner = services.planner
        self._images = images
        self._engines = engines
        self._loop = loop
        self._first_answers = first_answers
        self.objects = objects
        self.pull_back_off = ImagePullBackOff(services, images, retries, self._pull_again, loop)
        self.sidecars = SidecarWatch(services, loop, self.go_on)

    def begin(self, worker: PodWorker) -> None:
        """The kubelet takes a pod up: its probes' ticks are counted from now."""
        pod, now = worker.pod, self._clock.now
        worker.sync = Sync.SETTING_UP
        worker.added_at = now
        if worker.layout.init:  # some may have run, on a machine that went down then
            self.sidecars.forget(worker)
        if self._first_answers is not None:
            worker.answers |= self._first_answers(pod, now)
        if (missing := self.objects.volume(worker)) is not None:
            worker.plan = None
            pod.last = self._history.append(PodBound(now, pod.last, pod.ref, worker.node.name, ()))
            self.objects.wait(worker, missing, partial(self._mount_again, worker))
            return
        volumes = self._planner.volumes(pod)
        if volumes and volumes[0].duration is None:
            pod.last = self._history.append(PodBound(now, pod.last, pod.ref, worker.node.name, volumes))
            self._status.stuck(pod, "VolumesNeverMounted")
            return
        self._proceed(
            worker,
            0,
            lambda stages: PodBound(now, pod.last, pod.ref, worker.node.name, stages),
            before=volumes,
        )

    def _mount_again(self, worker: PodWorker) -> None:
        """Nothing has been started: an object that a volume needs was not there."""
        if (missing := self.objects.volume(worker)) is not None:
            self.objects.wait(worker, missing, partial(self._mount_again, worker))
            return
        self.objects.over(worker)
        self.go_on(worker, 0)

    def go_on(self, worker: PodWorker, first: int, *, pulled: bool = False, again: str = "") -> None:
        """Go on with the container that is started as number `first`.

        Its image is there if it was `pulled`, or if it is the container of the name `again` that is run once more.
        """
        pod, now = worker.pod, self._clock.now
        self._proceed(
            worker,
            first,
            lambda stages: SetUpContinued(now, pod.last, pod.ref, again, stages),
            pulled=pulled or bool(again),
        )

    def pull_anew(self, worker: PodWorker, container: Container) -> None:
        """A new kubelet asks for the image that the one before it was pulling."""
        worker.timers.pop(None, None)
        self.go_on(worker, container.order)

    def init_again(self, worker: PodWorker, container: Container) -> None:
        """The back-off of an init container is over."""
        del worker.timers[None]
        self.go_on(worker, container.order, again=container.spec.name)

    def _proceed(
        self,
        worker: PodWorker,
        first: int,
        record: Callable[[tuple[Stage, ...]], Record],
        *,
        pulled: bool = False,
        before: tuple[Stage, ...] = (),
    ) -> None:
        """Go on as `go_on` says, when the stages `before` are over; `record` tells what lies ahead."""
        pod, node, now = worker.pod, worker.node, self._clock.now
        begins = end_of(before, now) if before else now
        assert begins is not None
        shared = self._images.shares_registry
        got: tuple[Stage, ...] | None = () if pulled else None
        container = worker.every[first] if first < len(worker.every) else None
        if container is not None and not pulled and needs_pull(container.spec, node, begins):
            failure = self.pull_back_off.failure(container)
            if failure is not None and before:
                pod.last = self._history.append(record(before))
                worker.plan = now, SetUpPlan(before, (container,) * len(before))
                worker.timers[None] = self._clock.at(begins, self._ask, worker, container)
                return
            if failure is not None:
                stages = self.pull_back_off.turn(worker, container, failure[0])
                pod.last = self._history.append(record(stages))
                self.pull_back_off.wait(worker, container, *failure, stages)
                return
            if not shared:
                planner, image = self._planner, container.spec.image
                turn = self._images.turn(
                    node,
                    image,
                    lambda: planner.image_cold(pod, image),
                    lambda: planner.image_warm(pod, image),
                    after=begins - now,
                )
                if turn.refused:
                    stages = (*before, *turn.stages)
                    pod.last = self._history.append(record(stages))
                    worker.plan = now, SetUpPlan(stages, (container,) * len(stages))
                    length = end_of(stages, 0)
                    assert length is not None
                    worker.timers[None] = self._clock.after(
                        length, self.pull_back_off.refused, worker, container
                    )
                    return
                got = turn.stages
        plan = self._planner.plan(worker, begins, shared=shared, first=first, pulled=got, before=before)
        pod.last = self._history.append(record(plan.stages))
        self._go_through(worker, plan)

    def _go_through(self, worker: PodWorker, plan: SetUpPlan) -> None:
        """The pod is in these stages of its set-up, the first of which begins now."""
        worker.plan = self._clock.now, plan
        if plan.watched is not None:
            before = end_of(plan.stages[:-1], 0)
            assert before is not None
            worker.timers[None] = self._clock.after(before, self.sidecars.start, worker, plan.watched)
        elif plan.pull is not None:
            known = plan.stages[:-1] if self._images.shares_registry else plan.stages
            before = end_of(known, 0)
            assert before is not None
            if not before:
                self._ask(worker, plan.pull)
                return
            worker.timers[None] = self._clock.after(before, self._ask, worker, plan.pull)
        else:
            self._to_the_end(worker, plan)
        if worker.to_stop:
            self.end_with_sync(worker)
            if not worker.in_sync(self._clock.now):  # it ends with what is started now
                self._loop.sync(worker)

    def _to_the_end(self, worker: PodWorker, plan: SetUpPlan) -> None:
        """These stages are the last ones, as far as that can be told."""
        length = end_of(plan.stages, 0)
        if length is None:
            endless = next(stage.name.kind for stage in plan.stages if stage.duration is None)
            self._status.stuck(worker.pod, NEVER_ENDS.get(endless, "InitNeverEnds"))
        elif (failure := plan.failure) is not None:
            container = plan.containers[-1]
            worker.timers[None] = self._clock.after(length, self._init_failed, worker, container, failure)
        elif plan.hooks and plan.hooks[0].container.kind is ContainerKind.SIDECAR:
            worker.timers[None] = self._clock.after(length, self.sidecars.hook_failed, worker, plan.hooks[0])
        else:
            worker.timers[None] = self._clock.after(length, self._containers_run, worker, plan.hooks)

    def _init_failed(self, worker: PodWorker, container: Container, failure: Failure) -> None:
        """A run of an init container has ended badly."""
        del worker.timers[None]
        self._planner.struck(worker.pod, container, failure)
        self._loop.died(worker, container, failure.reason, failure.exit_code)

    def end_with_sync(self, worker: PodWorker) -> tuple[Stage, ...]:
        """The pod is to be stopped: its set-up ends with the sync that is under way; returns what is left of it."""
        if worker.plan is None:
            return ()
        now = self._clock.now
        began, plan = worker.plan
        place = plan.sync_ends(now - began)
        if place is None:
            return plan.after(now - began)
        container = plan.containers[place]
        if (timer := worker.timers.pop(None, None)) is not None:
            timer.cancel()
        if not plan.in_sync(now - began):
            self._last_started(worker, container)
            return ()
        ends = end_of(plan.stages[:place], began)
        assert ends is not None
        worker.timers[None] = self._clock.at(ends, self._sync_ends, worker, container)
        plan = SetUpPlan(plan.stages[:place], plan.containers[:place])
        worker.plan = began, plan
        return plan.after(now - began)

    def _sync_ends(self, worker: PodWorker, container: Container) -> None:
        worker.timers.pop(None)
        if container.kind is ContainerKind.SIDECAR:
            container.since = self._clock.now
        self._last_started(worker, container)
        self._loop.sync(worker)

    def _last_started(self, worker: PodWorker, container: Container) -> None:
        """An init container or a sidecar has been started, and nothing else will be."""
        kind = StageKind.SIDECAR if container.kind is ContainerKind.SIDECAR else StageKind.INIT
        stage = Stage(StageName(kind, container.spec.name), None)
        worker.plan = self._clock.now, SetUpPlan((stage,), (container,))

    # -- images --------------------------------------------------------------------------------------------

    def _ask(self, worker: PodWorker, container: Container) -> None:
        """Ask for the image of a container whose turn it is now."""
        worker.timers.pop(None, None)
        pod, node, now = worker.pod, worker.node, self._clock.now
        if not self._images.shares_registry:
            self._proceed(
                worker, container.order, lambda stages: SetUpContinued(now, pod.last, pod.ref, "", stages)
            )
            return
        failure = self.pull_back_off.failure(container) if needs_pull(container.spec, node, now) else None
        if failure is not None:
            stages = self.pull_back_off.turn(worker, container, failure[0])
            self.pull_back_off.wait(worker, container, *failure, stages)
            return
        image, in_place = container.spec.image, worker.in_place

        def answer(take: Callable[..., None], *args: Any) -> None:
            if worker.sync is not Sync.SETTING_UP or worker.in_place != in_place:
                return  # nobody waits for it any more
            if node.kubelet_runs:
                take(worker, container, *args)
            else:
                worker.hold(None, lambda at: self._clock.at(at, take, worker, container, *args))

        warm = self._planner.image_warm(pod, image)
        self._images.pull(
            node,
            Request(image, warm, partial(answer, self._pulled), partial(answer, self.pull_back_off.refused)),
        )

    def _pulled(self, worker: PodWorker, container: Container, cold: bool) -> None:
        """The image is there; when it was there before, no bytes were transferred."""
        worker.timers.pop(None, None)
        pod, now, image = worker.pod, self._clock.now, container.spec.image
        size = self._images.size(image) if cold else 0
        name = StageName(StageKind.IMAGE, image)
        self._proceed(
            worker,
            container.order,
            lambda stages: TransferDone(now, pod.last, pod.ref, name, size, stages),
            pulled=True,
        )

    def _pull_again(self, worker: PodWorker, container: Container) -> None:
        """The pod may pull again."""
        pod, now = worker.pod, self._clock.now
        pod.failure = ""
        self._proceed(
            worker,
            container.order,
            lambda stages: ImagePullRetried(now, pod.last, pod.ref, worker.node.name, stages),
        )

    # -- containers ----------------------------------------------------------------------------------------

    def _containers_run(self, worker: PodWorker, failed: tuple[FailedHook, ...]) -> None:
        """All containers of the pod run for the first time: the probes begin, the barrier may open.

        Those whose postStart hooks have `failed` have been killed for it by now.
        """
        pod = worker.pod
        worker.timers.pop(None, None)
        worker.plan = None
        if (missing := self.objects.environment(worker)) is not None and not worker.to_stop:
            self.objects.wait(worker, missing, partial(self._containers_run, worker, failed))
            return
        self.objects.over(worker)
        worker.sync = Sync.RUNNING
        if isinstance(pod.failure, InitReason):
            pod.failure = ""
        if pod.state is PodState.DELETING and not worker.to_stop:
            return  # it is cut off: its kubelet has yet to hear that it shall stop
        pod.last = self._history.append(ContainersRunning(self._clock.now, pod.last, pod.ref, pod.restarts))
        for hook in failed:
            hook.container.dead = True
        if worker.to_stop:
            self._loop.sync(worker)
            return
        pod.state = PodState.RUNNING
        if not worker.engine.dead:
            self._engines.arrive(worker)
        for container in worker.containers:
            if container.probed and container.prober is None:  # else a sidecar that is being watched
                if container.dead:
                    self._probes.open(worker, container)
                else:
                    self._probes.first_start(worker, container)
        for hook in failed:
            self._loop.hook_failed(worker, hook)
        self._loop.sync(worker)

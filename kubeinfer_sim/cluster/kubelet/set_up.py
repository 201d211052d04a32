"""A pod's way from its binding to running containers: images, init containers, sidecars, containers."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from kubeinfer_sim.cluster.kubelet.backoff import (
    ImageBackoff,
    PodWorkerRetry,
)
from kubeinfer_sim.cluster.kubelet.image_manager import QPS_EXCEEDED, Request, Turn
from kubeinfer_sim.cluster.kubelet.image_pull import next_attempt
from kubeinfer_sim.cluster.kubelet.restarts import Restarts
from kubeinfer_sim.cluster.kubelet.start_faults import Failure
from kubeinfer_sim.cluster.kubelet.start_stages import FailedHook, SetUpPlan, end_of, needs_pull
from kubeinfer_sim.cluster.kubelet.state import RUNNING_SINCE, ImageLess
from kubeinfer_sim.cluster.node import Node
from kubeinfer_sim.cluster.pod import Pod, PodState
from kubeinfer_sim.cluster.records import (
    ContainersRunning,
    ImagePullFailed,
    ImagePullRetried,
    PodBound,
    SetUpContinued,
    TransferDone,
)
from kubeinfer_sim.cluster.stages import Stage, StageKind, StageName
from kubeinfer_sim.engine.history import Record
from kubeinfer_sim.manifest.model import Container

#: The timer of what a pod's set-up waits for.
SET_UP = "setUp"

#: What keeps a pod from running whose set-up does not end.
NEVER_ENDS = {
    StageKind.IMAGE: "ImagePullNeverEnds",
    StageKind.POST_START: "PostStartHookNeverEnds",
}


class SetUp(Restarts):
    """Sets pods up."""

    def pod_bound(self, pod: Pod) -> None:
        """A pod was bound to a node; its kubelet sets it up as soon as it hears of it."""
        node = pod.node
        assert node is not None
        if pod.state is PodState.RUNNING:
            self._adopt(pod, node)
        elif node.reachable:
            self._set_up(pod, node)
        else:
            self._unheard[pod] = None
            pod.last = self._history.append(PodBound(self._clock.now, pod.last, pod.ref, node.name, ()))

    def _set_up(self, pod: Pod, node: Node) -> None:
        """The kubelet begins with a pod: its probes' ticks are counted from now."""
        now = pod.added_at = self._clock.now
        if pod.sidecars:  # of an attempt that ended with its machine
            pod.waits = None
            pod.sidecars.clear()
            pod.dead.clear()
        if self._born_sick is not None:
            pod.sick |= self._born_sick(pod, now)
        self._proceed(pod, 0, lambda stages: PodBound(now, pod.last, pod.ref, node.name, stages))

    def _proceed(
        self,
        pod: Pod,
        first: int,
        record: Callable[[tuple[Stage, ...]], Record],
        *,
        pulled: bool = False,
    ) -> None:
        """Go on with this container, whose image is there if it was `pulled`; `record` tells what lies ahead."""
        node = pod.node
        assert node is not None
        shared = self._images.shares_registry
        got: tuple[Stage, ...] | None = () if pulled else None
        every = (*pod.template.init_containers, *pod.template.containers)
        container = every[first] if first < len(every) else None
        if container is not None and not pulled and needs_pull(container, node, self._clock.now):
            failure = self._image_failure(container, node)
            if failure is None and not shared:
                turn = self._turn(pod, node, container.image)
                if turn.refused:
                    pod.last = self._history.append(record(turn.stages))
                    waits = end_of(turn.stages, 0)
                    assert waits is not None
                    pod.timers[SET_UP] = self._clock.after(waits, self._pull_refused, pod, first)
                    return
                got = turn.stages
            elif failure is not None:
                pod.last = self._history.append(record(()))
                self._without_image(pod, first, container.image, *failure)
                return
        plan = self._draws.containers(pod, node, self._clock.now, shared=shared, first=first, pulled=got)
        pod.last = self._history.append(record(plan.stages))
        self._go_through(pod, plan)

    def _turn(self, pod: Pod, node: Node, image: str) -> Turn:
        draws = self._draws
        return self._images.turn(
            node, image, lambda: draws.image_cold(pod, image), lambda: draws.image_warm(pod, image)
        )

    def _image_failure(self, container: Container, node: Node) -> tuple[str, str] | None:
        """Reason and message, when the image cannot be had that has to be asked for now."""
        if container.image_pull_policy == "Never":
            return "ErrImageNeverPull", "it is not on the node, and its pull policy is Never"
        why = self._registry.refuses(container.image)
        return ("ImagePullBackOff", why) if why else None

    def _without_image(self, pod: Pod, index: int, image: str, reason: str, message: str) -> None:
        """The kubelet retries for ever; nothing comes of it until somebody changes the image, so no event does."""
        now = self._clock.now
        self._imageless[pod] = ImageLess(index, image, now, reason)
        self._api.stuck(pod, reason)
        pod.last = self._history.append(ImagePullFailed(now, pod.last, pod.ref, image, message))

    def break_images(self, images: Iterable[str], *, broken: bool) -> None:
        """Pulls of these images (none given: of all) fail from now on, or succeed again."""
        self._registry.set(images, broken=broken)
        now = self._clock.now
        for pod, lacks in list(self._imageless.items()):
            if SET_UP in pod.timers:
                continue  # it waits for its next attempt
            if lacks.reason == "ImagePullBackOff" and not self._registry.refuses(lacks.image):
                when = next_attempt(lacks.since, now, ImageBackoff(), self._pull_retry(pod))
                pod.timers[SET_UP] = self._clock.at(when, self._try_again, pod)

    def _pull_retry(self, pod: Pod) -> PodWorkerRetry:
        return PodWorkerRetry(self._kubernetes, self._streams.named(f"pull/{pod.stream_name}"))

    def _try_again(self, pod: Pod) -> None:
        """The next attempt of a pod whose image could not be pulled, after its back-off."""
        del pod.timers[SET_UP]
        assert pod.node is not None
        lacks = self._imageless[pod]
        if not self._registry.refuses(lacks.image):
            del self._imageless[pod]
            self._pull_again(pod, lacks.index)

    def _pull_again(self, pod: Pod, index: int) -> None:
        """The pod may pull again."""
        pod.failure = ""
        node, now = pod.node, self._clock.now
        assert node is not None
        self._proceed(pod, index, lambda stages: ImagePullRetried(now, pod.last, pod.ref, node.name, stages))

    def _pull_refused(self, pod: Pod, index: int) -> None:
        """The node has pulled too many images at once: this pod tries again after its back-off."""
        pod.timers.pop(SET_UP, None)
        now = self._clock.now
        image = self._image_of(pod, index)
        pod.failure = "ImagePullBackOff"
        pod.last = self._history.append(ImagePullFailed(now, pod.last, pod.ref, image, QPS_EXCEEDED))
        back_off = self._pull_back_offs.setdefault((pod, image), ImageBackoff())
        when = next_attempt(now, now + 1, back_off, self._pull_retry(pod))
        pod.timers[SET_UP] = self._clock.at(when, self._refused_again, pod, index)

    def _refused_again(self, pod: Pod, index: int) -> None:
        del pod.timers[SET_UP]
        self._pull_again(pod, index)

    @staticmethod
    def _image_of(pod: Pod, index: int) -> str:
        return (*pod.template.init_containers, *pod.template.containers)[index].image

    def _go_through(self, pod: Pod, plan: SetUpPlan) -> None:
        """The pod is in these stages of its set-up, the first of which begins now."""
        if pod.template.init_containers:
            pod.plan = self._clock.now, plan
        if plan.watched is not None:
            before = end_of(plan.stages[:-1], 0)
            assert before is not None
            pod.timers[SET_UP] = self._clock.after(before, self._start_sidecar, pod, plan.watched)
            return
        if plan.pull is not None:
            known = plan.stages[:-1] if self._images.shares_registry else plan.stages
            before = end_of(known, 0)
            assert before is not None
            if before:
                pod.timers[SET_UP] = self._clock.after(before, self._ask, pod, plan.pull)
            else:
                self._ask(pod, plan.pull)
            return
        length = end_of(plan.stages, 0)
        if length is None:
            endless = next(stage.name.kind for stage in plan.stages if stage.duration is None)
            self._api.stuck(pod, NEVER_ENDS.get(endless, "InitNeverEnds"))
        elif (failure := plan.failure) is not None:
            pod.timers[SET_UP] = self._clock.after(length, self._init_failed, pod, plan.places[-1], failure)
        elif plan.hooks and plan.hooks[0].container >= len(pod.template.containers):
            pod.timers[SET_UP] = self._clock.after(length, self._sidecar_hook_failed, pod, plan.hooks[0])
        elif plan.hooks:
            pod.timers[SET_UP] = self._clock.after(length, self._containers_run, pod, plan.hooks)
        else:
            pod.timers[SET_UP] = self._clock.after(length, self._containers_run, pod)

    def _start_sidecar(self, pod: Pod, place: int) -> None:
        """A sidecar is started whose checks do not answer as they should."""
        raise NotImplementedError

    def _sidecar_hook_failed(self, pod: Pod, hook: FailedHook) -> None:
        """A sidecar has been killed since its postStart hook failed."""
        raise NotImplementedError

    def _init_failed(self, pod: Pod, place: int, failure: Failure) -> None:
        """A run of an init container has ended badly."""
        raise NotImplementedError

    def _ask(self, pod: Pod, index: int) -> None:
        """Ask for the image of one container (init containers counted first), whose turn it is now."""
        pod.timers.pop(SET_UP, None)
        node, now = pod.node, self._clock.now
        assert node is not None
        if not self._images.shares_registry:
            self._proceed(pod, index, lambda stages: SetUpContinued(now, pod.last, pod.ref, "", stages))
            return
        container = (*pod.template.init_containers, *pod.template.containers)[index]
        failure = self._image_failure(container, node) if needs_pull(container, node, now) else None
        if failure is not None:
            self._without_image(pod, index, container.image, *failure)
            return
        image, in_place = container.image, pod.in_place

        def under_way() -> bool:
            return pod.state is PodState.PULLING and pod.node is node and pod.in_place == in_place

        self._images.pull(
            node,
            Request(
                image,
                self._draws.image_warm(pod, image),
                lambda cold: self._pulled(pod, index, image, cold=cold) if under_way() else None,
                lambda: self._pull_refused(pod, index) if under_way() else None,
            ),
        )

    def _pulled(self, pod: Pod, index: int, image: str, *, cold: bool) -> None:
        """The image is there; when it was there before, no bytes were transferred."""
        now, size = self._clock.now, self._images.size(image) if cold else 0
        self._proceed(
            pod,
            index,
            lambda stages: TransferDone(
                now, pod.last, pod.ref, StageName(StageKind.IMAGE, image), size, stages
            ),
            pulled=True,
        )

    def _adopt(self, pod: Pod, node: Node) -> None:
        """The pod ran and was ready long before the simulation began."""
        pod.added_at = pod.serving_at = pod.weights_at = RUNNING_SINCE
        pod.started = pod.ready = True
        for container in (*pod.template.init_containers, *pod.template.containers):
            node.images.setdefault(container.image, RUNNING_SINCE)
        node.page_cache[pod.weights_key] = RUNNING_SINCE
        node.graphs[pod.revision, pod.ref.role] = RUNNING_SINCE
        pod.barrier.arrive(pod)

    def _containers_run(self, pod: Pod, failed: tuple[FailedHook, ...] = ()) -> None:
        """All containers of the pod run for the first time: the probes begin, the barrier may open.

        Those whose postStart hooks have `failed` have been killed for it by now.
        """
        del pod.timers[SET_UP]
        pod.plan = None
        if pod.failure.startswith("Init:"):
            pod.failure = ""
        if pod.state is PodState.DELETING:
            # It is cut off: its kubelet has yet to hear that it shall stop.
            self._to_stop[pod] = PodState.RUNNING
            return
        pod.state = PodState.RUNNING
        pod.last = self._history.append(ContainersRunning(self._clock.now, pod.last, pod.ref, pod.restarts))
        pod.dead.update(hook.container for hook in failed)
        for other in self._arrive(pod) if pod.engine not in pod.dead else ():
            if other is not pod:
                self._in_sight(other)
        for index, container in enumerate(pod.containers):
            if index in pod.probers:
                continue  # a sidecar that is being watched
            if container.startup_probe or container.liveness_probe or container.readiness_probe:
                if index in pod.dead:
                    pod.probers[index] = self._prober(pod, container)
                else:
                    pod.probers[index] = self._first_prober(pod, index, container)
        for hook in failed:
            self._hook_failed(pod, hook)
        self._follow(pod)

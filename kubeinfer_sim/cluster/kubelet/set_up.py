"""A pod's way from its binding to running containers: images, init containers, sidecars, containers."""

from __future__ import annotations

from collections.abc import Iterable

from kubeinfer_sim.cluster.backoff import (
    ImageBackoff,
    PodWorkerRetry,
)
from kubeinfer_sim.cluster.image_pull import next_attempt
from kubeinfer_sim.cluster.kubelet.restarts import Restarts
from kubeinfer_sim.cluster.kubelet.state import RUNNING_SINCE
from kubeinfer_sim.cluster.node import Node
from kubeinfer_sim.cluster.pod import Pod, PodState
from kubeinfer_sim.cluster.records import (
    ContainersRunning,
    ImagePullFailed,
    ImagePullRetried,
    PodBound,
    TransferDone,
)
from kubeinfer_sim.cluster.start_faults import Failure
from kubeinfer_sim.cluster.start_stages import SetUpPlan, end_of

#: The timer of what a pod's set-up waits for.
SET_UP = "setUp"


class SetUp(Restarts):
    """Sets pods up."""

    def add_pod(self, pod: Pod, node: Node) -> None:
        """A pod was bound to a node; its kubelet sets it up as soon as it hears of it."""
        pod.node, pod.state = node, PodState.PULLING
        node.pods[pod] = None
        if node.reachable:
            self._set_up(pod, node)
        else:
            self._unheard[pod] = None
            pod.last = self._history.append(PodBound(self._clock.now, pod.last, pod.ref, node.name, ()))
        for watcher in self.watchers:
            watcher.pod_bound(pod)

    def _set_up(self, pod: Pod, node: Node) -> None:
        """The kubelet begins with a pod: its probes' ticks are counted from now."""
        now = pod.added_at = self._clock.now
        if pod.sidecars:  # of an attempt that ended with its machine
            pod.waits = None
            pod.sidecars.clear()
            pod.dead.clear()
        if self._born_sick is not None:
            pod.sick |= self._born_sick(pod, now)
        failure = self._image_failure(pod, node)
        plan = SetUpPlan((), ()) if failure else self._planned(pod)
        pod.last = self._history.append(PodBound(now, pod.last, pod.ref, node.name, plan.stages))
        if failure is None:
            self._go_through(pod, plan)
            return
        # The kubelet retries for ever; nothing comes of it until somebody changes the image, so no event does.
        reason, image, message = failure
        self._imageless[pod] = image, now
        self._stuck(pod, reason)
        pod.last = self._history.append(ImagePullFailed(now, pod.last, pod.ref, image, message))

    def _planned(self, pod: Pod, first: int = 0, *, pulled: bool = False) -> SetUpPlan:
        """What lies ahead from this container on; with `pulled`, its image is there."""
        assert pod.node is not None
        shared = self._images.shares_registry
        return self._draws.containers(
            pod, pod.node, self._clock.now, shared=shared, first=first, pulled=pulled
        )

    def _image_failure(self, pod: Pod, node: Node) -> tuple[str, str, str] | None:
        """Reason, image and message of the first image the pod cannot have; None when it can have all."""
        for container in (*pod.template.init_containers, *pod.template.containers):
            image, policy = container.image, container.image_pull_policy
            present = image in node.images
            if policy == "Never":
                if not present:
                    return "ErrImageNeverPull", image, "it is not on the node, and its pull policy is Never"
            elif (policy == "Always" or not present) and (why := self._registry.refuses(image)):
                return "ImagePullBackOff", image, why
        return None

    def break_images(self, images: Iterable[str], *, broken: bool) -> None:
        """Pulls of these images (none given: of all) fail from now on, or succeed again."""
        self._registry.set(images, broken=broken)
        now = self._clock.now
        for pod, (image, since) in list(self._imageless.items()):
            if pod.failure == "ImagePullBackOff" and not self._registry.refuses(image):
                retry = PodWorkerRetry(self._minor, self._streams.named(f"pull/{pod.stream_name}"))
                when = next_attempt(since, now, ImageBackoff(), retry)
                pod.timers[SET_UP] = self._clock.at(when, self._try_again, pod)

    def _try_again(self, pod: Pod) -> None:
        """The next attempt of a pod whose image could not be pulled, after its back-off."""
        del pod.timers[SET_UP]
        assert pod.node is not None
        _, since = self._imageless.pop(pod)
        if (failure := self._image_failure(pod, pod.node)) is not None:
            self._imageless[pod] = failure[1], since
            return
        pod.failure = ""
        plan = self._planned(pod)
        pod.last = self._history.append(
            ImagePullRetried(self._clock.now, pod.last, pod.ref, pod.node.name, plan.stages)
        )
        self._go_through(pod, plan)

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
            before = end_of(plan.stages[:-1], 0)
            if before == 0:
                self._pull(pod, plan.pull)
            elif before is not None:
                pod.timers[SET_UP] = self._clock.after(before, self._pull, pod, plan.pull)
            return
        length = end_of(plan.stages, 0)
        if length is None:
            endless = next(stage.name for stage in plan.stages if stage.duration is None)
            self._stuck(pod, "ImagePullNeverEnds" if endless.startswith("image ") else "InitNeverEnds")
        elif (failure := plan.failure) is not None:
            pod.timers[SET_UP] = self._clock.after(length, self._init_failed, pod, plan.places[-1], failure)
        else:
            pod.timers[SET_UP] = self._clock.after(length, self._containers_run, pod)

    def _start_sidecar(self, pod: Pod, place: int) -> None:
        """A sidecar is started whose checks do not answer as they should."""
        raise NotImplementedError

    def _init_failed(self, pod: Pod, place: int, failure: Failure) -> None:
        """A run of an init container has ended badly."""
        raise NotImplementedError

    def _pull(self, pod: Pod, index: int) -> None:
        """Pull the image of one container (init containers counted first) over the shared registry."""
        pod.timers.pop(SET_UP, None)
        assert pod.node is not None
        containers = (*pod.template.init_containers, *pod.template.containers)
        image = containers[index].image
        self._images.pull(pod.node, image, lambda: self._pulled(pod, index, image))

    def _pulled(self, pod: Pod, index: int, image: str) -> None:
        if pod.state is not PodState.PULLING or pod.node is None:
            return
        now = self._clock.now
        plan = self._planned(pod, index, pulled=True)
        pod.last = self._history.append(
            TransferDone(now, pod.last, pod.ref, f"image {image}", self._images.size(image), plan.stages)
        )
        self._go_through(pod, plan)

    def adopt(self, pod: Pod, node: Node) -> None:
        """The pod ran and was ready long before the simulation began."""
        pod.node, pod.state = node, PodState.RUNNING
        pod.added_at = pod.serving_at = pod.weights_at = RUNNING_SINCE
        pod.started = pod.ready = pod.was_ready = True
        node.pods[pod] = None
        for container in (*pod.template.init_containers, *pod.template.containers):
            node.images.setdefault(container.image, RUNNING_SINCE)
        node.page_cache[pod.weights_key] = RUNNING_SINCE
        node.graphs[pod.revision, pod.ref.role] = RUNNING_SINCE
        pod.barrier.arrive(pod)
        for watcher in self.watchers:
            watcher.pod_bound(pod)

    def _containers_run(self, pod: Pod) -> None:
        """All containers of the pod run for the first time: the probes begin, the barrier may open."""
        del pod.timers[SET_UP]
        pod.plan = None
        if pod.failure.startswith("Init:"):
            pod.failure = ""
        pod.state = PodState.RUNNING
        pod.last = self._history.append(ContainersRunning(self._clock.now, pod.last, pod.ref, pod.restarts))
        for other in self._arrive(pod):
            if other is not pod:
                self._in_sight(other)
        for index, container in enumerate(pod.containers):
            if index in pod.probers:
                continue  # a sidecar that is being watched
            if container.startup_probe or container.liveness_probe or container.readiness_probe:
                pod.probers[index] = self._first_prober(pod, index, container)
        self._follow(pod)

"""Pods in ImagePullBackOff: the name of an image is none, nobody has it, the registry is down, or too busy.

What breaks the registry causes that a pull stalls or fails; it only holds the pod up, so that what becomes of the pod
then follows, as before, from what set it up.

Source: pkg/kubelet/images/image_manager.go. How long a back-off lasts is in `backoff`, when a pod tries again in
`image_pull`.
"""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace

from kubeinfer_sim.cluster.kubelet.backoff import ImageBackoff
from kubeinfer_sim.cluster.kubelet.container import Container
from kubeinfer_sim.cluster.kubelet.image_manager import QPS_EXCEEDED, ImageManager
from kubeinfer_sim.cluster.kubelet.image_pull import ImageError, PullRetries, never_pulled
from kubeinfer_sim.cluster.kubelet.pod_worker import ImageWait, PodWorker
from kubeinfer_sim.cluster.kubelet.services import Services
from kubeinfer_sim.cluster.kubelet.set_up_plan import SetUpPlan
from kubeinfer_sim.cluster.kubelet.sync_loop import SyncLoop
from kubeinfer_sim.cluster.records import ImagePullFailed, ImagePullStalled
from kubeinfer_sim.cluster.stages import Stage, end_of
from kubeinfer_sim.engine.history import NO_CAUSE, Record
from kubeinfer_sim.manifest.kubernetes.images import reference_error


class ImagePullBackOff:
    """The back-offs of pulls that fail; `pull_again(worker, container)` goes on with a pod that may pull again."""

    def __init__(
        self,
        services: Services,
        images: ImageManager,
        retries: PullRetries,
        pull_again: Callable[[PodWorker, Container], None],
        loop: SyncLoop,
    ) -> None:
        self._clock = services.clock
        self._history = services.history
        self._status = services.status
        self._images = images
        self._registry = images.registry
        self._retries = retries
        self._pull_again = pull_again
        self._loop = loop
        self._waiting: dict[PodWorker, None] = {}

    def failure(self, container: Container) -> tuple[ImageError, str] | None:
        """Reason and message, when the image cannot be had that has to be asked for now."""
        image = container.spec.image
        match never_pulled(container.spec):
            case ImageError.INVALID_NAME as error:
                parsed = f'couldn\'t parse image name "{image}": {reference_error(image)}'
                return error, f'Failed to apply default image tag "{image}": {parsed}'
            case ImageError.NEVER_PULL as error:
                return error, "it is not on the node, and its pull policy is Never"
        why = self._registry.refuses(image)
        return (ImageError.BACK_OFF, why) if why else None

    def turn(self, worker: PodWorker, container: Container, reason: ImageError) -> tuple[Stage, ...]:
        """The stages a pod goes through until its pull has failed; none where it fails at once."""
        image = container.spec.image
        if reason is not ImageError.BACK_OFF or not self._registry.fails_after(image):
            return ()
        return self._images.failing_turn(worker.node, image).stages

    def wait(
        self,
        worker: PodWorker,
        container: Container,
        reason: ImageError,
        message: str,
        stages: tuple[Stage, ...],
    ) -> None:
        """The kubelet retries for ever; nothing comes of it until somebody changes the image.

        So nothing is an event, unless a pull goes through `stages` to fail: then it keeps others waiting.
        """
        now = self._clock.now
        if stages:
            worker.plan = now, SetUpPlan(stages, (container,) * len(stages))
            length = end_of(stages, 0)
            if length is not None:
                took = stages[-1].duration
                worker.timers[None] = self._clock.after(
                    length, self._failed, worker, container, message, took
                )
            if worker.image_wait is None:
                self._tell(
                    worker,
                    lambda cause: ImagePullStalled(
                        now, cause, worker.pod.ref, container.spec.image, message, stages[-1].duration or 0
                    ),
                    container.spec.image,
                )
            return
        worker.plan = None
        self._begin(worker, container, reason, message, 0)
        if worker.to_stop:
            self._loop.sync(worker)

    def _begin(
        self, worker: PodWorker, container: Container, reason: ImageError, message: str, took: int
    ) -> None:
        """Its first pull has failed, which `took` so long."""
        now, pod = self._clock.now, worker.pod
        worker.image_wait = ImageWait(container, now - took, reason)
        self._waiting[worker] = None
        self._status.stuck(pod, reason)
        image = container.spec.image
        self._tell(
            worker,
            lambda cause: ImagePullFailed(now, cause, pod.ref, image, message, reason, took),
            image if reason is ImageError.BACK_OFF else "",
        )

    def _tell(self, worker: PodWorker, record: Callable[[int], Record], image: str) -> None:
        """Record what follows from what broke the registry; where nothing did, or the image is none, from the pod."""
        pod, cause = worker.pod, self._registry.cause(image) if image else NO_CAUSE
        if cause == NO_CAUSE:
            pod.last = self._history.append(record(pod.last))
        else:
            self._history.append(record(cause))

    def _failed(self, worker: PodWorker, container: Container, message: str, took: int) -> None:
        """A pull has failed that took a time to do so."""
        del worker.timers[None]
        worker.plan = None
        if worker.image_wait is None:
            self._begin(worker, container, ImageError.BACK_OFF, message, took)
        if worker.to_stop:
            self._loop.sync(worker)
            return
        wait = worker.image_wait
        assert wait is not None
        when = self._retries.next(worker.pod, wait.since, self._clock.now, takes=took)
        worker.timers[None] = self._clock.at(when, self._try_again, worker)

    def registry_changed(self) -> None:
        """Pods whose image can be had again try it at their next attempt."""
        now = self._clock.now
        for worker in list(self._waiting):
            wait = worker.image_wait
            assert wait is not None
            if None in worker.timers:
                continue  # it waits for its next attempt
            if wait.reason == ImageError.BACK_OFF and not self._registry.refuses(wait.container.spec.image):
                when = self._retries.next(worker.pod, wait.since, now)
                worker.timers[None] = self._clock.at(when, self._try_again, worker)

    def _try_again(self, worker: PodWorker) -> None:
        """The next attempt of a pod whose image could not be pulled, after its back-off."""
        del worker.timers[None]
        wait = worker.image_wait
        assert wait is not None
        why = self._registry.refuses(wait.container.spec.image)
        if not why:
            self.forget(worker)
            self._pull_again(worker, wait.container)
        elif stages := self.turn(worker, wait.container, wait.reason):
            self.wait(worker, wait.container, wait.reason, why, stages)

    def refused(self, worker: PodWorker, container: Container) -> None:
        """The node has pulled too many images at once: this pod tries again after its back-off."""
        worker.timers.pop(None, None)
        worker.plan = None
        now, pod, image = self._clock.now, worker.pod, container.spec.image
        pod.failure = ImageError.BACK_OFF
        pod.last = self._history.append(
            ImagePullFailed(now, pod.last, pod.ref, image, QPS_EXCEEDED, ImageError.BACK_OFF)
        )
        if worker.to_stop:
            self._loop.sync(worker)
            return
        if worker.pull_back_offs is None:
            worker.pull_back_offs = {}
        back_off = worker.pull_back_offs.setdefault(image, ImageBackoff())
        when = self._retries.next(pod, now, now + 1, back_off)
        worker.timers[None] = self._clock.at(when, self._refused_again, worker, container)

    def _refused_again(self, worker: PodWorker, container: Container) -> None:
        del worker.timers[None]
        self._pull_again(worker, container)

    def forget(self, worker: PodWorker) -> None:
        """The pod waits for no image."""
        if worker.image_wait is not None:
            worker.image_wait = None
            del self._waiting[worker]

    def kubelet_restarted(self, worker: PodWorker) -> None:
        """A new kubelet, which remembers no back-off, tries at once."""
        if worker.image_wait is not None:
            worker.image_wait = replace(worker.image_wait, since=self._clock.now)

"""Containers with pull policy Always ask the registry each time they are started, in place, too.

The image is on the node, so nothing is transferred; but without an answer of the registry the container is not started
(pkg/kubelet/images/image_manager.go, EnsureImageExists): it waits with ImagePullBackOff until the registry is back.
"""

from __future__ import annotations

from collections.abc import Iterable

from kubeinfer_sim.cluster.kubelet.backoff import ImageBackoff
from kubeinfer_sim.cluster.kubelet.image_pull import next_attempt
from kubeinfer_sim.cluster.kubelet.set_up import SetUp
from kubeinfer_sim.cluster.pod import Pod
from kubeinfer_sim.cluster.records import ImagePullFailed


class RestartPulls(SetUp):
    """Asks for the images of containers that are started again."""

    def _start_after(self, pod: Pod, index: int, start_at: int, *, hidden: bool) -> None:
        if pod.containers[index].image_pull_policy != "Always":
            super()._start_after(pod, index, start_at, hidden=hidden)
        elif start_at == self._clock.now:
            self._ask_again(pod, index, start_at, hidden)
        else:
            pod.timers[index] = self._clock.at(start_at, self._ask_again, pod, index, start_at, hidden)

    def _ask_again(self, pod: Pod, index: int, since: int, hidden: bool) -> None:
        """Ask the registry; the first attempt of this start was at `since`."""
        now = self._clock.now
        pod.timers.pop(index, None)
        image = pod.containers[index].image
        asked_before = self._unstarted.pop((pod, index), None) is not None
        if not (why := self._registry.refuses(image)):
            asked = self._draws.image_warm(pod, image)
            if asked is not None:
                super()._start_after(pod, index, now + asked, hidden=hidden)
            return
        self._unstarted[pod, index] = since
        if asked_before:
            return
        if hidden and index in pod.probers:
            self._exact(pod, index).container_died(now)  # killed, and not started within the same sync
        pod.last = self._history.append(ImagePullFailed(now, pod.last, pod.ref, image, why))
        if pod.node is None or pod.node.reachable:
            self._api.stuck(pod, "ImagePullBackOff")

    def break_images(self, images: Iterable[str], *, broken: bool) -> None:
        """As for pods that are being set up; containers that wait for the registry try again after their back-off."""
        super().break_images(images, broken=broken)
        now = self._clock.now
        for (pod, index), since in list(self._unstarted.items()):
            if index not in pod.dead or pod.node is None or not pod.node.alive:
                del self._unstarted[pod, index]  # the pod, or its machine, is gone meanwhile
            elif index not in pod.timers and not self._registry.refuses(pod.containers[index].image):
                when = next_attempt(since, now, ImageBackoff(), self._pull_retry(pod))
                pod.timers[index] = self._clock.at(when, self._ask_again, pod, index, since, False)

"""How long a stage of a pod's life takes this time: drawn from a stream named after the pod and the stage."""

from __future__ import annotations

from kubeinfer_sim.cluster.pod import Pod
from kubeinfer_sim.engine.streams import Streams
from kubeinfer_sim.manifest.model import Container
from kubeinfer_sim.scenario.timings.distribution import Distribution
from kubeinfer_sim.scenario.timings.distributions import Constant


class StageDraws:
    """Draws lengths of stages; constants draw nothing."""

    __slots__ = ("_named",)

    def __init__(self, streams: Streams) -> None:
        self._named = streams.named

    def draw(self, distribution: Distribution, pod: Pod, stage: str) -> int | None:
        """One length in ms of `stage` for `pod`; None when it never ends."""
        if type(distribution) is Constant:
            return distribution.value  # most stages of most scenarios: not even a stream is named
        return distribution.sample(self._named(f"stage/{stage}/{pod.stream_name}/{pod.restarts}"))

    def own_start(self, pod: Pod, container: Container, at: int) -> int | None:
        """From when on the checks of a container that runs no engine, and is started at `at`, pass; None: never."""
        image = container.image
        if not pod.has_own_timings(image):
            return at
        length = self.draw(pod.timings_of(image).framework_import, pod, f"import/{container.name}")
        return None if length is None else at + length

    def relist(self, pod: Pod, container: Container) -> int:
        """How long it takes until the kubelet's next relist sees what has become of a container, in ms."""
        length = pod.timings.relist
        if type(length) is Constant:
            return length.value
        return self.draw(length, pod, f"relist/{container.name}") or 0

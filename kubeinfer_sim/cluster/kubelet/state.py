"""What all kubelets know, and whom they tell."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from kubeinfer_sim.cluster.environment import Environment
from kubeinfer_sim.cluster.kubelet.backoff import ImageBackoff
from kubeinfer_sim.cluster.kubelet.container_runs import ContainerRuns
from kubeinfer_sim.cluster.kubelet.image_manager import ImageManager, Registry
from kubeinfer_sim.cluster.kubelet.shared_link import SharedLink
from kubeinfer_sim.cluster.kubelet.start_faults import StartFaults
from kubeinfer_sim.cluster.kubelet.start_stages import StageDraws
from kubeinfer_sim.cluster.pod import Pod, PodState
from kubeinfer_sim.cluster.prober import (
    ContainerProber,
    Segment,
)
from kubeinfer_sim.cluster.prober.forecast import Forecasts
from kubeinfer_sim.engine.clock import Timer
from kubeinfer_sim.manifest.releases import Release
from kubeinfer_sim.scenario.model import CrashBackOff, Transfers

#: How long before time 0 the pods that run at the start were set up: long enough for any probe to have settled.
RUNNING_SINCE = -86_400_000

#: Why the kubelet kills a container on its own.
PROBE_KILLS = ("StartupProbeFailed", "LivenessProbeFailed")


@dataclass(frozen=True, slots=True)
class ImageLess:
    """The container (init containers counted first) whose image cannot be had, since when (ms), and why."""

    index: int
    image: str
    since: int
    reason: str


class KubeletState:
    """The state that the parts of the kubelet share."""

    def __init__(
        self,
        env: Environment,
        *,
        broken_images: frozenset[str],
        kubernetes: Release,
        transfers: Transfers,
        crash_back_off: CrashBackOff,
        start_faults: StartFaults | None = None,
        born_sick: Callable[[Pod, int], dict[str, Segment]] | None = None,
    ) -> None:
        self._clock = clock = env.clock
        self._history = env.history
        self._streams = streams = env.streams
        self._api = env.api
        self._crash = crash_back_off
        self._born_sick = born_sick
        self._draws = StageDraws(streams, kubernetes, start_faults)
        self._registry = Registry(broken_images)
        # Pods whose image cannot be had, and the back-offs of those whose pulls their node refused.
        self._imageless: dict[Pod, ImageLess] = {}
        self._pull_back_offs: dict[tuple[Pod, str], ImageBackoff] = {}
        # Containers that are not started again because the registry does not answer, and since when.
        self._unstarted: dict[tuple[Pod, int], int] = {}
        self._kubernetes = kubernetes
        self._transfers = transfers
        self._images = ImageManager(clock, transfers)
        storage = transfers.storage
        self._storage = None if storage is None else SharedLink(clock, storage.bandwidth, storage.per_client)
        self._forecasts = Forecasts(
            lambda startup, liveness, readiness, added_at: ContainerProber(
                startup, liveness, readiness, added_at=added_at, kubernetes=kubernetes
            )
        )
        self._runs: dict[tuple[Pod, int], ContainerRuns] = {}
        # What a node that cannot be reached has yet to do: pods it has not heard of, and pods to stop.
        self._unheard: dict[Pod, None] = {}
        self._to_stop: dict[Pod, PodState] = {}
        # What a kubelet that does not run has yet to see or do, by container (or set-up): called with the time at which
        # it runs again, each sets its timer.
        self._held: dict[Pod, dict[int | str, Callable[[int], Timer]]] = {}

"""How fast pods work while one or more things slow them down: at the pace of the slowest."""

from __future__ import annotations

from collections.abc import Hashable

from kubeinfer_sim.cluster.environment import Environment
from kubeinfer_sim.cluster.fault_records import PodSlowed
from kubeinfer_sim.cluster.pod import Pod
from kubeinfer_sim.cluster.watcher import Watcher
from kubeinfer_sim.simulation.faults.worst import Worst


class Speeds(Watcher):
    """Keeps account of it; a change costs the same however many things slow a pod down."""

    def __init__(self, env: Environment) -> None:
        self._clock = env.clock
        self._history = env.history
        self._of: dict[Pod, Worst[Hashable]] = {}
        # What is in the engine's process, and over with it.
        self._of_process: dict[Pod, dict[Hashable, None]] = {}

    def slow(self, pod: Pod, reason: Hashable, factor: float, *, of_process: bool = False) -> None:
        """The pod works at no more than this part of its speed, `of_process` until its engine's process ends."""
        self._of.setdefault(pod, Worst()).add(reason, factor)
        if of_process:
            self._of_process.setdefault(pod, {})[reason] = None

    def end(self, pod: Pod, reason: Hashable) -> None:
        """This slows it down no more; nothing happens if it did not."""
        if pod in self._of:
            self._of[pod].discard(reason)
            self._of_process.get(pod, {}).pop(reason, None)

    def is_slowed(self, pod: Pod, reason: Hashable) -> bool:
        """Whether this slows the pod's process down."""
        return reason in self._of_process.get(pod, ())

    def tell(self, pod: Pod, cause: int) -> None:
        """Note in the history how fast the pod works now."""
        speed = self._of[pod].value(1.0) if pod in self._of else 1.0
        self._history.append(PodSlowed(self._clock.now, cause, pod.ref, speed))

    def engine_stopped(self, pod: Pod) -> None:
        """What was in the process is over."""
        reasons = self._of_process.pop(pod, None)
        if reasons:
            for reason in reasons:
                self._of[pod].discard(reason)
            self.tell(pod, pod.last)

    def pod_gone(self, pod: Pod) -> None:
        """It is forgotten."""
        self._of.pop(pod, None)
        self._of_process.pop(pod, None)

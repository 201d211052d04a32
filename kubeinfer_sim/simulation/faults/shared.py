"""Faults of what all pods share: the registry, and the storage with the weights.

Those that overlap add up: the registry is back when the last of its faults is over, and the storage goes at the pace
of the worst that lasts.
"""

from __future__ import annotations

from kubeinfer_sim.cluster.fault_records import FaultCleared, FaultInjected
from kubeinfer_sim.cluster.kubelet import Kubelet
from kubeinfer_sim.engine.clock import Clock
from kubeinfer_sim.engine.history import NO_CAUSE, History
from kubeinfer_sim.scenario.actions.model import Fault
from kubeinfer_sim.scenario.faults.kinds import KINDS


class SharedFaults:
    """Strikes registry and storage."""

    def __init__(self, clock: Clock, history: History, kubelet: Kubelet) -> None:
        self._clock = clock
        self._history = history
        self._kubelet = kubelet
        # By the fault's record: what each leaves of the storage's speed.
        self._slow: dict[int, float] = {}

    def strike(self, fault: Fault, process: str) -> None:
        """Something all share breaks."""
        now, kind = self._clock.now, fault.kind
        cause = self._history.append(FaultInjected(now, NO_CAUSE, kind, "", "cluster", None, process))
        if kind == "ImagePullFailure":
            self._kubelet.break_images((), broken=True)
        else:
            factor = KINDS[kind].factor if fault.factor is None else fault.factor
            self._slow[cause] = factor or 0.0
            self._throttle()
        lasts = KINDS[kind].lasts if fault.clears_after is None else fault.clears_after
        if lasts is not None:
            self._clock.after(lasts, self._over, kind, cause)

    def _over(self, kind: str, cause: int) -> None:
        self._history.append(FaultCleared(self._clock.now, cause, kind, "cluster", "itself"))
        if kind == "ImagePullFailure":
            self._kubelet.break_images((), broken=False)
        else:
            del self._slow[cause]
            self._throttle()

    def _throttle(self) -> None:
        self._kubelet.throttle_storage(min(self._slow.values(), default=1.0))

"""What faults can do to what all pods share: the registry, and the storage with the weights.

Those that overlap do not add up: the registry is back when the last of its faults is over, and the storage goes at the
pace of the worst that lasts.
"""

from __future__ import annotations

from collections.abc import Callable

from kubeinfer_sim.cluster.environment import Environment
from kubeinfer_sim.cluster.fault_records import FaultCleared, FaultInjected
from kubeinfer_sim.cluster.kubelet import Kubelet
from kubeinfer_sim.engine.history import NO_CAUSE
from kubeinfer_sim.scenario.actions.model import Fault
from kubeinfer_sim.simulation.faults.effects import Effects, Strike
from kubeinfer_sim.simulation.faults.worst import Worst


class SharedFaults:
    """Strikes registry and storage."""

    def __init__(self, env: Environment, kubelet: Kubelet) -> None:
        self._clock = env.clock
        self._history = env.history
        self._kubelet = kubelet
        # By the fault's record: what each leaves of the storage's bandwidth.
        self._throttled: Worst[int] = Worst()

    def strike(self, fault: Fault, process: str) -> None:
        """Something all share breaks."""
        cause = self._history.append(
            FaultInjected(self._clock.now, NO_CAUSE, fault.kind, "", "cluster", None, process)
        )
        SHARED_EFFECTS.of(fault.kind)(self, Strike(fault, cause))

    # -- what an effect may do -----------------------------------------------------------------------------

    def stop_registry(self, strike: Strike) -> None:
        """No image can be pulled."""
        self._kubelet.break_images((), strike.cause)
        self._until_over(strike, lambda: self._kubelet.mend_images((), strike.cause))

    def throttle_storage(self, strike: Strike, factor: float) -> None:
        """The storage has this part of its bandwidth."""
        self._throttled.add(strike.cause, factor)
        self._throttle()
        self._until_over(strike, lambda: self._unthrottle(strike.cause))

    def _unthrottle(self, cause: int) -> None:
        self._throttled.discard(cause)
        self._throttle()

    def _throttle(self) -> None:
        self._kubelet.throttle_storage(self._throttled.value(1.0))

    def _until_over(self, strike: Strike, end: Callable[[], None]) -> None:
        if strike.lasts is not None:
            self._clock.after(strike.lasts, self._over, strike, end)

    def _over(self, strike: Strike, end: Callable[[], None]) -> None:
        self._history.append(
            FaultCleared(self._clock.now, strike.cause, strike.fault.kind, "cluster", "itself")
        )
        end()


SHARED_EFFECTS: Effects[SharedFaults, Strike] = Effects()

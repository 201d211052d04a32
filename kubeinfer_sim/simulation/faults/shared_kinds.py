"""The kinds of faults that strike what all pods share: what each does."""

from __future__ import annotations

from kubeinfer_sim.simulation.faults.effects import Strike
from kubeinfer_sim.simulation.faults.shared import SHARED_EFFECTS, SharedFaults


@SHARED_EFFECTS("ImagePullFailure")
def image_pull_failure(shared: SharedFaults, strike: Strike) -> None:
    """The registry answers nobody."""
    shared.stop_registry(strike)


@SHARED_EFFECTS("StorageSlow")
def storage_slow(shared: SharedFaults, strike: Strike) -> None:
    """The storage has a part of its bandwidth left."""
    shared.throttle_storage(strike, strike.factor)


@SHARED_EFFECTS("StorageUnavailable")
def storage_unavailable(shared: SharedFaults, strike: Strike) -> None:
    """The storage answers nobody."""
    shared.throttle_storage(strike, 0.0)

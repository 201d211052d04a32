"""The kinds of faults that strike NPUs: their rows differ, and what they do does not."""

from __future__ import annotations

from kubeinfer_sim.simulation.faults.npus import NPU_EFFECTS, NpuFaults, NpuStrike


@NPU_EFFECTS(
    "NpuFault",
    "HbmFault",
    "SramFault",
    "SystemProcessorFault",
    "WatchdogFault",
    "RequestFault",
    "OverTemperature",
    "SubHealth",
    "SilentCorruption",
    "CardDrop",
    "LinkDown",
)
def breaks(npus: NpuFaults, strike: NpuStrike) -> None:
    """It shows by its symptom, and the device plugin acts as its level says."""
    npus.breaks(strike)

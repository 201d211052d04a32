"""What faults can do to NPUs: they break, and what follows depends on level, label and recovery policy."""

from __future__ import annotations

from msgspec import Struct

from kubeinfer_sim.cluster.devices.hardware import NpuHardware
from kubeinfer_sim.cluster.devices.npu import Npu
from kubeinfer_sim.scenario.actions.model import Fault
from kubeinfer_sim.simulation.faults.effects import Effects


class NpuStrike(Struct, frozen=True):
    """A fault strikes an NPU; `process` is the fault process it comes from, or ""."""

    npu: Npu
    fault: Fault
    process: str


class NpuFaults:
    """Strikes NPUs."""

    def __init__(self, hardware: NpuHardware) -> None:
        self._hardware = hardware

    def strike(self, npu: Npu, fault: Fault, process: str) -> None:
        """Something breaks in an NPU."""
        NPU_EFFECTS.of(fault.kind)(self, NpuStrike(npu, fault, process))

    # -- what an effect may do -----------------------------------------------------------------------------

    def breaks(self, strike: NpuStrike) -> None:
        """The NPU is broken, as the row and the scenario say."""
        self._hardware.breaks(strike.npu, strike.fault, strike.process)


NPU_EFFECTS: Effects[NpuFaults, NpuStrike] = Effects()

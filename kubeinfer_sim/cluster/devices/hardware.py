"""The NPUs as hardware: they break, recover by themselves, or are mended.

What the platform makes of that is the device plugin's (`device_plugin.py`); how it shows in the process that uses the
NPU is told to whoever watches. Where nobody sees a fault that lasts, somebody comes to repair it all the same; nobody
mends an NPU under its holder, so that a repair that is due waits for the pod to go.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from kubeinfer_sim.cluster.devices.npu import Npu, NpuFault
from kubeinfer_sim.cluster.devices.repair import RepairShop
from kubeinfer_sim.cluster.environment import Environment
from kubeinfer_sim.cluster.fault_records import FaultCleared, FaultInjected
from kubeinfer_sim.cluster.pod import Pod
from kubeinfer_sim.engine.history import NO_CAUSE
from kubeinfer_sim.scenario.actions.model import Fault
from kubeinfer_sim.scenario.faults.model import NpuHandling
from kubeinfer_sim.scenario.timings.distribution import Distribution
from kubeinfer_sim.scenario.units import Millis


class Platform(Protocol):
    """Who looks at the NPUs."""

    def fault_began(self, fault: NpuFault) -> bool:
        """An NPU is broken; whether that is seen."""
        ...

    def fault_ended(self, fault: NpuFault) -> None:
        """A fault has ended by itself."""

    def repaired(self, npu: Npu, cause: int) -> None:
        """Nothing is wrong with an NPU any more."""


class Process(Protocol):
    """Who uses the NPUs."""

    def fault_began(self, fault: NpuFault) -> None:
        """An NPU is broken."""

    def fault_over(self, fault: NpuFault) -> None:
        """A fault is over, however."""


class NpuHardware:
    """Breaks NPUs and mends them (`manager.DeviceWatcher`).

    Attributes:
        ending: when isolations are over, by the name of the NPU, ms.
    """

    def __init__(self, env: Environment, shop: RepairShop, settings: NpuHandling) -> None:
        self._clock = env.clock
        self._history = env.history
        self._shop = shop
        self._settings = settings
        self._repairing: set[Npu] = set()
        self.ending: dict[str, Millis] = {}
        self._due: set[Npu] = set()  # their repair waits for the pod that holds them to go
        self._platform: Platform
        self._process: Process

    def watch(self, platform: Platform, process: Process) -> None:
        """These are told of the NPUs' faults from now on; when one begins, the platform first."""
        self._platform, self._process = platform, process

    def breaks(self, npu: Npu, spec: Fault, process: str) -> None:
        """A fault begins, also of an NPU that is out: its repair mends that, too."""
        now = self._clock.now
        fault = NpuFault(npu, spec, now, slow_factor=self._settings.slow_factor)
        holder = fault.struck[0] if fault.struck else None
        fault.cause = self._history.append(
            FaultInjected(now, NO_CAUSE, fault.kind, fault.level, npu.name, holder, process)
        )
        npu.faults[fault] = None
        if fault.lasts is not None:
            self._clock.after(fault.lasts, self._ends, fault)
        if not self._platform.fault_began(fault) and fault.lasts is None:
            self.order_repair(npu, now, spec.repair)
        self._process.fault_began(fault)

    def _ends(self, fault: NpuFault) -> None:
        """It ends by itself, unless it is over, or the platform has the NPU reset or repaired for it."""
        if fault.cleared or (fault.handled and fault.handling in ("reset", "separate")):
            return
        self.mend([fault], "itself")
        self._platform.fault_ended(fault)

    def mend(self, faults: Iterable[NpuFault], how: str) -> None:
        """Faults are over; `how` as in `FaultCleared`."""
        for fault in list(faults):
            if fault.cleared:
                continue
            fault.cleared = True
            fault.npu.faults.pop(fault, None)
            fault.npu.kept_out_for.pop(fault, None)
            fault.cause = self._history.append(
                FaultCleared(self._clock.now, fault.cause, fault.kind, fault.npu.name, how)
            )
            self._process.fault_over(fault)

    def isolate(self, npu: Npu, until: Millis) -> None:
        """Keep an NPU out of service until then; it is trusted again, whatever was wrong with it."""
        self.ending[npu.name] = until
        self._clock.at(until, self._isolation_over, npu)

    def _isolation_over(self, npu: Npu) -> None:
        self.ending.pop(npu.name, None)
        self.repaired(npu)

    def order_repair(self, npu: Npu, broke: Millis, length: Distribution | None) -> None:
        """Have an NPU repaired, unless it is being repaired: that mends all that is wrong with it by then."""
        if npu not in self._repairing:
            self._repairing.add(npu)
            self._shop.repair(npu.name, broke, length or self._settings.repair, lambda: self.repaired(npu))

    def allocated(self, pod: Pod, npus: Sequence[Npu]) -> None:
        """A pod got NPUs; what is wrong with them stays."""

    def freed(self, pod: Pod, npus: Sequence[Npu]) -> None:
        """A pod gave NPUs back: repairs that were due are done now."""
        for npu in npus if self._due else ():
            if npu in self._due:
                self._due.discard(npu)
                self.repaired(npu)

    def repaired(self, npu: Npu) -> None:
        """The repair of an NPU, or its time out of service, is over: nothing is wrong with it once nobody holds it."""
        if not npu.idle:
            self._due.add(npu)
            return
        self._repairing.discard(npu)
        causes = [fault.cause for fault in npu.faults]
        self.mend(npu.faults, "repaired")
        self._platform.repaired(npu, causes[-1] if causes else NO_CAUSE)

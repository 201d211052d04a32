"""The Ascend device plugin: sees faults of NPUs, takes NPUs out, resets them, asks for recovery.

Section 4 of the semantics page. It looks only where it is tied to the workload: at NPUs of pods that carry the label
`modelarts-infer-npu-reset-enable: "true"`, and at idle ones where any workload carries it. Everywhere else only the
symptom shows: the process exits or hangs, and is restarted on the same broken NPU until somebody repairs it.
A fault is reported at the node's next report (every 5 s, each node with a phase of its own) and takes 1 to 11 s more
through ClusterD and the controller.
"""

from __future__ import annotations

from kubeinfer_sim.cluster.ailments import Ailments
from kubeinfer_sim.cluster.devices.manager import Devices, Npu
from kubeinfer_sim.cluster.devices.npu_fault import NpuFault, is_watched
from kubeinfer_sim.cluster.devices.npu_resets import NpuResets
from kubeinfer_sim.cluster.devices.repair import RepairShop
from kubeinfer_sim.cluster.fault_records import (
    FaultCleared,
    FaultDetected,
    FaultInjected,
    PodSlowed,
)
from kubeinfer_sim.cluster.kubelet import Kubelet
from kubeinfer_sim.cluster.pod import Pod, PodState
from kubeinfer_sim.engine.clock import Clock
from kubeinfer_sim.engine.history import NO_CAUSE, History
from kubeinfer_sim.engine.streams import Streams
from kubeinfer_sim.scenario.faults.kinds import KINDS, Symptom
from kubeinfer_sim.scenario.faults.levels import ASCEND_LEVELS, REPEATED
from kubeinfer_sim.scenario.faults.model import NpuHandling
from kubeinfer_sim.scenario.model import Distribution
from kubeinfer_sim.scenario.units import Millis


class DevicePlugin:
    """The device plugins of all nodes.

    `watches_idle`: some workload carries the label.
    """

    def __init__(
        self,
        clock: Clock,
        history: History,
        streams: Streams,
        devices: Devices,
        kubelet: Kubelet,
        ailments: Ailments,
        shop: RepairShop,
        settings: NpuHandling,
        *,
        watches_idle: bool,
    ) -> None:
        self._clock = clock
        self._history = history
        self._streams = streams
        self._devices = devices
        self._kubelet = kubelet
        self._ailments = ailments
        self._shop = shop
        self._settings = settings
        self._watches_idle = watches_idle
        self._phases: dict[str, int] = {}
        self._draws: dict[str, int] = {}
        self._repairing: set[Npu] = set()
        self._resets = NpuResets(
            clock,
            history,
            devices,
            settings,
            draw=self._draw,
            healed=lambda faults: self._over(faults, "reset", back=False),
            beyond=self._out,
        )
        devices.on_bound = self._bound
        devices.on_idle = self._idle
        devices.on_isolate = self._isolate

    # -- a fault begins and ends ---------------------------------------------------------------------------

    def inject(
        self,
        npu: Npu,
        kind: str,
        *,
        level: str = "",
        symptom: Symptom | None = None,
        clears_after: Millis | None = None,
        failed_resets: int = 0,
        repair: Distribution | None = None,
        process: str = "",
        factor: float | None = None,
        cause: int = NO_CAUSE,
    ) -> NpuFault | None:
        """An NPU breaks; None when it is out of the machine at the time, so that nothing can."""
        if npu.state == "out":
            return None
        table, now = KINDS[kind], self._clock.now
        level = level or table.level
        lasts = table.lasts if clears_after is None else clears_after
        holder = npu.holder
        number = self._history.append(
            FaultInjected(now, cause, kind, level, npu.name, None if holder is None else holder.ref, process)
        )
        symptom = table.symptom if symptom is None else symptom
        slows = (self._settings.slow_factor if factor is None else factor) if symptom == "slow" else 1.0
        fault = NpuFault(
            kind,
            level,
            symptom,
            npu,
            now,
            number,
            failed_resets=failed_resets,
            repair=repair,
            slows=slows,
        )
        npu.faults[fault] = None
        if lasts is not None:
            self._clock.after(lasts, self._ends, fault)
        if self._watches(npu):
            self._report(fault)
        elif lasts is None:
            self._repair(npu, fault.since, fault.repair)
        if holder is not None:
            self._shows(holder, fault, crash=True)
        return fault

    def _watches(self, npu: Npu) -> bool:
        if npu.holder is not None:
            return is_watched(npu.holder)
        return self._watches_idle

    def _ends(self, fault: NpuFault) -> None:
        """The fault ends by itself; an NPU that was taken out until then comes back."""
        if fault.cleared or (fault.handled and ASCEND_LEVELS[fault.level].npu in ("reset", "separate")):
            return
        lingers = KINDS[fault.kind].recover_timeout
        self._over([fault], "itself", back=not lingers)
        if lingers:
            self._clock.after(lingers, self._back, fault.npu, fault.cause)

    def _over(self, faults: list[NpuFault], how: str, *, back: bool = True) -> None:
        for fault in faults:
            if fault.cleared:
                continue
            fault.cleared = True
            fault.npu.faults.pop(fault, None)
            fault.cause = self._history.append(
                FaultCleared(self._clock.now, fault.cause, fault.kind, fault.npu.name, how)
            )
            holder = fault.npu.holder
            if holder is not None:
                self._ailments.heal(holder, fault.ailment, fault.cause)
                if fault.symptom == "slow":
                    self._slowed(holder, fault.cause)
            if back:
                self._back(fault.npu, fault.cause)

    def _back(self, npu: Npu, cause: int) -> None:
        """Offer an NPU again, if nothing else speaks against it."""
        if npu.state == "isolated" and not any(
            other.handled and ASCEND_LEVELS[other.level].npu != "none" for other in npu.faults
        ):
            self._devices.set_state([npu], "inService", cause)

    # -- how it shows --------------------------------------------------------------------------------------

    def _shows(self, pod: Pod, fault: NpuFault, *, crash: bool) -> None:
        """What the fault does to the pod that holds the NPU: its checks never answer while it lasts."""
        if fault.symptom == "none" or pod.state in (PodState.DELETING, PodState.GONE):
            return
        if fault.symptom == "slow":
            self._slowed(pod, fault.cause)
            return
        self._ailments.strike(pod, fault.ailment, fault.cause)
        if fault.symptom == "crash" and crash:
            self._kubelet.crash(pod, "Error", 1, cause=fault.cause)
        elif fault.symptom == "hang" and pod.state is PodState.RUNNING:
            pod.owner.engine_silent(pod, fault.cause)

    def _slowed(self, pod: Pod, cause: int) -> None:
        """The pod's speed is that of its slowest NPU: they compute each step together."""
        slows = (fault.slows for npu in self._devices.of(pod) for fault in npu.faults)
        self._history.append(PodSlowed(self._clock.now, cause, pod.ref, min(slows, default=1.0)))

    def _bound(self, pod: Pod) -> None:
        """A pod got NPUs that may be broken, so that it will not come up; if it is watched, that is reported."""
        for npu in self._devices.of(pod):
            self._resets.held(npu)
            for fault in npu.faults:
                self._shows(pod, fault, crash=False)
                if not fault.told and self._watches(npu):
                    self._report(fault)

    def _idle(self, npu: Npu) -> None:
        """A pod gave an NPU back: a fault nobody looked at may be seen, and its group be reset."""
        for fault in npu.faults:
            if not fault.told and self._watches(npu):
                self._report(fault)
        self._resets.idle(npu)

    # -- report and detection ------------------------------------------------------------------------------

    def _draw(self, what: str, length: Distribution) -> Millis:
        number = self._draws[what] = self._draws.get(what, 0) + 1
        return length.sample(self._streams.named(f"device-plugin/{what}/{number}")) or 0

    def _report(self, fault: NpuFault) -> None:
        """The fault is in the node's next report after it counts, and known some seconds later."""
        fault.told = True
        settings, node = self._settings, fault.npu.node
        period = settings.report_period
        phase = self._phases.get(node)
        if phase is None:
            source = self._streams.named(f"device-plugin/phase/{node}")
            phase = self._phases[node] = int(source.random() * period)
        counts_from = max(self._clock.now, fault.since + KINDS[fault.kind].fault_timeout)
        tick = counts_from + (phase - counts_from) % period
        delay = self._draw(f"pipeline/{fault.npu.name}", settings.pipeline)
        self._clock.at(tick + delay, self._known, fault)

    def _known(self, fault: NpuFault) -> None:
        """The platform knows of a fault: what its level calls for follows."""
        if fault.cleared:
            return
        now, npu, settings = self._clock.now, fault.npu, self._settings
        fault.handled = True
        level = ASCEND_LEVELS[fault.level]
        if level.counts:
            npu.told = [at for at in npu.told if at > now - settings.repeat_window] + [now]
            if settings.repeats and len(npu.told) >= settings.repeats and level.npu != "separate":
                fault.level = REPEATED
        fault.cause = self._history.append(
            FaultDetected(
                now, fault.cause, fault.kind, npu.name, "device plugin", now - fault.since, fault.level
            )
        )
        level = ASCEND_LEVELS[fault.level]
        patience = fault.since + (settings.patience if level.waits else 0)
        if patience > now:
            fault.handled = False
            self._clock.at(patience, self._act, fault)
        else:
            self._act(fault)

    def _act(self, fault: NpuFault) -> None:
        """Take the NPU out as the level says, and ask for recovery."""
        if fault.cleared:
            return
        fault.handled = True
        npu, level = fault.npu, ASCEND_LEVELS[fault.level]
        if level.npu == "none" or npu.state in ("out", "resetting"):
            return
        if level.npu == "separate" or (level.npu == "reset" and not self._settings.hot_reset):
            self._out(npu, fault)
        else:
            self._devices.set_state([npu], "isolated", fault.cause)
            if level.npu == "reset":
                self._resets.want(fault)
        if level.asks_recovery and npu.holder is not None and is_watched(npu.holder):
            npu.holder.owner.npu_fault(npu.holder, fault, fault.cause)

    def _out(self, npu: Npu, fault: NpuFault) -> None:
        """Out until repaired; after repeated faults for a fixed time."""
        cause = self._devices.set_state([npu], "out", fault.cause)
        fault.cause = cause
        if fault.level == REPEATED:
            self._clock.after(self._settings.repeat_isolation, self._repaired, npu)
        else:
            self._repair(npu, fault.since, fault.repair)

    def _repair(self, npu: Npu, broke: Millis, length: Distribution | None) -> None:
        """Order a repair, unless the NPU is being repaired already: that mends all that is wrong with it."""
        if npu not in self._repairing:
            self._repairing.add(npu)
            self._shop.repair(npu.name, broke, length or self._settings.repair, lambda: self._repaired(npu))

    def _repaired(self, npu: Npu) -> None:
        self._repairing.discard(npu)
        causes = [fault.cause for fault in npu.faults]
        self._over(list(npu.faults), "repaired", back=False)
        npu.told.clear()
        npu.resets.clear()
        if npu.state != "resetting":  # else it is back when its group is
            self._devices.set_state([npu], "inService", causes[-1] if causes else NO_CAUSE)

    def _isolate(self, npu: Npu, cause: int) -> None:
        """A rule of recovery takes an NPU out until it is repaired."""
        if npu.state == "inService":
            number = self._devices.set_state([npu], "out", cause)
            for fault in npu.faults:
                fault.cause = number
            self._repair(npu, self._clock.now, None)

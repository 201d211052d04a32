"""The device plugins: tell their kubelets what is unhealthy; Ascend's also resets NPUs and asks for recovery.

Section 4 of the semantics page. Whatever is broken is called unhealthy, so that no new pod gets it. More is done only
where the plugin is tied to the workload: for NPUs of pods that carry the label
`modelarts-infer-npu-reset-enable: "true"`, and for idle ones where any workload carries it. Everywhere else the symptom
shows: the process exits or hangs, and is restarted on the same broken NPU until somebody repairs it.
A fault is reported at the node's next report (every 5 s, each node with a phase of its own) and takes 3 to 11 s more
through ClusterD and the controller.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from itertools import islice

from kubeinfer_sim.cluster.devices.hardware import NpuHardware
from kubeinfer_sim.cluster.devices.manager import Devices
from kubeinfer_sim.cluster.devices.npu import Npu, NpuFault
from kubeinfer_sim.cluster.devices.npu_resets import NpuResets
from kubeinfer_sim.cluster.environment import Environment
from kubeinfer_sim.cluster.fault_records import FaultDetected
from kubeinfer_sim.cluster.pod import Pod
from kubeinfer_sim.cluster.watcher import Watcher
from kubeinfer_sim.scenario.faults.kinds import KINDS
from kubeinfer_sim.scenario.faults.levels import REPEATED
from kubeinfer_sim.scenario.faults.model import NpuHandling
from kubeinfer_sim.scenario.timings.distribution import Distribution
from kubeinfer_sim.scenario.units import Millis


def is_watched(pod: Pod) -> bool:
    """Whether the device plugin acts for the pod."""
    return pod.owner.ties_device_plugin(pod)


class DevicePlugin(Watcher):
    """The device plugins of all nodes (`hardware.Platform`, `manager.DeviceWatcher`).

    `watches_idle`: some workload carries the label.
    """

    def __init__(
        self,
        env: Environment,
        devices: Devices,
        hardware: NpuHardware,
        settings: NpuHandling,
        *,
        watches_idle: bool,
    ) -> None:
        self._clock = env.clock
        self._history = env.history
        self._streams = env.streams
        self._devices = devices
        self._hardware = hardware
        self._settings = settings
        self._watches_idle = watches_idle
        self._phases: dict[str, int] = {}
        self._draws: dict[str, int] = {}
        # When faults of an NPU were reported, as far as they count; NPUs in the order of their latest.
        self._reports: dict[Npu, deque[Millis]] = {}
        self._resets = NpuResets(
            env,
            devices,
            settings,
            draw=self._draw,
            mended=self._reset,
            beyond=self._take_out,
        )

    # -- what it sees --------------------------------------------------------------------------------------

    def _watches(self, npu: Npu) -> bool:
        if not npu.levels:
            return False
        return self._watches_idle if npu.holder is None else is_watched(npu.holder)

    def fault_began(self, fault: NpuFault) -> bool:
        """An NPU is broken: its kubelet hears of it, and it is in the next report, if anybody looks at it."""
        if fault.unhealthy:
            self._clock.at(self._round(fault), self._unhealthy, fault)
        if not self._watches(fault.npu):
            return False
        self._report(fault)
        return True

    def fault_ended(self, fault: NpuFault) -> None:
        """A fault has ended by itself: the NPU is trusted again, after a while."""
        distrust = KINDS[fault.kind].recover_timeout
        if distrust:
            self._clock.after(distrust, self._trusted, fault)
        else:
            self._trusted(fault)

    def _trusted(self, fault: NpuFault) -> None:
        self._offer(fault.npu, fault.cause)
        self._recovered(fault.npu, fault.cause)

    def allocated(self, pod: Pod, npus: Sequence[Npu]) -> None:
        """A pod got NPUs: what is wrong with them is reported now if the pod is watched."""
        self._resets.allocated(npus)
        for npu in npus:
            if npu.faults:
                self._report_unseen(npu)

    def freed(self, pod: Pod, npus: Sequence[Npu]) -> None:
        """A pod gave NPUs back: a fault nobody looked at may be seen, and their groups be reset."""
        for npu in npus:
            if npu.faults:
                self._report_unseen(npu)
        self._resets.freed(npus)

    def _report_unseen(self, npu: Npu) -> None:
        if self._watches(npu):
            for fault in npu.faults:
                if not fault.reported:
                    self._report(fault)

    # -- what it tells the kubelet (ListAndWatch) ----------------------------------------------------------

    def _unhealthy(self, fault: NpuFault) -> None:
        """The device is called unhealthy, unless the platform has taken it up by now, which decides then.

        Its scheduler reads what the plugin writes in the same round (ClusterD's ConfigMaps), others the node's status.
        """
        npu = fault.npu
        if fault.cleared or fault.handled:
            return
        npu.unhealthy_for[fault] = None
        if self._watches(npu):
            npu.posted_unhealthy = True
            self._devices.statuses.write(npu.node)
        else:
            self._devices.statuses.health_changed(npu.node, fault.cause)

    def _recovered(self, npu: Npu, cause: int) -> None:
        """Faults of the NPU are over: in the plugin's next round it may be called healthy."""
        if npu.unhealthy_for:
            when = self._tick(npu, self._clock.now) if npu.levels else self._clock.now
            self._clock.at(when, self._healthy, npu, cause)

    def _healthy(self, npu: Npu, cause: int) -> None:
        for fault in [fault for fault in npu.unhealthy_for if fault.cleared]:
            del npu.unhealthy_for[fault]
        self._devices.statuses.health_changed(npu.node, cause)

    # -- report and detection ------------------------------------------------------------------------------

    def _draw(self, what: str, length: Distribution) -> Millis:
        number = self._draws[what] = self._draws.get(what, 0) + 1
        return length.sample(self._streams.named(f"device-plugin/{what}/{number}")) or 0

    def _report(self, fault: NpuFault) -> None:
        """The fault is in the node's next report after it counts, and known some seconds later."""
        fault.reported = True
        tick = self._counts(fault)
        delay = self._draw(f"pipeline/{fault.npu.name}", self._settings.pipeline)
        self._clock.at(tick + delay, self._detected, fault)

    def _tick(self, npu: Npu, earliest: Millis) -> Millis:
        """The first of the plugin's rounds on the NPU's node that is not before `earliest`."""
        period, phase = self._settings.report_period, self._phases.get(npu.node)
        if phase is None:
            source = self._streams.named(f"device-plugin/phase/{npu.node}")
            phase = self._phases[npu.node] = int(source.random() * period)
        return earliest + (phase - earliest) % period

    def _counts(self, fault: NpuFault) -> Millis:
        """The round in which a fault is seen that has lasted for long enough."""
        return self._tick(fault.npu, max(self._clock.now, fault.since + KINDS[fault.kind].fault_timeout))

    def _round(self, fault: NpuFault) -> Millis:
        """The round in which the kubelet is told; plugins of other families are told of errors as they come."""
        npu = fault.npu
        if not npu.levels:
            return self._clock.now
        if npu.levels[fault.level].waits:
            return self._tick(npu, fault.since + self._settings.patience)
        return self._counts(fault)

    def _detected(self, fault: NpuFault) -> None:
        """The platform knows of a fault: what its level calls for follows, if it does not clear in time."""
        if fault.cleared:
            return
        now, npu = self._clock.now, fault.npu
        level = npu.levels[fault.level]
        if level.counts and self._repeated(npu) and level.npu != "separate":
            fault.level = REPEATED
        fault.cause = self._history.append(
            FaultDetected(
                now, fault.cause, fault.kind, npu.name, "device plugin", now - fault.since, fault.level
            )
        )
        waits_until = fault.since + self._settings.patience
        if npu.levels[fault.level].waits and waits_until > now:
            self._clock.at(waits_until, self._handle, fault)
        else:
            self._handle(fault)

    def _repeated(self, npu: Npu) -> bool:
        """Count one more fault of the NPU; whether that makes too many within the window."""
        now, settings = self._clock.now, self._settings
        since = now - settings.repeat_window
        # As many as it takes are enough to tell.
        reports = self._reports.pop(npu, None) or deque[Millis](maxlen=max(1, settings.repeats))
        reports.append(now)
        self._reports[npu] = reports
        # Forget what counts no more: two at a time, so that never more are left than there were within the window.
        for other, earlier in list(islice(self._reports.items(), 2)):
            if earlier[-1] <= since:
                del self._reports[other]
        return len(reports) == settings.repeats and reports[0] > since

    # -- what it does --------------------------------------------------------------------------------------

    def _handle(self, fault: NpuFault) -> None:
        """Take the NPU out as the level says, and ask for recovery."""
        if fault.cleared:
            return
        fault.handled = True
        npu, level = fault.npu, fault.npu.levels[fault.level]
        npu.unhealthy_for.pop(fault, None)
        if level.npu == "none":
            return
        npu.kept_out_for[fault] = None
        if npu.state in ("out", "resetting"):
            return
        if level.npu == "separate" or (level.npu == "reset" and not self._settings.hot_reset):
            self._take_out(npu, fault)
        else:
            self._devices.set_state([npu], "isolated", fault.cause)
            if level.npu == "reset":
                self._resets.want(fault)
        if level.asks_recovery and npu.holder is not None and is_watched(npu.holder):
            npu.holder.owner.npu_fault(npu.holder, fault, fault.cause)

    def _reset(self, faults: list[NpuFault]) -> None:
        """A reset has mended these faults, the kubelet's and the platform's."""
        self._hardware.mend(faults, "reset")
        for fault in faults:
            self._recovered(fault.npu, fault.cause)

    def _offer(self, npu: Npu, cause: int) -> None:
        """Offer an NPU again, if no other fault speaks against it."""
        if npu.state == "isolated" and not npu.kept_out_for:
            self._devices.set_state([npu], "inService", cause)

    def _take_out(self, npu: Npu, fault: NpuFault) -> None:
        """Out until repaired; after repeated faults for a fixed time."""
        until = self._clock.now + self._settings.repeat_isolation if fault.level == REPEATED else None
        fault.cause = self._devices.set_state([npu], "out", fault.cause, until=until)
        if until is None:
            self._hardware.order_repair(npu, fault.since, fault.spec.repair)
        else:
            self._hardware.isolate(npu, until)

    def npus_isolated(self, pod: Pod, cause: int) -> None:
        """A rule of recovery takes the pod's broken NPUs out until repaired, or all of them when none is broken."""
        npus = self._devices.of(pod)
        for npu in [npu for npu in npus if npu.faults] or npus:
            if npu.state == "inService":
                number = self._devices.set_state([npu], "out", cause)
                for fault in npu.faults:
                    fault.cause = number
                self._hardware.order_repair(npu, self._clock.now, None)

    def repaired(self, npu: Npu, cause: int) -> None:
        """An NPU is well: it is offered again, and what was before counts no more."""
        self._reports.pop(npu, None)
        self._resets.repaired(npu)
        if npu.state != "resetting":  # else it is back when its group is
            self._devices.set_state([npu], "inService", cause)
        self._recovered(npu, cause)

"""Faults of pods: engines that exit, hang, or answer their checks otherwise than they should."""

from __future__ import annotations

from kubeinfer_sim.cluster.ailments import ALL_PROBES, Ailment, Ailments
from kubeinfer_sim.cluster.fault_records import FaultCleared, FaultInjected
from kubeinfer_sim.cluster.kubelet import Kubelet
from kubeinfer_sim.cluster.pod import Pod, PodState
from kubeinfer_sim.cluster.prober import Outcome, Segment
from kubeinfer_sim.engine.clock import Clock
from kubeinfer_sim.engine.history import NO_CAUSE, History
from kubeinfer_sim.scenario.actions.model import Fault
from kubeinfer_sim.scenario.faults.kinds import KINDS

#: What the checks get, and which of them.
ANSWERS: dict[str, tuple[Segment, tuple[str, ...]]] = {
    "ProcessHang": (Segment(0, Outcome.HANG), ALL_PROBES),
    "HealthCheckFails": (Segment(0, Outcome.FAIL), ("liveness", "readiness")),
    "SlowStart": (Segment(0, Outcome.FAIL), ("startup", "readiness")),
    "ReadinessFlap": (Segment(0, Outcome.SUCCESS, 0, 0.5), ("readiness",)),
}
#: Exit codes, and the kubelet's reasons.
EXITS = {"ProcessCrash": ("Error", 1), "OutOfMemory": ("OOMKilled", 137)}


class PodFaults:
    """Strikes pods."""

    def __init__(
        self,
        clock: Clock,
        history: History,
        kubelet: Kubelet,
        ailments: Ailments,
    ) -> None:
        self._clock = clock
        self._history = history
        self._kubelet = kubelet
        self._ailments = ailments

    def strike(self, pod: Pod, fault: Fault, process: str) -> None:
        """Something breaks in a pod; each fault ends by itself, whatever else the pod suffers from."""
        now = self._clock.now
        name = pod.ref.name
        cause = self._history.append(FaultInjected(now, NO_CAUSE, fault.kind, "", name, pod.ref, process))
        if fault.kind in EXITS:
            reason, code = EXITS[fault.kind]
            self._kubelet.crash(pod, reason, code, cause=cause)
            return
        answer, probes = ANSWERS[fault.kind]
        hangs = fault.kind == "ProcessHang"

        def over(how: str) -> None:
            if self._ailments.heal(pod, ailment, cause):
                self._history.append(FaultCleared(self._clock.now, cause, fault.kind, name, how))

        ailment = Ailment(answer, probes, (lambda _: over("restarted")) if hangs else None)
        self._ailments.strike(pod, ailment, cause)
        if hangs and pod.state is PodState.RUNNING:
            pod.owner.engine_silent(pod, cause)
        lasts = KINDS[fault.kind].lasts if fault.clears_after is None else fault.clears_after
        if lasts is not None:
            self._clock.after(lasts, over, "itself")

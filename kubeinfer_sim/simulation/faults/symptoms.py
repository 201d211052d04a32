"""How faults of NPUs show in the pods that hold them: all that is seen of a fault where nobody looks at the NPU.

The process exits, its checks hang or fail for as long as the fault lasts, or it is only slower. One that starts while
its NPU is broken comes to nothing before that is mended.
"""

from __future__ import annotations

from collections.abc import Sequence

from kubeinfer_sim.cluster.devices.npu import Npu, NpuFault
from kubeinfer_sim.cluster.kubelet import Kubelet
from kubeinfer_sim.cluster.pod import Pod, PodState
from kubeinfer_sim.cluster.prober import Outcome, Segment
from kubeinfer_sim.simulation.faults.probe_answers import ALL_PROBES, Impairment, ProbeAnswers
from kubeinfer_sim.simulation.faults.speeds import Speeds

#: How faults show of NPUs on which no engine can be started.
BROKEN = ("crash", "hang")


class Symptoms:
    """Shows them (`hardware.Process`, `manager.DeviceWatcher`)."""

    def __init__(self, kubelet: Kubelet, answers: ProbeAnswers, speeds: Speeds) -> None:
        self._kubelet = kubelet
        self._answers = answers
        self._speeds = speeds
        # What faults make of the checks of the pods that hold their NPUs.
        self._impairments: dict[NpuFault, Impairment] = {}
        # Those on account of which no engine can be started in a pod.
        self._broken: dict[Pod, set[NpuFault]] = {}

    def fault_began(self, fault: NpuFault) -> None:
        """A fault begins; the process that uses the NPU exits, if that is its symptom."""
        pod = fault.npu.holder
        if pod is not None and self._can_show(pod):
            self._slow(pod, fault)
            self._show(pod, fault, exits=True)

    def fault_over(self, fault: NpuFault) -> None:
        """A fault is over: what else is wrong with the pod goes on."""
        impairment = self._impairments.pop(fault, None)
        pod = fault.npu.holder
        if pod is None:
            return
        broken = self._broken.get(pod)
        if broken is not None:
            broken.discard(fault)
            if not broken:
                self._all_mended(pod)
        if impairment is not None:
            self._answers.mend(pod, impairment, fault.cause)
        if fault.symptom == "slow":
            self._speeds.end(pod, fault)
            self._speeds.tell(pod, fault.cause)

    def allocated(self, pod: Pod, npus: Sequence[Npu]) -> None:
        """A pod got NPUs that may be broken, so that it will not come up, or more slowly."""
        faults = [fault for npu in npus for fault in npu.faults]
        for fault in faults:
            self._slow(pod, fault)
        for fault in faults:
            if self._can_show(pod):
                self._show(pod, fault, exits=False)

    def freed(self, pod: Pod, npus: Sequence[Npu]) -> None:
        """The pod is gone, and what it suffered from with it."""
        if pod in self._broken:
            self._all_mended(pod)

    def _all_mended(self, pod: Pod) -> None:
        del self._broken[pod]
        self._kubelet.device_mended(pod)

    @staticmethod
    def _can_show(pod: Pod) -> bool:
        return pod.state not in (PodState.DELETING, PodState.GONE)

    def _show(self, pod: Pod, fault: NpuFault, *, exits: bool) -> None:
        if fault.symptom == "none":
            return
        if fault.symptom == "slow":
            self._speeds.tell(pod, fault.cause)
            return
        if fault.symptom in BROKEN:
            self._broken.setdefault(pod, set()).add(fault)
            self._kubelet.device_broken(pod)
        answer = Segment(0, Outcome.HANG if fault.symptom == "hang" else Outcome.FAIL)
        impairment = self._impairments[fault] = Impairment(answer, ALL_PROBES)
        self._answers.impair(pod, impairment, fault.cause)
        if fault.symptom == "crash" and exits:
            self._kubelet.crash(pod, "Error", 1, cause=fault.cause)
        elif fault.symptom == "hang" and pod.state is PodState.RUNNING:
            pod.owner.engine_silent(pod, fault.cause)

    def _slow(self, pod: Pod, fault: NpuFault) -> None:
        if fault.symptom == "slow":
            self._speeds.slow(pod, fault, fault.speed)

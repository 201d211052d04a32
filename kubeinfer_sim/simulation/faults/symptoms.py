"""How faults of NPUs show in the engines that use them: they exit, hang, answer their checks badly, or are slower.

Where no device plugin looks at an NPU, this is all that anybody sees of its fault.

The process exits, its checks hang or fail for as long as the fault lasts, or it is only slower. One that starts while
its NPU is broken comes to nothing before that is mended.
"""

from __future__ import annotations

from collections.abc import Sequence

from kubeinfer_sim.cluster.devices.npu import Npu, NpuFault
from kubeinfer_sim.cluster.kubelet import Kubelet
from kubeinfer_sim.cluster.pod import Pod, PodState
from kubeinfer_sim.cluster.prober import PROBE_KINDS, Outcome, Segment
from kubeinfer_sim.simulation.faults.probe_answers import Impairment, ProbeAnswers
from kubeinfer_sim.simulation.faults.speeds import Speeds
from kubeinfer_sim.simulation.faults.worst import Worst

#: How faults show of NPUs on which no engine can be started.
BROKEN = ("crash", "hang")


class _Group:
    """The lasting faults of one NPU with the same symptom: to the process they are one.

    Attributes:
        faults: with their numbers in the order in which they began.
        speeds: what each leaves of the process's speed.
        shown: the pod in which they show, and what they make of its checks.
    """

    __slots__ = ("faults", "shown", "speeds")

    def __init__(self) -> None:
        self.faults: dict[NpuFault, int] = {}
        self.speeds: Worst[NpuFault] = Worst()
        self.shown: tuple[Pod, Impairment] | None = None


class Symptoms:
    """Shows them (`hardware.Process`, `manager.DeviceWatcher`): a change costs the same however many faults last."""

    def __init__(self, kubelet: Kubelet, answers: ProbeAnswers, speeds: Speeds) -> None:
        self._kubelet = kubelet
        self._answers = answers
        self._speeds = speeds
        self._lasting: dict[Npu, dict[str, _Group]] = {}
        self._number = 0
        # Faults on account of which no engine can be started in a pod.
        self._broken: dict[Pod, dict[_Group, None]] = {}

    def fault_began(self, fault: NpuFault) -> None:
        """A fault begins; the process that uses the NPU exits, if that is its symptom."""
        if fault.symptom == "none":
            return
        npu, pod = fault.npu, fault.npu.holder
        group = self._lasting.setdefault(npu, {}).setdefault(fault.symptom, _Group())
        self._number += 1
        group.faults[fault] = self._number
        if fault.symptom == "slow":
            group.speeds.add(fault, fault.speed)
        if pod is None or not self._can_show(pod):
            return
        self._show(pod, npu, group, fault)
        if fault.symptom == "crash":
            self._kubelet.crash(pod, "Error", 1, cause=fault.cause)

    def fault_over(self, fault: NpuFault) -> None:
        """A fault is over: what else is wrong with the pod goes on."""
        groups = self._lasting.get(fault.npu, {})
        group = groups.get(fault.symptom)
        if group is None:
            return
        group.faults.pop(fault, None)
        group.speeds.discard(fault)
        pod = fault.npu.holder
        if not group.faults:
            del groups[fault.symptom]
            if not groups:
                del self._lasting[fault.npu]
            if pod is not None:
                self._mended(pod, group, fault)
        if fault.symptom == "slow" and pod is not None:
            self._slow(pod, fault.npu, group)
            self._speeds.tell(pod, fault.cause)

    def allocated(self, pod: Pod, npus: Sequence[Npu]) -> None:
        """A pod got NPUs, some of which may be broken: then its engine does not come up, or is slower."""
        ailing = [npu for npu in npus if npu in self._lasting]
        for npu in ailing:
            if "slow" in self._lasting[npu]:
                self._slow(pod, npu, self._lasting[npu]["slow"])
        for npu in ailing:
            first = ((next(iter(group.faults.items())), group) for group in self._lasting[npu].values())
            for (fault, _), group in sorted(first, key=lambda each: each[0][1]):
                if self._can_show(pod):
                    self._show(pod, npu, group, fault)

    def freed(self, pod: Pod, npus: Sequence[Npu]) -> None:
        """The pod is gone, and what it suffered from with it."""
        if pod in self._broken:
            self._all_mended(pod)

    def _mended(self, pod: Pod, group: _Group, last: NpuFault) -> None:
        """Nothing of a group lasts any more."""
        broken = self._broken.get(pod)
        if broken is not None:
            broken.pop(group, None)
            if not broken:
                self._all_mended(pod)
            else:
                self._kubelet.device_broken(pod, str(next(iter(next(iter(broken)).faults))))
        if group.shown is not None:
            self._answers.mend(pod, group.shown[1], last.cause)

    def _all_mended(self, pod: Pod) -> None:
        del self._broken[pod]
        self._kubelet.device_mended(pod)

    @staticmethod
    def _can_show(pod: Pod) -> bool:
        return pod.state not in (PodState.DELETING, PodState.GONE)

    def _show(self, pod: Pod, npu: Npu, group: _Group, fault: NpuFault) -> None:
        """A fault shows in the pod, on account of which the checks may be answered otherwise already."""
        if fault.symptom == "slow":
            self._slow(pod, npu, group)
            self._speeds.tell(pod, fault.cause)
            return
        if fault.symptom in BROKEN:
            self._broken.setdefault(pod, {})[group] = None
            self._kubelet.device_broken(pod, str(fault))
        if group.shown is None or group.shown[0] is not pod:
            answer = Segment(0, Outcome.HANG if fault.symptom == "hang" else Outcome.FAIL)
            group.shown = pod, Impairment(answer, PROBE_KINDS)
            self._answers.impair(pod, group.shown[1], fault.cause)
        if fault.symptom == "hang" and pod.state is PodState.RUNNING:
            pod.owner.engine_silent(pod, fault.cause)

    def _slow(self, pod: Pod, npu: Npu, group: _Group) -> None:
        """The pod works at the pace that the slow faults of an NPU leave it."""
        if group.faults:
            self._speeds.slow(pod, npu, group.speeds.value(1.0))
        else:
            self._speeds.end(pod, npu)

"""The kinds of faults a scenario may name, a row each.

A row says what breaks, what it strikes, how that shows, how long it lasts and what it needs of a run. What it does is
the function of its name in `simulation/faults/`; of an NPU's fault also its level, the label of the pod and the
recovery policy decide.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct

#: What a fault strikes: one accelerator, one pod, one machine, or what all of them share.
Strikes = Literal["npu", "pod", "node", "cluster"]
#: How it shows in the process: it exits, its checks hang, its checks fail, it is only slower, not at all.
Symptom = Literal["crash", "hang", "unhealthy", "slow", "none"]
#: What a run must have for a fault to do anything: controllers that look after lost nodes, drains, a shared storage.
Need = Literal["nodeFailures", "drains", "storage"]


class FaultKind(Struct, frozen=True):
    """Something that breaks.

    Attributes:
        what: a sentence without a full stop.
        level: at which Ascend's device plugin reports it, unless the scenario says otherwise.
        lasts: ms until it ends by itself, unless the scenario says otherwise; None: it does not.
        factor: what it leaves of what it slows down, unless the scenario says otherwise; None: it slows nothing down.
        strikes_up: a machine that is down already cannot have it.
        detected_by: who of the platform sees it and asks for recovery, beside Ascend's device plugin.
        fault_timeout: ms it must last before the device plugin reports it (FaultTimeout of `faultCustomization.json`).
        recover_timeout: ms after its end until the NPU is offered again (RecoverTimeout, ditto).
    """

    what: str
    strikes: Strikes
    level: str = ""
    symptom: Symptom = "none"
    lasts: int | None = None
    factor: float | None = None
    needs: tuple[Need, ...] = ()
    strikes_up: bool = False
    detected_by: str = ""
    fault_timeout: int = 0
    recover_timeout: int = 0

    @property
    def symptoms(self) -> tuple[Symptom, ...]:
        """How it may be made to show: an NPU's fault as anything, an engine that hangs also not at all."""
        if self.strikes == "npu":
            return ("crash", "hang", "unhealthy", "slow", "none")
        return ("hang", "none") if self.symptom == "hang" else (self.symptom,)


KINDS: Mapping[str, FaultKind] = {
    "NpuFault": FaultKind("an NPU fails", "npu", "RestartNPU", "crash"),
    "HbmFault": FaultKind("uncorrectable error in an NPU's HBM", "npu", "RestartNPU", "crash"),
    "SramFault": FaultKind("uncorrectable error in an NPU's SRAM", "npu", "RestartNPU", "crash"),
    "SystemProcessorFault": FaultKind("an NPU's control processor hangs", "npu", "RestartNPU", "hang"),
    "WatchdogFault": FaultKind("a task on an NPU times out", "npu", "RestartBusiness", "hang", lasts=120_000),
    "RequestFault": FaultKind("an NPU fails a request", "npu", "RestartRequest", lasts=30_000),
    "OverTemperature": FaultKind("an NPU throttles", "npu", "SubHealthFault", "slow", lasts=3_600_000),
    "SubHealth": FaultKind("an NPU is slower than it should be", "npu", "SubHealthFault", "slow"),
    "SilentCorruption": FaultKind("an NPU computes wrongly, nothing shows", "npu", "NotHandleFault"),
    "CardDrop": FaultKind("a card is off the bus", "npu", "SeparateNPU", "crash"),
    "LinkDown": FaultKind(
        "an NPU's network port is down",
        "npu",
        "PreSeparateNPU",
        lasts=600_000,
        fault_timeout=20_000,
        recover_timeout=60_000,
    ),
    "ProcessCrash": FaultKind("the engine exits with code 1", "pod", symptom="crash"),
    "OutOfMemory": FaultKind("the engine is killed at its memory limit", "pod", symptom="crash"),
    "ProcessHang": FaultKind(
        "the engine hangs until it is restarted, and so do its checks", "pod", symptom="hang"
    ),
    "HcclTimeout": FaultKind(
        "a collective operation hangs, and the engines of its group exit when HCCL gives up",
        "pod",
        symptom="crash",
        lasts=1_836_000,  # HCCL_EXEC_TIMEOUT, where it is not set (CANN, environment variables)
    ),
    "HealthCheckFails": FaultKind(
        "liveness and readiness checks fail", "pod", symptom="unhealthy", lasts=300_000
    ),
    "SlowStart": FaultKind("the engine does not answer yet though it should", "pod", lasts=600_000),
    "ReadinessFlap": FaultKind("every other readiness check fails", "pod", lasts=600_000),
    "NodeDeath": FaultKind("a machine is dead, silently", "node", needs=("nodeFailures",), strikes_up=True),
    "NodeHardware": FaultKind(
        "NodeD finds a machine's hardware faulty", "node", needs=("nodeFailures",), detected_by="NodeD"
    ),
    "NodeReboot": FaultKind(
        "a machine reboots", "node", lasts=300_000, needs=("nodeFailures",), strikes_up=True
    ),
    "Maintenance": FaultKind(
        "a machine is drained for maintenance", "node", lasts=7_200_000, needs=("nodeFailures", "drains")
    ),
    "DevicePluginDown": FaultKind(
        "a node's device plugin is gone: its devices go on, and no new pod gets any",
        "node",
        lasts=60_000,  # its DaemonSet's pod is started again, after some back-off
        strikes_up=True,
    ),
    "SwitchFault": FaultKind(
        "the engines of all pods behind a switch lose their peers and exit",
        "node",
        symptom="crash",
        needs=("nodeFailures",),
    ),
    "ImagePullFailure": FaultKind("the registry is down", "cluster", lasts=600_000),
    "StorageSlow": FaultKind(
        "the shared storage is slow", "cluster", lasts=600_000, factor=0.1, needs=("storage",)
    ),
    "StorageUnavailable": FaultKind(
        "nothing can be read from the shared storage", "cluster", lasts=600_000, needs=("storage",)
    ),
}

"""The kinds of faults a scenario may name, and the levels at which the Ascend device plugin reports those of NPUs.

Levels are MindCluster's (`faultCode.json` and `faultCustomization.json` of ascend-device-plugin); what follows from
each is section 4 of the semantics page. A kind says what breaks and how it shows; what happens then depends on the
level, the label of the pod and the recovery policy.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

#: What a fault strikes.
Hits = Literal["npu", "pod", "node", "cluster"]
#: How it shows in the process: it exits, its checks hang, its checks fail, it is only slower, not at all.
Symptom = Literal["crash", "hang", "unhealthy", "slow", "none"]
#: What becomes of the NPU: stays in service; out of it until the fault clears; reset; out until repaired.
NpuFate = Literal["stays", "untilClear", "reset", "repair"]


@dataclass(frozen=True, slots=True)
class Level:
    """How the device plugin reports a fault, and what follows when it is told (the label is set).

    Attributes:
        acts: the recovery policy of the running pod is asked.
        patience: ms after its start before anything follows; nothing does when it has cleared by then.
        counts: towards repeated faults of one NPU.
    """

    what: str
    acts: bool
    npu: NpuFate
    patience: int = 0
    counts: bool = True


LEVELS: Mapping[str, Level] = {
    "NotHandleFault": Level("nothing follows", False, "stays", counts=False),
    "RestartRequest": Level(
        "nothing if it clears within 60 s, else as RestartBusiness", True, "untilClear", 60_000
    ),
    "RestartBusiness": Level("recovery acts; isolated until it clears", True, "untilClear"),
    "FreeRestartNPU": Level("recovery acts; reset when idle", True, "reset"),
    "RestartNPU": Level("recovery acts at once; reset when its processes are gone", True, "reset"),
    "SeparateNPU": Level("recovery acts; out until repaired", True, "repair"),
    "ManuallySeparateNPU": Level("recovery acts; isolated for 48 h", True, "repair"),
    "PreSeparateNPU": Level("keeps running; nothing new is placed until it clears", False, "untilClear"),
    "SubHealthFault": Level("keeps running, slower", False, "stays", counts=False),
}


@dataclass(frozen=True, slots=True)
class FaultKind:
    """Something that breaks.

    Attributes:
        level: of an NPU's fault, unless the scenario says otherwise.
        settles: ms it must last before it counts at all (a link that flaps).
        lingers: ms after its end until the NPU is trusted again.
        lasts: ms, of what ends by itself and has no repair; None: it lasts.
    """

    what: str
    hits: Hits
    level: str = ""
    symptom: Symptom = "none"
    settles: int = 0
    lingers: int = 0
    lasts: int | None = None


#: What StorageSlow leaves of the storage's bandwidth (assumed).
STORAGE_FACTOR = 0.1

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
        settles=20_000,
        lingers=60_000,
        lasts=600_000,
    ),
    "ProcessCrash": FaultKind("the engine exits with code 1", "pod", symptom="crash"),
    "OutOfMemory": FaultKind("the engine is killed at its memory limit", "pod", symptom="crash"),
    "ProcessHang": FaultKind(
        "the engine hangs until it is restarted, and so do its checks", "pod", symptom="hang"
    ),
    "HealthCheckFails": FaultKind(
        "liveness and readiness checks fail", "pod", symptom="unhealthy", lasts=300_000
    ),
    "SlowStart": FaultKind("the engine does not answer yet though it should", "pod", lasts=600_000),
    "ReadinessFlap": FaultKind("every other readiness check fails", "pod", lasts=600_000),
    "NodeDeath": FaultKind("a machine is dead, silently", "node"),
    "NodeHardware": FaultKind("NodeD finds a machine's hardware faulty", "node"),
    "NodeReboot": FaultKind("a machine reboots", "node", lasts=300_000),
    "Maintenance": FaultKind("a machine is drained for maintenance", "node", lasts=7_200_000),
    "SwitchFault": FaultKind(
        "the engines of all pods behind a switch lose their peers and exit", "node", symptom="crash"
    ),
    "ImagePullFailure": FaultKind("the registry is down", "cluster", lasts=600_000),
    "StorageSlow": FaultKind("the shared storage is slow", "cluster", lasts=600_000),
    "StorageUnavailable": FaultKind("nothing can be read from the shared storage", "cluster", lasts=600_000),
}

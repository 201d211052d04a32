"""The levels at which a device plugin reports the faults of its accelerators.

They belong to a family of accelerators, and only Ascend's device plugin has them (MindCluster: `faultCode.json`,
`SwitchFaultCode.json` and `faultCustomization.json`). What follows from each is section 4 of the semantics page. A
fault of any other accelerator shows by its symptom alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct

from kubeinfer_sim.manifest.accelerators import ASCEND, Family, accelerators_of, family_of
from kubeinfer_sim.manifest.model import Resources

#: What the device plugin does with the NPU: nothing; not offered until the fault clears; reset; out until repaired.
Handling = Literal["none", "isolate", "reset", "separate"]


class Level(Struct, frozen=True):
    """What follows when a fault is reported (the pod's template has the label).

    Attributes:
        asks_recovery: the recovery policy of the running pod is asked.
        waits: nothing follows while the fault may still clear within `NpuHandling.patience`.
        counts: towards the repeated faults of one NPU.
    """

    what: str
    asks_recovery: bool
    npu: Handling
    waits: bool = False
    counts: bool = True


#: What the third fault of one NPU within a day is reported as, whatever its own level.
REPEATED = "ManuallySeparateNPU"

ASCEND_LEVELS: Mapping[str, Level] = {
    "NotHandleFault": Level("nothing follows", False, "none", counts=False),
    "RestartRequest": Level(
        "nothing if it clears within 60 s, else as RestartBusiness", True, "isolate", waits=True
    ),
    "RestartBusiness": Level("recovery acts; isolated until it clears", True, "isolate"),
    "FreeRestartNPU": Level("recovery acts; reset when idle", True, "reset"),
    "RestartNPU": Level("recovery acts at once; reset when its processes are gone", True, "reset"),
    "SeparateNPU": Level("recovery acts; out until repaired", True, "separate"),
    REPEATED: Level("recovery acts; isolated for 48 h", True, "separate"),
    "PreSeparateNPU": Level("keeps running; nothing new is placed until it clears", False, "isolate"),
    "SubHealthFault": Level("keeps running, slower", False, "none", counts=False),
}

_LEVELS: Mapping[Family, Mapping[str, Level]] = {ASCEND: ASCEND_LEVELS}


def makes_unhealthy(level: str) -> bool:
    """Whether a device plugin calls a device unhealthy for a fault of this level.

    Plugins of other families know no levels: theirs do for what Ascend's takes an NPU out for.
    """
    return ASCEND_LEVELS[level].npu != "none"


def levels_of(resource: str) -> Mapping[str, Level]:
    """The levels of the accelerators a node offers as this resource; empty where their family has none."""
    family = family_of(resource)
    return {} if family is None else _LEVELS.get(family, {})


def are_reported(resources: Resources) -> bool:
    """Whether faults of the accelerators that a pod takes or a node offers are reported at levels at all."""
    return any(levels_of(name) for name in accelerators_of(resources))

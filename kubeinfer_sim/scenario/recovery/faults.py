"""The names of what can fail, as rules of recovery ask for them, and what is known of each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct

from kubeinfer_sim.manifest.model import RESET_LABEL, Role
from kubeinfer_sim.scenario.faults.kinds import KINDS
from kubeinfer_sim.scenario.faults.levels import ASCEND_LEVELS, are_reported

#: Of the pod whose containers failed: not Ready yet since they began, or Ready before.
Phase = Literal["starting", "serving"]


class FaultName(Struct, frozen=True):
    """Something that can fail.

    Attributes:
        what: what it is, in a sentence without a full stop.
        exit_codes: of the container that died: these, any but 0 (None), or () where no container died.
        phases: when it can happen.
        probe: the kind of probe without which it cannot happen.
        npu: only a pod that holds Ascend NPUs, and carries the label that has the platform look at them, can have it.
        acts: its own level, or that of its repetition, asks for recovery.
    """

    what: str
    exit_codes: tuple[int, ...] | None = ()
    phases: tuple[Phase, ...] = ("starting", "serving")
    probe: Literal["", "startup", "liveness"] = ""
    npu: bool = False
    acts: bool = True


#: Exit codes of a container that was killed: by SIGKILL, and by SIGTERM.
KILLED = (137, 143)

#: What happens to containers and pods. Reasons of containers are the kubelet's own words.
POD_FAULTS: Mapping[str, FaultName] = {
    "Error": FaultName("a container exits by itself with another code than 0", None),
    "Completed": FaultName("a container exits by itself with code 0", (0,)),
    "OOMKilled": FaultName("a container exceeds its memory limit", None),
    "StartupProbeFailed": FaultName("the startup probe gives up", KILLED, ("starting",), "startup"),
    "LivenessProbeFailed": FaultName("the liveness probe gives up", KILLED, probe="liveness"),
    "PostStartHookError": FaultName("a postStart hook fails, and its container is killed for it", KILLED),
    "PeerLost": FaultName("an engine gives up a peer that is gone", (1,)),
    "Drained": FaultName("somebody drains the pod's node"),
    "TaintManagerEviction": FaultName(
        "a NoExecute taint of its node evicts the pod: not ready or not reachable for too long, or a taint of its own"
    ),
    "Evicted": FaultName("somebody has the pod evicted"),
    "ForceDeleted": FaultName("somebody deletes the pod by force"),
    "Deleted": FaultName("somebody else deletes the pod"),
}


def asks_for_recovery(level: str) -> bool:
    """Whether a fault of this level, or the third of them within a day, makes the platform ask for recovery."""
    return ASCEND_LEVELS[level].asks_recovery or ASCEND_LEVELS[level].counts


#: What the platform tells of: the device plugin of NPUs, NodeD of machines.
PLATFORM_FAULTS: Mapping[str, FaultName] = {
    name: FaultName(
        kind.what, npu=kind.strikes == "npu", acts=not kind.level or asks_for_recovery(kind.level)
    )
    for name, kind in KINDS.items()
    if kind.strikes == "npu" or kind.detected_by
}


def known_faults() -> Mapping[str, FaultName]:
    """All names."""
    return {**POD_FAULTS, **PLATFORM_FAULTS}


def can_have(role: Role, fault: FaultName) -> bool:
    """Whether a pod of the role can have the fault at all, and somebody tells recovery of it."""
    template = role.template
    if fault.npu and (template.labels.get(RESET_LABEL) != "true" or not are_reported(template.requests)):
        return False
    containers = (
        *template.containers,
        *(each for each in template.init_containers if each.restart_policy == "Always"),
    )
    return not fault.probe or any(getattr(each, f"{fault.probe}_probe") is not None for each in containers)

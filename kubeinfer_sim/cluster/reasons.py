"""Why a pod is not created or does not become ready, where more follows from it than what is printed."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

#: Why a container waits that has ended badly.
CRASH_LOOP = "CrashLoopBackOff"
#: Why the kubelet kills a container on its own.
STARTUP_PROBE_FAILED, LIVENESS_PROBE_FAILED = "StartupProbeFailed", "LivenessProbeFailed"
PROBE_KILLS = (STARTUP_PROBE_FAILED, LIVENESS_PROBE_FAILED)
#: Words of ours where Kubernetes has none, or the same for more: the node that a pod names does not exist, an object
#: that it names is without a key, a readiness gate is not True.
NO_NODE, NO_KEY, CLOSED_GATE = "NoNode", "NoKey", "ClosedGate"

#: Before the resource of which a node has too little for a pod that it rejects.
_OUT_OF = "OutOf"


def out_of(resource: str) -> str:
    """Why a node rejects a pod for which it has too little of a resource: `OutOfcpu`."""
    return f"{_OUT_OF}{resource}"


def is_out_of(reason: str) -> bool:
    """Whether it is one of `out_of`."""
    return reason.startswith(_OUT_OF)


#: What has the API server refuse pods; `unnamedResources`: a quota counts what their containers do not name; `invalid`:
#: admission has made something of them that may not be; `name`: labels made of their owner's name are too long;
#: `priority`: they say another one than their class has.
RefusedBy = Literal[
    "PriorityClass",
    "RuntimeClass",
    "LimitRange",
    "ResourceQuota",
    "unnamedResources",
    "invalid",
    "name",
    "priority",
]


class Refusal(Struct, frozen=True):
    """Why the API server does not take pods: what it is that refuses them, and the words."""

    by: RefusedBy
    message: str


def probe_of(reason: str) -> Literal["startup", "liveness"]:
    """The probe behind one of `PROBE_KILLS`."""
    return "startup" if reason == STARTUP_PROBE_FAILED else "liveness"


class InitReason(str):
    """Why an init container holds up the others of its pod, as kubectl has it: `Init:` before its own reason."""

    __slots__ = ()

    @classmethod
    def of(cls, reason: str) -> InitReason:
        """The pod's reason, from the container's."""
        return cls(f"Init:{reason}")

    @property
    def of_container(self) -> str:
        """The container's."""
        return of_container(self)


def of_container(reason: str) -> str:
    """A pod's reason as that of its container, where that is an init container."""
    return reason.removeprefix("Init:")

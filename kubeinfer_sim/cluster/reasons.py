"""Why a pod does not become ready, where more follows from the word than what is printed."""

from __future__ import annotations

from typing import Literal

#: Why a container waits that has ended badly.
CRASH_LOOP = "CrashLoopBackOff"
#: Why the kubelet kills a container on its own.
STARTUP_PROBE_FAILED, LIVENESS_PROBE_FAILED = "StartupProbeFailed", "LivenessProbeFailed"
PROBE_KILLS = (STARTUP_PROBE_FAILED, LIVENESS_PROBE_FAILED)


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
        return self.removeprefix("Init:")

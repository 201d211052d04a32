"""Why a kubelet's device manager cannot give a pod its devices (pkg/kubelet/cm/devicemanager, devicesToAllocate)."""

from __future__ import annotations

#: Why a kubelet fails a pod that it cannot give its devices (pkg/kubelet/lifecycle/predicate.go).
UNEXPECTED_ADMISSION_ERROR = "UnexpectedAdmissionError"


def none_healthy(resource: str) -> str:
    """None is healthy: their plugin is gone, or has not registered yet."""
    return f"no healthy devices present; cannot allocate unhealthy devices {resource}"


def no_longer_healthy(resource: str) -> str:
    """Those it had before its kubelet was restarted are not all healthy."""
    return f"previously allocated devices are no longer healthy; cannot allocate unhealthy devices {resource}"


def unavailable(resource: str, requested: int, available: int) -> str:
    """Too few are healthy and free."""
    return (
        f"requested number of devices unavailable for {resource}. "
        f"Requested: {requested}, Available: {available}"
    )

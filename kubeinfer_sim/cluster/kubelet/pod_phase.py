"""A pod's phase and conditions, computed from the states of its containers as the kubelet does.

Sources: pkg/kubelet/kubelet_pods.go (getPhase), pkg/kubelet/status/generate.go (conditions).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from msgspec import Struct

Phase = Literal["Pending", "Running", "Succeeded", "Failed", "Unknown"]
RestartPolicy = Literal["Always", "OnFailure", "Never"]


class ContainerStatus(Struct, frozen=True):
    """What the kubelet knows of a container.

    Attributes:
        exit_code: of the run that ended, when `state` is `terminated`.
        last_exit_code: of the run before the current one; None when there was none.
        started: it runs and its startup probe, if any, has succeeded.
        ready: as for the Ready condition; of an ordinary init container: it has ended with exit code 0.
    """

    state: Literal["waiting", "running", "terminated", "unknown"] = "waiting"
    exit_code: int = 0
    last_exit_code: int | None = None
    started: bool = False
    ready: bool = False


class PodContainers(Struct, frozen=True):
    """The containers of a pod spec, by name and in order; sidecars are restartable init containers.

    `goes_on`: whether any container that has ended is started again, where containers have policies of their own; None:
    as the pod's policy says.
    """

    regular: Sequence[str]
    init: Sequence[str] = ()
    sidecars: Sequence[str] = ()
    restart_policy: RestartPolicy = "Always"
    goes_on: bool | None = None

    def any_regular_started(self, statuses: Mapping[str, ContainerStatus]) -> bool:
        """Whether some regular container runs or has ended: the pod has been initialized then."""
        return any(
            name in statuses and statuses[name].state in ("running", "terminated") for name in self.regular
        )


class Condition(Struct, frozen=True):
    """A condition of the pod's status; reason and message are empty where Kubernetes leaves them out."""

    type: str
    status: bool
    reason: str = ""
    message: str = ""


def pod_phase(
    pod: PodContainers,
    statuses: Mapping[str, ContainerStatus],
    *,
    terminal: bool = False,
    previous: Phase = "Pending",
) -> Phase:
    """The phase of a pod.

    Args:
        pod: its containers.
        statuses: by container name; a container that is missing has no status yet.
        terminal: no container will ever be started again (the pod is being deleted, or was evicted).
        previous: the phase before; Succeeded and Failed are final.
    """
    if previous in ("Succeeded", "Failed"):
        return previous
    init_pending = init_failed = False
    for name in pod.init:
        status = statuses.get(name, ContainerStatus())
        exit_code = status.exit_code if status.state == "terminated" else None
        if status.state == "waiting":
            exit_code = status.last_exit_code
        init_pending |= exit_code is None
        init_failed |= bool(exit_code)
    never = pod.restart_policy == "Never" if pod.goes_on is None else not pod.goes_on
    if init_failed and never:
        return "Failed"

    running = waiting = stopped = succeeded = unknown = 0
    for name in pod.sidecars:
        status = statuses.get(name, ContainerStatus("unknown"))
        running += status.state == "running"
        unknown += status.state == "unknown"
        never_started = status.state == "waiting" and status.last_exit_code is None
        waiting += never_started
        init_pending |= status.state == "running" and not status.started
    for name in pod.regular:
        status = statuses.get(name, ContainerStatus("unknown"))
        running += status.state == "running"
        unknown += status.state == "unknown"
        if status.state == "terminated":
            stopped += 1
            succeeded += status.exit_code == 0
        elif status.state == "waiting":
            # Between two runs (CrashLoopBackOff) a container counts as stopped.
            stopped += status.last_exit_code is not None
            waiting += status.last_exit_code is None

    # Once a regular container has started, neither a sidecar that restarts nor an init container that the
    # runtime has forgotten puts the pod back to Pending.
    if waiting or unknown or (init_pending and not pod.any_regular_started(statuses)):
        return "Pending"
    if running:
        return "Running"
    if not stopped:
        return "Pending"
    if terminal:
        return "Succeeded" if stopped == succeeded else "Failed"
    if pod.goes_on or (pod.goes_on is None and pod.restart_policy == "Always"):
        return "Running"
    if stopped == succeeded:
        return "Succeeded"
    return "Failed" if never else "Running"


def _listing(kind: str, names: Sequence[str]) -> list[str]:
    return [f"containers with {kind} status: [{' '.join(names)}]"] if names else []


def containers_ready(
    pod: PodContainers, statuses: Mapping[str, ContainerStatus] | None, phase: Phase
) -> Condition:
    """The ContainersReady condition: every regular container and sidecar is ready."""
    kind = "ContainersReady"
    if statuses is None:
        return Condition(kind, False, "UnknownContainerStatuses")
    names = (*pod.sidecars, *pod.regular)
    unknown = [name for name in names if name not in statuses]
    unready = [name for name in names if name in statuses and not statuses[name].ready]
    if phase == "Succeeded" and not unknown:
        return Condition(kind, False, "PodCompleted")
    if phase == "Failed":
        return Condition(kind, False, "PodFailed")
    messages = _listing("unknown", unknown) + _listing("unready", unready)
    if messages:
        return Condition(kind, False, "ContainersNotReady", ", ".join(messages))
    return Condition(kind, True)


def pod_ready(
    pod: PodContainers,
    statuses: Mapping[str, ContainerStatus] | None,
    phase: Phase,
    gates: Mapping[str, bool | None] | None = None,
) -> Condition:
    """The Ready condition: containers ready, and every readiness gate true (None: has no condition yet)."""
    containers = containers_ready(pod, statuses, phase)
    if not containers.status:
        return Condition("Ready", False, containers.reason, containers.message)
    messages = []
    for gate, value in (gates or {}).items():
        if value is None:
            messages.append(f'corresponding condition of pod readiness gate "{gate}" does not exist.')
        elif not value:
            messages.append(
                f'the status of pod readiness gate "{gate}" is not "True", but False',
            )
    if messages:
        return Condition("Ready", False, "ReadinessGatesNotReady", ", ".join(messages))
    return Condition("Ready", True)


def pod_initialized(
    pod: PodContainers, statuses: Mapping[str, ContainerStatus] | None, phase: Phase
) -> Condition:
    """The Initialized condition: ordinary init containers ended well, sidecars started (once is enough)."""
    kind = "Initialized"
    names = (*pod.init, *pod.sidecars)
    if statuses is None and names:
        return Condition(kind, False, "UnknownContainerStatuses")
    known = statuses or {}
    unknown = [name for name in names if name not in known]
    incomplete = [name for name in pod.init if name in known and not known[name].ready]
    incomplete += [name for name in pod.sidecars if name in known and not known[name].started]
    if phase == "Succeeded" and not unknown:
        return Condition(kind, True, "PodCompleted")
    if pod.any_regular_started(known):
        return Condition(kind, True)
    messages = _listing("unknown", unknown) + _listing("incomplete", incomplete)
    if messages:
        return Condition(kind, False, "ContainersNotInitialized", ", ".join(messages))
    return Condition(kind, True)

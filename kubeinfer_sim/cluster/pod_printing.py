"""The columns of `kubectl get pods`: READY, STATUS, RESTARTS and AGE, from a pod's status.

Sources: pkg/printers/internalversion/printers.go (printPod), apimachinery's pkg/util/duration (HumanDuration).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from msgspec import Struct

from kubeinfer_sim.cluster.kubelet.pod_phase import ContainerStatus, Phase
from kubeinfer_sim.cluster.reasons import InitReason

#: `init`: ordinary init container; `sidecar`: restartable init container.
Kind = Literal["init", "sidecar", "container"]


class ShownContainer(Struct, frozen=True):
    """A container as the pod's status has it.

    Attributes:
        reason: why it waits or how it ended (ContainerCreating, CrashLoopBackOff, OOMKilled …); "" while it runs.
        restarts: how often it was started again.
        finished: when its run before the present one ended (ms), or the last one if it waits; None: no such run.
    """

    name: str
    kind: Kind
    status: ContainerStatus
    reason: str = ""
    restarts: int = 0
    finished: int | None = None


class Columns(Struct, frozen=True):
    """READY as two numbers, STATUS, RESTARTS, and when the newest run that counts there ended (ms)."""

    ready: int
    containers: int
    status: str
    restarts: int
    last_restart: int | None


def columns(
    phase: Phase,
    containers: Sequence[ShownContainer],
    wanted: int,
    *,
    initialized: bool,
    ready: bool,
    deleting: bool,
    reason: str = "",
) -> Columns:
    """What `kubectl get pods` shows of a pod.

    Args:
        phase: the pod's.
        containers: init containers and sidecars as the spec has them, then the containers; none at all while no
            kubelet has written a status.
        wanted: how many containers and sidecars the spec has.
        initialized: the condition Initialized.
        ready: the condition Ready.
        deleting: it has a deletion timestamp.
        reason: of its status, where its kubelet has rejected it.
    """
    word: str = reason or phase
    initializing = False
    ready_now = 0
    counted: list[ShownContainer] = []
    init = [each for each in containers if each.kind != "container"]
    for place, each in enumerate(init):
        counted.append(each)
        status = each.status
        if status.state == "terminated" and status.exit_code == 0:
            continue
        if each.kind == "sidecar" and status.started:
            ready_now += status.ready
            continue
        initializing = True
        if status.state == "terminated" or (
            status.state == "waiting" and each.reason not in ("", "PodInitializing")
        ):
            word = InitReason.of(each.reason)
        else:
            word = f"Init:{place}/{len(init)}"
        break
    if not initializing or initialized:
        # What ordinary init containers went through no longer counts.
        counted = [each for each in counted if each.kind == "sidecar"]
        has_running = False
        for each in reversed([each for each in containers if each.kind == "container"]):
            counted.append(each)
            if each.status.state != "running" and each.reason:
                word = each.reason
            elif each.status.state == "running" and each.status.ready:
                has_running = True
                ready_now += 1
        if word == "Completed" and has_running:
            word = "Running" if ready else "NotReady"
    if deleting and phase not in ("Succeeded", "Failed"):
        word = "Terminating"
    return Columns(
        ready_now,
        wanted,
        word,
        sum(each.restarts for each in counted),
        max((each.finished for each in counted if each.finished is not None), default=None),
    )


def human_duration(millis: int) -> str:
    """A duration as kubectl's AGE has it: `45s`, `5m30s`, `25m`, `3h20m`, `2d4h`, `30d`, `2y11d`."""
    seconds = millis // 1000
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86_400
    if seconds < 120:
        return f"{seconds}s"
    if minutes < 10:
        return _two(minutes, "m", seconds % 60, "s")
    if hours < 3:
        return f"{minutes}m"
    if hours < 8:
        return _two(hours, "h", minutes % 60, "m")
    if hours < 48:
        return f"{hours}h"
    if days < 8:
        return _two(days, "d", hours % 24, "h")
    if days < 730:
        return f"{days}d"
    if days < 2920:
        return _two(days // 365, "y", days % 365, "d")
    return f"{days // 365}y"


def _two(large: int, unit: str, small: int, smaller: str) -> str:
    return f"{large}{unit}{small}{smaller}" if small else f"{large}{unit}"

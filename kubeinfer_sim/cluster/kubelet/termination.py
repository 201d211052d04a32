"""How long a pod takes to stop: preStop, SIGTERM, SIGKILL within the grace period.

Rules of pkg/kubelet/kuberuntime/kuberuntime_container.go (killContainer): preStop runs first, inside the
grace period, which it shortens by the whole seconds it took; at least 2 s are left for SIGTERM; then SIGKILL.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from kubeinfer_sim.cluster.pod import Pod
from kubeinfer_sim.cluster.stages import CLEANUP, EXIT, PRE_STOP, Stage, StageKind, StageName
from kubeinfer_sim.manifest.model import Container, Hook

if TYPE_CHECKING:
    from kubeinfer_sim.cluster.kubelet.start_stages import StageDraws

#: Seconds SIGTERM is given even when preStop used up the grace period (minimumGracePeriodInSeconds).
MINIMUM_GRACE_SECONDS = 2

_SLEEP = re.compile(r"(?:^|[\s;&])(?:/bin/|/usr/bin/)?sleep\s+(\d+)\s*$")


def hook_seconds(hook: Hook) -> int | None:
    """How long the manifest says a hook takes: a `sleep` handler, or a command that ends in `sleep N`."""
    if hook.sleep_seconds is not None:
        return hook.sleep_seconds
    found = _SLEEP.search(" ".join(hook.command))
    return int(found[1]) if found else None


def kill_stages(
    pod: Pod, container: Container, grace_seconds: int, draws: StageDraws, *, sidecar: bool = False
) -> tuple[Stage, ...]:
    """The stages of killing one container: `preStop` (if any), then `exit`, cut by SIGKILL.

    A grace period of 0 or less runs no preStop.
    """
    stages = []
    if container.pre_stop is not None and grace_seconds > 0:
        known = hook_seconds(container.pre_stop)
        wanted = known * 1000 if known is not None else draws.draw(pod.timings.pre_stop, pod, "preStop")
        limit = grace_seconds * 1000
        length = limit if wanted is None else min(wanted, limit)
        stages.append(Stage(PRE_STOP, length, "cut by the grace period" if wanted != length else ""))
        grace_seconds -= length // 1000
    limit = max(grace_seconds, MINIMUM_GRACE_SECONDS) * 1000
    if sidecar:
        wanted = draws.draw(pod.timings.sidecar_exit, pod, f"sidecarExit/{container.name}")
    else:
        wanted = draws.draw(pod.timings.exit, pod, "exit")
    killed = wanted is None or wanted > limit
    stages.append(Stage(EXIT, limit if killed else wanted, "SIGKILL" if killed else ""))
    return tuple(stages)


def kill_grace_seconds(*, pod: int | None, deletion: int | None = None, probe: int | None = None) -> int:
    """The grace period with which one container is killed (setTerminationGracePeriod).

    Args:
        pod: terminationGracePeriodSeconds of the pod.
        deletion: deletionGracePeriodSeconds of a pod that is being deleted; wins over everything.
        probe: terminationGracePeriodSeconds of the probe that has the container killed, if one has.
    """
    for seconds in (deletion, probe, pod):
        if seconds is not None:
            return seconds
    return MINIMUM_GRACE_SECONDS


def pod_stop_stages(
    pod: Pod, grace_seconds: int, draws: StageDraws, *, until: int | None = None
) -> tuple[Stage, ...]:
    """The stages of stopping a running pod: containers in parallel, sidecars after them, then clean-up.

    Of a pod that is being set up, only the sidecars `until` now run. The slowest container counts. Sidecars stop one
    after the other, the last started first, within what is left of the grace period
    (pkg/kubelet/kuberuntime/kuberuntime_termination_order.go).
    """
    grace = max(grace_seconds, 1)  # pkg/kubelet/pod_workers.go: a terminating pod gets at least 1 s
    stages: tuple[Stage, ...] = ()
    if until is None:
        stages = max(
            (kill_stages(pod, container, grace, draws) for container in pod.template.containers),
            key=lambda stages: sum(stage.duration or 0 for stage in stages),
        )
    regular = len(pod.template.containers)
    for index in range(len(pod.containers) - 1, regular - 1, -1):
        if until is not None and (index in pod.dead or pod.sidecars.get(index, until + 1) > until):
            continue
        sidecar = pod.containers[index]
        left = grace * 1000 - sum(stage.duration or 0 for stage in stages)
        limit = max(left, MINIMUM_GRACE_SECONDS * 1000)
        wanted = draws.draw(pod.timings.sidecar_exit, pod, f"sidecarExit/{sidecar.name}")
        killed = wanted is None or wanted > limit
        regime = "SIGKILL" if killed else ""
        stages = (
            *stages,
            Stage(StageName(StageKind.SIDECAR_EXIT, sidecar.name), limit if killed else wanted, regime),
        )
    return (*stages, Stage(CLEANUP, draws.draw(pod.timings.cleanup, pod, "cleanup")))

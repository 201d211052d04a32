"""How long a container, or a pod, takes to stop: preStop, SIGTERM, SIGKILL within the grace period.

Rules of pkg/kubelet/kuberuntime/kuberuntime_container.go (killContainer): preStop runs first, inside the
grace period, which it shortens by the whole seconds it took; at least 2 s are left for SIGTERM; then SIGKILL.
"""

from __future__ import annotations

from msgspec.structs import replace

from kubeinfer_sim.cluster.kubelet.container import Container
from kubeinfer_sim.cluster.kubelet.hooks import hook_seconds
from kubeinfer_sim.cluster.kubelet.pod_layout import ContainerKind
from kubeinfer_sim.cluster.kubelet.pod_worker import PodWorker
from kubeinfer_sim.cluster.kubelet.stage_draws import StageDraws
from kubeinfer_sim.cluster.pod import Pod
from kubeinfer_sim.cluster.stages import CLEANUP, EXIT, PRE_STOP, Stage, StageKind, StageName, end_of

#: Seconds SIGTERM is given even when preStop used up the grace period (minimumGracePeriodInSeconds).
MINIMUM_GRACE_SECONDS = 2
#: Exit codes of a process that ends on SIGTERM, or by SIGKILL.
STOPPED, KILLED = 143, 137


def kill_stages(pod: Pod, container: Container, grace_seconds: int, draws: StageDraws) -> tuple[Stage, ...]:
    """The stages of killing one container: `preStop` (if any), then `exit`, cut by SIGKILL.

    A grace period of 0 or less runs no preStop.
    """
    stages: tuple[Stage, ...] = ()
    spec = container.spec
    if spec.pre_stop is not None and grace_seconds > 0:
        known = hook_seconds(spec.pre_stop)
        timings = pod.timings_of(spec.image)
        wanted = known * 1000 if known is not None else draws.draw(timings.pre_stop, pod, "preStop")
        limit = grace_seconds * 1000
        length = limit if wanted is None else min(wanted, limit)
        stages = (Stage(PRE_STOP, length, "cut by the grace period" if wanted != length else ""),)
        grace_seconds -= length // 1000
    limit = max(grace_seconds, MINIMUM_GRACE_SECONDS) * 1000
    wanted = exit_wanted(pod, container, draws)
    killed = wanted is None or wanted > limit
    return (*stages, Stage(EXIT, limit if killed else wanted, "SIGKILL" if killed else ""))


def exit_wanted(pod: Pod, container: Container, draws: StageDraws) -> int | None:
    """How long the container takes from SIGTERM to its end, if nobody kills it; None: it never ends."""
    timings = pod.timings_of(container.spec.image)
    if container.kind is not ContainerKind.ORDINARY:
        return draws.draw(timings.sidecar_exit, pod, f"sidecarExit/{container.spec.name}")
    return draws.draw(timings.exit, pod, "exit")


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


def pod_stop_stages(worker: PodWorker, draws: StageDraws, *, until: int | None = None) -> tuple[Stage, ...]:
    """The stages of stopping a pod: containers in parallel, sidecars after them, then clean-up.

    Only what runs is stopped: a dead container gets neither its preStop hook nor a signal; of a pod that is being set
    up, only the sidecars `until` now run, and an init container if it is that one's turn. The slowest container counts.
    Sidecars stop one after the other, the last started first, within what is left of the grace period
    (pkg/kubelet/kuberuntime/kuberuntime_termination_order.go).
    """
    pod = worker.pod
    grace = grace_seconds(pod)
    stages: tuple[Stage, ...] = ()
    longest = -1
    beside = worker.containers if until is None else ()
    init = None if until is None else worker.runs_init(until)
    for container in beside if init is None else (init,):
        if container.kind is not ContainerKind.SIDECAR and not (container.dead or container.ended):
            kill = container.kill = kill_stages(pod, container, grace, draws)
            length = end_of(kill, 0)
            assert length is not None
            if length > longest:
                stages, longest = kill, length
    for container in reversed(worker.containers):
        if container.kind is not ContainerKind.SIDECAR:
            break
        if (
            container.dead
            or container.ended
            or (until is not None and not container.runs_beside_set_up(until))
        ):
            continue
        spent = end_of(stages, 0)
        assert spent is not None
        limit = max(grace * 1000 - spent, MINIMUM_GRACE_SECONDS * 1000)
        name = container.spec.name
        wanted = exit_wanted(pod, container, draws)
        killed = wanted is None or wanted > limit
        stage = Stage(
            StageName(StageKind.SIDECAR_EXIT, name), limit if killed else wanted, "SIGKILL" if killed else ""
        )
        stages = (*stages, stage)
    return (*stages, Stage(CLEANUP, draws.draw(pod.timings.cleanup, pod, "cleanup")))


def ended_early(worker: PodWorker, ended: Container, now: int) -> tuple[Stage, ...]:
    """The stages of stopping a pod, since that began, as one of its ordinary containers ends by itself at `now`.

    Only a `sleep` hook goes on in a container that has ended; what comes after the slowest container comes sooner.
    """
    assert worker.stopping is not None
    since, stages, init = worker.stopping
    hook = ended.spec.pre_stop
    lasts = 0
    if hook is not None and hook.handler == "sleep" and ended.kill[0].name == PRE_STOP:
        lasts = ended.kill[0].duration or 0
    ended.kill = _cut(ended.kill, max(now - since, lasts))
    among = worker.ordinary if init is None else (init,)
    slowest = max((each.kill for each in among), key=lambda kill: end_of(kill, 0) or 0)
    after = [each for each in stages if each.name.kind in (StageKind.SIDECAR_EXIT, StageKind.CLEANUP)]
    return (*slowest, *after)


def _cut(stages: tuple[Stage, ...], length: int) -> tuple[Stage, ...]:
    """What of the stages there is within so many ms."""
    kept = []
    for stage in stages:
        assert stage.duration is not None
        kept.append(stage if stage.duration <= length else replace(stage, duration=length, regime=""))
        length = max(0, length - stage.duration)
    return tuple(kept)


def stop_anew(worker: PodWorker, now: int, draws: StageDraws) -> tuple[Stage, ...]:
    """What is left of stopping a pod when a new kubelet takes over at `now` (ms), with the whole grace period.

    A hook is run once more. A process that has been told to end does so at its own time, however often it is told.
    """
    assert worker.stopping is not None
    since, stages, init = worker.stopping
    stage, pod = stages[0], worker.pod
    if stage.name.kind not in (StageKind.EXIT, StageKind.SIDECAR_EXIT):
        return stages
    wanted = stage.duration
    if stage.regime:
        wanted = exit_wanted(pod, init or worker.named(stage.name.about) or worker.engine, draws)
    left = None if wanted is None else max(0, since + wanted - now)
    limit = grace_seconds(pod) * 1000
    killed = left is None or left > limit
    regime = "SIGKILL" if killed else ""
    return (replace(stage, duration=limit if killed else left, regime=regime), *stages[1:])


def grace_seconds(pod: Pod) -> int:
    """What a pod that is deleted gets to end: at least 1 s (pkg/kubelet/pod_workers.go)."""
    grace = pod.deletion_grace
    return max(pod.template.termination_grace_period_seconds if grace is None else grace, 1)

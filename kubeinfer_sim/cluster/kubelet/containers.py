"""Containers that end, of whatever kind and however, and what becomes of them.

A container is killed by a probe, is killed because its hook failed, or ends by itself; `Containers.died` is where all
of that meets. Its restart policy and rules say whether it stays as it is, is started again after its back-off
(CrashLoopBackOff), or has all containers of its pod started again in place; whoever replaces its pod comes too late for
the restart that waits for nothing.
"""

from __future__ import annotations

from msgspec.structs import replace

from kubeinfer_sim.cluster.kubelet.backoff import (
    RELIST,
    Backoff,
    BackoffLimits,
    ContainerBackoff,
    PodWorkerRetry,
)
from kubeinfer_sim.cluster.kubelet.container import Container
from kubeinfer_sim.cluster.kubelet.container_runs import ContainerRuns, Restart
from kubeinfer_sim.cluster.kubelet.engine_starts import EngineStarts
from kubeinfer_sim.cluster.kubelet.image_manager import Registry
from kubeinfer_sim.cluster.kubelet.image_pull import ImageError, PullRetries
from kubeinfer_sim.cluster.kubelet.pod_layout import ContainerKind
from kubeinfer_sim.cluster.kubelet.pod_worker import PodWorker, Sync
from kubeinfer_sim.cluster.kubelet.restart_policy import consequence, killed_and_started_at_once
from kubeinfer_sim.cluster.kubelet.services import Services
from kubeinfer_sim.cluster.kubelet.set_up import SetUp
from kubeinfer_sim.cluster.kubelet.set_up_plan import FailedHook
from kubeinfer_sim.cluster.kubelet.sync_loop import SyncLoop
from kubeinfer_sim.cluster.kubelet.termination import KILLED, STOPPED, kill_grace_seconds, kill_stages
from kubeinfer_sim.cluster.pod import PodState
from kubeinfer_sim.cluster.prober import Transition
from kubeinfer_sim.cluster.reasons import (
    CRASH_LOOP,
    LIVENESS_PROBE_FAILED,
    PROBE_KILLS,
    STARTUP_PROBE_FAILED,
    InitReason,
)
from kubeinfer_sim.cluster.records import (
    ContainerBackOff,
    ContainerDied,
    ContainerKilling,
    ContainersRunning,
    ImagePullFailed,
)
from kubeinfer_sim.cluster.stages import end_of
from kubeinfer_sim.engine.clock import Phase
from kubeinfer_sim.engine.history import NO_CAUSE
from kubeinfer_sim.scenario.timings.model import CrashBackOff
from kubeinfer_sim.scenario.units import format_duration

#: Why the kubelet kills one whose postStart hook has failed.
HOOK_FAILED = "PostStartHookError"
#: Why a container dies that has done nothing itself.
RESTART_ALL = "RestartAllContainers"


class Containers:
    """Kills containers, and starts those again that have ended."""

    def __init__(
        self,
        services: Services,
        crash: CrashBackOff,
        registry: Registry,
        retries: PullRetries,
        engines: EngineStarts,
        set_up: SetUp,
        loop: SyncLoop,
    ) -> None:
        self._clock = services.clock
        self._history = services.history
        self._streams = services.streams
        self._draws = services.draws
        self._status = services.status
        self._probes = services.probes
        self._planner = services.planner
        self._kubernetes = services.kubernetes
        self._limits = BackoffLimits.of_kubelet(
            kubernetes=services.kubernetes, reduced=crash.reduced, maximum=crash.maximum
        )
        self._registry = registry
        self._retries = retries
        self._engines = engines
        self._set_up = set_up
        self._loop = loop
        # Containers that are not started again because the registry does not answer, and since when.
        self._unstarted: dict[Container, tuple[PodWorker, int]] = {}

    # -- how containers end --------------------------------------------------------------------------------

    def kill(self, worker: PodWorker, container: Container, verdict: Transition) -> None:
        """A startup or liveness probe has failed for good: stop the container within its grace period.

        Nothing happens if it has ended by itself by then.
        """
        if container.dead or container.ended:
            return
        now, pod, spec = self._clock.now, worker.pod, container.spec
        startup = verdict.probe == "startup"
        reason = STARTUP_PROBE_FAILED if startup else LIVENESS_PROBE_FAILED
        probe = spec.startup_probe if startup else spec.liveness_probe
        assert probe is not None
        grace = kill_grace_seconds(
            pod=pod.template.termination_grace_period_seconds, probe=probe.termination_grace_period_seconds
        )
        pod.last = killing = self._history.append(
            ContainerKilling(
                now,
                pod.last,
                pod.ref,
                spec.name,
                reason,
                _failures(verdict),
                pod.revision,
            )
        )
        container.synced_from = now
        stages = kill_stages(pod, container, grace, self._draws)
        sigterm = end_of(stages[:-1], now)
        assert sigterm is not None, "a preStop hook ends with the grace period at the latest"
        if container.is_engine:
            self._engines.told_to_end(worker, sigterm)
        length = end_of(stages, 0)
        if length is not None:
            code = KILLED if stages[-1].regime == "SIGKILL" else STOPPED
            worker.timers[container] = self._clock.after(
                length, self._killed, worker, container, reason, code, killing
            )

    def _killed(
        self, worker: PodWorker, container: Container, reason: str, exit_code: int, killing: int
    ) -> None:
        """A container is dead that the kubelet had decided to kill."""
        worker.kill_over(killing)
        self.died(worker, container, reason, exit_code)

    def runs(self, worker: PodWorker, container: Container) -> bool:
        """Whether it has a process that runs, of a pod that is not being stopped."""
        now = self._clock.now
        if not worker.node.alive or container.dead or container.ended:
            return False
        if container.kind is ContainerKind.INIT:
            return worker.runs_init(now) is container
        if worker.sync is Sync.SETTING_UP:
            return container.runs_beside_set_up(now)
        return worker.sync is Sync.RUNNING

    def exits(
        self, worker: PodWorker, container: Container, reason: str, exit_code: int, *, cause: int
    ) -> None:
        """A container's process ends by itself; nothing happens if it does not run."""
        if not self.runs(worker, container):
            return
        pod, waits = worker.pod, None if container.kind is ContainerKind.INIT else container
        if (timer := worker.timers.pop(waits, None)) is not None:
            timer.cancel()
        if pod.state is PodState.RUNNING and not worker.probed:
            self._probes.probe_long_running(worker)
        pod.last = cause
        unseen = self._draws.relist(pod, container.spec)
        if worker.node.kubelet_runs and not unseen:
            self._seen_dead(worker, container, reason, exit_code)
            return
        # The process is gone; the kubelet will see it with its next relist, or when it runs again.
        container.ended = True
        if container.is_engine:
            self._engines.stop(worker)
        if worker.node.kubelet_runs:
            worker.timers[waits] = self._clock.after(
                unseen, self._seen_dead, worker, container, reason, exit_code
            )
            return
        worker.hold(
            waits, lambda at: self._clock.at(at, self._seen_dead, worker, container, reason, exit_code)
        )

    def _seen_dead(self, worker: PodWorker, container: Container, reason: str, exit_code: int) -> None:
        """The kubelet sees that a process has ended."""
        container.ended = False
        if worker.sync is Sync.SETTING_UP:
            self._set_up.sidecars.begin(worker)
        self.died(worker, container, reason, exit_code)

    def hook_failed(self, worker: PodWorker, hook: FailedHook) -> None:
        """A container has been killed since its postStart hook failed; that counts as any death."""
        self._planner.struck(worker.pod, hook.container, hook.failure)
        self.died(worker, hook.container, HOOK_FAILED, hook.exit_code)

    def died(self, worker: PodWorker, container: Container, reason: str, exit_code: int) -> None:
        """A container has ended: what follows is its restart policy's decision, whoever replaces its pod."""
        pod, spec, kind = worker.pod, container.spec, container.kind
        is_init = kind is ContainerKind.INIT
        holds_up = is_init or worker.sync is Sync.SETTING_UP
        worker.timers.pop(None if is_init else container, None)
        if is_init:
            worker.plan = None
        else:
            container.dead = True
            container.exit_code = exit_code
            container.synced_from = self._clock.now
        pod.last = self._history.append(
            ContainerDied(self._clock.now, pod.last, pod.ref, spec.name, reason, exit_code, holds_up)
        )
        if container.is_engine:
            self._engines.stop(worker)
        if is_init and not exit_code:
            self._set_up.go_on(worker, container.order + 1)
            return
        self._status.container_died(worker, InitReason.of(reason) if holds_up else reason, exit_code)
        sidecar = kind is ContainerKind.SIDECAR
        at_once = reason in PROBE_KILLS and killed_and_started_at_once(
            spec, pod.template, kubernetes=self._kubernetes, sidecar=sidecar
        )
        if worker.to_stop and not at_once:
            container.synced_from = None
            self._loop.sync(worker)
            return
        match consequence(spec, pod.template, exit_code, kubernetes=self._kubernetes, sidecar=sidecar):
            case "all":
                self._restart_all(worker)
            case "again" if is_init:
                self._init_again(worker, container)
            case "again":
                self._again(worker, container, reason, at_once=at_once)
            case "stays":
                container.synced_from = None
                if container.prober is not None:
                    self._probes.exact(worker, container).container_died(self._clock.now)
                self._loop.sync(worker)
                if is_init or self._all_ended(worker):
                    failed = is_init or any(each.exit_code for each in worker.ordinary)
                    self._loop.completed(worker, failed=failed)

    @staticmethod
    def _all_ended(worker: PodWorker) -> bool:
        """Whether all ordinary containers have ended, and none waits to be started again."""
        return worker.sync is Sync.RUNNING and all(
            each.dead and each.synced_from is None and each not in worker.timers for each in worker.ordinary
        )

    # -- started again -------------------------------------------------------------------------------------

    def _again(self, worker: PodWorker, container: Container, reason: str, *, at_once: bool) -> None:
        """Start a dead container again, after its back-off; `at_once`: the sync that has killed it does so."""
        now, pod = self._clock.now, worker.pod
        restart = self._runs(worker, container).start_after(now, seen=not at_once)
        start_at = restart.at
        pod.started = False
        pod.restarts += 1
        # Killed and started within one sync, nobody sees the container dead; else the wait shows it.
        hidden = at_once and start_at == now
        if container.prober is not None:
            prober = self._probes.exact(worker, container)
            if not hidden:
                prober.container_died(now)
        container.synced_from = start_at
        if start_at > now:
            if reason == HOOK_FAILED:  # the sync that has run the hook tells of it, the next one of the wait
                restart = replace(restart, in_status_at=now + RELIST)
            self._back_off(worker, container, restart, holds_up=worker.sync is Sync.SETTING_UP)
        if container.spec.image_pull_policy != "Always":
            self._start(worker, container, start_at, hidden=hidden)
        elif start_at == now:
            self._ask(worker, container, start_at, hidden)
        else:
            worker.timers[container] = self._clock.at(
                start_at, self._ask, worker, container, start_at, hidden
            )
        self._loop.sync(worker)

    def _init_again(self, worker: PodWorker, container: Container) -> None:
        """Run an init container again, after its back-off; its image is there."""
        now = self._clock.now
        restart = self._runs(worker, container).start_after(now, seen=True)
        worker.init_restarts += 1
        if restart.at == now:
            self._set_up.go_on(worker, container.order, again=container.spec.name)
            return
        self._back_off(worker, container, restart, holds_up=True)
        worker.timers[None] = self._clock.at(restart.at, self._set_up.init_again, worker, container)

    def _back_off(self, worker: PodWorker, container: Container, restart: Restart, *, holds_up: bool) -> None:
        """CrashLoopBackOff; `holds_up`: it keeps the containers of its pod waiting."""
        pod = worker.pod
        pod.last = self._history.append(
            ContainerBackOff(
                self._clock.now,
                pod.last,
                pod.ref,
                container.spec.name,
                restart.at,
                holds_up,
                restart.in_status_at,
            )
        )
        pod.failure = InitReason.of(CRASH_LOOP) if holds_up else CRASH_LOOP
        if holds_up and worker.node.reachable:
            self._status.stuck(pod, pod.failure)

    def _runs(self, worker: PodWorker, container: Container) -> ContainerRuns:
        """The restarts of a container."""
        if container.runs is None:
            source = self._streams.named(f"restart/{worker.pod.stream_name}/{container.number}")
            container.runs = ContainerRuns(
                ContainerBackoff(Backoff(self._limits)), PodWorkerRetry(self._kubernetes, source)
            )
        return container.runs

    def _ask(self, worker: PodWorker, container: Container, since: int, hidden: bool) -> None:
        """With pull policy Always the registry is asked each time: no answer, no start.

        The image is on the node, so nothing is transferred (pkg/kubelet/images/image_manager.go, EnsureImageExists).
        The first attempt of this start was at `since`.
        """
        now, pod, image = self._clock.now, worker.pod, container.spec.image
        worker.timers.pop(container, None)
        container.synced_from = now
        asked_before = self._unstarted.pop(container, None) is not None
        if not (why := self._registry.refuses(image)):
            asked = self._planner.image_warm(pod, image)
            if asked is not None:
                self._start(worker, container, now + asked, hidden=hidden)
            return
        self._unstarted[container] = worker, since
        container.synced_from = None
        if asked_before:
            return
        if hidden and container.prober is not None:
            # Killed, and not started within the same sync.
            self._probes.exact(worker, container).container_died(now)
        cause = self._registry.cause(image)
        failed = ImagePullFailed(
            now, pod.last if cause == NO_CAUSE else cause, pod.ref, image, why, ImageError.BACK_OFF
        )
        told = self._history.append(failed)
        if cause == NO_CAUSE:
            pod.last = told
        if worker.node.reachable:
            self._status.stuck(pod, ImageError.BACK_OFF)
        self._loop.sync(worker)

    def registry_changed(self) -> None:
        """Containers that wait for the registry try again at their next attempt, if it answers now."""
        now = self._clock.now
        for container, (worker, since) in list(self._unstarted.items()):
            if container not in worker.timers and not self._registry.refuses(container.spec.image):
                when = self._retries.next(worker.pod, since, now)
                worker.timers[container] = self._clock.at(when, self._ask, worker, container, since, False)

    def _start(self, worker: PodWorker, container: Container, at: int, *, hidden: bool) -> None:
        """Begin at `at` to start the container again."""
        create = self._draws.draw(worker.pod.timings.create, worker.pod, "create")
        if create is None:
            return
        begins = at + create
        # Whoever hears of the death in this instant is a little later than the kubelet, and deletes a pod in its sync.
        phase = Phase.CONTROLLER if begins == self._clock.now else Phase.WORLD
        if container.spec.post_start is None:
            worker.timers[container] = self._clock.at(
                begins, self.runs_again, worker, container, hidden, phase=phase
            )
            return
        stages, failed = self._planner.post_start(worker.pod, container, begins)
        ends = end_of(stages, begins)
        if ends is None:
            self._status.stuck(worker.pod, "PostStartHookNeverEnds")
        elif failed is not None:
            worker.timers[container] = self._clock.at(ends, self.hook_failed, worker, failed, phase=phase)
        else:
            worker.timers[container] = self._clock.at(
                ends, self.runs_again, worker, container, hidden, phase=phase
            )

    def runs_again(self, worker: PodWorker, container: Container, hidden: bool) -> None:
        """A container has been started again; `hidden`: by the sync that had killed it."""
        now, pod = self._clock.now, worker.pod
        del worker.timers[container]
        container.dead = False
        container.synced_from = None
        if worker.sync is Sync.SETTING_UP:
            self._set_up.sidecars.runs_again(worker, container)
        else:
            pod.last = self._history.append(
                ContainersRunning(
                    now, pod.last, pod.ref, pod.restarts, container.spec.name, container.is_engine
                )
            )
        if worker.to_stop:
            self._loop.sync(worker)
            return
        if container.is_engine:
            self._engines.arrive(worker)
        self._probes.run_begins(worker, container, container.began(now))
        if container.prober is not None:
            prober, health = self._probes.exact(worker, container), self._probes.health(worker, container)
            since = container.began(now)
            relist = self._draws.relist(pod, container.spec)
            if hidden:
                prober.container_replaced(now, health, since, relist=relist)
            else:
                prober.container_started(now, health, since, relist=relist)
        self._loop.sync(worker)

    def _restart_all(self, worker: PodWorker) -> None:
        """Restart the pod in place, as a rule of one of its containers asks (RestartAllContainers, KEP-5532).

        No container gets time to stop and no preStop hook is run; then the pod goes through its set-up again, init
        containers included, with the same address, node, devices and volumes. The containers are removed from the
        node before, so that none has an exit to be backed off from.
        """
        now, pod = self._clock.now, worker.pod
        setting_up = worker.sync is Sync.SETTING_UP
        worker.forget_timers()
        self.forget(worker)
        for container in worker.containers:
            if not container.dead and (not setting_up or container.runs_beside_set_up(now)):
                name = container.spec.name
                pod.last = self._history.append(
                    ContainerDied(now, pod.last, pod.ref, name, RESTART_ALL, KILLED, setting_up)
                )
        self._engines.stop(worker)
        worker.forget_probers()
        self._set_up.sidecars.forget(worker)
        worker.plan = None
        for container in worker.every:
            container.began_at = None
        pod.started = False
        pod.restarts += 1
        worker.in_place += 1
        if pod.state is PodState.RUNNING:
            pod.state = PodState.PULLING
        worker.sync = Sync.SETTING_UP
        self._set_up.go_on(worker, 0)

    # -- kubelets that are restarted -----------------------------------------------------------------------

    def forget_back_offs(self, worker: PodWorker) -> None:
        """A new kubelet remembers no back-off."""
        for container in worker.every:
            container.runs = None

    def found_dead(self, worker: PodWorker, container: Container) -> None:
        """A new kubelet, after a reboot, finds a container that had ended before; it waits for nothing any more."""
        sidecar = container.kind is ContainerKind.SIDECAR
        template, code = worker.pod.template, container.exit_code
        follows = consequence(container.spec, template, code, kubernetes=self._kubernetes, sidecar=sidecar)
        if follows != "stays":
            self.start_dead(worker, container)

    def start_dead(self, worker: PodWorker, container: Container) -> None:
        """A new kubelet starts a container that it finds dead: at once, and the next time it waits."""
        now = container.synced_from = self._clock.now
        self._runs(worker, container).start_after(now, seen=True)
        create = self._draws.draw(worker.pod.timings.create, worker.pod, "create")
        if create is not None:
            worker.timers[container] = self._clock.after(create, self.runs_again, worker, container, False)

    def forget(self, worker: PodWorker) -> None:
        """No container of the pod waits for the registry."""
        if self._unstarted:
            for container in worker.containers:
                self._unstarted.pop(container, None)


def _failures(verdict: Transition) -> str:
    """How many calls a probe made before it gave up, and how far apart; one that hangs is followed at once."""
    if verdict.calls == 1:
        return "1 failure"
    assert verdict.first_call_at is not None
    text = f"{verdict.calls:,} failures in a row"
    if verdict.spacing > 0:
        return f"{text}, one every {verdict.spacing / 1000:g} s"
    return f"{text} within {format_duration(verdict.at - verdict.first_call_at)}"

"""Containers that die: killed by a probe or ended by themselves, and started again after their back-off."""

from __future__ import annotations

from kubeinfer_sim.cluster.kubelet.backoff import (
    Backoff,
    BackoffLimits,
    ContainerBackoff,
    PodWorkerRetry,
)
from kubeinfer_sim.cluster.kubelet.container_runs import ContainerRuns
from kubeinfer_sim.cluster.kubelet.engine import EngineStart
from kubeinfer_sim.cluster.kubelet.restart_policy import consequence, killed_and_started_at_once
from kubeinfer_sim.cluster.kubelet.start_stages import FailedHook, end_of
from kubeinfer_sim.cluster.kubelet.state import PROBE_KILLS
from kubeinfer_sim.cluster.kubelet.termination import kill_grace_seconds, kill_stages
from kubeinfer_sim.cluster.pod import Pod, PodState
from kubeinfer_sim.cluster.prober import (
    Transition,
)
from kubeinfer_sim.cluster.records import (
    ContainerBackOff,
    ContainerDied,
    ContainerKilling,
    ContainersRunning,
)


class Restarts(EngineStart):
    """Kills, deaths and restarts in place."""

    def _kill(self, pod: Pod, index: int, transition: Transition) -> None:
        """A startup or liveness probe has failed for good: stop the container within its grace period."""
        now = self._clock.now
        container = pod.containers[index]
        startup = transition.probe == "startup"
        reason = PROBE_KILLS[not startup]
        probe = container.startup_probe if startup else container.liveness_probe
        assert probe is not None
        grace = kill_grace_seconds(
            pod=pod.template.termination_grace_period_seconds, probe=probe.termination_grace_period_seconds
        )
        pod.last = self._history.append(
            ContainerKilling(
                now,
                pod.last,
                pod.ref,
                container.name,
                reason,
                f"{probe.failure_threshold} failures in a row, one every {probe.period_seconds} s",
            )
        )
        stages = kill_stages(
            pod, container, grace, self._draws, sidecar=index >= len(pod.template.containers)
        )
        length = end_of(stages, 0)
        if length is not None:
            code = 137 if stages[-1].regime == "SIGKILL" else 143
            pod.timers[index] = self._clock.after(length, self._died, pod, index, reason, code)

    def crash(
        self, pod: Pod, reason: str, exit_code: int, *, container: int | None = None, cause: int
    ) -> None:
        """A container's process (by default the engine) ends by itself; nothing happens if it does not run."""
        index = pod.engine if container is None else container
        if pod.state is not PodState.RUNNING or index in pod.dead:
            return
        if pod.node is not None and not pod.node.alive:
            return
        if (timer := pod.timers.pop(index, None)) is not None:
            timer.cancel()
        if not pod.probers:
            self._probe_running(pod)
        pod.last = cause
        if pod.node is not None and not pod.node.kubelet_runs:
            # The process is gone; the kubelet will see it when it runs again.
            if index == pod.engine:
                self._interrupt(pod)
            self._held.setdefault(pod, {})[index] = lambda now: self._clock.at(
                now, self._died, pod, index, reason, exit_code
            )
            return
        self._died(pod, index, reason, exit_code)

    def _died(self, pod: Pod, index: int, reason: str, exit_code: int) -> None:
        """A container is dead: somebody replaces the pod, or the kubelet starts the container again."""
        pod.timers.pop(index, None)
        pod.dead.add(index)
        known = pod.node is None or pod.node.reachable
        name = pod.containers[index].name
        init = pod.state is PodState.PULLING
        pod.last = self._history.append(
            ContainerDied(self._clock.now, pod.last, pod.ref, name, reason, exit_code, init)
        )
        if index == pod.engine:
            self._interrupt(pod)
        if not known:
            # Nobody but its kubelet knows: what the API server has not heard cannot cause a rebuild.
            self._restart(pod, index, exit_code, probe_kill=reason in PROBE_KILLS)
            return
        if pod.ready:
            self._api.unready(pod, reason)
        word = f"Init:{reason}" if init else reason
        self._api.stuck(pod, word)
        if not self._api.container_died(pod, word, exit_code):
            self._restart(pod, index, exit_code, probe_kill=reason in PROBE_KILLS)

    def _restart(self, pod: Pod, index: int, exit_code: int, *, probe_kill: bool) -> None:
        """Start a dead container again, after its back-off (CrashLoopBackOff)."""
        now = self._clock.now
        container, template = pod.containers[index], pod.template
        sidecar = index >= len(template.containers)
        what = consequence(container, template, exit_code, kubernetes=self._kubernetes, sidecar=sidecar)
        if what == "all":
            self._restart_all(pod)
            return
        if what == "stays":
            if index in pod.probers:
                self._exact(pod, index).container_died(now)
                self._follow(pod)
            return
        probe_kill = probe_kill and killed_and_started_at_once(
            container, template, kubernetes=self._kubernetes, sidecar=sidecar
        )
        start_at = self._runs_of(pod, index).start_after(now, seen=not probe_kill)
        pod.started = False
        pod.restarts += 1
        # Killed and started within one sync, nobody sees the container dead; else the wait shows it.
        hidden = probe_kill and start_at == now
        if index in pod.probers:
            prober = self._exact(pod, index)
            if not hidden:
                prober.container_died(now)
        if start_at > now:
            init = pod.state is PodState.PULLING
            pod.failure = "Init:CrashLoopBackOff" if init else "CrashLoopBackOff"
            name = pod.containers[index].name
            pod.last = self._history.append(ContainerBackOff(now, pod.last, pod.ref, name, start_at, init))
            if init and (pod.node is None or pod.node.reachable):
                self._api.stuck(pod, pod.failure)
        self._start_after(pod, index, start_at, hidden=hidden)
        self._follow(pod)

    def _start_after(self, pod: Pod, index: int, start_at: int, *, hidden: bool) -> None:
        """Begin at `start_at` to start the container again."""
        create = self._draws.draw(pod.timings.create, pod, "create")
        if create is not None:
            self._start_again(pod, index, start_at + create, hidden=hidden)

    def _restart_all(self, pod: Pod) -> None:
        """A rule of a container's has all containers of its pod started again."""
        raise NotImplementedError

    def _start_again(self, pod: Pod, index: int, begins: int, *, hidden: bool) -> None:
        """The container's process begins, and its postStart hook, at this time: it runs when that has returned."""
        if pod.containers[index].post_start is None:
            pod.timers[index] = self._clock.at(begins, self._runs_again, pod, index, hidden)
            return
        stages, failed = self._draws.post_start(pod, index, begins)
        ends = end_of(stages, begins)
        if ends is None:
            self._api.stuck(pod, "PostStartHookNeverEnds")
        elif failed is not None:
            pod.timers[index] = self._clock.at(ends, self._hook_failed, pod, failed)
        else:
            pod.timers[index] = self._clock.at(ends, self._runs_again, pod, index, hidden)

    def _hook_failed(self, pod: Pod, hook: FailedHook) -> None:
        """A container has been killed since its postStart hook failed; that counts as any death."""
        self._draws.struck(pod, pod.containers[hook.container].name, hook.failure)
        self._died(pod, hook.container, "PostStartHookError", hook.exit_code)

    def _runs_of(self, pod: Pod, index: int) -> ContainerRuns:
        """The restarts of a container by its place in `pod.containers`, or of init container i by -1 - i."""
        runs = self._runs.get((pod, index))
        if runs is None:
            source = self._streams.named(f"restart/{pod.stream_name}/{index}")
            limits = BackoffLimits.of_kubelet(
                kubernetes=self._kubernetes, reduced=self._crash.reduced, maximum=self._crash.maximum
            )
            runs = ContainerRuns(ContainerBackoff(Backoff(limits)), PodWorkerRetry(self._kubernetes, source))
            self._runs[pod, index] = runs
        return runs

    def _runs_again(self, pod: Pod, index: int, hidden: bool) -> None:
        now = self._clock.now
        del pod.timers[index]
        pod.dead.discard(index)
        self._tell_running(pod, index)
        for other in self._arrive(pod) if index == pod.engine else ():
            if other is not pod:
                self._in_sight(other)
        if index in pod.probers:
            prober, health = self._exact(pod, index), self._health(pod, index)
            since = self._began(pod, index, now)
            if hidden:
                prober.container_replaced(now, health, since)
            else:
                prober.container_started(now, health, since)
        self._follow(pod)

    def _tell_running(self, pod: Pod, index: int) -> None:
        """A container has been started again."""
        name = pod.containers[index].name
        pod.last = self._history.append(
            ContainersRunning(self._clock.now, pod.last, pod.ref, pod.restarts, name)
        )

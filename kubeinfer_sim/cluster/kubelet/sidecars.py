"""Sidecars (restartable init containers) that are sick, killed or dead before the containers of their pod run.

Until then a sidecar's start is part of the plan of the pod's set-up. One whose checks do not answer as they should, or
that dies, is watched: its prober says when it has started, or has to be killed and started again with its back-off,
and what follows it waits for that. What had begun before goes on beside it: a sidecar that has started once holds
nobody any more (pkg/kubelet/kuberuntime/kuberuntime_container.go, computeInitContainerActions).
"""

from __future__ import annotations

from kubeinfer_sim.cluster.kubelet.init_containers import InitContainers
from kubeinfer_sim.cluster.kubelet.set_up import SET_UP
from kubeinfer_sim.cluster.kubelet.start_stages import FailedHook, SetUpPlan
from kubeinfer_sim.cluster.pod import Pod, PodState, is_sidecar
from kubeinfer_sim.cluster.records import SetUpContinued
from kubeinfer_sim.cluster.stages import Stage, StageKind


class Sidecars(InitContainers):
    """What becomes of sidecars while their pod is being set up."""

    def crash(
        self, pod: Pod, reason: str, exit_code: int, *, container: int | None = None, cause: int
    ) -> None:
        """As for any container; a sidecar may die while its pod is being set up."""
        now = self._clock.now
        runs = container is not None and pod.sidecars.get(container, now + 1) <= now
        if pod.state is not PodState.PULLING or container is None or not runs:
            super().crash(pod, reason, exit_code, container=container, cause=cause)
        elif container not in pod.dead and pod.node is not None and pod.node.alive:
            self._watch_sidecars(pod)
            if (timer := pod.timers.pop(container, None)) is not None:
                timer.cancel()
            pod.last = cause
            self._died(pod, container, reason, exit_code)

    def _watch_sidecars(self, pod: Pod) -> None:
        """Follow the probes of the sidecars that run, and plan no further than the stage the pod is in."""
        now = self._clock.now
        for index, since in list(pod.sidecars.items()):
            if since > now:
                del pod.sidecars[index]  # a plan that no longer holds
            elif index not in pod.probers and index not in pod.dead:
                self._probe_sidecar(pod, index, since)
        if pod.plan is None or pod.node is None or SET_UP not in pod.timers:
            return
        began, plan = pod.plan
        place = plan.now(now - began)
        if place is None:
            return
        while place + 1 < len(plan.stages) and plan.stages[place + 1].name == plan.stages[place].name:
            place += 1  # waiting for the pull of an image, and the pull itself
        if plan.stages[place].name.kind is StageKind.SIDECAR:
            pod.timers.pop(SET_UP).cancel()
            pod.plan, pod.waits = None, self._sidecar(pod, plan.places[place])
        elif any(stage.name.kind is StageKind.SIDECAR for stage in plan.stages[place + 1 :]):
            ends = began + sum(stage.duration or 0 for stage in plan.stages[: place + 1])
            pod.timers.pop(SET_UP).cancel()
            pod.plan = began, SetUpPlan(plan.stages[: place + 1], plan.places[: place + 1])
            if plan.stages[place].name.kind is StageKind.POST_START:
                pod.timers[SET_UP] = self._clock.at(ends, self._start_sidecar, pod, plan.places[place])
                return
            image = plan.stages[place].name.kind is StageKind.IMAGE
            first = plan.places[place] + (not image)
            pod.timers[SET_UP] = self._clock.at(ends, self._plan_anew, pod, first, image)

    def _plan_anew(self, pod: Pod, first: int, pulled: bool) -> None:
        del pod.timers[SET_UP]
        self._go_on(pod, first, pulled=pulled)

    def _start_sidecar(self, pod: Pod, place: int) -> None:
        del pod.timers[SET_UP]
        pod.plan = None
        index = pod.waits = self._sidecar(pod, place)
        pod.sidecars[index] = self._clock.now
        self._probe_sidecar(pod, index, self._clock.now)
        self._follow(pod)

    def _sidecar_hook_failed(self, pod: Pod, hook: FailedHook) -> None:
        del pod.timers[SET_UP]
        pod.plan = None
        index = pod.waits = hook.container
        container = pod.containers[index]
        pod.sidecars[index] = self._clock.now
        pod.dead.add(index)
        if container.startup_probe or container.liveness_probe or container.readiness_probe:
            pod.probers[index] = self._prober(pod, container)
        self._hook_failed(pod, hook)

    def _probe_sidecar(self, pod: Pod, index: int, since: int) -> None:
        container = pod.containers[index]
        if container.startup_probe or container.liveness_probe or container.readiness_probe:
            prober = pod.probers[index] = self._prober(pod, container)
            prober.container_started(since, self._health(pod, index), self._began(pod, index, since))
            prober.advance(self._clock.now)

    def _look_at_sidecar(self, pod: Pod) -> None:
        index = pod.waits
        assert index is not None
        if index in pod.dead or (index in pod.probers and not pod.probers[index].started):
            return
        pod.waits = None
        self._go_on(pod, pod.template.init_containers.index(pod.containers[index]) + 1)

    def _tell_running(self, pod: Pod, index: int) -> None:
        if pod.state is not PodState.PULLING:
            super()._tell_running(pod, index)
            return
        now = self._clock.now
        rest: tuple[Stage, ...] = ()
        pod.sidecars[index] = now
        if pod.plan is not None:
            rest = pod.plan[1].after(now - pod.plan[0])
        name = pod.containers[index].name
        pod.last = self._history.append(SetUpContinued(now, pod.last, pod.ref, name, rest))

    @staticmethod
    def _sidecar(pod: Pod, place: int) -> int:
        """The place in `pod.containers` of a sidecar, by its place among the init containers."""
        before = sum(map(is_sidecar, pod.template.init_containers[:place]))
        return len(pod.template.containers) + before

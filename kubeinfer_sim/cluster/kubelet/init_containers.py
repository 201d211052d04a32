"""Init containers that fail, and are run again after their back-off.

Each runs until it has ended well; what follows it waits (pkg/kubelet/kuberuntime/kuberuntime_container.go,
computeInitContainerActions). Its back-off is a container's (kuberuntime_manager.go, doBackOff). With restartPolicy
Never its first failure is the pod's end. The words are those of `kubectl get pod`: Init:Error, Init:CrashLoopBackOff.
"""

from __future__ import annotations

from kubeinfer_sim.cluster.kubelet.restart_policy import consequence
from kubeinfer_sim.cluster.kubelet.restart_pulls import RestartPulls
from kubeinfer_sim.cluster.kubelet.set_up import SET_UP
from kubeinfer_sim.cluster.kubelet.start_faults import Failure
from kubeinfer_sim.cluster.pod import Pod, PodState
from kubeinfer_sim.cluster.records import ContainerBackOff, ContainerDied, SetUpContinued
from kubeinfer_sim.cluster.stages import StageKind


class InitContainers(RestartPulls):
    """What becomes of init containers that end badly."""

    def number_of(self, pod: Pod, name: str) -> int | None:
        """Which container of the pod is meant: its place in `pod.containers`; of init container i, -1 - i.

        Args:
            pod: any.
            name: of a container; "": the init container that runs, else the engine's.

        Returns:
            None when it has none of this name, or it is an init container that does not run now.
        """
        running = self._running_init(pod)
        if running is not None and name in ("", pod.template.init_containers[running].name):
            return -1 - running
        if not name:
            return pod.engine
        return next((index for index, each in enumerate(pod.containers) if each.name == name), None)

    def _running_init(self, pod: Pod) -> int | None:
        """Which of its init containers runs now."""
        if pod.state is not PodState.PULLING or pod.plan is None or not (pod.node and pod.node.alive):
            return None
        since, plan = pod.plan
        place = plan.now(self._clock.now - since)
        if place is None or plan.stages[place].name.kind is not StageKind.INIT:
            return None
        return plan.places[place]

    def crash(
        self, pod: Pod, reason: str, exit_code: int, *, container: int | None = None, cause: int
    ) -> None:
        """As for any container; an init container is named by -1 - its place."""
        if container is None or container >= 0:
            super().crash(pod, reason, exit_code, container=container, cause=cause)
        elif self._running_init(pod) == -1 - container:
            if (timer := pod.timers.pop(SET_UP, None)) is not None:
                timer.cancel()
            pod.last = cause
            self._init_died(pod, -1 - container, reason, exit_code)

    def _init_failed(self, pod: Pod, place: int, failure: Failure) -> None:
        del pod.timers[SET_UP]
        self._draws.struck(pod, pod.template.init_containers[place].name, failure)
        self._init_died(pod, place, failure.reason, failure.exit_code)

    def _init_died(self, pod: Pod, place: int, reason: str, exit_code: int) -> None:
        """An init container has ended: well, or it is run again, unless somebody replaces the pod."""
        now = self._clock.now
        pod.plan = None
        name = pod.template.init_containers[place].name
        pod.last = self._history.append(
            ContainerDied(now, pod.last, pod.ref, name, reason, exit_code, init=True)
        )
        if not exit_code:
            self._go_on(pod, place + 1)
            return
        if pod.node is None or pod.node.reachable:
            self._api.stuck(pod, f"Init:{reason}")
            if self._api.container_died(pod, f"Init:{reason}", exit_code):
                return
        container = pod.template.init_containers[place]
        what = consequence(container, pod.template, exit_code, kubernetes=self._kubernetes)
        if what == "all":
            self._restart_all(pod)
        if what != "again":
            return
        start_at = self._runs_of(pod, -1 - place).start_after(now, seen=True)
        pod.init_restarts += 1
        if start_at == now:
            self._go_on(pod, place, again=name)
            return
        pod.last = self._history.append(ContainerBackOff(now, pod.last, pod.ref, name, start_at, init=True))
        if pod.node is None or pod.node.reachable:
            self._api.stuck(pod, "Init:CrashLoopBackOff")
        pod.timers[SET_UP] = self._clock.at(start_at, self._init_again, pod, place, name)

    def _init_again(self, pod: Pod, place: int, name: str) -> None:
        """The back-off is over."""
        del pod.timers[SET_UP]
        self._go_on(pod, place, again=name)

    def _go_on(self, pod: Pod, first: int, *, pulled: bool = False, again: str = "") -> None:
        """The set-up goes on with this container; its image is there if it was `pulled` or runs `again`."""
        now = self._clock.now
        self._proceed(
            pod,
            first,
            lambda stages: SetUpContinued(now, pod.last, pod.ref, again, stages),
            pulled=pulled or bool(again),
        )

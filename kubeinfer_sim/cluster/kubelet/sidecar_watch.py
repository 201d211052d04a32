"""Sidecars (restartable init containers) that are sick, killed or dead before the containers of their pod run.

Until then a sidecar's start is part of the plan of the pod's set-up. One whose checks do not answer as they should, or
that dies, is watched: its prober says when it has started, or has to be killed and started again with its back-off,
and what follows it waits for that. What had begun before goes on beside it: a sidecar that has started once holds
nobody any more (pkg/kubelet/kuberuntime/kuberuntime_container.go, computeInitContainerActions).
"""

from __future__ import annotations

from typing import Protocol

from kubeinfer_sim.cluster.kubelet.container import Container
from kubeinfer_sim.cluster.kubelet.pod_layout import ContainerKind
from kubeinfer_sim.cluster.kubelet.pod_worker import PodWorker
from kubeinfer_sim.cluster.kubelet.services import Services
from kubeinfer_sim.cluster.kubelet.set_up_plan import FailedHook, SetUpPlan
from kubeinfer_sim.cluster.kubelet.sync_loop import SyncLoop
from kubeinfer_sim.cluster.records import SetUpContinued
from kubeinfer_sim.cluster.stages import Stage, StageKind


class GoOn(Protocol):
    """Lets the set-up of a pod go on with the container that is started as number `first`."""

    def __call__(self, worker: PodWorker, first: int, *, pulled: bool = False) -> None:
        """`pulled`: its image is there."""


class SidecarWatch:
    """Watches sidecars of pods that are being set up."""

    def __init__(self, services: Services, loop: SyncLoop, go_on: GoOn) -> None:
        self._clock = services.clock
        self._history = services.history
        self._probes = services.probes
        self._loop = loop
        self._go_on = go_on

    def begin(self, worker: PodWorker) -> None:
        """Follow the probes of the sidecars that run, and plan no further than the stage the pod is in.

        Nothing happens where no sidecar has been started or planned.
        """
        now = self._clock.now
        planned = False
        for container in worker.containers:
            since = container.since
            if since is None:
                continue
            planned = True
            if since > now:
                container.since = None  # a plan that no longer holds
            elif container.prober is None and not container.dead:
                self._probes.watch(worker, container, since)
        if planned and worker.plan is not None and None in worker.timers:
            self._cut(worker, *worker.plan)

    def _cut(self, worker: PodWorker, began: int, plan: SetUpPlan) -> None:
        """Plan no further than the present stage, if a sidecar is started in it or after it."""
        stages = plan.stages
        place = plan.now(self._clock.now - began)
        if place is None:
            return
        while place + 1 < len(stages) and stages[place + 1].name == stages[place].name:
            place += 1  # waiting for the pull of an image, and the pull itself
        kind, container = stages[place].name.kind, plan.containers[place]
        if kind is StageKind.SIDECAR:
            worker.timers.pop(None).cancel()
            worker.plan, worker.awaits = None, container
        elif any(stage.name.kind is StageKind.SIDECAR for stage in stages[place + 1 :]):
            ends = began + sum(stage.duration or 0 for stage in stages[: place + 1])
            worker.timers.pop(None).cancel()
            worker.plan = began, SetUpPlan(stages[: place + 1], plan.containers[: place + 1])
            if kind is StageKind.POST_START:
                worker.timers[None] = self._clock.at(ends, self.start, worker, container)
                return
            image = kind is StageKind.IMAGE
            first = container.order + (not image)
            worker.timers[None] = self._clock.at(ends, self._plan_anew, worker, first, image)

    def _plan_anew(self, worker: PodWorker, first: int, pulled: bool) -> None:
        del worker.timers[None]
        self._go_on(worker, first, pulled=pulled)

    def start(self, worker: PodWorker, container: Container) -> None:
        """A sidecar is started whose checks do not answer as they should."""
        self._await(worker, container)
        self._probes.watch(worker, container, self._clock.now)
        self._loop.sync(worker)

    def hook_failed(self, worker: PodWorker, hook: FailedHook) -> None:
        """A sidecar has been killed since its postStart hook failed."""
        container = hook.container
        self._await(worker, container)
        if container.probed:
            self._probes.open(worker, container)
        self._loop.hook_failed(worker, hook)

    def _await(self, worker: PodWorker, container: Container) -> None:
        del worker.timers[None]
        worker.plan = None
        worker.awaits = container
        container.since = self._clock.now

    def look(self, worker: PodWorker) -> None:
        """The set-up goes on if the sidecar it waits for has started."""
        container = worker.awaits
        if container is None or container.dead:
            return
        if container.prober is None or container.prober.started:
            worker.awaits = None
            self._go_on(worker, container.order + 1)

    def runs_again(self, worker: PodWorker, container: Container) -> None:
        """A sidecar has been started again; what goes on beside it goes on."""
        now, pod = self._clock.now, worker.pod
        container.since = now
        rest: tuple[Stage, ...] = ()
        if worker.plan is not None:
            since, plan = worker.plan
            rest = plan.after(now - since)
        pod.last = self._history.append(SetUpContinued(now, pod.last, pod.ref, container.spec.name, rest))

    def forget(self, worker: PodWorker) -> None:
        """The set-up begins anew: no sidecar has been started."""
        worker.awaits = None
        for container in worker.containers:
            if container.kind is ContainerKind.SIDECAR:
                container.since = None
            container.dead = False

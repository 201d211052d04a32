"""Each pod as `kubectl get pod` would show it at the end of the run: phase and conditions."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from kubeinfer_sim.cluster.pod import is_sidecar
from kubeinfer_sim.cluster.pod_phase import (
    Condition,
    ContainerStatus,
    Phase,
    PodContainers,
    containers_ready,
    pod_initialized,
    pod_phase,
    pod_ready,
)
from kubeinfer_sim.cluster.records import (
    ContainerDied,
    ContainersRunning,
    GangScheduled,
    NodeReadyChanged,
    PodBound,
    PodCreated,
    PodGone,
    PodNotReady,
    PodReady,
    PodRef,
    PodStarted,
)
from kubeinfer_sim.cluster.restart_policy import consequence
from kubeinfer_sim.controllers.records import InstanceReady
from kubeinfer_sim.manifest.model import PodTemplate
from kubeinfer_sim.metrics.meter import Handlers


@dataclass(slots=True)
class PodState:
    """What is known of a pod.

    Attributes:
        running: its containers have run.
        dead: container that is not running -> the exit code of its last run.
        init: init container that waits to be run again (or never is) -> the exit code of its last run.
        overruled: the node lifecycle controller says that it is not ready.
    """

    node: str = ""
    bound: bool = False
    running: bool = False
    started: bool = False
    ready: bool = False
    overruled: bool = False
    dead: dict[str, int] = field(default_factory=dict)
    init: dict[str, int] = field(default_factory=dict)

    def status(self, template: PodTemplate, minor: int = 36) -> tuple[Phase, tuple[Condition, ...]]:
        """Phase and conditions as the kubelet of Kubernetes 1.`minor` writes them (pkg/kubelet/status/generate.go)."""
        again = self._again(template, minor)
        pod = PodContainers(
            [each.name for each in template.containers],
            [each.name for each in template.init_containers if not is_sidecar(each)],
            [each.name for each in template.init_containers if is_sidecar(each)],
            template.restart_policy,
            any(again.values()),
        )
        scheduled = Condition("PodScheduled", self.bound, "" if self.bound else "Unschedulable")
        if not self.bound:
            return "Pending", (scheduled,)
        statuses = {name: self._container(name, True) for name in pod.sidecars}
        if not self.running:
            codes = {name: code for name, code in self.init.items() if name in statuses}
            statuses |= {name: ContainerStatus(last_exit_code=code) for name, code in codes.items()}
        statuses |= {name: self._container(name, again.get(name, True)) for name in pod.regular}
        statuses |= self._init(pod, again)
        phase = pod_phase(pod, statuses, previous="Pending")
        conditions = [
            Condition("PodReadyToStartContainers", self.running),
            pod_initialized(pod, statuses, phase),
            pod_ready(pod, statuses, phase),
            containers_ready(pod, statuses, phase),
            scheduled,
        ]
        if self.overruled:
            # The node lifecycle controller writes the Ready condition alone (pkg/controller/util/node).
            conditions[2] = Condition("Ready", False, conditions[2].reason, conditions[2].message)
        return phase, tuple(conditions)

    def _again(self, template: PodTemplate, minor: int) -> dict[str, bool]:
        """Of the containers that have ended badly, or are not to end: whether they are started again."""
        dead = self.dead if self.running else self.init
        every = (*template.containers, *(each for each in template.init_containers if not is_sidecar(each)))
        return {
            each.name: consequence(each, template, dead[each.name], minor=minor) != "stays"
            for each in every
            if each.name in dead
        }

    def _init(self, pod: PodContainers, again: dict[str, bool]) -> dict[str, ContainerStatus]:
        """Those before one that has failed have ended well."""
        done = ContainerStatus("terminated", ready=True)
        if self.running:
            return dict.fromkeys(pod.init, done)
        found = dict.fromkeys(pod.init, ContainerStatus())
        for name, code in self.init.items():
            if name not in pod.init:
                continue  # a sidecar
            found |= dict.fromkeys(pod.init[: pod.init.index(name)], done)
            waits = ContainerStatus(last_exit_code=code)
            found[name] = waits if again[name] else ContainerStatus("terminated", code)
        return found

    def _container(self, name: str, again: bool) -> ContainerStatus:
        if not self.running:
            return ContainerStatus()
        code = self.dead.get(name)
        if code is not None:
            if not again:
                return ContainerStatus("terminated", code)
            return ContainerStatus("waiting", last_exit_code=code)
        ready = self.ready or self.overruled
        return ContainerStatus("running", started=self.started or ready, ready=ready)


class PodStates:
    """Follows the pods that exist."""

    def __init__(self) -> None:
        self.pods: dict[PodRef, PodState] = {}

    def handlers(self) -> Handlers:
        """What it listens to."""
        return {
            PodCreated: self._created,
            GangScheduled: self._scheduled,
            PodBound: self._bound,
            ContainersRunning: self._running,
            ContainerDied: self._died,
            PodStarted: self._started,
            PodReady: self._ready,
            PodNotReady: self._not_ready,
            InstanceReady: self._instance_ready,
            NodeReadyChanged: self._node,
            PodGone: self._gone,
        }

    def _created(self, record: PodCreated) -> None:
        self.pods[record.pod] = PodState()

    def _state(self, pod: PodRef) -> PodState:
        return self.pods.setdefault(pod, PodState())

    def _scheduled(self, record: GangScheduled) -> None:
        for pod, node in record.nodes:
            self._state(pod).node = node

    def _bound(self, record: PodBound) -> None:
        state = self._state(record.pod)
        state.node, state.bound = record.node, True

    def _running(self, record: ContainersRunning) -> None:
        state = self._state(record.pod)
        state.running = True
        state.init.clear()
        if record.container:
            state.dead.pop(record.container, None)
        else:
            state.dead.clear()

    def _died(self, record: ContainerDied) -> None:
        state = self._state(record.pod)
        if record.init:
            state.init = {record.container: record.exit_code} if record.exit_code else {}
            return
        state.dead[record.container] = record.exit_code
        state.started = state.ready = False

    def _started(self, record: PodStarted) -> None:
        self._state(record.pod).started = True

    def _ready(self, record: PodReady) -> None:
        state = self._state(record.pod)
        state.started = state.ready = True
        state.overruled = False

    def _not_ready(self, record: PodNotReady) -> None:
        state = self._state(record.pod)
        state.ready = False
        state.overruled = record.reason == "NodeNotReady"

    def _instance_ready(self, record: InstanceReady) -> None:
        """Pods that ran at the start say nothing of themselves."""
        for pod in self._of(record):
            state = self.pods[pod]
            if state.node and not state.bound:
                state.bound = state.running = state.started = state.ready = True

    def _of(self, record: InstanceReady) -> Iterable[PodRef]:
        # They are the newest pods: nothing else has happened when they are adopted.
        found = []
        for pod in reversed(self.pods):
            if pod.instance != record.instance:
                break
            found.append(pod)
        return found

    def _node(self, record: NodeReadyChanged) -> None:
        if record.ready == "True":
            for state in self.pods.values():
                if state.node == record.node:
                    state.overruled = False

    def _gone(self, record: PodGone) -> None:
        self.pods.pop(record.pod, None)

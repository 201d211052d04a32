"""The scheduler at work: gangs wait, are placed whole when there is room, and are bound to their nodes.

The decision itself is `scheduler/`'s; this is its clock: it looks at the queue once at the end of an instant
in which something changed, and hands bound pods to their kubelets after the binding stage.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from kubeinfer_sim.cluster.kubelet import Kubelet
from kubeinfer_sim.cluster.node import Node
from kubeinfer_sim.cluster.pod import Pod, PodState, npu_count
from kubeinfer_sim.cluster.records import GangPending, GangScheduled, InstanceRef, NodeVerdict
from kubeinfer_sim.cluster.scheduler.gang import Gang, GangPod
from kubeinfer_sim.cluster.scheduler.objects import running_pods
from kubeinfer_sim.cluster.scheduler.scheduler import Scheduler
from kubeinfer_sim.cluster.start_stages import StageDraws
from kubeinfer_sim.engine.clock import Clock, Phase, Timer
from kubeinfer_sim.engine.history import History
from kubeinfer_sim.scenario.model import RunningPod


@dataclass(slots=True, eq=False)
class PodGang:
    """Pods of one instance that are placed together.

    Attributes:
        prefer: pod -> node to take again if it fits there.
        cause: id of the record that made the gang.
    """

    instance: InstanceRef
    pods: Sequence[Pod]
    cause: int
    namespace: str = "default"
    prefer: Mapping[Any, str] = field(default_factory=dict)
    request: Gang = field(init=False)

    def __post_init__(self) -> None:
        self.request = Gang(id(self), tuple(GangPod(pod, pod.template, self.namespace) for pod in self.pods))


class GangScheduling:
    """The queue of gangs, and the NPUs that placed pods hold."""

    def __init__(
        self,
        clock: Clock,
        history: History,
        scheduler: Scheduler,
        nodes: Mapping[str, Node],
        draws: StageDraws,
    ) -> None:
        self._clock = clock
        self._history = history
        self._scheduler = scheduler
        self._nodes = nodes
        self._draws = draws
        self._gangs: dict[object, PodGang] = {}
        self._new: list[PodGang] = []
        self._wake: Timer | None = None
        self.npus_in_use = 0
        self.kubelet: Kubelet
        self.on_placed: Callable[[PodGang], None]

    def occupy(self, running: Iterable[RunningPod]) -> None:
        """Pods that are on the nodes already, and stay there; they may over-commit a node."""
        for pod, node in running_pods(running):
            self._scheduler.occupy(pod, node)
            self.npus_in_use += npu_count(pod.spec.requests)

    def submit(self, gang: PodGang) -> None:
        """Queue a gang; it is looked at before this instant ends."""
        self._gangs[gang.request.key] = gang
        self._new.append(gang)
        if not gang.prefer:
            self._scheduler.submit(gang.request)
        self.wake()

    def withdraw(self, gang: PodGang) -> None:
        """The gang is no longer wanted; nothing happens if it is placed."""
        if self._gangs.pop(gang.request.key, None) is not None:
            self._scheduler.withdraw(gang.request.key)
            if gang in self._new:
                self._new.remove(gang)

    def waits(self, gang: PodGang) -> bool:
        """Whether the gang is still without nodes."""
        return gang.request.key in self._gangs

    def wake(self) -> None:
        """Something changed: look at the queue at the end of this instant."""
        if self._wake is None and self._gangs:
            self._wake = self._clock.after(0, self._run, phase=Phase.SCHEDULER)

    def release(self, pod: Pod) -> tuple[int, int]:
        """A pod is gone; returns the NPUs it held (also when it was not bound yet) and those still in use."""
        if self._scheduler.node_of(pod) is None:
            return 0, self.npus_in_use
        self._scheduler.release(pod)
        self.npus_in_use -= pod.npus
        self.wake()
        return pod.npus, self.npus_in_use

    def would_fit(self, gang: PodGang, without: Sequence[Pod] = ()) -> dict[Pod, str] | None:
        """Where a gang that is not queued would go if those pods were gone; None when it would not fit."""
        placement = self._scheduler.would_fit(gang.request, without)
        return None if placement is None else {pod: placement[pod] for pod in gang.pods}

    def adopt(self, gang: PodGang) -> bool:
        """Place a gang that ran before the simulation began; False when the cluster has no room for it."""
        placement = self._scheduler.place_now(gang.request)
        if placement is None:
            return False
        self._placed(gang, placement)
        for pod in gang.pods:
            self.kubelet.adopt(pod, self._nodes[placement[pod]])
        return True

    def diagnose(self, gang: PodGang, cause: int) -> GangPending:
        """Record why the gang waits, node by node; looks at every class of nodes."""
        verdict = self._scheduler.explain(gang.request)
        groups = tuple(NodeVerdict(*group) for group in verdict.groups.items())
        record = GangPending(self._clock.now, cause, gang.instance, verdict.message, verdict.proof, groups)
        self._history.append(record)
        return record

    def _run(self) -> None:
        self._wake = None
        placed = []
        for gang in self._new:
            if gang.prefer:
                placement = self._scheduler.place_now(gang.request, gang.prefer)
                if placement is None:
                    self._scheduler.submit(gang.request)
                else:
                    placed.append((gang.request, placement))
        placed += self._scheduler.run()
        for request, placement in placed:
            gang = self._gangs.pop(request.key)
            self._placed(gang, placement)
            self.on_placed(gang)
            self._bind(gang, placement)
        self._new.clear()

    def _placed(self, gang: PodGang, placement: Mapping[object, str]) -> None:
        npus = sum(pod.npus for pod in gang.pods)
        self.npus_in_use += npus
        nodes = tuple((pod.ref, placement[pod]) for pod in gang.pods)
        number = self._history.append(
            GangScheduled(self._clock.now, gang.cause, gang.instance, nodes, npus, self.npus_in_use)
        )
        for pod in gang.pods:
            pod.last = number

    def _bind(self, gang: PodGang, placement: Mapping[object, str]) -> None:
        """The whole gang is bound after one draw of the binding stage, of its first pod."""
        first = gang.pods[0]
        length = self._draws.draw(first.timings.bind, first, "bind")
        if length == 0:
            self._bound(gang, placement)
        elif length is not None:
            self._clock.after(length, self._bound, gang, placement)

    def _bound(self, gang: PodGang, placement: Mapping[object, str]) -> None:
        for pod in gang.pods:
            if pod.state is PodState.PENDING:
                self.kubelet.add_pod(pod, self._nodes[placement[pod]])

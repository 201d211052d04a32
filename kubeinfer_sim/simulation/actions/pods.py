"""Actions on pods: their containers crash, their images cannot be pulled, they are deleted, evicted, removed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence, Set

from msgspec import Struct

from kubeinfer_sim.cluster.cluster import Cluster
from kubeinfer_sim.cluster.disruption.budgets import Budgets, unhealthy_pods
from kubeinfer_sim.cluster.disruption.requests import request_eviction
from kubeinfer_sim.cluster.fault_records import ChangedNothing, StruckNothing
from kubeinfer_sim.cluster.kubelet.start_faults import StartFaults
from kubeinfer_sim.cluster.pod import Pod, PodState
from kubeinfer_sim.cluster.records import ContainerCrashed, EvictionAnswered, ImagesBroken, PodDeletionAsked
from kubeinfer_sim.engine.clock import Phase
from kubeinfer_sim.engine.history import NO_CAUSE
from kubeinfer_sim.scenario.actions.model import (
    Action,
    Crash,
    DeletePods,
    EvictPods,
    ForceDelete,
    ImageFault,
    RemoveFinalizers,
    SetGate,
    SetReadinessGate,
    StartFault,
)
from kubeinfer_sim.simulation.actions.handlers import Handlers
from kubeinfer_sim.simulation.actions.targets import matches, no_start, unmatched
from kubeinfer_sim.simulation.workloads import Workloads

#: Actions that mean pods which exist then.
_OnPods = Crash | DeletePods | EvictPods | ForceDelete | RemoveFinalizers | SetGate | SetReadinessGate


class _Outage(Struct):
    """Images that cannot be pulled, and the record of that.

    Attributes:
        before, after: how often they had been asked for in vain before it, and by its end.
    """

    action: ImageFault
    cause: int
    before: int
    after: int | None = None


class PodActions:
    """Does them, but for `start_faults`, of which the kubelets know from the beginning."""

    def __init__(
        self,
        cluster: Cluster,
        workloads: Workloads,
        budgets: Budgets,
        start_faults: StartFaults | None,
    ) -> None:
        self._budgets = budgets
        self._outages: list[_Outage] = []
        self._start_faults = start_faults
        self._env = cluster.env
        self._kubelet = cluster.kubelet
        self._workloads = workloads

    def handlers(self) -> Handlers:
        """The actions it does."""
        return {
            Crash: self._crash,
            ForceDelete: self._force_delete,
            DeletePods: self._delete,
            EvictPods: self._evict,
            ImageFault: self._break_images,
            SetGate: self._open_gate,
            SetReadinessGate: self._set_readiness_gate,
            RemoveFinalizers: self._remove_finalizers,
            StartFault: self._nothing,
        }

    def _pods(self, action: _OnPods) -> list[Pod]:
        """The pods meant; that there are none is recorded."""
        pods = [pod for pod in self._workloads.pods() if matches(action.target, pod)]
        if not pods:
            self._note(action, unmatched(action.target, self._workloads.pods()))
        return pods

    def _note(self, action: Action, there: str) -> None:
        self._env.history.append(StruckNothing(self._env.clock.now, NO_CAUSE, action, there))

    def _some(self, action: DeletePods | EvictPods) -> list[Pod]:
        """The pods meant, the oldest first; that there are none is recorded."""
        meant = self._pods(action)
        pods = [pod for pod in meant if action.ready in (None, pod.ready)][: action.first]
        if meant and not pods:
            self._note(action, f"no pod matched that is {'ready' if action.ready else 'not ready'}")
        return pods

    def _delete(self, action: DeletePods) -> None:
        """`kubectl delete pod`; a second time it only changes what the object says, or removes that."""
        api = self._env.api
        for pod in self._some(action):
            asked = self._asked(pod, "Deleted")
            if pod.state is PodState.DELETING:
                api.delete(pod, "Deleted", asked, grace=action.grace)
            elif action.grace == 0:
                api.evict(pod, "Deleted", asked)
                api.remove(pod, "Deleted", asked)
            else:
                api.evict(pod, "Deleted", asked, action.grace)

    def _asked(self, pod: Pod, reason: str) -> int:
        return self._env.history.append(PodDeletionAsked(self._env.clock.now, NO_CAUSE, pod.ref, reason))

    def _evict(self, action: EvictPods) -> None:
        """A POST to pods/eviction for each."""
        env = self._env
        for pod in self._some(action):
            asked = self._asked(pod, "Evicted")
            answer = request_eviction(env.api, self._budgets, pod, "Evicted", asked)
            code = int(answer.code)
            unhealthy = unhealthy_pods(answer.budgets)
            env.history.append(
                EvictionAnswered(env.clock.now, asked, pod.ref, code, answer.message, unhealthy)
            )

    def _crash(self, action: Crash) -> None:
        env = self._env
        if action.after is not None:
            return  # Runs that begin from now on: `run_crashes.py`.
        meant = self._pods(action)
        named = [(pod, self._kubelet.container_named(pod, action.container)) for pod in meant]
        running = [(pod, name) for pod, name in named if name and self._kubelet.runs(pod, name)]
        if meant and not running:
            self._note(action, "the pods that matched have no such container running")
        for pod, container in running:
            crashed = ContainerCrashed(env.clock.now, NO_CAUSE, pod.ref, action.reason, action.exit_code)
            cause = env.history.append(crashed)
            self._kubelet.crash(pod, action.reason, action.exit_code, container=container, cause=cause)

    def _force_delete(self, action: ForceDelete) -> None:
        """`kubectl delete pod --grace-period=0 --force`."""
        api = self._env.api
        meant = self._pods(action)
        pods = [pod for pod in meant if not action.terminating_only or pod.state is PodState.DELETING]
        if meant and not pods:
            self._note(action, "no pod that matched is terminating")
        for pod in pods:
            asked = self._asked(pod, "ForceDeleted")
            if pod.state is not PodState.DELETING:
                api.evict(pod, "ForceDeleted", asked)
            api.remove(pod, "ForceDeleted", asked)

    def _open_gate(self, action: SetGate) -> None:
        pods = self._pods(action)
        gated = self._check_any(
            action, "scheduling gate", pods, {action.gate}, lambda pod: pod.template.scheduling_gates
        )
        if gated and not any(action.gate in pod.scheduling_gates for pod in pods):
            self._note_unchanged(action, "open already")
        for pod in pods:
            self._env.api.open_gate(pod, action.gate, NO_CAUSE)

    def _set_readiness_gate(self, action: SetReadinessGate) -> None:
        pods = self._pods(action)
        gated = self._check_any(
            action, "readiness gate", pods, {action.gate}, lambda pod: pod.template.readiness_gates
        )
        if gated and all(pod.conditions.get(action.gate) is action.status for pod in pods):
            self._note_unchanged(action, "set so already")
        for pod in pods:
            self._env.api.set_condition(pod, action.gate, action.status, NO_CAUSE)

    def _remove_finalizers(self, action: RemoveFinalizers) -> None:
        pods = self._pods(action)
        held = self._check_any(
            action,
            "finalizer",
            pods,
            {*action.finalizers},
            lambda pod: (*pod.template.finalizers, *pod.finalizers),
        )
        if held and not any(name in action.finalizers for pod in pods for name in pod.finalizers):
            self._note_unchanged(action, "removed already")
        for pod in pods:
            self._env.api.remove_finalizers(pod, action.finalizers, NO_CAUSE)

    def _check_any(
        self,
        action: Action,
        kind: str,
        pods: Sequence[Pod],
        names: Set[str],
        of: Callable[[Pod], Sequence[str]],
    ) -> bool:
        """Whether any of these pods was made with a gate or finalizer of these names; that none was is recorded."""
        made_with = any(name in names for pod in pods for name in of(pod))
        if pods and not made_with:
            asked = f" {', '.join(sorted(names))}" if names else ""
            self._note(action, f"the pods that matched have no {kind}{asked}")
        return made_with

    def _note_unchanged(self, action: Action, why: str) -> None:
        self._env.history.append(ChangedNothing(self._env.clock.now, NO_CAUSE, action, why))

    def _break_images(self, action: ImageFault) -> None:
        broken = ImagesBroken(self._env.clock.now, NO_CAUSE, action.images, action.until)
        cause = self._env.history.append(broken)
        outage = _Outage(action, cause, self._kubelet.refused_pulls(action.images))
        self._outages.append(outage)
        self._kubelet.break_images(action.images, cause, action.after)
        if action.until is not None:
            self._env.clock.at(action.until, self._mend_images, outage, phase=Phase.ACTION)

    def _mend_images(self, outage: _Outage) -> None:
        action = outage.action
        outage.after = self._kubelet.refused_pulls(action.images)
        self._kubelet.mend_images(action.images, outage.cause)

    def _nothing(self, action: StartFault) -> None:
        """The kubelets know of it from the beginning."""

    def missed(self, now: int) -> Iterator[ChangedNothing | StruckNothing]:
        """What has come to nothing by the end of the run, of what was to strike containers as they start."""
        for outage in self._outages:
            images = outage.action.images
            after = self._kubelet.refused_pulls(images) if outage.after is None else outage.after
            if after == outage.before:
                which = "such an image" if images else "an image"
                yield ChangedNothing(now, NO_CAUSE, outage.action, f"nobody asks for {which} while it lasts")
        for fault in () if self._start_faults is None else self._start_faults.missed():
            yield StruckNothing(now, NO_CAUSE, fault, no_start(fault.until))

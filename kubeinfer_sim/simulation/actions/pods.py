"""Actions on pods: their containers crash, their images cannot be pulled, they are deleted, evicted, removed."""

from __future__ import annotations

from collections.abc import Callable, Sequence, Set

from kubeinfer_sim.cluster.cluster import Cluster
from kubeinfer_sim.cluster.disruption.budgets import Budgets, unhealthy_pods
from kubeinfer_sim.cluster.disruption.requests import request_eviction
from kubeinfer_sim.cluster.fault_records import StruckNothing
from kubeinfer_sim.cluster.pod import Pod, PodState
from kubeinfer_sim.cluster.records import ContainerCrashed, EvictionAnswered, PodDeletionAsked
from kubeinfer_sim.engine.clock import Phase
from kubeinfer_sim.engine.history import NO_CAUSE
from kubeinfer_sim.scenario.actions.model import (
    Crash,
    DeletePods,
    EvictPods,
    ForceDelete,
    ImageFault,
    RemoveFinalizers,
    SetGate,
    SetReadinessGate,
    StartFault,
    Target,
)
from kubeinfer_sim.simulation.actions.handlers import Handlers
from kubeinfer_sim.simulation.actions.targets import matches, unmatched
from kubeinfer_sim.simulation.workloads import Workloads


class PodActions:
    """Does them."""

    def __init__(self, cluster: Cluster, workloads: Workloads, budgets: Budgets) -> None:
        self._budgets = budgets
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

    def _pods(self, target: Target, what: str) -> list[Pod]:
        """The pods meant; that there are none is recorded."""
        pods = [pod for pod in self._workloads.pods() if matches(target, pod)]
        if not pods:
            self._note(what, unmatched(target, self._workloads.pods()))
        return pods

    def _note(self, what: str, there: str) -> None:
        self._env.history.append(StruckNothing(self._env.clock.now, NO_CAUSE, what, there))

    def _some(self, action: DeletePods | EvictPods, word: str) -> list[Pod]:
        """The pods meant, the oldest first; that there are none is recorded."""
        meant = self._pods(action.target, word)
        pods = [pod for pod in meant if action.ready in (None, pod.ready)][: action.first]
        if meant and not pods:
            self._note(word, f"no pod matched that is {'ready' if action.ready else 'not ready'}")
        return pods

    def _delete(self, action: DeletePods) -> None:
        """`kubectl delete pod`; a second time it only changes what the object says, or removes that."""
        api = self._env.api
        for pod in self._some(action, "deletePod"):
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
        for pod in self._some(action, "evictPod"):
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
        meant = self._pods(action.target, "crash")
        named = [(pod, self._kubelet.container_named(pod, action.container)) for pod in meant]
        if meant and not any(container for _, container in named):
            self._note("crash", "the pods that matched have no such container running")
        for pod, container in named:
            if container is None:
                continue
            crashed = ContainerCrashed(env.clock.now, NO_CAUSE, pod.ref, action.reason, action.exit_code)
            cause = env.history.append(crashed)
            self._kubelet.crash(pod, action.reason, action.exit_code, container=container, cause=cause)

    def _force_delete(self, action: ForceDelete) -> None:
        """`kubectl delete pod --grace-period=0 --force`."""
        api = self._env.api
        meant = self._pods(action.target, "forced deletion")
        pods = [pod for pod in meant if not action.terminating_only or pod.state is PodState.DELETING]
        if meant and not pods:
            self._note("forced deletion", "no pod that matched is terminating")
        for pod in pods:
            asked = self._asked(pod, "ForceDeleted")
            if pod.state is not PodState.DELETING:
                api.evict(pod, "ForceDeleted", asked)
            api.remove(pod, "ForceDeleted", asked)

    def _open_gate(self, action: SetGate) -> None:
        pods = self._pods(action.target, "setGate")
        self._check_any(
            "setGate", "scheduling gate", pods, {action.gate}, lambda pod: pod.template.scheduling_gates
        )
        for pod in pods:
            self._env.api.open_gate(pod, action.gate, NO_CAUSE)

    def _set_readiness_gate(self, action: SetReadinessGate) -> None:
        pods = self._pods(action.target, "setReadinessGate")
        self._check_any(
            "setReadinessGate",
            "readiness gate",
            pods,
            {action.gate},
            lambda pod: pod.template.readiness_gates,
        )
        for pod in pods:
            self._env.api.set_condition(pod, action.gate, action.status, NO_CAUSE)

    def _remove_finalizers(self, action: RemoveFinalizers) -> None:
        pods = self._pods(action.target, "removeFinalizers")
        self._check_any(
            "removeFinalizers",
            "finalizer",
            pods,
            {*action.finalizers},
            lambda pod: (*pod.template.finalizers, *pod.finalizers),
        )
        for pod in pods:
            self._env.api.remove_finalizers(pod, action.finalizers, NO_CAUSE)

    def _check_any(
        self, what: str, kind: str, pods: Sequence[Pod], names: Set[str], of: Callable[[Pod], Sequence[str]]
    ) -> None:
        """Record it when none of these pods was made with a gate or finalizer of these names, as an earlier one was."""
        if pods and not any(name in names for pod in pods for name in of(pod)):
            asked = f" {', '.join(sorted(names))}" if names else ""
            self._note(what, f"the pods that matched have no {kind}{asked}")

    def _break_images(self, action: ImageFault) -> None:
        self._kubelet.break_images(action.images, broken=True, after=action.after)
        if action.until is not None:
            self._env.clock.at(action.until, self._mend_images, action, phase=Phase.ACTION)

    def _mend_images(self, action: ImageFault) -> None:
        self._kubelet.break_images(action.images, broken=False, after=action.after)

    def _nothing(self, action: StartFault) -> None:
        """The kubelets know of it from the beginning."""

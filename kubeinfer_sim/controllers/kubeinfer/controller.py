"""The KubeInfer controller: keeps the wanted number of instances of the wanted revision.

It holds the spec and decides once per instant, after everything that happened in it: first what has failed
(`recovery.py`), then what is created and deleted (`rollout.py`), then whether it goes on (`stalls.py`). The
instances and what is counted about them are in `instances.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from kubeinfer_sim.cluster.environment import Environment
from kubeinfer_sim.cluster.kubelet import Kubelet
from kubeinfer_sim.cluster.pod import PlatformFault, Pod
from kubeinfer_sim.cluster.scheduler.gang_scheduling import GangScheduling
from kubeinfer_sim.controllers.kubeinfer.budget import resolve
from kubeinfer_sim.controllers.kubeinfer.gangs import Gangs
from kubeinfer_sim.controllers.kubeinfer.instance import Instance, InstanceState
from kubeinfer_sim.controllers.kubeinfer.instances import Instances
from kubeinfer_sim.controllers.kubeinfer.policies import Policies, RecoveryPlugin
from kubeinfer_sim.controllers.kubeinfer.rebuilding import Rebuilding
from kubeinfer_sim.controllers.kubeinfer.records import SpecApplied, UpdateCompleted
from kubeinfer_sim.controllers.kubeinfer.recovery import Recovery
from kubeinfer_sim.controllers.kubeinfer.rollout import next_step
from kubeinfer_sim.controllers.kubeinfer.stalls import Stalls
from kubeinfer_sim.engine.clock import Phase, Timer
from kubeinfer_sim.engine.history import NO_CAUSE
from kubeinfer_sim.manifest.model import KubeInfer
from kubeinfer_sim.scenario.model import Assumptions, Timings
from kubeinfer_sim.scenario.recovery.rules import RecoveryRule


class KubeInferController:
    """The controller of one KubeInfer.

    Attributes:
        spec: the KubeInfer as last applied.
        recovery: what is done about failures.
    """

    def __init__(
        self,
        env: Environment,
        scheduling: GangScheduling,
        kubelet: Kubelet,
        spec: KubeInfer,
        timings: Timings,
        assumptions: Assumptions,
        recovery: Sequence[RecoveryRule] = (),
        plugin: RecoveryPlugin | None = None,
    ) -> None:
        self._clock = env.clock
        self._history = env.history
        self._assumptions = assumptions
        self.spec = spec
        self._budget = resolve(spec.rolling_update, spec.replicas)
        self._generation = 0
        self._applied = NO_CAUSE
        self._wake: Timer | None = None
        self._stalls = Stalls(env, scheduling, assumptions.progress_deadline)
        self._gangs = Gangs(self, env, scheduling, timings, assumptions)
        self._instances = self._stalls.instances = Instances(
            env,
            self._gangs,
            spec,
            assumptions,
            changed=self._wake_up,
            progressed=self._stalls.progressed,
        )
        self._rebuilding = Rebuilding(env, scheduling, kubelet, self._instances, self._gangs, assumptions)
        self.recovery = Recovery(
            env,
            kubelet,
            self._instances,
            self._gangs,
            Policies(recovery, plugin, assumptions.startup_crash),
            self._rebuilding,
        )

    @property
    def instances(self) -> dict[int, Instance]:
        """All instances by ordinal, terminating ones included."""
        return self._instances.by_ordinal

    @property
    def last_progress(self) -> int:
        """When it last came nearer to its end: an instance created, ready for the first time, gone."""
        return self._stalls.last_progress

    # -- what the user does --------------------------------------------------------------------------------

    def start(self, *, running: bool) -> None:
        """Create the KubeInfer; with `running`, its instances have run for long (those the cluster has room for)."""
        self._record_spec(("created",), "running" if running else "created")
        if running:
            for _ in range(self.spec.replicas):
                self._instances.create(self._applied, running=True)
        self._wake_up()

    def apply(self, spec: KubeInfer, label: str = "") -> None:
        """The user applies another spec; the newest wins (rule 9)."""
        before = self.spec
        changed = []
        if spec.revision != before.revision:
            changed.append("template")
        if spec.replicas != before.replicas:
            changed.append("replicas")
        if spec.rolling_update != before.rolling_update:
            changed.append("strategy")
        if not changed:
            changed.append("metadata" if spec.raw != before.raw else "nothing")
        self.spec = spec
        self._budget = resolve(spec.rolling_update, spec.replicas)  # from the new R, also mid-way (rule 10)
        self._record_spec(tuple(changed), label)
        self._instances.adopt_spec(spec)
        self._rebuilding.revision_changed()
        self._wake_up()

    def scale(self, replicas: int) -> None:
        """The user changes `spec.replicas` alone."""
        self.apply(replace(self.spec, replicas=replicas), f"scale to {replicas}")

    def _record_spec(self, changed: tuple[str, ...], label: str) -> None:
        self._generation += 1
        budget = self._budget
        self._applied = self._history.append(
            SpecApplied(
                self._clock.now,
                NO_CAUSE,
                self._generation,
                self.spec.revision,
                budget.replicas,
                budget.surge,
                budget.unavailable,
                changed,
                label,
                budget.warnings,
            )
        )
        self._stalls.begin(self._generation, self._applied)

    # -- decisions -----------------------------------------------------------------------------------------

    def _wake_up(self) -> None:
        """Decide once this instant's events are all in."""
        if self._wake is None:
            self._wake = self._clock.after(0, self._reconcile, phase=Phase.CONTROLLER)

    def _reconcile(self) -> None:
        self.recovery.act()
        instances, budget = self._instances, self._budget
        while any(step := next_step(instances, budget, self._assumptions)):
            for _ in range(step.creates):
                instances.create(self._applied)
            for instance, reason in step.victims:
                instances.delete(instance, reason, self._applied)
        if (
            self._stalls.open
            and instances.old == 0
            and len(instances.by_ordinal) == instances.ready == instances.new_active == budget.replicas
        ):
            self._history.append(
                UpdateCompleted(
                    self._clock.now, self._applied, self._generation, self.spec.revision, budget.replicas
                )
            )
            self._stalls.completed()  # rule 12
        self._stalls.look()
        self._wake = None  # what it has changed itself it has also seen
        if self.recovery.pending:
            self._wake_up()

    # -- what the pods do (Workload) --------------------------------------------------------------------

    def pods(self) -> Iterator[Pod]:
        """All pods that exist, in the order in which they were made."""
        return iter(self._gangs.owner)

    def pods_wanted(self, pod: Pod) -> int:
        """How many pods the pod's instance should have."""
        return self._gangs.owner[pod].wanted

    def gang_placed(self, pods: Sequence[Pod]) -> None:
        """The pods of a gang got their nodes."""
        self._instances.weigh(self._gangs.placed(pods))

    def pod_ready(self, pod: Pod) -> None:
        """A pod turned ready; the instance is when all are."""
        instance = self._gangs.owner[pod]
        instance.ready_pods += 1
        if pod in instance.spares:
            self._rebuilding.spare_ready(instance, pod)
        if instance.ready_pods == instance.wanted and instance.state in (
            InstanceState.STARTING,
            InstanceState.CONCERNING,
        ):
            instance.last = pod.last
            self._instances.set_ready(instance)

    def pod_unready(self, pod: Pod, reason: str) -> None:
        """A pod is not ready any more: the instance turns Concerning, which alone is no trigger of recovery."""
        instance = self._gangs.owner[pod]
        instance.ready_pods -= 1
        self._instances.concerning(instance, reason, pod.last)

    def pod_stuck(self, pod: Pod) -> None:
        """A pod will not become ready by itself."""
        instance = self._gangs.owner[pod]
        instance.failure = pod.failure
        if not instance.ready:
            instance.failed_starts += 1
        self._instances.weigh(instance)
        self._wake_up()

    def container_died(self, pod: Pod, reason: str, exit_code: int) -> bool:
        """A container is dead: rebuild the pod or its instance (True), or leave it to the kubelet."""
        return self.recovery.container_died(pod, reason, exit_code)

    def evict(self, pod: Pod, reason: str, cause: int) -> None:
        """Somebody else deletes the pod (a drain): that too is a trigger of recovery."""
        self.recovery.deleted(pod, reason, cause)

    def engine_silent(self, pod: Pod, cause: int) -> None:
        """The pod's engine no longer answers its peers (its machine is down, it hangs), and nobody knows yet."""
        instance = self._gangs.owner.get(pod)
        if instance is not None:
            self._rebuilding.peers.lost(instance, pod, cause)

    def npu_fault(self, pod: Pod, fault: PlatformFault, cause: int) -> None:
        """The platform reports a fault of an NPU the pod holds that calls for its recovery policy."""
        self.recovery.npu_fault(pod, fault, cause)

    def pod_gone(self, pod: Pod) -> None:
        """A pod's object is gone."""
        instance = self._gangs.owner.pop(pod)
        del instance.pods[pod]
        self.recovery.vanished(instance, pod)
        self._rebuilding.pod_gone(instance, pod)

"""The pods' objects as the API server has them at this instant of a run: what `kubectl get pods` would show.

Pods of a node that is not heard of stay as they were when it was last heard of; only what the control plane itself
writes (Ready: False, a deletion timestamp) changes.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from kubeinfer_sim.cluster.api import Api
from kubeinfer_sim.cluster.kubelet.pod_admission import LOOKED_AT_AFTER
from kubeinfer_sim.cluster.kubelet.pod_phase import (
    Condition,
    Phase,
    PodContainers,
    containers_ready,
    pod_initialized,
    pod_phase,
    pod_ready,
)
from kubeinfer_sim.cluster.kubelet.restart_policy import consequence
from kubeinfer_sim.cluster.pod import Pod, PodState, is_sidecar
from kubeinfer_sim.cluster.pod_printing import Columns, ShownContainer, columns
from kubeinfer_sim.cluster.records import NodeFailed, PodRef
from kubeinfer_sim.cluster.scheduler.gang_scheduling import GATES_CLOSED, GangScheduling
from kubeinfer_sim.engine.history import History, Record
from kubeinfer_sim.engine.meter import OnePass
from kubeinfer_sim.manifest.releases import Release
from kubeinfer_sim.simulation.pod_facts import DISRUPTIONS, PodFacts, PodLedger
from kubeinfer_sim.simulation.pod_status import PodStatuses
from kubeinfer_sim.simulation.workloads import Workloads

#: Why a pod has no node as long as a scheduling gate of it is closed.
GATED = "SchedulingGated"


class ConditionAt(Struct, frozen=True):
    """A condition, and since when it has this status (ms; None: since before the simulation began)."""

    condition: Condition
    since: int | None


class PodAt(Struct, frozen=True):
    """A pod's object.

    Attributes:
        created: ms; None: before the simulation began.
        node: "" while it has none.
        columns: what `kubectl get pods` shows of it.
        containers: in the order of the spec, init containers first; none while no kubelet has written a status.
        conditions: in the order in which Kubernetes writes them.
        deleting: when it got its deletion timestamp, and `deletion` why.
        unheard: since when its node is not heard of.
        reason: why its kubelet has rejected it (OutOfcpu, NodePorts …) or ended it (DeadlineExceeded), or "".
        nominated: the node where others are being evicted for it, "" where none are.
        gates: of each of its readiness gates, whether the condition is True.
    """

    ref: PodRef
    created: int | None
    node: str
    phase: Phase
    columns: Columns
    containers: tuple[ShownContainer, ...]
    conditions: tuple[ConditionAt, ...]
    deleting: int | None
    deletion: str
    unheard: int | None
    reason: str = ""
    nominated: str = ""
    gates: tuple[bool, ...] = ()


class PodObjects:
    """Stands beside a simulation and reads the pods' objects when it is asked to.

    Args:
        history: read when the objects are asked for, where it is kept; else followed all along.
        api: knows which pods are on a node.
        workloads: whose pods there are.
        statuses: reads the containers.
        scheduling: knows which pods have been looked at.
        kubernetes: its release.
        loses_nodes: nodes may fall silent.
    """

    def __init__(
        self,
        history: History,
        api: Api,
        workloads: Workloads,
        statuses: PodStatuses,
        scheduling: GangScheduling,
        *,
        kubernetes: Release,
        loses_nodes: bool,
    ) -> None:
        self._history = history
        self._api = api
        self._workloads = workloads
        self._statuses = statuses
        self._scheduling = scheduling
        self._kubernetes = kubernetes
        self._ledger = PodLedger()
        self._pass = OnePass([self._ledger])
        self._read = 0
        if not history.keep:
            history.subscribe(self._pass.observe)
        if loses_nodes:
            history.subscribe(self._freeze)

    def _freeze(self, record: Record) -> None:
        # Told before the node's kubelet is: its state is still the one it last reported.
        if type(record) is NodeFailed and record.mode != "notReady":
            self._catch_up()
            for pod in self._api.unfinished_on(record.node):
                facts = self._ledger.pods[pod.ref]
                facts.reported = self._statuses.of(pod, facts, record.at)

    def _catch_up(self) -> None:
        self._pass.feed(self._history.since(self._read))
        self._read = len(self._history)

    def at(self, now: int) -> Sequence[PodAt]:
        """All pods that exist, the KubeInfer's first, then each other workload's, in the order of their names' numbers.

        `now`: ms; nothing has happened after that.
        """
        self._catch_up()
        nominated = self._scheduling.nominated_nodes()
        pods = [
            self._pod(pod, self._ledger.pods[pod.ref], now, nominated.get(pod, ""))
            for pod in self._workloads.pods()
            if pod.state is not PodState.GONE
        ]
        return sorted(pods, key=lambda each: _order(each.ref))

    def _pod(self, pod: Pod, facts: PodFacts, now: int, nominated: str) -> PodAt:
        node = "" if pod.node is None else pod.node.name
        # Nothing more is to be heard of one that has ended.
        unheard = None if pod.state is PodState.FINISHED else self._ledger.down.get(node)
        # A kubelet writes no conditions of a pod that it rejects, until it looks at it again; a new one takes a moment
        # to write anything of one that ran.
        adopted = pod.node is not None and facts.bound is None
        heard_of = unheard is None and not self._looked_at_again(facts, node)
        unwritten = pod.rejected and heard_of and self._unwritten(facts, now) and (facts.ran or adopted)
        blank = pod.rejected and heard_of and not unwritten
        if unheard is not None:
            shown = facts.reported
        elif not pod.rejected:
            shown = self._statuses.of(pod, facts, now)
        elif not (facts.ran or adopted):
            shown = ()
        else:
            shown = facts.reported if blank or unwritten else self._statuses.lost(pod, facts)
        template = pod.template
        containers = PodContainers(
            [each.name for each in template.containers],
            [each.name for each in template.init_containers if not is_sidecar(each)],
            [each.name for each in template.init_containers if is_sidecar(each)],
            template.restart_policy,
            self._starts_again(pod, facts),
        )
        phase: Phase = pod.final_phase or ("Running" if blank and shown else "Pending")
        conditions: list[ConditionAt] = []
        if shown and not blank:
            phase, conditions = self._conditions(pod, facts, containers, shown, now)
        if (adopted or facts.bound is not None) and not blank:
            conditions.append(ConditionAt(Condition("PodScheduled", True), facts.bound))
        elif not blank and facts.scheduled != facts.created and not self._unseen(pod):
            why, message = self._why_it_waits(pod)
            if pod.scheduling_gates:
                why, message = GATED, GATES_CLOSED
            waits = Condition("PodScheduled", False, why, message)
            conditions.append(ConditionAt(waits, facts.created))
        if facts.disruption:
            reason, message = DISRUPTIONS[facts.disruption]
            disrupted = Condition("DisruptionTarget", True, reason, message)
            conditions.append(ConditionAt(disrupted, facts.disrupted))
        ended = pod.final_phase is not None and (pod.rejected or pod.state is PodState.FINISHED)
        reason = pod.failure if ended else ""
        status = {each.condition.type: each.condition.status for each in conditions}
        return PodAt(
            pod.ref,
            None if adopted else facts.created,
            node,
            phase,
            columns(
                phase,
                shown,
                len(containers.regular) + len(containers.sidecars),
                initialized=status.get("Initialized", False),
                ready=status.get("Ready", False),
                deleting=facts.deleting is not None,
                reason=GATED if pod.scheduling_gates else reason,
            ),
            shown,
            tuple(conditions),
            facts.deleting,
            facts.deletion,
            unheard,
            reason,
            nominated,
            tuple(pod.conditions.get(gate, False) for gate in template.readiness_gates),
        )

    @staticmethod
    def _unwritten(facts: PodFacts, now: int) -> bool:
        """Whether the API server has yet to hear that the kubelet rejects it."""
        return facts.rejected is not None and now < facts.rejected + LOOKED_AT_AFTER

    def _looked_at_again(self, facts: PodFacts, node: str) -> bool:
        """Whether the kubelet has written the status of a pod that it has rejected anew: when its plugin registered."""
        registered = self._ledger.registered.get(node)
        return facts.rejected is not None and registered is not None and registered > facts.rejected

    def _starts_again(self, pod: Pod, facts: PodFacts) -> bool | None:
        """Whether a container that has ended is started again, by its own policy and rules or the pod's.

        None: none has ended by itself.
        """
        template = pod.template
        if facts.ran or facts.bound is None:
            ended = [each for each in template.containers if facts.run(each.name).died is not None]
        else:
            ended = [
                each for each in template.init_containers if each.name == facts.init and not is_sidecar(each)
            ]
        if not ended or facts.deleting is not None:
            return None
        return any(
            consequence(each, template, facts.run(each.name).exit_code, kubernetes=self._kubernetes)
            != "stays"
            for each in ended
        )

    def _unseen(self, pod: Pod) -> bool:
        """Whether no scheduler has looked at it: then nobody has written why it waits."""
        if pod.scheduling_gates:
            return False
        pending = self._ledger.pending.get(pod.ref.instance)
        said = pending is None or bool(pending.message)
        return not said or not self._scheduling.says_why_it_waits(pod)

    def _why_it_waits(self, pod: Pod) -> tuple[str, str]:
        """Reason and message of the condition PodScheduled of a pod that a scheduler has looked at in vain."""
        pending = self._ledger.pending.get(pod.ref.instance)
        if pending is None:
            return "Unschedulable", ""
        own = next((each for each in pending.conditions if each.pod == pod.ref), None)
        return ("Unschedulable", pending.message) if own is None else (own.reason, own.message)

    def _conditions(
        self,
        pod: Pod,
        facts: PodFacts,
        containers: PodContainers,
        shown: Sequence[ShownContainer],
        now: int,
    ) -> tuple[Phase, list[ConditionAt]]:
        """Phase and the kubelet's conditions."""
        statuses = {each.name: each.status for each in shown}
        phase = pod.final_phase or pod_phase(containers, statuses)
        initialized = pod_initialized(containers, statuses, phase)
        of_containers = containers_ready(containers, statuses, phase)
        gates = {gate: pod.conditions.get(gate) for gate in pod.template.readiness_gates}
        ready = pod_ready(containers, statuses, phase, gates)
        if pod.overruled and ready.status:
            # The node lifecycle controller writes the Ready condition alone (pkg/controller/util/node).
            ready = Condition("Ready", False)
        heard = facts.heard
        never_told = facts.containers_ready is None and facts.containers_unready is None
        were_ready = facts.are_containers_ready or (facts.bound is None and never_told)
        if of_containers.status:
            since = facts.containers_ready
        elif facts.stopped is not None and now >= facts.stopped:
            since = facts.stopped
        elif were_ready:
            # They ended while nobody heard of it.
            back = self._ledger.returned.get(pod.node.name) if pod.node is not None else None
            since = max((when for when in (facts.fell, back) if when is not None), default=heard)
        else:
            since = heard if facts.containers_unready is None else facts.containers_unready
        ready_since = since
        if ready.status:
            ready_since = facts.ready
        elif facts.unready is not None and (facts.ready is None or facts.unready >= facts.ready):
            ready_since = facts.unready
        return phase, [
            ConditionAt(Condition("PodReadyToStartContainers", True), heard),
            ConditionAt(initialized, facts.initialized if initialized.status else heard),
            ConditionAt(ready, ready_since),
            ConditionAt(of_containers, since),
        ]


def _order(ref: PodRef) -> tuple[bool, str, int, str, int, int]:
    instance = ref.instance
    return (
        not instance.has_roles,
        instance.owner,
        instance.ordinal,
        ref.role,
        ref.replica,
        ref.generation,
    )

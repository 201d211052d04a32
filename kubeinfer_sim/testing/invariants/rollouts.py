"""What a rolling update may do, and what recovery may."""

from __future__ import annotations

from collections import Counter, defaultdict

from msgspec import Struct, field

from kubeinfer_sim.cluster.fault_records import FaultDetected
from kubeinfer_sim.cluster.records import (
    HealthChanged,
    PodCreated,
    PodDeleting,
    PodNotReady,
    PodReady,
    PodRef,
)
from kubeinfer_sim.controllers.deployment.records import (
    DeploymentApplied,
    DeploymentStatus,
    ReplicaSetScaled,
)
from kubeinfer_sim.controllers.kubeinfer.records import (
    InstanceConcerning,
    InstanceCreated,
    InstanceDeleting,
    InstanceFailed,
    InstanceGone,
    InstanceReady,
    InstanceRestarting,
    PodRebuilding,
    RecoveryDecided,
    SpecApplied,
)
from kubeinfer_sim.engine.history import NO_CAUSE
from kubeinfer_sim.engine.meter import Handlers
from kubeinfer_sim.scenario.model import Scenario
from kubeinfer_sim.testing.invariants.invariant import Finished, Report


class _Fleet(Struct):
    """The instances of one KubeInfer."""

    spec: SpecApplied | None = None
    revision: dict[int, str] = field(default_factory=dict)
    going: set[int] = field(default_factory=set)
    ready: set[int] = field(default_factory=set)


class WithinSurge:
    """INV-07: no instance, and no pod of a Deployment, is made above R + S."""

    number = "INV-07"
    statement = (
        "live instances of a KubeInfer, and pods a Deployment asks for, are at most replicas + maxSurge"
    )
    reason = (
        "the surge is what the cluster has been sized for: rule 2 of the rolling update, Deployments alike"
    )
    caught = "one instance too many"

    def __init__(self, scenario: Scenario, report: Report) -> None:
        self._report = report
        self._counts_going = scenario.assumptions.replacement == "TerminationComplete"
        # Where ordinals are fixed the surge stays until all below are ready: the last of those is made beside it.
        self._surge_stays = scenario.assumptions.ordinals == "fixed"
        self._fleets: defaultdict[str, _Fleet] = defaultdict(_Fleet)
        self._deployments: dict[str, DeploymentApplied] = {}
        self._asked: defaultdict[str, dict[str, int]] = defaultdict(dict)

    def handlers(self) -> Handlers:
        """Budgets, and what is made within them."""
        return {
            SpecApplied: self._spec,
            InstanceCreated: self._created,
            InstanceDeleting: self._deleting,
            InstanceGone: self._gone,
            DeploymentApplied: self._applied,
            ReplicaSetScaled: self._scaled,
        }

    def finish(self, finished: Finished) -> None:
        """All has been said."""

    def _spec(self, record: SpecApplied) -> None:
        self._fleets[record.kubeinfer].spec = record

    def _created(self, record: InstanceCreated) -> None:
        fleet = self._fleets[record.instance.owner]
        fleet.revision[record.instance.uid] = record.revision
        spec = fleet.spec
        if spec is None:
            self._report(f"{record.instance.name} is made, and nobody asked for it", record)
            return
        live = len(fleet.revision) - (0 if self._counts_going else len(fleet.going))
        old = any(revision != spec.revision for revision in fleet.revision.values())
        most = spec.replicas + (spec.surge if old or self._surge_stays else 0)
        if live > most:
            self._report(f"{live} instances are live, and at most {most} may be", spec, record)

    def _deleting(self, record: InstanceDeleting) -> None:
        self._fleets[record.instance.owner].going.add(record.instance.uid)

    def _gone(self, record: InstanceGone) -> None:
        fleet = self._fleets[record.instance.owner]
        fleet.revision.pop(record.instance.uid, None)
        fleet.going.discard(record.instance.uid)

    def _applied(self, record: DeploymentApplied) -> None:
        if record.kind != "Deployment":
            return
        self._deployments[record.deployment] = record
        if "created" in record.changed:
            # Of pods that ran before the simulation began nobody records that they are asked for.
            ran = record.label == "running"
            self._asked[record.deployment] = {record.revision: record.replicas} if ran else {}

    def _scaled(self, record: ReplicaSetScaled) -> None:
        asked = self._asked[record.deployment]
        asked[record.revision] = record.replicas
        applied = self._deployments.get(record.deployment)
        most = 0 if applied is None else applied.replicas + applied.surge
        if applied is not None and record.replicas > record.before and sum(asked.values()) > most:
            self._report(
                f"{sum(asked.values())} pods are asked for, and at most {most} may be", applied, record
            )


class _Pods(Struct):
    """The pods of one Deployment that are Ready.

    Attributes:
        scaled: its replicas have changed since it was complete: pods are shared out by sizes, whoever is ready.
        lost_at: when one of them was last not Ready any more, ms; controllers hear of it a little later.
    """

    spec: DeploymentApplied | None = None
    ready: set[PodRef] = field(default_factory=set)
    scaled: bool = False
    lost_at: int = -1


class WithinUnavailable:
    """INV-08: a rolling update takes no ready instance, and no ready pod of a Deployment, away below R - U."""

    number = "INV-08"
    statement = (
        "a rolling update leaves at least replicas - maxUnavailable instances (of a Deployment pods) ready, "
        "whatever else fails"
    )
    reason = (
        "rule 5 of the rolling update, Deployments alike: what may be missing is spent on faults before it is "
        "spent on the update"
    )
    caught = "one instance too few"

    def __init__(self, scenario: Scenario, report: Report) -> None:
        self._report = report
        self._fleets: defaultdict[str, _Fleet] = defaultdict(_Fleet)
        self._pods: defaultdict[str, _Pods] = defaultdict(_Pods)

    def handlers(self) -> Handlers:
        """Budgets, and which instances and pods are ready."""
        return {
            SpecApplied: self._spec,
            InstanceReady: self._became_ready,
            InstanceConcerning: self._not_ready,
            InstanceRestarting: self._not_ready,
            InstanceFailed: self._not_ready,
            InstanceDeleting: self._deleting,
            DeploymentApplied: self._applied,
            DeploymentStatus: self._status,
            PodReady: self._pod_ready,
            PodNotReady: self._pod_not_ready,
            PodDeleting: self._pod_deleting,
        }

    def finish(self, finished: Finished) -> None:
        """All has been said."""

    def _spec(self, record: SpecApplied) -> None:
        self._fleets[record.kubeinfer].spec = record

    def _became_ready(self, record: InstanceReady) -> None:
        self._fleets[record.instance.owner].ready.add(record.instance.uid)

    def _not_ready(self, record: InstanceConcerning | InstanceRestarting | InstanceFailed) -> None:
        self._fleets[record.instance.owner].ready.discard(record.instance.uid)

    def _deleting(self, record: InstanceDeleting) -> None:
        fleet = self._fleets[record.instance.owner]
        was_ready = record.instance.uid in fleet.ready
        fleet.ready.discard(record.instance.uid)
        spec = fleet.spec
        if record.reason != "Rollout" or spec is None or not was_ready:
            return
        least = spec.replicas - spec.unavailable
        if len(fleet.ready) < least:
            self._report(f"{len(fleet.ready)} instances stay ready, and at least {least} must", spec, record)

    def _applied(self, record: DeploymentApplied) -> None:
        if record.kind == "Deployment":
            pods = self._pods[record.deployment]
            pods.scaled |= pods.spec is not None and pods.spec.replicas != record.replicas
            pods.spec = record

    def _status(self, record: DeploymentStatus) -> None:
        if record.kind == "Deployment" and record.complete:
            self._pods[record.deployment].scaled = False

    def _pod_ready(self, record: PodReady) -> None:
        if record.pod.instance.kind == "Deployment":
            self._pods[record.pod.instance.owner].ready.add(record.pod)

    def _pod_not_ready(self, record: PodNotReady) -> None:
        if record.pod.instance.kind == "Deployment":
            pods = self._pods[record.pod.instance.owner]
            pods.ready.discard(record.pod)
            pods.lost_at = record.at

    def _pod_deleting(self, record: PodDeleting) -> None:
        if record.pod.instance.kind != "Deployment":
            return
        pods = self._pods[record.pod.instance.owner]
        was_ready = record.pod in pods.ready
        pods.ready.discard(record.pod)
        spec = pods.spec
        if record.reason != "Rollout":
            pods.lost_at = record.at
        elif was_ready and spec is not None and not pods.scaled and pods.lost_at < record.at:
            least = spec.replicas - spec.unavailable
            if len(pods.ready) < least:
                self._report(f"{len(pods.ready)} pods stay ready, and at least {least} must", spec, record)


class OneRestartPerEvent:
    """INV-09: incarnations are counted without a gap, pods were made between two restarts, and a fault restarts once.

    Where an engine dies again of a fault, on hardware that it was given again, that is another event; so is the
    report of a fault under a pod that was made since and became Ready all the same.
    """

    number = "INV-09"
    statement = (
        "one event restarts an instance, or a pod of it, once: incarnations go up by one, each has pods of its own, "
        "and what the platform reports of a fault is no second one"
    )
    reason = "a crash and the platform's report of its cause are one failure, not two"
    caught = "what the platform reports is a failure of its own"

    def __init__(self, scenario: Scenario, report: Report) -> None:
        self._report = report
        self._incarnations: Counter[int] = Counter()
        self._restarted: dict[int, InstanceRestarting] = {}
        #: What tells of faults: the platform's reports and what was decided for them, by id.
        self._reports: set[int] = set()
        #: The latest restart of an instance, or of a pod at a place of it ("": the whole), for a first cause.
        self._for: dict[tuple[int, str, int], InstanceRestarting | PodRebuilding] = {}
        #: The record that made a pod, and the first cause of its not being healthy.
        self._made: dict[PodRef, int] = {}
        self._unhealthy: dict[PodRef, int] = {}
        #: When the latest pod was made (by id) that became Ready though not healthy: of an instance and a first cause.
        self._ready_on_it: dict[tuple[int, int], int] = {}

    def handlers(self) -> Handlers:
        """Restarts, what they are for, and the pods between."""
        return {
            HealthChanged: self._health,
            PodReady: self._ready,
            InstanceRestarting: self._restarting,
            PodRebuilding: self._rebuilding,
            FaultDetected: self._detected,
            RecoveryDecided: self._decided,
            PodCreated: self._created,
        }

    def finish(self, finished: Finished) -> None:
        """All has been said."""

    def _created(self, record: PodCreated) -> None:
        self._restarted.pop(record.pod.instance.uid, None)
        self._made[record.pod] = record.id

    def _health(self, record: HealthChanged) -> None:
        if not record.healthy:
            self._unhealthy[record.pod] = record.root

    def _ready(self, record: PodReady) -> None:
        if (root := self._unhealthy.get(record.pod)) is not None:
            self._ready_on_it[record.pod.instance.uid, root] = self._made.get(record.pod, -1)

    def _detected(self, record: FaultDetected) -> None:
        self._reports.add(record.id)

    def _decided(self, record: RecoveryDecided) -> None:
        if record.cause in self._reports:
            self._reports.add(record.id)

    def _restarting(self, record: InstanceRestarting) -> None:
        uid = record.instance.uid
        self._incarnations[uid] += 1
        if record.incarnation != self._incarnations[uid]:
            self._report(f"restart {self._incarnations[uid]} is counted as {record.incarnation}", record)
        if (before := self._restarted.get(uid)) is not None:
            self._report(f"{record.instance.name} restarts twice, with no pod between", before, record)
        self._restarted[uid] = record
        self._once(record, "", record.instance.name)

    def _rebuilding(self, record: PodRebuilding) -> None:
        self._once(record, record.pod, record.pod)

    def _once(self, record: InstanceRestarting | PodRebuilding, part: str, name: str) -> None:
        key = record.instance.uid, part, record.root
        before = self._for.get(key) or self._for.get((record.instance.uid, "", record.root))
        again = self._ready_on_it.get((record.instance.uid, record.root), -1)
        if before is not None and record.cause in self._reports and again < before.id:
            self._report(f"{name} restarts for a fault that it has restarted for", before, record)
        self._for[key] = record


class NoRestartWithoutTrigger:
    """INV-18: recovery acts only on what has happened to a pod, or was reported, in the run."""

    number = "INV-18"
    statement = (
        "no instance, and no pod of one, is rebuilt without a trigger: a failure, a fault or somebody's doing"
    )
    reason = "a rebuild costs minutes of an instance; one that nothing asked for is a bug of the operator"
    caught = "nobody knows what a restart is for"

    def __init__(self, scenario: Scenario, report: Report) -> None:
        self._report = report

    def handlers(self) -> Handlers:
        """What recovery does."""
        return {InstanceRestarting: self._begun, PodRebuilding: self._begun}

    def finish(self, finished: Finished) -> None:
        """All has been said."""

    def _begun(self, record: InstanceRestarting | PodRebuilding) -> None:
        if record.cause == NO_CAUSE or record.root == record.id:
            self._report(f"{record.instance.name} is rebuilt for nothing", record)

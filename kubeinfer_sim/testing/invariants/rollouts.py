"""What a rolling update may do, and what recovery may."""

from __future__ import annotations

from collections import Counter, defaultdict

from msgspec import Struct, field

from kubeinfer_sim.cluster.records import PodCreated
from kubeinfer_sim.controllers.deployment.records import DeploymentApplied, ReplicaSetScaled
from kubeinfer_sim.controllers.kubeinfer.records import (
    InstanceConcerning,
    InstanceCreated,
    InstanceDeleting,
    InstanceFailed,
    InstanceGone,
    InstanceReady,
    InstanceRestarting,
    SpecApplied,
)
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
        if record.kind == "Deployment":
            self._deployments[record.deployment] = record

    def _scaled(self, record: ReplicaSetScaled) -> None:
        asked = self._asked[record.deployment]
        asked[record.revision] = record.replicas
        applied = self._deployments.get(record.deployment)
        most = 0 if applied is None else applied.replicas + applied.surge
        if applied is not None and record.replicas > record.before and sum(asked.values()) > most:
            self._report(
                f"{sum(asked.values())} pods are asked for, and at most {most} may be", applied, record
            )


class WithinUnavailable:
    """INV-08: a rolling update takes no ready instance away below R - U."""

    number = "INV-08"
    statement = (
        "a rolling update leaves at least replicas - maxUnavailable instances ready, whatever else fails"
    )
    reason = "rule 5 of the rolling update: what the user allowed to be missing is spent on faults first"

    def __init__(self, scenario: Scenario, report: Report) -> None:
        self._report = report
        self._fleets: defaultdict[str, _Fleet] = defaultdict(_Fleet)

    def handlers(self) -> Handlers:
        """Budgets, and which instances are ready."""
        return {
            SpecApplied: self._spec,
            InstanceReady: self._became_ready,
            InstanceConcerning: self._not_ready,
            InstanceRestarting: self._not_ready,
            InstanceFailed: self._not_ready,
            InstanceDeleting: self._deleting,
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


class OneRestartPerEvent:
    """INV-09: incarnations are counted without a gap, and between two restarts pods were made."""

    number = "INV-09"
    statement = "one event restarts an instance once: incarnations go up by one, and each has pods of its own"
    reason = "a crash and the platform's report of its cause are one failure, not two"

    def __init__(self, scenario: Scenario, report: Report) -> None:
        self._report = report
        self._incarnations: Counter[int] = Counter()
        self._restarted: dict[int, InstanceRestarting] = {}

    def handlers(self) -> Handlers:
        """Restarts, and the pods between."""
        return {InstanceRestarting: self._restarting, PodCreated: self._created}

    def finish(self, finished: Finished) -> None:
        """All has been said."""

    def _created(self, record: PodCreated) -> None:
        self._restarted.pop(record.pod.instance.uid, None)

    def _restarting(self, record: InstanceRestarting) -> None:
        uid = record.instance.uid
        self._incarnations[uid] += 1
        if record.incarnation != self._incarnations[uid]:
            self._report(f"restart {self._incarnations[uid]} is counted as {record.incarnation}", record)
        if (before := self._restarted.get(uid)) is not None:
            self._report(f"{record.instance.name} restarts twice, with no pod between", before, record)
        self._restarted[uid] = record

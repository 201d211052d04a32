"""All numbers of one run: what reports tell, and what runs are compared by."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from kubeinfer_sim.controllers.kubeinfer.policies import RecoveryPlugin
from kubeinfer_sim.engine.history import Listener, Record
from kubeinfer_sim.engine.meter import End, Observer, OnePass
from kubeinfer_sim.errors import UsageError
from kubeinfer_sim.manifest.model import KubeInfer
from kubeinfer_sim.metrics import Judged, Measures, Outcome, judge, overall
from kubeinfer_sim.metrics.attribution import CauseSummary, attribute, by_kind
from kubeinfer_sim.metrics.availability import Availability, measure_availability
from kubeinfer_sim.metrics.bare_pods import BarePodOutcome
from kubeinfer_sim.metrics.capacity import Capacity, CapacityMeter
from kubeinfer_sim.metrics.cluster import ClusterMeasures, ClusterMeters
from kubeinfer_sim.metrics.deployments import DeploymentMeasures, DeploymentOutcome
from kubeinfer_sim.metrics.incidents import Incidents
from kubeinfer_sim.metrics.losses import Losses
from kubeinfer_sim.metrics.measure import KubeInferMeters
from kubeinfer_sim.metrics.workloads import ByWorkload, Workload
from kubeinfer_sim.scenario.actions.model import Apply
from kubeinfer_sim.scenario.model import Scenario
from kubeinfer_sim.simulation.run import Run
from kubeinfer_sim.simulation.simulate import simulate

if TYPE_CHECKING:
    from kubeinfer_sim.experiment.other_changes import OtherChange
    from kubeinfer_sim.metrics.demand import Demand
    from kubeinfer_sim.metrics.served import ServedPods
    from kubeinfer_sim.metrics.traffic import TrafficMeasures, TrafficMeter


class Flaw(StrEnum):
    """What stands against a run that may have held its objectives."""

    # Every new instance of a workload was killed by this probe first: it is up by luck.
    KILLED_BY_STARTUP_PROBE = "killedByStartupProbe"
    KILLED_BY_LIVENESS_PROBE = "killedByLivenessProbe"
    UNPLACED = "unplaced"  # of what is to run at the start not all has a place
    REFUSED = "refused"  # something that was asked for
    IN_VAIN = "inVain"  # an action or a fault struck nothing
    ENDLESS = "endless"  # something goes round without end


class KubeInferFigures(Struct, frozen=True, dict=True):
    """The numbers of one KubeInfer.

    Attributes:
        causes: what began the losses, dearest first.
    """

    measures: Measures
    capacity: Capacity
    availability: Availability
    causes: tuple[CauseSummary, ...]

    @cached_property
    def kinds(self) -> dict[str, CauseSummary]:
        """The same as `causes` for each kind of beginning together."""
        return by_kind(self.causes)


class Figures(Struct, frozen=True, dict=True):
    """A run with its numbers.

    Attributes:
        cluster: what its workloads share.
        kubeinfers: the numbers of each KubeInfer, by name.
        measures: those of the first KubeInfer; of a run without any, they say so.
        availability: its availability; None without a KubeInfer.
        demand: None where the scenario says nothing of a load.
        traffic: None where the scenario says nothing of requests.
        judged: the objectives; of several workloads each for itself, for all have to hold them.
        causes: what began its losses, dearest first.
    """

    run: Run
    cluster: ClusterMeasures
    kubeinfers: Mapping[str, KubeInferFigures]
    measures: Measures
    availability: Availability | None
    demand: Demand | None
    traffic: TrafficMeasures | None
    judged: tuple[Judged, ...]
    causes: tuple[CauseSummary, ...]

    @cached_property
    def kinds(self) -> dict[str, CauseSummary]:
        """What began the losses of all KubeInfers, kind by kind; without any, of all Deployments and their like."""
        workloads = self.kubeinfers.values() or self.cluster.deployments
        return by_kind([cause for each in workloads for cause in each.causes])

    @cached_property
    def pods(self) -> tuple[ServedPods, ...]:
        """The pods of every Deployment, StatefulSet, ReplicaSet and DaemonSet."""
        if not self.cluster.deployments:
            return ()
        from kubeinfer_sim.metrics.served import served_pods

        return tuple(served_pods(each, self.run.ended_at) for each in self.cluster.deployments)

    @property
    def measures_of_all(self) -> list[Measures]:
        """The measures of every KubeInfer."""
        return [each.measures for each in self.kubeinfers.values()]

    @property
    def availability_of_all(self) -> list[Availability]:
        """The availability of every KubeInfer."""
        return [each.availability for each in self.kubeinfers.values()]

    @property
    def outcome(self) -> Outcome:
        """How the KubeInfers and the Deployments came out together, and what was asked for of other objects."""
        outcome = overall(self.measures_of_all or [self.measures])
        return Outcome.COMPLETES if outcome is Outcome.NOTHING and self.other_changes else outcome

    @cached_property
    def other_changes(self) -> tuple[OtherChange, ...]:
        """What was made or changed and moves no pod."""
        scenario = self.run.scenario
        if all(isinstance(each, Apply) and each.workload in scenario.workloads for each in scenario.actions):
            return ()  # it is so already
        from kubeinfer_sim.experiment.other_changes import other_changes  # few runs ask

        return other_changes(scenario)

    @property
    def flaws(self) -> tuple[Flaw, ...]:
        """What stands against the run, whatever the objectives say."""
        cluster = self.cluster
        killed = cluster.killed_starts if self.outcome is Outcome.COMPLETES else ()
        killing = {each.longest.probe for each in killed if each.all_killed and each.longest is not None}
        endless = cluster.evictions or any(each.per_second is not None for each in cluster.rejections)
        has: dict[Flaw, bool] = {
            Flaw.KILLED_BY_STARTUP_PROBE: "startup" in killing,
            Flaw.KILLED_BY_LIVENESS_PROBE: "liveness" in killing,
            Flaw.UNPLACED: bool(cluster.unplaced),
            Flaw.REFUSED: bool(cluster.refusals),
            Flaw.IN_VAIN: bool(cluster.idle.unmatched),
            Flaw.ENDLESS: self.run.end == "loop" or bool(endless),
        }
        return tuple(flaw for flaw, is_there in has.items() if is_there)

    @property
    def sound(self) -> bool:
        """Whether nothing stands against the run."""
        return not self.flaws

    @property
    def came_about(self) -> bool:
        """Whether what was asked for came about, or no drawn fault came where nothing was asked for."""
        undisturbed = self.outcome is Outcome.NOTHING and self.run.scenario.may_pass_undisturbed
        return self.sound and (undisturbed or self.outcome is Outcome.COMPLETES)


class _KubeInfer:
    """The meters of one KubeInfer."""

    def __init__(self, scenario: Scenario, kubeinfer: KubeInfer) -> None:
        load, whole = scenario.load, scenario.serves_whole_of(kubeinfer)
        self._meters, self._losses, self._incidents = KubeInferMeters(), Losses(), Incidents()
        self._capacity = (
            CapacityMeter(whole=whole)
            if load is None
            else CapacityMeter(
                whole=whole,
                pod_serves=load.pod_serves,
                instance_serves=load.instance_serves,
            )
        )
        self._levels = [each.level for each in scenario.objectives.availability]

    @property
    def observers(self) -> Sequence[Observer]:
        return *self._meters.observers, self._losses, self._incidents, self._capacity

    def finish(
        self, name: str, ended_at: int, end: End, cluster: ClusterMeasures, *, alone: bool
    ) -> KubeInferFigures:
        instances = cluster.instances_of("KubeInfer", name)
        measures = self._meters.finish(ended_at, end, cluster, instances, alone=alone)
        capacity = self._capacity.finish(ended_at, end)
        causes = attribute(
            self._losses.finish(ended_at, end),
            self._incidents.finish(ended_at, end),
            {life.instance.uid: life for life in instances},
            cluster.first_causes,
            measures.whole.since,
            measures.whole.until,
        )
        availability = measure_availability(measures, capacity, self._levels)
        return KubeInferFigures(measures, capacity, availability, tuple(causes))


class RunMeters:
    """All meters that figures need. They are told of the records while the run goes on, or afterwards."""

    def __init__(self, scenario: Scenario, *, seed: int | None = None) -> None:
        self._scenario = scenario
        self._cluster = ClusterMeters()
        self._traffic = _traffic(scenario, scenario.seed if seed is None else seed)
        self._kubeinfers = {each.name: _KubeInfer(scenario, each) for each in scenario.kubeinfers}
        # Of a run without a KubeInfer, so that it has measures, too.
        self._none = KubeInferMeters()
        observers = [*self._cluster.observers, *([self._traffic] if self._traffic else ())]
        if not self._kubeinfers:
            observers += self._none.observers
        elif len(self._kubeinfers) == 1:
            observers += next(iter(self._kubeinfers.values())).observers
        else:
            own = {Workload("KubeInfer", name): each.observers for name, each in self._kubeinfers.items()}
            observers.append(ByWorkload(own))
        self._pass = OnePass(observers)

    @property
    def observe(self) -> Listener:
        """Takes the next record: a listener for `simulate`."""
        return self._pass.observe

    def feed(self, records: Iterable[Record]) -> None:
        """Take many records."""
        self._pass.feed(records)

    def finish(self, run: Run) -> Figures:
        """The numbers of the run whose records it was told, and its objectives held against them; call it once."""
        ended_at, end, scenario = run.ended_at, run.end, self._scenario
        cluster = self._cluster.finish(ended_at, end)
        alone = len(self._kubeinfers) == 1 and not _something_else_goes_on(cluster)
        of_each = {
            name: each.finish(name, ended_at, end, cluster, alone=alone)
            for name, each in self._kubeinfers.items()
        }
        first = next(iter(of_each.values()), None)
        measures = self._none.finish(ended_at, end, cluster, ()) if first is None else first.measures
        capacity = None if first is None else first.capacity
        demand = _demand(scenario, measures, capacity)
        return Figures(
            run=run,
            cluster=cluster,
            kubeinfers=of_each,
            measures=measures,
            availability=None if first is None else first.availability,
            demand=demand,
            traffic=None if self._traffic is None else self._traffic.finish(ended_at, end),
            judged=_judged(scenario, of_each, cluster.deployments, ended_at, demand),
            causes=() if first is None else first.causes,
        )


def _something_else_goes_on(cluster: ClusterMeasures) -> bool:
    """Whether it is something beside the KubeInfers that does not come to its end."""
    deployments = any(each.outcome is DeploymentOutcome.NEVER for each in cluster.deployments)
    pods = any(each.outcome is BarePodOutcome.NEVER for each in cluster.bare_pods)
    return deployments or pods or bool(cluster.evictions)


def figures(run: Run) -> Figures:
    """Measure a run whose history was kept, and hold its objectives against the numbers.

    Raises:
        UsageError: the history was not kept; such a run is measured as it goes on (`measured_run`).
    """
    if not run.history.keep:
        raise UsageError(
            "figures read the history: they need a run simulated with keep=True, or measured as it goes on"
        )
    meters = RunMeters(run.scenario, seed=run.seed)
    meters.feed(run.history)
    return meters.finish(run)


def measured_run(
    scenario: Scenario,
    *,
    seed: int | None = None,
    recovery: RecoveryPlugin | None = None,
    pods: bool = False,
    ways: bool = True,
    listeners: Sequence[Listener] = (),
) -> Figures:
    """Simulate and measure as it goes on: no history is kept, so that memory grows with the figures alone.

    The arguments are those of `simulate`.
    """
    meters = RunMeters(scenario, seed=seed)
    run = simulate(
        scenario,
        seed=seed,
        recovery=recovery,
        listeners=[meters.observe, *listeners],
        keep=False,
        pods=pods,
        ways=ways,
    )
    return meters.finish(run)


def _judged(
    scenario: Scenario,
    of_each: Mapping[str, KubeInferFigures],
    deployments: Sequence[DeploymentMeasures],
    ended_at: int,
    demand: Demand | None,
) -> tuple[Judged, ...]:
    """What is asked for is asked for of every KubeInfer, or of the workload it is about."""
    of_kubeinfers = {
        name: judge(scenario.objectives.of(name), own.measures, own.capacity, demand)
        for name, own in of_each.items()
    }
    judged = [(name, each) for name, held in of_kubeinfers.items() for each in held]
    pods = {(each.kind, each.name): each for each in deployments}
    for kind, name, objectives in scenario.objectives.objects:
        if kind == "KubeInfer" and name in of_each:
            own = of_each[name]
            judged += ((name, each) for each in judge(objectives, own.measures, own.capacity, demand))
        elif (kind, name) in pods:
            from kubeinfer_sim.metrics.served import served_pods

            served = served_pods(pods[kind, name], ended_at)
            judged += ((f"{kind}/{name}", each) for each in judge(objectives, served))
    asked = {f"{kind}/{name}" for kind, name, _ in scenario.objectives.objects if kind != "KubeInfer"}
    if len({owner for owner, _ in judged} | of_each.keys() | asked) == 1:
        return tuple(each for _, each in judged)
    return tuple(replace(each, owner=owner) for owner, each in judged)


def _traffic(scenario: Scenario, seed: int) -> TrafficMeter | None:
    if scenario.traffic is None:
        return None
    services = [service for each in scenario.kubeinfers for service in each.network_services]
    published = any(service.spec.get("publishNotReadyAddresses") is True for service in services)
    from kubeinfer_sim.metrics.traffic import TrafficMeter

    return TrafficMeter(scenario.traffic, whole=scenario.serves_whole, publish_not_ready=published, seed=seed)


def _demand(scenario: Scenario, measures: Measures, capacity: Capacity | None) -> Demand | None:
    if scenario.load is None or capacity is None:
        return None
    from kubeinfer_sim.metrics.demand import measure_demand

    serves, since = capacity.serves, measures.whole.since
    return measure_demand(scenario.load.curve, serves.steps, serves.unit, since, measures.ended_at)

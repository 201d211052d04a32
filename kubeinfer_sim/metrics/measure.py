"""The numbers of one KubeInfer over a run, with those of the cluster it shares, from one pass over the records."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from fractions import Fraction

from msgspec import Struct, field

from kubeinfer_sim.cluster.records import PodRef
from kubeinfer_sim.engine.history import Record
from kubeinfer_sim.engine.meter import End, Observer, OnePass
from kubeinfer_sim.metrics.activity import Activity
from kubeinfer_sim.metrics.bare_pods import BarePodMeasures, BarePodOutcome
from kubeinfer_sim.metrics.changes import Change, Changes, ChangesMeter, Stall
from kubeinfer_sim.metrics.cluster import ClusterMeasures, ClusterMeters
from kubeinfer_sim.metrics.deployments import DeploymentMeasures, DeploymentOutcome
from kubeinfer_sim.metrics.lives import InstanceLife
from kubeinfer_sim.metrics.nodes import DrainRun, NodeOutage, StrandedPod
from kubeinfer_sim.metrics.owed import owed_until
from kubeinfer_sim.metrics.readiness import Readiness, ReadinessMeter
from kubeinfer_sim.metrics.recoveries import Recoveries, Recovery
from kubeinfer_sim.metrics.steps import Low, Steps, segments, shortfall


class Outcome(StrEnum):
    """How the run came out; only `COMPLETES` can be green."""

    COMPLETES = "completes"  # all that was asked for is in place and ready at the end
    NEVER = "neverFinishes"  # it never will be
    UNFINISHED = "unfinished"  # not by the scenario's horizon
    NOTHING = "nothingHappened"  # no instance, pod or node was touched


_OVERALL: dict[DeploymentOutcome | BarePodOutcome, Outcome] = {
    DeploymentOutcome.COMPLETES: Outcome.COMPLETES,
    DeploymentOutcome.NEVER: Outcome.NEVER,
    DeploymentOutcome.UNFINISHED: Outcome.UNFINISHED,
    DeploymentOutcome.PAUSED: Outcome.UNFINISHED,
    DeploymentOutcome.UNTOUCHED: Outcome.NOTHING,
    BarePodOutcome.READY: Outcome.COMPLETES,
    BarePodOutcome.SUCCEEDED: Outcome.COMPLETES,
    BarePodOutcome.DELETED: Outcome.COMPLETES,
    BarePodOutcome.UNTOUCHED: Outcome.NOTHING,
    BarePodOutcome.FAILED: Outcome.NEVER,
    BarePodOutcome.LOST: Outcome.NEVER,
    BarePodOutcome.NEVER: Outcome.NEVER,
    BarePodOutcome.UNFINISHED: Outcome.UNFINISHED,
}


class Service(Struct, frozen=True):
    """What stayed in service between two times (ms).

    Attributes:
        min_ready: the fewest instances ready.
        lost: integral of max(0, desired - ready), in instance-milliseconds.
        availability: integral of min(ready, desired) over integral of desired; None when none was desired.
    """

    since: int
    until: int
    min_ready: Low
    lost: int
    availability: Fraction | None


class Measures(Struct, frozen=True):
    """What a run comes to. Times and durations in ms.

    Attributes:
        service: from the first change for which instances come or go after the start until the last one was
            in place (or the run ended); the whole run when there was none.
        whole: from when to when readiness is owed (`owed.py`).
        desired, ready, live, npus: step functions; `by_revision` splits `ready`.
        losing: instances missing at the end, those that are ready for a moment among them (`InstanceLife.unstable`);
            when the run has settled they stay missing.
        peak_npus: the most NPUs taken at once.
        outages, drains: nodes that failed, and drains, in order of time.
        recoveries: what recovery did, in order of time.
        stranded: the pods on nodes that are down at the end.
    """

    ended_at: int
    end: End
    outcome: Outcome
    service: Service
    whole: Service
    desired: Steps
    ready: Steps
    live: Steps
    by_revision: dict[str, Steps]
    npus: Steps
    losing: int
    peak_npus: int
    changes: tuple[Change, ...]
    stalls: tuple[Stall, ...]
    instances: tuple[InstanceLife, ...]
    warnings: tuple[str, ...]
    outages: tuple[NodeOutage, ...] = ()
    drains: tuple[DrainRun, ...] = ()
    recoveries: tuple[Recovery, ...] = ()
    stranded: Mapping[PodRef, StrandedPod] = field(default_factory=dict)
    deployments: tuple[DeploymentMeasures, ...] = ()
    bare_pods: tuple[BarePodMeasures, ...] = ()

    @property
    def update(self) -> Change | None:
        """The last change of the template, None when there was none."""
        return next((change for change in reversed(self.changes) if change.is_update), None)

    @property
    def last_material(self) -> Change | None:
        """The last change for which instances come or go."""
        return next((change for change in reversed(self.changes) if change.is_material), None)

    @property
    def aborted(self) -> Change | None:
        """The update that was given up, if nothing was asked for afterwards."""
        before = self.changes[-2:-1]
        return before[0] if before and before[0].aborted else None

    @property
    def open_stall(self) -> Stall | None:
        """The stall that lasts until the end."""
        last = self.stalls[-1] if self.stalls else None
        return last if last is not None and last.ended is None else None


def overall_of(outcome: DeploymentOutcome | BarePodOutcome) -> Outcome:
    """How a run comes out in which there is nothing else."""
    return _OVERALL[outcome]


def overall(kubeinfers: Sequence[Measures]) -> Outcome:
    """How the KubeInfers of a run, the Deployments beside them, and the drains of its nodes came out together."""
    outcomes = {overall_of(each.outcome) for measures in kubeinfers for each in measures.deployments}
    outcomes |= {overall_of(each.outcome) for measures in kubeinfers for each in measures.bare_pods}
    # Where there is no KubeInfer: a node was touched, though no pod was.
    outcomes |= {
        measures.outcome
        for measures in kubeinfers
        if measures.desired.points or measures.outcome is Outcome.COMPLETES
    }
    outcomes |= {
        Outcome.UNFINISHED if each.ended is None and measures.end == "horizon" else Outcome.NEVER
        for measures in kubeinfers
        for each in measures.drains
        if each.in_vain
    }
    order = (Outcome.NEVER, Outcome.UNFINISHED, Outcome.COMPLETES)
    return next((each for each in order if each in outcomes), Outcome.NOTHING)


class KubeInferMeters:
    """The meters of one KubeInfer's instances: told of all records of a run, or of those about it (`workloads.py`)."""

    def __init__(self) -> None:
        self._readiness, self._changes = ReadinessMeter(), ChangesMeter()
        self._activity, self._recoveries = Activity(), Recoveries()

    @property
    def observers(self) -> Sequence[Observer]:
        """What is to be told of the records."""
        return self._readiness, self._changes, self._activity, self._recoveries

    def finish(
        self,
        ended_at: int,
        end: End,
        cluster: ClusterMeasures,
        instances: Sequence[InstanceLife],
        *,
        alone: bool = True,
    ) -> Measures:
        """The numbers once the run is over.

        Args:
            ended_at: when, ms.
            end: why.
            cluster: what became of all that workloads share.
            instances: its own.
            alone: nothing else goes on, so that it is this one which brings nothing to its end.
        """
        seen, asked = self._readiness.finish(ended_at, end), self._changes.finish(ended_at, end)
        owed = seen.owed_from()
        last = asked.changes[-1] if asked.changes else None
        until = owed_until(owed, ended_at, last.at if last is not None and last.is_deletion else None)
        _adopt_creation(asked, seen)
        later = [change for change in asked.changes if change.is_material and "created" not in change.changed]
        start = later[0].at if later else owed
        done = later[-1].completed if later else None
        unstable = sum(life.unstable and life.state == "ready" for life in instances)
        losing = max(0, seen.desired.last - seen.ready.last + unstable)
        touched = self._activity.finish(ended_at, end)
        others = end == "quiet" and not alone and not losing and _in_place(asked, seen)
        why: End = "settled" if others else end
        outcome = _outcome(why, losing, asked, seen, cluster.drains) if touched else Outcome.NOTHING
        if any(change.aborted for change in asked.changes[-2:-1]):
            outcome = Outcome.NEVER
        return Measures(
            ended_at=ended_at,
            end=end,
            outcome=outcome,
            service=service(seen.desired, seen.ready, start, ended_at if done is None else done),
            whole=service(seen.desired, seen.ready, owed, until),
            desired=seen.desired,
            ready=seen.ready,
            live=seen.live,
            by_revision=seen.by_revision,
            npus=cluster.npus,
            losing=losing,
            peak_npus=cluster.npus.highest(),
            changes=asked.changes,
            stalls=asked.stalls,
            instances=tuple(instances),
            warnings=asked.warnings,
            outages=cluster.outages,
            drains=cluster.drains,
            recoveries=self._recoveries.finish(ended_at, end),
            stranded=cluster.stranded,
            deployments=cluster.deployments,
            bare_pods=cluster.bare_pods,
        )


def _adopt_creation(asked: Changes, seen: Readiness) -> None:
    """What ran at the start is in place, also when another spec came in the same instant."""
    created = next((change for change in asked.changes if "created" in change.changed), None)
    if created is not None and seen.ready_at_start >= created.replicas:
        created.completed, created.superseded = created.at, None


def _in_place(asked: Changes, seen: Readiness) -> bool:
    """Whether what was asked for last came into place."""
    material = next((change for change in reversed(asked.changes) if change.is_material), None)
    # What ran at the start was in place before anything was recorded about it.
    awaited = material is not None and not ("created" in material.changed and seen.ran_at_start)
    return not (awaited and material is not None and material.completed is None)


def _outcome(end: End, losing: int, asked: Changes, seen: Readiness, drains: Sequence[DrainRun]) -> Outcome:
    """Of a KubeInfer that was touched."""
    finished = _in_place(asked, seen) and not losing
    if end in ("quiet", "loop"):
        return Outcome.NEVER
    undrained = any(drain.in_vain for drain in drains)
    if finished and not undrained:
        return Outcome.COMPLETES
    # A stall ends by somebody's action alone, and all actions are before the horizon.
    stalled = bool(asked.stalls) and asked.stalls[-1].ended is None
    if finished and any(drain.in_vain and drain.errors for drain in drains):
        return Outcome.NEVER
    return Outcome.UNFINISHED if end == "horizon" and not stalled else Outcome.NEVER


def service(desired: Steps, ready: Steps, since: int, until: int) -> Service:
    """What stayed in service between two times (ms), of so many desired and ready."""
    wanted = sum((to - at) * n for at, to, (n,) in segments((desired,), since, until))
    lost = shortfall(desired, ready, since, until)
    availability = Fraction(wanted - lost, wanted) if wanted else None
    return Service(since, until, ready.lowest(since, until), lost, availability)


def measure(records: Iterable[Record], *, ended_at: int, end: End) -> Measures:
    """The numbers of a recorded run that stopped at `ended_at` ms because of `end`."""
    cluster, kubeinfer = ClusterMeters(), KubeInferMeters()
    OnePass((*cluster.observers, *kubeinfer.observers)).feed(records)
    shared = cluster.finish(ended_at, end)
    return kubeinfer.finish(ended_at, end, shared, shared.instances_of("KubeInfer"))

"""All numbers of one run, from one pass over its history."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction
from typing import Literal

from kubeinfer_sim.cluster.fault_records import PodSlowed
from kubeinfer_sim.cluster.records import (
    ContainerDied,
    GangPending,
    HealthChanged,
    NodeCordoned,
    NodeDrained,
    NodeFailed,
    PodDeleting,
    PodNotReady,
    PodRef,
)
from kubeinfer_sim.controllers.kubeinfer.records import (
    InstanceConcerning,
    InstanceCreated,
    InstanceDeleting,
    InstanceRestarting,
)
from kubeinfer_sim.engine.history import Record
from kubeinfer_sim.engine.meter import Handlers, OnePass
from kubeinfer_sim.metrics.changes import Change, Changes, Stall
from kubeinfer_sim.metrics.deployments import DeploymentMeasures, DeploymentOutcome, Deployments
from kubeinfer_sim.metrics.lives import InstanceLife, Lives
from kubeinfer_sim.metrics.nodes import DrainRun, NodeEvents, NodeOutage
from kubeinfer_sim.metrics.readiness import Readiness
from kubeinfer_sim.metrics.recoveries import Recoveries, Recovery
from kubeinfer_sim.metrics.steps import Low, Steps, segments, shortfall

#: Why a simulation stopped: nothing waits any more, the scenario's horizon, or no progress for long.
End = Literal["settled", "horizon", "quiet"]


class Outcome(StrEnum):
    """How the run came out; only `COMPLETES` can be green."""

    COMPLETES = "completes"  # all that was asked for is in place and ready at the end
    NEVER = "neverFinishes"  # it never will be
    UNFINISHED = "unfinished"  # not by the scenario's horizon
    NOTHING = "nothingHappened"  # no instance, pod or node was touched


_OVERALL = {
    DeploymentOutcome.COMPLETES: Outcome.COMPLETES,
    DeploymentOutcome.NEVER: Outcome.NEVER,
    DeploymentOutcome.UNFINISHED: Outcome.UNFINISHED,
    DeploymentOutcome.PAUSED: Outcome.UNFINISHED,
    DeploymentOutcome.UNTOUCHED: Outcome.NOTHING,
}


class Commotion:
    """Whether anything happened to an instance, a pod or a node beyond what ran at the start."""

    def __init__(self) -> None:
        self.happened = False

    def handlers(self) -> Handlers:
        """What it listens to."""
        kinds: tuple[type[Record], ...] = (
            GangPending,
            HealthChanged,
            NodeCordoned,
            NodeDrained,
            NodeFailed,
            ContainerDied,
            PodNotReady,
            PodSlowed,
            PodDeleting,
            InstanceConcerning,
            InstanceDeleting,
            InstanceRestarting,
        )
        return {**dict.fromkeys(kinds, self._something), InstanceCreated: self._created}

    def _something(self, record: Record) -> None:
        self.happened = True

    def _created(self, record: InstanceCreated) -> None:
        self.happened |= not record.running


@dataclass(frozen=True, slots=True)
class Service:
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


@dataclass(frozen=True, slots=True)
class Measures:
    """What a run comes to. Times and durations in ms.

    Attributes:
        service: from the first change for which instances come or go after the start until the last one was
            in place (or the run ended); the whole run when there was none.
        whole: from when readiness is owed (see `Readiness.serving_since`) until the end of the run.
        desired, ready, live, npus: step functions; `by_revision` splits `ready`.
        losing: instances missing at the end; when the run has settled they stay missing.
        peak_npus: the most NPUs taken at once.
        outages, drains: nodes that failed, and drains, in order of time.
        recoveries: what recovery did, in order of time.
        stuck: pods that are Terminating on a node that is down, with since when and the node.
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
    stuck: Mapping[PodRef, tuple[int, str]] = field(default_factory=dict)
    deployments: tuple[DeploymentMeasures, ...] = ()

    @property
    def overall(self) -> Outcome:
        """How the KubeInfer and the Deployments came out together."""
        found = {_OVERALL[each.outcome] for each in self.deployments}
        if self.desired.points:
            found.add(self.outcome)
        order = (Outcome.NEVER, Outcome.UNFINISHED, Outcome.COMPLETES)
        return next((each for each in order if each in found), Outcome.NOTHING)

    @property
    def update(self) -> Change | None:
        """The last change of the template, None when there was none."""
        return next((change for change in reversed(self.changes) if change.is_update), None)

    @property
    def last_material(self) -> Change | None:
        """The last change for which instances come or go."""
        return next((change for change in reversed(self.changes) if change.is_material), None)

    @property
    def open_stall(self) -> Stall | None:
        """The stall that lasts until the end."""
        last = self.stalls[-1] if self.stalls else None
        return last if last is not None and last.ended is None else None


class Measuring:
    """The meters of one run. `observe` can be subscribed to a history as it is written."""

    def __init__(self) -> None:
        self._readiness, self._lives, self._changes = Readiness(), Lives(), Changes()
        self._commotion, self._nodes, self._deployments = Commotion(), NodeEvents(), Deployments()
        self._recoveries = Recoveries()
        self.observe = OnePass(
            (
                self._readiness,
                self._lives,
                self._changes,
                self._commotion,
                self._nodes,
                self._deployments,
                self._recoveries,
            )
        ).observe

    def finish(self, ended_at: int, end: End) -> Measures:
        """The numbers once the run is over; call it once."""
        seen, changes = self._readiness, self._changes
        owed = seen.serving_since()
        self._adopt_creation()
        later = [
            change for change in changes.changes if change.is_material and "created" not in change.changed
        ]
        start = later[0].at if later else owed
        done = later[-1].completed if later else None
        losing = max(0, seen.desired.last - seen.ready.last)
        lives = self._lives.finish(ended_at)
        pods = (life for life in lives if life.instance.kind == "Deployment")
        return Measures(
            ended_at=ended_at,
            end=end,
            outcome=self._outcome(end, losing),
            service=_service(seen, start, ended_at if done is None else done),
            whole=_service(seen, owed, ended_at),
            desired=seen.desired,
            ready=seen.ready,
            live=seen.live,
            by_revision=seen.by_revision,
            npus=seen.npus,
            losing=losing,
            peak_npus=seen.npus.highest(),
            changes=tuple(changes.changes),
            stalls=tuple(changes.stalls),
            instances=tuple(life for life in lives if life.instance.kind == "KubeInfer"),
            warnings=tuple(changes.warnings),
            outages=tuple(self._nodes.outages),
            drains=tuple(self._nodes.drains),
            recoveries=tuple(self._recoveries.steps),
            stuck=self._nodes.stuck,
            deployments=self._deployments.finish(ended_at, end, pods),
        )

    def _adopt_creation(self) -> None:
        """What ran at the start is in place, also when another spec came in the same instant."""
        created = next((change for change in self._changes.changes if "created" in change.changed), None)
        if created is not None and self._readiness.ready_at_start >= created.replicas:
            created.completed, created.superseded = created.at, None

    def _outcome(self, end: End, losing: int) -> Outcome:
        if not self._commotion.happened:
            return Outcome.NOTHING
        material = next((c for c in reversed(self._changes.changes) if c.is_material), None)
        # What ran at the start was in place before anything was recorded about it.
        awaited = material is not None and not (
            "created" in material.changed and self._readiness.ran_at_start
        )
        finished = not (awaited and material is not None and material.completed is None) and not losing
        if end == "quiet":
            return Outcome.NEVER
        undrained = any(drain.complaint for drain in self._nodes.drains)
        if finished and not undrained:
            return Outcome.COMPLETES
        # A stall ends by somebody's action alone, and all actions are before the horizon.
        stalled = bool(self._changes.stalls) and self._changes.stalls[-1].ended is None
        if finished and any(drain.errors for drain in self._nodes.drains):
            return Outcome.NEVER
        return Outcome.UNFINISHED if end == "horizon" and not stalled else Outcome.NEVER


def _service(seen: Readiness, since: int, until: int) -> Service:
    wanted = sum((to - at) * n for at, to, (n,) in segments((seen.desired,), since, until))
    lost = shortfall(seen.desired, seen.ready, since, until)
    availability = Fraction(wanted - lost, wanted) if wanted else None
    return Service(since, until, seen.ready.lowest(since, until), lost, availability)


def measure(records: Iterable[Record], *, ended_at: int, end: End) -> Measures:
    """The numbers of a recorded run that stopped at `ended_at` ms because of `end`."""
    measuring = Measuring()
    for record in records:
        measuring.observe(record)
    return measuring.finish(ended_at, end)

"""One replication: what is kept of a run when many are made. Plain data, small enough to send and to store."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from math import inf
from typing import TypeVar

from msgspec import Struct, field

from kubeinfer_sim.controllers.kubeinfer.policies import RecoveryPlugin
from kubeinfer_sim.experiment.columns import columns_of
from kubeinfer_sim.experiment.common_end import Growth
from kubeinfer_sim.experiment.figures import Figures, Flaw, measured_run
from kubeinfer_sim.experiment.rollout import Rollout
from kubeinfer_sim.metrics import Change, Judged, Judgement, Outcome
from kubeinfer_sim.metrics.cause_kinds import is_order
from kubeinfer_sim.metrics.deployments import DeploymentChange
from kubeinfer_sim.scenario.actions.model import Fault
from kubeinfer_sim.scenario.model import Scenario

C = TypeVar("C", Change, DeploymentChange)


class Variant(Struct, frozen=True):
    """A scenario with knobs turned.

    Attributes:
        recovery: decides in place of its rules.
        settings: the knobs' values.
        rare: its runs are forced to what is rare (`rare.forced_run`): for each fault process how long its faults take
            to be mended, ms; None: they are played as they are.
        watched: its rollouts are also measured as they are seen from outside (`rollout_run`).
    """

    name: str
    scenario: Scenario
    recovery: RecoveryPlugin | None = None
    settings: Mapping[str, str] = field(default_factory=dict)
    rare: Mapping[str, int] | None = None
    watched: bool = False


class Times(Struct, frozen=True, array_like=True):
    """How long the faults of a kind took in a run: of each instance that one of them took out of readiness, ms.

    Attributes:
        noticed: from the fault until it was not ready.
        ready: from then until it was ready again, or another in its place, of those that were.
        lasting: how many were not by the end of the run.
        cut: how many of these the horizon cut short: they may yet have been.
    """

    noticed: tuple[int, ...]
    ready: tuple[int, ...]
    lasting: int = 0
    cut: int = 0


class Replication(Struct, frozen=True):
    """A run with one seed.

    Attributes:
        outcome: how it came out.
        flaws: what stands against it, whatever the objectives say.
        duration: ms that the slowest change took which no other one overtook; infinite when it was not in place at the
            end, None when there was none.
        values: column -> number; columns that this run has no number for are left out or None.
        judged: the objectives.
        lost: kind of beginning (of fault, `update` …) -> stage -> instance-ms; without a KubeInfer pod-ms.
        struck: kind of fault -> how many struck.
        times: kind of fault -> how long its faults took.
        by_chance: whether anything in it was drawn.
        ended_at: when it ended, ms.
        growing: column -> how its number goes on after the end; empty where the horizon ended it.
        missing: kind of beginning -> stage -> how many instances are lost to it from then on; likewise.
        faults_missed: how many faults of the time line struck nothing.
        rollouts: kind and name of a workload -> its rollout as it is seen from outside, where it is `watched`.
    """

    seed: int
    outcome: Outcome
    flaws: tuple[Flaw, ...]
    duration: float | None
    values: Mapping[str, float | None]
    judged: tuple[Judged, ...]
    lost: Mapping[str, Mapping[str, int]]
    struck: Mapping[str, int]
    times: Mapping[str, Times] = field(default_factory=dict)
    by_chance: bool = False
    ended_at: int = 0
    growing: Mapping[str, tuple[Growth, ...]] = field(default_factory=dict)
    missing: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    faults_missed: int = 0
    rollouts: Mapping[str, Rollout] = field(default_factory=dict)

    @property
    def sound(self) -> bool:
        """Whether nothing stands against it."""
        return not self.flaws

    @property
    def missed(self) -> int:
        """How many objectives it missed."""
        return sum(each.judgement is Judgement.MISSED for each in self.judged)

    @property
    def all_held(self) -> bool:
        """Whether it held every objective."""
        return all(each.judgement is Judgement.HELD for each in self.judged)

    @property
    def lost_in_all(self) -> int:
        """Instance-ms, and pod-ms of Deployments and their like."""
        charged = sum(sum(stages.values()) for stages in self.lost.values())
        return charged if self.of_pods else charged + int(self.values.get("lostPodMs") or 0)

    @property
    def of_pods(self) -> bool:
        """Whether what is lost is time of pods alone, since there is no KubeInfer."""
        return "lostPodMs" in self.values and "lostInstanceMs" not in self.values


class Failure(Struct, frozen=True):
    """A run that came to no end of its own.

    Attributes:
        why: `error` (of a function that decides on recovery, say), `fault` (of the simulator), `timeout`, `died` (its
            worker process did).
        message: what is known of it.
    """

    seed: int
    why: str
    message: str


def replication_of(found: Figures) -> Replication:
    """What is kept of a measured run."""
    columns = list(columns_of(found))
    of_itself = found.run.end != "horizon"
    return Replication(
        seed=found.run.seed,
        outcome=found.outcome,
        flaws=found.flaws,
        duration=duration(found),
        values={column.name: column.measure(found) for column in columns},
        judged=found.judged,
        lost={kind: dict(cause.lost) for kind, cause in found.kinds.items() if cause.total},
        struck=Counter(fault.kind for fault in found.cluster.faults),
        times={
            kind: Times(
                tuple(cause.detections),
                tuple(cause.repairs),
                cause.lasting,
                0 if of_itself else cause.lasting,
            )
            for kind, cause in found.kinds.items()
            if cause.incidents and not is_order(kind)
        },
        by_chance=found.run.by_chance,
        ended_at=found.run.ended_at,
        growing={each.name: tuple(each.later(found)) for each in columns if each.later} if of_itself else {},
        missing={kind: dict(cause.missing) for kind, cause in found.kinds.items() if cause.missing}
        if of_itself
        else {},
        faults_missed=sum(isinstance(each.action, Fault) for each in found.cluster.idle.unmatched),
    )


def play(variant: Variant, seed: int) -> Replication:
    """Simulate a variant with one seed; nothing is kept but numbers."""
    return replication_of(measured_run(variant.scenario, seed=seed, recovery=variant.recovery, ways=False))


def duration(found: Figures) -> float | None:
    """How long the slowest change took, ms: of every KubeInfer, Deployment and whatever else owns pods."""
    running = found.run.scenario.initial == "running"
    awaited: list[Change | DeploymentChange] = []
    for measures in found.measures_of_all:
        awaited += _awaited(measures.changes, running=running)
    for deployment in found.measures.deployments:
        awaited += _awaited(deployment.changes, running=running)
    took = [inf if each.duration is None else each.duration for each in awaited]
    return float(max(took)) if took else None


def _awaited(changes: Sequence[C], *, running: bool) -> list[C]:
    """Those for which something comes or goes and that were not overtaken; a creation only where nothing follows it."""
    material = [each for each in changes if each.is_material and each.superseded is None]
    later = [each for each in material if "created" not in each.changed]
    return later or [each for each in material if not running or each.at]

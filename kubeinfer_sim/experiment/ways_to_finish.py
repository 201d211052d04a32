"""The smallest changes that let a run finish which never does, found by playing the whole of it again with each.

Which knobs are tried follows from what the run waits for: nodes and fewer replicas where pods have no place, the window
of a probe that kills, the budgets of what is updated, patience where a repair was still due. Along a knob the least is
played, then the most, and between them the number is doubled until the run finishes, and bisected; that more helps
where less does is taken for granted on the way, never for what is told: that has been played. A run that takes longer
than the knob at its most and an hour more counts as one that does not finish. No more than `MOST_RUNS` are played, and
none after they have fired `MOST_TIMERS` timers together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from msgspec import Struct
from msgspec.structs import replace

from kubeinfer_sim.cluster.reasons import LIVENESS_PROBE_FAILED, STARTUP_PROBE_FAILED, of_container
from kubeinfer_sim.errors import SimulatorFault, UsageError
from kubeinfer_sim.experiment.figures import Figures, measured_run
from kubeinfer_sim.experiment.knobs import KNOBS
from kubeinfer_sim.experiment.replication import duration
from kubeinfer_sim.manifest.model import Deployment, KubeInfer, WorkloadSpec
from kubeinfer_sim.metrics import Outcome
from kubeinfer_sim.metrics.cluster import ClusterMeasures
from kubeinfer_sim.metrics.deployments import DeploymentOutcome
from kubeinfer_sim.metrics.lives import PodLife
from kubeinfer_sim.scenario.model import Scenario
from kubeinfer_sim.simulation.run import Run

MOST_RUNS = 24
MOST_TIMERS = 100_000
#: So many nodes are added at most, and a probe gets so many times the failures.
_MOST_NODES, _MOST_TIMES = 64, 64
#: Reason of a pod -> the knob of the probe that gives it.
_PROBES = {STARTUP_PROBE_FAILED: "startupProbe", LIVENESS_PROBE_FAILED: "livenessProbe"}
_FAILURES = "failureThreshold"
#: So long a run may go on after what was due, or after the end of the one that finishes, ms.
_AFTERWARDS, _LONGER = 86_400_000, 3_600_000


class WayToFinish(Struct, frozen=True):
    """A change with which the run finishes.

    Attributes:
        knob: as `--vary` writes it; `wait`: nothing is changed, only waited for.
        value: of the knob; of `wait` what is waited for.
        more: how much more than there is, where it is counted so; None otherwise.
        owner: whose knob it is, `KubeInfer/chat`; "" of nodes and waiting.
        ready, wanted: the fewest that stay ready then (of Deployments pods available), and of how many.
        took: how long the slowest change takes then, ms; None where there is none.
        until: of `wait` when that ends, ms.
    """

    knob: str
    value: str
    more: int | None = None
    owner: str = ""
    ready: int | None = None
    wanted: int | None = None
    took: int | None = None
    until: int | None = None


class WaysToFinish(Struct, frozen=True):
    """What was tried to have a run finish.

    Attributes:
        ways: what lets it, the least of each kind.
        tried: what does not: knobs with the most that was tried, `spareNodes 64`.
        runs: how many were played.
        cut: more would have been tried, had that not cost too much.
    """

    ways: tuple[WayToFinish, ...]
    tried: tuple[str, ...]
    runs: int
    cut: bool = False


class _TooMuch(Exception):
    """The runs have cost what they may."""


class _Knob(Struct, frozen=True):
    """A number that is turned up from `least` to at most `most`.

    Attributes:
        now: what it is.
        turn: the scenario with the knob at a number.
        way: how the number is told.
    """

    name: str
    now: int
    least: int
    most: int
    turn: Callable[[int], Scenario]
    way: Callable[[int], WayToFinish]


def ways_to_finish(run: Run, outcome: Outcome, cluster: ClusterMeasures) -> WaysToFinish | None:
    """What lets a run finish that does not; `cluster`: its figures. None of one that may yet finish, or does."""
    never = outcome is Outcome.NEVER
    if not never and not (outcome is Outcome.UNFINISHED and run.due):
        return None
    return _Search(run, cluster).played(knobs=never)


class _Search:
    def __init__(self, run: Run, cluster: ClusterMeasures) -> None:
        self._run, self._cluster, self._scenario = run, cluster, run.scenario
        self._runs = self._timers = 0

    def played(self, *, knobs: bool) -> WaysToFinish:
        ways: list[WayToFinish] = []
        tried: list[str] = []
        cut = False
        try:
            for knob in self._knobs() if knobs else ():
                if (way := self._least(knob)) is not None:
                    ways.append(way)
                else:
                    tried.append(f"{knob.name} {knob.most}")
            if (waiting := self._waiting()) is not None:
                ways.append(waiting)
        except _TooMuch:
            cut = True
        return WaysToFinish(tuple(ways), tuple(tried), self._runs, cut)

    def _finishes(self, scenario: Scenario, until: int | None = None) -> Figures | None:
        """The run of it, where that finishes, by a time if one is given."""
        if self._runs >= MOST_RUNS or self._timers > MOST_TIMERS:
            raise _TooMuch
        self._runs += 1
        if until is not None and (scenario.horizon is None or scenario.horizon > until):
            scenario = replace(scenario, horizon=until)
        try:
            measured = measured_run(scenario, seed=self._run.seed, ways=False)
        except (SimulatorFault, UsageError):
            return None
        self._timers += measured.run.fired
        return measured if measured.outcome is Outcome.COMPLETES and measured.sound else None

    def _least(self, knob: _Knob) -> WayToFinish | None:
        """The knob at the least number with which the run finishes."""
        if (measured := self._turned(knob, knob.least)) is not None:
            return _told(knob.way(knob.least), measured)
        if knob.most <= knob.least or (measured := self._turned(knob, knob.most)) is None:
            return None
        fails, number, until = knob.least, knob.most, measured.run.ended_at + _LONGER
        while number - fails > 1:
            tried = min(2 * fails - knob.now, number - 1) if number == knob.most else (fails + number) // 2
            if (better := self._turned(knob, tried, until)) is None:
                fails = tried
            else:
                number, measured = tried, better
        return _told(knob.way(number), measured)

    def _turned(self, knob: _Knob, number: int, until: int | None = None) -> Figures | None:
        try:
            return self._finishes(knob.turn(number), until)
        except UsageError:
            return None

    # -- what is tried ------------------------------------------------------------------------------------

    def _knobs(self) -> Iterator[_Knob]:
        waits = any(life.pending is not None for life in self._cluster.instances)
        if waits:
            for pool in dict.fromkeys(each.pool for each in self._scenario.nodes):
                yield self._nodes(pool)
        for workload in self._stuck():
            owner = f"{workload.kind}/{workload.name}"
            yield from self._probes(workload, owner)
            if waits and self._scenario.actions:  # else it is made, and no budget is about that
                yield from self._budgets(workload, owner)
            if waits and workload.replicas > 1:
                yield self._fewer(workload, owner)

    def _stuck(self) -> list[WorkloadSpec]:
        """The KubeInfers and Deployments of which something is missing or not done, as they are wanted at last."""
        done = {
            ("Deployment", each.name)
            for each in self._cluster.deployments
            if each.outcome is not DeploymentOutcome.NEVER
        }
        wanted: dict[tuple[str, str], WorkloadSpec] = {}
        for each in (*self._scenario.workloads, *self._scenario.created):
            if isinstance(each, KubeInfer | Deployment) and (each.kind, each.name) not in done:
                wanted[each.kind, each.name] = each
        return list(wanted.values())

    def _nodes(self, pool: str) -> _Knob:
        def turn(number: int) -> Scenario:
            return KNOBS["spareNodes"](self._scenario, pool, str(number))

        name = f"spareNodes.{pool}" if len({each.pool for each in self._scenario.nodes}) > 1 else "spareNodes"
        return _Knob(
            name, 0, 1, _MOST_NODES, turn, lambda number: WayToFinish(name, str(number), more=number)
        )

    def _budgets(self, workload: WorkloadSpec, owner: str) -> Iterator[_Knob]:
        """Those that are nothing, of what is updated: from 1 up to all."""
        if not isinstance(workload, KubeInfer | Deployment) or not workload.replicas:
            return
        budgets, replicas = workload.rolling_update, workload.replicas
        if isinstance(workload, Deployment) and workload.strategy == "Recreate":
            return
        now = {
            "maxUnavailable": budgets.max_unavailable.of(replicas, round_up=False),
            "maxSurge": budgets.max_surge.of(replicas, round_up=True),
        }
        for name, own in now.items():
            if not own:
                yield self._knob(name, "", owner, 0, replicas)

    def _probes(self, workload: WorkloadSpec, owner: str) -> Iterator[_Knob]:
        """More failures for the probe that kills its containers."""
        killing = {
            _PROBES[reason]
            for pod in self._pods(workload)
            if (reason := of_container(pod.reason)) in _PROBES and not pod.broken_by
        }
        for kind in sorted(killing):
            attribute = {"startupProbe": "startup_probe", "livenessProbe": "liveness_probe"}[kind]
            templates = (
                [role.template for role in workload.roles]
                if isinstance(workload, KubeInfer)
                else [workload.template]
            )
            now = [
                probe.failure_threshold
                for template in templates
                for container in (*template.containers, *template.init_containers)
                if (probe := getattr(container, attribute)) is not None
            ]
            if now:
                low = max(now)
                yield self._knob(kind, _FAILURES, owner, low, low * _MOST_TIMES)

    def _pods(self, workload: WorkloadSpec) -> Iterator[PodLife]:
        for life in self._cluster.instances_of(workload.kind, workload.name):
            yield from life.pods

    def _knob(self, name: str, field: str, owner: str, now: int, most: int) -> _Knob:
        written = f"{name}.{field}" if field else name
        rest = f"{field}.{owner}" if field else owner

        def turn(number: int) -> Scenario:
            return KNOBS[name](self._scenario, rest, str(number))

        def way(number: int) -> WayToFinish:
            return WayToFinish(written, str(number), owner=owner, more=number - now)

        return _Knob(written, now, now + 1, most, turn, way)

    def _fewer(self, workload: WorkloadSpec, owner: str) -> _Knob:
        """Fewer replicas, at least one."""
        replicas = workload.replicas

        def turn(number: int) -> Scenario:
            return KNOBS["replicas"](self._scenario, owner, str(replicas - number))

        def way(number: int) -> WayToFinish:
            return WayToFinish("replicas", str(replicas - number), owner=owner, more=-number)

        return _Knob("replicas -", 0, 1, replicas - 1, turn, way)

    def _waiting(self) -> WayToFinish | None:
        """The end of something that was still due when the run was given up, if that mends it."""
        known = [each for each in self._run.due if each.at is not None]
        if not known:
            return None
        last = max(each.at or 0 for each in known)
        patient = replace(
            self._scenario, horizon=last + _AFTERWARDS, quiet_after=last + self._scenario.quiet_after
        )
        measured = self._finishes(patient)
        if measured is None:
            return None
        # What is due before it is done, the last of it: the rest would not have been needed.
        needed = [each for each in known if (each.at or 0) <= measured.run.ended_at]
        ends = max(needed, key=lambda each: each.at or 0, default=None)
        if ends is None:
            return None
        return _told(WayToFinish("wait", f"{ends.kind} of {ends.what}", until=ends.at), measured)


def _told(way: WayToFinish, measured: Figures) -> WayToFinish:
    """With what stays ready then, and how long it takes."""
    took = duration(measured)
    kind, _, name = way.owner.partition("/")
    ready, wanted = _fewest(measured, kind, name)
    return replace(way, ready=ready, wanted=wanted, took=None if took is None else int(took))


def _fewest(measured: Figures, kind: str, name: str) -> tuple[int | None, int | None]:
    """The fewest ready of one workload, of how many; of the first where none is meant."""
    if measured.kubeinfers and kind != "Deployment":
        own = measured.kubeinfers.get(name) or next(iter(measured.kubeinfers.values()))
        return own.measures.service.min_ready.value, own.measures.desired.last
    for each, deployment in zip(measured.pods, measured.cluster.deployments, strict=True):
        if name in ("", deployment.name):
            return each.whole.min_ready.value, each.desired.last
    return None, None

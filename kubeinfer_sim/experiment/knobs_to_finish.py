"""Which knobs may let a run finish that does not, by what it waits for in the end.

Nodes and fewer replicas where pods have no place, the window of a probe that kills, the budgets of what is updated:
those of the version that is applied last, by which an update goes (`controllers/kubeinfer/controller.py`, rule 10; of
Deployments pkg/controller/deployment/rolling.go, which reads the Deployment as it is now).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from msgspec import Struct
from msgspec.structs import replace

from kubeinfer_sim.cluster.reasons import LIVENESS_PROBE_FAILED, STARTUP_PROBE_FAILED, of_container
from kubeinfer_sim.experiment.knobs import KNOBS
from kubeinfer_sim.experiment.template_knobs import PROBES
from kubeinfer_sim.manifest.model import Deployment, KubeInfer, WorkloadSpec
from kubeinfer_sim.metrics.cluster import ClusterMeasures
from kubeinfer_sim.metrics.deployments import DeploymentOutcome
from kubeinfer_sim.metrics.lives import PodLife
from kubeinfer_sim.scenario.actions.model import Apply, Create, Scale
from kubeinfer_sim.scenario.model import Scenario

#: So many nodes are added at most, and a probe gets so many times the failures.
MOST_NODES, MOST_TIMES = 64, 64
#: Reason of a pod -> the knob of the probe that gives it.
_KILLS = {STARTUP_PROBE_FAILED: "startupProbe", LIVENESS_PROBE_FAILED: "livenessProbe"}
_FAILURES = "failureThreshold"


class Turned(Struct, frozen=True):
    """A knob at another value.

    Attributes:
        knob: as `--vary` writes it; `wait`: nothing is changed, only waited for.
        value: of the knob; of `wait` what is waited for.
        more: how much more than there is, where it is counted so; None otherwise.
        owner: whose knob it is, `KubeInfer/chat`; "" of nodes and waiting.
    """

    knob: str
    value: str
    more: int | None = None
    owner: str = ""


class Knob(Struct, frozen=True):
    """A number that is turned up from `least` to at most `most`.

    Attributes:
        owner: whose it is; "" of nodes.
        now: what it is.
        turn: a scenario with the knob at a number.
        told: how the number is told.
        most_is_small: the higher the number, the less a run costs.
    """

    name: str
    owner: str
    now: int
    least: int
    most: int
    turn: Callable[[Scenario, int], Scenario]
    told: Callable[[int], Turned]
    most_is_small: bool = False

    @property
    def is_of_probe(self) -> bool:
        """Whether it says how long a probe waits."""
        return self.name.partition(".")[0] in PROBES


def knobs_to_finish(scenario: Scenario, cluster: ClusterMeasures) -> Iterator[Knob]:
    """What may let a run of a scenario finish, by the figures of its end."""
    waits = any(life.pending is not None for life in cluster.instances)
    if waits:
        for pool in dict.fromkeys(each.pool for each in scenario.nodes):
            yield _nodes(scenario, pool)
    for workload in _stuck(scenario, cluster):
        owner = f"{workload.kind}/{workload.name}"
        yield from _probes(workload, owner, cluster)
        if waits and scenario.actions:  # else it is made, and no budget is about that
            yield from _budgets(workload, owner)
        if waits and workload.replicas > 1:
            yield _fewer(workload, owner)


def _stuck(scenario: Scenario, cluster: ClusterMeasures) -> list[WorkloadSpec]:
    """The KubeInfers and Deployments of which something is missing or not done, as they are wanted at last."""
    done = {
        ("Deployment", each.name)
        for each in cluster.deployments
        if each.outcome is not DeploymentOutcome.NEVER
    }
    return [each for each in _wanted_at_last(scenario) if (each.kind, each.name) not in done]


def _wanted_at_last(scenario: Scenario) -> list[KubeInfer | Deployment]:
    """Each as it was applied, created and scaled last."""
    wanted: dict[tuple[str, str], KubeInfer | Deployment] = {}

    def put(workload: WorkloadSpec) -> None:
        if isinstance(workload, KubeInfer | Deployment):
            wanted[workload.kind, workload.name] = workload

    for each in scenario.workloads:
        put(each)
    for action in scenario.actions:
        if isinstance(action, Apply | Create):
            put(action.workload)
        elif isinstance(action, Scale):
            for (kind, name), own in wanted.items():
                if action.kind == kind and action.name in ("", name):
                    wanted[kind, name] = replace(own, replicas=action.replicas)
    return list(wanted.values())


def _nodes(scenario: Scenario, pool: str) -> Knob:
    def turn(scenario: Scenario, number: int) -> Scenario:
        return KNOBS["spareNodes"](scenario, pool, str(number))

    name = f"spareNodes.{pool}" if len({each.pool for each in scenario.nodes}) > 1 else "spareNodes"
    return Knob(name, "", 0, 1, MOST_NODES, turn, lambda number: Turned(name, str(number), more=number))


def _budgets(workload: WorkloadSpec, owner: str) -> Iterator[Knob]:
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
            yield _knob(name, "", owner, 0, replicas)


def _probes(workload: WorkloadSpec, owner: str, cluster: ClusterMeasures) -> Iterator[Knob]:
    """More failures for the probe that kills its containers."""
    killing = {
        _KILLS[reason]
        for pod in _pods(workload, cluster)
        if (reason := of_container(pod.reason)) in _KILLS and not pod.broken_by
    }
    for kind in sorted(killing):
        templates = (
            [role.template for role in workload.roles]
            if isinstance(workload, KubeInfer)
            else [workload.template]
        )
        now = [
            probe.failure_threshold
            for template in templates
            for container in (*template.containers, *template.init_containers)
            if (probe := getattr(container, PROBES[kind])) is not None
        ]
        if now:
            low = max(now)
            yield _knob(kind, _FAILURES, owner, low, low * MOST_TIMES)


def _pods(workload: WorkloadSpec, cluster: ClusterMeasures) -> Iterator[PodLife]:
    for life in cluster.instances_of(workload.kind, workload.name):
        yield from life.pods


def _knob(name: str, field: str, owner: str, now: int, most: int) -> Knob:
    written = f"{name}.{field}" if field else name
    rest = f"{field}.{owner}" if field else owner

    def turn(scenario: Scenario, number: int) -> Scenario:
        return KNOBS[name](scenario, rest, str(number))

    def told(number: int) -> Turned:
        return Turned(written, str(number), number - now, owner)

    return Knob(written, owner, now, now + 1, most, turn, told)


def _fewer(workload: WorkloadSpec, owner: str) -> Knob:
    """Fewer replicas, at least one."""
    replicas = workload.replicas

    def turn(scenario: Scenario, number: int) -> Scenario:
        return KNOBS["replicas"](scenario, owner, str(replicas - number))

    def told(number: int) -> Turned:
        return Turned("replicas", str(replicas - number), -number, owner)

    return Knob("replicas -", owner, 0, 1, replicas - 1, turn, told, most_is_small=True)

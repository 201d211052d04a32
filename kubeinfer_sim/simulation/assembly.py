"""One run put together: a cluster, the workloads on it, what may fail in it, and the time line of what people do.

Only what a scenario needs is made: in a run in which no node fails nobody watches heartbeats, and without faults the
scheduler alone counts NPUs.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING

from msgspec import Struct

from kubeinfer_sim.cluster.admission import Admission
from kubeinfer_sim.cluster.api import Api
from kubeinfer_sim.cluster.cluster import Cluster
from kubeinfer_sim.cluster.devices.offered import OfferedDevices, OfferedNpus
from kubeinfer_sim.cluster.disruption.budgets import Budgets
from kubeinfer_sim.cluster.disruption.drains import Drains
from kubeinfer_sim.cluster.environment import Environment
from kubeinfer_sim.cluster.heartbeat import first_heartbeat, heartbeat_of
from kubeinfer_sim.cluster.kubelet import Kubelet, KubeletSettings
from kubeinfer_sim.cluster.node import Node
from kubeinfer_sim.cluster.nodes.pod_gc import PodGarbageCollector, PodGcSettings
from kubeinfer_sim.cluster.pod import Pod
from kubeinfer_sim.cluster.scheduler.binpack import Binpack
from kubeinfer_sim.cluster.scheduler.gang_scheduling import GangScheduling
from kubeinfer_sim.cluster.scheduler.scheduler import Scheduler
from kubeinfer_sim.cluster.scheduler.volcano.scheduling import VolcanoSettings
from kubeinfer_sim.cluster.watcher import Watcher
from kubeinfer_sim.controllers.kubeinfer.policies import RecoveryPlugin
from kubeinfer_sim.engine.clock import Clock
from kubeinfer_sim.engine.history import History, Record
from kubeinfer_sim.engine.streams import Streams
from kubeinfer_sim.manifest.accelerators import main_accelerator
from kubeinfer_sim.scenario.actions.model import Action, Fault, Health
from kubeinfer_sim.scenario.cluster.model import NodeSpec
from kubeinfer_sim.scenario.faults.model import FaultPlan
from kubeinfer_sim.scenario.model import Scenario
from kubeinfer_sim.simulation.actions.handlers import Handlers
from kubeinfer_sim.simulation.actions.nodes import NodeActions
from kubeinfer_sim.simulation.actions.objects import ObjectActions
from kubeinfer_sim.simulation.actions.pods import PodActions
from kubeinfer_sim.simulation.actions.run_crashes import RunCrashes
from kubeinfer_sim.simulation.actions.targets import start_faults
from kubeinfer_sim.simulation.actions.workloads import WorkloadActions
from kubeinfer_sim.simulation.faults.health_actions import HealthActions, check_faults
from kubeinfer_sim.simulation.faults.health_strikes import HealthStrikes
from kubeinfer_sim.simulation.faults.probe_answers import ProbeAnswers
from kubeinfer_sim.simulation.time_line import TimeLine
from kubeinfer_sim.simulation.workloads import NodeWatch, Workloads

if TYPE_CHECKING:
    from kubeinfer_sim.cluster.devices.manager import Devices
    from kubeinfer_sim.cluster.node_failures import NodeFailures
    from kubeinfer_sim.cluster.nodes.taint_eviction import TaintEvictionController
    from kubeinfer_sim.cluster.quota import Quotas
    from kubeinfer_sim.cluster.scheduler.preemption import Budget
    from kubeinfer_sim.cluster.scheduler.scheduling_rate import SchedulingRate
    from kubeinfer_sim.simulation.faults.assembly import FaultInjection
    from kubeinfer_sim.simulation.pod_objects import PodObjects

#: When the nodes of the start were created, in ms.
_LONG_AGO = -3_600_000


class Simulation(Struct, frozen=True):
    """A run that is ready to be played (`simulate.play`).

    Attributes:
        faults: None where nothing breaks.
        objects: reads the pods' objects; None where nobody wants to see them.
        evictions: has tainted nodes evict pods; None where none does.
        failures: has machines fail; None where none does.
        missed: what has come to nothing by the end (ms), of actions of which only the end can tell.
    """

    scenario: Scenario
    cluster: Cluster
    workloads: Workloads
    faults: FaultInjection | None
    time_line: TimeLine
    objects: PodObjects | None
    evictions: TaintEvictionController | None
    failures: NodeFailures | None
    missed: Callable[[int], Iterable[Record]]

    @property
    def env(self) -> Environment:
        """Its time, history, streams and API."""
        return self.cluster.env


def assemble(
    scenario: Scenario,
    seed: int,
    recovery: RecoveryPlugin | None = None,
    history: History | None = None,
    *,
    pods: bool = True,
) -> Simulation:
    """Put a run together; `recovery` and `pods` as for `simulate`, with a `history` to write to."""
    env = _environment(scenario, seed, History() if history is None else history)
    answers = ProbeAnswers(env.clock)
    health = HealthActions(env.clock, env.history, answers, scenario.actions)
    budgets = Budgets(scenario.disruption_budgets)
    devices = _devices(env, scenario)
    scheduling = _scheduling(env, scenario, budgets)
    at_starts, of_checks = start_faults(scenario.actions), check_faults(scenario.actions)
    settings = KubeletSettings(
        scenario.kubernetes,
        scenario.transfers,
        scenario.crash_back_off,
        scenario.broken_images,
        at_starts,
        of_checks,
        loads_after_sigterm=scenario.assumptions.loads_after_sigterm,
    )
    first_answers = health.at_set_up if health.of_new_pods else None
    kubelet = Kubelet(env, settings, first_answers, devices, scheduling.running_on)
    cluster = Cluster(env, scheduling, kubelet)
    run_crashes = RunCrashes(cluster, scenario.actions)
    strikes = HealthStrikes(env.history, kubelet.asks, scenario.actions, of_checks)
    health.watch(strikes)
    answers.watch(kubelet)
    workloads = Workloads(cluster, scenario, recovery)
    drains = Drains(env, budgets)
    failures, node_controllers, evictions = _node_failures(cluster, scenario, devices)
    faults = None
    if scenario.fault_kinds:
        from kubeinfer_sim.simulation.faults.assembly import FaultInjection

        assert devices is not None
        faults = FaultInjection(cluster, scenario, devices, answers, drains, failures, workloads.pods)
    env.api.watch(
        cluster.kubelet,
        cluster.scheduling,
        *((budgets,) if scenario.heeds_budgets else ()),
        *((drains,) if scenario.drains_nodes else ()),
        *node_controllers,
        *_device_watchers(env, devices, faults),
        NodeWatch(workloads.node_changed),
        *((run_crashes,) if run_crashes else ()),
        *((answers,) if faults is not None or _asks(scenario, Health) else ()),
    )
    pod_actions = PodActions(cluster, workloads, budgets, at_starts)
    handlers: list[Handlers] = [
        WorkloadActions(env, workloads, scenario.actions).handlers(),
        ObjectActions(env, workloads).handlers(),
        NodeActions(env, drains, failures, partial(_machine, env, scenario)).handlers(),
        pod_actions.handlers(),
        {Health: partial(health.act, pods=workloads.pods)},
        {} if faults is None else {Fault: faults.inject},
    ]
    return Simulation(
        scenario,
        cluster,
        workloads,
        faults,
        TimeLine(env.clock, scenario.actions, handlers),
        _pod_objects(cluster, scenario, workloads) if pods else None,
        evictions,
        failures,
        lambda now: chain(pod_actions.missed(now), run_crashes.missed(now), strikes.missed(now)),
    )


def _asks(scenario: Scenario, kind: type[Action]) -> bool:
    return any(isinstance(each, kind) for each in scenario.actions)


def _environment(scenario: Scenario, seed: int, history: History) -> Environment:
    clock, streams = Clock(), Streams(seed)
    admission = Admission(
        scenario.node_lifecycle.toleration_seconds,
        scenario.priority_classes,
        scenario.objects,
        absent=[(kind, name) for kind, _, name in scenario.absent],
        quotas=_quotas(scenario),
    )
    api = Api(clock, history, admission)
    api.objects |= {each.key: each for each in scenario.objects}
    api.absent |= scenario.absent
    heartbeats = scenario.devices_change
    for spec in scenario.nodes:
        beat = heartbeat_of(spec, streams) if heartbeats else None
        api.add(Node(spec, beat, ready=spec.ready, created=_LONG_AGO))
    return Environment(clock, history, streams, api)


def _quotas(scenario: Scenario) -> Quotas | None:
    if not scenario.has_quotas:
        return None
    from kubeinfer_sim.cluster.quota import Quotas

    return Quotas()


def _machine(env: Environment, scenario: Scenario, spec: NodeSpec) -> Node:
    """A machine whose node joins now."""
    now = env.clock.now
    return Node(
        spec, first_heartbeat(spec, env.streams, now) if scenario.devices_change else None, created=now
    )


def _scheduling(env: Environment, scenario: Scenario, budgets: Budgets) -> GangScheduling:
    assumptions = scenario.assumptions
    scheduling = GangScheduling(
        env,
        Scheduler(
            scenario.nodes,
            placement=assumptions.placement,
            kubernetes=scenario.kubernetes,
            services=scenario.services,
            chance=partial(_chance, env.streams),
        ),
        rate=_scheduling_rate(scenario),
        budgets=partial(_allowances, budgets),
        schedulers=scenario.schedulers,
        volcano=_volcano(scenario),
        instances_by_volcano=assumptions.scheduler == "volcano",
    )
    scheduling.occupy(scenario.running)
    return scheduling


def _scheduling_rate(scenario: Scenario) -> SchedulingRate | None:
    """How fast gangs are bound one behind the other; None where each is bound as its stage says."""
    if scenario.assumptions.scheduling_rate != "mindcluster":
        return None
    from kubeinfer_sim.cluster.scheduler.scheduling_rate import SchedulingRate

    return SchedulingRate()


def _allowances(budgets: Budgets) -> Sequence[Budget]:
    """The budgets, as who makes room for a gang wants to know them."""
    from kubeinfer_sim.cluster.scheduler.preemption import Budget

    return [Budget(*each) for each in budgets.allowances()]


def _volcano(scenario: Scenario) -> VolcanoSettings | None:
    """Volcano's configuration; None where it places nobody."""
    if not scenario.uses_volcano:
        return None
    written = scenario.volcano
    binpack = Binpack(written.binpack_weight, written.binpack_resources)
    preempts = written.preempts or scenario.assumptions.preemption
    return VolcanoSettings(preempts, binpack, queue=written.queue, enqueues=written.enqueues)


def _chance(streams: Streams, pod: Hashable) -> float:
    """Which of equal nodes a pod gets."""
    assert isinstance(pod, Pod)
    return streams.named(f"host/{pod.stream_name}").random()


def _devices(env: Environment, scenario: Scenario) -> Devices | None:
    """The devices of all nodes, where it matters which of them a pod has."""
    if not scenario.devices_change:
        return None
    from kubeinfer_sim.cluster.devices.manager import Devices

    offered = {node.name: main_accelerator(node.allocatable)[0] for node in scenario.nodes}
    occupied: dict[str, int] = {}
    for pod in scenario.running:
        occupied[pod.node] = occupied.get(pod.node, 0) + pod.requests.get(offered[pod.node], 0)
    settings = (scenario.faults or FaultPlan()).npus
    return Devices(env, group=settings.group, occupied=occupied)


def _device_watchers(
    env: Environment, devices: Devices | None, faults: FaultInjection | None
) -> Sequence[Watcher]:
    if faults is not None:
        return faults.watchers
    return (OfferedNpus(env),) if devices is None else (devices, OfferedDevices(devices))


def _node_failures(
    cluster: Cluster, scenario: Scenario, devices: Devices | None
) -> tuple[NodeFailures | None, Sequence[Watcher], TaintEvictionController | None]:
    """What has nodes fail, the controllers that look after nodes, and of these the one that evicts."""
    env = cluster.env

    def collecting() -> PodGcSettings:
        return PodGcSettings(first_pass=int(env.streams.named("pod-gc/first-pass").random() * 20_000))

    collector = PodGarbageCollector(env.clock, env.api, collecting)
    if not (scenario.loses_nodes or scenario.has_no_execute_taints):
        return None, (collector,), None
    from kubeinfer_sim.simulation.node_controllers import node_failures

    failures, controllers, evictions = node_failures(cluster, scenario, devices)
    return failures, (*controllers, collector), evictions


def _pod_objects(cluster: Cluster, scenario: Scenario, workloads: Workloads) -> PodObjects:
    from kubeinfer_sim.simulation.pod_objects import PodObjects
    from kubeinfer_sim.simulation.pod_status import PodStatuses

    return PodObjects(
        cluster.env.history,
        cluster.env.api,
        workloads,
        PodStatuses(cluster.kubelet),
        cluster.scheduling,
        kubernetes=scenario.kubernetes,
        loses_nodes=scenario.loses_nodes,
    )

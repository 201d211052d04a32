"""One simulation: a scenario and a seed in, the history out."""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from kubeinfer_sim.cluster.api import Api
from kubeinfer_sim.cluster.cluster import Cluster
from kubeinfer_sim.cluster.devices.offered import OfferedNpus
from kubeinfer_sim.cluster.disruption.drains import Budgets, Drains
from kubeinfer_sim.cluster.environment import Environment
from kubeinfer_sim.cluster.kubelet import Kubelet, KubeletSettings
from kubeinfer_sim.cluster.node import Node
from kubeinfer_sim.cluster.node_failures import NodeFailures, heartbeat_of
from kubeinfer_sim.cluster.nodes.node_lifecycle import NodeLifecycleController, NodeLifecycleSettings
from kubeinfer_sim.cluster.nodes.pod_gc import PodGarbageCollector, PodGcSettings
from kubeinfer_sim.cluster.nodes.status_reports import StatusReporter
from kubeinfer_sim.cluster.nodes.taint_eviction import TaintEvictionController
from kubeinfer_sim.cluster.scheduler.gang_scheduling import GangScheduling
from kubeinfer_sim.cluster.scheduler.scheduler import Scheduler
from kubeinfer_sim.cluster.scheduler.scheduling_rate import SchedulingRate
from kubeinfer_sim.cluster.watcher import Watcher
from kubeinfer_sim.controllers.kubeinfer.policies import RecoveryPlugin
from kubeinfer_sim.engine.clock import Clock
from kubeinfer_sim.engine.history import History, Listener
from kubeinfer_sim.engine.meter import End
from kubeinfer_sim.engine.streams import Streams
from kubeinfer_sim.scenario.actions.model import Health
from kubeinfer_sim.scenario.model import Scenario
from kubeinfer_sim.simulation.faults.assembly import FaultInjection
from kubeinfer_sim.simulation.faults.health_actions import HealthActions
from kubeinfer_sim.simulation.faults.probe_answers import ProbeAnswers
from kubeinfer_sim.simulation.pod_objects import PodObjects
from kubeinfer_sim.simulation.pod_status import PodStatuses
from kubeinfer_sim.simulation.run import Run
from kubeinfer_sim.simulation.targets import start_faults
from kubeinfer_sim.simulation.time_line import TimeLine
from kubeinfer_sim.simulation.workloads import Workloads

#: New objects between two collections while a simulation runs.
GARBAGE_THRESHOLD = 200_000


def simulate(
    scenario: Scenario,
    *,
    seed: int | None = None,
    recovery: RecoveryPlugin | None = None,
    listeners: Iterable[Listener] = (),
    keep: bool = True,
    pods: bool = True,
) -> Run:
    """Play the scenario; a function of its arguments alone.

    Args:
        scenario: what happens.
        seed: instead of the scenario's.
        recovery: decides about every failure of a pod whose role has Custom recovery, in place of the
            scenario's rules; see `controllers.policies`. It must depend on nothing but what it is given.
        listeners: called with each record as it is appended to the history, one after the other in this order, before
            anything else happens. They must not change the run: it would not be the same without them.
        keep: keep the history in the run. Without it memory stays flat, however long the run; what is to be known of it
            must be measured by listeners.
        pods: read the pods' objects at the end. A run of which nobody wants to see them is cheaper without.

    Raises:
        SimulatorFault: the simulator broke one of its own rules.
        UsageError: `recovery` failed, or decided something that cannot be done.
    """
    history = History(keep=keep)
    simulation = Simulation(scenario, scenario.seed if seed is None else seed, recovery, history, pods=pods)
    for listener in listeners:
        history.subscribe(listener)
    with patient_collector():
        return simulation.run()


@contextmanager
def patient_collector() -> Iterator[None]:
    """The history only grows: looking through it for garbage every few hundred records doubles the time."""
    before = gc.get_threshold()
    gc.set_threshold(GARBAGE_THRESHOLD, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


class Simulation:
    """A cluster, its controller and the time line of what people do to it."""

    def __init__(
        self,
        scenario: Scenario,
        seed: int,
        recovery: RecoveryPlugin | None = None,
        history: History | None = None,
        *,
        pods: bool = True,
    ) -> None:
        self.scenario = scenario
        self.seed = seed
        self.clock = Clock()
        self.history = History() if history is None else history
        self.time_line = TimeLine(self)
        self.streams = Streams(seed)
        self.api = Api(self.clock, self.history)
        self.env = Environment(self.clock, self.history, self.streams, self.api)
        heartbeats = scenario.loses_nodes
        for spec in scenario.nodes:
            beat = heartbeat_of(spec.name, self.streams) if heartbeats else None
            self.api.add(Node(spec, beat))
        assumptions = scenario.assumptions
        self.scheduler = Scheduler(
            scenario.nodes,
            placement=assumptions.placement,
            kubernetes=scenario.kubernetes,
        )
        self.scheduling = GangScheduling(
            self.env,
            self.scheduler,
            rate=SchedulingRate() if assumptions.scheduling_rate == "mindcluster" else None,
            preemption=assumptions.preemption,
            priority_classes=scenario.priority_classes,
        )
        self.scheduling.occupy(scenario.running)
        answers = ProbeAnswers(self.clock)
        self.health = HealthActions(self.clock, answers, scenario.actions)
        self.kubelet = Kubelet(
            self.env,
            KubeletSettings(
                scenario.kubernetes,
                scenario.transfers,
                scenario.crash_back_off,
                scenario.broken_images,
                start_faults(scenario.actions),
            ),
            self.health.at_set_up if self.health.of_new_pods else None,
        )
        answers.watch(self.kubelet)
        self.workloads = Workloads(Cluster(self.env, self.scheduling, self.kubelet), scenario, recovery)
        budgets = Budgets(scenario.disruption_budgets)
        self.drains = Drains(self.clock, self.history, self.api, budgets)
        # The order in which they are told of what happens.
        watchers: list[Watcher] = [self.kubelet, self.scheduling]
        if scenario.drains_nodes:
            watchers += [budgets, self.drains]
        self.failures: NodeFailures | None = None
        if scenario.loses_nodes:
            watchers += self._make_node_controllers()
        self.objects = self._pod_objects() if pods else None
        self.faults: FaultInjection | None = None
        if scenario.fault_kinds:
            self.faults = FaultInjection(
                self.env, scenario, self.kubelet, answers, self.drains, self.failures, self.workloads.pods
            )
            watchers += self.faults.watchers
        else:
            watchers.append(OfferedNpus(self.env))
        if scenario.fault_kinds or any(isinstance(each, Health) for each in scenario.actions):
            watchers.append(answers)
        self.api.watch(*watchers)

    def _make_node_controllers(self) -> tuple[Watcher, ...]:
        """What only scenarios in which nodes fail need; the phases of their clocks, which nobody knows, are drawn.

        Returns those that follow nodes and pods.
        """
        settings, clock, api = self.scenario.node_lifecycle, self.clock, self.api

        def phase(name: str, period: int) -> int:
            return int(self.streams.named(name).random() * period)

        first = phase("node-lifecycle/first-pass", 5_000)
        lifecycle = NodeLifecycleController(
            clock, api, NodeLifecycleSettings(first_pass=first, grace=settings.grace)
        )
        reporter = StatusReporter(clock, api, self.kubelet)
        self.failures = NodeFailures(self.env, self.kubelet, reporter)
        return (
            lifecycle,
            reporter,
            TaintEvictionController(clock, api, settings.toleration_seconds),
            PodGarbageCollector(clock, api, PodGcSettings(first_pass=phase("pod-gc/first-pass", 20_000))),
        )

    def _pod_objects(self) -> PodObjects:
        return PodObjects(
            self.history,
            self.api,
            self.workloads,
            PodStatuses(self.kubelet),
            kubernetes=self.scenario.kubernetes,
            loses_nodes=self.failures is not None,
        )

    def run(self, *, until: int | None = None) -> Run:
        """Play everything until the horizon, or until it is settled; no further than `until` ms."""
        scenario, clock = self.scenario, self.clock
        running = scenario.initial == "running"
        for workload in self.workloads:
            workload.start(running=running)
        if self.faults is not None:
            self.faults.start()
        self.time_line.start()
        end: End = "settled"
        if scenario.horizon is not None:
            clock.run(scenario.horizon if until is None else min(scenario.horizon, until))
            end = "horizon"
        else:
            last_action = max((action.at for action in scenario.actions), default=0)
            while (due := clock.next_at()) is not None and (until is None or due <= until):
                limit = max(self.workloads.last_progress, last_action) + scenario.quiet_after
                if due > limit:
                    end = "quiet"
                    break
                clock.run(limit if until is None else min(limit, until))
        ended_at = clock.now if end == "horizon" else self.history.last_at
        self.history.close()
        pods = None if self.objects is None else tuple(self.objects.at(ended_at))
        return Run(scenario, self.history, ended_at, end, clock.fired, self.seed, pods)

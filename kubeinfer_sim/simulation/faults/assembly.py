"""What only scenarios with faults need, put together: the nodes' hardware, who looks at it, and the injector."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from kubeinfer_sim.cluster.cluster import Cluster
from kubeinfer_sim.cluster.devices.device_plugin import DevicePlugin
from kubeinfer_sim.cluster.devices.hardware import NpuHardware
from kubeinfer_sim.cluster.devices.manager import Devices
from kubeinfer_sim.cluster.devices.repair import Due, RepairShop
from kubeinfer_sim.cluster.disruption.drains import Drains
from kubeinfer_sim.cluster.node_failures import NodeFailures
from kubeinfer_sim.cluster.pod import Pod
from kubeinfer_sim.cluster.watcher import Watcher
from kubeinfer_sim.engine.streams import Stream
from kubeinfer_sim.scenario.actions.model import Apply, Fault
from kubeinfer_sim.scenario.faults.model import FaultPlan, FaultProcess, MixPart
from kubeinfer_sim.scenario.model import Scenario
from kubeinfer_sim.simulation.faults.draws import FaultDraws
from kubeinfer_sim.simulation.faults.held_nodes import HeldNodes
from kubeinfer_sim.simulation.faults.injector import Injector
from kubeinfer_sim.simulation.faults.nodes import NodeFaults, NodeRepairs
from kubeinfer_sim.simulation.faults.npus import NpuFaults
from kubeinfer_sim.simulation.faults.places import PodsByPlace
from kubeinfer_sim.simulation.faults.pods import PodFaults
from kubeinfer_sim.simulation.faults.probe_answers import ProbeAnswers
from kubeinfer_sim.simulation.faults.process_objects import ProcessObjects
from kubeinfer_sim.simulation.faults.processes import RunningProcess, Strike
from kubeinfer_sim.simulation.faults.selection import Selection
from kubeinfer_sim.simulation.faults.shared import SharedFaults
from kubeinfer_sim.simulation.faults.speeds import Speeds
from kubeinfer_sim.simulation.faults.symptoms import Symptoms


class FaultInjection:
    """The faults of one simulation.

    Attributes:
        devices: the NPUs of all nodes.
        watchers: those of it who follow the objects in the API, in this order.
        processes: the fault processes, once they have begun.
        told: is told of every fault of a process just before it strikes; it must not change the run.
    """

    def __init__(
        self,
        cluster: Cluster,
        scenario: Scenario,
        devices: Devices,
        answers: ProbeAnswers,
        drains: Drains,
        failures: NodeFailures | None,
        pods: Callable[[], Iterable[Pod]],
    ) -> None:
        env, kubelet = cluster.env, cluster.kubelet
        plan = scenario.faults or FaultPlan()
        settings = plan.npus
        shop = RepairShop(
            env.clock, env.streams, crews=settings.crews, spares=settings.spares, swap=settings.swap
        )
        self.devices = devices
        hardware = NpuHardware(env, shop, settings)
        self._shop, self._hardware = shop, hardware
        speeds = Speeds(env)
        symptoms = Symptoms(kubelet, answers, speeds)
        plugin = DevicePlugin(
            env, self.devices, hardware, settings, watches_idle=_some_template_is_watched(scenario)
        )
        hardware.watch(plugin, symptoms)
        self.devices.watch(symptoms, hardware, plugin)
        strikes_places = any(process.per == "pod" for process in plan.processes)
        places = PodsByPlace() if strikes_places else None
        draws = FaultDraws(env.clock, env.streams)
        self._held = held = HeldNodes(env)
        repairs = NodeRepairs(shop, failures, held, settings.repair)
        self._injector = Injector(
            env,
            Selection(env.api, self.devices, pods, places, draws),
            NpuFaults(hardware),
            PodFaults(env, kubelet, answers, speeds),
            NodeFaults(cluster, devices, failures, drains, held, repairs, draws),
            SharedFaults(env, kubelet),
        )
        self.processes: list[RunningProcess] = []
        self.told: Callable[[FaultProcess], None] | None = None
        self._env = env
        self._plan = plan
        self._nodes, self._kubeinfers = scenario.nodes_ever, scenario.kubeinfers
        self.watchers: tuple[Watcher, ...] = (
            self.devices,
            plugin,
            speeds,
            *([] if places is None else [places]),
        )

    def start(self) -> None:
        """Let the fault processes begin."""
        for process in self._plan.processes:
            objects = ProcessObjects(
                self._env, process, self._nodes, self._kubeinfers, self.devices, self._injector
            )
            strike = objects.strike if self.told is None else _telling(self.told, objects.strike)
            self.processes.append(
                RunningProcess(self._env.clock, self._env.streams, process, objects.names, strike)
            )

    @property
    def struck(self) -> int:
        """How many faults have struck."""
        return self._injector.struck

    @property
    def all_mended(self) -> bool:
        """Whether no NPU or machine is out, being repaired, or missing on the shelf of spares."""
        if not self._shop.idle or self._hardware.ending or self._held.any:
            return False
        return all(node.ready == node.spec.ready for node in self._env.api.nodes.values())

    def due(self) -> tuple[Due, ...]:
        """What is still to be mended; of NPUs that pods hold nothing is, as long as they do."""
        held = {npu.name for npu in self.devices.all() if not npu.idle}
        due = [Due(name, "repair", at) for name, at in self._shop.due.items() if name not in held]
        due += [Due(name, "isolation", at) for name, at in self._hardware.ending.items() if name not in held]
        return tuple(due)

    def inject(self, fault: Fault) -> None:
        """A fault of the time line happens now."""
        self._injector.inject(fault)


def _telling(told: Callable[[FaultProcess], None], strike: Strike) -> Strike:
    def telling(index: int, process: FaultProcess, part: MixPart, source: Stream) -> None:
        told(process)
        strike(index, process, part, source)

    return telling


def _some_template_is_watched(scenario: Scenario) -> bool:
    """Whether any version of any workload ties itself to the device plugin."""
    later = [each.workload for each in scenario.actions if isinstance(each, Apply)]
    return any(each.ties_device_plugin for each in (*scenario.workloads, *scenario.created, *later))

"""Faults put into a simulation: those on the time line and those of fault processes, on whatever they strike."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from kubeinfer_sim.cluster.api import Api
from kubeinfer_sim.cluster.devices.device_plugin import DevicePlugin
from kubeinfer_sim.cluster.devices.manager import Devices, Npu
from kubeinfer_sim.cluster.pod import Pod, PodState
from kubeinfer_sim.engine.clock import Clock
from kubeinfer_sim.engine.streams import Stream, Streams
from kubeinfer_sim.scenario.actions.model import Fault, Target
from kubeinfer_sim.scenario.faults.kinds import KINDS
from kubeinfer_sim.scenario.faults.model import FaultPlan, FaultProcess, MixPart
from kubeinfer_sim.scenario.model import Scenario
from kubeinfer_sim.simulation.faults.draws import FaultDraws
from kubeinfer_sim.simulation.faults.nodes import NodeFaults
from kubeinfer_sim.simulation.faults.pods import PodFaults
from kubeinfer_sim.simulation.faults.processes import RunningProcess
from kubeinfer_sim.simulation.faults.shared import SharedFaults
from kubeinfer_sim.simulation.targets import matches


class Faults:
    """Finds what each fault strikes, and hands it to those who know what follows.

    `pods` gives all pods that exist.
    """

    def __init__(
        self,
        clock: Clock,
        streams: Streams,
        scenario: Scenario,
        api: Api,
        devices: Devices,
        plugin: DevicePlugin,
        on_pods: PodFaults,
        on_shared: SharedFaults,
        on_nodes: NodeFaults | None,
        draws: FaultDraws,
        *,
        pods: Callable[[], Iterable[Pod]],
    ) -> None:
        self._clock = clock
        self._streams = streams
        self._scenario = scenario
        self._api = api
        self._nodes = api.nodes
        self._devices = devices
        self._plugin = plugin
        self._on_pods = on_pods
        self._on_shared = on_shared
        self._on_nodes = on_nodes
        self._source = draws
        self._pods = pods
        self._plan = scenario.faults or FaultPlan()

    # -- what is struck ------------------------------------------------------------------------------------

    def start(self) -> None:
        """Let the fault processes begin."""
        for process in self._plan.processes:
            names, strike = self._objects(process)
            RunningProcess(self._clock, self._streams, process, names, strike)

    def _objects(
        self, process: FaultProcess
    ) -> tuple[list[str], Callable[[int, FaultProcess, MixPart, Stream], None]]:
        """The names of what a process strikes, and how."""
        names: list[str]
        if process.per == "npu":
            npus = list(self._devices.all())
            names, targets = [npu.name for npu in npus], [Target(nodes=(npu.node,)) for npu in npus]
            numbers: list[tuple[int, ...] | None] = [(npu.number,) for npu in npus]
        elif process.per == "pod":
            spec = self._scenario.kubeinfer
            places = [
                (ordinal, role.name, pod)
                for ordinal in range(spec.replicas)
                for role in spec.roles
                for pod in range(role.replicas)
            ]
            names = [f"{ordinal}/{role}/{pod}" for ordinal, role, pod in places]
            targets = [
                Target(instances=(ordinal,), roles=(role,), pods=(pod,)) for ordinal, role, pod in places
            ]
            numbers = [None] * len(names)
        elif process.per == "domain":
            values = {node.spec.labels.get(process.domain) for node in self._nodes.values()} - {None}
            names = sorted(value for value in values if value is not None)
            targets = [Target(node_selector={process.domain: value}) for value in names]
            numbers = [None] * len(names)
        elif process.per == "node":
            names = list(self._nodes)
            targets = [Target(nodes=(name,)) for name in names]
            numbers = [None] * len(names)
        else:
            names, targets, numbers = [""], [Target()], [None]

        def strike(index: int, process: FaultProcess, part: MixPart, source: Stream) -> None:
            clears = process.clears_after
            fault = Fault(
                self._clock.now,
                part.kind,
                targets[index],
                numbers[index] or (),
                part.level,
                part.symptom,
                None if clears is None else clears.sample(source),
                process.repair,
                factor=part.factor,
            )
            if process.per == "node" and KINDS[part.kind].strikes == "npu":
                count = len(self._devices.npus[names[index]])
                if not count:
                    return
                fault = replace(fault, npus=(int(source.random() * count),))
            self.act(fault, process.name)

        return names, strike

    # -- one fault -----------------------------------------------------------------------------------------

    def act(self, fault: Fault, process: str = "") -> None:
        """Something breaks now."""
        strikes = KINDS[fault.kind].strikes
        if strikes == "npu":
            self._npus(fault, process)
        elif strikes == "pod":
            for pod in self._chosen_pods(fault):
                self._on_pods.strike(pod, fault, process)
        elif strikes == "node":
            assert self._on_nodes is not None
            for name in self._chosen_nodes(fault):
                self._on_nodes.strike(name, fault, process)
        else:
            self._on_shared.strike(fault, process)

    def _chosen_pods(self, fault: Fault) -> list[Pod]:
        target = fault.target
        every: Iterable[Pod] = self._pods()
        if target.nodes:  # not every pod for each fault of a node
            every = [pod for name in self._named_nodes(target) for pod in self._api.pods_on(name)]
        pods = [
            pod for pod in every if matches(target, pod) and pod.state in (PodState.PULLING, PodState.RUNNING)
        ]
        if fault.random == "pod" and pods:
            return [pods[int(self._source(fault.kind).random() * len(pods))]]
        return pods

    def _named_nodes(self, target: Target) -> list[str]:
        """The nodes the target names, all if it names none, in the cluster's order."""
        names = target.nodes or self._nodes
        if len(target.nodes) > 1:
            return [name for name in self._nodes if name in names]
        return [name for name in names if name in self._nodes]

    def _chosen_nodes(self, fault: Fault) -> list[str]:
        target = fault.target
        names = [
            name
            for name in self._named_nodes(target)
            if target.node_selector.items() <= self._nodes[name].spec.labels.items()
        ]
        if fault.random == "node":
            return [names[int(self._source(fault.kind).random() * len(names))]]
        return names

    def _npus(self, fault: Fault, process: str) -> None:
        for npu in self._chosen_npus(fault):
            self._plugin.inject(
                npu,
                fault.kind,
                level=fault.level,
                symptom=fault.symptom,
                clears_after=fault.clears_after,
                failed_resets=fault.failed_resets,
                repair=fault.repair,
                factor=fault.factor,
                process=process,
            )

    def _chosen_npus(self, fault: Fault) -> list[Npu]:
        devices = self._devices
        target = fault.target
        if fault.random:
            busy = fault.random == "busyNpu"
            allowed = set(self._chosen_nodes(fault))
            npus = [
                npu
                for npu in devices.all()
                if npu.node in allowed
                and npu.state == "inService"
                and (npu.holder is not None and matches(target, npu.holder) if busy else npu.idle)
            ]
            return [npus[int(self._source(fault.kind).random() * len(npus))]] if npus else []
        if target.instances or target.roles or target.pods:
            held = [devices.of(pod) for pod in self._pods() if matches(target, pod)]
            return [npus[place] for npus in held for place in fault.npus or (0,) if place < len(npus)]
        found = []
        for name in self._chosen_nodes(fault):
            npus = devices.npus[name]
            found += [npus[number] for number in fault.npus or (0,) if number < len(npus)]
        return found

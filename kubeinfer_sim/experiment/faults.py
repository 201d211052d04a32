"""Faults put into a simulation: those on the time line and those of fault processes, on whatever they strike."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from kubeinfer_sim.cluster.device_plugin import ALL_PROBES, DevicePlugin, NpuFault
from kubeinfer_sim.cluster.devices import Devices, Npu
from kubeinfer_sim.cluster.drain import DrainOptions
from kubeinfer_sim.cluster.drains import Drains
from kubeinfer_sim.cluster.fault_records import FaultCleared, FaultDetected, FaultInjected
from kubeinfer_sim.cluster.kubelet import Kubelet
from kubeinfer_sim.cluster.node import Node
from kubeinfer_sim.cluster.node_failures import NodeFailures
from kubeinfer_sim.cluster.pod import Pod, PodState
from kubeinfer_sim.cluster.prober import Outcome, Segment
from kubeinfer_sim.cluster.records import PodRef
from kubeinfer_sim.cluster.repair import RepairShop
from kubeinfer_sim.engine.clock import Clock, Phase
from kubeinfer_sim.engine.history import NO_CAUSE, History
from kubeinfer_sim.engine.streams import Stream, Streams
from kubeinfer_sim.experiment.fault_processes import RunningProcess
from kubeinfer_sim.experiment.targets import matches
from kubeinfer_sim.scenario.fault_kinds import KINDS
from kubeinfer_sim.scenario.fault_model import FaultPlan, FaultProcess, MixPart
from kubeinfer_sim.scenario.model import Fault, Scenario, Target

#: How long NodeD takes to tell of faulty hardware, in ms: its report period, up to a poll of the hardware later.
NODE_D = (5_000, 75_000)


class Faults:
    """Strikes NPUs, pods, nodes, and what they share.

    `pods` gives all pods that exist, `cordon(node, on, cause)` keeps new pods off a node or ends that,
    `evict(pod, fault, cause)` hands a pod on broken hardware to recovery.
    """

    def __init__(
        self,
        clock: Clock,
        history: History,
        streams: Streams,
        scenario: Scenario,
        nodes: Mapping[str, Node],
        kubelet: Kubelet,
        plugin: DevicePlugin | None,
        devices: Devices | None,
        failures: NodeFailures | None,
        drains: Drains,
        shop: RepairShop,
        *,
        pods: Callable[[], Iterable[Pod]],
        cordon: Callable[[str, bool, int], None],
        node_fault: Callable[[Pod, str, int], None],
        silent: Callable[[Pod, int], None],
    ) -> None:
        self._clock = clock
        self._history = history
        self._streams = streams
        self._scenario = scenario
        self._nodes = nodes
        self._kubelet = kubelet
        self._plugin = plugin
        self._devices = devices
        self._failures = failures
        self._drains = drains
        self._shop = shop
        self._pods = pods
        self._cordon = cordon
        self._node_fault = node_fault
        self._silent = silent
        self._plan = scenario.faults or FaultPlan()
        #: What was drawn for in this instant, and how often.
        self._drawn: tuple[int, Counter[str]] = (0, Counter())

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
            assert self._devices is not None
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
            )
            if process.per == "node" and KINDS[part.kind].hits == "npu":
                count = len(self._devices.npus[names[index]]) if self._devices is not None else 0
                if not count:
                    return
                fault = replace(fault, npus=(int(source.random() * count),))
            self.act(fault, process.name)

        return names, strike

    # -- one fault -----------------------------------------------------------------------------------------

    def act(self, fault: Fault, process: str = "") -> None:
        """Something breaks now."""
        hits = KINDS[fault.kind].hits
        if hits == "npu":
            self._npus(fault, process)
        elif hits == "pod":
            for pod in self._chosen_pods(fault):
                self._pod(pod, fault, process)
        elif hits == "node":
            for name in self._chosen_nodes(fault):
                self._node(name, fault, process)
        else:
            self._cluster(fault, process)

    def _source(self, what: str) -> Stream:
        """The stream for what is random about a fault, named after it and its time.

        So it does not matter which faults found something to strike before, and the same faults strike whatever
        the recovery under test has left running.
        """
        now = self._clock.now
        if self._drawn[0] != now:
            self._drawn = now, Counter()
        drawn = self._drawn[1]
        drawn[what] += 1
        return self._streams.named(f"fault-at-random/{now}/{what}/{drawn[what]}")

    def _chosen_pods(self, fault: Fault) -> list[Pod]:
        pods = [
            pod
            for pod in self._pods()
            if matches(fault.target, pod) and pod.state in (PodState.PULLING, PodState.RUNNING)
        ]
        if fault.random == "pod" and pods:
            return [pods[int(self._source(fault.kind).random() * len(pods))]]
        return pods

    def _chosen_nodes(self, fault: Fault) -> list[str]:
        target = fault.target
        names = [
            name
            for name, node in self._nodes.items()
            if (not target.nodes or name in target.nodes)
            and target.node_selector.items() <= node.spec.labels.items()
        ]
        if fault.random == "node":
            return [names[int(self._source(fault.kind).random() * len(names))]]
        return names

    def _npus(self, fault: Fault, process: str) -> None:
        assert self._plugin is not None
        for npu in self._chosen_npus(fault):
            self._plugin.inject(
                npu,
                fault.kind,
                level=fault.level,
                symptom=fault.symptom,
                clears_after=fault.clears_after,
                failed_resets=fault.failed_resets,
                repair=fault.repair,
                process=process,
            )

    def _chosen_npus(self, fault: Fault) -> list[Npu]:
        devices = self._devices
        assert devices is not None
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

    # -- pods ----------------------------------------------------------------------------------------------

    def _injected(self, kind: str, where: str, process: str, pod: PodRef | None = None) -> int:
        return self._history.append(FaultInjected(self._clock.now, NO_CAUSE, kind, "", where, pod, process))

    def _lasts(self, fault: Fault) -> int | None:
        return KINDS[fault.kind].lasts if fault.clears_after is None else fault.clears_after

    def _pod(self, pod: Pod, fault: Fault, process: str) -> None:
        kubelet = self._kubelet
        cause = self._injected(fault.kind, pod.ref.name, process, pod.ref)
        if fault.kind == "ProcessCrash":
            kubelet.crash(pod, "Error", 1, cause=cause)
        elif fault.kind == "OutOfMemory":
            kubelet.crash(pod, "OOMKilled", 137, cause=cause)
        else:
            answers: dict[str, tuple[Segment, tuple[str, ...]]] = {
                "ProcessHang": (Segment(0, Outcome.HANG), ALL_PROBES),
                "HealthCheckFails": (Segment(0, Outcome.FAIL), ("liveness", "readiness")),
                "SlowStart": (Segment(0, Outcome.FAIL), ("startup", "readiness")),
                "ReadinessFlap": (Segment(0, Outcome.SUCCESS, 0, 0.5), ("readiness",)),
            }
            answer, probes = answers[fault.kind]
            kubelet.set_health([pod], answer, probes, cause=cause)
            if fault.kind == "ProcessHang" and pod.state is PodState.RUNNING:
                self._silent(pod, cause)
            lasts = self._lasts(fault)
            if lasts is not None:
                self._clock.after(lasts, self._pod_well, pod, fault.kind, probes, cause)

    def _pod_well(self, pod: Pod, kind: str, probes: tuple[str, ...], cause: int) -> None:
        if pod.state not in (PodState.DELETING, PodState.GONE):
            cause = self._history.append(FaultCleared(self._clock.now, cause, kind, pod.ref.name, "itself"))
            self._kubelet.set_health([pod], None, probes, cause=cause)

    # -- nodes ---------------------------------------------------------------------------------------------

    def _node(self, name: str, fault: Fault, process: str) -> None:
        assert self._failures is not None
        now, node, lasts = self._clock.now, self._nodes[name], self._lasts(fault)
        if fault.kind in ("NodeDeath", "NodeReboot") and not node.reachable:
            return  # it is down already
        cause = self._injected(fault.kind, name, process)
        if fault.kind == "NodeReboot":
            self._failures.fail(name, "reboot", until=None if lasts is None else now + lasts, cause=cause)
        elif fault.kind == "NodeDeath":
            until = None if lasts is None else now + lasts
            self._failures.fail(name, "silent", until=until, cause=cause)
            if until is None:
                self._repair_node(name, now, fault, lambda: self._restore(name))
        elif fault.kind == "SwitchFault":
            for pod in [each for each in node.pods if each.npus]:
                self._kubelet.crash(pod, "Error", 1, cause=cause)
        elif fault.kind == "Maintenance":
            self._drains.start((name,), DrainOptions(), lambda each: self._cordon(each, True, cause))
            if lasts is not None:
                self._clock.after(lasts, self._cordon, name, False, cause, phase=Phase.ACTION)
        else:
            low, high = NODE_D
            delay = low + int(self._source(f"{fault.kind}/{name}").random() * (high - low))
            self._clock.after(delay, self._node_known, name, fault, cause)

    def _repair_node(self, name: str, broke: int, fault: Fault, done: Callable[[], None]) -> None:
        length = fault.repair or self._plan.npus.repair
        self._shop.repair(name, broke, length, done)

    def _restore(self, name: str) -> None:
        assert self._failures is not None
        self._failures.restore(name)

    def _node_known(self, name: str, fault: Fault, cause: int) -> None:
        """NodeD has found the hardware faulty: nothing new is placed, what runs there goes elsewhere."""
        now = self._clock.now
        began = self._history[cause].at
        cause = self._history.append(FaultDetected(now, cause, fault.kind, name, "NodeD", now - began))
        self._cordon(name, True, cause)
        for pod in list(self._nodes[name].pods):
            self._node_fault(pod, fault.kind, cause)
        lasts = self._lasts(fault)
        if lasts is not None:
            self._clock.after(max(0, began + lasts - now), self._node_well, name, fault.kind, cause)
        else:
            self._repair_node(name, began, fault, lambda: self._node_well(name, fault.kind, cause))

    def _node_well(self, name: str, kind: str, cause: int) -> None:
        cause = self._history.append(FaultCleared(self._clock.now, cause, kind, name, "repaired"))
        self._cordon(name, False, cause)

    # -- what all share ------------------------------------------------------------------------------------

    def _cluster(self, fault: Fault, process: str) -> None:
        cause = self._injected(fault.kind, "cluster", process)
        self._share(fault, broken=True)
        lasts = self._lasts(fault)
        if lasts is not None:
            self._clock.after(lasts, self._shared_again, fault, cause)

    def _share(self, fault: Fault, *, broken: bool) -> None:
        if fault.kind == "ImagePullFailure":
            self._kubelet.break_images((), broken=broken)
        else:
            factor = 0.0 if fault.kind == "StorageUnavailable" else fault.factor
            self._kubelet.throttle_storage(factor if broken else 1.0)

    def _shared_again(self, fault: Fault, cause: int) -> None:
        self._history.append(FaultCleared(self._clock.now, cause, fault.kind, "cluster", "itself"))
        self._share(fault, broken=False)


class NodeFault:
    """A machine's fault as recovery sees it (`controllers.recovery.PlatformFault`)."""

    __slots__ = ("cleared", "kind")

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.cleared = False


__all__ = ["Faults", "NodeFault", "NpuFault"]

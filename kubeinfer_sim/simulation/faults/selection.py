"""What a fault strikes: pods, nodes, NPUs, by what the scenario names, or one of them at random."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from kubeinfer_sim.cluster.api import Api
from kubeinfer_sim.cluster.devices.manager import Devices
from kubeinfer_sim.cluster.devices.npu import Npu
from kubeinfer_sim.cluster.pod import Pod, PodState
from kubeinfer_sim.scenario.actions.model import Fault, Target
from kubeinfer_sim.simulation.faults.draws import FaultDraws
from kubeinfer_sim.simulation.targets import matches

T = TypeVar("T")


class Selection:
    """Finds it; `pods` gives all that exist."""

    def __init__(
        self, api: Api, devices: Devices, pods: Callable[[], Iterable[Pod]], draws: FaultDraws
    ) -> None:
        self._api = api
        self._devices = devices
        self._all_pods = pods
        self._draws = draws

    def pods(self, fault: Fault) -> Sequence[Pod]:
        """The pods struck: those that have a node and are not going."""
        target = fault.target
        every: Iterable[Pod]
        if target.nodes:  # not every pod for each fault of a node
            every = [pod for name in self._named(target) for pod in self._api.pods_on(name)]
        else:
            every = self._all_pods()
        pods = [
            pod for pod in every if pod.state in (PodState.PULLING, PodState.RUNNING) and matches(target, pod)
        ]
        return self._one(pods, fault) if fault.random else pods

    def nodes(self, fault: Fault) -> Sequence[str]:
        """The nodes struck."""
        names = self._selected(fault.target)
        return self._one(names, fault) if fault.random == "node" else names

    def npus(self, fault: Fault) -> Sequence[Npu]:
        """The NPUs struck: by their numbers on nodes, by their places among those of pods, or by who uses them."""
        target = fault.target
        if fault.random:
            return self._one(self._npus_in_service(target, busy=fault.random == "busyNpu"), fault)
        if target.instances or target.roles or target.pods:
            groups = [self._devices.of(pod) for pod in self._all_pods() if matches(target, pod)]
        else:
            groups = [self._devices.npus[name] for name in self._selected(target)]
        return [npus[place] for npus in groups for place in fault.npus or (0,) if place < len(npus)]

    def _one(self, among: Sequence[T], fault: Fault) -> Sequence[T]:
        """One of them at random; none where there are none."""
        if not among:
            return among
        return [among[int(self._draws(fault.kind).random() * len(among))]]

    def _named(self, target: Target) -> list[str]:
        """The nodes the target names, all if it names none, in the cluster's order."""
        known = self._api.nodes
        if len(target.nodes) == 1:
            return [name for name in target.nodes if name in known]
        return [name for name in known if not target.nodes or name in target.nodes]

    def _selected(self, target: Target) -> list[str]:
        """Those of them with the labels it names."""
        labels = target.node_selector.items()
        return [name for name in self._named(target) if labels <= self._api.nodes[name].spec.labels.items()]

    def _npus_in_service(self, target: Target, *, busy: bool) -> list[Npu]:
        npus = [npu for name in self._selected(target) for npu in self._devices.npus[name]]
        return [
            npu
            for npu in npus
            if npu.state == "inService"
            and (npu.holder is not None and matches(target, npu.holder) if busy else npu.idle)
        ]

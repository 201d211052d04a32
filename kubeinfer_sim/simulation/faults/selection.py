"""What a fault strikes: pods, nodes, NPUs, by what the scenario names, or one of them at random."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from kubeinfer_sim.cluster.api import Api
from kubeinfer_sim.cluster.devices.manager import Devices
from kubeinfer_sim.cluster.devices.npu import Npu
from kubeinfer_sim.cluster.pod import Pod, PodState
from kubeinfer_sim.scenario.actions.model import Fault, Target
from kubeinfer_sim.scenario.faults.kinds import KINDS
from kubeinfer_sim.simulation.actions.targets import matches, unmatched
from kubeinfer_sim.simulation.faults.draws import FaultDraws
from kubeinfer_sim.simulation.faults.places import PodsByPlace

T = TypeVar("T")
#: What a random fault may not find.
_CHOICES = {"busyNpu": "NPU in use", "idleNpu": "idle NPU", "pod": "pod that runs"}


class Selection:
    """Finds it, without looking at everything for a fault of one thing.

    `pods` gives all that exist; `places`, if there, those at one place.
    """

    def __init__(
        self,
        api: Api,
        devices: Devices,
        pods: Callable[[], Iterable[Pod]],
        places: PodsByPlace | None,
        draws: FaultDraws,
    ) -> None:
        self._api = api
        self._devices = devices
        self._pods = pods
        self._places = places
        self._draws = draws

    def pods(self, fault: Fault) -> Sequence[Pod]:
        """The pods struck: those that have a node and are not going."""
        running = (PodState.PULLING, PodState.RUNNING)
        pods = [pod for pod in self._meant(fault.target) if pod.state in running]
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
            groups = [self._devices.of(pod) for pod in self._meant(target)]
        else:
            groups = [self._devices.npus[name] for name in self._selected(target)]
        return [npus[place] for npus in groups for place in fault.npus or (0,) if place < len(npus)]

    def missed(self, fault: Fault) -> str:
        """Of a fault that strikes nothing: what there is."""
        if fault.random:
            return f"there is no {_CHOICES.get(fault.random, fault.random)}"
        if KINDS[fault.kind].strikes == "node":
            return "no node matched"
        if self._meant(fault.target):
            return "no pod that matched runs" if KINDS[fault.kind].strikes == "pod" else "no NPU matched"
        return unmatched(fault.target, self._pods())

    def _one(self, among: Sequence[T], fault: Fault) -> Sequence[T]:
        """One of them at random; none where there are none."""
        if not among:
            return among
        return [among[int(self._draws(fault.kind).random() * len(among))]]

    def _meant(self, target: Target) -> list[Pod]:
        """The pods the target means."""
        among = None if self._places is None else self._places.find(target)
        if target.nodes:
            among = (pod for name in self._named(target) for pod in self._api.pods_on(name))
        return [pod for pod in (self._pods() if among is None else among) if matches(target, pod)]

    def _named(self, target: Target) -> list[str]:
        """The nodes the target names, all if it names none, in the cluster's order."""
        known = self._api.nodes
        if not target.nodes:
            return list(known)
        return sorted({name for name in target.nodes if name in known}, key=lambda name: known[name].number)

    def _selected(self, target: Target) -> list[str]:
        """Those of them with the labels it names."""
        labels = target.node_selector.items()
        return [name for name in self._named(target) if labels <= self._api.nodes[name].labels.items()]

    def _npus_in_service(self, target: Target, *, busy: bool) -> list[Npu]:
        npus = [npu for name in self._selected(target) for npu in self._devices.npus[name]]
        return [
            npu
            for npu in npus
            if npu.state == "inService"
            and (npu.holder is not None and matches(target, npu.holder) if busy else npu.idle)
        ]

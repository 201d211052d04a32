"""Which NPUs of a node each pod holds, and which of them the node offers.

The device plugin's share of the kubelet's device manager: ids are handed out when a pod is bound, packed ring by
ring. Made only for scenarios in which NPUs can fail; the scheduler alone counts them otherwise.

Groups (section 4 of the semantics page): an A2 server with HCCS has rings of 8, which reset together; an A3 card
has two dies, which do; an A2 without HCCS resets one by one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Protocol

from kubeinfer_sim.cluster.device_refusals import no_longer_healthy, none_healthy, unavailable
from kubeinfer_sim.cluster.devices.device_statuses import DeviceStatuses, NodeDevices
from kubeinfer_sim.cluster.devices.npu import Npu, State
from kubeinfer_sim.cluster.environment import Environment
from kubeinfer_sim.cluster.fault_records import NpuStateChanged
from kubeinfer_sim.cluster.node import Node
from kubeinfer_sim.cluster.pod import Pod
from kubeinfer_sim.cluster.watcher import Watcher
from kubeinfer_sim.manifest.accelerators import main_accelerator
from kubeinfer_sim.scenario.faults.levels import levels_of

#: NPUs that are wired into one ring.
RING = 8


class DeviceWatcher(Protocol):
    """Who wants to know which pod uses which NPUs."""

    def allocated(self, pod: Pod, npus: Sequence[Npu]) -> None:
        """The pod got these NPUs."""

    def freed(self, pod: Pod, npus: Sequence[Npu]) -> None:
        """The pod is gone, and nobody holds these NPUs."""


class Devices(Watcher):
    """The NPUs of all nodes.

    Attributes:
        npus: by node, in the order of their numbers.
        statuses: what their nodes say of them.
    """

    def __init__(
        self, env: Environment, *, group: int = 0, occupied: Mapping[str, int] | None = None
    ) -> None:
        """Number the NPUs of every node.

        `group` NPUs reset together: 1, 2 (dies of a card), 8 (a ring); 0: by the size of the node, a card where it
        has 16, else a ring. `occupied` are the NPUs per node that pods hold which are not played.
        """
        self._clock = env.clock
        self._history = env.history
        self._api = env.api
        self.npus: dict[str, list[Npu]] = {}
        self.statuses = DeviceStatuses(env)
        self._group = group
        for node in env.api.nodes.values():
            self.node_added(node)
        self._held: dict[Pod, list[Npu]] = {}
        self._watchers: tuple[DeviceWatcher, ...] = ()
        for name, count in (occupied or {}).items():
            for npu in self.npus[name][len(self.npus[name]) - count :] if count else ():
                npu.occupied = True

    def node_added(self, node: Node) -> None:
        """A node joins: its NPUs are numbered, unless it has been there before."""
        name, topology = node.name, node.spec.npu_topology
        if name not in self.npus:
            resource, count = main_accelerator(node.spec.allocatable)
            npus = self.npus[name] = [Npu(name, number, levels_of(resource)) for number in range(count)]
            ring = RING if topology is None else topology.ring
            self.statuses.nodes[name] = NodeDevices(resource, npus, ring, counted=topology is not None)
            size = self._group or (2 if count == 16 and topology is None else ring)
            for first in range(0, count, size):
                group = npus[first : first + size]
                for npu in group:
                    npu.group = group

    def watch(self, *watchers: DeviceWatcher) -> None:
        """These are told of the pods' NPUs from now on, in this order, and nobody else."""
        self._watchers = watchers

    def of(self, pod: Pod) -> list[Npu]:
        """The NPUs a pod holds."""
        return self._held.get(pod, [])

    def all(self) -> Iterator[Npu]:
        """Every NPU, node by node."""
        for npus in self.npus.values():
            yield from npus

    # -- handing out ---------------------------------------------------------------------------------------

    def pod_bound(self, pod: Pod) -> None:
        """The pod is bound, and its kubelet has looked at it: its NPUs are chosen."""
        if not pod.rejected:
            self.allocate(pod)

    def refuses(self, pod: Pod) -> str:
        """Why the pod's node cannot give it its devices, or leave it those it has; "" where it can.

        pkg/kubelet/cm/devicemanager/manager.go, devicesToAllocate.
        """
        resource, count = self._asked(pod)
        if not count:
            return ""
        assert pod.node is not None
        devices = self.statuses.nodes[pod.node.name]
        if devices.absent:
            return none_healthy(resource)
        held = self._held.get(pod)
        if held is None:
            available = len(devices.free())
            if available >= count:
                return ""
        if not any(npu.healthy for npu in devices.npus):
            return none_healthy(resource)
        if held is None:
            return unavailable(resource, count, available)
        return "" if all(npu.healthy for npu in held) else no_longer_healthy(resource)

    def _asked(self, pod: Pod) -> tuple[str, int]:
        """Which devices of its node the pod takes, and how many; of a node that nobody knows none."""
        assert pod.node is not None
        devices = self.statuses.nodes.get(pod.node.name)
        resource = "" if devices is None else devices.resource
        return resource, pod.template.requests.get(resource, 0)

    def allocate(self, pod: Pod) -> None:
        """The pod gets its devices, unless it has them."""
        assert pod.node is not None
        _, count = self._asked(pod)
        if not count or pod in self._held:
            return
        held = self._held[pod] = self._choose(pod, pod.node.name, count)
        for npu in held:
            npu.holder, npu.occupied = pod, False
        for watcher in self._watchers:
            watcher.allocated(pod, held)

    def _choose(self, pod: Pod, node: str, count: int) -> list[Npu]:
        """The NPUs a pod gets: of the rings that the scheduler chose, else of the fullest ring with room.

        A pod whose kubelet is not heard of, so that nobody has looked at it yet, may get some that are unhealthy.
        """
        npus, devices = self.npus[node], self.statuses.nodes[node]
        free = devices.free()
        if len(free) == count == len(npus):
            return free  # the whole node, of which most pods have one each: whatever its rings
        rings: dict[int, list[Npu]] = {}
        for npu in free:
            rings.setdefault(npu.number // devices.ring, []).append(npu)
        chosen = [npu for ring, amount in enumerate(pod.rings) for npu in rings.get(ring, [])[:amount]]
        if len(chosen) == count:
            return chosen
        fitting = [ring for ring in rings.values() if len(ring) >= count]
        if fitting:
            return min(fitting, key=len)[:count]
        order = [npu for ring in sorted(rings.values(), key=len, reverse=True) for npu in ring]
        known = set(order)
        order += [npu for npu in npus if npu.idle and npu not in known]
        order += [npu for npu in npus if npu.occupied]
        return order[:count]

    def pod_finished(self, pod: Pod) -> None:
        """Its NPUs are idle (pkg/kubelet/cm/devicemanager, UpdateAllocatedDevices)."""
        self.pod_gone(pod)

    def pod_gone(self, pod: Pod) -> None:
        """Its NPUs are idle."""
        held = self._held.pop(pod, [])
        for npu in held:
            npu.holder = None
        for watcher in self._watchers if held else ():
            watcher.freed(pod, held)

    # -- what is offered -----------------------------------------------------------------------------------

    def set_state(self, npus: Iterable[Npu], state: State, cause: int, *, until: int | None = None) -> int:
        """NPUs of one node go to another state; the node offers those in service. Returns the record's id.

        `until`: ms, as in `NpuStateChanged`.
        """
        changed = [npu for npu in npus if npu.state != state]
        if not changed:
            return cause
        for npu in changed:
            npu.state = state
            npu.posted_unhealthy = bool(npu.unhealthy_for)
        node = changed[0].node
        self.statuses.write(node)
        numbers = tuple(npu.number for npu in changed)
        offered = sum(self.statuses.nodes[node].allocatable)
        changed_to = NpuStateChanged(self._clock.now, cause, node, numbers, state, offered, until)
        return self._history.append(changed_to)

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
from kubeinfer_sim.cluster.devices.npu import Npu, State
from kubeinfer_sim.cluster.environment import Environment
from kubeinfer_sim.cluster.fault_records import AllocatableChanged, NpuStateChanged
from kubeinfer_sim.cluster.node import Node
from kubeinfer_sim.cluster.pod import Pod
from kubeinfer_sim.cluster.watcher import Watcher
from kubeinfer_sim.engine.clock import Timer
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
        self._resource: dict[str, str] = {}
        self.npus: dict[str, list[Npu]] = {}
        self._group = group
        # By node, the NPUs of a ring, and whether the scheduler keeps account of them.
        self._ring: dict[str, tuple[int, bool]] = {}
        self._told: dict[str, list[int]] = {}
        for node in env.api.nodes.values():
            self.node_added(node)
        self._checks: dict[str, Timer] = {}
        self._unposted: dict[str, int] = {}  # nodes whose status is not heard, and what it would tell of
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
            self._resource[name] = resource
            self.npus[name] = [Npu(name, number, levels_of(resource)) for number in range(count)]
            self._ring[name] = (topology.ring, True) if topology else (RING, False)
            self._told[name] = self._offered(name)

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

    def group(self, npu: Npu) -> list[Npu]:
        """Those that are reset together with it."""
        npus = self.npus[npu.node]
        ring, counted = self._ring[npu.node]
        size = self._group or (2 if len(npus) == 16 and not counted else ring)
        first = npu.number // size * size
        return npus[first : first + size]

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
        healthy = [npu for npu in self.npus[pod.node.name] if npu.healthy]
        if not healthy:
            return none_healthy(resource)
        if (held := self._held.get(pod)) is not None:
            return "" if all(npu.healthy for npu in held) else no_longer_healthy(resource)
        available = sum(npu.idle for npu in healthy)
        return "" if available >= count else unavailable(resource, count, available)

    def _asked(self, pod: Pod) -> tuple[str, int]:
        """Which devices of its node the pod takes, and how many; of a node that nobody knows none."""
        assert pod.node is not None
        resource = self._resource.get(pod.node.name, "")
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
        """From the rings the scheduler chose, where it counts them; else from the fullest ring that has room.

        A pod whose kubelet is not heard of, so that nobody has looked at it yet, may get some that are unhealthy.
        """
        npus, (ring_size, _) = self.npus[node], self._ring[node]
        free = [npu for npu in npus if npu.idle and npu.healthy]
        rings: dict[int, list[Npu]] = {}
        for npu in free:
            rings.setdefault(npu.number // ring_size, []).append(npu)
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

    def set_state(self, npus: Iterable[Npu], state: State, cause: int) -> int:
        """NPUs of one node go to another state; the node offers those in service. Returns the record's id."""
        changed = [npu for npu in npus if npu.state != state]
        if not changed:
            return cause
        for npu in changed:
            npu.state = state
            npu.posted_unhealthy = bool(npu.unhealthy_for)
        node = changed[0].node
        self._write(node)
        numbers = tuple(npu.number for npu in changed)
        offered = sum(self._told[node])
        return self._history.append(NpuStateChanged(self._clock.now, cause, node, numbers, state, offered))

    def health_changed(self, node: str, cause: int) -> None:
        """A device plugin has called devices unhealthy, or healthy again: the node's next status says so."""
        known = self._api.machines[node]
        assert known.heartbeat is not None
        if node not in self._checks:
            when = known.heartbeat.next_check(self._clock.now)
            self._checks[node] = self._clock.at(when, self._post, node, cause)

    def _post(self, name: str, cause: int) -> None:
        """The node's status is posted."""
        self._checks.pop(name, None)
        node = self._api.machines[name]
        if not node.reachable or not self._api.has(node):
            self._unposted[name] = cause
            return
        for npu in self.npus[name]:
            npu.posted_unhealthy = bool(npu.unhealthy_for)
        if self._write(name):
            resource = self._resource[name]
            amount = node.allocatable[resource]
            self._history.append(AllocatableChanged(self._clock.now, cause, name, resource, amount))

    def node_reachable(self, node: str) -> None:
        """The node's kubelet can post its status again."""
        if (cause := self._unposted.pop(node, None)) is not None:
            self.health_changed(node, cause)

    def _offered(self, node: str) -> list[int]:
        """How many NPUs of each ring the node offers; as one ring where the scheduler does not know them."""
        size, counted = self._ring[node]
        npus = self.npus[node]
        rings = [0] * (-(-len(npus) // size) if counted else 1)
        for npu in npus:
            rings[npu.number // size if counted else 0] += npu.offered
        return rings

    def _write(self, name: str) -> bool:
        """Write what the node offers now, ring by ring where the scheduler counts so; whether that is new."""
        told, offered = self._told[name], self._offered(name)
        node, resource = self._api.machines[name], self._resource[name]
        counted = self._ring[name][1]
        self._told[name] = offered
        for ring, (before, after) in enumerate(zip(told, offered, strict=True)):
            if before != after:
                amount = node.allocatable[resource] + after - before
                self._api.set_allocatable(node, resource, amount, ring=ring if counted else None)
        return offered != told

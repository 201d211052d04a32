"""What the statuses of nodes say of their devices: which are well, and none while their plugin is not registered.

A kubelet posts its node's status every 10 s (pkg/kubelet/kubelet_node_status.go), and once when it starts: then it
knows of no device, since the plugins have yet to register with it (pkg/kubelet/cm/devicemanager/manager.go,
GetCapacity). What the platform decides about NPUs the scheduler hears of at once (`Devices.set_state`).
"""

from __future__ import annotations

from msgspec import Struct, field

from kubeinfer_sim.cluster.devices.npu import Npu
from kubeinfer_sim.cluster.environment import Environment
from kubeinfer_sim.cluster.fault_records import AllocatableChanged, DevicePluginRegistered
from kubeinfer_sim.engine.clock import Timer

#: Why a plugin is not registered: its kubelet is new.
_NEW_KUBELET = -1


class NodeDevices(Struct):
    """The devices of a node.

    Attributes:
        ring: how many of them are wired together.
        counted: the scheduler keeps account of the rings.
        allocatable: what the node's object says it offers, ring by ring, or all at once where the scheduler does
            not count so.
        absent: why their plugin is not registered: records of what took it away.
        none_posted: the node's status says that there are none.
        unposted: what the next status that is heard will tell of; None: nothing.
        fresh: its kubelet has been started, and has not posted yet.
    """

    resource: str
    npus: list[Npu]
    ring: int
    counted: bool
    allocatable: list[int] = field(default_factory=list)
    absent: set[int] = field(default_factory=set)
    none_posted: bool = False
    unposted: int | None = None
    fresh: bool = False
    check: Timer | None = None
    registers: Timer | None = None

    def __post_init__(self) -> None:
        self.allocatable = self.offered()

    def free(self) -> list[Npu]:
        """Those that are idle and healthy."""
        return [
            npu
            for npu in self.npus
            if npu.holder is None and npu.state == "inService" and not npu.unhealthy_for and not npu.occupied
        ]

    def offered(self) -> list[int]:
        """What the node offers now, as `allocatable`.

        The scheduler hears at once of what the platform decides, else by the status.
        """
        rings = [0] * (-(-len(self.npus) // self.ring) if self.counted else 1)
        for npu in self.npus if not self.none_posted else ():
            if npu.state == "inService" and not npu.posted_unhealthy:
                rings[npu.number // self.ring if self.counted else 0] += 1
        return rings


class DeviceStatuses:
    """Has them posted, for all nodes.

    Attributes:
        nodes: the devices of each node, by its name.
    """

    def __init__(self, env: Environment) -> None:
        self._clock = env.clock
        self._history = env.history
        self._api = env.api
        self.nodes: dict[str, NodeDevices] = {}

    def health_changed(self, name: str, cause: int) -> None:
        """A device plugin has called devices unhealthy, or healthy again: the node's next status says so."""
        devices, node = self.nodes[name], self._api.machines[name]
        assert node.heartbeat is not None
        if devices.check is None:
            when = node.heartbeat.next_check(self._clock.now)
            devices.check = self._clock.at(when, self._post, name, cause)

    def kubelet_starts(self, name: str, after: int, cause: int) -> None:
        """A new kubelet knows of no devices; their plugin registers so long after (ms), 0: before anybody looks."""
        devices = self.nodes[name]
        if devices.registers is not None:
            devices.registers.cancel()
        if not devices.npus or not after:
            devices.absent.discard(_NEW_KUBELET)
            return
        devices.fresh = True
        devices.unposted = cause
        devices.absent.add(_NEW_KUBELET)
        devices.registers = self._clock.after(after, self.plugin_back, name, cause, _NEW_KUBELET)

    def plugin_gone(self, name: str, cause: int) -> None:
        """The device plugin of a node is gone: its devices are unhealthy to the kubelet."""
        self.nodes[name].absent.add(cause)
        self.health_changed(name, cause)

    def plugin_back(self, name: str, cause: int, why: int) -> None:
        """What took the plugin away (its record) does so no more: it registers, unless something else does."""
        absent = self.nodes[name].absent
        absent.discard(why)
        if not absent:
            cause = self._history.append(DevicePluginRegistered(self._clock.now, cause, name))
            self.health_changed(name, cause)

    def node_reachable(self, name: str) -> None:
        """The node's kubelet can post its status again; one that has been started does so at once."""
        devices = self.nodes[name]
        cause, devices.unposted = devices.unposted, None
        if devices.fresh:
            assert cause is not None
            devices.fresh = False
            self._say(name, cause, none=True)
        elif cause is not None:
            self.health_changed(name, cause)

    def _post(self, name: str, cause: int) -> None:
        """The node's status is posted."""
        devices, node = self.nodes[name], self._api.machines[name]
        devices.check = None
        if not node.reachable or not self._api.has(node):
            devices.unposted = cause
            return
        for npu in devices.npus:
            npu.posted_unhealthy = bool(npu.unhealthy_for)
        self._say(name, cause, none=bool(devices.absent))

    def _say(self, name: str, cause: int, *, none: bool) -> None:
        self.nodes[name].none_posted = none
        if self.write(name):
            resource = self.nodes[name].resource
            amount = self._api.machines[name].allocatable[resource]
            self._history.append(AllocatableChanged(self._clock.now, cause, name, resource, amount))

    def write(self, name: str) -> bool:
        """Write what the node offers now, ring by ring where the scheduler counts so; whether that is new."""
        devices, node = self.nodes[name], self._api.machines[name]
        before, offered = devices.allocatable, devices.offered()
        devices.allocatable = offered
        for ring, (had, has) in enumerate(zip(before, offered, strict=True)):
            if had != has:
                amount = node.allocatable[devices.resource] + has - had
                self._api.set_allocatable(
                    node, devices.resource, amount, ring=ring if devices.counted else None
                )
        return offered != before

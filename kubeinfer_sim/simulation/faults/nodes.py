"""What faults can do to machines: they go down, are found faulty, drained, cut off by their switch.

Several may overlap on one machine; it is repaired once, and the repair mends all that is wrong with it by then.
"""

from __future__ import annotations

from kubeinfer_sim.cluster.cluster import Cluster
from kubeinfer_sim.cluster.devices.manager import Devices
from kubeinfer_sim.cluster.devices.repair import RepairShop
from kubeinfer_sim.cluster.disruption.drain import DrainOptions
from kubeinfer_sim.cluster.disruption.drains import Drains
from kubeinfer_sim.cluster.fault_records import FaultCleared, FaultDetected, FaultInjected
from kubeinfer_sim.cluster.node_failures import NodeFailures
from kubeinfer_sim.engine.clock import Phase
from kubeinfer_sim.engine.history import NO_CAUSE
from kubeinfer_sim.scenario.actions.model import FailureMode, Fault
from kubeinfer_sim.scenario.faults.kinds import KINDS
from kubeinfer_sim.scenario.timings.distribution import Distribution
from kubeinfer_sim.scenario.units import Millis
from kubeinfer_sim.simulation.faults.draws import FaultDraws
from kubeinfer_sim.simulation.faults.effects import Effects, Strike
from kubeinfer_sim.simulation.faults.held_nodes import HeldNodes, NodeFault


class NodeStrike(Strike, frozen=True):
    """A fault strikes a machine at `at` ms."""

    node: str
    at: Millis

    @property
    def until(self) -> Millis | None:
        """When it ends by itself."""
        return None if self.lasts is None else self.at + self.lasts


class NodeRepairs:
    """Repairs of machines; `length` is how long one takes of which nothing is said."""

    def __init__(
        self, shop: RepairShop, failures: NodeFailures | None, held: HeldNodes, length: Distribution
    ) -> None:
        self._shop = shop
        self._failures = failures
        self._held = held
        self._length = length
        self._under_way: set[str] = set()

    def order(self, strike: NodeStrike) -> None:
        """Have the machine repaired, unless it is being repaired."""
        name = strike.node
        if name not in self._under_way:
            self._under_way.add(name)
            self._shop.repair(name, strike.at, strike.fault.repair or self._length, lambda: self._done(name))

    def _done(self, name: str) -> None:
        self._under_way.discard(name)
        if self._failures is not None:
            self._failures.restore(name)
        self._held.repaired(name)


class NodeFaults:
    """Strikes machines; `failures` is there if any kind of the scenario needs it."""

    def __init__(
        self,
        cluster: Cluster,
        devices: Devices,
        failures: NodeFailures | None,
        drains: Drains,
        held: HeldNodes,
        repairs: NodeRepairs,
        draws: FaultDraws,
    ) -> None:
        env = cluster.env
        self._clock = env.clock
        self._history = env.history
        self._api = env.api
        self._kubelet = cluster.kubelet
        self._devices = devices
        self._failures = failures
        self._drains = drains
        self._held = held
        self._repairs = repairs
        self._draws = draws

    def strike(self, name: str, fault: Fault, process: str) -> None:
        """Something breaks in a machine."""
        if KINDS[fault.kind].strikes_up and not self._api.nodes[name].reachable:
            return
        now = self._clock.now
        cause = self._history.append(FaultInjected(now, NO_CAUSE, fault.kind, "", name, None, process))
        NODE_EFFECTS.of(fault.kind)(self, NodeStrike(fault, cause, name, now))

    # -- what an effect may do -----------------------------------------------------------------------------

    def go_down(self, strike: NodeStrike, mode: FailureMode) -> None:
        """The machine fails, and is back by itself when the fault ends, or when it has been repaired."""
        assert self._failures is not None
        self._failures.fail(strike.node, mode, until=strike.until, cause=strike.cause)
        if strike.until is None:
            self._repairs.order(strike)

    def stop_engines(self, strike: NodeStrike) -> None:
        """The engines on it that use NPUs exit."""
        for pod in [each for each in self._api.unfinished_on(strike.node) if each.npus]:
            self._kubelet.crash(pod, "Error", 1, cause=strike.cause)

    def lose_device_plugin(self, strike: NodeStrike) -> None:
        """Its device plugin is not registered, until the fault ends."""
        self._devices.statuses.plugin_gone(strike.node, strike.cause)
        if strike.lasts is not None:
            self._clock.after(strike.lasts, self._plugin_back, strike)

    def _plugin_back(self, strike: NodeStrike) -> None:
        now, name = self._clock.now, strike.node
        cleared = self._history.append(FaultCleared(now, strike.cause, strike.fault.kind, name, "itself"))
        self._devices.statuses.plugin_back(name, cleared, strike.cause)

    def drain(self, strike: NodeStrike) -> None:
        """People cordon and drain it, and open it again when they are done."""
        fault = NodeFault(strike.fault.kind, strike.node, strike.cause, repairable=False)
        self._held.begin(fault)
        self._drains.start((strike.node,), DrainOptions(), lambda _: self._held.hold(fault), strike.cause)
        if strike.lasts is not None:
            self._clock.after(strike.lasts, self._held.end, fault, "itself", phase=Phase.ACTION)

    def be_found_faulty(self, strike: NodeStrike, by: str, within: tuple[Millis, Millis]) -> None:
        """Somebody finds its hardware faulty after a while: no new pods, recovery acts, it is repaired."""
        low, high = within
        name = f"{strike.fault.kind}/{strike.node}"
        delay = low + int(self._draws(name).random() * (high - low))
        struck = tuple(pod.ref for pod in self._api.unfinished_on(strike.node))
        fault = NodeFault(strike.fault.kind, strike.node, strike.cause, repairable=True, struck=struck)
        self._held.begin(fault)
        self._clock.after(delay, self._found, strike, fault, by)
        if strike.lasts is not None:
            self._clock.after(strike.lasts, self._held.end, fault, "itself")

    def _found(self, strike: NodeStrike, fault: NodeFault, by: str) -> None:
        if fault.cleared:
            return  # it ended before anybody looked
        now = self._clock.now
        fault.cause = self._history.append(
            FaultDetected(now, fault.cause, fault.kind, fault.node, by, now - strike.at)
        )
        self._held.hold(fault)
        for pod in self._api.unfinished_on(fault.node):
            pod.owner.npu_fault(pod, fault, fault.cause)
        if strike.lasts is None:
            self._repairs.order(strike)


NODE_EFFECTS: Effects[NodeFaults, NodeStrike] = Effects()

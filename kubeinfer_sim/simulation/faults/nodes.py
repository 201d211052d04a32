"""Faults of machines: dead, rebooting, found faulty by NodeD, drained, cut off by their switch.

Several may overlap on one machine. It takes new pods again when the last of them is over, unless somebody had
cordoned it before; it is repaired once, and the repair mends all that is wrong with it by then.
"""

from __future__ import annotations

from kubeinfer_sim.cluster.api import Api
from kubeinfer_sim.cluster.devices.repair import RepairShop
from kubeinfer_sim.cluster.disruption.drain import DrainOptions
from kubeinfer_sim.cluster.disruption.drains import Drains
from kubeinfer_sim.cluster.fault_records import FaultCleared, FaultDetected, FaultInjected
from kubeinfer_sim.cluster.kubelet import Kubelet
from kubeinfer_sim.cluster.node_failures import NodeFailures
from kubeinfer_sim.engine.clock import Clock, Phase
from kubeinfer_sim.engine.history import NO_CAUSE, History
from kubeinfer_sim.scenario.actions.model import Fault
from kubeinfer_sim.scenario.faults.kinds import KINDS
from kubeinfer_sim.scenario.model import Distribution
from kubeinfer_sim.simulation.faults.draws import FaultDraws

#: How long NodeD takes to tell of faulty hardware, in ms: its report period, up to a poll of the hardware later.
NODE_D = (5_000, 75_000)


class NodeFault:
    """A machine's fault as recovery sees it (`pod.PlatformFault`).

    Attributes:
        cause: id of the newest record about it.
        holds: it keeps new pods off the node.
    """

    __slots__ = ("cause", "cleared", "holds", "kind")

    def __init__(self, kind: str, cause: int) -> None:
        self.kind = kind
        self.cause = cause
        self.cleared = False
        self.holds = False


class NodeFaults:
    """Strikes machines.

    `repair` is how long a repair takes of which nothing is said.
    """

    def __init__(
        self,
        clock: Clock,
        history: History,
        api: Api,
        kubelet: Kubelet,
        failures: NodeFailures,
        drains: Drains,
        shop: RepairShop,
        repair: Distribution,
        *,
        source: FaultDraws,
    ) -> None:
        self._clock = clock
        self._history = history
        self._api = api
        self._kubelet = kubelet
        self._failures = failures
        self._drains = drains
        self._shop = shop
        self._repair_time = repair
        self._source = source
        # By node: the faults that last, and whether somebody else had cordoned it before the first that holds it.
        self._lasting: dict[str, dict[NodeFault, None]] = {}
        self._cordoned_before: dict[str, bool] = {}
        self._repairing: set[str] = set()

    def strike(self, name: str, fault: Fault, process: str) -> None:
        """Something breaks in a machine; what is down already cannot go down once more."""
        now, kind, failures = self._clock.now, fault.kind, self._failures
        if kind in ("NodeDeath", "NodeReboot") and not self._api.nodes[name].reachable:
            return
        cause = self._history.append(FaultInjected(now, NO_CAUSE, kind, "", name, None, process))
        lasts = KINDS[kind].lasts if fault.clears_after is None else fault.clears_after
        until = None if lasts is None else now + lasts
        if kind == "NodeReboot":
            failures.fail(name, "reboot", until=until, cause=cause)
        elif kind == "NodeDeath":
            failures.fail(name, "silent", until=until, cause=cause)
            if until is None:
                self._repair(name, now, fault)
        elif kind == "SwitchFault":
            for pod in [each for each in self._api.pods_on(name) if each.npus]:
                self._kubelet.crash(pod, "Error", 1, cause=cause)
        elif kind == "Maintenance":
            lasting = self._begins(name, NodeFault(kind, cause))
            self._drains.start((name,), DrainOptions(), lambda each: self._hold(each, lasting), cause)
            if lasts is not None:
                self._clock.after(lasts, self._over, name, lasting, "itself", phase=Phase.ACTION)
        else:
            low, high = NODE_D
            delay = low + int(self._source(f"{kind}/{name}").random() * (high - low))
            lasting = self._begins(name, NodeFault(kind, cause))
            self._clock.after(delay, self._known, name, lasting, fault, now)
            if lasts is not None:
                self._clock.after(lasts, self._over, name, lasting, "itself")

    # -- faults that last ----------------------------------------------------------------------------------

    def _begins(self, name: str, fault: NodeFault) -> NodeFault:
        self._lasting.setdefault(name, {})[fault] = None
        return fault

    def _known(self, name: str, lasting: NodeFault, fault: Fault, began: int) -> None:
        """NodeD has found the hardware faulty: nothing new is placed, what runs there goes elsewhere."""
        if lasting.cleared:
            return  # it ended before NodeD looked
        now = self._clock.now
        lasting.cause = self._history.append(
            FaultDetected(now, lasting.cause, lasting.kind, name, "NodeD", now - began)
        )
        self._hold(name, lasting)
        for pod in self._api.pods_on(name):
            pod.owner.npu_fault(pod, lasting, lasting.cause)
        if fault.clears_after is None:
            self._repair(name, began, fault)

    def _over(self, name: str, lasting: NodeFault, how: str) -> None:
        if lasting.cleared:
            return
        lasting.cleared = True
        del self._lasting[name][lasting]
        lasting.cause = self._history.append(
            FaultCleared(self._clock.now, lasting.cause, lasting.kind, name, how)
        )
        if lasting.holds:
            self._release(name, lasting.cause)

    # -- keeping new pods off ------------------------------------------------------------------------------

    def _hold(self, name: str, lasting: NodeFault) -> None:
        if not any(each.holds for each in self._lasting[name]):
            self._cordoned_before[name] = self._api.nodes[name].unschedulable
        lasting.holds = True
        self._api.cordon(self._api.nodes[name], True, lasting.cause)

    def _release(self, name: str, cause: int) -> None:
        """One fault less: the node is open again when none is left, as far as it was before."""
        if not any(each.holds for each in self._lasting[name]) and not self._cordoned_before.pop(name):
            self._api.cordon(self._api.nodes[name], False, cause)

    # -- repairs -------------------------------------------------------------------------------------------

    def _repair(self, name: str, broke: int, fault: Fault) -> None:
        """Order a repair, unless the machine is being repaired already."""
        if name not in self._repairing:
            self._repairing.add(name)
            self._shop.repair(name, broke, fault.repair or self._repair_time, lambda: self._mended(name))

    def _mended(self, name: str) -> None:
        self._repairing.discard(name)
        self._failures.restore(name)
        for lasting in [each for each in self._lasting.get(name, ()) if each.kind != "Maintenance"]:
            self._over(name, lasting, "repaired")

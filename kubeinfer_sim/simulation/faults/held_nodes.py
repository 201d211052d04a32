"""Machines with faults that last, and the nodes kept from new pods for their sake.

Several faults may hold one node: it takes new pods again when the last of them is over, unless somebody had cordoned
it before.
"""

from __future__ import annotations

from collections.abc import Sequence

from kubeinfer_sim.cluster.environment import Environment
from kubeinfer_sim.cluster.fault_records import FaultCleared
from kubeinfer_sim.cluster.records import PodRef


class NodeFault:
    """A fault of a machine that lasts (`cluster.pod.PlatformFault`).

    Attributes:
        cause: id of the newest record about it.
        struck: the pods on the machine when it broke.
        repairable: the next repair of the machine ends it.
        holds: it keeps new pods off the node.
    """

    __slots__ = ("cause", "cleared", "holds", "kind", "node", "repairable", "struck")

    def __init__(
        self, kind: str, node: str, cause: int, *, repairable: bool, struck: Sequence[PodRef] = ()
    ) -> None:
        self.kind = kind
        self.node = node
        self.cause = cause
        self.struck = struck
        self.repairable = repairable
        self.cleared = False
        self.holds = False


class HeldNodes:
    """Keeps account of them."""

    def __init__(self, env: Environment) -> None:
        self._clock = env.clock
        self._history = env.history
        self._api = env.api
        # By node: the faults that last, how many of them hold it, and whether it was cordoned before the first.
        self._lasting: dict[str, dict[NodeFault, None]] = {}
        self._holding: dict[str, int] = {}
        self._cordoned_before: dict[str, bool] = {}

    @property
    def any(self) -> bool:
        """Whether any fault lasts."""
        return any(self._lasting.values())

    def begin(self, fault: NodeFault) -> None:
        """The fault lasts from now on."""
        self._lasting.setdefault(fault.node, {})[fault] = None

    def hold(self, fault: NodeFault) -> None:
        """The fault keeps new pods off its node."""
        node = self._api.machines[fault.node]
        if not self._holding.get(node.name):
            self._cordoned_before[node.name] = node.unschedulable
        if not fault.holds:
            self._holding[node.name] = self._holding.get(node.name, 0) + 1
        fault.holds = True
        self._api.cordon(node, True, fault.cause)

    def end(self, fault: NodeFault, how: str) -> None:
        """The fault is over, if it was not before; `how` as in `FaultCleared`."""
        if fault.cleared:
            return
        name = fault.node
        fault.cleared = True
        del self._lasting[name][fault]
        fault.cause = self._history.append(FaultCleared(self._clock.now, fault.cause, fault.kind, name, how))
        if not fault.holds:
            return
        self._holding[name] -= 1
        if not self._holding[name] and not self._cordoned_before.pop(name):
            self._api.cordon(self._api.machines[name], False, fault.cause)

    def repaired(self, name: str) -> None:
        """The machine is well again."""
        for fault in [each for each in self._lasting.get(name, ()) if each.repairable]:
            self.end(fault, "repaired")

"""Faults put into a run: found what they strike, and struck as their kinds do."""

from __future__ import annotations

# The functions of the kinds register themselves.
import kubeinfer_sim.simulation.faults.node_kinds
import kubeinfer_sim.simulation.faults.npu_kinds
import kubeinfer_sim.simulation.faults.shared_kinds  # noqa: F401
from kubeinfer_sim.cluster.environment import Environment
from kubeinfer_sim.cluster.fault_records import StruckNothing
from kubeinfer_sim.cluster.pod import PodState
from kubeinfer_sim.engine.history import NO_CAUSE
from kubeinfer_sim.scenario.actions.model import Fault
from kubeinfer_sim.scenario.faults.kinds import KINDS
from kubeinfer_sim.simulation.faults.nodes import NodeFaults
from kubeinfer_sim.simulation.faults.npus import NpuFaults
from kubeinfer_sim.simulation.faults.pod_kinds import AT_ONCE
from kubeinfer_sim.simulation.faults.pods import PodFaults
from kubeinfer_sim.simulation.faults.selection import Selection
from kubeinfer_sim.simulation.faults.shared import SharedFaults


class Injector:
    """Injects them.

    Attributes:
        struck: how many it has.
    """

    def __init__(
        self,
        env: Environment,
        selection: Selection,
        npus: NpuFaults,
        pods: PodFaults,
        nodes: NodeFaults,
        shared: SharedFaults,
    ) -> None:
        self._env = env
        self._selection = selection
        self._npus = npus
        self._pods = pods
        self._nodes = nodes
        self._shared = shared
        self.struck = 0

    def inject(self, fault: Fault, process: str = "") -> None:
        """Something breaks now; `process` is the fault process it comes from."""
        self.struck += 1
        match KINDS[fault.kind].strikes:
            case "npu":
                npus = self._selection.npus(fault)
                for npu in npus:
                    self._npus.strike(npu, fault, process)
                self._note(fault, process, bool(npus))
            case "pod":
                pods = self._selection.pods(fault)
                if fault.kind in AT_ONCE and not process:
                    pods = [pod for pod in pods if pod.state is PodState.RUNNING]
                for pod in pods:
                    self._pods.strike(pod, fault, process)
                self._note(fault, process, bool(pods))
            case "node":
                names = self._selection.nodes(fault)
                for name in names:
                    self._nodes.strike(name, fault, process)
                self._note(fault, process, bool(names))
            case "cluster":
                self._shared.strike(fault, process)

    def _note(self, fault: Fault, process: str, struck: bool) -> None:
        """Note a fault of the time line that struck nothing; one that comes by chance may."""
        if not struck and not process:
            there = self._selection.missed(fault)
            self._env.history.append(StruckNothing(self._env.clock.now, NO_CAUSE, fault, there))

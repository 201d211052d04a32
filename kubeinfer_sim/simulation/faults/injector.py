"""Faults put into a run: found what they strike, and struck as their kinds do."""

from __future__ import annotations

# The functions of the kinds register themselves.
import kubeinfer_sim.simulation.faults.node_kinds
import kubeinfer_sim.simulation.faults.npu_kinds
import kubeinfer_sim.simulation.faults.pod_kinds
import kubeinfer_sim.simulation.faults.shared_kinds  # noqa: F401
from kubeinfer_sim.scenario.actions.model import Fault
from kubeinfer_sim.scenario.faults.kinds import KINDS
from kubeinfer_sim.simulation.faults.nodes import NodeFaults
from kubeinfer_sim.simulation.faults.npus import NpuFaults
from kubeinfer_sim.simulation.faults.pods import PodFaults
from kubeinfer_sim.simulation.faults.selection import Selection
from kubeinfer_sim.simulation.faults.shared import SharedFaults


class Injector:
    """Injects them."""

    def __init__(
        self,
        selection: Selection,
        npus: NpuFaults,
        pods: PodFaults,
        nodes: NodeFaults,
        shared: SharedFaults,
    ) -> None:
        self._selection = selection
        self._npus = npus
        self._pods = pods
        self._nodes = nodes
        self._shared = shared

    def inject(self, fault: Fault, process: str = "") -> None:
        """Something breaks now; `process` is the fault process it comes from."""
        match KINDS[fault.kind].strikes:
            case "npu":
                for npu in self._selection.npus(fault):
                    self._npus.strike(npu, fault, process)
            case "pod":
                for pod in self._selection.pods(fault):
                    self._pods.strike(pod, fault, process)
            case "node":
                for name in self._selection.nodes(fault):
                    self._nodes.strike(name, fault, process)
            case "cluster":
                self._shared.strike(fault, process)

"""The kinds of faults that strike machines: what each does."""

from __future__ import annotations

from kubeinfer_sim.scenario.faults.kinds import KINDS
from kubeinfer_sim.simulation.faults.nodes import NODE_EFFECTS, NodeFaults, NodeStrike

#: When NodeD has told of faulty hardware, in ms: its report period, up to a poll of the hardware later.
NODE_D = (5_000, 75_000)


@NODE_EFFECTS("NodeDeath")
def node_death(nodes: NodeFaults, strike: NodeStrike) -> None:
    """Nobody is told: its heartbeats cease."""
    nodes.go_down(strike, "silent")


@NODE_EFFECTS("NodeReboot")
def node_reboot(nodes: NodeFaults, strike: NodeStrike) -> None:
    """It goes down, and comes back with nothing in memory."""
    nodes.go_down(strike, "reboot")


@NODE_EFFECTS("NodeHardware")
def node_hardware(nodes: NodeFaults, strike: NodeStrike) -> None:
    """NodeD sees what is wrong with it."""
    nodes.be_found_faulty(strike, KINDS[strike.fault.kind].detected_by, NODE_D)


@NODE_EFFECTS("Maintenance")
def maintenance(nodes: NodeFaults, strike: NodeStrike) -> None:
    """Somebody needs it empty for a while."""
    nodes.drain(strike)


@NODE_EFFECTS("DevicePluginDown")
def device_plugin_down(nodes: NodeFaults, strike: NodeStrike) -> None:
    """The kubelet finds all devices unhealthy, and the node offers none from its next status on."""
    nodes.lose_device_plugin(strike)


@NODE_EFFECTS("SwitchFault")
def switch_fault(nodes: NodeFaults, strike: NodeStrike) -> None:
    """All pods behind the switch lose their peers."""
    nodes.stop_engines(strike)

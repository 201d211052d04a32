"""The scheduler: gangs of pods onto nodes, and why they wait."""

from kubeinfer_sim.cluster.scheduler.gang import Gang, GangPod
from kubeinfer_sim.cluster.scheduler.node_index import Stats
from kubeinfer_sim.cluster.scheduler.node_state import NodeState
from kubeinfer_sim.cluster.scheduler.scheduler import Placement, Scheduler

__all__ = ["Gang", "GangPod", "NodeState", "Placement", "Scheduler", "Stats"]

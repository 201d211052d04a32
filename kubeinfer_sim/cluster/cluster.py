"""A simulated cluster, as the controllers of workloads see it."""

from __future__ import annotations

from msgspec import Struct

from kubeinfer_sim.cluster.environment import Environment
from kubeinfer_sim.cluster.kubelet import Kubelet
from kubeinfer_sim.cluster.scheduler.gang_scheduling import GangScheduling


class Cluster(Struct, frozen=True):
    """Where pods are made and deleted, who places them, and who runs them.

    Attributes:
        kubelet: ends processes of containers; all else about pods is said to the API.
    """

    env: Environment
    scheduling: GangScheduling
    kubelet: Kubelet

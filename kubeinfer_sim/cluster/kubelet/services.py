"""What all parts of the kubelets use."""

from __future__ import annotations

from msgspec import Struct

from kubeinfer_sim.cluster.kubelet.probe_manager import ProbeManager
from kubeinfer_sim.cluster.kubelet.set_up_planner import SetUpPlanner
from kubeinfer_sim.cluster.kubelet.stage_draws import StageDraws
from kubeinfer_sim.cluster.kubelet.status_manager import StatusManager
from kubeinfer_sim.engine.clock import Clock
from kubeinfer_sim.engine.history import History
from kubeinfer_sim.engine.streams import Streams
from kubeinfer_sim.manifest.releases import Release


class Services(Struct, frozen=True):
    """Time, chance, the history, and those parts of the kubelets that know none of the others."""

    clock: Clock
    history: History
    streams: Streams
    draws: StageDraws
    status: StatusManager
    probes: ProbeManager
    planner: SetUpPlanner
    kubernetes: Release

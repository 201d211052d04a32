"""The kubelets of all nodes: `kubelet.py` says what parts there are."""

from kubeinfer_sim.cluster.kubelet.kubelet import Kubelet, KubeletSettings
from kubeinfer_sim.cluster.kubelet.probe_manager import RUNNING_SINCE

__all__ = ["RUNNING_SINCE", "Kubelet", "KubeletSettings"]

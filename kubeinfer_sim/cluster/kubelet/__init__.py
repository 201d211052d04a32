"""The kubelets of all nodes: `kubelet.py` says what parts there are."""

from kubeinfer_sim.cluster.kubelet.image_pull import ImageError
from kubeinfer_sim.cluster.kubelet.kubelet import Kubelet, KubeletSettings
from kubeinfer_sim.cluster.kubelet.probe_manager import RUNNING_SINCE

__all__ = ["RUNNING_SINCE", "ImageError", "Kubelet", "KubeletSettings"]

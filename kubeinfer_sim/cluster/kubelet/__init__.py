"""The kubelets of all nodes: a pod's life from the moment it has a node until it is gone.

One object, in layers that each know those below: shared state, probes (`probing`), the engine's start (`engine`),
containers that die (`restarts`), set-up (`set_up`), images of containers started again (`restart_pulls`), init
containers that fail (`init_containers`), `sidecars`, the end of a pod (`stopping`), restarts of whole pods
(`in_place`), nodes that fail (`outages`), kubelets that are restarted (`kubelet_restart`). A pod costs a handful of
timers in its whole life: each stage is computed when it begins, and the prober says which of its ticks will matter.
"""

from kubeinfer_sim.cluster.kubelet.kubelet_restart import KubeletRestarts
from kubeinfer_sim.cluster.kubelet.state import RUNNING_SINCE
from kubeinfer_sim.cluster.watcher import Watcher


class Kubelet(KubeletRestarts, Watcher):
    """All kubelets."""


__all__ = ["RUNNING_SINCE", "Kubelet"]

"""What plugins share: how a filter says no, and the view of the cluster they all look at.

A plugin's `filters(pod, cluster)` looks at the cluster once and returns the check of one node (None: it has
nothing to say about this pod); `scores(pod, cluster, feasible)` returns 0 to 100 for each feasible node (None: it
is skipped).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from msgspec import Struct, field

from kubeinfer_sim.cluster.scheduler.node_state import NodeState
from kubeinfer_sim.cluster.scheduler.pods import PodSpec, Selector
from kubeinfer_sim.manifest.kubernetes.labels import Requirement
from kubeinfer_sim.manifest.releases import LATEST, Release

MAX_SCORE = 100


class Rejection(Struct, frozen=True):
    """Why a plugin turns a node down; `unresolvable` when no preemption there could help."""

    plugin: str
    reasons: tuple[str, ...]
    unresolvable: bool = False


Filter = Callable[[NodeState], Rejection | None]


class Cluster(Struct):
    """All the scheduler sees.

    Attributes:
        nodes: with the pods on them.
        namespaces: labels of the known namespaces, by name.
        services: (namespace, labels a pod must have) of each Service with a selector.
        kubernetes: its release, for what it says and how it scores.
        workloads: selector of each ReplicaSet, ReplicationController and StatefulSet by (namespace, kind, name).
    """

    nodes: Sequence[NodeState]
    namespaces: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    services: Sequence[tuple[str, Mapping[str, str]]] = ()
    workloads: Mapping[tuple[str, str, str], Selector] = field(default_factory=dict)
    kubernetes: Release = LATEST

    def siblings(self, pod: PodSpec) -> Selector:
        """Selects the pods that do the same work, by Services and by owner; None when nothing tells.

        Source: pkg/scheduler/framework/plugins/helper/spread.go (DefaultSelector).
        """
        labels: dict[str, str] = {}
        for namespace, selector in self.services:
            if namespace == pod.namespace and all(pod.labels.get(k) == v for k, v in selector.items()):
                labels.update(selector)
        requirements = tuple(Requirement(key, "=", (value,)) for key, value in sorted(labels.items()))
        if pod.owner is not None:
            requirements += self.workloads.get((pod.namespace, *pod.owner)) or ()
        return requirements or None


def normalized(raw: Mapping[str, int], *, reverse: bool = False) -> dict[str, int]:
    """Scores scaled so that the largest is 100, or with `reverse` that what is 0 gets 100.

    Source: pkg/scheduler/framework/plugins/helper/normalize_score.go.
    """
    largest = max(raw.values(), default=0)
    if largest == 0:
        return dict.fromkeys(raw, MAX_SCORE if reverse else 0)
    scaled = {name: score * MAX_SCORE // largest for name, score in raw.items()}
    return {name: MAX_SCORE - score for name, score in scaled.items()} if reverse else scaled

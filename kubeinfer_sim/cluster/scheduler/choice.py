"""Which node a pod of a gang goes to: by the index where that is exact, else by the filters and scores themselves.

Three ways, the cheapest that gives the right answer:

- bisection in the index, for pods that only ask for resources and kinds of nodes;
- kube-scheduler's scores over one node of each kind, where scores are asked for;
- every node, for pods whose constraints are about other pods (affinity, spread, host ports).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from typing import TYPE_CHECKING, Literal

from msgspec.structs import replace

from kubeinfer_sim.cluster.scheduler.binpack import Binpack
from kubeinfer_sim.cluster.scheduler.node_class import accepts
from kubeinfer_sim.cluster.scheduler.node_index import NodeIndex
from kubeinfer_sim.cluster.scheduler.node_state import NodeState
from kubeinfer_sim.cluster.scheduler.plugins.interface import Cluster
from kubeinfer_sim.cluster.scheduler.pods import PODS, Pod, PodSpec
from kubeinfer_sim.manifest.releases import LATEST, Release

if TYPE_CHECKING:  # filters and scores are imported when the first pod cannot do without them
    from kubeinfer_sim.cluster.scheduler.framework import Profile

#: `default` places as kube-scheduler's default profile does; the others fill, or spread over, the nodes.
Placing = Literal["mostAllocated", "leastAllocated", "default"]


class NodeChoice:
    """Chooses nodes for single pods.

    Of nodes with the same score kube-scheduler takes one at random (selectHost in pkg/scheduler/schedule_one.go): with
    `default` placing that one which `chance` says for the pod's key. Without it, and placing otherwise, the first.

    Attributes:
        draws: whether chance chooses among equal nodes.
    """

    def __init__(
        self,
        index: NodeIndex,
        placing: Placing,
        chance: Callable[[Hashable], float] | None = None,
        *,
        binpack: Binpack | None = None,
        spreads: bool = True,
        kubernetes: Release = LATEST,
    ) -> None:
        """Choose among the nodes of an index.

        With a `binpack` its score is added to those of `default` placing. `spreads`: pods of one Service or ReplicaSet
        are kept apart there, where they can be. `kubernetes`: the release whose scores count.
        """
        self._index = index
        self._binpack = binpack
        self._spreads = spreads
        self._kubernetes = kubernetes
        self._placing = placing
        self._chance = chance if placing == "default" else None
        self.draws = self._chance is not None
        self._has_siblings: dict[PodSpec, bool] = {}

    def is_independent(self, spec: PodSpec) -> bool:
        """Whether no constraint ties a pod of this spec to the pods that are on nodes now."""
        if spec.needs_neighbours:
            return False
        with_affinity = self._index.specs_with_affinity
        return not with_affinity or not any(
            term.matches(spec, self._index.cluster.namespaces)
            for other in with_affinity
            for term in other.anti_affinity
        )

    def best(self, pod: Pod) -> NodeState | None:
        """The node for a pod; None when none takes it. The pod notes whether chance chose it."""
        pod.drawn = False
        index, spec = self._index, pod.spec
        if not self.is_independent(spec):
            return self._judged(pod)
        if self._placing != "default" and not spec.has_preferences:
            return index.best(spec)
        if self._scored_by_neighbours(spec):
            return self._judged(pod)
        kinds = index.kinds(spec)
        best = list(kinds)
        if len(best) > 1:
            best = self._best_of(pod, best, Cluster(best, kubernetes=self._kubernetes))
        if self._chance is None or not best:
            return best[0] if best else None
        node, among = index.some(spec, [kinds[node] for node in best], self._chance(pod.key))
        pod.drawn = among > 1
        return node

    def takes(self, node: NodeState, pod: Pod) -> bool:
        """Whether a node takes a pod."""
        if self.is_independent(pod.spec):
            return accepts(node, pod.spec) and node.fits(pod.spec)
        from kubeinfer_sim.cluster.scheduler import framework

        return framework.first_rejection(framework.prepare(pod, self._index.cluster), node) is None

    def feasible(self, pod: Pod) -> list[NodeState]:
        """Every node that takes a pod, the best last."""
        from kubeinfer_sim.cluster.scheduler import framework

        nodes = framework.judge(pod, self._index.cluster).feasible
        self._index.stats.nodes += len(self._index.nodes)
        if len(nodes) < 2:
            return nodes
        total = self.totals(pod, nodes, self._index.cluster)
        return sorted(nodes, key=lambda node: (total[node.name], -node.order))

    def totals(self, pod: Pod, nodes: list[NodeState], cluster: Cluster) -> Mapping[str, float]:
        """The sum of all scores, by node."""
        from kubeinfer_sim.cluster.scheduler import framework

        scores = framework.score(pod, cluster, nodes, self._profile(pod.spec))
        total: Mapping[str, float] = framework.totals(scores, nodes)
        packed = None if self._binpack is None else self._binpack.scores(pod.spec, nodes)
        if packed is None:
            return total
        return {name: score + packed[name] for name, score in total.items()}

    def _scored_by_neighbours(self, spec: PodSpec) -> bool:
        """Whether scores depend on more of a node than its kind."""
        index = self._index
        if spec.spread or spec.preferred_pod_affinity or spec.preferred_pod_anti_affinity:
            return True
        if any(index.names_nodes(key) for key in spec.preferred_keys) or spec.prefers_by_name:
            return True
        return self._placing == "default" and (bool(index.specs_with_affinity) or self._is_spread(spec))

    def _is_spread(self, spec: PodSpec) -> bool:
        """Whether the system's default constraints spread its pods: those of a Service or of a ReplicaSet."""
        if not self._spreads:
            return False
        known = self._has_siblings.get(spec)
        if known is None:
            known = self._has_siblings[spec] = self._index.cluster.siblings(spec) is not None
        return known

    def _judged(self, pod: Pod) -> NodeState | None:
        from kubeinfer_sim.cluster.scheduler import framework

        self._index.stats.nodes += len(self._index.nodes)
        cluster = self._index.cluster
        best = self._best_of(pod, framework.judge(pod, cluster).feasible, cluster)
        if self._chance is None or len(best) < 2:
            return best[0] if best else None
        pod.drawn = True
        return best[int(self._chance(pod.key) * len(best))]

    def _best_of(self, pod: Pod, nodes: list[NodeState], cluster: Cluster) -> list[NodeState]:
        """Those with the best score, in their order."""
        if len(nodes) < 2:
            return nodes
        total = self.totals(pod, nodes, cluster)
        largest = max(total.values())
        return sorted((node for node in nodes if total[node.name] == largest), key=lambda node: node.order)

    def _profile(self, spec: PodSpec) -> Profile:
        """The default profile, or the same with all that the pod requests filled up, or spread."""
        from kubeinfer_sim.cluster.scheduler.framework import DEFAULT_PROFILE
        from kubeinfer_sim.cluster.scheduler.plugins.node_resources_fit import Strategy

        if self._placing == "default":
            return DEFAULT_PROFILE
        kind: Literal["MostAllocated", "LeastAllocated"] = (
            "MostAllocated" if self._placing == "mostAllocated" else "LeastAllocated"
        )
        resources = tuple((name, 1) for name in spec.resources if name != PODS)
        return replace(DEFAULT_PROFILE, strategy=Strategy(kind, resources))

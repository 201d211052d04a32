"""InterPodAffinity: near some pods, far from others, where near means the same value of a node label.

Source: pkg/scheduler/framework/plugins/interpodaffinity/filtering.go, scoring.go.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from kubeinfer_sim.cluster.scheduler.node_state import NodeState
from kubeinfer_sim.cluster.scheduler.plugins.interface import MAX_SCORE, Cluster, Filter, Rejection
from kubeinfer_sim.cluster.scheduler.pods import Pod, PodAffinityTerm, PodSpec

NAME = "InterPodAffinity"
REASON_AFFINITY = "node(s) didn't match pod affinity rules"
REASON_ANTI_AFFINITY = "node(s) didn't match pod anti-affinity rules"
REASON_EXISTING = "node(s) didn't satisfy existing pods anti-affinity rules"
#: What a required affinity term of an existing pod weighs in the score (InterPodAffinityArgs).
HARD_AFFINITY_WEIGHT = 1

#: Topology key and value: a domain.
Domain = tuple[str, str]


def _matches_all(terms: Sequence[PodAffinityTerm], pod: PodSpec, cluster: Cluster) -> bool:
    return all(term.matches(pod, cluster.namespaces) for term in terms)


def _domains(terms: Sequence[PodAffinityTerm], node: NodeState) -> Iterator[Domain]:
    for term in terms:
        value = node.labels.get(term.topology_key)
        if value is not None:
            yield term.topology_key, value


def filters(pod: Pod, cluster: Cluster) -> Filter | None:
    """The check of one node; None when neither the pod nor any pod that is there has required terms for it.

    All required affinity terms must be met by one and the same pod; a pod that meets its own terms may be the first of
    its kind.
    """
    spec, namespaces = pod.spec, cluster.namespaces
    near: Counter[Domain] = Counter()
    far: Counter[Domain] = Counter()
    kept_away: set[Domain] = set()
    for node in cluster.nodes:
        for other in node.pods.values():
            if spec.affinity and _matches_all(spec.affinity, other.spec, cluster):
                near.update(_domains(spec.affinity, node))
            far.update(
                _domains([term for term in spec.anti_affinity if term.matches(other.spec, namespaces)], node)
            )
            kept_away.update(
                _domains([term for term in other.spec.anti_affinity if term.matches(spec, namespaces)], node)
            )
    if not (spec.affinity or spec.anti_affinity or kept_away):
        return None
    first_of_its_kind = not near and _matches_all(spec.affinity, spec, cluster)

    def check(node: NodeState) -> Rejection | None:
        domains = list(_domains(spec.affinity, node))
        if len(domains) < len(spec.affinity) or not (
            first_of_its_kind or all(near[domain] for domain in domains)
        ):
            return Rejection(NAME, (REASON_AFFINITY,), True)
        if any(far[domain] for domain in _domains(spec.anti_affinity, node)):
            return Rejection(NAME, (REASON_ANTI_AFFINITY,))
        if any(node.labels.get(key) == value for key, value in kept_away):
            return Rejection(NAME, (REASON_EXISTING,))
        return None

    return check


def scores(pod: Pod, cluster: Cluster, feasible: Sequence[NodeState]) -> dict[str, int] | None:
    """Preferred terms of the pod and, seen from the other side, of the pods that are there; None without any."""
    spec, namespaces = pod.spec, cluster.namespaces
    weights: dict[Domain, int] = {}
    for node in cluster.nodes:
        for existing in node.pods.values():
            other = existing.spec
            pairs = (
                *((weight, term, other) for weight, term in spec.preferred_pod_affinity),
                *((-weight, term, other) for weight, term in spec.preferred_pod_anti_affinity),
                *((HARD_AFFINITY_WEIGHT, term, spec) for term in other.affinity),
                *((weight, term, spec) for weight, term in other.preferred_pod_affinity),
                *((-weight, term, spec) for weight, term in other.preferred_pod_anti_affinity),
            )
            for weight, term, meant in pairs:
                value = node.labels.get(term.topology_key)
                if value is not None and term.matches(meant, namespaces):
                    domain = term.topology_key, value
                    weights[domain] = weights.get(domain, 0) + weight
    if not weights:
        return None
    raw = {
        node.name: sum(weight for (key, value), weight in weights.items() if node.labels.get(key) == value)
        for node in feasible
    }
    least, most = min(raw.values()), max(raw.values())
    spread = most - least
    return {name: int(MAX_SCORE * ((score - least) / spread)) if spread else 0 for name, score in raw.items()}

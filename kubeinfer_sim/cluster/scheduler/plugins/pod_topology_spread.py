"""PodTopologySpread: keep the pods of a kind evenly spread over zones, hosts or any other label.

Source: pkg/scheduler/framework/plugins/podtopologyspread/filtering.go, scoring.go, common.go, plugin.go.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from math import floor, log

from kubeinfer_sim.cluster.scheduler.node_state import NodeState
from kubeinfer_sim.cluster.scheduler.plugins import node_affinity, taint_toleration
from kubeinfer_sim.cluster.scheduler.plugins.interface import MAX_SCORE, Cluster, Filter, Rejection
from kubeinfer_sim.cluster.scheduler.pods import Pod, PodSpec, Selector, SpreadConstraint, selects
from kubeinfer_sim.manifest.kubernetes.well_known_labels import HOSTNAME

NAME = "PodTopologySpread"
REASON = "node(s) didn't match pod topology spread constraints"
REASON_NO_LABEL = f"{REASON} (missing required label)"
#: What a pod of a Service or a workload without constraints of its own gets: key and maxSkew, ScheduleAnyway.
SYSTEM_DEFAULTS = ((HOSTNAME, 3), ("topology.kubernetes.io/zone", 5))


def _count(node: NodeState, selector: Selector, namespace: str) -> int:
    return sum(
        not pod.terminating and pod.spec.namespace == namespace and selects(selector, pod.spec.labels)
        for pod in node.pods.values()
    )


def _has_all_keys(node: NodeState, constraints: Sequence[SpreadConstraint]) -> bool:
    return all(constraint.topology_key in node.labels for constraint in constraints)


def _counts_for(constraint: SpreadConstraint, spec: PodSpec, node: NodeState) -> bool:
    """Whether the constraint's inclusion policies let a node's domain count."""
    return not (
        (constraint.honor_affinity and not node_affinity.accepts(spec, node))
        or (
            constraint.honor_taints
            and taint_toleration.untolerated(node.taints, spec.tolerations) is not None
        )
    )


def filters(pod: Pod, cluster: Cluster) -> Filter | None:
    """The check of one node; None for a pod without DoNotSchedule constraints."""
    spec = pod.spec
    constraints = [constraint for constraint in spec.spread if constraint.hard]
    if not constraints:
        return None
    counts: list[Counter[str]] = [Counter() for _ in constraints]
    for node in cluster.nodes:
        if not _has_all_keys(node, constraints):
            continue
        for constraint, per_domain in zip(constraints, counts, strict=True):
            if _counts_for(constraint, spec, node):
                domain = node.labels[constraint.topology_key]
                per_domain[domain] += _count(node, constraint.selector, spec.namespace)
    limits = [
        # With fewer domains than asked for, the emptiest is taken to be one that is not there yet.
        constraint.max_skew
        + (min(per_domain.values()) if len(per_domain) >= constraint.min_domains else 0)
        - selects(constraint.selector, spec.labels)
        for constraint, per_domain in zip(constraints, counts, strict=True)
    ]

    def check(node: NodeState) -> Rejection | None:
        for constraint, per_domain, limit in zip(constraints, counts, limits, strict=True):
            domain = node.labels.get(constraint.topology_key)
            if domain is None:
                return Rejection(NAME, (REASON_NO_LABEL,), True)
            if per_domain[domain] > limit:
                return Rejection(NAME, (REASON,))
        return None

    return check


def soft_constraints(spec: PodSpec, cluster: Cluster) -> tuple[SpreadConstraint, ...]:
    """The ScheduleAnyway constraints: the pod's own, or the system's where it has none at all."""
    if spec.spread:
        return tuple(constraint for constraint in spec.spread if not constraint.hard)
    siblings = cluster.siblings(spec)
    if siblings is None:
        return ()
    return tuple(SpreadConstraint(key, siblings, skew, hard=False) for key, skew in SYSTEM_DEFAULTS)


def scores(pod: Pod, cluster: Cluster, feasible: Sequence[NodeState]) -> dict[str, int] | None:
    """The fewer pods of the kind in the node's domains, the more; None without ScheduleAnyway constraints."""
    spec = pod.spec
    constraints = soft_constraints(spec, cluster)
    if not constraints:
        return None
    # A node without a zone label is still spread by host under the system's defaults.
    need_all_keys = bool(spec.spread)
    scored = [node for node in feasible if not need_all_keys or _has_all_keys(node, constraints)]
    counts: list[dict[str, int]] = []
    weights = []
    for constraint in constraints:
        by_host = constraint.topology_key == HOSTNAME
        domains = {} if by_host else {node.labels.get(constraint.topology_key, ""): 0 for node in scored}
        counts.append(domains)
        weights.append(log((len(scored) if by_host else len(domains)) + 2))
    for node in cluster.nodes:
        if need_all_keys and not _has_all_keys(node, constraints):
            continue
        for constraint, domains in zip(constraints, counts, strict=True):
            domain = node.labels.get(constraint.topology_key, "")
            if domain in domains and _counts_for(constraint, spec, node):
                domains[domain] += _count(node, constraint.selector, spec.namespace)
    raw: dict[str, int] = {}
    for node in scored:
        score = 0.0
        for constraint, domains, weight in zip(constraints, counts, weights, strict=True):
            label = node.labels.get(constraint.topology_key)
            if label is None:
                continue
            if constraint.topology_key == HOSTNAME:
                count = _count(node, constraint.selector, spec.namespace)
            else:
                count = domains[label]
            score += count * weight + (constraint.max_skew - 1)
        raw[node.name] = floor(score + 0.5)
    result = dict.fromkeys((node.name for node in feasible), 0)
    if raw:
        least, most = min(raw.values()), max(raw.values())
        for name, score in raw.items():
            result[name] = MAX_SCORE * (most + least - score) // most if most else MAX_SCORE
    return result

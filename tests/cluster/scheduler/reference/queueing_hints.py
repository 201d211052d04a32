"""Changes in the cluster, and which of them can help a pod a plugin turned down (queueing hints).

A pod that no node took is tried again only when some plugin that turned it down holds a change to be useful.
Source: EventsToRegister and the isSchedulableAfter… functions in pkg/scheduler/framework/plugins/*.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from msgspec import Struct, field

from kubeinfer_sim.cluster.scheduler.node_state import NodeState
from kubeinfer_sim.cluster.scheduler.plugins import (
    inter_pod_affinity,
    node_affinity,
    node_name,
    node_ports,
    node_resources_fit,
    node_unschedulable,
    pod_topology_spread,
    taint_toleration,
)
from kubeinfer_sim.cluster.scheduler.pods import Pod, PodAffinityTerm, PodSpec, SpreadConstraint, selects


class NodeChange(Struct, frozen=True):
    """A node before and after; None: it was, or is, not there."""

    old: NodeState | None
    new: NodeState | None


class PodChange(Struct, frozen=True):
    """A pod on a node before and after; None: it was, or is, not there (or has ended)."""

    old: Pod | None
    new: Pod | None
    namespaces: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


class OwnChange(Struct, frozen=True):
    """The waiting pod itself was changed."""

    old: PodSpec
    new: PodSpec


Change = NodeChange | PodChange | OwnChange


def helps(plugin: str, pod: Pod, change: Change) -> bool:
    """Whether a plugin that turned a pod down holds a change to be able to help it."""
    return _HINTS[plugin](pod.spec, change)


def _unschedulable(spec: PodSpec, change: Change) -> bool:
    match change:
        case NodeChange(old, new) if new is not None:
            return not new.unschedulable and (old is None or old.unschedulable)
        case OwnChange(old, new):
            return old.tolerations != new.tolerations and node_unschedulable.takes(True, new.tolerations)
        case _:
            return False


def _node_name(spec: PodSpec, change: Change) -> bool:
    return isinstance(change, NodeChange) and change.new is not None and change.new.name == spec.node_name


def _taint(spec: PodSpec, change: Change) -> bool:
    match change:
        case NodeChange(old, new) if new is not None:
            before = old is None or taint_toleration.untolerated(old.taints, spec.tolerations) is not None
            return before and taint_toleration.untolerated(new.taints, spec.tolerations) is None
        case OwnChange(old, new):
            return old.tolerations != new.tolerations
        case _:
            return False


def _node_affinity(spec: PodSpec, change: Change) -> bool:
    if not isinstance(change, NodeChange) or change.new is None:
        return False
    before = change.old is not None and node_affinity.accepts(spec, change.old)
    return node_affinity.accepts(spec, change.new) and not before


def _ports(spec: PodSpec, change: Change) -> bool:
    match change:
        case NodeChange(None, _):
            return True
        case PodChange(old, None) if old is not None:
            return any(port.clashes(other) for port in spec.host_ports for other in old.spec.host_ports)
        case _:
            return False


def _fit(spec: PodSpec, change: Change) -> bool:
    match change:
        case NodeChange(old, new) if new is not None:
            empty = all(
                name in new.unlimited or new.allocatable.get(name, 0) >= amount
                for name, amount in spec.demand
            )
            return empty and (
                old is None
                or any(new.allocatable.get(name, 0) > old.allocatable.get(name, 0) for name in spec.resources)
            )
        case PodChange(old, new) if old is not None:
            return new is None or _scaled_down(old.spec, new.spec)
        case OwnChange(old, new):
            return _scaled_down(old, new)
        case _:
            return False


def _scaled_down(old: PodSpec, new: PodSpec) -> bool:
    return any(new.requests.get(name, 0) < amount for name, amount in old.requests.items())


def _label_change(key: str, old: NodeState | None, new: NodeState) -> tuple[str | None, str | None]:
    return (None if old is None else old.labels.get(key)), new.labels.get(key)


def _spread(spec: PodSpec, change: Change) -> bool:
    constraints = [constraint for constraint in spec.spread if constraint.hard]
    match change:
        case NodeChange(old, new):
            was, becomes = _domains(constraints, old), _domains(constraints, new)
            taints = old is not None and new is not None and old.taints != new.taints
            return was != becomes or (becomes is not None and taints)
        case PodChange(old, new):
            if any(p is not None and p.spec.namespace != spec.namespace for p in (old, new)):
                return False
            before, after = (p is not None and _counted(constraints, p.spec) for p in (old, new))
            return before != after
        case OwnChange(old, new):
            return _counted(constraints, old) != _counted(constraints, new)


def _domains(constraints: list[SpreadConstraint], node: NodeState | None) -> list[str] | None:
    if node is None or not all(c.topology_key in node.labels for c in constraints):
        return None
    return [node.labels[c.topology_key] for c in constraints]


def _counted(constraints: list[SpreadConstraint], spec: PodSpec) -> bool:
    return all(selects(c.selector, spec.labels) for c in constraints)


def _inter_pod(spec: PodSpec, change: Change) -> bool:
    match change:
        case NodeChange(old, new) if new is not None:
            for term in spec.affinity:
                before, after = _label_change(term.topology_key, old, new)
                if after is not None and after != before:
                    return True
            for term in spec.anti_affinity:
                before, after = _label_change(term.topology_key, old, new)
                if old is None or (before is not None and before != after):
                    return True
            return False
        case PodChange(old, new, namespaces):

            def near(other: Pod | None) -> bool:
                return bool(spec.affinity) and other is not None and _all(spec.affinity, other.spec)

            def far(other: Pod | None) -> bool:
                return other is not None and (
                    any(term.matches(other.spec, namespaces) for term in spec.anti_affinity)
                    or any(term.matches(spec, namespaces) for term in other.spec.anti_affinity)
                )

            def _all(terms: tuple[PodAffinityTerm, ...], meant: PodSpec) -> bool:
                return all(term.matches(meant, namespaces) for term in terms)

            return (near(new) and not near(old)) or (far(old) and not far(new))
        case OwnChange(old, new):
            return old.labels != new.labels
        case _:
            return False


_HINTS: Mapping[str, Callable[[PodSpec, Change], bool]] = {
    node_unschedulable.NAME: _unschedulable,
    node_name.NAME: _node_name,
    taint_toleration.NAME: _taint,
    node_affinity.NAME: _node_affinity,
    node_ports.NAME: _ports,
    node_resources_fit.NAME: _fit,
    pod_topology_spread.NAME: _spread,
    inter_pod_affinity.NAME: _inter_pod,
}

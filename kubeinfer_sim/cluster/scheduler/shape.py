"""What the scheduler sees of a pod: its shape. Templates that ask for the same have the same shape.

Everything the filters decide about a pod of a gang follows from its shape, so it is worked out once per shape
and class of nodes, not once per pod and node.
"""

from __future__ import annotations

from dataclasses import dataclass

from kubeinfer_sim.manifest.model import NodeSelectorRequirement, NodeSelectorTerm, PodTemplate, Toleration

#: The resource every pod takes one of.
PODS = "pods"
#: Pods a node takes when its allocatable does not say (the kubelet's --max-pods).
DEFAULT_PODS = 110

_NATIVE_ORDER = {"cpu": 0, "memory": 1, "ephemeral-storage": 2, PODS: 4}


def resource_order(name: str) -> tuple[int, str]:
    """Sort key of resources by how much they matter: accelerators, cpu, memory, the rest, pods."""
    if "/" in name:
        return (-1, name)
    return (_NATIVE_ORDER.get(name, 3), name)


@dataclass(frozen=True, slots=True, eq=False)
class Shape:
    """The scheduling constraints of a pod. Compared by identity: `Shapes` makes one object per content.

    Attributes:
        resources: names of what is requested (more than zero), the most important first, `pods` last.
        amounts: how much of each; cpu in millicores, everything else in whole units.
        label_keys: the node labels the constraints look at.
        by_name: whether a constraint looks at the node's name (matchFields).
    """

    resources: tuple[str, ...]
    amounts: tuple[int, ...]
    node_selector: tuple[tuple[str, str], ...]
    affinity: tuple[NodeSelectorTerm, ...] | None
    tolerations: tuple[Toleration, ...]
    label_keys: frozenset[str]
    by_name: bool

    def request(self, resource: str) -> int:
        """How much of a resource one pod asks for."""
        return dict(zip(self.resources, self.amounts, strict=True)).get(resource, 0)

    @property
    def headline(self) -> tuple[str, int]:
        """The resource that matters most, and how much of it: the first accelerator, else cpu …"""
        return self.resources[0], self.amounts[0]

    def selection(self) -> str:
        """The node constraints as selectors are written, `pool=infer,arch in (a,b)`; empty for none."""
        parts = [f"{key}={value}" for key, value in self.node_selector]
        if self.affinity is not None:
            terms = [
                ",".join(map(_requirement, (*t.match_expressions, *t.match_fields))) for t in self.affinity
            ]
            parts.append(" or ".join(term or "nothing" for term in terms) or "nothing")
        return ",".join(parts)


def _requirement(requirement: NodeSelectorRequirement) -> str:
    key, values = requirement.key, ",".join(requirement.values)
    match requirement.operator:
        case "In" if len(requirement.values) == 1:
            return f"{key}={values}"
        case "In" | "NotIn" as operator:
            return f"{key} {operator.lower()} ({values})"
        case "Exists":
            return key
        case "DoesNotExist":
            return f"!{key}"
        case operator:
            return f"{key} {'>' if operator == 'Gt' else '<'} {values}"


class Shapes:
    """Gives equal templates the same `Shape`; a template seen before costs one look-up by identity."""

    def __init__(self) -> None:
        self._by_content: dict[object, Shape] = {}
        # The template is kept beside its shape so that its id stays its own.
        self._by_identity: dict[int, tuple[PodTemplate, Shape]] = {}

    def of(self, template: PodTemplate) -> Shape:
        """The shape of a template."""
        known = self._by_identity.get(id(template))
        if known is not None:
            return known[1]
        requests = {name: amount for name, amount in template.requests.items() if amount > 0 and name != PODS}
        requests[PODS] = 1
        resources = tuple(sorted(requests, key=resource_order))
        amounts = tuple(requests[name] for name in resources)
        selector = tuple(sorted(template.node_selector.items()))
        affinity = template.required_node_affinity
        content = (resources, amounts, selector, affinity, frozenset(template.tolerations))
        shape = self._by_content.get(content)
        if shape is None:
            terms = affinity or ()
            shape = self._by_content[content] = Shape(
                resources=resources,
                amounts=amounts,
                node_selector=selector,
                affinity=affinity,
                tolerations=template.tolerations,
                label_keys=frozenset(key for key, _ in selector)
                | {r.key for term in terms for r in term.match_expressions},
                by_name=any(term.match_fields for term in terms),
            )
        self._by_identity[id(template)] = (template, shape)
        return shape

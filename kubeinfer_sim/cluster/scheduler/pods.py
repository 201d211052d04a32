"""What the scheduler reads of a pod: the spec that templates share, and the pod that has it.

Everything the filters decide about a pod follows from its `PodSpec` and from where other pods are, so pods of equal
templates share one spec, and what does not depend on other pods is worked out once per spec and class of nodes.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from functools import cached_property
from typing import NamedTuple

from msgspec import Struct, field

from kubeinfer_sim.cluster.host_ports import HostPort
from kubeinfer_sim.manifest.accelerators import family_of
from kubeinfer_sim.manifest.kubernetes.labels import Requirement, matches_all
from kubeinfer_sim.manifest.model import NodeSelectorRequirement, NodeSelectorTerm, Toleration

#: The resource every pod takes one of.
PODS = "pods"
#: Pods a node takes when its allocatable does not say (the kubelet's --max-pods).
DEFAULT_PODS = 110

#: A label selector: all requirements hold. None is an absent selector, which matches nothing.
Selector = tuple[Requirement, ...] | None

_NATIVE_ORDER = {"cpu": 2, "memory": 3, "ephemeral-storage": 4, PODS: 6}


def resource_order(name: str) -> tuple[int, str]:
    """Sort key of resources by how scarce they are: accelerators, other devices, cpu, memory, the rest, pods."""
    if "/" in name:
        return (0 if family_of(name) else 1, name)
    return (_NATIVE_ORDER.get(name, 5), name)


def selects(selector: Selector, labels: Mapping[str, str]) -> bool:
    """Whether a label selector matches; an absent one matches nothing, an empty one everything."""
    return selector is not None and matches_all(selector, labels)


class Owner(NamedTuple):
    """The ReplicaSet or other controller that made a pod, and the selector by which it knows its pods."""

    kind: str
    name: str
    selector: Selector


class PodAffinityTerm(Struct, frozen=True):
    """A term of inter-pod affinity or anti-affinity: pods it means, and the label that says what near is.

    Attributes:
        namespaces: where the pods are; the pod's own namespace unless the term says otherwise.
        namespace_selector: namespaces by their labels beside these; None selects none.
    """

    topology_key: str
    selector: Selector
    namespaces: frozenset[str]
    namespace_selector: Selector = None

    def matches(self, pod: PodSpec, namespaces: Mapping[str, Mapping[str, str]]) -> bool:
        """Whether a pod is one of those the term is about.

        Args:
            pod: the pod in question.
            namespaces: labels of the namespaces that are known, by name.
        """
        where = pod.namespace in self.namespaces
        if not where and self.namespace_selector is not None:
            labels = namespaces.get(pod.namespace)
            where = not self.namespace_selector or (
                labels is not None and matches_all(self.namespace_selector, labels)
            )
        return where and selects(self.selector, pod.labels)


class SpreadConstraint(Struct, frozen=True):
    """A topology spread constraint; `hard` is DoNotSchedule, else ScheduleAnyway."""

    topology_key: str
    selector: Selector
    max_skew: int = 1
    hard: bool = True
    min_domains: int = 1
    honor_affinity: bool = True
    honor_taints: bool = False


class PodSpec(Struct, frozen=True, eq=False, dict=True):
    """The scheduling side of a pod's spec and labels. Compared by identity.

    Amounts: cpu in millicores, everything else in whole units.

    Attributes:
        requests: what a node must have free, without zeros and without `pods`.
        scoring: cpu and memory as the scores see them: a container that asks for none counts 100m and 200Mi.
        required_affinity: terms of required node affinity, ORed; None when there is none.
        preferred_affinity: weighted terms of preferred node affinity.
        images: the images of all containers, init containers first.
        owner: kind and name of the controller that made the pod.
    """

    namespace: str = "default"
    labels: Mapping[str, str] = field(default_factory=dict)
    requests: Mapping[str, int] = field(default_factory=dict)
    scoring: Mapping[str, int] = field(default_factory=dict)
    node_selector: Mapping[str, str] = field(default_factory=dict)
    required_affinity: tuple[NodeSelectorTerm, ...] | None = None
    preferred_affinity: tuple[tuple[int, NodeSelectorTerm], ...] = ()
    tolerations: tuple[Toleration, ...] = ()
    affinity: tuple[PodAffinityTerm, ...] = ()
    anti_affinity: tuple[PodAffinityTerm, ...] = ()
    preferred_pod_affinity: tuple[tuple[int, PodAffinityTerm], ...] = ()
    preferred_pod_anti_affinity: tuple[tuple[int, PodAffinityTerm], ...] = ()
    spread: tuple[SpreadConstraint, ...] = ()
    host_ports: tuple[HostPort, ...] = ()
    images: tuple[str, ...] = ()
    owner: tuple[str, str] | None = None
    node_name: str = ""
    gates: tuple[str, ...] = ()

    @cached_property
    def content(self) -> Hashable:
        """All of it as one hashable value: equal for specs no scheduler can tell apart."""
        return (
            self.namespace,
            *(
                frozenset(mapping.items())
                for mapping in (self.labels, self.requests, self.scoring, self.node_selector)
            ),
            self.required_affinity,
            self.preferred_affinity,
            frozenset(self.tolerations),
            self.affinity,
            self.anti_affinity,
            self.preferred_pod_affinity,
            self.preferred_pod_anti_affinity,
            self.spread,
            self.host_ports,
            self.images,
            self.owner,
            self.node_name,
            self.gates,
        )

    @cached_property
    def resources(self) -> tuple[str, ...]:
        """Names of what is requested, the most important first; `pods` is the last."""
        return (*sorted(self.requests, key=resource_order), PODS)

    @cached_property
    def amounts(self) -> tuple[int, ...]:
        """How much of each of `resources`."""
        return tuple(1 if name == PODS else self.requests[name] for name in self.resources)

    @cached_property
    def demand(self) -> tuple[tuple[str, int], ...]:
        """`resources` with their `amounts`."""
        return tuple(zip(self.resources, self.amounts, strict=True))

    @cached_property
    def size(self) -> tuple[tuple[int, str, int], ...]:
        """Sort key by size, larger first, resource by resource in their order."""
        return tuple((*resource_order(name), -amount) for name, amount in self.demand)

    @cached_property
    def label_keys(self) -> frozenset[str]:
        """The node labels its node selector and required node affinity look at."""
        terms = self.required_affinity or ()
        return frozenset(self.node_selector) | {r.key for term in terms for r in term.match_expressions}

    @cached_property
    def by_name(self) -> bool:
        """Whether its required node affinity looks at the node's name."""
        return any(term.match_fields for term in self.required_affinity or ())

    @cached_property
    def names(self) -> frozenset[str] | None:
        """The only nodes its required node affinity can mean, where each of its terms names some; None: any."""
        if not self.required_affinity:
            return None
        allowed: set[str] = set()
        for term in self.required_affinity:
            named = [set(each.values) for each in term.match_fields if each.operator == "In"]
            if not named:
                return None
            allowed |= set.intersection(*named)
        return frozenset(allowed)

    @cached_property
    def needs_neighbours(self) -> bool:
        """Whether its filters look at the pods on nodes, not only at what is free there."""
        return bool(
            self.affinity or self.anti_affinity or self.host_ports or any(c.hard for c in self.spread)
        )

    @cached_property
    def preferred_keys(self) -> frozenset[str]:
        """The node labels its preferred node affinity looks at."""
        return frozenset(r.key for _, term in self.preferred_affinity for r in term.match_expressions)

    @cached_property
    def prefers_by_name(self) -> bool:
        """Whether its preferred node affinity looks at the node's name."""
        return any(term.match_fields for _, term in self.preferred_affinity)

    @cached_property
    def has_preferences(self) -> bool:
        """Whether it prefers some nodes or neighbours to others."""
        return bool(
            self.preferred_affinity
            or self.preferred_pod_affinity
            or self.preferred_pod_anti_affinity
            or self.spread
        )

    @cached_property
    def has_pod_affinity(self) -> bool:
        """Whether, once placed, it has a say in where other pods go."""
        return bool(
            self.affinity
            or self.anti_affinity
            or self.preferred_pod_affinity
            or self.preferred_pod_anti_affinity
        )

    @property
    def main_request(self) -> tuple[str, int]:
        """The resource that matters most, and how much of it: the first accelerator, else cpu …"""
        return self.resources[0], self.amounts[0]

    @cached_property
    def selection(self) -> str:
        """The node constraints as selectors are written, `pool=infer,arch in (a,b)`; empty for none."""
        parts = [f"{key}={value}" for key, value in sorted(self.node_selector.items())]
        if self.required_affinity is not None:
            terms = [
                ",".join(_write(r) for r in (*term.match_expressions, *term.match_fields))
                for term in self.required_affinity
            ]
            parts.append(" or ".join(term or "nothing" for term in terms) or "nothing")
        return ",".join(parts)


def _write(requirement: NodeSelectorRequirement) -> str:
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


class Pod(Struct, eq=False):
    """A pod the scheduler knows.

    Attributes:
        key: how the caller names it; unique.
        started: when it was started, in seconds on any scale; later is younger.
        terminating: it is being deleted and still holds what it holds.
        rings: how many NPUs it has of each ring of its node; empty where there are no rings.
        drawn: chance chose its node among nodes of equal score.
    """

    key: Hashable
    spec: PodSpec
    priority: int = 0
    started: float = 0.0
    terminating: bool = False
    never_preempts: bool = False
    rings: tuple[int, ...] = ()
    drawn: bool = False


def format_amount(resource: str, amount: int) -> str:
    """An amount as people write it: `8 huawei.com/ascend-1980`, `1500m cpu`, `64Gi memory`."""
    if resource == "cpu":
        return f"{amount}m cpu" if amount % 1000 else f"{amount // 1000} cpu"
    if resource == PODS:
        return f"{amount} pod" if amount == 1 else f"{amount} pods"
    if "/" not in resource:
        for suffix, unit in (("Ti", 2**40), ("Gi", 2**30), ("Mi", 2**20), ("Ki", 2**10)):
            if amount and amount % unit == 0:
                return f"{amount // unit}{suffix} {resource}"
    return f"{amount} {resource}"

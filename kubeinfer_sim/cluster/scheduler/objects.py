"""Kubernetes objects as decoded from YAML or JSON → the scheduler's records.

Objects are taken as the API server would have accepted them; what is missing has the API's default.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any

from kubeinfer_sim.cluster.host_ports import host_ports
from kubeinfer_sim.cluster.per_template import PerTemplate
from kubeinfer_sim.cluster.scheduler.node_state import NodeState
from kubeinfer_sim.cluster.scheduler.pods import (
    PODS,
    Owner,
    Pod,
    PodAffinityTerm,
    PodSpec,
    Selector,
    SpreadConstraint,
)
from kubeinfer_sim.manifest.kubernetes.labels import Requirement, label_selector
from kubeinfer_sim.manifest.kubernetes.quantity import Quantity
from kubeinfer_sim.manifest.model import NodeSelectorRequirement, NodeSelectorTerm, PodTemplate, Toleration
from kubeinfer_sim.manifest.pod_resources import requests, resource_list, whole_units
from kubeinfer_sim.manifest.releases import LATEST, Release
from kubeinfer_sim.scenario.cluster.model import RunningPod, Taint

Raw = Mapping[str, Any]

#: What a container that asks for no cpu or no memory counts for in scores (pkg/scheduler/util/pod_resources.go).
SCORING_DEFAULTS = {"cpu": Quantity.parse("100m"), "memory": Quantity.parse("200Mi")}


def _of_the_pod_s_own(labels: Mapping[str, str], keys: Iterable[str], operator: str) -> list[Requirement]:
    """The same value of these labels as the pod's, or another one; keys it has no label of say nothing.

    Source: pkg/registry/core/pod/strategy.go, applyLabelKeysToLabelSelector.
    """
    return [Requirement(key, operator, (labels[key],)) for key in keys if key in labels]


def node_selector_term(raw: Raw) -> NodeSelectorTerm:
    """A node selector term."""

    def requirements(name: str) -> tuple[NodeSelectorRequirement, ...]:
        return tuple(
            NodeSelectorRequirement(r["key"], r["operator"], tuple(r.get("values") or ()))
            for r in raw.get(name) or ()
        )

    return NodeSelectorTerm(requirements("matchExpressions"), requirements("matchFields"))


def toleration(raw: Raw) -> Toleration:
    """A toleration."""
    return Toleration(
        raw.get("key") or "",
        raw.get("operator") or "Equal",
        raw.get("value") or "",
        raw.get("effect") or "",
        raw.get("tolerationSeconds"),
    )


def taint(raw: Raw) -> Taint:
    """A taint of a node."""
    return Taint(raw["key"], raw.get("value") or "", raw["effect"])


def _affinity_term(raw: Raw, namespace: str, merge: Mapping[str, str] | None) -> PodAffinityTerm:
    named = frozenset(raw.get("namespaces") or ())
    by_label = label_selector(raw.get("namespaceSelector"))
    if not named and by_label is None:
        named = frozenset((namespace,))
    labels = merge or {}
    added = _of_the_pod_s_own(labels, raw.get("matchLabelKeys") or (), "in")
    added += _of_the_pod_s_own(labels, raw.get("mismatchLabelKeys") or (), "notin")
    selector = label_selector(raw.get("labelSelector"), added)
    return PodAffinityTerm(raw["topologyKey"], selector, named, by_label)


def _spread(raw: Raw, labels: Mapping[str, str]) -> SpreadConstraint:
    added = _of_the_pod_s_own(labels, raw.get("matchLabelKeys") or (), "in")
    return SpreadConstraint(
        topology_key=raw["topologyKey"],
        selector=label_selector(raw.get("labelSelector"), added),
        max_skew=raw["maxSkew"],
        hard=raw["whenUnsatisfiable"] == "DoNotSchedule",
        min_domains=raw.get("minDomains") or 1,
        honor_affinity=raw.get("nodeAffinityPolicy") != "Ignore",
        honor_taints=raw.get("nodeTaintsPolicy") == "Honor",
    )


def _images(spec: Raw) -> Iterable[str]:
    """The images of a pod's containers, init containers first."""
    for group in ("initContainers", "containers"):
        for container in spec.get(group) or ():
            yield str(container.get("image") or "")


def pod_spec(
    pod: Raw,
    namespace: str = "",
    *,
    labels: Mapping[str, str] | None = None,
    merge: Mapping[str, str] | None = None,
) -> PodSpec:
    """The scheduling side of a Pod, or of a PodTemplateSpec.

    Args:
        pod: `metadata` and `spec` as decoded.
        namespace: where it is, when its metadata does not say.
        labels: instead of those in its metadata.
        merge: of a pod that is yet to be created, the labels that the API server will merge into the selectors of its
            affinity terms, as their `matchLabelKeys` and `mismatchLabelKeys` say.
    """
    metadata, spec = pod.get("metadata") or {}, pod.get("spec") or {}
    labels = dict(metadata.get("labels") or {}) if labels is None else labels
    namespace = metadata.get("namespace") or namespace or "default"
    affinity = spec.get("affinity") or {}
    node = affinity.get("nodeAffinity") or {}
    required = node.get("requiredDuringSchedulingIgnoredDuringExecution")

    def terms(kind: str) -> tuple[PodAffinityTerm, ...]:
        listed = (affinity.get(kind) or {}).get("requiredDuringSchedulingIgnoredDuringExecution") or ()
        return tuple(_affinity_term(term, namespace, merge) for term in listed)

    def weighted(kind: str) -> tuple[tuple[int, PodAffinityTerm], ...]:
        listed = (affinity.get(kind) or {}).get("preferredDuringSchedulingIgnoredDuringExecution") or ()
        return tuple((w["weight"], _affinity_term(w["podAffinityTerm"], namespace, merge)) for w in listed)

    asked, scoring = requests(spec), requests(spec, SCORING_DEFAULTS)
    return PodSpec(
        namespace=namespace,
        labels=labels,
        requests={name: amount for name, amount in asked.items() if amount > 0 and name != PODS},
        scoring={name: scoring.get(name, 0) for name in ("cpu", "memory")},
        node_selector=dict(spec.get("nodeSelector") or {}),
        required_affinity=None
        if required is None
        else tuple(node_selector_term(term) for term in required.get("nodeSelectorTerms") or ()),
        preferred_affinity=tuple(
            (term["weight"], node_selector_term(term["preference"]))
            for term in node.get("preferredDuringSchedulingIgnoredDuringExecution") or ()
        ),
        tolerations=tuple(toleration(t) for t in spec.get("tolerations") or ()),
        affinity=terms("podAffinity"),
        anti_affinity=terms("podAntiAffinity"),
        preferred_pod_affinity=weighted("podAffinity"),
        preferred_pod_anti_affinity=weighted("podAntiAffinity"),
        spread=tuple(_spread(c, labels) for c in spec.get("topologySpreadConstraints") or ()),
        host_ports=tuple(host_ports(spec)),
        images=tuple(_images(spec)),
        owner=_controller(metadata),
        node_name=spec.get("nodeName") or "",
        gates=tuple(gate["name"] for gate in spec.get("schedulingGates") or ()),
    )


def _controller(metadata: Raw) -> tuple[str, str] | None:
    for owner in metadata.get("ownerReferences") or ():
        if owner.get("controller"):
            return owner["kind"], owner["name"]
    return None


def pod_key(pod: Raw) -> tuple[str, str]:
    """Namespace and name of a pod."""
    metadata = pod["metadata"]
    return metadata.get("namespace") or "default", metadata["name"]


def pod(raw: Raw, key: Hashable = None) -> Pod:
    """A Pod; its key is namespace and name unless one is given."""
    spec, status = raw.get("spec") or {}, raw.get("status") or {}
    started = status.get("startTime")
    return Pod(
        key=pod_key(raw) if key is None else key,
        spec=pod_spec(raw),
        priority=spec.get("priority") or 0,
        started=datetime.fromisoformat(started).timestamp() if started else 0.0,
        terminating=raw["metadata"].get("deletionTimestamp") is not None,
        never_preempts=spec.get("preemptionPolicy") == "Never",
    )


def running_pods(running: Iterable[RunningPod]) -> Iterator[tuple[RunningPod, Pod]]:
    """Pods of a real cluster as the scheduler sees them; those that share a manifest share a spec."""
    specs: dict[int, PodSpec] = {}
    for each in running:
        spec = specs.get(id(each.manifest))
        if spec is None:
            spec = specs[id(each.manifest)] = pod_spec(each.manifest)
        priority = each.manifest["spec"].get("priority") or 0
        yield each, Pod((each.namespace, each.name), spec, priority)


def node(raw: Raw, order: int = 0) -> NodeState:
    """A Node without pods. A node that does not say how many pods it takes, takes none, as the API has it."""
    metadata, spec, status = raw["metadata"], raw.get("spec") or {}, raw.get("status") or {}
    allocatable = whole_units(resource_list(status.get("allocatable")))
    return NodeState(
        name=metadata["name"],
        order=order,
        labels=dict(metadata.get("labels") or {}),
        taints=tuple(taint(t) for t in spec.get("taints") or ()),
        allocatable={PODS: 0, **allocatable},
        unlimited=frozenset(),
        unschedulable=bool(spec.get("unschedulable")),
        images={name: i["sizeBytes"] for i in status.get("images") or () for name in i.get("names") or ()},
    )


@lru_cache(maxsize=1024)
def _specs(namespace: str, owner: tuple[str, str] | None, *, merges: bool) -> PerTemplate[PodSpec]:
    """The specs of the pods that an owner of this kind and name makes there; `merges` as for `pod_spec`."""

    def spec_of(template: PodTemplate) -> PodSpec:
        labels = template.labels
        raw = pod_spec(template.raw, namespace, labels=labels, merge=labels if merges else None)
        asked = {name: amount for name, amount in template.requests.items() if amount > 0 and name != PODS}
        return PodSpec(
            namespace=namespace,
            labels=labels,
            requests=asked,
            scoring=raw.scoring if template.raw.get("spec") else _at_least(asked),
            node_selector=template.node_selector,
            required_affinity=template.required_node_affinity,
            tolerations=template.tolerations,
            preferred_affinity=raw.preferred_affinity,
            affinity=raw.affinity,
            anti_affinity=raw.anti_affinity,
            preferred_pod_affinity=raw.preferred_pod_affinity,
            preferred_pod_anti_affinity=raw.preferred_pod_anti_affinity,
            spread=raw.spread,
            host_ports=raw.host_ports,
            images=raw.images,
            owner=owner,
        )

    return PerTemplate(spec_of)


class Templates:
    """Gives equal templates the same spec; a template seen before costs one look-up by identity.

    Attributes:
        workloads: the owners of the pods seen so far (`Cluster.workloads`).
    """

    def __init__(self, kubernetes: Release = LATEST) -> None:
        self._kubernetes = kubernetes
        self.workloads: dict[tuple[str, str, str], Selector] = {}
        self._by_content: dict[Hashable, PodSpec] = {}
        # The template is kept beside its spec so that its id stays its own.
        self._by_identity: dict[tuple[int, str], tuple[PodTemplate, PodSpec]] = {}

    def spec_of(
        self, template: PodTemplate, namespace: str = "default", owner: Owner | None = None
    ) -> PodSpec:
        """The spec of the pods of a template. What the manifest's record says comes before its raw text.

        No two owners share a template.
        """
        known = self._by_identity.get((id(template), namespace))
        if known is not None:
            return known[1]
        if owner is not None:
            self.workloads[namespace, owner.kind, owner.name] = owner.selector
        merges = self._kubernetes.merges_label_keys
        spec = _specs(namespace, None if owner is None else owner[:2], merges=merges)(template)
        spec = self._by_content.setdefault(spec.content, spec)
        self._by_identity[(id(template), namespace)] = (template, spec)
        return spec


def _at_least(requests: Mapping[str, int]) -> dict[str, int]:
    defaults = whole_units(SCORING_DEFAULTS)
    return {name: requests.get(name) or least for name, least in defaults.items()}

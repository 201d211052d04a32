"""The short form of a cluster, `8x8`: as many equal nodes, on which all pods of the manifests may run."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from contextlib import suppress

from kubeinfer_sim.manifest.accelerators import accelerators_of
from kubeinfer_sim.manifest.kubernetes.well_known_labels import ARCHITECTURE, BETA_ALIASES, HOSTNAME, OS
from kubeinfer_sim.manifest.model import KubeInfer, NodeSelectorTerm, Role
from kubeinfer_sim.scenario.cluster.model import NodeSpec
from kubeinfer_sim.scenario.cluster.node_counts import parse_nodes
from kubeinfer_sim.scenario.cluster.node_labels import LINUX, architecture_of, with_kubelet_labels
from kubeinfer_sim.scenario.cluster.pools import COMMON_RESOURCES

#: What `8x8` offers when no pod asks for any accelerator.
DEFAULT_NPU = "huawei.com/ascend-1980"
POOL = "node"
_OWN_NAME = rf"{POOL}-[0-9]+"


def short_nodes(
    text: str, kubeinfers: Sequence[KubeInfer], *, images: Iterable[str] = (), weights: Iterable[str] = ()
) -> tuple[list[NodeSpec], list[str]]:
    """Nodes of `8x8` on which every pod of the given KubeInfers may run, and the defaults this took.

    Their NPU resource is the one the pods ask for, their labels those the pods' node selectors and required
    node affinity ask for, beside those of their kubelets; everything else is unlimited. Each has a name of its own:
    the last ones bear the names that pods ask for.

    Raises:
        ValueError: no single kind of node can serve all pods; the message says why.
    """
    count, npus = parse_nodes(text)
    roles = [role for kubeinfer in kubeinfers for role in kubeinfer.roles]
    resources = sorted({name for role in roles for name in accelerators_of(role.template.requests)}) or [
        DEFAULT_NPU
    ]
    if len(resources) > 1:
        raise ValueError(
            f"{text} says nothing about which of {', '.join(resources)} the nodes carry: give pools instead"
        )
    offered = {resources[0]: npus}
    labels = _labels(roles, architecture_of(offered))
    others = {name for role in roles for name in role.template.requests} - {resources[0]}
    unlimited = frozenset(COMMON_RESOURCES) | others
    rest = ((), frozenset(images), frozenset(weights), unlimited)
    own = [f"{POOL}-{i}" for i in range(count)]
    named = [name for name in _names(roles) if not re.fullmatch(_OWN_NAME, name)][:count]
    nodes = [
        NodeSpec(name, POOL, offered, with_kubelet_labels(name, labels, offered), *rest)
        for name in (*own[: count - len(named)], *named)
    ]
    asked = ", ".join(f"{key}={value}" for key, value in sorted(labels.items())) or "none"
    return nodes, [
        f"cluster.nodes: {count} nodes with {resources[0]}: {npus} (the resource the pods ask for)",
        f"cluster.nodes: labels {asked} (what the pods' node selectors and affinity ask for)",
        *([f"cluster.nodes: {', '.join(named)} among them (names the pods ask for)"] if named else ()),
        f"cluster.nodes: {', '.join(sorted(unlimited))} unlimited",
    ]


def _names(roles: Iterable[Role]) -> list[str]:
    """The names of nodes that pods ask for, in the order in which they do."""
    names: dict[str, None] = {}
    for role in roles:
        template = role.template
        if HOSTNAME in template.node_selector:
            names[template.node_selector[HOSTNAME]] = None
        for term in template.required_node_affinity or ():
            for each in (*term.match_expressions, *term.match_fields):
                if each.operator == "In" and each.key in (HOSTNAME, "metadata.name"):
                    names |= dict.fromkeys(each.values)
    return list(names)


def _labels(roles: Sequence[Role], architecture: str) -> dict[str, str]:
    """One set of labels that suits every role, for machines of this architecture, or of another if that is asked for.

    Raises:
        ValueError: two roles want different values of one label, or an affinity cannot be met by labels.
    """
    try:
        labels = _suiting(roles, {OS: LINUX, ARCHITECTURE: architecture})
    except ValueError as error:
        for other in {"amd64", "arm64"} - {architecture}:
            with suppress(ValueError):
                labels = _suiting(roles, {OS: LINUX, ARCHITECTURE: other})
                break
        else:
            raise error from None
    kubelets = {OS: LINUX, ARCHITECTURE: architecture}
    return {key: value for key, value in labels.items() if kubelets.get(key) != value}


def _suiting(roles: Sequence[Role], labels: dict[str, str]) -> dict[str, str]:
    """These labels, and what the roles ask for besides. A name is nothing that all nodes could share.

    Raises:
        ValueError: they ask for other things than these labels, or than each other.
    """
    for role in roles:
        for written, value in role.template.node_selector.items():
            key = BETA_ALIASES.get(written, written)
            # No node of Linux is one of another system: such pods wait, and the scheduler says why.
            if key not in (HOSTNAME, OS) and labels.setdefault(key, value) != value:
                raise ValueError(
                    f"pods ask for nodes with {key}={labels[key]} and for nodes with {key}={value}: "
                    "give a pool for each instead of one number of nodes"
                )
    affine = [role for role in roles if role.template.required_node_affinity is not None]
    for role in affine:
        terms = role.template.required_node_affinity or ()
        labels_met = next((met for term in terms if (met := _meet(term, labels)) is not None), None)
        if labels_met is None:
            raise _no_labels(role)
        labels = labels_met
    # A label added for a later role may break what an earlier one wanted to be absent.
    for role in affine:
        terms = role.template.required_node_affinity or ()
        if not any(_meet(term, labels) == labels for term in terms):
            raise _no_labels(role)
    return labels


def _no_labels(role: Role) -> ValueError:
    return ValueError(
        f"no one set of labels meets the required node affinity of role {role.name} beside the other roles: "
        "give pools with labels instead of one number of nodes"
    )


def _meet(term: NodeSelectorTerm, labels: dict[str, str]) -> dict[str, str] | None:
    """The labels with what a term needs added; None when they cannot meet it. An empty term meets nothing."""
    if not (term.match_fields or term.match_expressions):
        return None
    labels = dict(labels)
    for each in term.match_expressions:
        key = BETA_ALIASES.get(each.key, each.key)
        value = labels.get(key)
        if key == HOSTNAME:
            if each.operator == "DoesNotExist":
                return None
        elif each.operator == "In":
            if labels.setdefault(key, each.values[0]) not in each.values:
                return None
        elif each.operator == "Exists":
            labels.setdefault(key, "true")
        elif each.operator in ("Gt", "Lt"):
            step = 1 if each.operator == "Gt" else -1
            bound = int(each.values[0])
            number = labels.setdefault(key, str(bound + step))
            if not re.fullmatch(r"-?[0-9]{1,18}", number) or (int(number) - bound) * step <= 0:
                return None
        elif (each.operator == "NotIn" and value in each.values) or (
            each.operator == "DoesNotExist" and value is not None
        ):
            return None
    return labels

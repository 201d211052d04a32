"""Rules about placement: NPUs left over on a node or shared in a ring, and nodes no pod can go to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from kubeinfer_sim.diagnostics import Path, Severity
from kubeinfer_sim.manifest.accelerators import ASCEND, common_family, family_of
from kubeinfer_sim.manifest.kubernetes.selectors import match_node_selector_term
from kubeinfer_sim.manifest.lint.packing import fits, node_size, suits
from kubeinfer_sim.manifest.lint.rule import (
    KUBEINFERS,
    PLACED_KINDS,
    Finding,
    LintContext,
    Node,
    TemplateAt,
    npus_of,
    plural,
    rule,
)
from kubeinfer_sim.manifest.model import VOLCANO, NodeSelectorRequirement, NodeSelectorTerm

#: NPUs that are reset together, by how many a node has: the HCCS ring of an Atlas A2, the dies of a card of an A3.
_RESET_GROUP = {8: 8, 16: 2}
#: What asks for more than this is no accelerator that anyone counts on a node.
_LARGEST_NODE = 1024
_AFFINITY = (
    "affinity",
    "nodeAffinity",
    "requiredDuringSchedulingIgnoredDuringExecution",
    "nodeSelectorTerms",
)


def _path_of(each: TemplateAt, resource: str) -> Path:
    for at in each.containers():
        if resource in at.container.requests:
            kind = "limits" if resource in at.container.limits else "requests"
            return (*at.path, "resources", kind, resource)
    return each.pod_path


@rule(
    "KI019",
    "stranded-npus",
    Severity.WARNING,
    summary="the NPU request leaves cards on a node that no other of its pods can use",
    reason="""NPUs are given out whole, and a pod's NPUs come from one node. A request that does not divide the
    node's number leaves a rest. When no pod of another role is small enough to fill it, these cards stay
    idle as long as the pods run. Where pods would fill a node together, they have to come there: Volcano as
    shipped knows accelerators by no score, and draws among all nodes with room.""",
    right="""Requests whose sums fill a node: 1, 2, 4 or 8 of 8; 2, 4, 8 or 16 of 16; of unlike roles with binpack
    on the accelerator in Volcano's configuration.""",
    source="kube-scheduler's NodeResourcesFit; Volcano v1.15.1, plugin binpack, and recorded runs of it",
    kinds=PLACED_KINDS,
)
def stranded_npus(context: LintContext) -> Iterator[Finding]:
    """Fires where no mixture of pods that includes the role's fills a node, or only a lucky draw."""
    roles = [(each, npus) for each in context.templates if (npus := npus_of(each.template.requests))]
    for each, (resource, number) in roles:
        size = node_size(context, resource, max(n for _, (name, n) in roles if name == resource))
        if number > size or size > _LARGEST_NODE:
            continue
        sizes = {n for _, (name, n) in roles if name == resource}
        rest = _least_rest(size - number, sizes)
        drawn = each.template.scheduler_name == VOLCANO and number + min(sizes) <= size
        noun = common_family([{resource: number}]).noun
        if rest:
            beside = "" if len({n for _, (_, n) in roles}) == 1 else " with whatever other role beside it"
            more = (
                ", more where Volcano, which as shipped draws among nodes with room, packs fewer"
                if drawn
                else ""
            )
            yield Finding(
                _path_of(each, resource),
                f"{number} of the {size} {noun}s of a node: at least {rest} of {size} stay idle on its nodes{beside} "
                f"({100 * rest // size} %){more}",
                f"ask for a number that divides {size}"
                + (f", or let a role take {rest}" if context.unit == "instance" else ""),
            )
        elif drawn and (pods := _shutting_out(number, max(sizes), size)):
            there = context.instances * sum(
                other.replicas for other, (name, n) in roles if (name, n) == (resource, number)
            )
            if there < pods:
                continue
            those = "such a pod" if pods == 1 else f"{pods} such pods"
            yield Finding(
                _path_of(each, resource),
                f"{number} of the {size} {noun}s of a node: beside {those} none of {max(sizes)} has room, and Volcano "
                "as shipped draws among nodes with room: one draw may hold fewer instances than another",
                f"binpack on {resource} in Volcano's configuration; `run -n 100` of a scenario counts the draws",
                Severity.NOTE,
            )


def _shutting_out(number: int, largest: int, size: int) -> int:
    """How many pods of a number of NPUs on one node leave no room there for the largest; 0: no such number fits."""
    pods = (size - largest) // number + 1
    return pods if number < largest and pods * number <= size else 0


def _least_rest(room: int, sizes: Iterable[int]) -> int:
    """What is left of some room when pods of these sizes fill it as well as they can."""
    reachable = {0}
    for filled in range(1, room + 1):
        if any(filled - size in reachable for size in sizes):
            reachable.add(filled)
    return room - max(reachable)


@rule(
    "KI020",
    "shared-reset-group",
    Severity.NOTE,
    summary="a pod shares NPUs that are reset together with other pods",
    reason="""A faulty NPU is reset together with its neighbours: all 8 of an Atlas A2's HCCS ring, the two
    dies of an A3 card. The reset waits until every one of them is idle. A pod that asks for a part of such a
    group shares it with other pods, and its NPU stays broken until these have gone, too.""",
    right="Whole groups: 8 of 8 on A2, an even number on A3.",
    source="Ascend device plugin, hot reset; KubeInfer semantics, hardware faults (reset scope)",
    kinds=KUBEINFERS,
)
def shared_reset_group(context: LintContext) -> Iterator[Finding]:
    """Fires where the request is no multiple of the group."""
    for each in context.templates:
        npus = npus_of(each.template.requests)
        if npus is None or family_of(npus[0]) is not ASCEND:
            continue
        resource, number = npus
        group = _RESET_GROUP.get(node_size(context, resource, number))
        if group is not None and number % group:
            others = group - number % group
            yield Finding(
                _path_of(each, resource),
                f"{plural(number, 'NPU')} share a group of {group} that is reset together: a faulty one waits until "
                f"the other {others} of the group are idle, too",
                f"ask for a multiple of {group}",
            )


@rule(
    "KI023",
    "unsatisfiable-affinity",
    Severity.ERROR,
    summary="no node can have the labels the pods ask for",
    reason="""nodeSelector and required node affinity must hold together. When they contradict each other, or
    when no node of the cluster has such labels, the pods stay Pending for ever, and with them the whole gang
    of the instance.""",
    right="A selector that some node's labels meet; `kubectl get nodes --show-labels` lists them.",
    source="k8s.io/component-helpers scheduling/corev1/nodeaffinity",
    kinds=PLACED_KINDS,
)
def unsatisfiable_affinity(context: LintContext) -> Iterator[Finding]:
    """Fires on contradictions, and given a cluster where no node of it matches."""
    nodes = context.expectations.nodes
    for each in context.templates:
        template = each.template
        terms = template.required_node_affinity
        path = (*each.pod_path, *_AFFINITY)
        if terms is not None and terms:
            reasons = [_contradiction(template.node_selector, term.match_expressions) for term in terms]
            if all(reasons):
                what = "" if len(terms) == 1 else f"none of the {len(terms)} terms can be met: "
                yield Finding(
                    path,
                    f"no label can satisfy this: {what}{'; '.join(dict.fromkeys(map(str, reasons)))}",
                    "take one of the two away",
                )
                continue
        if nodes and not any(suits(template, node) for node in nodes):
            place, why = _why_none(each, nodes)
            yield Finding(
                place,
                f"none of the {plural(len(nodes), 'node')} of the cluster has these labels, so that "
                f"{context.pending(each)}: {why}",
                "label nodes, or ask for labels they have",
            )


def _contradiction(
    selector: Mapping[str, str], expressions: tuple[NodeSelectorRequirement, ...]
) -> str | None:
    """Why no set of labels meets all expressions of a term and the node selector; None when one may."""
    wanted = [NodeSelectorRequirement(key, "In", (value,)) for key, value in selector.items()]
    by_key: dict[str, list[NodeSelectorRequirement]] = {}
    for each in (*wanted, *expressions):
        by_key.setdefault(each.key, []).append(each)
    for key, all_of in by_key.items():
        listed = [set(each.values) for each in all_of if each.operator == "In"]
        present = listed or any(each.operator in ("Exists", "Gt", "Lt") for each in all_of)
        if present and any(each.operator == "DoesNotExist" for each in all_of):
            return f"{key} must be there and must not be there"
        banned = {value for each in all_of if each.operator == "NotIn" for value in each.values}
        if listed and not set.intersection(*listed) - banned:
            return f"no value of {key} meets {' and '.join(map(_written, all_of))}"
    return None


def _written(each: NodeSelectorRequirement) -> str:
    return f"{each.operator} {', '.join(each.values)}".rstrip()


def _why_none(each: TemplateAt, nodes: Sequence[Node]) -> tuple[Path, str]:
    """The first label no node has as it is asked for, and what the nodes have instead."""
    template = each.template
    for key, value in template.node_selector.items():
        if all(node.labels.get(key) != value for node in nodes):
            return (*each.pod_path, "nodeSelector", key), f"{key} is {_values_of(key, nodes)}, not {value}"
    for index, term in enumerate(template.required_node_affinity or ()):
        for place, expression in enumerate(term.match_expressions):
            alone = NodeSelectorTerm((expression,))
            if not any(match_node_selector_term(alone, node.labels, node.name) for node in nodes):
                path = (*each.pod_path, *_AFFINITY, index, "matchExpressions", place)
                return (
                    path,
                    f"{expression.key} is {_values_of(expression.key, nodes)}, not {_written(expression)}",
                )
    where = "nodeSelector" if template.required_node_affinity is None else "affinity"
    return (*each.pod_path, where), "each label is on some node, but no node has all of them"


def _values_of(key: str, nodes: Sequence[Node]) -> str:
    values = sorted({node.labels[key] for node in nodes if key in node.labels})
    if not values:
        return "on no node"
    return " or ".join(values[:5]) + (" or others" if len(values) > 5 else "") + " there"


@rule(
    "KI024",
    "pod-larger-than-any-node",
    Severity.ERROR,
    summary="a pod asks for more than any node of the cluster has (needs a cluster)",
    reason="""A pod runs on one node. When its requests exceed what even an empty node that its labels allow
    can give, it stays Pending for ever, and with it the whole gang of the instance.""",
    right="Requests that fit the nodes' allocatable, which is less than their capacity.",
    source="kube-scheduler's NodeResourcesFit (pkg/scheduler/framework/plugins/noderesources/fit.go)",
    kinds=PLACED_KINDS,
)
def pod_larger_than_any_node(context: LintContext) -> Iterator[Finding]:
    """Fires given a cluster, where labels match but no node is large enough."""
    nodes = context.expectations.nodes
    for each in context.templates:
        template = each.template
        suitable = [node for node in nodes if suits(template, node)]
        if not suitable or any(
            fits(template.requests, node.allocatable, node.unlimited) for node in suitable
        ):
            continue
        most = {
            name: max(node.allocatable.get(name, 0) for node in suitable)
            for name, number in template.requests.items()
            if number and all(name not in node.unlimited for node in suitable)
        }
        short = [name for name in most if most[name] < template.requests[name]]
        resource = short[0] if short else next(iter(most))
        what = f"{template.requests[resource]}{'m' * (resource == 'cpu')} {resource} per pod"
        has = f"the largest node has {most[resource]}{'m' * (resource == 'cpu')}"
        if not short:
            what, has = "the requests of a pod", "no node has enough of all resources together"
        yield Finding(
            _path_of(each, resource),
            f"{what}, {has}: {context.pending(each)}",
            "ask for less, or for other nodes",
        )

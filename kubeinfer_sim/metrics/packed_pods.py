"""Pods of one workload that a node took down together, though others had room: a loss that rests on `placement`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec import Struct

from kubeinfer_sim.cluster.records import NodeDrained, NodeFailed, NodeRemoved, NodeTaintEdited, PodGone
from kubeinfer_sim.engine.history import Record
from kubeinfer_sim.manifest.kubernetes.selectors import match_node, tolerates_taint
from kubeinfer_sim.manifest.model import VOLCANO, PodTemplate
from kubeinfer_sim.metrics.attribution import CauseSummary
from kubeinfer_sim.metrics.deployments import DeploymentMeasures
from kubeinfer_sim.scenario.actions.model import Apply
from kubeinfer_sim.scenario.cluster.model import NodeSpec
from kubeinfer_sim.scenario.model import Scenario

#: What happens to a node as a whole, and so to all pods on it.
_OF_NODES = NodeDrained, NodeFailed, NodeRemoved, NodeTaintEdited


class PackedPods(Struct, frozen=True):
    """`struck` of the `there` pods of a workload were on the node that `began_with` happened to."""

    kind: str
    name: str
    began_with: Record
    struck: int
    there: int


def packed_pods(scenario: Scenario, workloads: Iterable[DeploymentMeasures]) -> list[PackedPods]:
    """Of each workload the dearest loss to a node that had more than an even share of its pods, and others had room.

    That they had is shown by the run: a pod of the workload found a place on another node afterwards. It is told of
    pods that kube-scheduler places and would have spread over hosts, as its default profile does those of a ReplicaSet
    or StatefulSet that say nothing themselves (`placement: default`).
    """
    if scenario.assumptions.placement == "default":
        return []
    found = []
    for each in workloads:
        # Nodes are looked through for those alone that have lost something to one.
        if losses := [loss for loss in each.causes if loss.total and isinstance(loss.began_with, _OF_NODES)]:
            nodes = _most_apart(scenario, each)
            found.append(next(_packed(each, losses, nodes), None) if nodes > 1 else None)
    return [each for each in found if each is not None]


def _most_apart(scenario: Scenario, measures: DeploymentMeasures) -> int:
    """On how many nodes its pods may be; 0 where kube-scheduler's defaults do not decide that."""
    applied = [each.workload for each in scenario.actions if isinstance(each, Apply)]
    templates = [
        template
        for spec in (*scenario.workloads, *scenario.created, *applied)
        if (spec.kind, spec.name) == (measures.kind, measures.name)
        for template in spec.pod_templates
    ]
    if not templates or not all(_is_spread_by_default(scenario, each) for each in templates):
        return 0
    return min(sum(_takes(node, each) for node in scenario.nodes) for each in templates)


def _is_spread_by_default(scenario: Scenario, template: PodTemplate) -> bool:
    if template.scheduler_name == VOLCANO and scenario.assumptions.scheduler != "kube-scheduler":
        return False
    spec = template.raw.get("spec") or {}
    return not (spec.get("topologySpreadConstraints") or (spec.get("affinity") or {}).get("podAffinity"))


def _takes(node: NodeSpec, template: PodTemplate) -> bool:
    """Whether labels and taints of a node let a pod in at the start."""
    return (
        not node.unschedulable
        and match_node(template.node_selector, template.required_node_affinity, node.labels, node.name)
        and all(
            taint.effect == "PreferNoSchedule" or tolerates_taint(template.tolerations, taint)
            for taint in node.taints
        )
    )


def _packed(measures: DeploymentMeasures, losses: Iterable[CauseSummary], nodes: int) -> Iterator[PackedPods]:
    """Those of the losses of one workload whose pods may be on so many nodes."""
    for cause in losses:
        began = cause.began_with
        assert isinstance(began, _OF_NODES)
        hit = {
            each.pod for each in measures.struck if each.root == cause.cause and not isinstance(each, PodGone)
        }
        pods = [life.pods[0] for life in measures.pods]
        # Those that a drain replaces are made in the instant in which it begins.
        before = [pod for pod in pods if pod.created < began.at or pod.created == 0]
        there = [pod for pod in before if pod.gone is None or pod.gone >= began.at]
        struck = sum(pod.node == began.node and pod.pod in hit for pod in there)
        elsewhere = any(pod.node not in ("", began.node) for pod in pods if pod not in before)
        if struck > -(-len(there) // nodes) and elsewhere:
            yield PackedPods(measures.kind, measures.name, began, struck, len(there))

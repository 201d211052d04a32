"""Kubernetes' own tables for the scheduler's plugins."""

from __future__ import annotations

import pytest

from kubeinfer_sim.cluster.scheduler import objects
from kubeinfer_sim.cluster.scheduler.node_state import NodeState
from kubeinfer_sim.cluster.scheduler.plugins import (
    inter_pod_affinity,
    node_affinity,
    node_resources_fit,
    pod_topology_spread,
)
from kubeinfer_sim.cluster.scheduler.plugins.interface import Cluster
from kubeinfer_sim.cluster.scheduler.plugins.node_resources_fit import Strategy, allocation_score
from kubeinfer_sim.cluster.scheduler.pods import Pod
from kubeinfer_sim.manifest.kubernetes.selectors import (
    compare_numbers,
    match_node_selector_term,
    tolerates,
    tolerates_taint,
)


def named(amounts):
    return {
        {"cpu_milli": "cpu", "ephemeral_storage": "ephemeral-storage"}.get(k, k): v
        for k, v in amounts.items()
    }


def milli(amounts):
    return {k: f"{v}m" if k == "cpu" else v for k, v in named(amounts).items()}


def raw_pod(case, name="p"):
    def containers(key):
        return [{"resources": {"requests": milli(c)}} for c in case.get(key) or ()]

    spec = {"containers": containers("containers"), "initContainers": containers("init_containers")}
    if case.get("overhead"):
        spec["overhead"] = case["overhead"]
    return {"metadata": {"name": name}, "spec": spec}


@pytest.mark.vectors("k8s_scheduler_fit")
def test_what_is_short_is_named_with_its_numbers(case):
    node = NodeState("n", 0, {}, (), named(case["node_allocatable"]), frozenset())
    for i, existing in enumerate(case["existing_pods"] or ()):
        node.add(objects.pod(raw_pod(existing, str(i))))
    spec = objects.pod_spec(raw_pod(case["pod"]))
    found = node_resources_fit.shortages(
        spec, node, case["ignored_resources"] or (), case["ignored_resource_groups"] or ()
    )
    assert [
        {"resource": s.resource, "requested": s.requested, "used": s.used, "capacity": s.capacity}
        for s in sorted(found, key=lambda s: s.resource)
    ] == sorted(case["insufficient"] or (), key=lambda s: s["resource"])
    assert (not found) is case["fits"]


@pytest.mark.vectors("k8s_scheduler_least_allocated")
def test_least_allocated_scores(case):
    nodes = {}
    for i, raw in enumerate(case["nodes"]):
        status = {"allocatable": raw["capacity"]}
        nodes[raw["name"]] = objects.node({"metadata": {"name": raw["name"]}, "status": status}, i)

    def pod(raw, name):
        spec = {"containers": [{"resources": c} for c in raw["containers"]]}
        return objects.pod({"metadata": {"name": name}, "spec": spec})

    for i, existing in enumerate(case["existing_pods"]):
        nodes[existing["node"]].add(pod(existing, str(i)))
    strategy = Strategy("LeastAllocated", tuple((r["name"], r["weight"]) for r in case["resources"]))
    spec = pod(case["pod"], "p").spec
    scores = {n.name: allocation_score(strategy, spec.scoring, spec.requests, n) for n in nodes.values()}
    assert scores == case["expected_scores"]


def spread_cluster(case, key):
    nodes = {raw["metadata"]["name"]: objects.node(raw, i) for i, raw in enumerate(case["nodes"])}
    for i, raw in enumerate(case[key] or ()):
        name = (raw.get("spec") or {}).get("nodeName")
        if name in nodes:
            nodes[name].add(objects.pod({"status": {}, **raw}, key=i))
    namespaces = {raw["name"]: raw["labels"] for raw in case.get("namespaces") or ()}
    return Cluster(list(nodes.values()), namespaces)


def verdict_name(rejection):
    if rejection is None:
        return "Success"
    return "UnschedulableAndUnresolvable" if rejection.unresolvable else "Unschedulable"


@pytest.mark.vectors("k8s_scheduler_interpod_affinity_filter")
def test_inter_pod_affinity_filter(case):
    raw = {"metadata": {}, **case["pod"]}
    pod = Pod("incoming", objects.pod_spec(raw))
    cluster = spread_cluster(case, "existing_pods")
    check = inter_pod_affinity.filters(pod, cluster)
    if case["prefilter"] == "Skip":
        assert check is None
    elif case["prefilter"] is None:
        assert check is not None
        assert [verdict_name(check(node)) for node in cluster.nodes] == case["want"]


@pytest.mark.vectors("k8s_scheduler_topology_spread_filter")
def test_topology_spread_filter(case):
    raw = case["pod"]
    for constraint in raw["spec"]["topologySpreadConstraints"]:
        # Before 1.30 these were behind gates, which some cases have off.
        if not case["min_domains_enabled"]:
            constraint.pop("minDomains", None)
        if not case["node_inclusion_policy_enabled"]:
            constraint.pop("nodeAffinityPolicy", None)
            constraint.pop("nodeTaintsPolicy", None)
    cluster = spread_cluster(case, "existing_pods")
    check = pod_topology_spread.filters(Pod("incoming", objects.pod_spec(raw)), cluster)
    for node in cluster.nodes:
        found = verdict_name(check(node)) if check is not None else "Success"
        assert found == case["want"].get(node.name, "Success"), node.name


@pytest.mark.vectors("k8s_tolerations")
def test_tolerations(case):
    gate = case.get("comparison_operators_enabled", False)
    match case["op"]:
        case "compare_numeric":
            found = compare_numbers(case["toleration_value"], case["taint_value"], case["operator"])
        case "tolerates_taint":
            toleration, taint = objects.toleration(case["toleration"]), objects.taint(case["taint"])
            found = tolerates(toleration, taint, comparison_operators=gate)
        case _:
            # No filter is "all"; otherwise those count whose effect it names, with "none" not one.
            wanted = case.get("filter") or "all"
            rows = [t for t in case["taints"] or () if wanted == "all" or t["effect"] in wanted]
            taints = [objects.taint(t) for t in rows]
            tolerations = [objects.toleration(t) for t in case["tolerations"] or ()]
            found = all(tolerates_taint(tolerations, taint, comparison_operators=gate) for taint in taints)
    assert found is case["want"]


@pytest.mark.vectors("k8s_node_affinity")
def test_node_selection(case):
    def node_of(raw):
        return objects.node(raw or {"metadata": {"name": ""}})

    match case["op"]:
        case "pod_matches_node":
            spec = objects.pod_spec(case["pod"])
            node = node_of({"metadata": {"name": case["node_name"], "labels": case["node_labels"]}})
            assert node_affinity.accepts(spec, node) is case["want"]
        case "node_selector_match" | "node_selector_match_lazy" if not case.get("want_error_fields"):
            terms = [
                objects.node_selector_term(t or {})
                for t in case["node_selector"].get("nodeSelectorTerms") or ()
            ]
            node = node_of(case["node"])
            found = case["node"] is not None and any(
                match_node_selector_term(term, node.labels, node.name) for term in terms
            )
            assert found is case["want"]
        case "preferred_score" if not case["want_error_fields"]:
            terms = {"preferredDuringSchedulingIgnoredDuringExecution": case["terms"]}
            spec = objects.pod_spec({"spec": {"affinity": {"nodeAffinity": terms}}})
            assert node_affinity.preference(spec, node_of(case["node"])) == case["want"]

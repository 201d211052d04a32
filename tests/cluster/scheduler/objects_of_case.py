"""Cases of the scheduler tables → the scheduler's records."""

from __future__ import annotations

from typing import Any

from kubeinfer_sim.cluster.scheduler import objects
from kubeinfer_sim.cluster.scheduler.plugins.interface import Cluster
from kubeinfer_sim.cluster.scheduler.preemption import Budget


def cluster_of(case: dict[str, Any], nodes: str = "nodes", pods: str = "pods") -> Cluster:
    """The nodes with the pods on them, namespaces, Services and workloads of a case."""
    states = [objects.node(raw, order) for order, raw in enumerate(case[nodes])]
    by_name = {state.name: state for state in states}
    for raw in case.get(pods) or ():
        # The API server shows the scheduler no pods that have ended.
        if (raw.get("status") or {}).get("phase") not in ("Succeeded", "Failed"):
            by_name[raw["spec"]["nodeName"]].add(objects.pod(raw))
    cluster = Cluster(states)
    cluster.namespaces = {
        raw["metadata"]["name"]: raw["metadata"].get("labels") or {} for raw in case.get("namespaces") or ()
    }
    services, workloads = [], {}
    for raw in case.get("objects") or ():
        namespace = raw["metadata"].get("namespace") or "default"
        selector = raw["spec"].get("selector")
        if raw["kind"] == "Service" and selector:
            services.append((namespace, selector))
        elif selector:
            key = (namespace, raw["kind"], raw["metadata"]["name"])
            plain = raw["kind"] == "ReplicationController"
            workloads[key] = objects.label_selector({"matchLabels": selector} if plain else selector)
    cluster.services, cluster.workloads = services, workloads
    return cluster


def budget_of(raw: dict[str, Any]) -> Budget:
    return Budget(
        namespace=raw["metadata"].get("namespace") or "default",
        selector=objects.label_selector(raw["spec"].get("selector")),
        allowed=raw["status"]["disruptionsAllowed"],
    )

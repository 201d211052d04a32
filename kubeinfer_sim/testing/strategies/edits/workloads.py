"""Edits of what owns pods: budgets of updates, replicas, recovery, probes, the time pods get to stop."""

from __future__ import annotations

from typing import Any

from kubeinfer_sim.testing.strategies.edits.registry import Draft, edit
from kubeinfer_sim.testing.strategies.values import (
    Draw,
    draw_int_or_percent,
    draw_probe_number,
    maybe,
    pick,
)
from kubeinfer_sim.testing.strategies.workloads import Workload, long_running
from kubeinfer_sim.testing.strategies.written import Raw


def _one(draw: Draw, draft: Draft, *kinds: str) -> Workload | None:
    """One of the workloads, of some kinds or of all."""
    there = [each for each in draft.workloads if not kinds or each.kind in kinds]
    return pick(draw, there) if there else None


def _inner(owner: Raw, *keys: str) -> Raw:
    """The mapping at a path; what is not there, or null, is made."""
    for key in keys:
        if not isinstance(owner.get(key), dict):
            owner[key] = {}
        owner = owner[key]
    return owner


@edit("budgets", manifest=True)
def _budgets(draw: Draw, draft: Draft) -> bool:
    one = _one(draw, draft, "KubeInfer", "Deployment")
    if one is None:
        return False
    strategy: Any = one.document["spec"].get("strategy") or {}
    if strategy.get("type") == "Recreate":
        return False
    kind = "InstanceRollingUpdate" if one.kind == "KubeInfer" else "RollingUpdate"
    one.document["spec"].setdefault("strategy", {"type": kind})
    budget = _inner(one.document["spec"], "strategy", "rollingUpdate")
    budget[pick(draw, ("maxUnavailable", "maxSurge"))] = draw_int_or_percent(draw)
    return True


@edit("replicas", manifest=True)
def _replicas(draw: Draw, draft: Draft) -> bool:
    one = _one(draw, draft, "KubeInfer", "Deployment", "ReplicaSet", "StatefulSet")
    if one is None:
        return False
    owners = [one.document["spec"], *(one.roles if one.kind == "KubeInfer" else ())]
    owner = pick(draw, owners)
    owner["replicas"] = max(0, owner.get("replicas", 1) + pick(draw, (1, -1, 2)))
    return True


@edit("recovery", manifest=True)
def _recovery(draw: Draw, draft: Draft) -> bool:
    one = _one(draw, draft, "KubeInfer")
    if one is None:
        return False
    _inner(pick(draw, one.roles), "recoveryPolicy")["restart"] = pick(draw, ("Instance", "Pod"))
    return True


@edit("probes", manifest=True)
def _probes(draw: Draw, draft: Draft) -> bool:
    one = _one(draw, draft)
    if one is None:
        return False
    containers = long_running(pick(draw, list(one.templates.values())))
    probed = [
        (each, f"{kind}Probe")
        for each in containers
        for kind in ("readiness", "liveness", "startup")
        if each.get(f"{kind}Probe")
    ]
    if not probed:
        return False
    container, name = pick(draw, probed)
    if maybe(draw, 10):
        del container[name]
    else:
        field, value = draw_probe_number(draw, name)
        container[name][field] = value
    return True


@edit("grace", manifest=True)
def _grace(draw: Draw, draft: Draft) -> bool:
    one = _one(draw, draft)
    if one is None:
        return False
    template = pick(draw, list(one.templates.values()))
    template["spec"]["terminationGracePeriodSeconds"] = pick(draw, (30, 1, 5, 120, 600))
    return True

"""Edits of what a scenario says beside its manifest: what happens and when, how long it takes, on which nodes."""

from __future__ import annotations

import re

from kubeinfer_sim.manifest.accelerators import accelerator_count
from kubeinfer_sim.manifest.releases import RELEASES
from kubeinfer_sim.scenario.units import parse_duration
from kubeinfer_sim.testing.strategies.actions import Then, draw_action
from kubeinfer_sim.testing.strategies.clusters import WrittenCluster
from kubeinfer_sim.testing.strategies.edits.registry import Draft, edit
from kubeinfer_sim.testing.strategies.objects import name_of
from kubeinfer_sim.testing.strategies.spec_parts import STAGES, draw_assumptions
from kubeinfer_sim.testing.strategies.values import Draw, draw_distribution, maybe, pick
from kubeinfer_sim.testing.strategies.written import Raw

#: By how much something is moved, ms.
_STEPS = (1_000, -1_000, 10_000, -10_000, 60_000, -60_000, 1, -1, 600_000, -600_000)
#: When something may happen in a scenario of which nobody knows how long it takes, ms.
_SOME_TIMES = (60_000, 0, 1_000, 10_000, 300_000, 600_000, 1_200_000, 3_600_000)


def _moment(draw: Draw, draft: Draft) -> int:
    """When something happens: at a moment of interest or near one, or when something else does."""
    others = [parse_duration(each["at"]) for each in draft.spec.get("actions") or ()]
    moment = pick(draw, (*draft.moments, *others, *_SOME_TIMES))
    return max(0, moment + pick(draw, _STEPS)) if maybe(draw, 40) else moment


def _as_written(at: int) -> str:
    return f"{at}ms" if at % 1000 else f"{at // 1000}s"


def one_more_action(draw: Draw, draft: Draft, name: str | None = None) -> Raw | None:
    """An action on the nodes and workloads there are, of any kind or of the one named; None: it would mean nothing."""
    scenario = draft.scenario
    assert scenario is not None
    if not scenario.nodes or not draft.workloads:
        return None
    pools: dict[str, list[str]] = {}
    if "pools" in (draft.spec.get("cluster") or {}):
        for node in scenario.nodes:
            pools.setdefault(node.pool, []).append(node.name)
    nodes = {node.name: accelerator_count(node.allocatable) for node in scenario.nodes}
    labels = {node.name: dict(node.labels) for node in scenario.nodes}
    # Of each workload the version it begins with.
    workloads = {(each.kind, each.name): each for each in reversed(draft.workloads)}
    names = [
        name_of(each) for each in draft.objects if (each["kind"], each["metadata"]["name"]) not in workloads
    ]
    then = Then(
        WrittenCluster("", nodes, pools, labels),
        list(reversed(workloads.values())),
        objects=dict.fromkeys(names),
    )
    then.storage = "storage" in (draft.spec.get("transfers") or {})
    then.go_on(_moment(draw, draft))
    return draw_action(draw, then, name)


def _another_action(draw: Draw, draft: Draft, name: str | None = None) -> bool:
    made = one_more_action(draw, draft, name)
    if made is None:
        return False
    draft.spec["actions"] = [*(draft.spec.get("actions") or ()), made]
    return True


@edit("faults")
def _fault(draw: Draw, draft: Draft) -> bool:
    return _another_action(draw, draft, "fault")


@edit("actions")
def _action(draw: Draw, draft: Draft) -> bool:
    actions = draft.spec.get("actions") or []
    if actions and maybe(draw, 30):
        actions.pop(pick(draw, range(len(actions))))
        return True
    return _another_action(draw, draft)


@edit("times")
def _time(draw: Draw, draft: Draft) -> bool:
    actions = draft.spec.get("actions") or []
    if not actions:
        return False
    action = pick(draw, actions)
    if maybe(draw, 60):
        action["at"] = _as_written(_moment(draw, draft))
    else:
        action["at"] = _as_written(max(0, parse_duration(action["at"]) + pick(draw, _STEPS)))
    return True


@edit("stages")
def _stage(draw: Draw, draft: Draft) -> bool:
    timings = draft.spec.setdefault("timings", {})
    timings[pick(draw, STAGES)] = draw_distribution(draw)
    return True


@edit("cluster")
def _cluster(draw: Draw, draft: Draft) -> bool:
    cluster = draft.spec.get("cluster")
    step = pick(draw, (-1, 1))
    written = cluster if isinstance(cluster, str) else (cluster or {}).get("nodes")
    if isinstance(written, str) and (match := re.fullmatch(r"(\d+)(x\d+)", written)):
        fewer = f"{int(match[1]) + step}{match[2]}"
        if isinstance(cluster, dict):
            cluster["nodes"] = fewer
        else:
            draft.spec["cluster"] = fewer
        return True
    pools = (cluster or {}).get("pools") if isinstance(cluster, dict) else None
    counted = [each for each in pools or () if isinstance(each.get("count"), int)]
    if not counted:
        return False
    pick(draw, counted)["count"] += step
    return True


@edit("assumptions")
def _assumption(draw: Draw, draft: Draft) -> bool:
    drawn = draw_assumptions(draw)
    name = next(iter(drawn))
    draft.spec["assumptions"] = {**(draft.spec.get("assumptions") or {}), name: drawn[name]}
    return True


@edit("version")
def _version(draw: Draw, draft: Draft) -> bool:
    draft.spec["kubernetesVersion"] = pick(draw, tuple(reversed(RELEASES)))
    return True


@edit("seed")
def _seed(draw: Draw, draft: Draft) -> bool:
    draft.spec["seed"] = pick(draw, range(1, 1000))
    return True

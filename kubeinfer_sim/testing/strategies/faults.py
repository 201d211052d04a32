"""Faults as people write them: on the time line, and as processes."""

from __future__ import annotations

from collections.abc import Mapping

from kubeinfer_sim.scenario.faults.kinds import KINDS
from kubeinfer_sim.scenario.faults.levels import ASCEND_LEVELS
from kubeinfer_sim.scenario.faults.profiles import PROFILES
from kubeinfer_sim.testing.strategies.clusters import RACK, WrittenCluster
from kubeinfer_sim.testing.strategies.values import (
    DURATIONS,
    Draw,
    draw_distribution,
    maybe,
    part,
    pick,
    some,
)
from kubeinfer_sim.testing.strategies.workloads import Workload, npus_of
from kubeinfer_sim.testing.strategies.written import Raw


def possible_kinds(nodes: Mapping[str, int], *, storage: bool) -> list[str]:
    """Kinds that can strike something there; `nodes` have so many NPUs each."""
    return [
        name
        for name, kind in KINDS.items()
        if (storage or "storage" not in kind.needs) and (kind.strikes != "npu" or any(nodes.values()))
    ]


def draw_fault(draw: Draw, kind: str, nodes: Mapping[str, int], workload: Workload, pods: Raw) -> Raw | str:
    """A fault of a kind; `nodes` exist then, with so many NPUs each, `pods` says which of the workload's are meant."""
    row = KINDS[kind]
    written: Raw = {"kind": kind}
    with_npus = [name for name, npus in nodes.items() if npus]
    if row.strikes == "cluster" and maybe(draw, 30):
        return kind
    if row.strikes == "npu":
        way = pick(draw, ("node", "pods", "random")) if with_npus else "pods"
        if way == "pods" and workload.npus:
            if not any(npus_of(workload.templates[role]) for role in pods.get("roles", workload.templates)):
                pods = {key: value for key, value in pods.items() if key == "instances"}
            written |= pods or {"pods": [0]}
            if maybe(draw, 50):
                written["npu"] = pick(draw, range(_least_npus(workload)))
        elif way == "random" or not with_npus:
            written["random"] = pick(draw, ("busyNpu", "idleNpu"))
        else:
            written["node"] = pick(draw, with_npus)
            if maybe(draw, 70):
                written["npu"] = pick(draw, range(nodes[written["node"]]))
            elif maybe(draw, 50):
                written["npus"] = some(draw, range(nodes[written["node"]]), 4)
        if maybe(draw, 20):
            written["level"] = pick(draw, tuple(ASCEND_LEVELS))
        if maybe(draw, 20):
            written["failedResets"] = pick(draw, (1, 3, 100))
    elif row.strikes == "pod":
        written |= {"random": "pod"} if maybe(draw, 30) else pods
    elif row.strikes == "node":
        written |= {"random": "node"} if maybe(draw, 20) else {"nodes": some(draw, list(nodes))}
    if maybe(draw, 20):
        written["symptom"] = pick(draw, row.symptoms)
    if maybe(draw, 40):
        written["clearsAfter"] = draw(DURATIONS)
    if maybe(draw, 20):
        written["repair"] = part(draw, draw_distribution)
    slow = row.strikes == "npu" and written.get("symptom", row.symptom) == "slow"
    if (slow or row.factor is not None) and maybe(draw, 50):
        written["factor"] = pick(draw, (0.5, 0.1, 0.99))
    return written


def strikes_pods(fault: Raw | str) -> bool:
    """Whether it matters whose pods a fault is about, so that it may name an object."""
    if isinstance(fault, str):
        return False
    by_pod = fault.keys() & {"instances", "roles", "pods"}
    return KINDS[fault["kind"]].strikes == "pod" or bool(by_pod) or fault.get("random") == "busyNpu"


def _least_npus(workload: Workload) -> int:
    """As many as the pods hold that hold the fewest, of those that hold any."""
    return min(filter(None, map(npus_of, workload.templates.values())))


def draw_processes(draw: Draw, cluster: WrittenCluster, storage: bool, kubeinfers: bool) -> Raw | str:
    """What stands in `spec.faults`: a profile, or processes and how NPUs are looked after."""
    with_npus = any(cluster.nodes.values())
    if with_npus and maybe(draw, 10):
        return pick(draw, tuple(PROFILES))
    kinds = [
        kind
        for kind in possible_kinds(cluster.nodes, storage=storage)
        if kubeinfers or KINDS[kind].strikes != "pod"
    ]
    written: Raw = {}
    if maybe(draw, 80):
        written["processes"] = [
            part(draw, _process, f"p{number}", kinds, cluster) for number in range(pick(draw, (1, 2)))
        ]
    if maybe(draw, 40):
        written["npus"] = part(draw, draw_npus)
    return written or {"processes": []}


def _process(draw: Draw, name: str, kinds: list[str], cluster: WrittenCluster) -> Raw:
    kind = pick(draw, kinds)
    written: Raw = {"name": name}
    strikes = KINDS[kind].strikes
    if maybe(draw, 30):
        alike = [other for other in kinds if KINDS[other].strikes == strikes]
        written["mix"] = [
            other if maybe(draw, 50) else {"kind": other, "weight": 2} for other in some(draw, alike, 3)
        ]
    else:
        written["kind"] = kind
    if strikes in ("npu", "node") and cluster.labels and maybe(draw, 20):
        written |= {"per": "domain", "domain": RACK}
    # Of each object: few enough that a run stays short.
    each = {"npu": 30, "node": 4, "pod": 6, "cluster": 1, "domain": 2}[written.get("per", strikes)]
    if maybe(draw, 60):
        written["rate"] = f"1 per {each * pick(draw, (8, 2, 50))}h"
    else:
        written["every"] = pick(
            draw,
            (
                {"exponential": f"{each * 4}h"},
                {"weibull": {"shape": 0.8, "mean": f"{each * 4}h"}},
                {"uniform": {"low": f"{each}h", "high": f"{each * 3}h"}},
            ),
        )
    if maybe(draw, 30):
        written["clearsAfter"] = part(draw, draw_distribution)
    if maybe(draw, 20):
        written["repair"] = part(draw, draw_distribution)
    return written


def draw_npus(draw: Draw) -> Raw:
    """How NPUs are looked after."""
    written: Raw = {}
    for key, choices in (
        ("repair", ("1h", "10m", {"exponential": "30m"}, "0s")),
        ("spares", (1, 0)),
        ("swap", ("10m", "1s")),
        ("crews", (1, 2)),
        ("resetGroup", ("npu", "card", "ring")),
        ("hotReset", (False, True)),
        ("idleBefore", ("10s", "2m")),
        ("attempts", (1, 3)),
        ("repeats", (0, 1, 3)),
        ("slowFactor", (0.5, 0.01)),
        ("reportPeriod", ("5s", "1s", "1m")),
        ("patience", ("1m", "0s")),
        ("pipeline", ("1s", {"uniform": {"low": "0s", "high": "30s"}})),
    ):
        if maybe(draw, 20):
            written[key] = pick(draw, choices)
    return written

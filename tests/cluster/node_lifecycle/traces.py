"""How traces of the node lifecycle are written down and compared."""

from __future__ import annotations

from collections import Counter
from typing import Any

from kubeinfer_sim.manifest.model import Toleration

Write = tuple[int, str, str, str, str]


def tolerations(rows: list[dict[str, Any]]) -> tuple[Toleration, ...]:
    """Tolerations as YAML has them."""
    return tuple(
        Toleration(
            row.get("key", ""),
            row.get("operator", "Equal"),
            row.get("value", ""),
            row.get("effect", ""),
            row.get("tolerationSeconds"),
        )
        for row in rows
    )


def settled(writes: list[Write]) -> list[Write]:
    """What each instant came to: of opposite writes within one instant the net effect is left."""
    state: dict[tuple[str, str, str], object] = {}
    result: list[Write] = []
    by_time: dict[int, list[Write]] = {}
    for write in writes:
        by_time.setdefault(write[0], []).append(write)
    for group in by_time.values():
        before = dict(state)
        last: dict[tuple[str, str, str], Write] = {}
        for write in group:
            _, kind, name, value, _ = write
            if kind.startswith("taint"):
                key = ("taint", name, value)
                state[key] = kind == "taint+"
            else:
                key = (kind, name, "")
                state[key] = value
            last[key] = write
        for key, write in last.items():
            default: object = (
                False if key[0] == "taint" else "True" if key[0] in ("ready", "pod_ready") else None
            )
            if before.get(key, default) != state[key]:
                result.append(write)
    return sorted(result)


def by_zone(case: dict[str, Any], writes: list[Write]) -> list[tuple[int, str, str, str, str, int]]:
    """The form of `anon` cases: counts per zone, pods by the name of their tolerations."""
    nodes, pods = list(case["nodes"] or []), list(case["pods"] or [])
    for step in case["script"] or []:
        nodes += [step["new_node"]] if "new_node" in step else []
        pods += [step["pod"]] if "pod" in step else []
    zone_of = {node["name"]: node.get("zone", "") for node in nodes}
    pod_of = {pod["name"]: pod for pod in pods}
    counts: Counter[tuple[int, str, str, str, str]] = Counter()
    for when, kind, name, value, by in writes:
        if kind.startswith("pod"):
            pod = pod_of[name]
            suffix = f"={value}" if kind == "pod_ready" else ""
            counts[when, kind, zone_of[pod["node"]], pod["tol"] + suffix, by] += 1
        else:
            counts[when, kind, zone_of[name], value, by] += 1
    return sorted((*key, count) for key, count in counts.items())


def expected(case: dict[str, Any]) -> list[tuple[Any, ...]]:
    """The recorded events, sorted."""
    return sorted(tuple(event) for event in case["events"] or [])


def comparable(case: dict[str, Any], writes: list[Write]) -> list[tuple[Any, ...]]:
    """Writes in the form of the case's recorded events."""
    trace = settled(writes)
    return list(by_zone(case, trace)) if case["anon"] else list(trace)

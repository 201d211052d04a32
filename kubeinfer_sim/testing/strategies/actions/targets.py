"""Which nodes and pods an action is about, and when what it does ends."""

from __future__ import annotations

from typing import Any

from kubeinfer_sim.testing.strategies.actions.then import Then
from kubeinfer_sim.testing.strategies.clusters import RACK
from kubeinfer_sim.testing.strategies.values import POSITIVE_SHORT, Draw, maybe, pick, some
from kubeinfer_sim.testing.strategies.written import Raw


def draw_nodes(draw: Draw, then: Then) -> Any:
    """Nodes by name, by pool or by label."""
    way = pick(draw, ("name", "names", "pool", "label"))
    pools = [pool for pool, members in then.pools.items() if then.there(members)]
    racks = sorted({then.labels[name][RACK] for name in then.there(then.labels) if RACK in then.labels[name]})
    if way == "pool" and pools:
        return {"pool": pick(draw, pools)}
    if way == "label" and racks:
        return {"nodeSelector": {RACK: pick(draw, racks)}}
    return pick(draw, list(then.nodes)) if way == "name" else some(draw, list(then.nodes), 3)


def names_of(nodes: Any, then: Then) -> list[str]:
    """The nodes that `draw_nodes` means."""
    written = spelled_out(nodes)
    if "pool" in written:
        return then.there(then.pools[written["pool"]])
    if "nodes" in written:
        named: list[str] = written["nodes"]
        return named
    wanted = written["nodeSelector"].items()
    return then.there(name for name, labels in then.labels.items() if wanted <= labels.items())


def spelled_out(nodes: Any) -> Raw:
    """The long spelling of nodes, beside which other fields may stand."""
    if isinstance(nodes, str):
        return {"nodes": [nodes]}
    return {"nodes": nodes} if isinstance(nodes, list) else dict(nodes)


def draw_pods(draw: Draw, then: Then, *, nodes: bool = True) -> Raw:
    """Some pods of the workload that is named; nothing means all."""
    written: Raw = {}
    workload = then.named
    if workload.kind == "KubeInfer":
        roles = workload.roles
        if maybe(draw, 50):
            roles = [pick(draw, roles)]
            written["roles"] = [roles[0]["name"]]
        if maybe(draw, 70) and workload.replicas:
            written["instances"] = some(draw, range(workload.replicas))
        if maybe(draw, 30):
            written["pods"] = [pick(draw, range(max(1, min(each.get("replicas", 1) for each in roles))))]
    elif maybe(draw, 60):
        written["pods"] = some(draw, range(4))
    if nodes and maybe(draw, 10):
        written["nodes"] = some(draw, list(then.nodes))
    return written


def meant(pods: Raw, then: Then) -> list[Raw]:
    """The templates of the pods that `draw_pods` means."""
    templates = then.named.templates
    return [templates[role] for role in pods.get("roles", templates)]


def draw_end(draw: Draw, then: Then, *, times: bool = False) -> Raw:
    """When something ends by itself: after so long, at a time, after so many times, or never."""
    way = pick(draw, ("lasts", "never", "until", "times"))
    if way == "times" and times:
        return {"times": pick(draw, (1, 2, 5))}
    if way == "until":
        return {"until": f"{then.at + 1000 * pick(draw, (60, 1, 600))}ms"}
    return {"lasts": draw(POSITIVE_SHORT)} if way == "lasts" else {}

"""Actions on nodes: they are cordoned, tainted, drained, added, removed, and fail."""

from __future__ import annotations

from typing import Any

from kubeinfer_sim.testing.strategies.actions.registry import ACTIONS, Action, action
from kubeinfer_sim.testing.strategies.actions.targets import draw_end, draw_nodes, names_of, spelled_out
from kubeinfer_sim.testing.strategies.actions.then import Then
from kubeinfer_sim.testing.strategies.clusters import RACK
from kubeinfer_sim.testing.strategies.values import POSITIVE_SHORT, Draw, maybe, pick, some
from kubeinfer_sim.testing.strategies.workloads import NPU
from kubeinfer_sim.testing.strategies.written import Raw

ACTIONS["cordon"] = ACTIONS["uncordon"] = Action(draw_nodes)
_KEYS = ("dedicated", "team", "example.com/broken")


@action("taint")
def _taint(draw: Draw, then: Then) -> Raw:
    written = {**spelled_out(draw_nodes(draw, then)), "key": pick(draw, _KEYS)}
    return {**written, "effect": pick(draw, ("NoSchedule", "NoExecute", "PreferNoSchedule"))}


@action("untaint")
def _untaint(draw: Draw, then: Then) -> Raw:
    return {**spelled_out(draw_nodes(draw, then)), "key": pick(draw, _KEYS)}


@action("labelNodes")
def _label_nodes(draw: Draw, then: Then) -> Raw:
    return {**spelled_out(draw_nodes(draw, then)), "labels": {"pool": pick(draw, ("infer", "other", None))}}


@action("addNodes")
def _add_nodes(draw: Draw, then: Then) -> Raw:
    # A pool of the cluster has more nodes like its others, a new one says what they offer.
    name = pick(draw, ("extra", *then.cluster.pools))
    members = then.pools.setdefault(name, [])
    written: Raw = {"name": name, "count": 1 + pick(draw, range(2))}
    if not members:
        written |= {"labels": {RACK: "r0"}, "allocatable": {"cpu": "192", "memory": "1500Gi", NPU: 8}}
    for _ in range(written["count"]):
        node = f"{name}-{len(members)}"
        then.nodes[node] = then.nodes.get(members[0], 8) if members else 8
        then.labels[node] = then.labels[members[0]] if members else {RACK: "r0"}
        members.append(node)
    return written


@action("removeNodes")
def _remove_nodes(draw: Draw, then: Then) -> Any:
    nodes = draw_nodes(draw, then)
    names = names_of(nodes, then)
    if len(set(names)) >= len(then.nodes):
        return None
    for name in names:
        then.nodes.pop(name, None)
    return nodes


@action("drain")
def _drain(draw: Draw, then: Then) -> Any:
    nodes = draw_nodes(draw, then)
    if maybe(draw, 40):
        return nodes
    written = {**spelled_out(nodes), "timeout": pick(draw, ("10m", "never", "30s"))}
    return {**written, "force": True} if maybe(draw, 50) else written


@action("nodeDown")
def _node_down(draw: Draw, then: Then) -> Any:
    nodes = draw_nodes(draw, then)
    then.down.update(names_of(nodes, then))
    if maybe(draw, 20):
        return nodes
    written = {**spelled_out(nodes), "mode": pick(draw, ("silent", "cutOff", "notReady"))}
    return {**written, **draw_end(draw, then)}


@action("nodeUp")
def _node_up(draw: Draw, then: Then) -> Any:
    down = then.there(then.down)
    return some(draw, down) if down else None


def _plugin(draw: Draw) -> dict[str, Any]:
    return {} if maybe(draw, 50) else {"devicePluginAfter": pick(draw, ("0s", "12s", draw(POSITIVE_SHORT)))}


@action("reboot")
def _reboot(draw: Draw, then: Then) -> Any:
    nodes = draw_nodes(draw, then)
    then.down.update(names_of(nodes, then))
    return (
        nodes if maybe(draw, 30) else {**spelled_out(nodes), "takes": draw(POSITIVE_SHORT), **_plugin(draw)}
    )


@action("kubeletRestart")
def _kubelet_restart(draw: Draw, then: Then) -> Any:
    nodes = draw_nodes(draw, then)
    then.down.update(names_of(nodes, then))
    return (
        nodes if maybe(draw, 30) else {**spelled_out(nodes), "takes": draw(POSITIVE_SHORT), **_plugin(draw)}
    )


@action("outOfService")
def _out_of_service(draw: Draw, then: Then) -> Any:
    out = then.there(then.out_of_service)
    if out and maybe(draw, 50):
        return {"nodes": some(draw, out), "ended": True}
    nodes = draw_nodes(draw, then)
    then.out_of_service.update(names_of(nodes, then))
    return nodes

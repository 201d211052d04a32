"""Actions on workloads: another version, other replicas, a rollback."""

from __future__ import annotations

from typing import Any

from kubeinfer_sim.testing.strategies.actions.registry import OWNERS, action
from kubeinfer_sim.testing.strategies.actions.then import Then
from kubeinfer_sim.testing.strategies.values import SMALL, Draw, draw_int_or_percent, maybe, pick
from kubeinfer_sim.testing.strategies.written import Raw


@action("scale", "KubeInfer", "Deployment", "ReplicaSet", "StatefulSet")
def _scale(draw: Draw, then: Then) -> int:
    return draw(SMALL)


@action("apply", *OWNERS)
def _apply(draw: Draw, then: Then) -> Any:
    # Of a ReplicaSet it changes nothing but the pods to come.
    if then.named.kind == "KubeInfer" and then.settable and maybe(draw, 50):
        then.new_template()
        return {"set": {"image": f"repo/vllm:v{pick(draw, (2, 1, 3))}"}}
    then.new_template()
    return {"newRevision": True}


@action("patch", *OWNERS)
def _patch(draw: Draw, then: Then) -> Raw:
    if then.named.kind != "KubeInfer":
        fields = [("minReadySeconds", 10), ("replicas", 3), ("revisionHistoryLimit", 2)]
        absent = {"DaemonSet": "replicas", "ReplicaSet": "revisionHistoryLimit"}.get(then.named.kind)
        key, value = pick(draw, [each for each in fields if each[0] != absent])
        return {"spec": {key: value}}
    if maybe(draw, 50):
        budget = {"maxSurge": draw_int_or_percent(draw), "maxUnavailable": pick(draw, (1, "50%", 2))}
        return {"spec": {"strategy": {"rollingUpdate": budget}}}
    return {"spec": {"replicas": draw(SMALL)}}


@action("rollback", "KubeInfer", "Deployment", "StatefulSet", "DaemonSet")
def _rollback(draw: Draw, then: Then) -> Any:
    if not then.templates.get(then.named.name) or then.named.name in then.paused:
        return None
    return True


@action("pause", "Deployment")
def _pause(draw: Draw, then: Then) -> Any:
    if then.named.name in then.paused:
        return None
    then.paused.add(then.named.name)
    return True


@action("resume", "Deployment")
def _resume(draw: Draw, then: Then) -> Any:
    if then.named.name not in then.paused:
        return None
    then.paused.discard(then.named.name)
    return True


@action("setImage", *OWNERS)
def _set_image(draw: Draw, then: Then) -> Raw:
    then.new_template()
    containers = [each["name"] for each in then.named.containers if each["name"] != "mesh"]
    return {
        "container": pick(draw, ("*", *dict.fromkeys(containers))),
        "image": f"repo/vllm:v{pick(draw, (2, 3))}",
    }

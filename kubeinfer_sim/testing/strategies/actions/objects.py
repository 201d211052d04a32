"""Actions on objects of any kind: they are created, changed, deleted."""

from __future__ import annotations

from typing import Any

from kubeinfer_sim.testing.strategies.actions.registry import action
from kubeinfer_sim.testing.strategies.actions.then import Then
from kubeinfer_sim.testing.strategies.objects import OBJECTS, PATCHES, name_of
from kubeinfer_sim.testing.strategies.profiles import SMALL as SMALL_PROFILE
from kubeinfer_sim.testing.strategies.values import Draw, pick
from kubeinfer_sim.testing.strategies.workloads import KINDS


@action("create")
def _create(draw: Draw, then: Then) -> Any:
    kind = pick(draw, (*OBJECTS, "Pod", "Deployment", "ReplicaSet", "StatefulSet", "DaemonSet"))
    name = f"new-{then.creations}"
    if kind not in OBJECTS:
        made = KINDS[kind](draw, name, "repo/vllm:v1", SMALL_PROFILE)
        template = made if kind == "Pod" else made["spec"]["template"]
        template["spec"].pop("priorityClassName", None)
        then.new_object(name_of(made))
        return made
    written = OBJECTS[kind](draw, name, then.workloads)
    if written is None or (kind == "PriorityClass" and then.classes_given):
        return None
    if name_of(written) not in then.objects:
        then.objects.append(name_of(written))
    then.creations += 1
    return written


@action("patchObject")
def _patch_object(draw: Draw, then: Then) -> Any:
    there = [name for name in then.objects if name.partition("/")[0] in PATCHES]
    if not there:
        return None
    then.object = pick(draw, there)
    return pick(draw, PATCHES[then.object.partition("/")[0]])


@action("deleteObject")
def _delete_object(draw: Draw, then: Then) -> Any:
    there = [*then.created, *then.objects]
    if not there:
        return None
    name = pick(draw, there)
    (then.created if name in then.created else then.objects).remove(name)
    return name

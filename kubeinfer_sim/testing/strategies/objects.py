"""Objects that own no pods and yet decide about them: quotas, limits, classes, claims, autoscalers, budgets."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from kubeinfer_sim.testing.strategies.clusters import RACK
from kubeinfer_sim.testing.strategies.profiles import Profile
from kubeinfer_sim.testing.strategies.values import Draw, maybe, part, pick
from kubeinfer_sim.testing.strategies.workloads import (
    CLAIM,
    CONFIG_MAP,
    NPU,
    PRIORITY_CLASSES,
    RUNTIME_CLASS,
    Workload,
)
from kubeinfer_sim.testing.strategies.written import Raw

#: What an autoscaler may scale.
_SCALED = ("Deployment", "ReplicaSet", "StatefulSet")


def _object(version: str, kind: str, name: str, **fields: Any) -> Raw:
    return {
        "apiVersion": version,
        "kind": kind,
        "metadata": {"name": name, "namespace": "prod"},
        **fields,
    }


def draw_budget(draw: Draw, name: str, workloads: Sequence[Workload]) -> Raw:
    """A PodDisruptionBudget for the pods of one of the workloads."""
    limits = ({"maxUnavailable": 1}, {"minAvailable": 1}, {"minAvailable": "50%"}, {"maxUnavailable": "0%"})
    limit: Raw = pick(draw, limits)
    selector = {"matchLabels": {"app": pick(draw, workloads).name}}
    return _object("policy/v1", "PodDisruptionBudget", name, spec={"selector": selector, **limit})


def draw_quota(draw: Draw, name: str, workloads: Sequence[Workload]) -> Raw:
    """A ResourceQuota: of pods, of NPUs, or of what most pods do not say."""
    hard = pick(draw, ({"pods": "3"}, {f"requests.{NPU}": "16"}, {"pods": "8"}, {"requests.cpu": "64"}))
    spec: Raw = {"hard": hard}
    if "pods" in hard and maybe(draw, 30):
        spec["scopes"] = [pick(draw, ("NotTerminating", "NotBestEffort", "BestEffort"))]
    return _object("v1", "ResourceQuota", name, spec=spec)


def draw_limit_range(draw: Draw, name: str, workloads: Sequence[Workload]) -> Raw:
    """A LimitRange that gives containers what they do not name, or refuses pods that ask for much."""
    limits = ({"defaultRequest": {"cpu": "1"}}, {"default": {"cpu": "4", "memory": "8Gi"}}, {"max": {NPU: 4}})
    return _object("v1", "LimitRange", name, spec={"limits": [{"type": "Container", **pick(draw, limits)}]})


def draw_autoscaler(draw: Draw, name: str, workloads: Sequence[Workload]) -> Raw | None:
    """A HorizontalPodAutoscaler of one of the workloads, where there is one that can be scaled."""
    scaled = [each for each in workloads if each.kind in _SCALED]
    if not scaled:
        return None
    target = pick(draw, scaled)
    reference = {"apiVersion": "apps/v1", "kind": target.kind, "name": target.name}
    bounds = pick(draw, ({"minReplicas": 2, "maxReplicas": 4}, {"maxReplicas": 1}, {"maxReplicas": 10}))
    return _object(
        "autoscaling/v2", "HorizontalPodAutoscaler", name, spec={"scaleTargetRef": reference, **bounds}
    )


def draw_config_map(draw: Draw, name: str, workloads: Sequence[Workload]) -> Raw:
    """The ConfigMap that pods with an environment from one name."""
    return _object("v1", "ConfigMap", CONFIG_MAP, data={"model": "m"})


def draw_claim(draw: Draw, name: str, workloads: Sequence[Workload]) -> Raw:
    """The claim that pods with a volume name, bound by itself or by nobody."""
    spec: Raw = {
        "accessModes": [pick(draw, ("ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"))],
        "resources": {"requests": {"storage": "100Gi"}},
    }
    if maybe(draw, 20):
        spec["storageClassName"] = ""
    return _object("v1", "PersistentVolumeClaim", CLAIM, spec=spec)


def draw_runtime_class(draw: Draw, name: str, workloads: Sequence[Workload]) -> Raw:
    """The RuntimeClass that pods in a virtual machine name."""
    made: Raw = {"apiVersion": "node.k8s.io/v1", "kind": "RuntimeClass", "metadata": {"name": RUNTIME_CLASS}}
    made |= {"handler": "kata", "overhead": {"podFixed": {"cpu": "250m", "memory": "160Mi"}}}
    if maybe(draw, 20):
        made["scheduling"] = {"nodeSelector": {RACK: "r0"}}
    return made


def draw_priority_class(draw: Draw, name: str, workloads: Sequence[Workload]) -> Raw:
    """One of the PriorityClasses that pods name."""
    return priority_class(draw, pick(draw, tuple(PRIORITY_CLASSES)))


def priority_class(draw: Draw, name: str) -> Raw:
    """The PriorityClass of this name."""
    made: Raw = {
        "apiVersion": "scheduling.k8s.io/v1",
        "kind": "PriorityClass",
        "metadata": {"name": name},
        "value": PRIORITY_CLASSES[name],
    }
    return {**made, "preemptionPolicy": "Never"} if maybe(draw, 20) else made


def draw_pod_group(draw: Draw, name: str, workloads: Sequence[Workload]) -> Raw:
    """A PodGroup, of pods that may name it."""
    spec: Raw = {"minMember": pick(draw, (1, 2, 4)), "queue": pick(draw, ("default", "queue"))}
    if maybe(draw, 30):
        spec["minResources"] = {NPU: pick(draw, ("8", "32"))}
    return _object("scheduling.volcano.sh/v1beta1", "PodGroup", name, spec=spec)


def draw_queue(draw: Draw, name: str, workloads: Sequence[Workload]) -> Raw:
    """The queue that everything is in, with a limit, or another one."""
    made = _object("scheduling.volcano.sh/v1beta1", "Queue", pick(draw, ("default", "queue")))
    del made["metadata"]["namespace"]
    return {**made, "spec": {"weight": pick(draw, (1, 4)), "capability": {NPU: pick(draw, ("64", "8"))}}}


#: What writes an object of each kind: `(draw, its name if that is free, workloads)`; None where it could mean nothing.
OBJECTS: dict[str, Callable[[Draw, str, Sequence[Workload]], Raw | None]] = {
    "PodDisruptionBudget": draw_budget,
    "ResourceQuota": draw_quota,
    "LimitRange": draw_limit_range,
    "HorizontalPodAutoscaler": draw_autoscaler,
    "ConfigMap": draw_config_map,
    "PersistentVolumeClaim": draw_claim,
    "RuntimeClass": draw_runtime_class,
    "PriorityClass": draw_priority_class,
    "PodGroup": draw_pod_group,
    "Queue": draw_queue,
}
#: Patches that mean something to objects of a kind, as `patchObject` takes them.
PATCHES: dict[str, tuple[Raw, ...]] = {
    "PodDisruptionBudget": (
        {"spec": {"maxUnavailable": 0, "minAvailable": None}},
        {"spec": {"maxUnavailable": "100%", "minAvailable": None}},
    ),
    "ResourceQuota": ({"spec": {"hard": {"pods": "20"}}}, {"spec": {"hard": {"pods": "0"}}}),
    "HorizontalPodAutoscaler": (
        {"spec": {"minReplicas": 1, "maxReplicas": 2}},
        {"spec": {"minReplicas": 3, "maxReplicas": 5}},
    ),
}


def name_of(written: Raw) -> str:
    """How actions name it: `ResourceQuota/quota`."""
    return f"{written['kind']}/{written['metadata']['name']}"


def draw_objects(draw: Draw, workloads: Sequence[Workload], profile: Profile) -> tuple[list[Raw], Raw]:
    """What stands beside the workloads in their manifest, and what the spec says of such objects.

    Claims and classes stand there mostly where pods name them; what pods name and no file holds may be absent.
    """
    needed = needs(workloads)
    percents = dict.fromkeys(OBJECTS, profile.richness // 6)
    percents["PodDisruptionBudget"] = profile.richness // 2
    for kind in ("ConfigMap", "PersistentVolumeClaim", "RuntimeClass"):
        percents[kind] = 40 if any(each.startswith(f"{kind}/") for each in needed) else 0
    percents["PriorityClass"] = 0
    drawn = [
        part(draw, OBJECTS[kind], kind.lower(), workloads)
        for kind, percent in percents.items()
        if maybe(draw, percent)
    ]
    written = [each for each in drawn if each is not None]
    held = [name_of(each) for each in written]
    absent = [
        each
        for each in needed
        if each not in held and not each.startswith("RuntimeClass/") and maybe(draw, 40)
    ]
    spec: Raw = {}
    if classes := _priority_classes(workloads):
        way = pick(draw, ("field", "objects", "absent"))
        if way == "field":
            spec["priorityClasses"] = {name: PRIORITY_CLASSES[name] for name in classes}
        elif way == "objects":
            written += [priority_class(draw, name) for name in classes]
        else:
            absent += [f"PriorityClass/{name}" for name in classes]
    return written, {**spec, "absent": absent} if absent else spec


def needs(workloads: Iterable[Workload]) -> list[str]:
    """What their pods name that may not be there, as `ConfigMap/settings`, but for PriorityClasses."""
    templates = [template for each in workloads for template in each.templates.values()]
    specs = [template["spec"] for template in templates]
    found = {
        f"ConfigMap/{CONFIG_MAP}": any("envFrom" in each for spec in specs for each in spec["containers"]),
        f"PersistentVolumeClaim/{CLAIM}": any("volumes" in spec for spec in specs),
        f"RuntimeClass/{RUNTIME_CLASS}": any("runtimeClassName" in spec for spec in specs),
    }
    return [name for name, asked in found.items() if asked]


def _priority_classes(workloads: Sequence[Workload]) -> list[str]:
    specs = [template["spec"] for each in workloads for template in each.templates.values()]
    return sorted({spec["priorityClassName"] for spec in specs if "priorityClassName" in spec})

"""Kubernetes objects as the cases write them: defaults of the harness, patches, and who owns which pods."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any

Raw = dict[str, Any]

#: The cases leave the API version out.
API_VERSIONS = {
    "DaemonSet": "apps/v1",
    "Deployment": "apps/v1",
    "HorizontalPodAutoscaler": "autoscaling/v2",
    "Job": "batch/v1",
    "PodDisruptionBudget": "policy/v1",
    "PriorityClass": "scheduling.k8s.io/v1",
    "ReplicaSet": "apps/v1",
    "RuntimeClass": "node.k8s.io/v1",
    "StatefulSet": "apps/v1",
    "StorageClass": "storage.k8s.io/v1",
}
#: Kinds that make pods from a template.
OWNERS = ("Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "Job")
#: What a strategic merge patch merges by in a pod spec.
_MERGE_KEYS = {
    "containers": "name",
    "initContainers": "name",
    "env": "name",
    "volumes": "name",
    "tolerations": "key",
}


def whole(written: Mapping[str, Any]) -> Raw:
    """An object as `kubectl apply` takes it."""
    return {"apiVersion": API_VERSIONS.get(written["kind"], "v1"), **copy.deepcopy(dict(written))}


def name_of(written: Mapping[str, Any]) -> str:
    """`Kind/name`."""
    return f"{written['kind']}/{written['metadata']['name']}"


def pod_spec(written: Raw) -> Raw | None:
    """The spec of its pods, to read and to change; None where it has none."""
    if written["kind"] == "Pod":
        return written["spec"]
    return written["spec"]["template"]["spec"] if written["kind"] in OWNERS else None


def references(spec: Mapping[str, Any]) -> Iterator[str]:
    """The ConfigMaps, Secrets and claims that its pods cannot do without, as `Kind/name`."""
    for container, _ in containers_of(dict(spec)):
        sources = [each.get("valueFrom") or {} for each in container.get("env") or ()]
        for each in (*sources, *(container.get("envFrom") or ())):
            for key, kind in _SOURCES.items():
                if key in each and not each[key].get("optional"):
                    yield f"{kind}/{each[key]['name']}"
    for volume in spec.get("volumes") or ():
        for key, (kind, name) in _VOLUMES.items():
            if key in volume and not volume[key].get("optional"):
                yield f"{kind}/{volume[key][name]}"


_SOURCES = {
    "configMapKeyRef": "ConfigMap",
    "configMapRef": "ConfigMap",
    "secretKeyRef": "Secret",
    "secretRef": "Secret",
}
_VOLUMES = {
    "configMap": ("ConfigMap", "name"),
    "secret": ("Secret", "secretName"),
    "persistentVolumeClaim": ("PersistentVolumeClaim", "claimName"),
}


def pod_labels(written: Mapping[str, Any]) -> Mapping[str, str]:
    """The labels of its pods."""
    metadata = (
        written["metadata"] if written["kind"] == "Pod" else written["spec"]["template"].get("metadata")
    )
    return (metadata or {}).get("labels") or {}


def containers_of(spec: Raw) -> Iterator[tuple[Raw, str]]:
    """Its containers: `init`, `sidecar` or `container`."""
    for each in spec.get("initContainers") or ():
        yield each, "sidecar" if each.get("restartPolicy") == "Always" else "init"
    for each in spec["containers"]:
        yield each, "container"


def patched(target: Any, patch: Any, content_type: str | None) -> Any:
    """The object after a patch: strategic merge by default, or what the content type says."""
    if content_type == "application/json-patch+json":
        return _json_patched(target, patch)
    return _merged(target, patch, strategic=content_type != "application/merge-patch+json")


def difference(old: Any, new: Any) -> Any:
    """The JSON merge patch (RFC 7386) that makes `new` of `old`."""
    if not isinstance(old, dict) or not isinstance(new, dict):
        return new
    changed = {key: difference(old.get(key), each) for key, each in new.items() if old.get(key) != each}
    return {**changed, **{key: None for key in old if key not in new}}


def _merged(target: Any, patch: Any, *, strategic: bool, key: str = "") -> Any:
    if isinstance(patch, dict):
        result = dict(target) if isinstance(target, dict) else {}
        for name, each in patch.items():
            if each is None:
                result.pop(name, None)
            else:
                result[name] = _merged(result.get(name), each, strategic=strategic, key=name)
        return result
    merge_key = _MERGE_KEYS.get(key) if strategic else None
    if isinstance(patch, list) and isinstance(target, list) and merge_key is not None:
        new = {each.get(merge_key): each for each in patch}
        kept = [_merged(each, new.pop(each.get(merge_key), {}), strategic=True) for each in target]
        return [*kept, *new.values()]
    return copy.deepcopy(patch)


def _json_patched(target: Any, operations: list[Raw]) -> Any:
    result = copy.deepcopy(target)
    for each in operations:
        *parents, last = [part.replace("~1", "/").replace("~0", "~") for part in each["path"].split("/")[1:]]
        holder = result
        for part in parents:
            holder = holder[int(part)] if isinstance(holder, list) else holder.setdefault(part, {})
        place = (len(holder) if last == "-" else int(last)) if isinstance(holder, list) else last
        match each["op"], holder:
            case "remove", _:
                del holder[place]
            case "add", list():
                holder.insert(place, copy.deepcopy(each["value"]))
            case _:
                holder[place] = copy.deepcopy(each["value"])
    return result

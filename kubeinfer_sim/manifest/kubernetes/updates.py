"""What the API server refuses when an object exists already: changes of fields that stay as they were made.

    refused = update_errors(old, new)
    if refused:
        print(invalid("Deployment", "web", refused))

`Deployment.apps "web" is invalid: spec.selector: Invalid value: {"matchLabels":{"app":"b"}}: field is immutable`.

Both objects are plain data as somebody wrote them. What the API server or a controller fills in (the address of a
Service, the storage class and the volume of a claim) is not known where the old object does not say it; a new one
that says it then is taken to be right. Sources: pkg/registry/apps/deployment/strategy.go, replicaset and daemonset
beside it; pkg/apis/apps/validation/validation.go (ValidateStatefulSetUpdate); pkg/apis/core/validation/validation.go
(ValidateServiceUpdate, ValidatePersistentVolumeUpdate, ValidatePersistentVolumeClaimUpdate, ValidatePodUpdate,
ValidateConfigMapUpdate, ValidateSecretUpdate, ValidateResourceQuotaUpdate); pkg/apis/scheduling, pkg/apis/node,
pkg/apis/storage.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from msgspec import Struct

from kubeinfer_sim.diagnostics import Path, format_path
from kubeinfer_sim.manifest.kubernetes.decode import decode, stored
from kubeinfer_sim.manifest.kubernetes.defaults import fill_defaults
from kubeinfer_sim.manifest.kubernetes.field_errors import Errors, Root, as_json
from kubeinfer_sim.manifest.kubernetes.quantity import Quantity, QuantityError
from kubeinfer_sim.manifest.kubernetes.schema import types

#: API groups of kinds that are not of the core group, as error messages name them.
_GROUPS = {
    "Deployment": "apps",
    "ReplicaSet": "apps",
    "StatefulSet": "apps",
    "DaemonSet": "apps",
    "PodDisruptionBudget": "policy",
    "PriorityClass": "scheduling.k8s.io",
    "RuntimeClass": "node.k8s.io",
    "StorageClass": "storage.k8s.io",
    "HorizontalPodAutoscaler": "autoscaling",
    "KubeInfer": "infer.modelarts.huaweicloud",
}
_FREE_OF_STATEFUL_SETS = (
    "replicas",
    "ordinals",
    "template",
    "updateStrategy",
    "revisionHistoryLimit",
    "persistentVolumeClaimRetentionPolicy",
    "minReadySeconds",
)
_POD_FIELDS = (
    "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,"
    "`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),"
    "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)"
)
_CLAIM_FIELDS = (
    "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound "
    "claims"
)
#: What of the spec of a PersistentVolume is not its source.
_BESIDE_THE_SOURCE = frozenset(
    {"accessModes", "capacity", "claimRef", "mountOptions", "nodeAffinity", "persistentVolumeReclaimPolicy"}
    | {"storageClassName", "volumeAttributesClassName", "volumeMode"}
)
#: What admission and the scheduler write into the spec of a Pod, and a manifest need not say.
_OF_A_RUNNING_POD = (
    "nodeName",
    "serviceAccountName",
    "serviceAccount",
    "priority",
    "priorityClassName",
    "preemptionPolicy",
)
_FROZEN = "field is immutable when `immutable` is set"


class UpdateError(Struct, frozen=True):
    """One field that may not change so.

    Attributes:
        path: where it is in the new object, or was in the old one.
        words: what the API server says of it, without the path.
    """

    path: Path
    words: str

    def __str__(self) -> str:
        return f"{format_path(self.path)}: {self.words}"


def update_errors(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[UpdateError]:
    """What the API server refuses about `new` in the place of `old`, of the same kind and name; [] where nothing is."""
    rule = _RULES.get(str(new.get("kind")))
    return list(rule(old, new)) if rule is not None else []


def invalid(kind: str, name: str, errors: Iterable[object]) -> str:
    """The answer (422) of the API server to an object with these errors, each `path: words`."""
    group = _GROUPS.get(kind)
    texts = list(dict.fromkeys(str(each) for each in errors))
    told = texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"
    return f'{kind}{f".{group}" if group else ""} "{name}" is invalid: {told}'


def already_exists(kind: str, name: str) -> str:
    """The answer (409) to the creation of an object that is there."""
    return f'{resource(kind)} "{name}" already exists'


def not_found(kind: str, name: str) -> str:
    """The answer (404) to a change of an object that is not there."""
    return f'{resource(kind)} "{name}" not found'


def resource(kind: str) -> str:
    """What the API server calls objects of a kind in such answers: `deployments.apps`, `configmaps`."""
    plural = kind.lower() + ("es" if kind.endswith("s") else "s")
    group = _GROUPS.get(kind)
    return f"{plural}.{group}" if group else plural


def _immutable(*fields: Path) -> Callable[[Mapping[str, Any], Mapping[str, Any]], Iterator[UpdateError]]:
    """ValidateImmutableField of each of these (k8s.io/apimachinery pkg/api/validation/objectmeta.go)."""

    def rule(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[UpdateError]:
        for path in fields:
            before, after = _bare(_at(old, path)), _bare(_at(new, path))
            if before != after:
                yield UpdateError(path, f"Invalid value: {as_json(after)}: field is immutable")

    return rule


def _service(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[UpdateError]:
    before, after = _mapping(old.get("spec")), _mapping(new.get("spec"))
    if "ExternalName" in (before.get("type"), after.get("type")):
        return
    was, now = _addresses(before), _addresses(after)
    # An address that is left out is taken over; one that was left out has been allocated, and is no "None".
    if now and (was[:1] or ["allocated"]) != now[:1] and (was or now[0] == "None"):
        yield UpdateError(
            ("spec", "clusterIPs", 0), f"Invalid value: {as_json(now)}: may not change once set"
        )
    balancer = before.get("loadBalancerClass"), after.get("loadBalancerClass")
    if before.get("type") == after.get("type") == "LoadBalancer" and balancer[0] != balancer[1]:
        words = f"Invalid value: {as_json(balancer[1])}: may not change once set"
        yield UpdateError(("spec", "loadBalancerClass"), words)


def _addresses(spec: Mapping[str, Any]) -> list[Any]:
    given = spec.get("clusterIPs")
    if isinstance(given, list) and given:
        return given
    return [spec["clusterIP"]] if spec.get("clusterIP") else []


def _priority_class(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[UpdateError]:
    if (old.get("value") or 0) != (new.get("value") or 0):
        yield UpdateError(("value",), "Forbidden: may not be changed in an update.")
    policies = [each.get("preemptionPolicy") or "PreemptLowerPriority" for each in (old, new)]
    if policies[0] != policies[1]:
        yield UpdateError(("preemptionPolicy",), f"Invalid value: {as_json(policies[1])}: field is immutable")


def _budget(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[UpdateError]:
    """ValidatePodDisruptionBudgetSpec (pkg/apis/policy/validation/validation.go), of two that do not go together."""
    before, after = (_mapping(each.get("spec")) for each in (old, new))
    bounds = ("minAvailable", "maxUnavailable")
    if all(after.get(each) is not None for each in bounds) and any(
        before.get(each) is None for each in bounds
    ):
        # The API server prints the spec as well, with addresses in memory for its values.
        yield UpdateError(("spec",), f"Invalid value: {bounds[0]} and {bounds[1]} cannot be both set")


def _claim(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[UpdateError]:
    before, after = (stored_spec(each.get("spec"), "PersistentVolumeClaimSpec") for each in (old, new))
    asked = [_storage(each) for each in (before, after)]
    for spec in (before, after):
        spec.setdefault("volumeMode", "Filesystem")
        spec.pop("volumeAttributesClassName", None)
        resources = dict(_mapping(spec.get("resources")))
        resources.pop("requests", None)
        spec["resources"] = resources
    for filled_in in ("storageClassName", "volumeName"):
        if filled_in not in before:
            after.pop(filled_in, None)
    if "volumeName" not in after:  # the binder has written it
        before.pop("volumeName", None)
    if _bare(before) != _bare(after):
        yield UpdateError(("spec",), f"Forbidden: {_CLAIM_FIELDS}")
    if asked[0] is not None and (asked[1] is None or asked[1] < asked[0]):
        words = "Forbidden: field can not be less than status.capacity"
        yield UpdateError(("spec", "resources", "requests", "storage"), words)


def _volume(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[UpdateError]:
    before, after = (_mapping(each.get("spec")) for each in (old, new))
    if _source(before, after) != _source(after, after):
        words = "Forbidden: spec.persistentvolumesource is immutable after creation"
        yield UpdateError(("spec", "persistentvolumesource"), words)
    modes = [each.get("volumeMode") or "Filesystem" for each in (before, after)]
    if modes[0] != modes[1]:
        yield UpdateError(("volumeMode",), f"Invalid value: {as_json(modes[1])}: field is immutable")
    nodes = [_bare(each.get("nodeAffinity")) for each in (before, after)]
    if nodes[0] is not None and nodes[0] != nodes[1]:
        yield UpdateError(("nodeAffinity",), f"Invalid value: {as_json(nodes[1])}: field is immutable")


def _source(spec: Mapping[str, Any], successor: Mapping[str, Any]) -> Any:
    """Where a volume comes from; a Secret for its expansion may be added, and so counts as of its successor."""
    source = {name: each for name, each in spec.items() if name not in _BESIDE_THE_SOURCE}
    if isinstance(path := source.get("hostPath"), Mapping):
        source["hostPath"] = {"type": "", **path}
    added = "controllerExpandSecretRef"
    if isinstance(driver := source.get("csi"), Mapping) and driver.get(added) is None:
        source["csi"] = {**driver, added: _mapping(successor.get("csi")).get(added)}
    return _bare(source)


def _storage(spec: Mapping[str, Any]) -> Quantity | None:
    written = _at(spec, ("resources", "requests", "storage"))
    try:
        return None if written is None else Quantity.from_json(written)
    except QuantityError:
        return None


def _stateful_set(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[UpdateError]:
    specs = [dict(_mapping(each.get("spec"))) for each in (old, new)]
    for spec in specs:
        spec.setdefault("podManagementPolicy", "OrderedReady")
        for name in _FREE_OF_STATEFUL_SETS:
            spec.pop(name, None)
    if _bare(specs[0]) != _bare(specs[1]):
        *most, last = (f"'{each}'" for each in _FREE_OF_STATEFUL_SETS)
        words = (
            f"updates to statefulset spec for fields other than {', '.join(most)} and {last} are forbidden"
        )
        yield UpdateError(("spec",), f"Forbidden: {words}")


def _pod(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[UpdateError]:
    before, after = (stored_spec(each.get("spec"), "PodSpec") for each in (old, new))
    for kind in ("containers", "initContainers"):
        was, now = before.get(kind, []), after.get(kind, [])
        if len(was) != len(now):
            yield UpdateError(("spec", kind), "Forbidden: pod updates may not add or remove containers")
            return
        for one, other, written in zip(was, now, new["spec"].get(kind) or (), strict=True):
            one["image"] = other["image"] = ""
            if not written.get(
                "imagePullPolicy"
            ):  # it follows the image when the pod is made, and then stays
                other["imagePullPolicy"] = one["imagePullPolicy"]
    gates = [[each["name"] for each in spec.pop("schedulingGates", ())] for spec in (before, after)]
    for index, gate in enumerate(gates[1]):
        if gate not in gates[0]:
            words = f"Forbidden: only deletion is allowed, but found new scheduling gate '{gate}'"
            yield UpdateError(("spec", "schedulingGates", index, "name"), words)
    tolerated = [
        [{**each, "tolerationSeconds": None} for each in spec.pop("tolerations", ())]
        for spec in (before, after)
    ]
    if any(each not in tolerated[1] for each in tolerated[0]):
        words = "Forbidden: existing toleration can not be modified except its tolerationSeconds"
        yield UpdateError(("spec", "tolerations"), words)
    for spec in (before, after):
        spec.pop("activeDeadlineSeconds", None)
    for filled_in in _OF_A_RUNNING_POD:
        if filled_in not in after:
            before.pop(filled_in, None)
    if gates[0]:  # a pod that no scheduler has looked at may still be told of nodes it does not want
        for name in ("nodeSelector", "affinity"):
            before.pop(name, None)
            after.pop(name, None)
    if _bare(before) != _bare(after):
        yield UpdateError(("spec",), f"Forbidden: {_POD_FIELDS}")


def _frozen(*fields: str) -> Callable[[Mapping[str, Any], Mapping[str, Any]], Iterator[UpdateError]]:
    """A ConfigMap or Secret that says of itself that it stays as it is."""

    def rule(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[UpdateError]:
        if old.get("immutable") is not True:
            return
        if new.get("immutable") is not True:
            yield UpdateError(("immutable",), f"Forbidden: {_FROZEN}")
        for name in fields:
            if _bare(old.get(name)) != _bare(new.get(name)):
                yield UpdateError((name,), f"Forbidden: {_FROZEN}")

    return rule


def _secret(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[UpdateError]:
    before, after = (each.get("type") or "Opaque" for each in (old, new))
    if before != after:
        yield UpdateError(("type",), f"Invalid value: {as_json(after)}: field is immutable")
    yield from _frozen("data", "stringData")(old, new)


def _storage_class(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[UpdateError]:
    """ValidateStorageClassUpdate (pkg/apis/storage/validation/validation.go)."""
    for name, default in ("parameters", None), ("provisioner", None), ("reclaimPolicy", "Delete"):
        if _bare(old.get(name) or default) != _bare(new.get(name) or default):
            yield UpdateError((name,), f"Forbidden: updates to {name} are forbidden.")
    modes = [each.get("volumeBindingMode") or "Immediate" for each in (old, new)]
    if modes[0] != modes[1]:
        yield UpdateError(("volumeBindingMode",), f"Invalid value: {as_json(modes[1])}: field is immutable")


_SELECTOR: Path = ("spec", "selector")
_RULES: dict[str, Callable[[Mapping[str, Any], Mapping[str, Any]], Iterator[UpdateError]]] = {
    "Deployment": _immutable(_SELECTOR),
    "ReplicaSet": _immutable(_SELECTOR),
    "DaemonSet": _immutable(_SELECTOR),
    "StatefulSet": _stateful_set,
    "Pod": _pod,
    "Service": _service,
    "PriorityClass": _priority_class,
    "PodDisruptionBudget": _budget,
    "PersistentVolume": _volume,
    "PersistentVolumeClaim": _claim,
    "RuntimeClass": _immutable(("handler",)),
    "ResourceQuota": _immutable(("spec", "scopes"), ("spec", "scopeSelector")),
    "ConfigMap": _frozen("data", "binaryData"),
    "Secret": _secret,
    "StorageClass": _storage_class,
}


def stored_spec(spec: Any, type_name: str) -> dict[str, Any]:
    """A spec with its defaults, as the API server holds it."""
    schema = types()[type_name]
    held = stored(decode(copy.deepcopy(spec), schema, Root(), Errors(), fill_defaults), schema)
    return held if isinstance(held, dict) else {}


def _at(value: Any, path: Path) -> Any:
    for step in path:
        value = _mapping(value).get(step)
    return value


def _mapping(value: Any) -> Mapping[Any, Any]:
    return value if isinstance(value, Mapping) else {}


def _bare(value: Any) -> Any:
    """A value without what is empty: a list or mapping of nothing means the same as none."""
    if isinstance(value, Mapping):
        kept = {key: _bare(each) for key, each in value.items()}
        return {key: each for key, each in kept.items() if each is not None} or None
    if isinstance(value, list):
        return [_bare(each) for each in value] or None
    return value

"""What changes of the objects that stand beside workloads, budgets and Services and quotas, and what follows from it.

Compared is what the API server would hold, without what it writes itself; of objects that are the same nothing is said.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from msgspec import Struct

from kubeinfer_sim.manifest.diff import KUBECTLS_OWN, Change, Effect, differences
from kubeinfer_sim.manifest.kubernetes.quantity import Quantity, QuantityError
from kubeinfer_sim.manifest.kubernetes.updates import stored_spec


class Key(NamedTuple):
    """What tells objects apart; namespace and name as Kubernetes has them where none is written."""

    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        """`PodDisruptionBudget prod/b`, `PriorityClass high`."""
        where = "" if self.kind in _OF_THE_CLUSTER else f"{self.namespace}/"
        return f"{self.kind} {where}{self.name}"


_PODS_TO_COME = "restarts nothing; holds for pods made from now on"
_CONTAINERS_TO_COME = "restarts nothing; containers started from now on have it"
_BOUNDS = "restarts nothing; the replicas are kept within its bounds from now on"
_CLAIM = "restarts nothing; a claim that is bound stays so"
_LARGER_CLAIM = "restarts nothing; the volume grows where more is asked for"
_PLACES = "restarts nothing; holds for pods that wait for a place"
#: What follows from a change of an object of a kind; those of other kinds are not compared.
_WORDS: Mapping[str, str] = {
    "PodDisruptionBudget": "restarts nothing; holds for evictions from now on",
    "Service": "the Service changes; no pod restarts",
    "ResourceQuota": _PODS_TO_COME,
    "LimitRange": _PODS_TO_COME,
    "PriorityClass": _PODS_TO_COME,
    "RuntimeClass": _PODS_TO_COME,
    "ConfigMap": _CONTAINERS_TO_COME,
    "Secret": _CONTAINERS_TO_COME,
    "HorizontalPodAutoscaler": _BOUNDS,
    "ScaledObject": _BOUNDS,
    "PersistentVolumeClaim": _CLAIM,
    "PersistentVolume": "restarts nothing; holds for claims that are bound from now on",
    "StorageClass": "restarts nothing; holds for volumes made from now on",
    "PodGroup": _PLACES,
    "Queue": _PLACES,
}
#: What the API server fills in where nothing is written: at the top, or in the spec.
_DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    "PriorityClass": {"value": 0, "preemptionPolicy": "PreemptLowerPriority"},
    "StorageClass": {"reclaimPolicy": "Delete", "volumeBindingMode": "Immediate"},
    "Secret": {"type": "Opaque"},
}
_SPEC_DEFAULTS: Mapping[str, Mapping[str, Any]] = {"HorizontalPodAutoscaler": {"minReplicas": 1}}
#: Kinds whose specs have defaults of their own, with their types.
_SPEC_TYPES = {"Service": "ServiceSpec", "PersistentVolumeClaim": "PersistentVolumeClaimSpec"}
#: What the API server or a controller allocates in a spec, and a manifest need not say.
_ALLOCATED = frozenset(
    {"clusterIP", "clusterIPs", "healthCheckNodePort", "ipFamilies", "ipFamilyPolicy", "nodePort"}
    | {"claimRef", "internalTrafficPolicy", "storageClassName", "volumeName"}
)
#: Kinds in which amounts are quantities.
_OF_QUANTITIES = frozenset(
    {"ResourceQuota", "LimitRange", "RuntimeClass", "PersistentVolume", "PodGroup", "Queue"}
)
_NOT_COMPARED = frozenset({"apiVersion", "kind", "metadata", "status"})
#: Kinds of the cluster as a whole.
_OF_THE_CLUSTER = frozenset({"PriorityClass", "RuntimeClass", "StorageClass", "PersistentVolume", "Queue"})
#: Stands for the content of a Secret, as in `kubectl diff`.
_HIDDEN = "*** (before)", "*** (after)"


class ObjectDiff(Struct, frozen=True):
    """The difference of two versions of an object.

    Attributes:
        summary: one sentence: what happens when the new version is applied.
    """

    key: Key
    summary: str
    changes: tuple[Change, ...] = ()


def is_compared(kind: str) -> bool:
    """Whether it is known what follows from a change of an object of this kind."""
    return kind in _WORDS


def object_diff(
    old: Mapping[Key, Mapping[str, Any]], new: Mapping[Key, Mapping[str, Any]]
) -> list[ObjectDiff]:
    """The objects that differ, in the order of the new ones; those that are gone come last."""
    found = []
    for key, value in new.items():
        if not is_compared(key.kind):
            continue
        if key not in old:
            found.append(ObjectDiff(key, "would be created"))
        elif changes := tuple(_changes(key.kind, old[key], value)):
            grows = [each.words for each in changes if each.words == _LARGER_CLAIM]
            found.append(ObjectDiff(key, grows[0] if grows else _WORDS[key.kind], changes))
    gone = (key for key in old if key not in new and is_compared(key.kind))
    return [
        *found,
        *(ObjectDiff(key, "is not in the new file, and stays as it is if that is applied") for key in gone),
    ]


def _changes(kind: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Change]:
    effect = Effect.SERVICES if kind == "Service" else Effect.NOTHING
    for path, before, after in differences(_held(kind, old), _held(kind, new), ()):
        if (after is None and path[-1] in _ALLOCATED) or (
            kind in _OF_QUANTITIES and _same_amount(before, after)
        ):
            continue
        if kind == "Secret" and path[0] == "data":
            before, after = (
                hidden if each is not None else None
                for each, hidden in zip((before, after), _HIDDEN, strict=True)
            )
        grows = kind == "PersistentVolumeClaim" and path[:2] == ("spec", "resources")
        yield Change(path, before, after, effect, _LARGER_CLAIM if grows else _WORDS[kind])


def _held(kind: str, written: Mapping[str, Any]) -> dict[str, Any]:
    """An object as the API server holds it, but for what it writes itself."""
    metadata = _mapping(written.get("metadata"))
    annotations = {
        name: text for name, text in _mapping(metadata.get("annotations")).items() if name not in KUBECTLS_OWN
    }
    held = {
        "metadata": {"labels": metadata.get("labels"), "annotations": annotations},
        **_DEFAULTS.get(kind, {}),
        **{name: value for name, value in written.items() if name not in _NOT_COMPARED and value is not None},
    }
    if kind in _SPEC_TYPES:
        held["spec"] = stored_spec(held.get("spec"), _SPEC_TYPES[kind])
    if kind in _SPEC_DEFAULTS:
        held["spec"] = {**_SPEC_DEFAULTS[kind], **_mapping(held.get("spec"))}
    if kind == "Secret":
        plain = _mapping(held.pop("stringData", None))
        encoded = {name: base64.b64encode(str(text).encode()).decode() for name, text in plain.items()}
        held["data"] = {**_mapping(held.get("data")), **encoded}
    return held


def _same_amount(old: Any, new: Any) -> bool:
    """Whether both are quantities of one amount, `1` and `1000m`."""
    if old is None or new is None:
        return False
    try:
        return bool(Quantity.from_json(old) == Quantity.from_json(new))
    except QuantityError:
        return False


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}

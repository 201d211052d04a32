"""Pods whose claims keep them from being placed: what the plug-ins VolumeBinding and VolumeRestrictions say of them.

Source: pkg/scheduler/framework/plugins/volumebinding/volume_binding.go (PreFilter, Filter) and binder.go,
volumerestrictions/volume_restrictions.go. Claims of which nothing is known are taken to be bound; so are those whose
class has a provisioner. Volumes tie no pod to a node here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from kubeinfer_sim.cluster.api import Api
from kubeinfer_sim.cluster.per_template import needs_of
from kubeinfer_sim.cluster.pod import Pod, PodState
from kubeinfer_sim.cluster.records import Awaited
from kubeinfer_sim.manifest.kubernetes.quantity import ZERO, Quantity, QuantityError
from kubeinfer_sim.manifest.references import CLAIM
from kubeinfer_sim.scenario.cluster.model import ClusterObject

VOLUME, CLASS = "PersistentVolume", "StorageClass"
NO_PROVISIONER = "kubernetes.io/no-provisioner"
#: Not bound, and whether a pod would have its volume bound: what the scheduler says.
#: A status without a message of its own, which the scheduler appends.
_STATUS = ". not found"
IMMEDIATE = f"pod has unbound immediate PersistentVolumeClaims{_STATUS}"
NO_VOLUME = "node(s) didn't find available persistent volumes to bind"
ONE_POD = "node has pod using PersistentVolumeClaim with the same name and ReadWriteOncePod access mode"


def in_words(message: str) -> tuple[str, Awaited]:
    """What the scheduler's message says of a claim, as a clause, and what it is that is awaited."""
    text = message.partition(": ")[2].removesuffix(".")
    if text.endswith(ONE_POD):
        return text, "claim in use"
    lacking = text.startswith("persistentvolumeclaim ")
    return text.removesuffix(_STATUS), "claim" if lacking else "volume"


class Claims:
    """Knows which pods their claims keep from being placed."""

    def __init__(self, api: Api) -> None:
        self._api = api
        # ReadWriteOncePod: the pod that was placed with each claim, by namespace and name.
        self._taken: dict[tuple[str, str], Pod] = {}

    @property
    def matter(self) -> bool:
        """Whether anything is known of any claim."""
        return bool(self._api.absent or self._api.objects)

    def keeps(self, pod: Pod) -> str:
        """Why the pod cannot be placed, as the scheduler's message has it; "" where it can."""
        for each in needs_of(pod.template).claims:
            if why := self._unusable(pod, each.name):
                nodes = len(self._api.nodes)
                count = f"{nodes} " if why in (NO_VOLUME, ONE_POD) else ""
                return f"0/{nodes} nodes are available: {count}{why}."
        return ""

    def _unusable(self, pod: Pod, name: str) -> str:
        key = CLAIM, pod.namespace, name
        if key in self._api.absent:
            return f'persistentvolumeclaim "{name}" not found{_STATUS}'
        claim = self._api.objects.get(key)
        if claim is None:
            return ""
        if "ReadWriteOncePod" in _modes(claim):
            holder = self._taken.get(key[1:])
            if holder is not None and holder is not pod and _holds(holder):
                return ONE_POD
        spec = _spec(claim)
        if spec.get("volumeName"):
            return ""
        class_name = spec.get("storageClassName")
        storage_class = self._api.objects.get((CLASS, "default", str(class_name)))
        raw: Mapping[str, Any] = {} if storage_class is None else storage_class.raw
        static = class_name == "" or raw.get("provisioner") == NO_PROVISIONER
        if not static or self._has_volume(claim):
            return ""
        waits = raw.get("volumeBindingMode") == "WaitForFirstConsumer"
        return NO_VOLUME if waits else IMMEDIATE

    def _has_volume(self, claim: ClusterObject) -> bool:
        """Whether a volume is left for the claim, if all take theirs in the order of coming."""
        left = [each for each in self._api.objects.values() if each.kind == VOLUME]
        for each in self._static_claims():
            taken = next((volume for volume in left if _fits(each, volume)), None)
            if each.key == claim.key:
                return taken is not None
            if taken is not None:
                left.remove(taken)
        return False

    def _static_claims(self) -> Iterator[ClusterObject]:
        return (each for each in self._api.objects.values() if each.kind == CLAIM)

    def placed(self, pod: Pod) -> None:
        """The pod has a node, and its claims with it."""
        for each in needs_of(pod.template).claims:
            self._taken[pod.namespace, each.name] = pod


def _holds(pod: Pod) -> bool:
    return pod.holds_place and pod.state is not PodState.GONE


def _spec(written: ClusterObject) -> Mapping[str, Any]:
    return _mapping(written.raw.get("spec"))


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _modes(written: ClusterObject) -> set[str]:
    modes = _spec(written).get("accessModes")
    return set(map(str, modes)) if isinstance(modes, list) else set()


def _storage(resources: Any) -> Quantity:
    """How much storage is asked for or offered; nothing where that is no quantity."""
    try:
        return Quantity.from_json(_mapping(resources).get("storage"))
    except QuantityError:
        return ZERO


def _fits(claim: ClusterObject, volume: ClusterObject) -> bool:
    """Whether a volume may be the claim's: of its class, at least as large, and for its modes."""
    asked, offered = _spec(claim), _spec(volume)
    reference = _mapping(offered.get("claimRef"))
    owner = reference.get("name"), reference.get("namespace", "default")
    if reference and owner != (claim.name, claim.namespace):
        return False
    if (asked.get("storageClassName") or "") != (offered.get("storageClassName") or ""):
        return False
    size = _storage(_mapping(asked.get("resources")).get("requests"))
    return _modes(claim) <= _modes(volume) and size <= _storage(offered.get("capacity"))

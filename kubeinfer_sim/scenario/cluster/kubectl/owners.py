"""Whose pods those of a real cluster are: pods of a workload that is simulated are not counted a second time."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from kubeinfer_sim.manifest.kubeinfer import API_GROUP
from kubeinfer_sim.manifest.kubernetes.labels import matches_all
from kubeinfer_sim.manifest.kubernetes.validation.deployments import selector_requirements
from kubeinfer_sim.manifest.kubernetes.well_known_labels import POD_TEMPLATE_HASH
from kubeinfer_sim.manifest.model import (
    BarePod,
    DaemonSet,
    Deployment,
    KubeInfer,
    ReplicaSet,
    StatefulSet,
    WorkloadSpec,
)
from kubeinfer_sim.manifest.names_apart import in_namespace

#: The API group of KubeInfer and of the instances it makes.
#: Names the KubeInfer an object belongs to.
GROUP_LABEL = "app.modelarts.huaweicloud/instanceGroupId"
#: The label by which a Deployment tells the pods of its ReplicaSets apart.


class Owner(Protocol):
    """Recognises the pods of one workload."""

    def owns(self, name: str, namespace: str, metadata: Mapping[str, Any]) -> str:
        """By what a pod is recognised as one of the workload's; empty when it is not."""


def owners_of(versions: Sequence[WorkloadSpec]) -> list[Owner]:
    """One for each workload, of all of whose versions the last counts; others than KubeInfers tell by their `raw`."""
    last = {(each.raw.get("kind"), each.namespace, each.name): each for each in versions}
    return [_KINDS.get(str(kind), _KubeInferPods)(each) for (kind, *_), each in last.items()]


class _OwnedPods:
    """Pods of a kind of apps/v1, as their controllers recognise them: by owner and selector.

    A ReplicaSet of a Deployment is named after it and the hash that its pods carry as a label
    (getNewReplicaSet, pkg/controller/deployment/sync.go).
    """

    def __init__(self, workload: KubeInfer) -> None:
        self._namespace = workload.namespace
        self._name = in_namespace(workload.name)
        self._kind = str(workload.raw["kind"])
        self._selector = selector_requirements(workload.raw["spec"]["selector"])

    def owns(self, name: str, namespace: str, metadata: Mapping[str, Any]) -> str:
        """By its owner, a ReplicaSet where a Deployment is meant."""
        labels = metadata.get("labels")
        if namespace != self._namespace or not isinstance(labels, dict):
            return ""
        of_deployment = self._kind == Deployment.kind
        replica_set = f"{self._name}-{labels.get(POD_TEMPLATE_HASH)}" if of_deployment else self._name
        owners = metadata.get("ownerReferences")
        owned = any(
            isinstance(each, dict)
            and (each.get("kind"), each.get("name"))
            == (ReplicaSet.kind if of_deployment else self._kind, replica_set)
            and each.get("controller")
            for each in (owners if isinstance(owners, list) else ())
        )
        texts = {str(key): str(value) for key, value in labels.items()}
        if not owned or not matches_all(self._selector, texts):
            return ""
        whose = f"a ReplicaSet of Deployment {self._name}" if of_deployment else f"{self._kind} {self._name}"
        return f"their owner, {whose}"


class _OnePod:
    """A Pod that stands in the manifest itself."""

    def __init__(self, workload: KubeInfer) -> None:
        self._named = workload.namespace, in_namespace(workload.name)

    def owns(self, name: str, namespace: str, metadata: Mapping[str, Any]) -> str:
        """By its name."""
        return f"its name, Pod {name}" if (namespace, name) == self._named else ""


class _KubeInferPods:
    """Recognises the pods of a KubeInfer.

    How its pods are named and labelled is not published; each of these tells: a controller of KubeInfer's API group
    named after it, the instance group label with its name, or a pod name made of its name and an ordinal.
    """

    def __init__(self, kubeinfer: KubeInfer) -> None:
        self._namespace = kubeinfer.namespace
        self._name = in_namespace(kubeinfer.name)
        self._group = kubeinfer.labels.get(GROUP_LABEL, self._name)
        roles = "|".join(re.escape(role.name) for role in kubeinfer.roles)
        self._pod_name = re.compile(rf"{re.escape(self._name)}-\d+-(?:{roles})-\S+")

    def owns(self, name: str, namespace: str, metadata: Mapping[str, Any]) -> str:
        """By what a pod is recognised as one of the KubeInfer's; empty when it is not."""
        if namespace != self._namespace:
            return ""
        owners = metadata.get("ownerReferences")
        for owner in owners if isinstance(owners, list) else ():
            if isinstance(owner, dict) and str(owner.get("apiVersion", "")).startswith(f"{API_GROUP}/"):
                its_name = str(owner.get("name"))
                if its_name == self._name or its_name.startswith(f"{self._name}-"):
                    return f"their owner, {owner.get('kind')} {self._name}"
        labels = metadata.get("labels")
        if isinstance(labels, dict) and labels.get(GROUP_LABEL) == self._group:
            return f"their label {GROUP_LABEL}"
        return f"their names, {self._name}-…" if self._pod_name.fullmatch(name) else ""


_KINDS: dict[str, Callable[[Any], Owner]] = {
    Deployment.kind: _OwnedPods,
    ReplicaSet.kind: _OwnedPods,
    StatefulSet.kind: _OwnedPods,
    DaemonSet.kind: _OwnedPods,
    BarePod.kind: _OnePod,
}

"""The ConfigMaps, Secrets and claims that a pod needs: by its volumes, and by the environment of its containers.

Also what is said of claims and classes that no file gives.

Source: pkg/kubelet/kubelet_pods.go (makeEnvironmentVariables), pkg/volume/configmap, secret and projected. What is
optional is not needed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, Literal

from msgspec import Struct
from msgspec.structs import replace

from kubeinfer_sim.diagnostics import Diagnostic, Severity
from kubeinfer_sim.manifest.model import PodTemplate

#: Fields of a pod that name what the API server has to know to take it, with the kinds of it.
CLASSES = {"priorityClassName": "PriorityClass", "runtimeClassName": "RuntimeClass"}
CLAIM: Final = "PersistentVolumeClaim"
#: The code of the warning of a PriorityClass or a RuntimeClass that nothing gives: who knows what is there leaves it
#: out.
ASSUMED_CLASS = "assumed-class"
#: The same of a claim, which is a note: most manifests name claims that others have made.
ASSUMED_CLAIM = "assumed-claim"
#: Both.
ASSUMED = (ASSUMED_CLASS, ASSUMED_CLAIM)
#: What an object that nothing gives is taken for.
_ASSUMED = {
    "PriorityClass": "with value 0",
    "RuntimeClass": "without overhead and for all nodes",
    "PersistentVolumeClaim": "bound and for many nodes at once",
}


class Reference(Struct, frozen=True):
    """An object of the pod's own namespace that it needs; `key`: which entry of a ConfigMap or a Secret ("": none)."""

    kind: Literal["ConfigMap", "Secret", "PersistentVolumeClaim"]
    name: str
    key: str = ""


class Needs(Struct, frozen=True):
    """What pods of a template need.

    Attributes:
        volumes: before anything of them is started.
        environment: by container, before it is started.
        claims: before they are placed.
    """

    volumes: tuple[Reference, ...]
    environment: Mapping[str, tuple[Reference, ...]]
    claims: tuple[Reference, ...]

    @property
    def all(self) -> Iterator[Reference]:
        """All of them."""
        yield from (*self.volumes, *self.claims)
        for each in self.environment.values():
            yield from each


def needs(template: PodTemplate) -> Needs:
    """What pods of this template need."""
    spec = template.raw.get("spec") or {}
    containers = (*(spec.get("initContainers") or ()), *(spec.get("containers") or ()))
    environment = {each["name"]: tuple(dict.fromkeys(_environment(each))) for each in containers}
    volumes = spec.get("volumes") or ()
    claims = tuple(
        Reference(CLAIM, str(claim["claimName"]))
        for each in volumes
        if (claim := each.get("persistentVolumeClaim"))
    )
    return Needs(
        tuple(dict.fromkeys(reference for each in volumes for reference in _volume(each))),
        {name: keys for name, keys in environment.items() if keys},
        tuple(dict.fromkeys(claims)),
    )


def _environment(container: Mapping[str, Any]) -> Iterator[Reference]:
    for each in container.get("envFrom") or ():
        if (source := each.get("configMapRef")) and not source.get("optional"):
            yield Reference("ConfigMap", str(source.get("name")))
        if (source := each.get("secretRef")) and not source.get("optional"):
            yield Reference("Secret", str(source.get("name")))
    for each in container.get("env") or ():
        value = each.get("valueFrom") or {}
        if (source := value.get("configMapKeyRef")) and not source.get("optional"):
            yield Reference("ConfigMap", str(source.get("name")), str(source.get("key")))
        if (source := value.get("secretKeyRef")) and not source.get("optional"):
            yield Reference("Secret", str(source.get("name")), str(source.get("key")))


def _volume(volume: Mapping[str, Any]) -> Iterator[Reference]:
    sources = [volume, *((volume.get("projected") or {}).get("sources") or ())]
    for each in sources:
        if (source := each.get("configMap")) and not source.get("optional"):
            yield from _entries("ConfigMap", str(source.get("name")), source)
        if (source := each.get("secret")) and not source.get("optional"):
            yield from _entries("Secret", str(source.get("secretName") or source.get("name")), source)


def _entries(
    kind: Literal["ConfigMap", "Secret"], name: str, source: Mapping[str, Any]
) -> Iterator[Reference]:
    """The entries that a volume has of an object: those it names, else whatever there is."""
    items: Sequence[Mapping[str, Any]] = source.get("items") or ({},)
    for each in items:
        yield Reference(kind, name, str(each.get("key", "")))


def class_assumed(kind: str, name: str) -> str:
    """The warning of a PriorityClass or a RuntimeClass that nothing at hand gives."""
    return f"{_assumed(kind, name)} the API server would refuse the pods"


def claim_assumed(name: str, namespace: str) -> str:
    """The note of a claim that nothing at hand gives."""
    return f"{_assumed(CLAIM, f'{namespace}/{name}')} the pods would stay pending"


def _assumed(kind: str, name: str) -> str:
    return f"{kind} {name} is taken to be in the cluster, {_ASSUMED[kind]}: nothing here gives it, and without it"


def assumed_of(kind: str, namespace: str, name: str) -> str:
    """What is not to be said of an object that is there; "" of kinds of which it never is."""
    if kind == CLAIM:
        return claim_assumed(name, namespace)
    return class_assumed(kind, name) if kind in _ASSUMED else ""


def without_given(
    diagnostics: Iterable[Diagnostic], given: Iterable[tuple[str, str, str]]
) -> list[Diagnostic]:
    """Findings about manifests without those of objects that are taken to be in the cluster and are `given`.

    The rest of those are notes, each told once: a manifest has no need to bring what its cluster has. Objects are
    given by kind, namespace and name.
    """
    told = {assumed_of(*each) for each in given}
    kept = []
    for each in diagnostics:
        if each.code not in ASSUMED:
            kept.append(each)
        elif each.message not in told:
            told.add(each.message)
            kept.append(replace(each, severity=Severity.NOTE))
    return kept

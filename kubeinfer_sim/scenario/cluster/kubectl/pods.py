"""Pods that already run on a real cluster: `kubectl get pods -A -o json` to what they hold of which node.

As the scheduler counts: a pod holds its place from the moment it names a node until its phase is terminal,
terminating or not (newPodInformer in pkg/scheduler/scheduler.go leaves out Succeeded and Failed).
"""

from __future__ import annotations

import marshal
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypedDict

from msgspec import Struct, field

from kubeinfer_sim.diagnostics import Diagnostic, Severity
from kubeinfer_sim.errors import InputError
from kubeinfer_sim.manifest.kubernetes.decode import decode
from kubeinfer_sim.manifest.kubernetes.field_errors import DECODE, Errors, Root
from kubeinfer_sim.manifest.kubernetes.schema import types
from kubeinfer_sim.manifest.kubernetes.validation.affinity import validate_affinity
from kubeinfer_sim.manifest.model import KubeInfer
from kubeinfer_sim.manifest.pod_resources import pod_total, whole_units
from kubeinfer_sim.manifest.source import SourceText
from kubeinfer_sim.scenario.cluster.kubectl.listing import Item, Wrong, items_of
from kubeinfer_sim.scenario.cluster.kubectl.nodes import name_some
from kubeinfer_sim.scenario.cluster.kubectl.owners import owners_of
from kubeinfer_sim.scenario.cluster.model import NodeSpec, RunningPod
from kubeinfer_sim.scenario.forms import shown


class _Container(TypedDict, total=False):
    resources: Any
    restartPolicy: Any
    ports: Any
    image: Any


class _Spec(TypedDict, total=False):
    """What of a pod's spec the scheduler reads once the pod has its node, beside the containers."""

    affinity: Any
    hostNetwork: Any
    overhead: Any
    preemptionPolicy: Any
    priority: Any
    resources: Any
    terminationGracePeriodSeconds: Any


_SPEC_FIELDS, _CONTAINER_FIELDS = tuple(_Spec.__annotations__), tuple(_Container.__annotations__)


class _PlacedSpec(_Spec, total=False):
    nodeName: Any
    containers: list[_Container]
    initContainers: list[_Container]


class _Metadata(TypedDict, total=False):
    name: Any
    namespace: Any
    labels: Any
    ownerReferences: Any


class _Status(TypedDict, total=False):
    phase: Any


class _Pod(TypedDict, total=False):
    """What is used of a pod."""

    kind: Any
    metadata: _Metadata
    spec: _PlacedSpec
    status: _Status


_MOST_OVERCOMMITTED = 5


class Running(Struct):
    """What a list of pods says.

    Attributes:
        pods: those that hold places on the nodes.
        own: how many pods of what is simulated were left out, by what they were recognised by.
        finished: how many have ended; `waiting` how many have no node yet.
        warnings: nodes that have given away more than they have, pods of unknown nodes.
    """

    pods: list[RunningPod] = field(default_factory=list)
    own: Counter[str] = field(default_factory=Counter)
    finished: int = 0
    waiting: int = 0
    warnings: list[Diagnostic] = field(default_factory=list)

    def lines(self) -> Iterator[str]:
        """What a report says of it."""
        left_out = [f"{self.finished:,} finished", f"{self.waiting:,} without a node"]
        nodes = len({pod.node for pod in self.pods})
        yield (
            f"cluster.pods: {len(self.pods):,} pods on {nodes:,} nodes keep what they have; left out: "
            + ", ".join(left_out)
        )
        for reason, count in self.own.items():
            yield f"cluster.pods: {count:,} pods left out, they are those simulated (recognised by {reason})"


def read_pods(source: SourceText, nodes: Sequence[NodeSpec], kubeinfers: Sequence[KubeInfer]) -> Running:
    """The pods that run beside what is simulated.

    Raises:
        InputError: the text holds other things than pods, a pod without a name or twice, requests that are no
            quantities.
    """
    reader = _PodReader(kubeinfers)
    running = Running()
    known = {node.name: node for node in nodes}
    strangers: dict[str, list[str]] = defaultdict(list)
    try:
        for item in items_of(source, "Pod", _Pod):
            pod = reader.pod(item, running)
            if pod is None:
                continue
            if pod.node in known:
                running.pods.append(pod)
            else:
                strangers[pod.node].append(pod.name)
    except InputError as error:
        reader.wrong.diagnostics += error.diagnostics
    reader.wrong.raise_if_any(source)

    def warn(message: str) -> None:
        running.warnings.append(source.diagnostic(None, message, code="pods", severity=Severity.WARNING))

    if not reader.seen:
        warn("holds no pods, so nothing is taken off the nodes")
    elif len(reader.namespaces) == 1 and (running.pods or strangers):
        (only,) = reader.namespaces
        warn(f"all pods are in namespace {only}: was it written without -A (all namespaces)?")
    if strangers:
        number = sum(map(len, strangers.values()))
        warn(f"{number:,} pods are on nodes that are not in the list of nodes: {name_some(list(strangers))}")
    for message in overcommitted(nodes, running.pods):
        warn(message)
    return running


def overcommitted(nodes: Sequence[NodeSpec], pods: Sequence[RunningPod]) -> list[str]:
    """A sentence for each node whose pods request more than it offers; beyond some, one for all the others."""
    used: dict[str, Counter[str]] = defaultdict(Counter)
    for pod in pods:
        count = used[pod.node]
        count["pods"] += 1
        for name, amount in pod.requests.items():
            count[name] += amount
    warnings = []
    for node in nodes:
        offered = node.allocatable
        over = [
            f"{amount:,}{'m' if name == 'cpu' else ''} of {offered.get(name, 0):,} {name}"
            for name, amount in sorted(used.get(node.name, Counter()).items())
            if amount > offered.get(name, 0) and name not in node.unlimited
        ]
        if over:
            warnings.append(f"node {node.name} is over-committed: its pods request {', '.join(over)}")
    if len(warnings) > _MOST_OVERCOMMITTED:
        rest = len(warnings) - _MOST_OVERCOMMITTED
        return [*warnings[:_MOST_OVERCOMMITTED], f"{rest:,} more nodes are over-committed"]
    return warnings


class _PodReader:
    """Reads pods one by one and keeps what is wrong with them; pods that differ in nothing share a record."""

    def __init__(self, kubeinfers: Sequence[KubeInfer]) -> None:
        self.wrong = Wrong()
        self.seen = 0
        self.namespaces: set[str] = set()
        self._named: set[tuple[str, str]] = set()
        self._owners = owners_of(kubeinfers)
        self._manifests: dict[bytes, tuple[Mapping[str, Any], Mapping[str, int]]] = {}

    def pod(self, item: Item, running: Running) -> RunningPod | None:
        """One pod; None for one that holds nothing, which is counted, or is wrong, which is noted."""
        self.seen += 1
        raw = item.value
        for part in ("metadata", "spec"):
            if not isinstance(raw.get(part), dict):
                self.wrong.note(item, (part,), f"expected a mapping, found {shown(raw.get(part))}")
                return None
        metadata, spec = raw["metadata"], raw["spec"]
        name, namespace = metadata.get("name"), metadata.get("namespace") or "default"
        if not isinstance(name, str) or not name:
            self.wrong.note(item, ("metadata", "name"), f"expected the pod's name, found {shown(name)}")
            return None
        if not isinstance(namespace, str):
            self.wrong.note(
                item, ("metadata", "namespace"), f"expected a namespace, found {shown(namespace)}"
            )
            return None
        self.namespaces.add(namespace)
        for owner in self._owners:
            reason = owner.owns(name, namespace, metadata)
            if reason:
                running.own[reason] += 1
                return None
        status = raw.get("status")
        if isinstance(status, dict) and status.get("phase") in ("Succeeded", "Failed"):
            running.finished += 1
            return None
        node = spec.get("nodeName")
        if not node:
            running.waiting += 1
            return None
        if (namespace, name) in self._named:
            self.wrong.note(item, ("metadata", "name"), f"there is another pod {namespace}/{name} above")
            return None
        self._named.add((namespace, name))
        # Without references to equal objects (version 2), so that what is equal is so in bytes.
        key = marshal.dumps(
            (namespace, metadata.get("labels"), metadata.get("ownerReferences"), _read(spec)), 2
        )
        known = self._manifests.get(key) or self._checked(item, namespace)
        if known is None:
            return None
        self._manifests[key] = known
        return RunningPod(namespace, name, str(node), *known)

    def _checked(self, item: Item, namespace: str) -> tuple[Mapping[str, Any], Mapping[str, int]] | None:
        """What the scheduler reads of a pod, and its requests; None when that is wrong, which is noted."""
        errors = Errors()
        schemas = types()
        metadata = decode(item.value["metadata"], schemas["ObjectMeta"], Root(("metadata",)), errors)
        spec = _read(item.value["spec"])
        typed = decode(spec, schemas["PodSpec"], Root(("spec",)), errors)
        wrong = [each for each in errors.found if each.type == DECODE]
        if not wrong and typed.get("affinity"):
            errors = Errors()
            validate_affinity(typed["affinity"], Root(("spec", "affinity")), errors)
            wrong = errors.found
        if wrong:
            for each in wrong:
                self.wrong.note(item, each.path, each.message)
            return None
        owners = [each for each in metadata.get("ownerReferences", ()) if each.get("controller")]
        labels = metadata.get("labels", {})
        kept = {"namespace": namespace, "labels": labels, "ownerReferences": owners}
        return {"metadata": kept, "spec": spec}, whole_units(pod_total(typed))


def _read(spec: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a pod spec that the scheduler reads; of other shapes, as they are."""
    read = {key: spec[key] for key in _SPEC_FIELDS if key in spec}
    for group in ("containers", "initContainers"):
        listed = spec.get(group)
        if isinstance(listed, list):
            listed = [
                {key: each[key] for key in _CONTAINER_FIELDS if key in each}
                if isinstance(each, dict)
                else each
                for each in listed
            ]
        if listed is not None:
            read[group] = listed
    return read

"""Nodes of a real cluster: `kubectl get nodes -o json` to the nodes of the simulation.

What keeps pods off a node is taken over: taints, cordon, and of conditions the taints that the node lifecycle
controller keeps in step with them (`TaintNodesByCondition`, pkg/controller/nodelifecycle/node_lifecycle_controller.go).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, Literal, TypedDict

from kubeinfer_sim.diagnostics import Diagnostic, Severity
from kubeinfer_sim.errors import InputError
from kubeinfer_sim.manifest.kubernetes.quantity import Quantity, QuantityError
from kubeinfer_sim.manifest.source import SourceText
from kubeinfer_sim.scenario.cluster.kubectl.listing import Item, Wrong, items_of
from kubeinfer_sim.scenario.cluster.model import NodeSpec, Taint
from kubeinfer_sim.scenario.cluster.node_counts import too_many_devices
from kubeinfer_sim.scenario.forms import shown

#: Labels by which clouds name the pool of a node: Huawei CCE, GKE, EKS, AKS.
POOL_LABELS = (
    "cce.cloud.com/cce-nodepool",
    "cloud.google.com/gke-nodepool",
    "eks.amazonaws.com/nodegroup",
    "kubernetes.azure.com/agentpool",
)
NO_POOL = "cluster"
#: Condition, its status → the NoSchedule taint that goes with it (`nodeConditionToTaintKeyStatusMap`).
_CONDITION_TAINTS = {
    ("Ready", "False"): "node.kubernetes.io/not-ready",
    ("Ready", "Unknown"): "node.kubernetes.io/unreachable",
    ("MemoryPressure", "True"): "node.kubernetes.io/memory-pressure",
    ("DiskPressure", "True"): "node.kubernetes.io/disk-pressure",
    ("NetworkUnavailable", "True"): "node.kubernetes.io/network-unavailable",
    ("PIDPressure", "True"): "node.kubernetes.io/pid-pressure",
}
_EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")
#: What the container runtime puts before the names of images of Docker Hub.
_HUB = ("docker.io/library/", "docker.io/")


class _Metadata(TypedDict, total=False):
    name: Any
    labels: Any


class _Node(TypedDict, total=False):
    """What is used of a node."""

    kind: Any
    metadata: _Metadata
    spec: Any
    status: Any


def read_nodes(source: SourceText) -> tuple[list[NodeSpec], list[Diagnostic]]:
    """The nodes in the order of the text, and warnings about those that take no pods.

    Raises:
        InputError: all that is wrong with them: other kinds, no name, the same name twice, no allocatable, amounts
            that are none; or there are no nodes.
    """
    reader = _NodeReader()
    nodes: dict[str, NodeSpec] = {}
    try:
        for item in items_of(source, "Node", _Node):
            node = reader.node(item)
            if node.name in nodes:
                reader.wrong.note(item, ("metadata", "name"), f"there is another node {node.name!r} above")
            if node.name:
                nodes[node.name] = node
    except InputError as error:
        reader.wrong.diagnostics += error.diagnostics
    reader.wrong.raise_if_any(source)
    return list(nodes.values()), list(_warnings(source, nodes.values(), reader))


class _NodeReader:
    """Reads nodes one by one and keeps what is wrong with them; equal parts of nodes are kept once."""

    def __init__(self) -> None:
        self.wrong = Wrong()
        self.not_ready: list[str] = []
        self.without_pods: list[str] = []
        self._images: dict[frozenset[str], frozenset[str]] = {}

    def node(self, item: Item) -> NodeSpec:
        """One node; what is wrong is noted and left out."""
        metadata, spec = self._mapping(item, "metadata"), self._mapping(item, "spec")
        status = self._mapping(item, "status")
        name = metadata.get("name")
        if not isinstance(name, str) or not name:
            self.wrong.note(item, ("metadata", "name"), f"expected the node's name, found {shown(name)}")
            name = ""
        labels = {str(key): str(value) for key, value in self._mapping(item, "metadata", "labels").items()}
        taints = tuple(self._taints(item))
        conditions = [each for each in self._list(item, "status", "conditions") if isinstance(each, dict)]
        added = self._condition_taints(conditions, taints)
        ready = _ready(conditions)
        if ready != "True":
            self.not_ready.append(name)
        allocatable = self._allocatable(item, status)
        if "pods" not in allocatable:
            allocatable["pods"] = 0
            self.without_pods.append(name)
        return NodeSpec(
            name=name,
            pool=next((labels[key] for key in POOL_LABELS if key in labels), NO_POOL),
            allocatable=allocatable,
            labels=labels,
            taints=(*taints, *added),
            images=self._images_of(item),
            unschedulable=spec.get("unschedulable") is True,
            ready=ready,
        )

    def _mapping(self, item: Item, *path: str) -> Mapping[str, Any]:
        value: Any = item.value
        for key in path:
            value = value.get(key) if isinstance(value, dict) else None
        if value is None or isinstance(value, dict):
            return value or {}
        self.wrong.note(item, path, f"expected a mapping, found {shown(value)}")
        return {}

    def _list(self, item: Item, part: str, key: str) -> Sequence[Any]:
        value = self._mapping(item, part).get(key)
        if value is None or isinstance(value, list):
            return value or []
        self.wrong.note(item, (part, key), f"expected a list, found {shown(value)}")
        return []

    def _taints(self, item: Item) -> Iterator[Taint]:
        for place, each in enumerate(self._list(item, "spec", "taints")):
            key, effect = (each.get("key"), each.get("effect")) if isinstance(each, dict) else (None, None)
            if isinstance(key, str) and effect in _EFFECTS:
                yield Taint(key, str(each.get("value") or ""), str(effect))
            else:
                wanted = f"expected a taint with a key and one of the effects {', '.join(_EFFECTS)}"
                self.wrong.note(item, ("spec", "taints", place), f"{wanted}, found {shown(each)}")

    def _condition_taints(self, conditions: list[dict[str, Any]], taints: tuple[Taint, ...]) -> list[Taint]:
        """The taints that the node's conditions call for and that it does not have yet."""
        wanted = (
            _CONDITION_TAINTS.get((str(each.get("type")), str(each.get("status")))) for each in conditions
        )
        have = {each.key for each in taints if each.effect == "NoSchedule"}
        return [Taint(key, "", "NoSchedule") for key in wanted if key is not None and key not in have]

    def _allocatable(self, item: Item, status: Mapping[str, Any]) -> dict[str, int]:
        """What pods may take; its capacity where the node does not say."""
        kind = "allocatable" if status.get("allocatable") else "capacity"
        listed = self._mapping(item, "status", kind)
        if not listed:
            self.wrong.note(
                item,
                ("status",),
                "neither allocatable nor capacity is given, so nothing could run there",
                hint="write the file with: kubectl get nodes -o json (not -o name or a table)",
            )
        amounts: dict[str, int] = {}
        for name, text in listed.items():
            amount = (
                _amount(name, text) if isinstance(text, str | int) and not isinstance(text, bool) else None
            )
            if amount is None or amount < 0:
                self.wrong.note(
                    item,
                    ("status", kind, name),
                    f"expected a quantity such as 8 or 1200Gi, found {shown(text)}",
                )
            elif message := too_many_devices(name, amount):
                self.wrong.note(item, ("status", kind, name), message)
            else:
                amounts[name] = amount
        return amounts

    def _images_of(self, item: Item) -> frozenset[str]:
        """Every name of every image; of Docker Hub's also the short ones that manifests use."""
        names: set[str] = set()
        for image in self._list(item, "status", "images"):
            listed = image.get("names") if isinstance(image, dict) else None
            for name in listed if isinstance(listed, list) else ():
                names.add(str(name))
                names.update(name.removeprefix(hub) for hub in _HUB if str(name).startswith(hub))
        images = frozenset(names)
        return self._images.setdefault(images, images)


def _ready(conditions: list[dict[str, Any]]) -> Literal["True", "False", "Unknown"]:
    """The status of the Ready condition; a node that does not say is taken to be ready."""
    status = next((each.get("status") for each in conditions if each.get("type") == "Ready"), "True")
    return "True" if status == "True" else "False" if status == "False" else "Unknown"


@lru_cache(maxsize=4096)
def _amount(name: str, text: str | int) -> int | None:
    try:
        quantity = Quantity.from_json(text)
    except QuantityError:
        return None
    if quantity.sign < 0:
        return -1
    return quantity.milli_value() if name == "cpu" else quantity.value()


def _warnings(source: SourceText, nodes: Any, reader: _NodeReader) -> Iterator[Diagnostic]:
    every = list(nodes)
    cordoned = [node.name for node in every if node.unschedulable]
    for names, what in (
        (reader.not_ready, "not Ready and take no pods"),
        (cordoned, "cordoned and take no pods"),
        (reader.without_pods, "without a number of pods in allocatable, which means none"),
    ):
        if names:
            message = f"{len(names):,} of {len(every):,} nodes are {what}: {name_some(names)}"
            yield source.diagnostic(None, message, code="nodes", severity=Severity.WARNING)


def name_some(names: list[str], most: int = 5) -> str:
    """`a, b, c and 9 more`."""
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more

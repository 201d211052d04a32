"""What a kubelet looks at before it takes a pod, and in which words it refuses one.

Sources: pkg/kubelet/lifecycle/predicate.go and pkg/scheduler (AdmissionCheck); devices come first, as the container
manager's handler does (pkg/kubelet/kubelet.go). The scheduler has looked at the same for pods that it binds, at what it
knew then.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from msgspec import Struct

from kubeinfer_sim.cluster.device_refusals import UNEXPECTED_ADMISSION_ERROR, unavailable
from kubeinfer_sim.cluster.host_ports import HostPort, host_ports
from kubeinfer_sim.cluster.node import NO_EXECUTE, Node
from kubeinfer_sim.cluster.per_template import PerTemplate
from kubeinfer_sim.cluster.pod import Pod
from kubeinfer_sim.cluster.reasons import out_of
from kubeinfer_sim.manifest.accelerators import accelerators_of
from kubeinfer_sim.manifest.kubernetes.selectors import match_node, tolerates_taint
from kubeinfer_sim.manifest.model import PodTemplate, Resources

#: What all nodes here run (runtime.GOOS).
OS = "linux"
#: In this order shortages are found (noderesources, Fits); other resources after them.
_FIRST = ("cpu", "memory", "ephemeral-storage")


class Refusal(NamedTuple):
    """Why a kubelet does not take a pod: reason and message of the pod's status."""

    reason: str
    message: str


class Neighbour(Struct, frozen=True):
    """Another pod on the node: what it takes, and its spec as decoded."""

    requests: Resources
    spec: Mapping[str, Any]


class DeviceManager(Protocol):
    """The kubelets' device managers."""

    def refuses(self, pod: Pod) -> str:
        """Why the pod's node cannot give it its devices, or leave it those it has; "" where it can."""
        ...

    def allocate(self, pod: Pod) -> None:
        """The pod gets its devices, unless it has them."""


def refusal(
    pod: Pod, node: Node, others: Sequence[Neighbour], devices: DeviceManager | None, *, known: bool
) -> Refusal | None:
    """Why the node does not take the pod beside the `others`; None when it does.

    `known`: the node had taken it before (its kubelet is new), so that labels and taints do not count
    (NotEvictPodOnKubeletRestart).
    """
    template = pod.template
    if why := _counted(pod, node, others) if devices is None else devices.refuses(pod):
        return Refusal(UNEXPECTED_ADMISSION_ERROR, f"Allocate failed due to {why}, which is unexpected")
    if template.labels.get("kubernetes.io/os", OS) != OS:
        message = "Failed to admit pod as the `kubernetes.io/os` label doesn't match node label"
        return Refusal("PodOSSelectorNodeLabelDoesNotMatch", message)
    if ((_spec(template).get("os") or {}).get("name") or OS) != OS:
        return Refusal("PodOSNotSupported", "Failed to admit pod as the OS field doesn't match node OS")
    shortage = next(_shortages(template, node, others), None)
    if shortage is not None:
        return shortage
    if not known and not match_node(
        template.node_selector, template.required_node_affinity, node.labels, node.name
    ):
        return _predicate("NodeAffinity", "node(s) didn't match Pod's node affinity/selector")
    if _ports_clash(template, others):
        return _predicate("NodePorts", "node(s) didn't have free ports for the requested pod ports")
    evicting = [taint for taint in node.taints if taint.effect == NO_EXECUTE]
    if evicting and not known and not all(tolerates_taint(template.tolerations, each) for each in evicting):
        return _predicate("TaintToleration", "node(s) had taints that the pod didn't tolerate")
    return None


def _predicate(name: str, reason: str) -> Refusal:
    return Refusal(name, f"Predicate {name} failed: {reason}")


def _spec(template: PodTemplate) -> Mapping[str, Any]:
    return template.raw.get("spec") or {}


def _used(resource: str, others: Iterable[Neighbour]) -> int:
    return sum(each.requests.get(resource, 0) for each in others)


def _counted(pod: Pod, node: Node, others: Sequence[Neighbour]) -> str:
    """The same as `DeviceManager.refuses` where all devices are well, and only how many there are matters."""
    for resource, amount in accelerators_of(pod.template.requests).items():
        if resource in node.allocatable:
            left = node.allocatable[resource] - _used(resource, others)
            if left < amount:
                return unavailable(resource, amount, max(0, left))
    return ""


@PerTemplate
def _counted_resources(template: PodTemplate) -> list[tuple[str, int]]:
    """What a pod asks for but devices, in the order in which shortages are found."""
    asked = template.requests
    devices = accelerators_of(asked)
    order = (*_FIRST, *(name for name in asked if name not in _FIRST))
    return [(name, asked[name]) for name in order if asked.get(name) and name not in devices]


@PerTemplate
def _host_ports(template: PodTemplate) -> list[HostPort]:
    return list(host_ports(_spec(template)))


def _shortages(template: PodTemplate, node: Node, others: Sequence[Neighbour]) -> Iterator[Refusal]:
    """What the node has too little of; extended resources it does not know are not looked at, devices are above."""
    if "pods" in node.allocatable and len(others) + 1 > node.allocatable["pods"]:
        yield _out_of("pods", 1, len(others), node.allocatable["pods"])
    for resource, amount in _counted_resources(template):
        unknown = "/" in resource and resource not in node.allocatable
        if unknown or resource in node.spec.unlimited:
            continue
        used, capacity = _used(resource, others), node.allocatable.get(resource, 0)
        if amount > capacity - used:
            yield _out_of(resource, amount, used, capacity)


def _out_of(resource: str, requested: int, used: int, capacity: int) -> Refusal:
    message = (
        f"Node didn't have enough resource: {resource}, "
        f"requested: {requested}, used: {used}, capacity: {capacity}"
    )
    return Refusal(out_of(resource), message)


def _ports_clash(template: PodTemplate, others: Iterable[Neighbour]) -> bool:
    wanted = _host_ports(template)
    if not wanted:
        return False
    taken = [port for other in others for port in host_ports(other.spec)]
    return any(port.clashes(other) for port in wanted for other in taken)

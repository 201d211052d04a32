"""The answer of `pods` for machines: a versioned JSON document and its schema."""

from __future__ import annotations

import json
from typing import Any, Literal

from kubeinfer_sim._version import __version__
from kubeinfer_sim.cluster.pod_printing import ShownContainer
from kubeinfer_sim.manifest.model import Kind
from kubeinfer_sim.manifest.names_apart import in_namespace
from kubeinfer_sim.report.pod_conditions import ConditionPart, condition_parts
from kubeinfer_sim.report.result_part import ConfiguredPart, DocumentPart, Part, configured_part
from kubeinfer_sim.simulation.pod_objects import PodAt
from kubeinfer_sim.simulation.pods_at import PodsAt


class ContainerAtPart(Part):
    """A container, an init container or a sidecar (restartable init container)."""

    name: str
    kind: Literal["init", "sidecar", "container"]
    state: Literal["waiting", "running", "terminated", "unknown"]
    reason: str
    """Why it waits or how it ended; empty while it runs."""
    exit_code: int | None
    """Of a container that has ended."""
    last_exit_code: int | None
    """Of the run before; null: there was none."""
    started: bool
    ready: bool
    restarts: int


class PodAtPart(Part):
    """A pod that exists. Times are in ms from the start of the simulation."""

    name: str
    namespace: str
    kind: Kind
    """Whose it is."""
    owner: str
    role: str
    """Of a KubeInfer's pod, else empty."""
    node: str
    """Empty while it has none."""
    phase: Literal["Pending", "Running", "Succeeded", "Failed", "Unknown"]
    status: str
    """STATUS as kubectl get pods shows it."""
    ready_containers: int
    containers_wanted: int
    restarts: int
    """As kubectl counts them."""
    last_restart_at_ms: int | None
    created_at_ms: int | None
    """Null: before the simulation began."""
    deleted_at_ms: int | None
    """Its deletion timestamp."""
    deletion_reason: str
    node_last_heard_of_at_ms: int | None
    """Its node is not heard of any more, so its containers are as they were then; null: it is."""
    conditions: list[ConditionPart]
    containers: list[ContainerAtPart]
    """In the order of the spec, init containers first; empty while no kubelet has written a status."""


class PodsDocument(DocumentPart):
    """The pods of a scenario at one time."""

    api_version: Literal["kubeinfer-sim/v1"] = "kubeinfer-sim/v1"
    kind: Literal["Pods"] = "Pods"
    version: str
    """Of kubeinfer-sim."""
    scenario: str
    seed: int
    at_ms: int
    pods: list[PodAtPart]
    configuration: ConfiguredPart | None = None


def pods_json(moment: PodsAt) -> str:
    """The document as text, ending in a line break; equal runs and times give equal bytes."""
    return _document(moment).to_json()


def pods_yaml(moment: PodsAt) -> str:
    """The same document as YAML."""
    import yaml

    return yaml.safe_dump(json.loads(pods_json(moment)), sort_keys=False, allow_unicode=True)


def _document(moment: PodsAt) -> PodsDocument:
    return PodsDocument(
        version=__version__,
        scenario=moment.run.scenario.name,
        seed=moment.run.seed,
        at_ms=moment.at,
        pods=[_pod(pod, moment.namespace_of(pod)) for pod in moment.pods],
        configuration=configured_part(moment.run.scenario.configuration),
    )


def pods_json_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of the document."""
    return PodsDocument.json_schema()


def _pod(pod: PodAt, namespace: str) -> PodAtPart:
    instance = pod.ref.instance
    ours = instance.has_roles
    return PodAtPart(
        name=in_namespace(pod.ref.name),
        namespace=namespace,
        kind=instance.kind,
        owner=in_namespace(instance.owner),
        role=pod.ref.role if ours else "",
        node=pod.node,
        phase=pod.phase,
        status=pod.columns.status,
        ready_containers=pod.columns.ready,
        containers_wanted=pod.columns.containers,
        restarts=pod.columns.restarts,
        last_restart_at_ms=pod.columns.last_restart,
        created_at_ms=pod.created,
        deleted_at_ms=pod.deleting,
        deletion_reason=pod.deletion,
        node_last_heard_of_at_ms=pod.unheard,
        conditions=condition_parts(pod),
        containers=[_container(each) for each in pod.containers],
    )


def _container(each: ShownContainer) -> ContainerAtPart:
    status = each.status
    return ContainerAtPart(
        name=each.name,
        kind=each.kind,
        state=status.state,
        reason=each.reason,
        exit_code=status.exit_code if status.state == "terminated" else None,
        last_exit_code=status.last_exit_code,
        started=status.started,
        ready=status.ready,
        restarts=each.restarts,
    )

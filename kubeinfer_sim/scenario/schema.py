"""What a user writes in a scenario file, as Pydantic models; `scenario_json_schema()` publishes them.

Only shapes and single values are checked here. What needs the manifest, other files or the whole time line is
checked where the scenario is compiled (`load.py`).
"""

from __future__ import annotations

import re
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, PlainValidator, WithJsonSchema, model_validator

from kubeinfer_sim.scenario.forms import (
    CountOrPercent,
    DistributionForm,
    Duration,
    DurationOrNever,
    Form,
    Horizon,
    Rate,
    ShortForm,
    Size,
    exactly_one,
    shown,
)
from kubeinfer_sim.scenario.model import Assumptions, Transfers
from kubeinfer_sim.scenario.profiles import STAGES, Profile
from kubeinfer_sim.scenario.units import format_duration, format_size

API_VERSION = "kubeinfer-sim/v1"
#: Minor versions in the columns of the version table: the oldest is the one the rules were read in (1.29).
KUBERNETES_VERSIONS = tuple(f"1.{minor}" for minor in range(29, 37))
LATEST_KUBERNETES = KUBERNETES_VERSIONS[-1]

_NODES = re.compile(r"[0-9]{1,6}x[0-9]{1,4}")
_NODES_SCHEMA = {"type": "string", "pattern": "^[1-9][0-9]*x[1-9][0-9]*$", "examples": ["8x8"]}
_A = Assumptions()
_T = Transfers()


def _quantity(value: object) -> str:
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        return str(value)
    raise ValueError(f"expected a quantity such as 8 or 1200Gi, found {shown(value)}")


def _kubernetes_version(value: object) -> str:
    if isinstance(value, float | int) and not isinstance(value, bool):
        raise ValueError(f'a version is a text: write it in quotes, as in "{LATEST_KUBERNETES}"')
    match = re.fullmatch(r"v?(1\.[0-9]{1,3})(\.[0-9]{1,4})?", value) if isinstance(value, str) else None
    if match is None or match[1] not in KUBERNETES_VERSIONS:
        known = f"{KUBERNETES_VERSIONS[0]} to {LATEST_KUBERNETES}"
        raise ValueError(
            f'expected a version from {known}, as in "{LATEST_KUBERNETES}"; found {shown(value)}'
        )
    return match[1]


KubernetesVersion = Annotated[
    str,
    PlainValidator(_kubernetes_version),
    WithJsonSchema({"type": "string", "pattern": r"^v?1\.(29|3[0-6])(\.[0-9]+)?$"}),
]
Name = Annotated[str, Field(pattern=r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$")]
#: A Kubernetes quantity, as `kubectl get node` shows it.
Quantity = Annotated[
    str, PlainValidator(_quantity), WithJsonSchema({"type": ["string", "integer", "number"]})
]


def _only_true(value: object) -> bool:
    if value is not True:
        raise ValueError("write true, or leave it out")
    return True


OnlyTrue = Annotated[bool, PlainValidator(_only_true), WithJsonSchema({"const": True})]


class MetadataForm(Form):
    """The scenario's name and what it is about."""

    name: Annotated[str, Field(min_length=1, max_length=253)]
    description: str = ""


class ManifestForm(ShortForm):
    """A manifest: a path, or a path with values for its template, or a KubeInfer written in place."""

    short: ClassVar[dict[str, Any]] = {
        "anyOf": [
            {"type": "string", "description": "Path of the manifest, relative to this file."},
            {"type": "object", "required": ["apiVersion", "kind"], "description": "The KubeInfer itself."},
        ]
    }
    path: str | None = Field(None, description="Path of the manifest, relative to this file.")
    inline: dict[str, Any] | None = Field(None, description="The KubeInfer itself.")
    set: dict[str, Any] = Field(
        {}, description="Values for ${name} in the manifest: text, numbers, lists, mappings."
    )
    set_file: dict[str, str] = Field({}, description="Values for ${name}, read from files.")
    name: str | None = Field(None, description="Which KubeInfer, when there are several.")

    @classmethod
    def expand(cls, value: Any) -> Any:
        """A path → `{path: …}`, a KubeInfer → `{inline: …}`."""
        if isinstance(value, str):
            return {"path": value}
        if isinstance(value, dict) and ("kind" in value or "apiVersion" in value):
            return {"inline": value}
        return value

    @model_validator(mode="after")
    def _one(self) -> ManifestForm:
        exactly_one(self, "path", "inline")
        return self


class ApplyForm(ShortForm):
    """Another version of the KubeInfer: a manifest, the same with other values, a patch, a new revision."""

    short: ClassVar[dict[str, Any]] = ManifestForm.short
    path: str | None = Field(None, description="Path of the manifest; left out: the scenario's own.")
    inline: dict[str, Any] | None = Field(None, description="The KubeInfer itself.")
    set: dict[str, Any] | None = Field(None, description="Values for ${name}, over the manifest's own.")
    set_file: dict[str, str] | None = Field(None, description="Values for ${name}, read from files.")
    name: str | None = Field(None, description="Which KubeInfer, when there are several.")
    patch: dict[str, Any] | None = Field(None, description="JSON merge patch (RFC 7386) of the KubeInfer.")
    new_revision: OnlyTrue | None = Field(
        None, description="The same KubeInfer, its templates annotated as `kubectl rollout restart` does."
    )

    @classmethod
    def expand(cls, value: Any) -> Any:
        """As a manifest."""
        return ManifestForm.expand(value)

    @model_validator(mode="after")
    def _one(self) -> ApplyForm:
        manifest = self.path is not None or self.inline is not None
        if self.path is not None and self.inline is not None:
            raise ValueError("expected one of path and inline, found both")
        values = self.set is not None or self.set_file is not None
        kinds = [manifest or values, self.patch is not None, self.new_revision is not None]
        if sum(kinds) != 1:
            raise ValueError(
                "expected exactly one of a manifest (path, inline, set, setFile), patch, newRevision"
            )
        return self


class TaintForm(Form):
    """A node taint."""

    key: Annotated[str, Field(min_length=1)]
    value: str = ""
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] = "NoSchedule"


class PoolForm(Form):
    """Equal nodes, named `<name>-0`, `<name>-1` …"""

    name: Name
    count: Annotated[int, Field(ge=1, le=100_000)]
    labels: dict[str, str] = Field({})
    taints: list[TaintForm] = Field([])
    allocatable: Annotated[dict[str, Quantity], Field(min_length=1)] = Field(
        description="cpu, memory, huawei.com/ascend-1980 and any other resource of one node."
    )
    images: list[str] = Field([], description="Images already on the nodes.")
    weights: list[str] = Field([], description="Weights in the nodes' page cache; * for all.")


class ClusterSpecForm(Form):
    """The nodes: pools, or `nodes: 8x8`."""

    nodes: Annotated[str, WithJsonSchema(_NODES_SCHEMA)] | None = Field(
        None, description="8x8: 8 nodes of 8 NPUs, with the labels the manifest asks for."
    )
    pools: Annotated[list[PoolForm], Field(min_length=1)] | None = None
    images: list[str] = Field([], description="With `nodes`: images already on them.")
    weights: list[str] = Field([], description="With `nodes`: weights in their page cache; * for all.")

    @model_validator(mode="after")
    def _one(self) -> ClusterSpecForm:
        exactly_one(self, "nodes", "pools")
        if self.pools is not None and (self.images or self.weights):
            raise ValueError("images and weights at this place belong to `nodes`; give them in each pool")
        return self


class ClusterForm(ShortForm):
    """The cluster: pools, `nodes: 8x8`, or the path of a file of kind Cluster."""

    short: ClassVar[dict[str, Any]] = {"type": "string", "description": "8x8, or the path of a Cluster file."}
    path: str | None = Field(None, description="Path of a file of kind Cluster, relative to this file.")
    nodes: Annotated[str, WithJsonSchema(_NODES_SCHEMA)] | None = Field(
        None, description="8x8: 8 nodes of 8 NPUs, with the labels the manifest asks for."
    )
    pools: Annotated[list[PoolForm], Field(min_length=1)] | None = None
    images: list[str] = Field([], description="With `nodes`: images already on them.")
    weights: list[str] = Field([], description="With `nodes`: weights in their page cache; * for all.")

    @classmethod
    def expand(cls, value: Any) -> Any:
        """`8x8` → `{nodes: 8x8}`, a path → `{path: …}`."""
        if isinstance(value, int) and not isinstance(value, bool):
            raise ValueError(f"write {value}x8 for {value} nodes of 8 NPUs each")
        if isinstance(value, str):
            return {"nodes": value} if _NODES.fullmatch(value) else {"path": value}
        return value

    @model_validator(mode="after")
    def _one(self) -> ClusterForm:
        exactly_one(self, "path", "nodes", "pools")
        if self.nodes is None and (self.images or self.weights):
            raise ValueError("images and weights at this place belong to `nodes`; give them in each pool")
        return self


def _stage(name: str) -> Any:
    return Field(None, description=f"{STAGES[name].what}. Typical: {STAGES[name].typical}.")


class StagesForm(Form):
    """How long the stages take; `image`, `weights`, `graph` set those of their variants that are not set."""

    bind: DistributionForm | None = _stage("bind")
    image: DistributionForm | None = Field(None, description="imageWarm and imageCold at once.")
    image_warm: DistributionForm | None = _stage("image_warm")
    image_cold: DistributionForm | None = _stage("image_cold")
    create: DistributionForm | None = _stage("create")
    rank_table: DistributionForm | None = _stage("rank_table")
    framework_import: DistributionForm | None = _stage("framework_import")
    communicator: DistributionForm | None = _stage("communicator")
    weights: DistributionForm | None = Field(
        None, description="weightsWarm, weightsLocal and weightsShared at once."
    )
    weights_warm: DistributionForm | None = _stage("weights_warm")
    weights_local: DistributionForm | None = _stage("weights_local")
    weights_shared: DistributionForm | None = _stage("weights_shared")
    graph: DistributionForm | None = Field(None, description="graphWarm and graphCold at once.")
    graph_warm: DistributionForm | None = _stage("graph_warm")
    graph_cold: DistributionForm | None = _stage("graph_cold")
    warm_up: DistributionForm | None = _stage("warm_up")
    pre_stop: DistributionForm | None = _stage("pre_stop")
    exit: DistributionForm | None = _stage("exit")
    cleanup: DistributionForm | None = _stage("cleanup")
    probe_latency: DistributionForm | None = _stage("probe_latency")


class TimingsForm(StagesForm):
    """Stage timings: a profile, stages that differ from it, and roles that differ from those."""

    profile: Profile = Field("typical", description="Where stages not named here come from.")
    roles: dict[str, StagesForm] = Field({}, description="Stages of single roles, by name.")


class LinkForm(Form):
    """A registry or storage that many nodes read from; transfers at once share the bandwidth equally."""

    bandwidth: Rate | None = Field(None, description="Of the registry or storage as a whole.")
    per_client: Rate | None = Field(None, description="The most one transfer gets.")

    @model_validator(mode="after")
    def _some(self) -> LinkForm:
        if self.bandwidth is None and self.per_client is None:
            raise ValueError("expected bandwidth, perClient or both; without a limit leave the link out")
        return self


def _size(size: int) -> Any:
    return Field(format_size(size), validate_default=True)


def _parallel_pulls(value: object) -> int | None:
    if value == "unlimited":
        return None
    if isinstance(value, int) and not isinstance(value, bool) and value >= 1:
        return value
    raise ValueError(f"expected a whole number of at least 1, or unlimited; found {shown(value)}")


class TransfersForm(Form):
    """What is read over shared links, so that nodes that read at once slow each other down."""

    registry: LinkForm | None = Field(None, description="Cold pulls; left out: timings.imageCold for each.")
    image_sizes: dict[str, Size] = Field({}, description="By image.")
    default_image_size: Size = _size(_T.default_image_size)
    storage: LinkForm | None = Field(
        None, description="Cold weights on shared storage; left out: timings.weightsShared for each pod."
    )
    weights_sizes: dict[str, Size] = Field({}, description="By role: what one pod of it reads.")
    default_weights_size: Size = _size(_T.default_weights_size)
    parallel_pulls: Annotated[
        int | None,
        PlainValidator(_parallel_pulls),
        WithJsonSchema({"anyOf": [{"const": "unlimited"}, {"type": "integer", "minimum": 1}]}),
    ] = Field(1, description="Pulls a node makes at once; the kubelet's default is 1 (serializeImagePulls).")


class NodesForm(ShortForm):
    """Nodes: by name, by pool or by label."""

    short: ClassVar[dict[str, Any]] = {
        "anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]
    }
    nodes: Annotated[list[str], Field(min_length=1)] | None = None
    pool: str | None = None
    node_selector: Annotated[dict[str, str], Field(min_length=1)] | None = None

    @classmethod
    def expand(cls, value: Any) -> Any:
        """A name or a list of names → `{nodes: […]}`."""
        if isinstance(value, str):
            return {"nodes": [value]}
        return {"nodes": value} if isinstance(value, list) else value

    @model_validator(mode="after")
    def _one(self) -> NodesForm:
        exactly_one(self, "nodes", "pool", "node_selector")
        return self


class HealthForm(Form):
    """The health check of some pods fails, or answers again; what is left out matches everything."""

    healthy: bool = Field(False, description="false: the probes fail from then on; true: they answer again.")
    probes: list[Literal["startup", "liveness", "readiness"]] = Field(["readiness"], min_length=1)
    hang: bool = Field(False, description="The checks do not fail at once but hang until their timeout.")
    instances: list[Annotated[int, Field(ge=0)]] = Field([], description="Ordinals, from 0.")
    roles: list[str] = Field([])
    pods: list[Annotated[int, Field(ge=0)]] = Field([], description="Places within the role, from 0.")
    nodes: list[str] = Field([])
    node_selector: dict[str, str] = Field({})
    until: Duration | None = Field(None, description="When it ends by itself, from the start of the run.")
    lasts: Duration | None = Field(None, description="When it ends by itself, from its own start.")

    @model_validator(mode="after")
    def _one(self) -> HealthForm:
        if self.until is not None and self.lasts is not None:
            raise ValueError("expected one of until and lasts, found both")
        if self.healthy and self.hang:
            raise ValueError("a check that answers does not hang: leave out hang, or healthy: true")
        return self


class ActionForm(Form):
    """Something that happens at a time: exactly one of the kinds below."""

    at: Duration = Field(description="From the start of the run.")
    apply: ApplyForm | None = None
    patch: Annotated[dict[str, Any], Field(min_length=1)] | None = Field(
        None, description="JSON merge patch (RFC 7386) of the KubeInfer as it is then."
    )
    scale: Annotated[int, Field(ge=0, le=100_000)] | None = Field(None, description="The new spec.replicas.")
    cordon: NodesForm | None = Field(None, description="Nodes that take no new pods from then on.")
    uncordon: NodesForm | None = Field(None, description="Nodes that take pods again.")
    drain: NodesForm | None = Field(None, description="Nodes that are cordoned and emptied.")
    health: HealthForm | None = None

    @model_validator(mode="after")
    def _one(self) -> ActionForm:
        exactly_one(self, "apply", "patch", "scale", "cordon", "uncordon", "drain", "health")
        return self


def _time(millis: int | None) -> Any:
    """A default, as the user would write it."""
    return Field("never" if millis is None else format_duration(millis), validate_default=True)


class AssumptionsForm(Form):
    """How KubeInfer's controller is taken to behave where the vendor publishes nothing."""

    start_barrier: Literal["instance", "role", "none"] = _A.start_barrier
    traffic: Literal["wholeInstance", "perPod"] | None = _A.traffic
    replacement: Literal["TerminationComplete", "TerminationStarted"] = _A.replacement
    unready_grace: Duration = _time(_A.unready_grace)
    old_instance_failure: Literal["replaceNew", "rebuildOld"] = _A.old_instance_failure
    startup_crash: Literal["rebuild", "kubelet"] = _A.startup_crash
    backoff: list[Duration] = Field(
        [format_duration(each) for each in _A.backoff], min_length=1, validate_default=True
    )
    backoff_reset: Duration = _time(_A.backoff_reset)
    max_restarts: Annotated[int, Field(ge=0)] | None = _A.max_restarts
    max_restarts_window: Duration = _time(_A.max_restarts_window)
    keep_nodes: bool = _A.keep_nodes
    peer_loss_timeout: DurationOrNever = _time(_A.peer_loss_timeout)
    progress_deadline: DurationOrNever = _time(_A.progress_deadline)
    placement: Literal["mostAllocated", "leastAllocated"] = _A.placement


class ObjectivesForm(Form):
    """What must hold; each is checked, reported, and decides the exit code."""

    min_ready_instances: CountOrPercent | None = Field(
        None, description="At no time fewer; a percentage counts from spec.replicas at the start, rounded up."
    )
    completes: OnlyTrue | None = Field(None, description="The update completes.")
    completes_within: Duration | None = Field(None, description="It completes within this time.")
    max_lost_instance_seconds: Annotated[float, Field(ge=0)] | None = Field(
        None, description="Missing ready instances, summed over time."
    )
    no_stall: OnlyTrue | None = Field(None, description="The update never stalls.")


class SpecForm(Form):
    """The scenario; everything but `manifest` and `cluster` may be left out."""

    manifest: ManifestForm
    cluster: ClusterForm
    initial: Literal["running", "empty"] | None = Field(
        None,
        description="Default: running when there is an update or an action, else empty.",
    )
    update: ApplyForm | None = Field(None, description="Applied at 0s; short for one action.")
    actions: list[ActionForm] = Field([])
    timings: TimingsForm = Field({}, validate_default=True)
    transfers: TransfersForm = Field({}, validate_default=True)
    assumptions: AssumptionsForm = Field({}, validate_default=True)
    objectives: ObjectivesForm = Field({}, validate_default=True)
    horizon: Horizon = Field(
        "settled",
        validate_default=True,
        description="When to stop: `settled` (nothing more can happen) or a time.",
    )
    quiet_after: Duration = Field(
        "1d", validate_default=True, description="Until settled: give up after this long without progress."
    )
    seed: Annotated[int, Field(ge=0, le=2**63 - 1)] = 0
    kubernetes_version: KubernetesVersion = LATEST_KUBERNETES
    broken_images: list[str] = Field([], description="Images that cannot be pulled.")


class ScenarioFile(Form):
    """A file of kind Scenario."""

    api_version: Literal["kubeinfer-sim/v1"]
    kind: Literal["Scenario"]
    metadata: MetadataForm
    spec: SpecForm


class ClusterFile(Form):
    """A file of kind Cluster, for `spec.cluster` of many scenarios."""

    api_version: Literal["kubeinfer-sim/v1"]
    kind: Literal["Cluster"]
    metadata: MetadataForm
    spec: ClusterSpecForm


def scenario_json_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of a scenario file."""
    return _json_schema(ScenarioFile)


def cluster_json_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of a Cluster file."""
    return _json_schema(ClusterFile)


def _json_schema(form: type[Form]) -> dict[str, Any]:
    schema = _tidy(form.model_json_schema())
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"kubeinfer-sim {form.__name__}",
        **schema,
    }


def _tidy(node: Any) -> Any:
    """Without what only Pydantic needs: titles made from names, and null for what is simply left out."""
    if isinstance(node, list):
        return [_tidy(each) for each in node]
    if not isinstance(node, dict):
        return node
    node = {
        key: {name: _tidy(each) for name, each in value.items()}
        if key in ("properties", "$defs")
        else _tidy(value)
        for key, value in node.items()
        if not (key == "title" and isinstance(value, str)) and not (key == "default" and value is None)
    }
    choices = [each for each in node.get("anyOf", ()) if each != {"type": "null"}]
    if len(choices) == 1:
        del node["anyOf"]
        return {**choices[0], **node}
    return {**node, "anyOf": choices} if choices else node

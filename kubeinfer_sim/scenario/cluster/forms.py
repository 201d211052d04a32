"""How a user writes the cluster: nodes in pools, and the links they share."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, PlainValidator, WithJsonSchema, model_validator

from kubeinfer_sim.scenario.cluster.node_counts import is_short_form
from kubeinfer_sim.scenario.forms import Form, Rate, ShortForm, Size, exactly_one, shown
from kubeinfer_sim.scenario.timings.model import Transfers
from kubeinfer_sim.scenario.units import format_size

_NODES_SCHEMA = {"type": "string", "pattern": "^[1-9][0-9]*x[1-9][0-9]*$", "examples": ["8x8"]}
_T = Transfers()


def _quantity(value: object) -> str:
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        return str(value)
    raise ValueError(f"expected a quantity such as 8 or 1200Gi, found {shown(value)}")


Name = Annotated[str, Field(pattern=r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$")]
#: A Kubernetes quantity, as `kubectl get node` shows it.
Quantity = Annotated[
    str, PlainValidator(_quantity), WithJsonSchema({"type": ["string", "integer", "number"]})
]


class TaintForm(Form):
    """A node taint."""

    key: Annotated[str, Field(min_length=1)]
    value: str = ""
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] = "NoSchedule"


class NpuTopologyForm(Form):
    """How the NPUs of a node are linked."""

    ring: Annotated[int, Field(ge=1, le=1024)] = Field(
        description="NPUs of an HCCS ring; a pod that fits into one gets all its NPUs in one."
    )


class AlikeForm(Form):
    """What equal nodes have besides what they offer."""

    labels: dict[str, str] = Field({})
    taints: list[TaintForm] = Field([])
    npu_topology: NpuTopologyForm | None = Field(
        None, description="Left out: any NPUs of a node go together."
    )
    images: list[str] = Field([], description="Images already on the nodes.")
    weights: list[str] = Field([], description="Weights in the nodes' page cache; * for all.")


_OFFERED = "cpu, memory, huawei.com/ascend-1980 and any other resource of one node."


class PoolForm(AlikeForm):
    """Equal nodes, named `<name>-0`, `<name>-1` …"""

    name: Name
    count: Annotated[int, Field(ge=1, le=100_000)]
    allocatable: Annotated[dict[str, Quantity], Field(min_length=1)] = Field(description=_OFFERED)


class AddNodesForm(AlikeForm):
    """Equal nodes that join; of a pool that there is, the next ones, and what is left out as its last node has it."""

    name: Name
    count: Annotated[int, Field(ge=1, le=100_000)] = 1
    allocatable: Annotated[dict[str, Quantity], Field(min_length=1)] | None = Field(
        None, description=f"{_OFFERED} Left out: as the pool's last node."
    )


_FILE = "Nodes of a real cluster: path of what `kubectl get nodes -o json` (or yaml) wrote."
_PODS = "With `file`: what runs there already, path of what `kubectl get pods -A -o json` wrote."


def pods_belong_to_file(form: ClusterForm | ClusterSpecForm) -> None:
    """Raise ValueError where pods are given for other nodes than those of a file."""
    if form.pods is not None and form.file is None:
        raise ValueError("pods belong to `file`, the nodes they run on")


class ClusterSpecForm(Form):
    """The nodes: pools, `nodes: 8x8`, or those of a real cluster."""

    nodes: Annotated[str, WithJsonSchema(_NODES_SCHEMA)] | None = Field(
        None, description="8x8: 8 nodes of 8 NPUs, with the labels the manifest asks for."
    )
    pools: Annotated[list[PoolForm], Field(min_length=1)] | None = None
    images: list[str] = Field([], description="With `nodes`: images already on them.")
    weights: list[str] = Field([], description="With `nodes`: weights in their page cache; * for all.")

    file: str | None = Field(None, description=_FILE)
    pods: str | None = Field(None, description=_PODS)

    @model_validator(mode="after")
    def _one(self) -> ClusterSpecForm:
        exactly_one(self, "nodes", "pools", "file")
        pods_belong_to_file(self)
        if self.nodes is None and (self.images or self.weights):
            raise ValueError("images and weights at this place belong to `nodes`; give them in each pool")
        return self


class ClusterForm(ShortForm):
    """The cluster: pools, `nodes: 8x8`, the path of a file of kind Cluster, or a real cluster's nodes."""

    short: ClassVar[dict[str, Any]] = {
        "type": "string",
        "description": "8x8, or the path of a Cluster file or of what kubectl get nodes wrote.",
    }
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
            return {"nodes": value} if is_short_form(value) else {"path": value}
        return value

    file: str | None = Field(None, description=_FILE)
    pods: str | None = Field(None, description=_PODS)

    @model_validator(mode="after")
    def _one(self) -> ClusterForm:
        exactly_one(self, "path", "nodes", "pools", "file")
        pods_belong_to_file(self)
        if self.nodes is None and (self.images or self.weights):
            raise ValueError("images and weights at this place belong to `nodes`; give them in each pool")
        return self


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
    registry_pull_qps: Annotated[float, Field(ge=0, le=1_000_000)] = Field(
        _T.registry_pull_qps,
        alias="registryPullQPS",
        description="The kubelet's registryPullQPS: pulls a node may begin per second in the long run; 0: no limit.",
    )
    registry_burst: Annotated[int, Field(ge=1, le=1_000_000)] = Field(
        _T.registry_burst,
        description="The kubelet's registryBurst: pulls a node may begin at once; those beyond fail and are retried.",
    )

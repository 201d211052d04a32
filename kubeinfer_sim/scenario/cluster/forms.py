"""How a user writes the cluster: in a word, or as pools of nodes."""

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Self

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from kubeinfer_sim.scenario.cluster.node_counts import is_short_form, number_alone
from kubeinfer_sim.scenario.forms import ShortForm, exactly_one, later, shown

if TYPE_CHECKING:
    from kubeinfer_sim.scenario.cluster.pool_forms import PoolForm
else:
    (PoolForm,) = later("kubeinfer_sim.scenario.cluster.pool_forms", "PoolForm")

#: `8x8`: so many nodes of so many NPUs.
ShortNodes = Annotated[
    str,
    BeforeValidator(number_alone),
    WithJsonSchema({"type": "string", "pattern": "^[1-9][0-9]*x[1-9][0-9]*$", "examples": ["8x8"]}),
]
FILE = "Nodes of a real cluster: path of what `kubectl get nodes -o json` (or yaml) wrote."
PODS = "With `file`: what runs there already, path of what `kubectl get pods -A -o json` wrote."


def pods_belong_to_file(pods: str | None, file: str | None) -> None:
    """Raise ValueError where pods are given for other nodes than those of a file."""
    if pods is not None and file is None:
        raise ValueError("pods belong to `file`, the nodes they run on")


class ClusterForm(ShortForm):
    """The cluster: pools, `nodes: 8x8`, the path of a file of kind Cluster, or a real cluster's nodes."""

    short: ClassVar[dict[str, Any]] = {
        "type": "string",
        "description": "8x8, or the path of a Cluster file or of what kubectl get nodes wrote.",
    }
    path: str | None = Field(None, description="Path of a file of kind Cluster, relative to this file.")
    nodes: ShortNodes | None = Field(
        None, description="8x8: 8 nodes of 8 NPUs, with the labels the manifest asks for."
    )
    pools: Annotated[list[PoolForm], Field(min_length=1)] | None = None
    images: list[str] = Field([], description="With `nodes`: images already on them.")
    weights: list[str] = Field([], description="With `nodes`: weights in their page cache; * for all.")

    @classmethod
    def expand(cls, value: Any) -> Any:
        """`8x8` → `{nodes: 8x8}`, a path → `{path: …}`."""
        if isinstance(number_alone(value), str):
            return {"nodes": value} if is_short_form(value) else {"path": value}
        if not isinstance(value, dict | cls):
            raise ValueError(f"expected 8x8, a file of nodes, or a mapping with pools; found {shown(value)}")
        return value

    file: str | None = Field(None, description=FILE)
    pods: str | None = Field(None, description=PODS)

    @model_validator(mode="after")
    def _one(self) -> Self:
        exactly_one(self, "path", "nodes", "pools", "file")
        pods_belong_to_file(self.pods, self.file)
        if self.nodes is None and (self.images or self.weights):
            raise ValueError("images and weights at this place belong to `nodes`; give them in each pool")
        return self

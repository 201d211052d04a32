"""How a user writes the links that nodes share, and how much is read over them."""

from typing import Annotated, Any, Self

from pydantic import Field, PlainValidator, WithJsonSchema, model_validator

from kubeinfer_sim.scenario.forms import Form, Rate, Size, shown
from kubeinfer_sim.scenario.timings.model import Transfers
from kubeinfer_sim.scenario.units import format_size

_T = Transfers()


class LinkForm(Form):
    """A registry or storage that many nodes read from; transfers at once share the bandwidth equally."""

    bandwidth: Rate | None = Field(None, description="Of the registry or storage as a whole.")
    per_client: Rate | None = Field(None, description="The most one transfer gets.")

    @model_validator(mode="after")
    def _some(self) -> Self:
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

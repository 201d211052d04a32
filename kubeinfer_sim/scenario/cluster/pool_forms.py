"""How a user writes equal nodes: a pool, or nodes that join one."""

import re
from fractions import Fraction
from typing import Annotated, Literal

from pydantic import Field, PlainValidator, WithJsonSchema

from kubeinfer_sim.scenario.forms import Form, shown
from kubeinfer_sim.scenario.units import DURATION_UNITS

_PRICE = r"^([0-9]{1,9}(\.[0-9]{1,6})?)/(h|d|w)$"


def _quantity(value: object) -> str:
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        return str(value)
    raise ValueError(f"expected a quantity such as 8 or 1200Gi, found {shown(value)}")


Name = Annotated[str, Field(pattern=r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$")]
#: A Kubernetes quantity, as `kubectl get node` shows it.
Quantity = Annotated[
    str, PlainValidator(_quantity), WithJsonSchema({"type": ["string", "integer", "number"]})
]


def _price(value: object) -> Fraction:
    if isinstance(value, str) and (parts := re.fullmatch(_PRICE, value)):
        return Fraction(parts[1]) * 3_600_000 / DURATION_UNITS[parts[3]]
    raise ValueError(f"expected what a node costs in a time, such as 40/h or 900/d, found {shown(value)}")


#: `40/h`: what a node costs, in units of the user's own, per hour.
Price = Annotated[
    Fraction,
    PlainValidator(_price),
    WithJsonSchema({"type": "string", "pattern": _PRICE, "examples": ["40/h", "900/d"]}),
]

_OFFERED = "cpu, memory, huawei.com/ascend-1980 and any other resource of one node."


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
    price: Price | None = Field(
        None,
        description="What one node costs, 40/h or 900/d in any currency: for `plan`; the simulation does not use it.",
    )


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

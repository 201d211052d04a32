"""How a user writes what people write on nodes: taints, labels."""

from typing import Annotated, Literal

from pydantic import Field, WithJsonSchema

from kubeinfer_sim.scenario.actions.nodes_form import NodesForm

LabelOrNone = Annotated[str | None, WithJsonSchema({"type": ["string", "null"]})]


class SetTaintForm(NodesForm):
    """Nodes that somebody taints; a taint of the same key and effect that is there gets the value."""

    key: Annotated[str, Field(min_length=1)]
    value: str = ""
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] = "NoSchedule"


class RemoveTaintForm(NodesForm):
    """Nodes that somebody takes a taint from."""

    key: Annotated[str, Field(min_length=1)]
    effect: Literal["", "NoSchedule", "PreferNoSchedule", "NoExecute"] = Field(
        "", description="Left out: all taints of the key."
    )


class LabelNodesForm(NodesForm):
    """Nodes whose labels somebody changes."""

    labels: Annotated[dict[str, LabelOrNone], Field(min_length=1)] = Field(
        description="null removes a label."
    )

"""How a user writes what people do to nodes: taint, label, drain."""

from typing import Annotated, Literal

from pydantic import Field, WithJsonSchema

from kubeinfer_sim.scenario.actions.nodes_form import NodesForm
from kubeinfer_sim.scenario.forms import DurationOrNever

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


class DrainForm(NodesForm):
    """Nodes to drain, one after the other, as `kubectl drain` does it, with its flags."""

    timeout: DurationOrNever = Field("never", validate_default=True, description="For each node (--timeout).")
    delete_emptydir_data: bool = Field(True, description="kubectl itself refuses unless told so.")
    ignore_daemonsets: bool = Field(True, description="kubectl itself refuses unless told so.")
    force: bool = Field(False, description="Also evict pods that nobody will create again.")

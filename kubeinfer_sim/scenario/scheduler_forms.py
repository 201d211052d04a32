"""How a user writes Volcano's configuration."""

from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from kubeinfer_sim.scenario.forms import Form


class BinpackForm(Form):
    """The plugin binpack: prefer the node whose resources become the most used."""

    weight: Annotated[int, Field(ge=0)] = 1
    resources: dict[str, Annotated[int, Field(ge=0)]] = Field(
        {"cpu": 1, "memory": 1}, description="Weight of each resource; of others it knows nothing."
    )


class SchedulerForm(Form):
    """Volcano's configuration; what is left out is as its chart ships it."""

    actions: list[Literal["enqueue", "allocate", "preempt", "backfill"]] = Field(
        ["enqueue", "allocate", "backfill"],
        description="With preempt, pods of less important PodGroups of a queue are evicted for others. "
        "Without enqueue Volcano lets PodGroups in whatever their minResources are.",
    )
    binpack: BinpackForm = Field({}, validate_default=True)
    queue: Annotated[str, Field(min_length=1)] = Field("default", description="Of KubeInfers' PodGroups.")

    @field_validator("actions", mode="before")
    @classmethod
    def _are_simulated(cls, value: object) -> object:
        if isinstance(value, list) and "reclaim" in value:
            raise ValueError(
                "reclaim is not simulated: as Volcano's chart ships it no queue takes pods from another; leave it out"
            )
        return value

    @model_validator(mode="after")
    def _places(self) -> Self:
        if "allocate" not in self.actions:
            raise ValueError("actions: without allocate Volcano places no pod that requests anything: add it")
        return self

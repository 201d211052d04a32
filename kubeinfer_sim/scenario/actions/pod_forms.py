"""How a user writes what people do to pods: delete, evict, open gates, take finalizers away."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from kubeinfer_sim.scenario.actions.pods_form import PodsForm
from kubeinfer_sim.scenario.forms import Duration, OnlyTrue


class ForceDeleteForm(PodsForm):
    """Pods whose objects are removed at once; what is left out matches everything."""

    terminating_only: bool = Field(True, description="Only pods that are Terminating already.")


class SomePodsForm(PodsForm):
    """Pods, of those that exist then; what is left out matches everything."""

    first: Annotated[int, Field(ge=1)] | None = Field(None, description="Only so many, the oldest.")
    ready: bool | None = Field(None, description="Only those that are ready, or (false) are not.")


class DeletePodForm(SomePodsForm):
    """Pods that somebody deletes (kubectl delete pod)."""

    grace_period: Duration | None = Field(
        None, description="Whole seconds; 0s: the object goes at once. Left out: what the pod's spec says."
    )

    @model_validator(mode="after")
    def _seconds(self) -> Self:
        if self.grace_period is not None and self.grace_period % 1000:
            raise ValueError("gracePeriod is in whole seconds")
        return self


class SetGateForm(PodsForm):
    """A scheduling gate that somebody takes away from pods that exist; what is left out matches everything."""

    gate: str = Field(description="Its name.")
    open: OnlyTrue = Field(True, description="A gate can be opened, never closed.")


class SetReadinessGateForm(PodsForm):
    """The condition that a readiness gate of pods that exist names; what is left out matches everything."""

    gate: str = Field(description="Its conditionType.")
    status: bool = Field(True, description="false, or never set: the pods are not Ready.")


class RemoveFinalizersForm(PodsForm):
    """Finalizers that somebody takes away from pods that exist; what is left out matches everything."""

    finalizers: list[str] = Field([], description="By name; left out: all of them.")

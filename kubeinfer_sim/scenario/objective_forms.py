"""What a user writes of one objective: `45m`, or with its probability `{time: 45m, probability: 99%}`."""

from fractions import Fraction
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Self

from pydantic import AfterValidator, Field, model_validator

from kubeinfer_sim.scenario.forms import (
    DURATION_SCHEMA,
    CountOrPercent,
    Duration,
    Form,
    OnlyTrue,
    Percentage,
    ReadyCount,
    ShortForm,
    later,
)

_PERCENTAGE = {"type": "string", "pattern": r"^[0-9]{1,3}(\.[0-9]+)?%$", "examples": ["99.9%"]}


def _between(value: Fraction) -> Fraction:
    if not 0 < value < 1:
        raise ValueError(
            "expected a probability above 0% and below 100%; without one an objective must hold in every run"
        )
    return value


#: In which part of all runs something must hold.
Probability = Annotated[Percentage, AfterValidator(_between)]


def _probability() -> Any:
    return Field(None, description="In at least this part of all runs; without it in every one.")


class ObjectiveForm(ShortForm):
    """An objective that may be written without its probability; `what` names the field that it then gives."""

    what: ClassVar[str] = "value"
    probability: Probability | None = _probability()

    @classmethod
    def expand(cls, value: Any) -> Any:
        """`45m` → `{time: 45m}`."""
        return value if isinstance(value, dict) else {cls.what: value}


class TimeForm(ObjectiveForm):
    """A time that is not to be exceeded."""

    short = DURATION_SCHEMA
    what = "time"
    time: Duration


class CountForm(ObjectiveForm):
    """A number of instances, or a part of them."""

    short: ClassVar[dict[str, Any]] = {
        "anyOf": [{"type": "integer", "minimum": 0}, {"type": "string", "pattern": "^[0-9]+%$"}]
    }
    value: CountOrPercent


class TrueForm(ObjectiveForm):
    """Something that has to come about, or must not."""

    short: ClassVar[dict[str, Any]] = {"const": True}
    value: OnlyTrue = True


class AmountForm(ObjectiveForm):
    """The most there may be of something."""

    short: ClassVar[dict[str, Any]] = {"type": "number", "minimum": 0}
    value: Annotated[float, Field(ge=0)]


class ShareForm(ObjectiveForm):
    """A part of a whole."""

    short = _PERCENTAGE
    value: Percentage


class AvailabilityForm(Form):
    """For how much of the time so many instances must be ready."""

    ready: ReadyCount = Field(
        "all",
        validate_default=True,
        description="How many: one, budget (as maxUnavailable leaves), all, a number, a percentage.",
    )
    at_least: Percentage | None = Field(None, description="Of the time, as 99.9%; needs a horizon.")
    longest_outage: Duration | None = Field(None, description="At no time are fewer ready for longer.")
    probability: Probability | None = _probability()

    @model_validator(mode="after")
    def _says_how_long(self) -> Self:
        if self.at_least is None and self.longest_outage is None:
            raise ValueError("expected atLeast, longestOutage or both")
        return self


if TYPE_CHECKING:
    Availability = AvailabilityForm
else:  # Seldom written, and each form that holds it would build it anew.
    (Availability,) = later(__name__, "AvailabilityForm")


class WorkloadObjectivesForm(Form):
    """What must hold of a workload's instances, or of the pods of a Deployment and its like."""

    min_ready_instances: CountForm | None = Field(
        None, description="At no time fewer; a percentage counts from spec.replicas at the start, rounded up."
    )
    completes: TrueForm | None = Field(None, description="The update completes.")
    completes_within: TimeForm | None = Field(None, description="It completes within this time.")
    max_lost_instance_seconds: AmountForm | None = Field(
        None, description="Missing ready instances, summed over time."
    )
    no_stall: TrueForm | None = Field(None, description="The update never stalls.")
    availability: list[Availability] = Field([], description="How often how many instances are ready.")


if TYPE_CHECKING:
    OfOne = WorkloadObjectivesForm
else:  # As above: the next form has all of its fields already.
    (OfOne,) = later(__name__, "WorkloadObjectivesForm")


class ObjectivesForm(WorkloadObjectivesForm):
    """What must hold; each is checked, reported, and decides the exit code."""

    min_capacity: ShareForm | None = Field(
        None, description="Capacity over time of what was asked for; needs a horizon."
    )
    max_unserved: ShareForm | None = Field(
        None, description="Of the offered load (spec.load); needs a horizon."
    )
    max_overload: TimeForm | None = Field(
        None, description="Time in which spec.load is above the capacity; needs a horizon."
    )
    objects: dict[str, OfOne] = Field(
        {}, description="What must hold of one workload, by kind and name: Deployment/router."
    )

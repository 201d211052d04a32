"""How a user writes the load that is offered."""

from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from kubeinfer_sim.scenario.forms import Duration, Form, ShortForm, exactly_one
from kubeinfer_sim.scenario.units import DAY, format_duration

Amount = Annotated[float, Field(ge=0, le=1e15)]
Capacity = Annotated[float, Field(gt=0, le=1e15)]


class LoadPointForm(Form):
    """The load at a time of day."""

    at: Duration
    load: Amount


class LoadFileForm(ShortForm):
    """A CSV file with columns `time` and `load`; short: its path."""

    short: ClassVar[dict[str, Any]] = {"type": "string"}
    file: str
    unit: Literal["ms", "s", "m", "h"] | None = Field(None, description="Unit of bare numbers in `time`.")
    repeat: Duration | None = Field(None, description="It comes again after this long, as `1d`.")

    @classmethod
    def expand(cls, value: Any) -> Any:
        """`load.csv` → `{file: load.csv}`."""
        return {"file": value} if isinstance(value, str) else value


class LoadForm(ShortForm):
    """What is asked of all instances together; short: a constant load, in whole instances."""

    short: ClassVar[dict[str, Any]] = {"type": "number", "minimum": 0}
    constant: Amount | None = None
    daily: Annotated[list[LoadPointForm], Field(min_length=1)] | None = Field(
        None, description="Points in a day, straight lines between them, the same every day."
    )
    csv: LoadFileForm | None = None
    starts_at: Duration = Field(
        "0s", validate_default=True, description="Time of day at the start of the run."
    )
    unit: Annotated[str, Field(min_length=1, max_length=20)] | None = Field(
        None, description="Of the load, as `requests/s`; left out: whole instances."
    )
    instance_serves: Capacity | None = Field(None, description="What one whole instance takes, in that unit.")
    pod_serves: Annotated[dict[str, Capacity], Field(min_length=1)] | None = Field(
        None, description="By role, what one ready pod takes; an instance takes what its weakest role does."
    )

    @classmethod
    def expand(cls, value: Any) -> Any:
        """`2.5` → `{constant: 2.5}`."""
        return (
            {"constant": value} if isinstance(value, int | float) and not isinstance(value, bool) else value
        )

    @model_validator(mode="after")
    def _one(self) -> Self:
        kind = exactly_one(self, "constant", "daily", "csv")
        if kind != "daily" and "starts_at" in self.model_fields_set:
            raise ValueError("startsAt belongs to daily: only a day has a time of day")
        if self.starts_at >= DAY:
            raise ValueError(f"startsAt: a time of day is below 24h, found {format_duration(self.starts_at)}")
        before = -1
        for point in self.daily or ():
            if not before < point.at < DAY:
                raise ValueError(
                    f"daily: times of day go upwards and are below 24h, found {format_duration(point.at)}"
                )
            before = point.at
        given = [name for name in ("instance_serves", "pod_serves") if getattr(self, name) is not None]
        if len(given) == 2:
            raise ValueError("expected one of instanceServes and podServes, found both")
        if given and self.unit is None:
            raise ValueError("say in which unit: without `unit` the load counts whole instances")
        if self.unit is not None and not given:
            raise ValueError(f"say what an instance takes: instanceServes or podServes, in {self.unit}")
        return self

"""How a user writes a distribution: a duration, or one of the kinds by name."""

from typing import Annotated, Any, ClassVar, Self

from pydantic import Field, model_validator

from kubeinfer_sim.scenario.forms import (
    DURATION_SCHEMA,
    NEVER_SCHEMA,
    Duration,
    DurationOrNever,
    Form,
    Rate,
    ShortForm,
    Size,
    exactly_one,
)

Shape = Annotated[float, Field(ge=0.01, le=1e6)]


class UniformForm(Form):
    """Anything from `low` to `high`."""

    low: Duration
    high: Duration

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.low > self.high:
            raise ValueError("low must not be above high")
        return self


class TriangularForm(Form):
    """From `low` to `high`, most likely `mode`."""

    low: Duration
    mode: Duration
    high: Duration

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if not self.low <= self.mode <= self.high:
            raise ValueError("expected low <= mode <= high")
        return self


class ExponentialForm(ShortForm):
    """Without memory; short: the mean alone."""

    short = DURATION_SCHEMA
    mean: Duration

    @classmethod
    def expand(cls, value: Any) -> Any:
        """`40s` → `{mean: 40s}`."""
        return value if isinstance(value, dict) else {"mean": value}


class LognormalForm(Form):
    """By the median and the value that 95 of 100 stay below."""

    p50: Duration
    p95: Duration

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if not 0 < self.p50 <= self.p95:
            raise ValueError("expected 0s < p50 <= p95")
        return self


class ShapeForm(Form):
    """Gamma and Weibull: a shape, and either the scale or the mean."""

    shape: Shape
    scale: Duration = Field("0s", validate_default=True)
    mean: Duration | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if len(self.model_fields_set & {"scale", "mean"}) != 1:
            raise ValueError("expected exactly one of scale and mean")
        return self


class EmpiricalForm(ShortForm):
    """Measured values: a list, or a column of a CSV file with a header."""

    short: ClassVar[dict[str, Any]] = {"type": "array", "items": DURATION_SCHEMA, "minItems": 1}
    values: Annotated[list[Duration], Field(min_length=1)] | None = None
    csv: str | None = Field(None, description="Path of a CSV file with a header, relative to this file.")
    column: str | None = Field(None, description="Name of the column; may be left out when there is one.")
    unit: str | None = Field(
        None,
        description="Unit of bare numbers in the column.",
        json_schema_extra={"enum": ["ms", "s", "m", "h"]},
    )
    interpolate: bool = Field(False, description="Also draw values between two neighbours.")

    @classmethod
    def expand(cls, value: Any) -> Any:
        """`[40s, 55s]` → `{values: [40s, 55s]}`."""
        return {"values": value} if isinstance(value, list) else value

    @model_validator(mode="after")
    def _one(self) -> Self:
        exactly_one(self, "values", "csv")
        if self.values is not None and (self.column or self.unit):
            raise ValueError("column and unit belong to csv, not to a list of values")
        if self.unit not in (None, "ms", "s", "m", "h"):
            raise ValueError(f"unit: expected one of ms, s, m, h; found {self.unit!r}")
        return self


class TransferForm(Form):
    """So many bytes at so many bytes per second."""

    size: Size
    rate: Rate


class PartForm(Form):
    """One part of a mixture."""

    weight: Annotated[float, Field(gt=0, le=1e9)]
    value: "DistributionForm"


class DistributionForm(ShortForm):
    """How long something takes: a duration (`20m`), `never`, or one distribution."""

    short = NEVER_SCHEMA
    constant: DurationOrNever = None
    uniform: UniformForm | None = None
    triangular: TriangularForm | None = None
    exponential: ExponentialForm | None = None
    lognormal: LognormalForm | None = None
    gamma: ShapeForm | None = None
    weibull: ShapeForm | None = None
    empirical: EmpiricalForm | None = None
    mixture: Annotated[list[PartForm], Field(min_length=1)] | None = None
    transfer: TransferForm | None = None
    min: Duration | None = Field(None, description="Samples below are moved up to it.")
    max: Duration | None = Field(None, description="Samples above are moved down to it.")

    @classmethod
    def expand(cls, value: Any) -> Any:
        """`20m` → `{constant: 20m}`."""
        return value if isinstance(value, dict) else {"constant": value}

    @model_validator(mode="after")
    def _one(self) -> Self:
        kinds = [name for name in type(self).model_fields if name not in ("min", "max")]
        given = [kind for kind in kinds if kind in self.model_fields_set]
        if len(given) != 1:
            found = f"found {' and '.join(given)}" if given else "found none"
            raise ValueError(f"expected exactly one of {', '.join(kinds)}; {found}")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError("min must not be above max")
        return self

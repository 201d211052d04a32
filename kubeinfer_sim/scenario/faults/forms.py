"""How a user writes faults: one on the time line, and `spec.faults`: processes, and how NPUs are looked after."""

import re
from fractions import Fraction
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, PlainValidator, WithJsonSchema, model_validator

from kubeinfer_sim.manifest.suggest import did_you_mean
from kubeinfer_sim.scenario.faults.kinds import KINDS
from kubeinfer_sim.scenario.faults.levels import ASCEND_LEVELS
from kubeinfer_sim.scenario.forms import Duration, Form, ShortForm, exactly_one, shown
from kubeinfer_sim.scenario.timings.forms import DistributionForm
from kubeinfer_sim.scenario.units import parse_duration

_RATE = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?)\s+per\s+(.+)")
RATE_SCHEMA = {"type": "string", "pattern": r"^\s*[0-9.]+\s+per\s+.+$", "examples": ["6.5 per 1000d"]}
#: The longest mean time between faults that a rate may come to, in ms: a million years.
_LONGEST = 31_557_600_000 * 1_000_000


def _kind(value: object) -> str:
    if not isinstance(value, str) or value not in KINDS:
        raise ValueError(
            f"there is no fault {shown(value)}{did_you_mean(str(value), KINDS)} (faults: {', '.join(KINDS)})"
        )
    return value


def _level(value: object) -> str:
    if not isinstance(value, str) or value not in ASCEND_LEVELS:
        raise ValueError(
            f"there is no level {shown(value)}{did_you_mean(str(value), ASCEND_LEVELS)} "
            f"(levels: {', '.join(ASCEND_LEVELS)})"
        )
    return value


def parse_fault_rate(value: object) -> int:
    """`6.5 per 1000d`: the mean time between faults of one object, in ms.

    Raises:
        ValueError: no such text, or not a positive rate.
    """
    if isinstance(value, int | float) and not isinstance(value, bool):
        if value < 0:
            raise ValueError(f"{value}: a rate cannot be negative")
        raise ValueError(f"{value} has no unit: write {value:g} per 1000d if that is what is meant")
    match = _RATE.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        if isinstance(value, str) and value.strip().startswith("-"):
            raise ValueError(f"{value}: a rate cannot be negative")
        raise ValueError(f"expected a rate such as 6.5 per 1000d (of each object), found {shown(value)}")
    count, span = Fraction(match[1]), parse_duration(match[2])
    if not count or not span:
        raise ValueError(f"{value}: a rate must be more than 0; leave the process out")
    mean = round(span / count)
    if not 1000 <= mean <= _LONGEST:
        raise ValueError(f"{value} is out of range: at most one a second, at least one in a million years")
    return mean


KindName = Annotated[str, PlainValidator(_kind), WithJsonSchema({"enum": list(KINDS)})]
LevelName = Annotated[str, PlainValidator(_level), WithJsonSchema({"enum": list(ASCEND_LEVELS)})]
FaultRate = Annotated[int, PlainValidator(parse_fault_rate), WithJsonSchema(RATE_SCHEMA)]
SymptomName = Literal["crash", "hang", "unhealthy", "slow", "none"]
Ordinal = Annotated[int, Field(ge=0)]


Factor = Annotated[float, Field(gt=0, lt=1)]
_FACTOR = (
    "What StorageSlow leaves of the bandwidth (default 0.1), and a slow NPU of its pod's speed "
    "(default: faults.npus.slowFactor)."
)


def _check_factor(kind: str, symptom: str | None, factor: float | None) -> None:
    slow = KINDS[kind].strikes == "npu" and (symptom or KINDS[kind].symptom) == "slow"
    if factor is not None and not slow and KINDS[kind].factor is None:
        raise ValueError(f"factor is for StorageSlow and for NPUs that are slow; {kind} has none")


def _check_symptom(kind: str, symptom: str | None) -> None:
    possible = KINDS[kind].symptoms
    if symptom is not None and symptom not in possible:
        raise ValueError(f"symptom: {kind} shows as {' or '.join(possible)}, not as {symptom}")


class FaultForm(ShortForm):
    """Something breaks: a kind of fault, and what it strikes; what is left out matches everything."""

    short: ClassVar[dict[str, Any]] = {
        "enum": [name for name, kind in KINDS.items() if kind.strikes == "cluster"]
    }
    kind: KindName
    level: LevelName | None = Field(None, description="Of an NPU's fault; default: the kind's.")
    symptom: SymptomName | None = Field(None, description="How it shows in the process; default: the kind's.")
    node: str | None = None
    nodes: list[str] = Field([])
    node_selector: dict[str, str] = Field({}, description="All nodes with these labels, at once.")
    npu: Ordinal | None = Field(
        None, description="Number on the node, from 0, or place among those of each pod; default 0."
    )
    npus: list[Ordinal] = Field([])
    instances: list[Ordinal] = Field([], description="Ordinals, from 0.")
    roles: list[str] = Field([])
    pods: list[Ordinal] = Field([], description="Places within the role, from 0.")
    random: Literal["busyNpu", "idleNpu", "pod", "node"] | None = Field(
        None, description="One of those meant, at random."
    )
    clears_after: Duration | None = Field(None, description="It ends by itself; default: the kind's.")
    repair: DistributionForm | None = Field(None, description="How long its repair takes.")
    failed_resets: Annotated[int, Field(ge=0, le=100)] = Field(
        0, description="Attempts to reset the NPU that fail."
    )
    factor: Factor | None = Field(None, description=_FACTOR)

    @classmethod
    def expand(cls, value: Any) -> Any:
        """A kind → `{kind: …}`."""
        return {"kind": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _fits(self) -> Self:
        kind = KINDS[self.kind]
        by_node = bool(self.node or self.nodes or self.node_selector)
        by_pod = bool(self.instances or self.roles or self.pods)
        if (self.node and self.nodes) or (self.npu is not None and self.npus):
            raise ValueError("expected one of node and nodes, and one of npu and npus")
        npu_only = {
            "level": self.level,
            "npu": self.npu,
            "npus": self.npus or None,
            "failedResets": self.failed_resets or None,
        }
        if kind.strikes != "npu" and (given := [key for key, each in npu_only.items() if each is not None]):
            raise ValueError(f"{given[0]} is for faults of NPUs; {self.kind} strikes a {kind.strikes}")
        _check_factor(self.kind, self.symptom, self.factor)
        _check_symptom(self.kind, self.symptom)
        if (kind.strikes == "node" and by_pod) or (kind.strikes == "cluster" and (by_node or by_pod)):
            raise ValueError(f"{self.kind} strikes a {kind.strikes}: leave out what else is named")
        allowed = {"npu": ("busyNpu", "idleNpu"), "pod": ("pod",), "node": ("node",), "cluster": ()}[
            kind.strikes
        ]
        if self.random is not None and self.random not in allowed:
            known = " or ".join(allowed) or "nothing at random"
            raise ValueError(f"random: {self.kind} can strike {known}, not {self.random}")
        if kind.strikes in ("npu", "node") and not (by_node or by_pod or self.random):
            raise ValueError(f"say which {kind.strikes}: node, nodeSelector, pods or random")
        return self


class MixForm(ShortForm):
    """One kind in a mix."""

    short: ClassVar[dict[str, Any]] = {"enum": list(KINDS)}
    kind: KindName
    weight: Annotated[float, Field(gt=0, le=1e9)] = 1.0
    level: LevelName | None = None
    symptom: SymptomName | None = None
    factor: Factor | None = Field(None, description=_FACTOR)

    @model_validator(mode="after")
    def _fits(self) -> Self:
        _check_factor(self.kind, self.symptom, self.factor)
        _check_symptom(self.kind, self.symptom)
        return self

    @classmethod
    def expand(cls, value: Any) -> Any:
        """A kind → `{kind: …}`."""
        return {"kind": value} if isinstance(value, str) else value


class ProcessForm(Form):
    """Faults that come again and again: a named profile, or what, how often and of what each."""

    name: str | None = Field(None, description="Names its random stream; default: the profile or the kind.")
    profile: str | None = Field(None, description="meta-rsc1, meta-rsc2 or llama3.")
    kind: KindName | None = None
    mix: Annotated[list[MixForm], Field(min_length=1)] | None = None
    per: Literal["npu", "node", "pod", "domain", "cluster"] | None = Field(
        None, description="Each has its own clock; default: what the kind strikes."
    )
    domain: str | None = Field(None, description="For per: domain, the node label that names domains.")
    rate: FaultRate | None = Field(None, description="Exponential: so many per time and object.")
    every: DistributionForm | None = Field(None, description="Time between faults of one object.")
    factor: Factor | None = Field(None, description=_FACTOR)
    clears_after: DistributionForm | None = None
    repair: DistributionForm | None = None

    @model_validator(mode="after")
    def _fits(self) -> Self:
        exactly_one(self, "profile", "kind", "mix")
        if self.profile is None:
            exactly_one(self, "rate", "every")
        elif self.every is not None or self.per is not None:
            raise ValueError("a profile says per what and how often; only rate may replace its own")
        if self.factor is not None and self.kind is None:
            raise ValueError("factor belongs to a kind: give it beside kind, or to the kinds of the mix")
        if self.kind is not None:
            _check_factor(self.kind, None, self.factor)
        if (self.per == "domain") != (self.domain is not None):
            raise ValueError("per: domain and domain (a node label) belong together")
        return self


class NpusForm(Form):
    """How the device plugin works, and how long NPUs are away."""

    report_period: Duration | None = None
    pipeline: DistributionForm | None = Field(None, description="Report → recovery policy.")
    patience: Duration | None = Field(None, description="Of level RestartRequest.")
    reset_group: Literal["npu", "card", "ring"] | None = Field(
        None, description="What resets together; default: card on nodes of 16 NPUs, else ring."
    )
    hot_reset: bool | None = None
    idle_before: Duration | None = Field(None, description="The group must be idle so long before a reset.")
    attempt: DistributionForm | None = None
    attempt_timeout: Duration | None = None
    attempts: Annotated[int, Field(ge=1, le=100)] | None = None
    attempts_window: Duration | None = None
    repeats: Annotated[int, Field(ge=0, le=1000)] | None = None
    repeat_window: Duration | None = None
    repeat_isolation: Duration | None = None
    slow_factor: Annotated[float, Field(gt=0, lt=1)] | None = Field(
        None, description="Speed of a pod with a slow NPU, of 1; default 0.5 (assumed)."
    )
    repair: DistributionForm | None = None
    crews: Annotated[int, Field(ge=1)] | None = Field(None, description="Repairs that go on at once.")
    spares: Annotated[int, Field(ge=0)] | None = None
    swap: Duration | None = Field(None, description="Putting in a spare.")

    @model_validator(mode="after")
    def _periods(self) -> Self:
        if self.report_period == 0:
            raise ValueError("reportPeriod must be more than 0s")
        return self


class FaultsForm(ShortForm):
    """Fault processes, and how NPUs are looked after; short: the name of a profile."""

    short: ClassVar[dict[str, Any]] = {
        "type": "string",
        "description": "A profile: meta-rsc1, meta-rsc2, llama3.",
    }
    processes: list[ProcessForm] = Field([])
    npus: NpusForm = Field({}, validate_default=True)

    @classmethod
    def expand(cls, value: Any) -> Any:
        """A profile's name → one process."""
        return {"processes": [{"profile": value}]} if isinstance(value, str) else value

"""What the answer of a scenario may rest on, and between which ends each may lie: stages, assumptions, rates, nodes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace
from pydantic.alias_generators import to_camel

from kubeinfer_sim.engine.streams import Streams
from kubeinfer_sim.errors import InputError, UsageError
from kubeinfer_sim.experiment.assumption_knob import assumption_values
from kubeinfer_sim.experiment.knobs import Setting, Space
from kubeinfer_sim.experiment.replication import Variant
from kubeinfer_sim.scenario.assumption_forms import AssumptionsForm
from kubeinfer_sim.scenario.faults.model import FaultPlan
from kubeinfer_sim.scenario.forms import written_name
from kubeinfer_sim.scenario.model import Scenario
from kubeinfer_sim.scenario.timings.distribution import Distribution
from kubeinfer_sim.scenario.timings.distributions import (
    Bounded,
    Constant,
    Empirical,
    Exponential,
    Gamma,
    Lognormal,
    Mixture,
    Never,
    Transfer,
    Triangular,
    Uniform,
    Weibull,
)
from kubeinfer_sim.scenario.timings.model import STAGE_NAMES, StageTimings, Timings
from kubeinfer_sim.scenario.timings.profiles import NO_NPU_STAGES, STAGES, Stage
from kubeinfer_sim.scenario.units import MAX_MILLIS, Millis, format_duration, parse_duration

About = Literal["timing", "assumption", "faults", "nodes"]
#: Of assumptions that are neither one of a few nor a switch: what else may well be.
TRIED = {
    "unreadyGrace": ("0s", "5m"),
    "backoff": ("0s", "1m"),
    "backoffReset": ("5m", "1h"),
    "maxRestarts": ("3",),
    "maxRestartsWindow": ("10m", "6h"),
    "peerLossTimeout": ("3m", "30m"),
    "progressDeadline": ("30m",),
    "minMember": ("1",),
}
#: Of a stage that is drawn the low and the high end are these parts of its values, of so many.
_ENDS, _DRAWS = (0.05, 0.95), 400
#: How much more, and less, often faults come at the ends.
_FACTOR = 2.0


class Input(Struct, frozen=True):
    """Something that the answer may rest on.

    Attributes:
        name: as a knob or a field of the scenario is called.
        base: what the scenario has.
        levels: what it may be as well, one by one: the ends of a range, or the other values.
        between: of a range the setting at a part of the way from its low end to its high one.
    """

    name: str
    about: About
    base: str
    levels: tuple[Setting, ...]
    between: Callable[[float], Setting] | None = None

    def at(self, part: float) -> Setting | None:
        """What it is at a part of the way, 0 to 1; None: what the scenario has, the first value of a list."""
        if self.between is not None:
            return self.between(part)
        place = min(int(part * (len(self.levels) + 1)), len(self.levels))
        return None if place == 0 else self.levels[place - 1]


def inputs_of(space: Space) -> tuple[Input, ...]:
    """All that a scenario has: stages with a range, assumptions, fault processes, the nodes of each pool."""
    return (
        *_stages(space.scenario),
        *_assumptions(space),
        *_rates(space.scenario),
        *_pools(space),
    )


# -- stages ------------------------------------------------------------------------------------------------


def _stages(scenario: Scenario) -> Iterator[Input]:
    each = [(scenario.timings.default, True)]
    if scenario.timings.roles:
        loading = _roles_with_npus(scenario)
        each = [(own, role in loading) for role, own in scenario.timings.roles.items()]
    for name in STAGE_NAMES:
        ranges = [
            ends
            for own, npus in each
            if (ends := ends_of(getattr(own, name), _stage(name, npus))) is not None
        ]
        if not any(low < high for low, high in ranges):
            continue
        low, high = min(low for low, _ in ranges), max(high for _, high in ranges)
        longest = max((getattr(own, name) for own, _ in each), key=lambda one: _own_ends(one)[1])
        yield Input(
            f"timings.{to_camel(name)}",
            "timing",
            longest.describe().removeprefix("constant "),
            (_stage_at(name, 0, format_duration(low)), _stage_at(name, 1, format_duration(high))),
            partial(_stage_at, name),
        )


def _own_ends(own: Distribution) -> tuple[Millis, Millis]:
    """Between which lengths a distribution lies, by itself."""
    return (own.value, own.value) if isinstance(own, Constant) else (ends_of(own, _NO_STAGE) or (0, 0))


_NO_STAGE = Stage("", "0s", "0s", "0s", "")


def _stage(name: str, npus: bool) -> Stage:
    return STAGES[name] if npus else NO_NPU_STAGES.get(name, STAGES[name])


def _stage_at(name: str, part: float, told: str = "") -> Setting:
    """A stage at a part of the way from its low end to its high one, in every role and image, as it is `told`."""

    def of(timings: StageTimings, stage: Stage) -> StageTimings:
        own = getattr(timings, name)
        ends = ends_of(own, stage)
        images = {image: of(each, stage) for image, each in timings.images.items()}
        made = own if ends is None else Constant(round(ends[0] + part * (ends[1] - ends[0])))
        return replace(timings, **{name: made}, images=images)

    def turn(variant: Variant) -> Variant:
        scenario = variant.scenario
        loading = _roles_with_npus(scenario)
        roles = {
            role: of(each, _stage(name, role in loading)) for role, each in scenario.timings.roles.items()
        }
        timings = Timings(of(scenario.timings.default, STAGES[name]), roles)
        return replace(variant, scenario=replace(scenario, timings=timings))

    value = told or f"{part:.4f}"
    knob = f"timings.{to_camel(name)}"
    return Setting(knob, value, f"{knob}={value}", turn=turn)


def _roles_with_npus(scenario: Scenario) -> set[str]:
    return {role.name for each in scenario.kubeinfers for role in each.roles if role.template.accelerators}


def ends_of(own: Distribution, stage: Stage) -> tuple[Millis, Millis] | None:
    """Between which ends the length of a stage may lie; None where there is no range.

    Of a constant as far below and above it as the table of stages has its low and high end of the typical one; of what
    is drawn its own ends, or where the middle nine tenths of it lie.
    """
    if isinstance(own, Constant):
        low, typical, high = (parse_duration(each) for each in (stage.low, stage.typical, stage.high))
        if not typical:
            return None
        return round(own.value * low / typical), min(round(own.value * high / typical), MAX_MILLIS)
    if isinstance(own, Triangular | Uniform):
        return own.low, own.high
    if isinstance(own, Never):
        return None
    source = Streams(0).named("sensitivity/ends")
    drawn = sorted(MAX_MILLIS if (each := own.sample(source)) is None else each for _ in range(_DRAWS))
    low_end, high_end = (drawn[int(part * _DRAWS)] for part in _ENDS)
    return low_end, high_end


# -- assumptions -------------------------------------------------------------------------------------------


def _assumptions(space: Space) -> Iterator[Input]:
    own = space.scenario.assumptions
    fields = {written_name(AssumptionsForm, name): name for name in AssumptionsForm.model_fields}
    for name, choices in assumption_values().items():
        base = _written(name, getattr(own, fields[name]))
        values = [each for each in (choices or TRIED.get(name, ())) if each != base]
        if values:
            yield Input(f"assumptions.{name}", "assumption", base, tuple(_settings(space, name, values)))


def _settings(space: Space, name: str, values: Sequence[str]) -> Iterator[Setting]:
    for value in values:
        try:
            yield from space.settings(name, [value])
        except (InputError, UsageError):
            continue


def _written(name: str, value: object) -> str:
    if value is None:
        return "not said"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return str(value) if name in ("maxRestarts", "minMember") else format_duration(value)
    if isinstance(value, tuple):
        return ",".join(map(format_duration, value))
    return str(value)


# -- faults ------------------------------------------------------------------------------------------------


def _rates(scenario: Scenario) -> Iterator[Input]:
    plan = scenario.faults
    for place, process in enumerate(() if plan is None else plan.processes):
        name = f"faults.{process.name or place}.rate"
        yield Input(
            name,
            "faults",
            f"every {process.every.describe().removeprefix('constant ')}",
            (_rate(name, place, 0), _rate(name, place, 1)),
            partial(_rate, name, place),
        )


def _rate(name: str, place: int, part: float) -> Setting:
    """How often faults of a process come, at a part of the way from seldom to often."""
    factor = _FACTOR ** (2 * part - 1)

    def turn(variant: Variant) -> Variant:
        plan = variant.scenario.faults or FaultPlan()
        processes = list(plan.processes)
        processes[place] = replace(processes[place], every=scaled(processes[place].every, 1 / factor))
        return replace(
            variant,
            scenario=replace(variant.scenario, faults=replace(plan, processes=tuple(processes))),
        )

    value = f"{factor:g}x"
    return Setting(name, value, f"{name}={value}", turn=turn)


def scaled(own: Distribution, factor: float) -> Distribution:
    """The same distribution, all its times so many times as long; draws of one stream keep their ranks."""

    def times(millis: Millis) -> Millis:
        return min(MAX_MILLIS, max(1, round(millis * factor))) if millis else 0

    match own:
        case Constant():
            return Constant(times(own.value))
        case Exponential():
            return Exponential(times(own.mean))
        case Uniform():
            return Uniform(times(own.low), times(own.high))
        case Triangular():
            return Triangular(times(own.low), times(own.mode), times(own.high))
        case Lognormal():
            return Lognormal(times(own.p50), times(own.p95))
        case Gamma():
            return Gamma(own.shape, times(own.mean))
        case Weibull():
            return Weibull(own.shape, times(own.scale))
        case Empirical():
            return replace(own, values=tuple(map(times, own.values)))
        case Mixture():
            return replace(own, parts=tuple(scaled(each, factor) for each in own.parts))
        case Bounded():
            high = None if own.high is None else times(own.high)
            return Bounded(scaled(own.inner, factor), times(own.low), high)
        case Transfer():
            return Transfer(max(1, round(own.size * factor)), own.rate)
    return own


# -- nodes -------------------------------------------------------------------------------------------------


def _pools(space: Space) -> Iterator[Input]:
    """One node less, and one more, of each pool."""
    pools = [node.pool for node in space.scenario.nodes]
    for pool in dict.fromkeys(pools):
        name = "nodes" if len(set(pools)) == 1 else f"nodes.{pool}"
        number = pools.count(pool)
        values = [str(each) for each in (number - 1, number + 1) if each]
        yield Input(name, "nodes", str(number), tuple(space.settings(name, values)))

"""Values as people write them: durations, distributions, counts and percentages, quantities, probes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, TypeVar

from hypothesis import strategies as st

from kubeinfer_sim.testing.strategies.written import Raw

Draw = st.DrawFn
T = TypeVar("T")

SECONDS = st.sampled_from(("1s", "5s", "10s", "500ms", "30s", "45s"))
#: As long as a stage, an outage or a wait may take; simple ones first, since examples shrink towards them.
DURATIONS = st.sampled_from(
    ("1m", "5s", "1s", "10s", "30s", "2m", "5m", "7m30s", "20m", "250ms", "1ms", "1h", "0.5s", "3h")
)
POSITIVE_SHORT = st.sampled_from(("1m", "5s", "1s", "20s", "3m", "10m", "50ms"))
#: Exactly the ends of ranges, and beside them.
SMALL = st.integers(0, 6)
_FEW = st.integers(1, 3)
_CHANCE = st.integers(0, 99)


def maybe(draw: Draw, percent: int) -> bool:
    """Whether something is written that may be left out; examples shrink towards leaving it out."""
    return draw(_CHANCE) >= 100 - percent


def pick(draw: Draw, choices: Sequence[T]) -> T:
    """One of several; examples shrink towards the first."""
    return choices[draw(_up_to(len(choices) - 1))]


def some(draw: Draw, choices: Sequence[T], most: int = 2) -> list[T]:
    """Some of several, at least one, each once."""
    first = draw(_up_to(len(choices) - 1))
    count = 1 + draw(_up_to(min(most, len(choices)) - 1))
    return [choices[(first + step) % len(choices)] for step in range(count)]


@cache
def _up_to(most: int) -> st.SearchStrategy[int]:
    return st.integers(0, most)


def part(draw: Draw, make: Callable[..., T], *args: Any) -> T:
    """What `make(draw, *args)` writes, as one part: an example shrinks by leaving out whole parts."""
    return draw(_part(make, args))


@st.composite
def _part(draw: Draw, make: Callable[..., T], args: tuple[Any, ...]) -> T:
    return make(draw, *args)


def draw_int_or_percent(draw: Draw, most: int = 4) -> int | str:
    """A number, or a percentage of the kind that rounds: of 3, 34% are 2 rounded up and 1 rounded down."""
    if not maybe(draw, 40):
        return draw(_up_to(most))
    return f"{pick(draw, (0, 1, 20, 25, 33, 34, 50, 67, 99, 100))}%"


_QUANTITIES = (
    "1",
    "0",
    "500m",
    "100m",
    "2",
    "1.5",
    "192",
    "1Gi",
    "512Mi",
    "1500Mi",
    "1.5Gi",
    "16G",
    "1e3",
    "1E",
    "0.1",
    "129M",
)


def draw_quantity(draw: Draw) -> str:
    """An amount of a resource; examples shrink towards 1."""
    return pick(draw, _QUANTITIES)


# -- distributions --------------------------------------------------------------------------------------------


def _constant(draw: Draw) -> Any:
    return draw(DURATIONS)


def _uniform(draw: Draw) -> Raw:
    low, span = draw(SMALL), draw(SMALL)
    return {"low": f"{low * 10}s", "high": f"{(low + span) * 10}s"}


def _triangular(draw: Draw) -> Raw:
    low, rise, fall = draw(SMALL), draw(SMALL), draw(SMALL)
    return {"low": f"{low}m", "mode": f"{low + rise}m", "high": f"{low + rise + fall}m"}


def _lognormal(draw: Draw) -> Raw:
    median = 1 + draw(SMALL)
    return {"p50": f"{median * 10}s", "p95": f"{(median + draw(SMALL)) * 10}s"}


def _shaped(draw: Draw) -> Raw:
    return {"shape": pick(draw, (1, 0.5, 2, 8.5)), pick(draw, ("mean", "scale")): draw(POSITIVE_SHORT)}


def _empirical(draw: Draw) -> Any:
    values = [draw(DURATIONS) for _ in range(draw(_FEW))]
    return {"values": values, "interpolate": True} if maybe(draw, 30) else values


def _mixture(draw: Draw) -> list[Raw]:
    return [
        {"weight": weight, "value": draw(DURATIONS) if maybe(draw, 60) else {"exponential": draw(DURATIONS)}}
        for weight in (9, 1)[: draw(_FEW)]
    ]


def _transfer(draw: Draw) -> Raw:
    return {
        "size": pick(draw, ("1GB", "16GiB", "350GB")),
        "rate": pick(draw, ("55MB/s", "10Gbit/s", "2GB/s")),
    }


#: What makes the parameters of each kind of distribution; `min` and `max` go with any.
DISTRIBUTIONS: Mapping[str, Callable[[Draw], Any]] = {
    "constant": _constant,
    "uniform": _uniform,
    "triangular": _triangular,
    "exponential": _constant,
    "lognormal": _lognormal,
    "gamma": _shaped,
    "weibull": _shaped,
    "empirical": _empirical,
    "mixture": _mixture,
    "transfer": _transfer,
}


def draw_distribution(draw: Draw) -> Any:
    """A duration, mostly, or one of the kinds by name, with bounds or without."""
    kind = pick(draw, ("", "", *DISTRIBUTIONS))
    if not kind:
        return draw(DURATIONS)
    written: Raw = {kind: part(draw, DISTRIBUTIONS[kind])}
    if maybe(draw, 20):
        written["min"] = draw(SECONDS)
    if maybe(draw, 20):
        written["max"] = pick(draw, ("1m", "10m", "2h"))
    return written


# -- probes and resources -------------------------------------------------------------------------------------


def draw_probe(draw: Draw, kind: str, port: int) -> Raw:
    """A probe of one of the three kinds; a startup probe often with a window that is just wide enough, or not."""
    handler = pick(draw, ("httpGet", "tcpSocket", "exec", "grpc"))
    probe: Raw = {
        handler: {
            "httpGet": {"path": "/health", "port": port},
            "tcpSocket": {"port": port},
            "exec": {"command": ["check"]},
            "grpc": {"port": port},
        }[handler]
    }
    if maybe(draw, 70):
        probe["periodSeconds"] = pick(draw, (5, 1, 10, 30, 3))
    if kind == "startup":
        probe["failureThreshold"] = pick(draw, (720, 30, 3600, 10, 3, 1))
    elif maybe(draw, 30):
        probe["failureThreshold"] = pick(draw, (1, 2, 5))
    if maybe(draw, 20):
        probe["timeoutSeconds"] = pick(draw, (1, 5, 10))
    if maybe(draw, 15):
        probe["initialDelaySeconds"] = pick(draw, (0, 10, 60))
    if kind == "readiness" and maybe(draw, 15):
        probe["successThreshold"] = 2
    if kind != "readiness" and maybe(draw, 10):
        probe["terminationGracePeriodSeconds"] = pick(draw, (1, 30))
    return probe


def draw_probe_number(draw: Draw, kind: str) -> tuple[str, int]:
    """A number of a `readinessProbe`, `livenessProbe` or `startupProbe`: its field, and a value on an edge."""
    windows = (1, 3, 10, 60, 720) if kind == "startupProbe" else (1, 3, 2, 10)
    numbers = {
        "periodSeconds": (1, 5, 10, 60),
        "failureThreshold": windows,
        "initialDelaySeconds": (0, 10, 120),
        "timeoutSeconds": (1, 5, 30),
    }
    field = pick(draw, tuple(numbers))
    return field, pick(draw, numbers[field])

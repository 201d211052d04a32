"""How long something takes: the distributions a scenario may name.

All times are milliseconds. A sample is a whole number of milliseconds, never negative and never above
`MAX_MILLIS`; None means that it never ends. Everything is drawn from the `random()` of the stream given, by
inverse CDF where there is one and Marsaglia-Tsang for gamma, so that the same stream gives the same sample on
every platform.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache
from itertools import accumulate
from typing import TYPE_CHECKING

from msgspec import Struct

from kubeinfer_sim.scenario.timings.distribution import Distribution, RandomSource
from kubeinfer_sim.scenario.units import MAX_MILLIS, Millis, format_duration, format_size

if TYPE_CHECKING:
    from statistics import NormalDist


#: The 95th percentile of the standard normal distribution.
Z95 = 1.6448536269514715


class Constant(Struct, frozen=True):
    """Always the same."""

    value: Millis

    def sample(self, source: RandomSource) -> Millis | None:
        """The value; nothing is drawn."""
        return self.value

    def describe(self) -> str:
        """`constant 1m30s`."""
        return f"constant {format_duration(self.value)}"


class Never(Struct, frozen=True):
    """Does not end."""

    def sample(self, source: RandomSource) -> Millis | None:
        """None; nothing is drawn."""
        return None

    def describe(self) -> str:
        """`never`."""
        return "never"


class Transfer(Struct, frozen=True):
    """So many bytes at so many bytes per second, alone on the wire; rounded up to the millisecond."""

    size: int
    rate: int

    def sample(self, source: RandomSource) -> Millis | None:
        """Size over rate; nothing is drawn."""
        return min(-(-self.size * 1000 // self.rate), MAX_MILLIS)

    def describe(self) -> str:
        """`16GiB at 55MB/s`."""
        return f"{format_size(self.size)} at {format_size(self.rate)}/s"


class Uniform(Struct, frozen=True):
    """Anything from `low` to `high`, all equally likely."""

    low: Millis
    high: Millis

    def sample(self, source: RandomSource) -> Millis | None:
        """One draw."""
        # Within what `_millis` sees to; drawn for each stage of each pod.
        return int(self.low + (self.high - self.low) * source.random() + 0.5)

    def describe(self) -> str:
        """`uniform 10s..20s`."""
        return f"uniform {format_duration(self.low)}..{format_duration(self.high)}"


class Triangular(Struct, frozen=True):
    """From `low` to `high`, most likely `mode`; what three measured numbers are worth."""

    low: Millis
    mode: Millis
    high: Millis

    def sample(self, source: RandomSource) -> Millis | None:
        """One draw."""
        u = source.random()
        span = self.high - self.low
        if not span:
            return self.low
        rise, fall = self.mode - self.low, self.high - self.mode
        if u * span < rise:
            return _millis(self.low + math.sqrt(u * span * rise))
        return _millis(self.high - math.sqrt((1 - u) * span * fall))

    def describe(self) -> str:
        """`triangular 20s/45s/1m`."""
        return f"triangular {'/'.join(map(format_duration, (self.low, self.mode, self.high)))}"


class Exponential(Struct, frozen=True):
    """Without memory; `mean` in milliseconds."""

    mean: Millis

    def sample(self, source: RandomSource) -> Millis | None:
        """One draw."""
        return _millis(-self.mean * math.log1p(-source.random()))

    def describe(self) -> str:
        """`exponential, mean 40s`."""
        return f"exponential, mean {format_duration(self.mean)}"


class Lognormal(Struct, frozen=True):
    """Given by its median and the value that 95 of 100 stay below; both positive, p95 >= p50."""

    p50: Millis
    p95: Millis

    def sample(self, source: RandomSource) -> Millis | None:
        """One draw."""
        sigma = math.log(self.p95 / self.p50) / Z95
        exponent = sigma * _normal(source)
        # exp() overflows near 709; 40 is already 10^17 medians.
        return _millis(self.p50 * math.exp(min(exponent, 40.0)))

    def describe(self) -> str:
        """`lognormal, p50 40s, p95 1m30s`."""
        return f"lognormal, p50 {format_duration(self.p50)}, p95 {format_duration(self.p95)}"


class Gamma(Struct, frozen=True):
    """Shape k > 0 and mean; the scale is mean / k."""

    shape: float
    mean: Millis

    def sample(self, source: RandomSource) -> Millis | None:
        """As many draws as it takes (Marsaglia and Tsang 2000, about 2.1 on average for shape >= 1)."""
        shape, boost = self.shape, 1.0
        if shape < 1:
            boost = (1 - source.random()) ** (1 / shape)
            shape += 1
        d = shape - 1 / 3
        c = 1 / math.sqrt(9 * d)
        while True:
            x = _normal(source)
            v = (1 + c * x) ** 3
            if v > 0 and math.log(1 - source.random()) < 0.5 * x * x + d - d * v + d * math.log(v):
                return _millis(d * v * boost * self.mean / self.shape)

    def describe(self) -> str:
        """`gamma, shape 2, mean 1m`."""
        return f"gamma, shape {self.shape:g}, mean {format_duration(self.mean)}"


class Weibull(Struct, frozen=True):
    """Shape k > 0 (below 1: failures get rarer with age, above 1: more frequent) and scale."""

    shape: float
    scale: Millis

    def sample(self, source: RandomSource) -> Millis | None:
        """One draw."""
        hazard = -math.log1p(-source.random())
        # hazard ** (1 / shape), kept below what a float can hold.
        power = math.log(hazard) / self.shape if hazard else -math.inf
        return _millis(self.scale * math.exp(min(power, 600.0)))

    def describe(self) -> str:
        """`Weibull, shape 1.5, scale 1m`."""
        return f"Weibull, shape {self.shape:g}, scale {format_duration(self.scale)}"


class Empirical(Struct, frozen=True):
    """One of the measured values (sorted), or, with `interpolate`, anything between two neighbours."""

    values: tuple[Millis, ...]
    interpolate: bool = False
    source: str = ""

    def sample(self, source: RandomSource) -> Millis | None:
        """One draw. Interpolated: the quantile u stands at place u·(n - 1) of the sorted values."""
        u = source.random()
        count = len(self.values)
        if not self.interpolate:
            return self.values[int(u * count)]
        place = u * (count - 1)
        below = int(place)
        if below + 1 == count:
            return self.values[below]
        low, high = self.values[below], self.values[below + 1]
        return _millis(low + (high - low) * (place - below))

    def describe(self) -> str:
        """`empirical, 12 values 8s..31s from file.csv, interpolated`."""
        text = (
            f"empirical, {len(self.values)} values {format_duration(self.values[0])}.."
            f"{format_duration(self.values[-1])}"
        )
        text += f" from {self.source}" if self.source else ""
        return text + (", interpolated" if self.interpolate else "")


class Mixture(Struct, frozen=True):
    """One of several distributions, chosen by weight (positive, of any sum)."""

    weights: tuple[float, ...]
    parts: tuple[Distribution, ...]

    def sample(self, source: RandomSource) -> Millis | None:
        """One draw for the choice, then what the chosen one draws."""
        total = math.fsum(self.weights)
        mark = source.random() * total
        for reached, part in zip(accumulate(self.weights), self.parts, strict=True):
            if mark < reached:
                return part.sample(source)
        return self.parts[-1].sample(source)

    def describe(self) -> str:
        """`90 % constant 10s, 10 % never`."""
        total = math.fsum(self.weights)
        return ", ".join(
            f"{100 * weight / total:.4g} % {part.describe()}"
            for weight, part in zip(self.weights, self.parts, strict=True)
        )


class Bounded(Struct, frozen=True):
    """Another distribution, its samples moved to the nearer bound when outside; `never` becomes `high`."""

    inner: Distribution
    low: Millis = 0
    high: Millis | None = None

    def sample(self, source: RandomSource) -> Millis | None:
        """What the inner distribution draws."""
        value = self.inner.sample(source)
        if value is None:
            return self.high
        value = max(value, self.low)
        return value if self.high is None else min(value, self.high)

    def describe(self) -> str:
        """`lognormal, p50 40s, p95 1m30s, at least 5s, at most 10m`."""
        text = self.inner.describe()
        text += f", at least {format_duration(self.low)}" if self.low else ""
        return text + ("" if self.high is None else f", at most {format_duration(self.high)}")


def empirical(values: Sequence[Millis], *, interpolate: bool = False, source: str = "") -> Empirical:
    """An empirical distribution of at least one value, in any order.

    Raises:
        ValueError: no values.
    """
    if not values:
        raise ValueError("an empirical distribution needs at least one value")
    return Empirical(tuple(sorted(values)), interpolate, source)


@cache
def _standard_normal() -> NormalDist:
    from statistics import NormalDist

    return NormalDist()


def _normal(source: RandomSource) -> float:
    """A standard normal number by inverse CDF; a draw of 0, which has none, counts as the next."""
    u = source.random()
    return _standard_normal().inv_cdf(u or 2.0**-54)


def _millis(value: float) -> Millis:
    """The nearest whole millisecond, within what simulated time holds."""
    if value >= MAX_MILLIS:
        return MAX_MILLIS
    return int(value + 0.5) if value > 0 else 0

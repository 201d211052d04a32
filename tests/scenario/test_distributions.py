"""Samples against closed forms, with fixed seeds and bounds of z standard errors."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from statistics import NormalDist

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubeinfer_sim.scenario.timings.distribution import Distribution
from kubeinfer_sim.scenario.timings.distributions import (
    Z95,
    Bounded,
    Constant,
    Exponential,
    Gamma,
    Lognormal,
    Mixture,
    Never,
    Transfer,
    Triangular,
    Uniform,
    Weibull,
    empirical,
)
from kubeinfer_sim.scenario.units import MAX_MILLIS

COUNT = 20_000
Z = 4.0  # one false alarm in 16,000, and the seeds are fixed


def draws(distribution: Distribution, seed: int = 1) -> list[int]:
    source = random.Random(seed)
    values = [distribution.sample(source) for _ in range(COUNT)]
    assert all(isinstance(value, int) and value >= 0 for value in values)
    return [value for value in values if value is not None]


def lognormal_sigma(p50: float, p95: float) -> float:
    return math.log(p95 / p50) / 1.6448536269514722


MOMENTS: list[tuple[Distribution, float, float]] = [
    (Uniform(10_000, 40_000), 25_000, 30_000 / math.sqrt(12)),
    (
        Triangular(10_000, 41_000, 60_000),
        37_000,
        math.sqrt((1e8 + 41e3**2 + 36e8 - 10e3 * 41e3 - 10e3 * 60e3 - 41e3 * 60e3) / 18),
    ),
    (Exponential(40_000), 40_000, 40_000),
    (Gamma(2.5, 60_000), 60_000, 60_000 / math.sqrt(2.5)),
    (Gamma(0.5, 60_000), 60_000, 60_000 / math.sqrt(0.5)),
    (
        Weibull(1.5, 60_000),
        60_000 * math.gamma(1 + 1 / 1.5),
        60_000 * math.sqrt(math.gamma(1 + 2 / 1.5) - math.gamma(1 + 1 / 1.5) ** 2),
    ),
    (
        Lognormal(40_000, 90_000),
        40_000 * math.exp(lognormal_sigma(40, 90) ** 2 / 2),
        40_000
        * math.exp(lognormal_sigma(40, 90) ** 2 / 2)
        * math.sqrt(math.exp(lognormal_sigma(40, 90) ** 2) - 1),
    ),
    (empirical([10_000, 20_000, 60_000]), 30_000, math.sqrt((400 + 100 + 900) / 3) * 1000),
    (Mixture((9, 1), (Constant(10_000), Constant(110_000))), 20_000, 30_000),
]


@pytest.mark.parametrize(
    ("distribution", "mean", "deviation"),
    MOMENTS,
    ids=lambda value: getattr(value, "__name__", str(value))[:40],
)
def test_means_agree_with_closed_forms(distribution: Distribution, mean: float, deviation: float) -> None:
    values = draws(distribution)
    assert abs(sum(values) / COUNT - mean) < Z * deviation / math.sqrt(COUNT) + 0.5


def exponential_cdf(x: float) -> float:
    return 1 - math.exp(-x / 40_000)


CDFS: list[tuple[Distribution, Callable[[float], float], list[int]]] = [
    (Exponential(40_000), exponential_cdf, [5_000, 40_000, 120_000]),
    (Weibull(0.7, 60_000), lambda x: 1 - math.exp(-((x / 60_000) ** 0.7)), [1_000, 60_000, 200_000]),
    (Lognormal(40_000, 90_000), lambda x: {40_000: 0.5, 90_000: 0.95}[int(x)], [40_000, 90_000]),
    # Gamma with shape 2 is the sum of two exponentials: 1 - e^-x (1 + x).
    (
        Gamma(2, 60_000),
        lambda x: 1 - math.exp(-x / 30_000) * (1 + x / 30_000),
        [10_000, 60_000, 150_000],
    ),
    # Gamma with shape 1 is exponential.
    (Gamma(1, 40_000), exponential_cdf, [5_000, 40_000, 120_000]),
    # Gamma with shape 1/2 and scale 2 is chi-squared with one degree of freedom.
    (Gamma(0.5, 30_000), lambda x: math.erf(math.sqrt(x / 60_000)), [1_000, 30_000, 100_000]),
    (
        Triangular(10_000, 41_000, 60_000),
        lambda x: (
            (x - 10_000) ** 2 / (50_000 * 31_000) if x < 41_000 else 1 - (60_000 - x) ** 2 / (50_000 * 19_000)
        ),
        [20_000, 41_000, 55_000],
    ),
    (
        empirical([0, 10_000, 30_000], interpolate=True),
        lambda x: 0.25 if x < 10_000 else 0.75,
        [5_000, 20_000],
    ),
]


@pytest.mark.parametrize(
    ("distribution", "cdf", "points"), CDFS, ids=lambda value: getattr(value, "__name__", str(value))[:40]
)
def test_quantiles_agree_with_closed_forms(
    distribution: Distribution, cdf: Callable[[float], float], points: list[int]
) -> None:
    values = draws(distribution)
    for point in points:
        p = cdf(point)
        below = sum(value <= point for value in values) / COUNT
        assert abs(below - p) < Z * math.sqrt(p * (1 - p) / COUNT)


class Sequence:
    """A source that returns the numbers it was given, the last one for ever."""

    def __init__(self, *numbers: float) -> None:
        self.numbers = list(numbers)

    def random(self) -> float:
        return self.numbers.pop(0) if len(self.numbers) > 1 else self.numbers[0]


EVERY: list[Distribution] = [distribution for distribution, _, _ in MOMENTS] + [
    Constant(0),
    Transfer(16 * 10**9, 55 * 10**6),
    Triangular(5, 5, 5),
    Triangular(5, 5, 10),
    Triangular(5, 10, 10),
    Lognormal(40_000, 40_000),
    Lognormal(1, MAX_MILLIS),
    Weibull(0.01, MAX_MILLIS),
    Gamma(0.001, MAX_MILLIS),
    Exponential(MAX_MILLIS),
    Bounded(Exponential(1000), 500, 2000),
]


@pytest.mark.parametrize("distribution", EVERY, ids=lambda value: getattr(value, "__name__", str(value)))
@pytest.mark.parametrize("u", [0.0, 2**-53, 0.5, 1 - 2**-53])
def test_the_ends_of_the_stream_stay_within_bounds(distribution: Distribution, u: float) -> None:
    value = distribution.sample(Sequence(u, 0.5))
    assert value is not None
    assert 0 <= value <= MAX_MILLIS


@given(st.integers(0, 10**9), st.integers(0, 10**9), st.integers(0, 10**9), st.floats(0, 1, exclude_max=True))
def test_a_triangular_sample_lies_between_its_ends(a: int, b: int, c: int, u: float) -> None:
    low, mode, high = sorted((a, b, c))
    value = Triangular(low, mode, high).sample(Sequence(u))
    assert value is not None
    assert low <= value <= high


def test_bounds_move_a_sample_to_the_nearer_end() -> None:
    assert Bounded(Constant(5), low=10).sample(Sequence(0.5)) == 10
    assert Bounded(Constant(50), high=10).sample(Sequence(0.5)) == 10
    assert Bounded(Never(), high=10).sample(Sequence(0.5)) == 10


def test_never_ends_never() -> None:
    assert Never().sample(Sequence(0.5)) is None
    assert Mixture((1, 1), (Constant(5), Never())).sample(Sequence(0.75)) is None


def test_a_transfer_takes_size_over_rate_rounded_up() -> None:
    assert Transfer(16_000_000_000, 55_000_000).sample(Sequence(0)) == 290_910
    assert Transfer(1, 10**9).sample(Sequence(0)) == 1


def test_an_empirical_distribution_without_values_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one value"):
        empirical([])


def test_the_same_stream_gives_the_same_samples_everywhere() -> None:
    # Recorded once: a change here changes every prediction made with the same seed.
    source = random.Random(2024)
    recorded = [distribution.sample(source) for distribution, _, _ in MOMENTS]
    assert recorded == RECORDED


RECORDED = [24103, 43933, 14482, 107659, 5896, 84604, 39916, 20000, 10000]


@pytest.mark.parametrize(
    ("distribution", "text"),
    [
        (Constant(90_000), "constant 1m30s"),
        (Never(), "never"),
        (Transfer(16 * 2**30, 55_000_000), "16GiB at 55MB/s"),
        (Uniform(1000, 2000), "uniform 1s..2s"),
        (Triangular(20_000, 45_000, 60_000), "triangular 20s/45s/1m"),
        (Exponential(40_000), "exponential, mean 40s"),
        (Lognormal(40_000, 90_000), "lognormal, p50 40s, p95 1m30s"),
        (Gamma(2, 60_000), "gamma, shape 2, mean 1m"),
        (Weibull(1.5, 60_000), "Weibull, shape 1.5, scale 1m"),
        (
            empirical([3000, 1000], interpolate=True, source="a.csv"),
            "empirical, 2 values 1s..3s from a.csv, interpolated",
        ),
        (Mixture((9, 1), (Constant(1000), Never())), "90 % constant 1s, 10 % never"),
        (Bounded(Exponential(1000), 500, 2000), "exponential, mean 1s, at least 500ms, at most 2s"),
    ],
)
def test_a_distribution_says_what_it_is(distribution: Distribution, text: str) -> None:
    assert distribution.describe() == text


def test_the_95th_percentile_of_the_standard_normal_distribution_is_as_statistics_reckons_it() -> None:
    assert NormalDist().inv_cdf(0.95) == Z95

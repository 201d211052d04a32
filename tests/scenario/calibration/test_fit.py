"""Distributions fitted to whole seconds: the true one is found, and what cannot be fitted is said."""

from __future__ import annotations

import random

import pytest

from kubeinfer_sim.scenario.timings.calibration.fit import ENOUGH, FEW, MOST_VALUES, fit
from kubeinfer_sim.scenario.timings.distribution import Distribution
from kubeinfer_sim.scenario.timings.distributions import Exponential, Gamma, Lognormal, Triangular, Weibull

TRUE: dict[str, Distribution] = {
    "exponential": Exponential(120_000),
    "lognormal": Lognormal(290_000, 600_000),
    "gamma": Gamma(4.0, 300_000),
    "weibull": Weibull(3.5, 400_000),
    "triangular": Triangular(60_000, 290_000, 1_200_000),
}


def measured(distribution: Distribution, count: int, seed: int = 1) -> list[float]:
    """Samples as Kubernetes tells them: both ends in whole seconds."""
    source = random.Random(seed)
    found = []
    for _ in range(count):
        begin = source.random() * 1000
        found.append(float(int(begin + (distribution.sample(source) or 0) / 1000) - int(begin)))
    return found


@pytest.mark.parametrize("kind", TRUE)
def test_the_true_distribution_is_found_among_all(kind: str) -> None:
    assert list(fit(measured(TRUE[kind], 1500)).written) == [kind]  # type: ignore[arg-type]


def test_the_parameters_are_those_of_the_truth() -> None:
    found = fit(measured(Lognormal(290_000, 600_000), 1500)).written["lognormal"]  # type: ignore[index]
    assert found["p50"] == pytest.approx(290, rel=0.03)
    assert found["p95"] == pytest.approx(600, rel=0.05)


@pytest.mark.parametrize("count", [ENOUGH, 50, 200])
def test_a_good_fit_says_its_distance_and_its_n(count: int) -> None:
    note = fit(measured(Gamma(4.0, 300_000), count)).note
    assert note.startswith(f"{count} samples, ")
    assert f"with n = {count}" in note
    assert "by AIC" in note


@pytest.mark.parametrize("count", range(1, FEW))
def test_a_handful_of_lengths_gives_their_median_and_says_so(count: int) -> None:
    found = fit([float(10 * i) for i in range(count)])
    assert isinstance(found.written, float)
    assert "too few" in found.note


def test_too_few_to_fit_are_drawn_from_as_they_are() -> None:
    found = fit([1.0, 5.0, 9.0, 30.0, 2.0])
    assert found.written == {"empirical": {"values": [1.0, 2.0, 5.0, 9.0, 30.0], "interpolate": True}}
    assert "too few to fit" in found.note


def test_lengths_within_a_second_are_constant() -> None:
    found = fit([3.0, 4.0] * 20)
    assert found.written == 3.5
    assert "constant, as far as whole seconds tell" in found.note


def test_two_regimes_are_no_distribution_and_are_listed() -> None:
    found = fit([*measured(Gamma(30.0, 40_000), 60), *measured(Gamma(30.0, 900_000), 60)])
    assert "no distribution fits" in found.note
    assert len(found.written["empirical"]["values"]) == MOST_VALUES  # type: ignore[index]


def test_lengths_of_no_seconds_can_be_fitted() -> None:
    assert fit([0.0] * 15 + [1.0] * 10 + [2.0] * 5 + [4.0] * 2).note


def test_the_same_lengths_in_another_order_give_the_same_fit() -> None:
    lengths = measured(Weibull(1.5, 100_000), 80)
    assert fit(lengths) == fit(lengths[::-1])

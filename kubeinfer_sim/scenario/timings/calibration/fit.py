"""Distributions fitted to measured lengths, by maximum likelihood with SciPy, chosen by Akaike's criterion.

Lengths come in whole seconds, so the likelihood of a length is the probability of the second around it; with
densities, values that repeat would seem infinitely likely. The Kolmogorov-Smirnov distance is taken with equal
values spread over their second. Its p-value flatters, since the distribution was fitted to the same values.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from statistics import median
from typing import Any

from msgspec import Struct

#: Fewer lengths than these make no list to draw from, and no fit.
FEW, ENOUGH = 5, 20
#: Below this p-value a fit is no description of the lengths, and they are listed instead.
WORST_P = 0.01
MOST_VALUES = 100
#: The second a length was rounded to, half of it to each side.
_HALF = 0.5
_Z95 = 1.6448536269514722


class Fit(Struct, frozen=True):
    """A distribution as a scenario writes it, and how well it describes the lengths.

    Attributes:
        written: a duration in seconds, or a kind with its parameters; times in seconds.
        note: how many lengths, their range, what was chosen, and how good it is, in a line.
    """

    written: float | dict[str, Any]
    note: str


class _Candidate(Struct, frozen=True):
    name: str
    written: dict[str, Any]
    cdf: Callable[[Any], Any]
    parameters: int


def fit(lengths: Sequence[float]) -> Fit:
    """Describe at least one length, all of them 0 or more, in seconds."""
    values = sorted(lengths)
    count = len(values)
    head = f"{count} sample{'s' if count > 1 else ''}, {values[0]:g}s to {values[-1]:g}s, median {median(values):g}s"
    if count < FEW:
        return Fit(median(values), f"{head}: too few for more than their median; the range is no interval")
    if values[-1] - values[0] <= 1:
        mean = math.fsum(values) / count
        return Fit(mean, f"{head}: constant, as far as whole seconds tell")
    if count < ENOUGH:
        return Fit(_listed(values), f"{head}: too few to fit ({ENOUGH} needed), drawn from what was measured")
    # Only where there is something to fit: SciPy takes half a second to import.
    import numpy
    from scipy import stats

    data = numpy.asarray(values)
    ranked = sorted(
        ((_aic(numpy, data, each), each) for each in _candidates(numpy, stats, data)),
        key=lambda pair: pair[0],
    )
    aic, best = ranked[0]
    test = stats.kstest(_spread(values), best.cdf)
    distance, p = float(test.statistic), float(test.pvalue)
    others = ", ".join(f"{each.name} +{other - aic:.1f}" for other, each in ranked[1:3])
    quality = f"{best.name} by AIC ({others}); KS distance {distance:.3f}, p {p:.2g} with n = {count}"
    if p < WORST_P:
        return Fit(
            _listed(values), f"{head}: no distribution fits (best: {quality}), drawn from what was measured"
        )
    return Fit(best.written, f"{head}: {quality}")


def _listed(values: Sequence[float]) -> dict[str, Any]:
    """The lengths themselves, or as many quantiles of them as a file should hold."""
    if len(values) > MOST_VALUES:
        last = len(values) - 1
        values = [values[round(i * last / (MOST_VALUES - 1))] for i in range(MOST_VALUES)]
    return {"empirical": {"values": list(values), "interpolate": True}}


def _spread(values: Iterable[float]) -> list[float]:
    """Equal lengths spread evenly over the second they were rounded to."""
    groups: dict[float, int] = {}
    for value in values:
        groups[value] = groups.get(value, 0) + 1
    return [
        max(value - _HALF + (i + 0.5) / number, 0.0)
        for value, number in groups.items()
        for i in range(number)
    ]


def _aic(numpy: Any, data: Any, candidate: _Candidate) -> float:
    inside = candidate.cdf(data + _HALF) - candidate.cdf(numpy.maximum(data - _HALF, 0))
    return float(2 * candidate.parameters - 2 * numpy.log(numpy.maximum(inside, 1e-300)).sum())


def _candidates(numpy: Any, stats: Any, data: Any) -> list[_Candidate]:
    # A length of 0s lies somewhere in its second, and has no logarithm.
    positive = numpy.maximum(data, _HALF / 2)
    candidates = [_exponential(stats, positive), _lognormal(numpy, stats, positive)]
    candidates += [_gamma(stats, positive), _weibull(stats, positive), _triangular(numpy, data)]
    return candidates


def _exponential(stats: Any, data: Any) -> _Candidate:
    mean = float(data.mean())
    return _Candidate("exponential", {"exponential": {"mean": mean}}, stats.expon(scale=mean).cdf, 1)


def _lognormal(numpy: Any, stats: Any, data: Any) -> _Candidate:
    logs = numpy.log(data)
    mu, sigma = float(logs.mean()), max(float(logs.std()), 1e-6)
    written = {"lognormal": {"p50": math.exp(mu), "p95": math.exp(mu + _Z95 * sigma)}}
    return _Candidate("lognormal", written, stats.lognorm(sigma, scale=math.exp(mu)).cdf, 2)


def _gamma(stats: Any, data: Any) -> _Candidate:
    shape, _, scale = map(float, stats.gamma.fit(data, floc=0))
    written = {"gamma": {"shape": round(shape, 4), "mean": shape * scale}}
    return _Candidate("gamma", written, stats.gamma(shape, scale=scale).cdf, 2)


def _weibull(stats: Any, data: Any) -> _Candidate:
    shape, _, scale = map(float, stats.weibull_min.fit(data, floc=0))
    written = {"weibull": {"shape": round(shape, 4), "scale": scale}}
    return _Candidate("Weibull", written, stats.weibull_min(shape, scale=scale).cdf, 2)


def _triangular(numpy: Any, data: Any) -> _Candidate:
    """By maximum likelihood over how far the ends lie beyond the data, and where between them the mode is."""
    from scipy.optimize import minimize

    low, high = float(data.min()) - _HALF, float(data.max()) + _HALF
    span = high - low

    def shape(parameters: Any) -> tuple[float, float, float]:
        below, above, where = (float(each) for each in parameters)
        left = max(low - span * math.exp(min(below, 3.0)), 0.0)
        right = high + span * math.exp(min(above, 3.0))
        return left, left + (right - left) / (1 + math.exp(-min(max(where, -30.0), 30.0))), right

    def cdf(values: Any, left: float, mode: float, right: float) -> Any:
        # SciPy's own takes a hundred times longer to be made than to be asked, and it is made at every step.
        x = numpy.clip(values, left, right)
        rise = (x - left) ** 2 / ((right - left) * max(mode - left, 1e-12))
        fall = 1 - (right - x) ** 2 / ((right - left) * max(right - mode, 1e-12))
        return numpy.where(x <= mode, rise, fall)

    def cost(parameters: Any) -> float:
        inside = cdf(data + _HALF, *shape(parameters)) - cdf(data - _HALF, *shape(parameters))
        return -float(numpy.log(numpy.maximum(inside, 1e-300)).sum())

    best = minimize(cost, (-3.0, -3.0, 0.0), method="Nelder-Mead", options={"maxiter": 600})
    left, mode, right = shape(best.x)
    written = {"triangular": {"low": left, "mode": mode, "high": right}}
    return _Candidate("triangular", written, lambda values: cdf(values, left, mode, right), 3)

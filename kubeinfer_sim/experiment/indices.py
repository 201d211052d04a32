"""Indices of sensitivity, of all inputs turned together: Morris' and Sobol's, by SALib.

Morris (Technometrics 33, 1991; Campolongo et al. 2007): the mean of the absolute elementary effects, from trajectories.
Sobol: the parts of the variance that an input explains alone (first order) and with all others (total order), by
Saltelli's sample. Intervals are bootstrapped.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.util import find_spec
from typing import Any, Literal

from msgspec import Struct

from kubeinfer_sim.errors import UsageError
from kubeinfer_sim.experiment.statistics.estimate import CONFIDENCE, Estimate

Method = Literal["morris", "sobol"]
#: So many trajectories of Morris, or base samples of Sobol (a power of two), unless it is said how many.
SAMPLES: dict[Method, int] = {"morris": 10, "sobol": 64}
BOOTSTRAP = "bootstrap"
_LEVELS, _RESAMPLES = 4, 200

#: From rows of the unit cube, an input each column, to a number for each row.
Evaluate = Callable[[Sequence[Sequence[float]]], Sequence[float]]


class Index(Struct, frozen=True):
    """How much an input matters among all.

    Attributes:
        total: Morris: the mean absolute effect, in the unit of the figure; Sobol: the total order, a part of the
            variance.
        first: Sobol: the first order; None of Morris.
        spread: Morris: the standard deviation of the effects (not linear, or not alone); None of Sobol.
    """

    name: str
    total: Estimate
    first: Estimate | None = None
    spread: float | None = None


def check_method(method: str, samples: int | None) -> None:
    """Refuse what cannot be, before anything is simulated.

    Raises:
        UsageError: there is no such method; Sobol's samples are no power of two; SALib is not installed.
    """
    if method not in SAMPLES:
        raise UsageError(f"--method {method}: expected {' or '.join(SAMPLES)}")
    if method == "sobol" and samples is not None and samples & (samples - 1):
        raise UsageError(f"--samples {samples:,}: Sobol's are balanced for powers of two, as 64")
    if find_spec("SALib") is None:
        raise UsageError(f"--method {method} needs SALib: pip install 'kubeinfer-sim[sensitivity]'")


def indices(
    names: Sequence[str],
    evaluate: Evaluate,
    method: Method,
    *,
    samples: int | None = None,
    seed: int = 0,
    confidence: float = CONFIDENCE,
) -> tuple[Index, ...]:
    """The indices of inputs that are uniform in the unit cube, the largest total first.

    Raises:
        UsageError: as of `check_method`.
    """
    check_method(method, samples)
    from SALib.analyze import morris as morris_indices
    from SALib.analyze import sobol as sobol_indices
    from SALib.sample import morris as morris_sample
    from SALib.sample import sobol as sobol_sample

    number = samples or SAMPLES[method]
    problem: dict[str, Any] = {
        "num_vars": len(names),
        "names": list(names),
        "bounds": [[0.0, 1.0]] * len(names),
    }
    settled: dict[str, Any] = {"num_resamples": _RESAMPLES, "conf_level": confidence, "seed": seed}
    from numpy import array

    if method == "morris":
        rows = morris_sample.sample(problem, number, num_levels=_LEVELS, seed=seed)
        found = morris_indices.analyze(
            problem, rows, array(evaluate(rows.tolist())), num_levels=_LEVELS, **settled
        )
        made = [
            Index(name, _between(mean, half), spread=float(spread))
            for name, mean, half, spread in zip(
                names, found["mu_star"], found["mu_star_conf"], found["sigma"], strict=True
            )
        ]
    else:
        rows = sobol_sample.sample(problem, number, calc_second_order=False, seed=seed)
        values = array(evaluate(rows.tolist()))
        found = sobol_indices.analyze(problem, values, calc_second_order=False, **settled)
        made = [
            Index(name, _between(total, wide), _between(first, half))
            for name, total, wide, first, half in zip(
                names, found["ST"], found["ST_conf"], found["S1"], found["S1_conf"], strict=True
            )
        ]
    return tuple(sorted(made, key=lambda each: -each.total.mean))


def _between(mean: Any, half: Any) -> Estimate:
    return Estimate(float(mean), float(mean - half), float(mean + half), BOOTSTRAP)

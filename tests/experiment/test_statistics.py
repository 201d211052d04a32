"""Intervals hold: against closed forms, and by how often they cover what is known."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import ceil, exp, inf, log

import numpy as np
import pytest
from scipy.special import bdtr
from scipy.stats import beta, binomtest, t

from kubeinfer_sim.experiment.statistics.clusters import WOODRUFF, clustered_mean, clustered_percentile
from kubeinfer_sim.experiment.statistics.differences import EXACT_PAIRED, middle, more_often
from kubeinfer_sim.experiment.statistics.estimate import TOO_FEW
from kubeinfer_sim.experiment.statistics.means import (
    ENOUGH,
    STUDENT,
    alike,
    bounds,
    estimate,
    fewest_for_signs,
    signs_tell,
    telling,
)
from kubeinfer_sim.experiment.statistics.percentiles import LOW_PARTS, PARTS, parts, percentile
from kubeinfer_sim.experiment.statistics.proportions import (
    EXACT,
    EXACT_ONE_SIDED,
    at_least,
    at_most,
    decided,
    proportion,
)
from kubeinfer_sim.experiment.statistics.stopping import PILOT, runs_for

Draw = Callable[[np.random.Generator, int], np.ndarray]


def zero_inflated(part: float, amount: Draw) -> Draw:
    return lambda source, count: (source.random(count) < part) * amount(source, count)


#: What is drawn, and its true mean.
POPULATIONS: dict[str, tuple[Draw, float]] = {
    "exponential": (lambda source, count: source.exponential(size=count), 1.0),
    "lognormal": (lambda source, count: source.lognormal(0, 1, count), exp(0.5)),
    "zero-inflated": (zero_inflated(0.3, lambda source, count: source.exponential(size=count)), 0.3),
    "a failure or none": (zero_inflated(0.2, lambda source, count: np.ones(count)), 0.2),
}


# -- proportions -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("hits", "runs"), [(1, 29), (81, 263), (15, 148), (296, 300), (1, 2)])
def test_a_proportion_has_the_interval_of_clopper_and_pearson(hits: int, runs: int) -> None:
    found, known = proportion(hits, runs), binomtest(hits, runs).proportion_ci(0.95, "exact")
    assert (found.mean, found.method) == (hits / runs, EXACT)
    assert (found.low, found.high) == (pytest.approx(known.low), pytest.approx(known.high))


def test_the_published_intervals_of_newcombe_come_out() -> None:
    # Statistics in Medicine 17 (1998), table I, method 5 (Clopper-Pearson): 81 of 263, 15 of 148, 1 of 29.
    for hits, runs, low, high in (
        (81, 263, 0.2527, 0.3676),
        (15, 148, 0.0578, 0.1617),
        (1, 29, 0.0009, 0.1776),
    ):
        found = proportion(hits, runs)
        assert (found.low, found.high) == (pytest.approx(low, abs=5e-5), pytest.approx(high, abs=5e-5))


@pytest.mark.parametrize("runs", [1, 20, 300, 100_000])
def test_nothing_seen_in_n_runs_is_at_most_three_in_n_one_sided(runs: int) -> None:
    none, every = proportion(0, runs), proportion(runs, runs)
    assert none.method == every.method == EXACT_ONE_SIDED
    assert (none.low, none.high) == (0.0, pytest.approx(1 - 0.05 ** (1 / runs)))
    assert none.high is not None
    assert none.high <= 3 / runs
    assert (every.low, every.high) == (pytest.approx(0.05 ** (1 / runs)), 1.0)


@pytest.mark.parametrize("runs", [10, 50, 300])
def test_one_sided_bounds_err_at_most_one_time_in_twenty_whatever_the_truth(runs: int) -> None:
    for true in (0.001, 0.01, 0.2, 0.5, 0.9, 0.99, 0.999):
        chances = [float(binom(hits, runs, true)) for hits in range(runs + 1)]
        low = sum(each for hits, each in enumerate(chances) if at_least(hits, runs) <= true)
        high = sum(each for hits, each in enumerate(chances) if at_most(hits, runs) >= true)
        assert low >= 0.95 - 1e-9
        assert high >= 0.95 - 1e-9


def binom(hits: int, runs: int, chance: float) -> float:
    below = float(bdtr(hits - 1, runs, chance)) if hits else 0.0
    return float(bdtr(hits, runs, chance)) - below


def test_no_runs_and_more_hits_than_runs_are_no_proportion() -> None:
    for hits, runs in ((0, 0), (2, 1), (-1, 3)):
        with pytest.raises(ValueError, match="no proportion"):
            proportion(hits, runs)


# -- looking after every run -------------------------------------------------------------------------------


@pytest.mark.parametrize(("wanted", "runs"), [(0.95, 158), (0.99, 984)])
def test_as_many_good_runs_decide_as_the_method_says(wanted: float, runs: int) -> None:
    """So many as the paper's formula gives: the first n with (n+1) p^n at most 0.05."""
    first = next(n for n in range(1, 2000) if decided(n, n, wanted) is not None)
    assert first == pytest.approx(runs, abs=1)
    assert decided(first, first, wanted) is True
    assert decided(0, 5, wanted) is False


@pytest.mark.parametrize("true", [0.9, 0.95])
def test_looking_after_every_run_errs_at_most_one_time_in_twenty(true: float) -> None:
    """The truth is just what is wanted, or the least bit less: whoever decides "above" is wrong."""
    source, wrong, campaigns = np.random.default_rng(7), 0, 300
    for _ in range(campaigns):
        hits = np.cumsum(source.random(1500) < true)
        wrong += any(decided(int(hits[n - 1]), n, true) for n in range(1, 1501, 7))
    assert wrong / campaigns <= 0.05


# -- percentiles -------------------------------------------------------------------------------------------


def test_a_percentile_lies_between_two_of_the_ordered_values() -> None:
    # Hahn and Meeker, Statistical Intervals, 5.2.2: of 100 values the 10th percentile lies between the 4th
    # and the 17th ones or nearer; the median between the 40th and the 61st.
    ordered = [float(each) for each in range(1, 101)]
    median = percentile(ordered, 0.5)
    assert (median.mean, median.low, median.high) == (50, 40, 61)
    tenth = percentile(ordered, 0.1)
    assert tenth.low is not None
    assert tenth.high is not None
    assert covers(int(tenth.low), int(tenth.high), 100, 0.1) >= 0.95
    assert covers(int(tenth.low) + 1, int(tenth.high), 100, 0.1) < 0.975


def covers(low: int, high: int, count: int, part: float) -> float:
    """The chance that the true percentile lies between these ranks."""
    return float(bdtr(high - 1, count, part) - bdtr(low - 1, count, part))


def test_percentiles_that_are_told_lie_at_the_bad_end() -> None:
    assert parts("low") == PARTS
    assert parts("high") == LOW_PARTS
    assert [round(1 - each, 2) for each in LOW_PARTS] == list(PARTS)


def test_percentiles_of_runs_that_never_finish_are_infinite_and_too_few_runs_give_no_bound() -> None:
    ordered = [*map(float, range(90)), *[inf] * 10]
    assert percentile(ordered, 0.5).mean == 49
    assert percentile(ordered, 0.95).mean == inf
    few = percentile([1.0, 2.0, 3.0], 0.99)
    assert (few.mean, few.low, few.high) == (3.0, 2.0, None)
    assert few.reason == "too few to say"
    with pytest.raises(ValueError, match="no values"):
        percentile([], 0.5)


@pytest.mark.parametrize("name", POPULATIONS)
@pytest.mark.parametrize("part", [0.5, 0.9])
def test_percentiles_cover_whatever_the_distribution(name: str, part: float) -> None:
    draw, _ = POPULATIONS[name]
    source = np.random.default_rng(5)
    true = float(np.sort(draw(source, 400_001))[ceil(400_001 * part) - 1])
    held = 0
    for _ in range(400):
        found = percentile(sorted(draw(source, 60).tolist()), part)
        held += (found.low is None or found.low <= true + 0.004) and (
            found.high is None or found.high >= true - 0.004
        )
    assert held / 400 >= 0.94


# -- means -------------------------------------------------------------------------------------------------


def coverage(draw: Draw, true: float, runs: int, batches: int, source: np.random.Generator) -> float:
    """In which part of the batches for which there is an interval it holds the true mean."""
    found = [estimate(draw(source, runs).tolist()) for _ in range(batches)]
    told = [each for each in found if each.low is not None and each.high is not None]
    assert len(told) >= batches * 0.9, "too few intervals to judge"
    return sum((each.low or 0) <= true <= (each.high or 0) for each in told) / len(told)


CASES = [
    *((name, 100) for name in ("exponential", "lognormal")),
    *((name, 1000) for name in POPULATIONS),
]


@pytest.mark.parametrize(("name", "runs"), CASES)
def test_nominal_95_percent_of_a_mean_cover_about_that(name: str, runs: int) -> None:
    """The small form: within what 500 batches can tell of 94 to 96 %."""
    draw, true = POPULATIONS[name]
    assert 0.925 <= coverage(draw, true, runs, 500, np.random.default_rng(11)) <= 0.98


@pytest.mark.sweep
@pytest.mark.parametrize(("name", "runs"), CASES)
def test_nominal_95_percent_of_a_mean_cover_94_to_96(name: str, runs: int) -> None:
    draw, true = POPULATIONS[name]
    error = 2 * (0.95 * 0.05 / 8000) ** 0.5
    assert 0.94 - error <= coverage(draw, true, runs, 8000, np.random.default_rng(13)) <= 0.96 + error


@pytest.mark.parametrize("part", [95, 1.5, 1, 0, -1, float("nan")])
def test_what_is_no_part_of_all_runs_has_no_percentile(part: float) -> None:
    with pytest.raises(ValueError, match=r"expected a part between 0 and 1, as 0\.95"):
        percentile([1.0, 2.0], part)
    with pytest.raises(ValueError, match=r"expected a part between 0 and 1, as 0\.95"):
        clustered_percentile([[1.0, 2.0], [3.0]], part)


def test_ten_seeds_with_rare_failures_are_too_few_to_say() -> None:
    """Student's interval of such batches covered 31 of 100 times, and had no width at all in most of them."""
    source = np.random.default_rng(3)
    draw = zero_inflated(0.03, lambda generator, count: generator.exponential(3600, count))
    for _ in range(200):
        found = estimate(draw(source, 10).tolist())
        assert (found.low, found.high, found.reason, found.differs) == (None, None, "too few to say", False)


def test_so_many_runs_must_have_anything_in_them() -> None:
    few, enough = [0.0] * 500 + [1.0] * (ENOUGH - 1), [0.0] * 500 + [1.0] * ENOUGH
    assert estimate(few).low is None
    assert estimate(enough).method == STUDENT
    assert (telling([0.0, 0.0, 3.0]), telling([1.0, 2.0, 3.0])) == (1, 3)


def test_numbers_that_are_not_skewed_have_students_interval() -> None:
    # t(0.975, 59 degrees of freedom) = 2.0010; the numbers -30 … 29 lie symmetrically.
    values = [each + 0.5 for each in range(-30, 30)]
    low, high = bounds(values)
    deviation = (sum(each * each for each in values) / 59) ** 0.5
    assert (low, high) == (
        pytest.approx(-2.0010 * deviation / 60**0.5, rel=1e-4),
        pytest.approx(2.0010 * deviation / 60**0.5, rel=1e-4),
    )


def test_what_is_skewed_has_the_longer_side_where_its_tail_is() -> None:
    values = [float(2 ** (each % 10)) for each in range(200)]
    found = estimate(values)
    assert found.low is not None
    assert found.high is not None
    assert found.high - found.mean > found.mean - found.low > 0


def test_few_differences_are_told_apart_by_their_signs_or_where_nothing_is_drawn() -> None:
    assert estimate([2.0], drawn=False).differs
    assert estimate([2.0, 2.0], drawn=False).differs
    assert not estimate([2.0] * 5).differs
    assert estimate([2.0] * 6).differs
    assert not estimate([0.0] * 10).differs
    assert not estimate([1.0, 2.0, 3.0, 4.0, 5.0]).differs, "one in 16 by chance"
    assert estimate([1.0, 2.0, 3.0, 4.0, 5.0, 6.0]).differs, "one in 32"
    # Student's example, ten patients: eight better, one the same, two worse.
    gains = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0]
    assert estimate(gains).mean == pytest.approx(0.75)
    assert not estimate(gains).differs
    assert alike([0.1 + 0.2, 0.3])
    with pytest.raises(ValueError, match="no values"):
        estimate([])


# -- differences -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("runs", [6, 12, 30])
@pytest.mark.parametrize(
    ("gains", "loses"), [(0.0, 0.0), (0.1, 0.1), (0.5, 0.0), (0.3, 0.05), (1.0, 0.0), (0.6, 0.4)]
)
def test_how_much_more_often_is_covered_whatever_the_truth(runs: int, gains: float, loses: float) -> None:
    """Exactly: the probability of every outcome that the interval holds, by the trinomial distribution."""
    covered = 0.0
    for gained in range(runs + 1):
        for lost in range(runs + 1 - gained):
            found = more_often(gained, lost, runs)
            assert found.low is not None
            assert found.high is not None
            assert found.low <= found.mean <= found.high
            if found.low <= gains - loses <= found.high:
                chance = binom(gained, runs, gains)
                rest = 0.0 if gains == 1 else loses / (1 - gains)
                covered += chance * binom(lost, runs - gained, rest)
    assert covered >= 0.94


def test_what_is_not_known_may_have_been_either() -> None:
    sure, open_ = more_often(5, 1, 20), more_often(5, 1, 20, unknown=4)
    assert sure.method == EXACT_PAIRED
    assert (sure.low or 0) > (open_.low or 0)
    assert (sure.high or 0) < (open_.high or 0)
    with pytest.raises(ValueError, match="of 20"):
        more_often(15, 5, 20, unknown=1)


def test_the_median_difference_has_an_interval_from_six_seeds_on() -> None:
    assert middle([1.0, 2.0, 3.0, 4.0, 5.0]) is None
    found = middle([3.0, 1.0, 2.0, 6.0, 5.0, 4.0])
    assert found is not None
    assert (found.low, found.high) == (1.0, 6.0)


def test_as_many_seeds_as_it_takes_to_tell_tell() -> None:
    for others in (1, 2, 5, 100):
        confidence = 1 - 0.05 / others
        fewest = fewest_for_signs(confidence)
        assert signs_tell(fewest, 0, confidence)
        assert not signs_tell(fewest - 1, 0, confidence)
        assert not signs_tell(0, fewest, confidence)


# -- several in a run ---------------------------------------------------------------------------------------


def drawn_together(source: np.random.Generator, runs: int, kind: str) -> list[list[float]]:
    """Lengths of each run: as they come, with much in common, all alike, more where they are long, seldom any."""
    made = []
    for _ in range(runs):
        common = source.normal()
        if kind == "alike":
            own = np.full(source.geometric(0.3), np.exp(common))
        elif kind == "seldom":
            own = np.exp(source.normal(size=2)) if source.random() < 0.1 else np.empty(0)
        else:
            number = source.poisson(np.exp(common) if kind == "more where long" else 3)
            shared = {"as they come": 0.0, "in common": 1.0, "more where long": 1.0}[kind]
            own = np.exp(shared * common + 0.5 * source.normal(size=number))
        made.append(own.tolist())
    return made


def covered(kind: str, parts: Sequence[float], runs: int, times: int) -> list[tuple[int, int]]:
    """Of each part in how many of some batches there is an interval, and in how many it holds the true percentile."""
    source = np.random.default_rng(11)
    every = np.concatenate([each for each in drawn_together(source, 20_000, kind) if each])
    true = np.quantile(every, parts)
    told = [[0, 0] for _ in parts]
    for _ in range(times):
        batch = drawn_together(source, runs, kind)
        for place, part in enumerate(parts):
            found = clustered_percentile(batch, part)
            if found.low is not None and found.high is not None:
                told[place][0] += 1
                told[place][1] += found.low <= true[place] <= found.high
    return [(shown, held) for shown, held in told]


@pytest.mark.parametrize("kind", ["as they come", "in common", "alike"])
def test_percentiles_of_what_comes_several_times_in_a_run_cover(kind: str) -> None:
    ((shown, held),) = covered(kind, [0.5], 300, 100)
    assert shown >= 95
    assert held / shown >= 0.9, "a hundred batches tell it to within 4 %"


@pytest.mark.sweep
@pytest.mark.parametrize("kind", ["as they come", "in common", "alike", "more where long", "seldom"])
def test_percentiles_of_runs_as_clusters_cover_wherever_there_is_an_interval(kind: str) -> None:
    for shown, held in covered(kind, [0.5, 0.9, 0.95, 0.99], 1000, 500):
        assert shown < 100 or held / shown >= 0.92


def test_of_too_few_runs_nothing_is_said_of_what_comes_several_times_in_each() -> None:
    batch = drawn_together(np.random.default_rng(3), 200, "in common")
    late = clustered_percentile(batch, 0.99)
    assert (late.low, late.high, late.reason) == (None, None, TOO_FEW)
    one_run = [[float(each) for each in range(1000)], *[[]] * 500]
    assert clustered_percentile(one_run, 0.5).reason == TOO_FEW
    assert clustered_mean(one_run).reason == TOO_FEW


def test_one_in_a_run_at_most_is_told_as_runs_are_and_all_alike_in_a_run_as_one() -> None:
    single = [[float(each)] if each % 2 else [] for each in range(200)]
    assert clustered_percentile(single, 0.5) == percentile([each for own in single for each in own], 0.5)
    draws = np.random.default_rng(4).exponential(size=300).tolist()
    once, thrice = percentile(sorted(draws), 0.5), clustered_percentile([[each] * 3 for each in draws], 0.5)
    assert (thrice.mean, thrice.method) == (once.mean, WOODRUFF)
    assert thrice.half == pytest.approx(once.half, rel=0.15), "three alike know no more than one"
    mean = clustered_mean([[each] * 3 for each in draws])
    assert mean.half == pytest.approx(estimate(draws).half)


def test_few_runs_make_an_interval_wider_by_how_little_they_tell_of_their_own_spread() -> None:
    """Runs of which each has as many values below any as the others: as good as independent, but for their number."""
    runs, own = 51, 60
    found = clustered_percentile(
        [[float(run + runs * each + 1) for each in range(own)] for run in range(runs)], 0.5
    )
    number = runs * own
    wider = (t.ppf(0.975, number - 1) / t.ppf(0.975, runs - 1)) ** 2
    low = beta.ppf(0.025, number * wider / 2, number * wider / 2 + 1)
    assert found.low == ceil(number * low) < ceil(number * beta.ppf(0.025, number / 2, number / 2 + 1))
    assert (found.mean, found.high) == (number / 2, number + 1 - found.low)


def test_what_never_ends_is_infinite_among_what_comes_several_times() -> None:
    batch = [[1.0, 2.0], [inf, inf]] * 200
    assert clustered_percentile(batch, 0.5).mean == 2.0
    assert clustered_percentile(batch, 0.9).mean == inf
    assert clustered_mean(batch).mean == 1.5


# -- how many ----------------------------------------------------------------------------------------------


def test_a_pilot_asks_for_as_many_runs_as_its_spread_takes() -> None:
    values = [10 + (each % 10) - 4.5 for each in range(PILOT)]
    low, high = bounds(values)
    asked = runs_for(values, 0.01)
    assert asked == pytest.approx(PILOT * ((high - low) / 2 / 0.1) ** 2, rel=0.02)
    assert ENOUGH <= runs_for(values, 0.5) < 2 * ENOUGH, "as many as an interval takes"
    assert runs_for([7.0] * PILOT, 0.01) == PILOT, "nothing is drawn"
    assert runs_for([0.0] * PILOT, 0.01) == inf, "they tell nothing"
    rare = [0.0] * (PILOT - 2) + [5.0, 6.0]
    assert runs_for(rare, 10.0) >= PILOT * ENOUGH / 2, "too few have anything in them"


@pytest.mark.sweep
@pytest.mark.parametrize("name", ["exponential", "zero-inflated"])
def test_the_two_stage_rule_covers(name: str) -> None:
    draw, true = POPULATIONS[name]
    source, held = np.random.default_rng(17), 0
    for _ in range(2000):
        pilot = draw(source, PILOT)
        more = draw(source, int(min(20_000, runs_for(pilot.tolist(), 0.1))) - PILOT) if pilot.any() else []
        low, high = bounds([*pilot.tolist(), *map(float, more)]) if pilot.any() else (0.0, log(3))
        held += low <= true <= high
    assert held / 2000 >= 0.93

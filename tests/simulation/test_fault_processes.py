"""Fault processes against closed forms; seeds are fixed, bounds are z-scores."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Sequence
from statistics import fmean, stdev

import pytest
from building import kubeinfer, nodes, scenario
from controllers.playing import of, play

from kubeinfer_sim.cluster.devices.repair import RepairShop
from kubeinfer_sim.cluster.fault_records import FaultInjected, NpuStateChanged
from kubeinfer_sim.engine.clock import Clock
from kubeinfer_sim.engine.streams import Stream, Streams
from kubeinfer_sim.scenario.actions.model import Fault, Target
from kubeinfer_sim.scenario.faults.model import FaultPlan, FaultProcess, MixPart, NpuHandling
from kubeinfer_sim.scenario.faults.profiles import LLAMA3_MIX, PROFILES
from kubeinfer_sim.scenario.timings.distribution import Distribution
from kubeinfer_sim.scenario.timings.distributions import Constant, Exponential, Gamma, Uniform, Weibull
from kubeinfer_sim.simulation.faults.processes import RunningProcess
from kubeinfer_sim.simulation.run import Run

pytestmark = pytest.mark.any_version

DAY = 86_400_000
HOUR = 3_600_000


def strikes(
    every: Distribution, count: int, until: int, seed: int = 0, extra: Sequence[str] = ()
) -> list[tuple[int, str]]:
    """When which of `count` objects was struck, with objects before them that do not matter."""
    clock, found = Clock(), []
    names = [*extra, *(f"node-{i}" for i in range(count))]

    def strike(index: int, process: FaultProcess, part: MixPart, source: Stream) -> None:
        found.append((clock.now, names[index]))

    process = FaultProcess("p", "node", every, (MixPart(1.0, "NodeDeath"),))
    RunningProcess(clock, Streams(seed), process, names, strike)
    clock.run(until)
    return [each for each in found if each[1] not in extra]


def test_the_faults_of_an_object_do_not_depend_on_other_objects() -> None:
    every = Exponential(30 * DAY)
    assert strikes(every, 10, 365 * DAY) == strikes(every, 10, 365 * DAY, extra=["another", "and another"])


def test_one_timer_waits_however_many_objects_there_are() -> None:
    clock = Clock()
    process = FaultProcess("p", "node", Exponential(30 * DAY), (MixPart(1.0, "NodeDeath"),))
    names = [str(i) for i in range(1000)]
    RunningProcess(clock, Streams(0), process, names, lambda *_: None)
    assert clock.waiting == 1
    clock.run(DAY)
    assert clock.fired < 100


@pytest.mark.parametrize(("count", "hours"), [(2048, 1.80), (16_384, 0.225)])
def test_mean_time_to_failure_scales_with_the_number_of_nodes(count: int, hours: float) -> None:
    """Meta's projection from 6.50 failures per 1000 node-days (arXiv 2410.21680)."""
    mean = PROFILES["meta-rsc1"].mean
    assert mean / count / HOUR == pytest.approx(hours, rel=0.005)
    times = [at for at, _ in strikes(Exponential(mean), count, 20 * DAY)]
    expected = 20 * DAY / (mean / count)
    assert abs(len(times) - expected) / math.sqrt(expected) < 3
    assert 20 * 24 / len(times) == pytest.approx(hours, rel=0.2)


def test_llama_3_has_419_interruptions_in_54_days() -> None:
    counts = [
        len(strikes(Exponential(PROFILES["llama3"].mean), 2048, 54 * DAY, seed=seed)) for seed in range(10)
    ]
    assert pytest.approx(419, abs=1) == 3.79e-3 * 2048 * 54
    assert abs(fmean(counts) - 419) < 20
    assert abs(fmean(counts) - 3.79e-3 * 2048 * 54) / math.sqrt(419 / len(counts)) < 3
    assert sum(part.weight for part in LLAMA3_MIX) == 419


def test_renewals_come_at_the_rate_of_the_mean_whatever_the_shape() -> None:
    shape = 0.7
    mean = 10 * DAY
    every = Weibull(shape, round(mean / math.gamma(1 + 1 / shape)))
    counts: dict[str, int] = {}
    for _, name in strikes(every, 300, 2000 * DAY):
        counts[name] = counts.get(name, 0) + 1
    # m(t) -> t/mean + (cv^2 - 1)/2 (the renewal theorem).
    squared = math.gamma(1 + 2 / shape) / math.gamma(1 + 1 / shape) ** 2 - 1
    expected = 200 + (squared - 1) / 2
    values = list(counts.values())
    assert abs(fmean(values) - expected) / (stdev(values) / math.sqrt(len(values))) < 3


SHAPES = (
    (Constant(10 * DAY), 0.0),
    (Exponential(10 * DAY), 1.0),
    (Weibull(2, round(10 * DAY / math.gamma(1.5))), 4 / math.pi - 1),
    (Gamma(0.5, 10 * DAY), 2.0),
    (Uniform(5 * DAY, 15 * DAY), 1 / 12),
)


@pytest.mark.parametrize("count", [150, pytest.param(1_500, marks=pytest.mark.sweep)])
@pytest.mark.parametrize(("every", "squared"), SHAPES, ids=lambda each: type(each).__name__)
def test_renewal_counts_have_the_mean_and_variance_of_renewal_theory(
    every: Distribution, squared: float, count: int
) -> None:
    """Until t: t/mean + (c^2 - 1)/2 of them, with a variance of c^2 t/mean and a constant (Cox, Renewal Theory, 1962).

    `squared` is c^2, the squared coefficient of variation of the times between; the constant is a margin here.
    """
    mean = 200.0
    seen = Counter(name for _, name in strikes(every, count, 2_000 * DAY + DAY // 2))
    values = [seen[f"node-{i}"] for i in range(count)]
    if not squared:
        assert set(values) == {200}
        return
    until = mean + 0.05  # in means, since half a day is
    error = math.sqrt(squared * mean / count)
    assert abs(fmean(values) - until - (squared - 1) / 2) / error < 3
    deviation = math.sqrt(2 / (count - 1))
    margin = (1 + squared) ** 2 / (squared * mean)
    assert abs(stdev(values) ** 2 / (squared * mean) - 1) < 3 * deviation + margin


def test_the_faults_of_many_are_a_poisson_process() -> None:
    """Counts of many seeds are as scattered as their mean, and times between as exponential ones."""
    per_seed = [strikes(Exponential(30 * DAY), 40, 90 * DAY, seed=seed) for seed in range(60)]
    counts = [len(times) for times in per_seed]
    expected = 40 * 3
    assert abs(fmean(counts) - expected) / math.sqrt(expected / len(counts)) < 3
    dispersion = (len(counts) - 1) * stdev(counts) ** 2 / fmean(counts)
    assert abs(dispersion - (len(counts) - 1)) / math.sqrt(2 * (len(counts) - 1)) < 3
    gaps = [later - sooner for times in per_seed for (sooner, _), (later, _) in itertools.pairwise(times)]
    mean = 30 * DAY / 40
    longer = sum(gap > mean for gap in gaps) / len(gaps)
    assert abs(longer - math.exp(-1)) / math.sqrt(math.exp(-1) * (1 - math.exp(-1)) / len(gaps)) < 3


def npus_of_a_year(seed: int, mtbf: int, mttr: int, count: int = 8, years: float = 3, **handling: int) -> Run:
    """NPUs that nobody uses break and are repaired; exact, since the exponential has no memory."""
    process = FaultProcess(
        "p", "npu", Exponential(mtbf), (MixPart(1.0, "CardDrop"),), repair=Exponential(mttr)
    )
    spec = kubeinfer(1, labels={"modelarts-infer-npu-reset-enable": "true"})
    settings = NpuHandling(repeats=0, **handling)  # type: ignore[arg-type]
    made = scenario(
        spec,
        1,
        nodes=nodes(1, count),
        initial="empty",
        actions=(),
        faults=FaultPlan((process,), settings),
        horizon=round(years * 365 * DAY),
        seed=seed,
    )
    return play(made)


def share_with_at_least(run: Run, least: int, count: int) -> float:
    """The part of time in which node-0 offers at least so many NPUs."""
    since, offered, good = 0, count, 0
    for record in of(run, NpuStateChanged):
        if record.node == "node-0":
            good += (record.at - since) * (offered >= least)
            since, offered = record.at, record.offered
    return (good + (run.ended_at - since) * (offered >= least)) / run.ended_at


def z_score(values: list[float], expected: float) -> float:
    return abs(fmean(values) - expected) / (stdev(values) / math.sqrt(len(values)))


def birth_death(count: int, up: float, down: float, crews: int) -> list[float]:
    """Stationary probability of 0, 1 … failed units, each failing at `up`, `crews` repairing at `down` each."""
    weights = [1.0]
    for failed in range(count):
        weights.append(weights[-1] * (count - failed) * up / (min(failed + 1, crews) * down))
    return [weight / sum(weights) for weight in weights]


MTBF, MTTR = 20 * DAY, 4 * DAY


def test_one_repairable_unit_is_available_mtbf_over_mtbf_plus_mttr() -> None:
    # A fault is seen 3 to 16 s after it began: nothing against days.
    values = [share_with_at_least(npus_of_a_year(seed, MTBF, MTTR, 1), 1, 1) for seed in range(25)]
    assert z_score(values, MTBF / (MTBF + MTTR)) < 3


@pytest.mark.parametrize("seeds", [12, pytest.param(30, marks=pytest.mark.sweep)])
@pytest.mark.parametrize("crews", [None, 1])
def test_k_of_n_units_with_and_without_limited_repair(crews: int | None, seeds: int) -> None:
    limits = {} if crews is None else {"crews": crews}
    values = [
        share_with_at_least(npus_of_a_year(seed, MTBF, MTTR, 4, years=2, **limits), 3, 4)
        for seed in range(seeds)
    ]
    failed = birth_death(4, 1 / MTBF, 1 / MTTR, crews or 4)
    assert z_score(values, failed[0] + failed[1]) < 3


def with_spares(places: int, spares: int, crews: int) -> list[float]:
    """Stationary probability of 0, 1 … broken units: the machine-repair model with spares.

    Of `places` units in use each fails at 1/MTBF, those on the shelf do not; `crews` repair at 1/MTTR each (Gross and
    Harris, Fundamentals of Queueing Theory, 2.7). A place is empty only while more are broken than there are spares.
    """
    weights = [1.0]
    for broken in range(places + spares):
        in_use = places - max(0, broken - spares)
        weights.append(weights[-1] * in_use / MTBF / (min(broken + 1, crews) / MTTR))
    return [weight / sum(weights) for weight in weights]


@pytest.mark.parametrize("seeds", [8, pytest.param(24, marks=pytest.mark.sweep)])
@pytest.mark.parametrize(
    ("crews", "spares"),
    [
        (None, 1),
        (1, 2),
        *(pytest.param(*each, marks=pytest.mark.sweep) for each in [(None, 2), (1, 1), (2, 1), (2, 2)]),
    ],
)
def test_with_spares_places_are_filled_for_as_long_as_the_closed_form_says(
    spares: int, crews: int | None, seeds: int
) -> None:
    limits = {"spares": spares, "swap": 1} | ({} if crews is None else {"crews": crews})
    runs = [npus_of_a_year(seed, MTBF, MTTR, 4, years=2, **limits) for seed in range(seeds)]
    broken = with_spares(4, spares, crews or 4 + spares)
    for least in (4, 3):
        values = [share_with_at_least(run, least, 4) for run in runs]
        assert z_score(values, math.fsum(broken[: spares + 4 - least + 1])) < 3


def test_the_closed_form_with_spares_is_that_of_its_generator() -> None:
    """Against the stationary distribution of the Markov chain itself, and, without spares, of `birth_death`."""
    for places, spares, crews in ((1, 1, 1), (4, 2, 1), (4, 2, 2), (3, 5, 8)):
        found = with_spares(places, spares, crews)
        units = places + spares
        for broken in range(units + 1):  # what flows in flows out
            fails = [max(0, min(places, units - each)) / MTBF for each in range(units + 1)]
            heals = [min(each, crews) / MTTR for each in range(units + 1)]
            out = found[broken] * (fails[broken] + heals[broken])
            below = found[broken - 1] * fails[broken - 1] if broken else 0.0
            above = found[broken + 1] * heals[broken + 1] if broken < units else 0.0
            assert out == pytest.approx(below + above)
    assert with_spares(4, 0, 1) == pytest.approx(birth_death(4, 1 / MTBF, 1 / MTTR, 1))
    one = MTTR / MTBF
    assert with_spares(1, 1, 2)[2] == pytest.approx(
        one**2 / 2 / (1 + one + one**2 / 2)
    )  # Erlang's loss formula


def test_spares_fill_places_while_there_are_any() -> None:
    clock, filled = Clock(), []
    shop = RepairShop(clock, Streams(0), spares=1, swap=10)
    for name in ("a", "b"):
        shop.repair(name, 0, Exponential(1000), lambda name=name: filled.append((name, clock.now)))  # type: ignore[misc]
    clock.run()
    assert filled[0] == ("a", 10)
    assert filled[1][0] == "b"
    assert filled[1][1] > 20


def test_pods_in_series_fail_at_the_sum_of_their_rates() -> None:
    count, until = 6, 400 * DAY
    times = strikes(Exponential(30 * DAY), count, until)
    expected = until / (30 * DAY / count)
    assert abs(len(times) - expected) / math.sqrt(expected) < 3


@pytest.mark.parametrize("seeds", [4, pytest.param(12, marks=pytest.mark.sweep)])
def test_instance_unavailability_by_hardware_alone(seeds: int) -> None:
    """Any node failure stops the instance for 16 minutes: 8 nodes at 6.5 per 1000 node-days (timings page, 7)."""
    process = FaultProcess(
        "p", "node", Exponential(PROFILES["meta-rsc1"].mean), (MixPart(1.0, "ProcessCrash"),)
    )
    recovery = 16 * 60
    losses = []
    for seed in range(seeds):
        spec = kubeinfer(1, roles={"decode": 8}, restart="Instance")
        made = scenario(
            spec,
            8,
            recovery,
            0,
            faults=FaultPlan((replace_per_pod(process),)),
            horizon=4 * 365 * DAY,
            seed=seed,
        )
        run = play(made)
        stops = len({record.at for record in of(run, FaultInjected)})
        losses.append(stops * recovery * 1000 / run.ended_at)
    assert fmean(losses) == pytest.approx(5.8e-4, rel=0.1)


def replace_per_pod(process: FaultProcess) -> FaultProcess:
    return FaultProcess(process.name, "pod", process.every, process.mix)


def test_recovery_does_not_change_when_faults_come() -> None:
    process = FaultProcess("p", "node", Exponential(5 * DAY), LLAMA3_MIX)
    found = []
    for restart in ("Instance", "Pod"):
        spec = kubeinfer(2, roles={"prefill": 1, "decode": 1}, restart=restart)
        run = play(scenario(spec, 5, 60, 10, faults=FaultPlan((process,)), horizon=60 * DAY))
        found.append(
            [
                (record.at, record.kind, record.where)
                for record in of(run, FaultInjected)
                if "npu" in record.where
            ]
        )
    assert found[0]
    assert found[0] == found[1]


def test_a_year_of_100_instances_costs_events_in_proportion_to_its_faults() -> None:
    process = FaultProcess("meta-rsc1", "node", Exponential(PROFILES["meta-rsc1"].mean), LLAMA3_MIX)
    spec = kubeinfer(
        100,
        roles={"prefill": 1, "decode": 1, "proxy": 1},
        labels={"modelarts-infer-npu-reset-enable": "true"},
    )
    run = play(scenario(spec, 310, 900, 30, faults=FaultPlan((process,)), horizon=365 * DAY))
    faults = len(of(run, FaultInjected))
    expected = 310 * 365 * 6.5e-3
    assert abs(faults - expected) / math.sqrt(expected) < 4
    assert run.fired < 200 * faults


def test_a_node_that_dies_is_repaired() -> None:
    fault = Fault(100_000, "NodeDeath", Target(nodes=("node-0",)), repair=Exponential(HOUR))
    run = play(scenario(kubeinfer(1), 2, 60, 10, actions=(fault,), horizon=10 * DAY))
    assert [record.kind for record in of(run, FaultInjected)] == ["NodeDeath"]

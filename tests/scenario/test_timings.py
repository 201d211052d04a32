"""Which timing is in force for which role."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from scenario_files import MANIFEST, Load

from kubeinfer_sim.cluster.stages import Part, StageKind
from kubeinfer_sim.experiment.figures import figures
from kubeinfer_sim.scenario.model import Scenario
from kubeinfer_sim.scenario.timings.distribution import Distribution
from kubeinfer_sim.scenario.timings.distributions import Constant, Never, Triangular
from kubeinfer_sim.scenario.timings.expectations import load_time
from kubeinfer_sim.scenario.timings.model import STAGE_NAMES
from kubeinfer_sim.scenario.timings.profiles import NO_NPU_STAGES, STAGES, profile_timings
from kubeinfer_sim.scenario.units import parse_duration
from kubeinfer_sim.simulation.simulate import simulate

NAMES = list(STAGE_NAMES)


def stage(scenario: Scenario, role: str, name: str) -> Distribution:
    distribution: Distribution = getattr(scenario.timings.of(role), name)
    return distribution


def test_every_stage_has_a_default_with_its_source() -> None:
    assert sorted(STAGES) == sorted(NAMES)
    for each in STAGES.values():
        assert parse_duration(each.low) <= parse_duration(each.typical) <= parse_duration(each.high)
        assert each.source


def test_the_three_regimes_of_a_start_come_out() -> None:
    """Warm about 3 min, weights local and graph cold 15-21 min, everything cold about 26-30 min."""
    typical = profile_timings("typical")

    def total(*names: str) -> int:
        """Seconds until the engine answers."""
        common = ("bind", "create", "rank_table", "framework_import", "communicator", "warm_up")
        return sum(getattr(typical, name).value for name in (*common, *names)) // 1000

    assert total("image_warm", "weights_warm", "graph_warm") == 167
    assert total("image_warm", "weights_local", "graph_cold") == 1253
    assert total("image_cold", "weights_local", "graph_cold") == 1542


@pytest.mark.parametrize("name", NAMES)
def test_the_profiles_are_constant_spread_and_nothing(name: str) -> None:
    low, typical, high = map(parse_duration, (STAGES[name].low, STAGES[name].typical, STAGES[name].high))
    assert getattr(profile_timings("typical"), name) == Constant(typical)
    assert getattr(profile_timings("range"), name) == Triangular(low, typical, high)
    assert getattr(profile_timings("zero"), name) == Constant(0)


def test_a_stage_named_wins_over_its_group_and_a_role_over_both(load: Load) -> None:
    scenario = load("timings: {weights: 1m, weightsLocal: 2m, roles: {serve: {weightsLocal: 3m, graph: 4m}}}")
    assert scenario.timings.default.weights_warm == Constant(60_000)
    assert scenario.timings.default.weights_local == Constant(120_000)
    assert stage(scenario, "serve", "weights_local") == Constant(180_000)
    assert stage(scenario, "serve", "weights_shared") == Constant(60_000)
    assert (
        stage(scenario, "serve", "graph_warm") == stage(scenario, "serve", "graph_cold") == Constant(240_000)
    )


def test_a_role_without_npus_loads_no_model(load: Load) -> None:
    scenario = load("timings: {weights: 20m, create: 9s}")
    for name in NO_NPU_STAGES.keys() - {"framework_import"}:
        assert stage(scenario, "proxy", name) == Constant(0)
    assert stage(scenario, "proxy", "framework_import") == Constant(5_000)
    assert stage(scenario, "proxy", "create") == Constant(9_000)
    named = load("timings: {roles: {proxy: {weights: 10s}}}")
    assert stage(named, "proxy", "weights_shared") == Constant(10_000)


@pytest.mark.parametrize(
    ("written", "described"),
    [
        ("20m", "constant 20m"),
        ("never", "never"),
        ("{constant: 20m}", "constant 20m"),
        ("{uniform: {low: 1s, high: 2s}}", "uniform 1s..2s"),
        ("{triangular: {low: 10s, mode: 41s, high: 60s}}", "triangular 10s/41s/1m"),
        ("{exponential: 40s}", "exponential, mean 40s"),
        ("{exponential: {mean: 40s}}", "exponential, mean 40s"),
        ("{lognormal: {p50: 40s, p95: 90s}}", "lognormal, p50 40s, p95 1m30s"),
        ("{gamma: {shape: 2, scale: 30s}}", "gamma, shape 2, mean 1m"),
        ("{gamma: {shape: 2, mean: 30s}}", "gamma, shape 2, mean 30s"),
        ("{weibull: {shape: 1.5, scale: 1m}}", "Weibull, shape 1.5, scale 1m"),
        ("{weibull: {shape: 2, mean: 1m}}", "Weibull, shape 2, scale 1m7.703s"),
        ("{empirical: [3s, 1s, 2s]}", "empirical, 3 values 1s..3s"),
        ("{empirical: {values: [3s, 1s], interpolate: true}}", "empirical, 2 values 1s..3s, interpolated"),
        ("{empirical: {csv: t.csv, column: load}}", "empirical, 3 values 1.5s..1m from t.csv"),
        ("{empirical: {csv: t.csv, column: plain, unit: m}}", "empirical, 3 values 1m..3m from t.csv"),
        ("{transfer: {size: 16GiB, rate: 55MB/s}}", "16GiB at 55MB/s"),
        ("{mixture: [{weight: 9, value: 1s}, {weight: 1, value: never}]}", "90 % constant 1s, 10 % never"),
        ("{exponential: 1s, min: 500ms, max: 2s}", "exponential, mean 1s, at least 500ms, at most 2s"),
    ],
)
def test_a_distribution_is_written_short(load: Load, folder: Path, written: str, described: str) -> None:
    (folder / "t.csv").write_text("load,plain\n1m,1\n\n1.5s,2\n 2s ,3\n", encoding="utf-8")
    distribution = load(f"timings: {{bind: {written}}}").timings.default.bind
    assert distribution.describe() == described
    value = distribution.sample(random.Random(1))
    assert value is None or value >= 0


def test_never_is_a_distribution(load: Load) -> None:
    assert load("timings: {bind: never}").timings.default.bind == Never()


def test_a_load_is_expected_to_take_what_it_takes_an_engine_that_starts_cold(
    folder: Path, load: Load
) -> None:
    """So a stage of a load has its place among those that lint adds up, and that calibration learns as one."""
    patient = MANIFEST.replace("startupProbe: &probe {", "startupProbe: &probe {failureThreshold: 1000, ")
    (folder / "chat.yaml").write_text(patient, encoding="utf-8")
    scenario = load("initial: empty")
    pod = figures(simulate(scenario)).cluster.instances[0].pods[0]
    waits = (StageKind.BARRIER, StageKind.PROBES)
    loading = [
        span for span in pod.spans if span.stage.kind.part is Part.START and span.stage.kind not in waits
    ]
    expected = load_time(scenario.kubeinfers[0].roles[0].template)
    assert sum(span.until - span.since for span in loading) == expected.cold * 1000

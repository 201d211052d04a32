"""What runs of one process share changes no number of theirs: the first run of a process is the slow reference."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest
from command_line import ROOT, python
from msgspec import json

from kubeinfer_sim import load_scenario
from kubeinfer_sim.cluster import per_template
from kubeinfer_sim.cluster.prober import forecast
from kubeinfer_sim.experiment.dispatch import process_pool
from kubeinfer_sim.experiment.replication import Variant, play

SCENARIOS = (
    "rolling-update-2p1d",
    "model-as-deployment",
    "npu-fault-with-label",
    "fault-mid-rollout",
    "drain-a-node",
)


@pytest.fixture(autouse=True)
def no_forecast_known() -> Iterator[None]:
    forecast.forecasts_for.cache_clear()
    yield
    forecast.forecasts_for.cache_clear()


def variants() -> list[Variant]:
    """Each as it is, and with stages drawn; read anew, so that nothing is known of their templates."""
    files = [str(ROOT / "scenarios" / f"{name}.yaml") for name in SCENARIOS]
    drawn = {("spec", "timings", "profile"): "range"}
    return [
        *(Variant(file, load_scenario(file)) for file in files),
        *(Variant(file, load_scenario(file, changes=drawn)) for file in files),
    ]


@pytest.mark.parametrize("most", [4096, 2])
def test_a_run_is_the_same_after_others_as_alone(monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    """Also where more is known than is remembered."""
    monkeypatch.setattr(forecast, "MOST_KNOWN", most)
    monkeypatch.setattr(per_template, "MOST_KNOWN", most)
    made = variants()
    after = [json.encode(play(each, seed)) for seed in range(4) for each in made]
    alone = []
    for seed in range(4):
        for each in variants():
            forecast.forecasts_for.cache_clear()
            alone.append(json.encode(play(each, seed)))
    assert after == alone


def test_runs_that_follow_compute_next_to_no_forecast(monkeypatch: pytest.MonkeyPatch) -> None:
    computed = []
    compute = forecast.Forecasts._compute
    monkeypatch.setattr(
        forecast.Forecasts, "_compute", lambda self, start: computed.append(start) or compute(self, start)
    )
    made = variants()[len(SCENARIOS)]
    for seed in range(40):
        play(made, seed)
    before = len(computed)
    for seed in range(40, 80):
        play(made, seed)
    assert before > 0
    assert len(computed) - before <= 4


def test_a_worker_leaves_what_it_began_with_to_itself() -> None:
    with process_pool(1) as pool:
        assert pool.submit(gc.get_freeze_count).result() > 10_000
        assert pool.submit(gc.get_threshold).result()[0] == 100_000


def test_settled_in_it_goes_on_collecting() -> None:
    code = """
import gc, weakref
from kubeinfer_sim.experiment.worker import settle_in
class Ring: pass
settle_in()
ring = Ring(); ring.itself = ring; gone = weakref.ref(ring); del ring
rings = [[] for _ in range(100_001)]
assert gone() is None
"""
    assert python(code).returncode == 0

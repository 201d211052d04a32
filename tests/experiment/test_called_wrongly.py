"""The functions of the Python API, given something else than they take: each says what would be right."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import kubeinfer_sim as k
from kubeinfer_sim.errors import KubeInferSimError

ROOT = Path(__file__).parents[2]
SCENARIO = str(ROOT / "scenarios/up-first.yaml")
MANIFEST = str(ROOT / "tests/manifest/data/valid/06-mixed-single-role.yaml")


def scenario() -> Any:
    return k.load_scenario(SCENARIO)


WRONG: list[tuple[str, Callable[[], Any]]] = [
    ("backtest takes listings", lambda: k.backtest(SCENARIO, [])),
    ("rollout_scenario takes KubeInfer or", lambda: k.rollout_scenario("a.yaml", "b.yaml")),  # type: ignore[arg-type]
    (r"build_result\(assess\(run\)\)", lambda: k.build_result(k.simulate(scenario()))),  # type: ignore[arg-type]
    ("expected a whole number", lambda: k.replicate(scenario(), "3")),  # type: ignore[arg-type]
    ("expected a whole number", lambda: k.replicate(scenario(), 2.5)),  # type: ignore[arg-type]
    ("workers takes Workers", lambda: k.replicate(scenario(), 2, workers=2)),  # type: ignore[arg-type]
    ("0 runs: expected at least 1", lambda: k.sensitivity(SCENARIO, n=0)),
    ('plan takes no hrizon; did you mean "horizon"', lambda: k.plan(SCENARIO, ["nodes=4,5"], hrizon="1h")),
    ("sweep takes no foo", lambda: k.sweep(SCENARIO, ["nodes=4,5"], foo=3)),
    ("sensitivity takes no foo", lambda: k.sensitivity(SCENARIO, foo=3)),
    ("backtest takes no foo", lambda: k.backtest(SCENARIO, ["x.json"], foo=3)),
    ("recommend takes no within", lambda: k.recommend(MANIFEST, "8x8", within="45m")),
]


@pytest.mark.parametrize(("said", "call"), WRONG, ids=[said for said, _ in WRONG])
def test_what_would_be_right_is_said(said: str, call: Callable[[], Any]) -> None:
    with pytest.raises(KubeInferSimError, match=said):
        call()


def test_numbers_and_objectives_there_are_none_of_are_named_with_those_there_are() -> None:
    runs = k.replicate(scenario(), 2)
    with pytest.raises(KeyError, match=r"no run has a number 'nope' \(there may be: duration, "):
        runs.quantile("nope", 0.5)
    with pytest.raises(KeyError, match="no run has a number 'nope'"):
        runs.mean("nope")
    with pytest.raises(KeyError, match="no objective 'nope'"):
        runs.probability("nope")


def test_one_text_is_one_file_knob_or_figure_and_not_its_letters() -> None:
    assert k.load_manifest(MANIFEST).kubeinfers == k.load_manifest([MANIFEST]).kubeinfers
    swept = k.sweep(SCENARIO, "maxSurge=1,2", n=1, front="duration")
    assert [each.variant.name for each in swept.comparison.outcomes] == ["maxSurge=1", "maxSurge=2"]

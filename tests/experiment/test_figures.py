"""Figures of a run: the same whether its meters listen as it goes on or read its history afterwards."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from random import Random

import pytest
from fuzzing.everything import lay_out_everything
from fuzzing.files import ROOT, lay_out

from kubeinfer_sim.errors import UsageError
from kubeinfer_sim.experiment.figures import Figures, figures, measured_run
from kubeinfer_sim.report.result import build_result, to_json
from kubeinfer_sim.report.terminal import render
from kubeinfer_sim.report.verdict import assess, assess_figures
from kubeinfer_sim.scenario.load import load_scenario
from kubeinfer_sim.scenario.model import Scenario
from kubeinfer_sim.simulation.simulate import simulate


def check(scenario: Scenario, seed: int | None = None) -> None:
    live, kept = measured_run(scenario, seed=seed, pods=True), figures(simulate(scenario, seed=seed))
    assert list(live.run.history) == []
    for part in fields(Figures):
        if part.name != "run":
            assert getattr(live, part.name) == getattr(kept, part.name), part.name
    one, other = assess_figures(live), assess(kept.run)
    assert render(one) == render(other)
    assert to_json(build_result(one)) == to_json(build_result(other))


@pytest.mark.parametrize("story", sorted((ROOT / "scenarios").glob("*.yaml")), ids=lambda path: path.stem)
def test_measured_live_a_run_comes_to_what_its_kept_history_comes_to(story: Path) -> None:
    check(load_scenario(str(story)))


@pytest.mark.parametrize("seed", range(8))
def test_measured_live_a_run_with_everything_comes_to_the_same(seed: int, tmp_path: Path) -> None:
    lay_out(tmp_path)
    scenario = load_scenario(str(lay_out_everything(tmp_path, Random(seed))))
    assert scenario.traffic is not None
    assert scenario.load is not None
    check(scenario, seed + 1)


@pytest.mark.sweep
@pytest.mark.parametrize("block", range(10))
def test_measured_live_a_run_with_everything_comes_to_the_same_in_two_hundred_ways(
    block: int, tmp_path: Path
) -> None:
    lay_out(tmp_path)
    for seed in range(1000 + block * 20, 1000 + block * 20 + 20):
        check(load_scenario(str(lay_out_everything(tmp_path, Random(seed)))))


def test_what_was_neither_kept_nor_listened_to_cannot_be_measured() -> None:
    scenario = load_scenario(str(ROOT / "scenarios" / "rolling-update-2p1d.yaml"))
    with pytest.raises(UsageError, match="they need a run simulated with keep=True"):
        figures(simulate(scenario, keep=False))


def test_the_figures_of_the_only_kubeinfer_stand_by_its_name() -> None:
    found = figures(simulate(load_scenario(str(ROOT / "scenarios" / "fault-mid-rollout.yaml"))))
    ((name, own),) = found.kubeinfers.items()
    assert name == found.run.scenario.kubeinfer.name
    assert own.measures is found.measures
    assert own.causes is found.causes
    assert own.kinds == found.kinds
    assert list(found.measures.instances) == [
        life for life in found.cluster.instances if life.instance.owner == name
    ]


def test_a_run_of_deployments_alone_has_measures_that_say_so() -> None:
    found = figures(simulate(load_scenario(str(ROOT / "scenarios" / "model-as-deployment.yaml"))))
    assert (found.kubeinfers, found.availability, found.causes) == ({}, None, ())
    assert found.measures.desired.points == []
    assert [each.name for each in found.measures.deployments] == ["chat"]

"""Figures of a run: the same whether its meters listen as it goes on or read its history afterwards."""

from __future__ import annotations

from pathlib import Path

import pytest
from building import kubeinfer, scenario
from command_line import ROOT
from msgspec.structs import replace
from sweeps import blocks
from testing.generated import generated

from kubeinfer_sim.engine.history import History
from kubeinfer_sim.errors import UsageError
from kubeinfer_sim.experiment.figures import Figures, figures, measured_run
from kubeinfer_sim.report.result import build_result, to_json
from kubeinfer_sim.report.terminal import render
from kubeinfer_sim.report.verdict import assess, assess_figures
from kubeinfer_sim.scenario.actions.model import Apply, Crash, Scale, Target
from kubeinfer_sim.scenario.load import load_scenario
from kubeinfer_sim.scenario.model import Scenario
from kubeinfer_sim.simulation.simulate import simulate


def check(scenario: Scenario, seed: int | None = None) -> None:
    live, kept = measured_run(scenario, seed=seed, pods=True), figures(simulate(scenario, seed=seed))
    assert list(live.run.history) == []
    for part in Figures.__struct_fields__:
        if part != "run":
            assert getattr(live, part) == getattr(kept, part), part
    one, other = assess_figures(live), assess(kept.run)
    assert render(one) == render(other)
    assert to_json(build_result(one)) == to_json(build_result(other))


@pytest.mark.parametrize("story", sorted((ROOT / "scenarios").glob("*.yaml")), ids=lambda path: path.stem)
def test_measured_live_a_run_comes_to_what_its_kept_history_comes_to(story: Path) -> None:
    check(load_scenario(str(story)))


def test_measured_live_a_run_with_much_at_once_comes_to_the_same() -> None:
    for seed, written in enumerate(generated("medium", 300, 6)):
        check(written.load(), seed + 1)


@pytest.mark.parametrize("block", blocks(10, of_ci=2))
def test_measured_live_a_run_with_much_at_once_comes_to_the_same_in_two_hundred_ways(block: int) -> None:
    for written in generated("medium", 301 + block, 20):
        check(written.load())


def test_what_was_neither_kept_nor_listened_to_cannot_be_measured() -> None:
    scenario = load_scenario(str(ROOT / "scenarios" / "rolling-update-2p1d.yaml"))
    with pytest.raises(UsageError, match="they need a run simulated with keep=True"):
        figures(simulate(scenario, keep=False))


def side_by_side(*names: str) -> Scenario:
    """KubeInfers with room for all of them; chat crashes, code is updated and scaled."""
    old, new = (kubeinfer(2, roles={"a": 1, "b": 2}, restart="Pod", revision=each) for each in ("old", "new"))
    actions = {
        "chat": (Crash(500_000, Target(instances=(0,), roles=("b",), name="chat")),),
        "code": (Apply(900_000, replace(new, name="code")), Scale(2_000_000, 3, name="code")),
    }
    mine = tuple(each for name in names for each in actions[name])
    made = scenario(old, 30, 60, 10, actions=mine, horizon=4_000_000)
    return replace(made, workloads=tuple(replace(old, name=name) for name in names))


@pytest.mark.parametrize("live", [True, False])
def test_each_of_two_kubeinfers_comes_to_what_it_comes_to_alone(live: bool) -> None:
    def numbers(name: str, *names: str) -> tuple[object, ...]:
        made = side_by_side(*names)
        found = (measured_run(made) if live else figures(simulate(made))).kubeinfers[name]
        measures = found.measures
        return (
            measures.desired,
            measures.ready,
            measures.by_revision,
            measures.service,
            measures.whole,
            measures.changes,
            measures.outcome,
            [(life.instance.name, life.created, life.ready, life.gone) for life in measures.instances],
            found.capacity,
            found.availability,
            [(each.kind, each.lost, each.detections, each.repairs) for each in found.causes],
        )

    for name in ("chat", "code"):
        assert numbers(name, "chat", "code") == numbers(name, name)
    chat = figures(simulate(side_by_side("chat", "code"))).kubeinfers["chat"]
    assert [each.kind for each in chat.causes] == ["process ended (Error)"]


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


def test_a_report_and_its_result_take_one_look_at_the_history(monkeypatch: pytest.MonkeyPatch) -> None:
    run = simulate(load_scenario(str(ROOT / "scenarios" / "fault-mid-rollout.yaml")))
    passes = []
    iterate = History.__iter__
    monkeypatch.setattr(History, "__iter__", lambda history: passes.append(1) or iterate(history))
    monkeypatch.setattr(History, "__getitem__", None)
    assessment = assess(run)
    render(assessment)
    to_json(build_result(assessment))
    assert len(passes) == 1

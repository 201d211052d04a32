"""Results as a notebook shows them, and their pictures as methods."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path

import pytest
from building import kubeinfer as built
from building import scenario
from command_line import ROOT
from field.user import User, asking, deployment, kubeinfer

from kubeinfer_sim import (
    Backtest,
    Plan,
    Recommendation,
    Replications,
    Run,
    Sensitivity,
    Sweep,
    Variant,
    assess,
    compare,
    load_scenario,
    plan,
    recommend,
    replicate,
    sensitivity,
    simulate,
    sweep,
)
from kubeinfer_sim.experiment.backtest.backtest import Backtested
from kubeinfer_sim.experiment.backtest.judging import Figure
from kubeinfer_sim.experiment.compare import Comparison
from kubeinfer_sim.experiment.rollout import Between
from kubeinfer_sim.report import notebook, pictures
from kubeinfer_sim.report.verdict import Assessment, verdict_line


class Read(HTMLParser):
    """The tags and the texts of what a notebook gets."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.texts: list[str] = []
        self.rows = 0
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: object) -> None:
        assert not attrs
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def shown(result: object) -> Read:
    return Read(result._repr_html_())  # type: ignore[attr-defined]


TAGS = {"p", "strong", "br", "table", "thead", "tbody", "tr", "th", "td"}


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("notebook")
    User(folder).plans(
        kubeinfer(asking(npu=8), replicas=2, surge=1, terminationGracePeriodSeconds=0),
        cluster="2x8",
        timings={"profile": "zero", "create": "1m"},
        update={"newRevision": True},
        objectives={"completes": True},
    )
    return str(folder / "scenario.yaml")


def test_a_run_shows_its_verdict_its_objectives_and_its_figures() -> None:
    run = simulate(load_scenario(str(ROOT / "scenarios" / "up-first.yaml")))
    told = shown(run)
    assert told.texts[0] == verdict_line(assess(run))
    assert {"✔ held", "completes (measured: it does)", "Update", "Budgets"} <= set(told.texts)
    assert set(told.tags) <= TAGS
    assert assess(run)._repr_html_() == run._repr_html_()


def test_a_run_of_a_deployment_shows_itself_too(tmp_path: Path) -> None:
    user = User(tmp_path)
    user.plans(deployment(asking(npu=8), replicas=2), cluster="2x8", update={"newRevision": True})
    told = shown(simulate(load_scenario(str(tmp_path / "scenario.yaml"))))
    assert told.texts[0].startswith("✔ ")
    assert any("Deployment chat: 2 pods" in each for each in told.texts)
    assert told.tags.count("tr") > 2
    assert "Available" in " ".join(told.texts)


def test_a_run_whose_history_was_not_kept_says_so_and_judges_nothing() -> None:
    run = simulate(load_scenario(str(ROOT / "scenarios" / "up-first.yaml")), keep=False)
    told = shown(run)
    assert told.texts[0] == "up-first: a run whose history was not kept"
    assert told.texts[1] == f"{run.history.total:,} records until 1h15m41.72s · seed 0"
    assert "table" not in told.tags


def test_nothing_in_a_name_acts_as_markup() -> None:
    bad = "<img onerror=alert(1)>"
    first, second = (scenario(built(1, 0, 1, "old"), 4, name=bad) for _ in range(2))
    runs = replicate(first, 1)
    found = compare([Variant(bad, first), Variant("b & c", second)], range(1))
    for each in (simulate(first), runs, found):
        told = shown(each)
        assert set(told.tags) <= TAGS
        assert any(bad in text for text in told.texts)


def test_decisions_show_their_answer_and_a_row_for_each_thing_looked_at(file: str) -> None:
    planned = plan(file, ["nodes=2..3"])
    swept = sweep(file, ["nodes=3..4", "maxSurge=1,2"])
    moved = sensitivity(file, "lost", set_values={})
    advised = recommend(file, n=1)
    told = {name: shown(each) for name, each in {"p": planned, "s": swept, "m": moved, "a": advised}.items()}
    for each in told.values():
        assert set(each.tags) <= TAGS
    assert told["p"].texts[0].startswith("✔ nodes=3 is the cheapest")
    assert told["p"].tags.count("tr") == 1 + len(planned.options)
    assert told["s"].tags.count("tr") == 1 + len(swept.points)
    assert "front" in told["s"].texts
    assert told["m"].tags.count("tr") == 1 + len(moved.moved)
    assert told["a"].texts[0].startswith(("✔ With ", "✘ "))


def test_of_many_rows_the_first_are_shown_and_the_others_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    run = simulate(load_scenario(str(ROOT / "scenarios" / "up-first.yaml")))
    rows = shown(run).tags.count("tr")
    monkeypatch.setattr(notebook, "MOST_ROWS", 3)
    told = shown(run)
    assert told.tags.count("tr") == 3
    assert told.texts[-1] == f"… and {rows - 3} more"


def test_a_backtest_shows_each_figure_beside_what_was_predicted() -> None:
    told = Figure("duration", "s", Between(70, 70), Between(60, 90), 0.95, "inside")
    one = Backtested("s", "KubeInfer prod/chat", (told,), 39, drawn=True)
    assert {"duration", "1m10s", "inside"} <= set(shown(Backtest((one,))).texts)
    assert "rollout" in shown(Backtest((one, one))).texts


def test_pictures_are_methods_of_what_they_are_drawn_from() -> None:
    methods = {
        Run: ("plot_timeline", "plot_stages", "plot_accelerators", "plot_lost_time"),
        Assessment: ("plot_timeline", "plot_stages", "plot_accelerators", "plot_lost_time"),
        Replications: ("plot_duration", "plot_done", "plot_min_ready", "plot_lost_time"),
        Comparison: ("plot_differences",),
    }
    for kind, names in methods.items():
        for name in names:
            assert getattr(kind, name) is getattr(pictures, name)
    for kind in (Plan, Sweep, Sensitivity, Recommendation, Backtest):
        assert kind.plot is getattr(pictures, f"plot_{kind.__name__.lower()}")


def test_a_method_draws_its_own_result() -> None:
    pytest.importorskip("plotly", reason="pictures need the extra [report]")
    run = simulate(load_scenario(str(ROOT / "scenarios" / "up-first.yaml")))
    assert [each.name for each in run.plot_timeline("chat").data][-1] == "events"
    assert run.plot_timeline.__doc__ == pictures.plot_timeline.__doc__

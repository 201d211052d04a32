"""Pictures for notebooks: data for Plotly, a PNG beside it, and a word where there is nothing to draw."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from command_line import ROOT
from field.user import User, asking, kubeinfer
from msgspec.structs import replace

from kubeinfer_sim import (
    assess,
    load_scenario,
    plan,
    plot_backtest,
    plot_duration,
    plot_lost_time,
    plot_plan,
    plot_recommendation,
    plot_sensitivity,
    plot_sweep,
    plot_timeline,
    recommend,
    sensitivity,
    simulate,
    sweep,
)
from kubeinfer_sim.errors import UsageError
from kubeinfer_sim.experiment.backtest.backtest import Backtest, Backtested
from kubeinfer_sim.experiment.backtest.judging import Figure
from kubeinfer_sim.experiment.rollout import Between
from kubeinfer_sim.report.plots.plot import Plot, layout, number_axis
from kubeinfer_sim.report.plots.static import png


@pytest.fixture(scope="module")
def update():
    return assess(simulate(load_scenario(str(ROOT / "scenarios" / "up-first.yaml"))))


def test_a_figure_in_a_notebook_is_data_and_an_image_and_carries_no_script(update) -> None:
    pytest.importorskip("plotly", reason="pictures need the extra [report]")
    figure = plot_timeline(update)
    assert [trace.name for trace in figure.data][-1] == "events"
    forms = figure._repr_mimebundle_()
    assert forms["text/plain"] == "chat: instances ready, starting and terminating over time"
    assert len(forms["application/vnd.plotly.v1+json"]["data"]) == len(figure.data)
    assert figure._repr_html_ is None
    assert figure._ipython_display_ is None


def test_where_there_is_nothing_to_draw_it_says_so(update) -> None:
    with pytest.raises(UsageError, match="no time was lost"):
        plot_lost_time(update)
    with pytest.raises(UsageError, match="no workload other to draw; there are: chat"):
        plot_timeline(update, "other")


def test_without_plotly_it_names_the_extra(update, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "plotly.graph_objects", None)
    with pytest.raises(UsageError, match=r"kubeinfer-sim\[notebook\]"):
        plot_timeline(update)


def test_the_image_draws_areas_on_top_of_one_another_and_texts_as_they_are_read() -> None:
    pytest.importorskip("matplotlib", reason="images need the extra [notebook]")
    area = {
        "type": "scatter",
        "mode": "lines",
        "stackgroup": "one",
        "x": [0, 1],
        "line": {"shape": "hv", "width": 1},
    }
    data = [
        {**area, "name": f"a&lt;b ${place}$", "y": [1, 2], "line": {**area["line"], "color": colour}}
        for place, colour in enumerate(("#0072B2", "#D55E00"))
    ]
    axes = {"xaxis": {"range": [0, 1]}, "yaxis": {"range": [0, 4]}}
    both, one = (png(Plot("p", traces, layout(200, **axes))) for traces in (data, data[:1]))
    assert both.startswith(b"\x89PNG")
    assert both != one


def test_the_pictures_of_decisions_are_figures_too(tmp_path: Path) -> None:
    pytest.importorskip("plotly", reason="pictures need the extra [report]")
    user = User(tmp_path)
    user.plans(
        kubeinfer(asking(npu=8), replicas=2, surge=1, terminationGracePeriodSeconds=0),
        cluster="2x8",
        timings={"profile": "zero", "create": "1m"},
        update={"newRevision": True},
        objectives={"completes": True},
    )
    file = str(tmp_path / "scenario.yaml")
    planned = plan(file, ["nodes=2..3"])
    made = {
        "plan": plot_plan(planned),
        "sweep": plot_sweep(sweep(file, ["nodes=3..4", "maxSurge=1,2"])),
        "sensitivity": plot_sensitivity(sensitivity(file, "lost", set_values={})),
        "recommendation": plot_recommendation(recommend(file, n=1)),
    }
    kinds = {name: [trace.name for trace in figure.data] for name, figure in made.items()}
    assert kinds["plan"][1:] == ["fails", "chosen"]
    assert kinds["sweep"][-1] == "on the front"
    assert kinds["recommendation"] == ["mean and interval"]
    assert "rises" in kinds["sensitivity"]
    with pytest.raises(UsageError, match="no combination was played"):
        plot_plan(replace(planned, options=()))


def test_the_picture_of_a_backtest_is_of_one_figure_of_it() -> None:
    pytest.importorskip("plotly", reason="pictures need the extra [report]")
    told = Figure("duration", "s", Between(70, 70), Between(60, 90), 0.95, "inside")
    backtest = Backtest((Backtested("s", "KubeInfer prod/chat", (told,), 39, drawn=True),))
    inside, bar, mark = plot_backtest(backtest).data
    assert (bar.base[0], bar.x[0], mark.x[0]) == (60, 30, 70)
    assert (inside.base[0], inside.x[0]) == (59, 32), "times are written in whole seconds"
    ready = Figure("fewestReady", "count", Between(2, 2), Between(1, 2), 0.95, "inside")
    counted = Backtest((Backtested("s", "KubeInfer prod/chat", (ready,), 39, drawn=True),))
    assert [each.name for each in plot_backtest(counted, "fewestReady").data] == [
        "predicted",
        "happened, inside",
    ]
    with pytest.raises(UsageError, match="no figure order was predicted; there are: duration"):
        plot_backtest(backtest, "order")


def test_the_image_of_an_axis_by_factors_has_its_ends_where_they_are() -> None:
    pytest.importorskip("matplotlib", reason="images need the extra [notebook]")
    place, axis = number_axis("a knob", "count", [1, 1000], by_factor=True)
    assert (place(10), axis["type"], axis["range"][0] < 0, axis["range"][1] > 3) == (10, "log", True, True)
    marks = {"type": "scatter", "name": "m", "mode": "markers", "x": [1, 1000], "y": [1, 2]}
    marks["marker"] = {"size": 9, "color": "#0072B2"}
    marks["error_y"] = {"array": [1, 1], "arrayminus": [0.5, 0.5], "color": "#0072B2"}
    up = {"range": [0, 4], "tickformat": ".6~%"}
    assert png(Plot("p", [marks], layout(200, xaxis=axis, yaxis=up))).startswith(b"\x89PNG")


def test_what_cannot_be_drawn_or_played_is_told_what_to_make_of_it(update) -> None:
    pytest.importorskip("plotly", reason="pictures need the extra [report]")
    scenario = load_scenario(ROOT / "scenarios" / "up-first.yaml")  # a Path, as well
    with pytest.raises(UsageError) as told:
        plot_timeline(scenario)
    assert str(told.value) == (
        "plot_timeline takes Run or Assessment, and this is Scenario: plot_timeline(simulate(scenario))"
    )
    with pytest.raises(UsageError, match=r"this is Run: plot_duration\(replicate\(scenario, 100\)\)"):
        plot_duration(update.run)
    with pytest.raises(UsageError, match=r"simulate takes Scenario, and this is str"):
        simulate("scenarios/up-first.yaml")
    with pytest.raises(UsageError, match=r"assess takes Run, and this is Scenario"):
        assess(scenario)
    with pytest.raises(UsageError, match=r"this is Scenario: sweep\('scenario.yaml'\)"):
        sweep(scenario, ["nodes=3..4"])
    assert plot_timeline(run=update).data

"""Pictures for notebooks: data for Plotly, a PNG beside it, and a word where there is nothing to draw."""

from __future__ import annotations

import sys

import pytest
from command_line import ROOT

from kubeinfer_sim import assess, load_scenario, plot_lost_time, plot_timeline, simulate
from kubeinfer_sim.errors import UsageError
from kubeinfer_sim.report.plots.plot import Plot, layout
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

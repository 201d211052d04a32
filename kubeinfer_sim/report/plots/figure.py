"""A picture as a figure of Plotly's, for notebooks."""

from __future__ import annotations

from typing import Any

from kubeinfer_sim.errors import UsageError
from kubeinfer_sim.report.plots.plot import Plot
from kubeinfer_sim.report.plots.static import png


def figure(plot: Plot) -> Any:
    """The picture as `plotly.graph_objects.Figure`.

    A notebook keeps it as data, not as a script, and where Matplotlib is installed as PNG beside it: whoever cannot
    show the one shows the other.

    Raises:
        UsageError: Plotly is not installed.
    """
    try:
        from plotly.graph_objects import Figure
    except ImportError:
        raise UsageError("pictures need Plotly: pip install 'kubeinfer-sim[notebook]'") from None

    class Shown(Figure):  # type: ignore[misc]
        """Its picture in a notebook has no copy of plotly.js in it, which Plotly's own would have."""

        _ipython_display_ = None
        _repr_html_ = None

        def _repr_mimebundle_(self, *_: Any, **__: Any) -> dict[str, Any]:
            return _bundle(plot, self)

    return Shown({"data": plot.data, "layout": plot.layout})


def _bundle(plot: Plot, shown: Any) -> dict[str, Any]:
    """All forms of it."""
    from json import loads

    data: dict[str, Any] = {
        "application/vnd.plotly.v1+json": loads(shown.to_json()),
        "text/plain": plot.label,
    }
    try:
        return {**data, "image/png": png(plot)}
    except ImportError:
        return data

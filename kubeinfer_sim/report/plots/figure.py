"""A picture as a figure of Plotly's, for notebooks."""

from __future__ import annotations

from typing import Any

from kubeinfer_sim.errors import UsageError
from kubeinfer_sim.report.plots.plot import Plot


def figure(plot: Plot) -> Any:
    """The picture as `plotly.graph_objects.Figure`.

    Raises:
        UsageError: Plotly is not installed.
    """
    try:
        from plotly.graph_objects import Figure
    except ImportError:
        raise UsageError("pictures need Plotly: pip install 'kubeinfer-sim[report]'") from None
    return Figure({"data": plot.data, "layout": plot.layout})

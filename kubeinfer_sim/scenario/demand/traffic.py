"""From the traffic as written to the traffic as measured."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubeinfer_sim.diagnostics import Path
from kubeinfer_sim.scenario.context import Context
from kubeinfer_sim.scenario.model import Traffic
from kubeinfer_sim.scenario.timings.compile import compile_distribution

if TYPE_CHECKING:
    from kubeinfer_sim.scenario.demand.traffic_forms import TrafficForm


def compile_traffic(form: TrafficForm, context: Context, path: Path) -> Traffic:
    """The traffic; what is wrong with it is noted."""
    duration = None
    if form.request_duration is not None:
        duration = compile_distribution(form.request_duration, context, (*path, "requestDuration"))
    if (form.requests_per_second is None) is not (form.request_duration is None):
        known, missing = ("requestsPerSecond", "requestDuration")
        if form.requests_per_second is None:
            known, missing = missing, known
        context.error((*path, known), f"needs {missing} beside it: lost requests follow from both")
    return Traffic(form.propagation, form.sync_period, form.requests_per_second, duration)

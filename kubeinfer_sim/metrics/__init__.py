"""History to numbers."""

from kubeinfer_sim.metrics.changes import Change, Stall
from kubeinfer_sim.metrics.lives import InstanceLife, PodLife, Span
from kubeinfer_sim.metrics.measure import Measures, Outcome, Service, measure, overall
from kubeinfer_sim.metrics.objectives import Judged, Judgement, judge
from kubeinfer_sim.metrics.steps import Low, Steps

__all__ = [
    "Change",
    "InstanceLife",
    "Judged",
    "Judgement",
    "Low",
    "Measures",
    "Outcome",
    "PodLife",
    "Service",
    "Span",
    "Stall",
    "Steps",
    "judge",
    "measure",
    "overall",
]

"""How much of a run its JSON result tells: figures alone, each instance, or each pod."""

from __future__ import annotations

from typing import Literal

from kubeinfer_sim.experiment.size import size_of
from kubeinfer_sim.scenario.model import Scenario

#: Figures of the run; each instance, too; each pod, too.
Detail = Literal["summary", "instances", "pods"]
#: So many are told one by one where nobody says how much to tell: some 10 MB.
MOST_UNASKED = 10_000


def detail_of(scenario: Scenario) -> Detail:
    """What is told unasked: every pod, of a large run only the instances, of a larger one neither."""
    size = size_of(scenario)
    if size.pods <= MOST_UNASKED:
        return "pods"
    return "instances" if size.instances <= MOST_UNASKED else "summary"

"""What is in place in the end, and when first all was: what decides before all that is counted over time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from kubeinfer_sim.experiment.common_end import Growth
from kubeinfer_sim.experiment.figures import Figures
from kubeinfer_sim.metrics import Outcome
from kubeinfer_sim.metrics.measure import overall_of
from kubeinfer_sim.metrics.steps import shortfall

if TYPE_CHECKING:
    from kubeinfer_sim.metrics.served import Served
    from kubeinfer_sim.simulation.run import Run


def finishes(figures: Figures) -> float:
    """Whether nothing that was asked for is refused, in vain or never comes about."""
    undrained = any(drain.in_vain for drain in figures.cluster.drains)
    return float(figures.sound and not undrained and figures.outcome is not Outcome.NEVER)


def _missing_for_good(served: Served, run: Run) -> float:
    """How many are missing from the end on; on average, where they come and go without getting anywhere."""
    if served.outcome is not Outcome.NEVER:
        return 0.0
    window = run.scenario.quiet_after // 2
    if run.end != "quiet" or run.ended_at < window:
        return served.losing
    return shortfall(served.desired, served.ready, run.ended_at - window, run.ended_at) / window


def instances_for_good(figures: Figures) -> float:
    """Of all KubeInfers."""
    return sum(_missing_for_good(each, figures.run) for each in figures.measures_of_all)


def pods_for_good(figures: Figures) -> float:
    """Of Deployments and their like, and Pods that nobody makes anew."""
    bare = sum(overall_of(each.outcome) is Outcome.NEVER for each in figures.cluster.bare_pods)
    return bare + sum(_missing_for_good(each, figures.run) for each in figures.pods)


def _since_created(served: Served, run: Run) -> tuple[float, bool] | None:
    """How long it took after its creation until first all were ready, and whether that is its end.

    It has no end where they never were, unless it was deleted. None where it ran at the start, or none are wanted.
    """
    created = next((each.at for each in served.changes if "created" in each.changed), 0)
    if (run.scenario.initial == "running" and not created) or not served.desired.highest():
        return None
    whole = served.whole
    if served.ready.at(whole.since) >= served.desired.at(whole.since) > 0:
        return whole.since - created, True
    return whole.until - created, whole.until < run.ended_at


def starts(served: Iterable[Served], run: Run) -> float | None:
    """Of the slowest; where one never is, until the end."""
    known = [start for each in served if (start := _since_created(each, run)) is not None]
    return max((length for length, _ in known), default=None)


def starts_later(served: Iterable[Served], run: Run) -> Sequence[Growth]:
    """How these lengths go on after the end of the run."""
    known = [start for each in served if (start := _since_created(each, run)) is not None]
    return [Growth(length, 0 if over else 1) for length, over in known]

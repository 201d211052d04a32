"""Figures are what anybody would come to who counts them by hand."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from kubeinfer_sim.engine.meter import Handlers
from kubeinfer_sim.metrics.served import Served, served_pods
from kubeinfer_sim.scenario.model import Scenario
from kubeinfer_sim.testing.invariants.invariant import Finished, Report


class Recounted:
    """INV-19: lost time and the fewest ready come to the same when they are counted step by step."""

    number = "INV-19"
    statement = "lost time and the fewest ready of every workload are what a naive recount comes to"
    reason = "fast sums over steps are easily off by one step at an edge"
    caught = "the instant of the end is counted as lost"

    def __init__(self, scenario: Scenario, report: Report) -> None:
        self._report = report

    def handlers(self) -> Handlers:
        """Nothing: the end alone counts."""
        return {}

    def finish(self, finished: Finished) -> None:
        """Count."""
        for name, served in _workloads(finished):
            lost, fewest = _by_hand(served)
            whole = served.whole
            if lost != whole.lost:
                self._report(f"{name} lost {lost} ms of instances by hand, {whole.lost} by its figures")
            if fewest != whole.min_ready.value:
                self._report(
                    f"of {name} {fewest} were ready at least, {whole.min_ready.value} by its figures"
                )


def _workloads(finished: Finished) -> Iterator[tuple[str, Served]]:
    for name, own in finished.figures.kubeinfers.items():
        yield name, own.measures
    for each in finished.figures.measures.deployments:
        yield f"{each.kind} {each.name}", served_pods(each, finished.run.ended_at)


def _by_hand(served: Served) -> tuple[int, int]:
    """What was lost, and the fewest that were ready, at the end, too."""
    since, until = served.whole.since, served.whole.until
    points = [at for at, _ in (*served.desired.points, *served.ready.points) if since < at < until]
    times = sorted({since, until, *points})
    lost, fewest = 0, served.ready.at(until)
    for at, then in pairwise(times):
        wanted, ready = served.desired.at(at), served.ready.at(at)
        lost += max(0, wanted - ready) * (then - at)
        fewest = min(fewest, ready)
    return lost, fewest

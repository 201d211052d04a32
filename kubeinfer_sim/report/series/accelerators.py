"""How many accelerators were taken, and how many there were to take, over a run."""

from __future__ import annotations

from msgspec import Struct

from kubeinfer_sim.manifest.accelerators import accelerator_count
from kubeinfer_sim.metrics import Steps
from kubeinfer_sim.report.key_figures import tells_of_accelerators
from kubeinfer_sim.report.series.steps import counted, sampled
from kubeinfer_sim.report.verdict import Assessment, npus_of_cluster


class Accelerators(Struct, frozen=True):
    """Accelerators at each of the times (ms) at which anything changes.

    Attributes:
        noun: what the family calls one.
        in_use: held by pods.
        capacity: of all nodes there are.
        in_service: of these neither broken nor on a node that is down.
        thinned: each time is told as it was when the most around it were taken.
    """

    noun: str
    at: list[int]
    in_use: list[int]
    capacity: list[int]
    in_service: list[int]
    thinned: bool


def accelerators(assessment: Assessment, until: int) -> Accelerators | None:
    """Those of the cluster up to a time, ms; None where there are none, or nothing ever takes any."""
    cluster, scenario, ended_at = assessment.cluster, assessment.run.scenario, assessment.run.ended_at
    total = npus_of_cluster(scenario)
    if not total or not cluster.npus.points or not tells_of_accelerators(assessment):
        return None
    capacity = Steps([(0, total), *((each.at, each.npus) for each in cluster.node_changes)])
    of_node = {node.name: accelerator_count(node.allocatable) for node in scenario.nodes}
    out = [(each.since, ended_at if each.back is None else each.back) for each in cluster.npu_outages]
    for outage in cluster.outages:
        back = min(each for each in (outage.returned, outage.removed, ended_at) if each is not None)
        out += [(outage.at, back)] * of_node.get(outage.node, 0)
    lost = counted(out)
    points, thinned = sampled((cluster.npus, capacity, lost), 0, max(until, 1), lambda values: -values[0])
    if not points:
        return None
    return Accelerators(
        scenario.accelerator_family.noun,
        [at for at, _ in points],
        [used for _, (used, _, _) in points],
        [there for _, (_, there, _) in points],
        [max(0, there - broken) for _, (_, there, broken) in points],
        thinned,
    )

"""How the numbers of a run go on after its end, each in the parts of which it is the sum, the least or the most."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from kubeinfer_sim.experiment.common_end import Growth, part_of_time
from kubeinfer_sim.experiment.figures import Figures
from kubeinfer_sim.metrics import Measures
from kubeinfer_sim.metrics.availability import Level
from kubeinfer_sim.metrics.steps import Steps, shortfall
from kubeinfer_sim.scenario.model import ReadyLevel

if TYPE_CHECKING:
    from kubeinfer_sim.metrics.served import Served, ServedPods

#: The parts of a number, of a run that has ended of itself.
Later = Callable[[Figures], Sequence[Growth]]
MS_PER_HOUR = 3_600_000


def of_each(later: Callable[[Measures], Growth]) -> Later:
    """Of each KubeInfer."""
    return lambda figures: [later(each) for each in figures.measures_of_all]


def _wanted(served: Served) -> int:
    """Integral of what was wanted from when it is owed, in ms."""
    return shortfall(served.desired, Steps(), served.whole.since, served.whole.until)


def held_later(served: Served) -> Sequence[Growth]:
    """Availability: what is not lost of what is wanted."""
    wanted, wants = _wanted(served), served.desired.last
    return part_of_time(wanted - served.whole.lost, wants - served.losing, wanted, wants)


def availability_later(figures: Figures) -> Sequence[Growth]:
    """The availability of each KubeInfer."""
    return [part for each in figures.measures_of_all for part in held_later(each)]


def capacity_later(figures: Figures) -> Sequence[Growth]:
    """The same of the capacity."""
    parts: list[Growth] = []
    for own in figures.kubeinfers.values():
        wanted, wants = _wanted(own.measures), own.measures.desired.last
        share = own.capacity.share
        has = min(wants, float(share.steps.last * share.unit))
        parts += part_of_time(float(own.availability.capacity or 0) * wanted, has, wanted, wants)
    return parts


def outage_later(level: ReadyLevel, measured: Level, served: Served) -> Sequence[Growth]:
    """The longest outage: of those so far, and the one that goes on."""
    goes_on = served.ready.last < level.of(served.desired.last)
    return [Growth(measured.longest), *([Growth(measured.lasting, 1)] if goes_on else [])]


def level_later(level: ReadyLevel) -> Later:
    """The longest outage of a level, of each KubeInfer."""
    return lambda figures: [
        part
        for each in figures.kubeinfers.values()
        for measured in each.availability.levels
        if measured.name == level.name
        for part in outage_later(level, measured, each.measures)
    ]


def npu_hours_later(figures: Figures) -> Sequence[Growth]:
    """NPU-hours lost, of each KubeInfer."""
    parts = []
    for spec in figures.run.scenario.kubeinfers:
        per_instance = sum(role.replicas * role.template.accelerators for role in spec.roles)
        measures = figures.kubeinfers[spec.name].measures
        lost, losing = measures.whole.lost * per_instance, measures.losing * per_instance
        parts.append(Growth(lost / MS_PER_HOUR, losing / MS_PER_HOUR))
    return parts


def pods_later(of: Callable[[ServedPods], Sequence[Growth]]) -> Later:
    """Of each; of what was deleted nothing is wanted any more."""

    def later(found: Figures) -> Sequence[Growth]:
        parts: list[Growth] = []
        for pods in found.pods:
            there = pods.whole.until == pods.ended_at
            parts += of(pods) if there else [Growth(each.value, 0, each.base) for each in of(pods)]
        return parts

    return later

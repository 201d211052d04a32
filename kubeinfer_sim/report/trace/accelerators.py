"""When the accelerators of a run were in and out of service, as slices of a thread each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from msgspec import Struct

from kubeinfer_sim.manifest.accelerators import accelerator_count
from kubeinfer_sim.report.verdict import Assessment, npus_of_cluster

#: From when to when, ms.
_Stretch = tuple[int, int]


class AcceleratorThread(Struct, frozen=True):
    """An accelerator of a node, by its number there, with its slices in the order of time: a name, from, until (ms)."""

    node: str
    number: int
    slices: list[tuple[str, int, int]]


def accelerator_threads(assessment: Assessment, *, every: bool) -> Iterator[AcceleratorThread]:
    """Those that ever were out of service; of `every` one also when each was in service: there, whole, its node up."""
    ended_at = assessment.run.ended_at
    out: dict[tuple[str, int], list[_Stretch]] = {}
    for each in assessment.cluster.npu_outages:
        until = ended_at if each.back is None else each.back
        out.setdefault((each.node, each.npu), []).append((each.since, until))
    there = _there(assessment) if every else {}
    numbers = {
        (node, number) for node, stays in there.items() for _, count in stays for number in range(count)
    }
    down = _down(assessment)
    for node, number in sorted(out.keys() | numbers):
        broken = sorted(out.get((node, number), ()))
        slices = [("out of service", *each) for each in broken]
        for stay, count in there.get(node, ()):
            if number < count:
                whole = _without(stay, sorted([*broken, *down.get(node, ())]))
                slices += [("in service", *each) for each in whole]
        yield AcceleratorThread(node, number, sorted(slices, key=lambda each: each[1:]))


def _there(assessment: Assessment) -> Mapping[str, list[tuple[_Stretch, int]]]:
    """By node, from when to when it was one of the cluster, and how many accelerators it had."""
    scenario, ended_at = assessment.run.scenario, assessment.run.ended_at
    there = {each.name: [((0, ended_at), accelerator_count(each.allocatable))] for each in scenario.nodes}
    total = npus_of_cluster(scenario)
    for change in assessment.cluster.node_changes:
        stays = there.setdefault(change.node, [])
        if change.joined:
            stays.append(((change.at, ended_at), change.npus - total))
        elif stays:
            (since, _), count = stays.pop()
            stays.append(((since, change.at), count))
        total = change.npus
    return there


def _down(assessment: Assessment) -> Mapping[str, list[_Stretch]]:
    """By node, from when to when its machine was down or cut off."""
    down: dict[str, list[_Stretch]] = {}
    for each in assessment.cluster.outages:
        ends = (each.returned, each.removed, assessment.run.ended_at)
        down.setdefault(each.node, []).append((each.at, min(end for end in ends if end is not None)))
    return down


def _without(stretch: _Stretch, holes: list[_Stretch]) -> Iterator[_Stretch]:
    """What is left of a stretch without the holes, which come in order of their beginnings."""
    since, until = stretch
    for begin, end in holes:
        if since < min(begin, until):
            yield since, min(begin, until)
        since = max(since, end)
    if since < until:
        yield since, until

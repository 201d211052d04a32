"""Where the lost time went: what began it, and the stage it was spent in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec import Struct

from kubeinfer_sim.metrics.attribution import CauseSummary, by_kind
from kubeinfer_sim.metrics.loss_stages import STAGES
from kubeinfer_sim.report.causes import cause_text
from kubeinfer_sim.report.verdict import Assessment

#: Causes with a row of their own; of more each kind has one.
MOST_CAUSES = 12


class LostTime(Struct, frozen=True):
    """What one cause, or all of a kind, cost.

    Attributes:
        cause: in words.
        noun: whose time it is, `instance` or `pod`.
        times: how many there were of the kind.
        stages: ms, by stage in the order of an outage.
        detection, repair: mean ms until not ready, and until ready again; None where there is no such time.
    """

    cause: str
    noun: str
    times: int
    stages: dict[str, int]
    detection: float | None = None
    repair: float | None = None

    @property
    def total(self) -> int:
        """Ms in all."""
        return sum(self.stages.values())


def lost_time(assessment: Assessment) -> list[LostTime]:
    """Of all workloads, dearest first; of several each cause names its workload."""
    workloads: list[tuple[str, str, Iterable[CauseSummary]]] = [
        (name, "instance", own.causes) for name, own in assessment.kubeinfers.items()
    ]
    workloads += [(f"{each.kind} {each.name}", "pod", each.causes) for each in assessment.cluster.deployments]
    costly = [
        (name, noun, told)
        for name, noun, causes in workloads
        if (told := [each for each in causes if each.total])
    ]
    many = sum(len(causes) for _, _, causes in costly) > MOST_CAUSES
    rows = []
    for name, noun, causes in costly:
        owner = f"{name}: " if len(costly) > 1 else ""
        if many:
            rows += [_row(f"{owner}{kind}", noun, each) for kind, each in by_kind(causes).items()]
        else:
            rows += [_row(f"{owner}{cause_text(each.began_with)}", noun, each) for each in causes]
    return sorted(rows, key=lambda each: -each.total)


def in_order(stages: Mapping[str, int]) -> dict[str, int]:
    """Stages in the order of an outage."""
    return {stage: stages[stage] for stage in STAGES if stages.get(stage)}


def _row(cause: str, noun: str, each: CauseSummary) -> LostTime:
    return LostTime(cause, noun, each.records, in_order(each.lost), each.detection, each.repair)

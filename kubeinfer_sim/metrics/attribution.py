"""Every lost instance-millisecond, charged to what began it and to the stage it was spent in.

Which times are lost, and to what, is said in `losses.py`: as many losses are open as instances are missing, so the
charges add up to the loss, to the millisecond. The stages are those of `loss_stages.py`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from msgspec import Struct, field
from msgspec.structs import replace

from kubeinfer_sim.engine.history import Record
from kubeinfer_sim.metrics.cause_kinds import cause_kind
from kubeinfer_sim.metrics.incidents import Incident
from kubeinfer_sim.metrics.lives import InstanceLife
from kubeinfer_sim.metrics.loss_stages import LossStages
from kubeinfer_sim.metrics.losses import Loss, first_and_last_parts


class CauseSummary(Struct):
    """What one initiating record cost, or all those of one kind.

    Attributes:
        cause: id of the record, and `began_with` itself (None: the start); of a kind, of the first one.
        lost: stage -> instance-ms, and `missing` stage -> how many instances were at the end of the run.
        detections: of each instance that was taken out of readiness (first starts not counted) after how many ms it
            was not ready.
        repairs: of each of them that was ready again after how many ms more; of one that was deleted before that, until
            another was ready in its place, or fewer were desired.
        deleted: how many of them were deleted and not missed, for as many as desired were ready without; the others
            were not ready at the end of the run.
        records: how many initiating records.
    """

    cause: int
    began_with: Record | None = None
    lost: Counter[str] = field(default_factory=Counter)
    detections: list[int] = field(default_factory=list)
    repairs: list[int] = field(default_factory=list)
    deleted: int = 0
    records: int = 1
    missing: Counter[str] = field(default_factory=Counter)

    @property
    def total(self) -> int:
        """Instance-ms in all."""
        return self.lost.total()

    @property
    def incidents(self) -> int:
        """How many instances were taken out of readiness."""
        return len(self.detections)

    @property
    def repaired(self) -> int:
        """How many of them were ready again, or another in their place."""
        return len(self.repairs)

    @property
    def lasting(self) -> int:
        """How many of them were missing at the end of the run."""
        return self.incidents - self.repaired - self.deleted

    @property
    def detection(self) -> float | None:
        """Mean ms from the record until an instance was not ready (MTTD); None without an incident."""
        return sum(self.detections) / self.incidents if self.incidents else None

    @property
    def repair(self) -> float | None:
        """Mean ms from not ready to ready again (MTTR), of those that were; None when none was."""
        return sum(self.repairs) / self.repaired if self.repaired else None

    @property
    def kind(self) -> str:
        """What kind of thing it is: a kind of fault, `drain`, an update."""
        return cause_kind(self.began_with)

    def add(self, other: CauseSummary) -> None:
        """Take what another one cost, too."""
        self.lost.update(other.lost)
        self.missing.update(other.missing)
        self.detections += other.detections
        self.repairs += other.repairs
        self.deleted += other.deleted
        self.records += other.records


def by_kind(summaries: Iterable[CauseSummary]) -> dict[str, CauseSummary]:
    """What the initiating records of each kind cost together, dearest first."""
    kinds: dict[str, CauseSummary] = {}
    for each in summaries:
        name = each.kind
        if name in kinds:
            kinds[name].add(each)
        else:
            kinds[name] = replace(
                each,
                lost=Counter(each.lost),
                missing=Counter(each.missing),
                detections=[*each.detections],
                repairs=[*each.repairs],
            )
    return dict(sorted(kinds.items(), key=lambda item: (-item[1].total, item[0])))


def attribute(
    losses: Iterable[Loss],
    incidents: Iterable[Incident],
    lives: Mapping[int, InstanceLife],
    first_causes: Mapping[int, Record],
    since: int,
    until: int,
) -> list[CauseSummary]:
    """What each initiating record cost, dearest first.

    Args:
        losses: of the run.
        incidents: of the run.
        lives: its instances by uid.
        first_causes: its initiating records by id.
        since: from when on losses are charged, ms.
        until: until when, ms.
    """
    summaries: dict[int, CauseSummary] = {}

    def summary(cause: int) -> CauseSummary:
        if cause not in summaries:
            summaries[cause] = CauseSummary(cause, first_causes.get(cause))
        return summaries[cause]

    stages, losses = LossStages(lives), [*losses]
    for loss in losses:
        charged = summary(loss.cause)
        for begins, ends, stage in stages.of(loss):
            if (length := min(ends, until) - max(begins, since)) > 0:
                charged.lost[stage] += length
        if not loss.ended:
            charged.missing[stages.at_the_end(loss)] += 1
    missed = {(began.lost, began.since): ended for began, ended in first_and_last_parts(losses)}
    for incident in incidents:
        if incident.first:
            continue
        charged = summary(incident.cause)
        charged.detections.append(incident.since - (charged.began_with.at if charged.began_with else 0))
        again = incident.until
        if incident.deleted:
            last = missed.get((incident.uid, incident.since))
            charged.deleted += last is None
            again = last.until if last is not None and last.ended else None
        if again is not None:
            charged.repairs.append(again - incident.since)
    charged_any = [each for each in summaries.values() if each.total or each.incidents or each.missing]
    return sorted(charged_any, key=lambda each: (-each.total, each.cause))

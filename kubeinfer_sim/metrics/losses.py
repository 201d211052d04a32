"""Every time in which an instance was missing: what began it, which instance was lost, which one made it good.

Lost is what is missing: max(0, desired - ready), as everywhere. A loss opens when an instance stops being ready while
no more than desired are, or when more are desired, and is charged to what began that. It closes when an instance
becomes ready: that instance's own loss, else the oldest one nobody comes back from (its instance is being deleted, or
there never was one), else the oldest. When fewer are desired the newest ones close. So at any time as many losses are
open as instances are missing, and a surge instance that starts while all others serve is charged with nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from heapq import heapify, heappop, heappush

from kubeinfer_sim.controllers.kubeinfer.records import (
    InstanceConcerning,
    InstanceCreated,
    InstanceDeleting,
    InstanceFailed,
    InstanceGone,
    InstanceReady,
    InstanceRestarting,
    SpecApplied,
)
from kubeinfer_sim.engine.history import NO_CAUSE, History, Record


def roots(history: Iterable[Record]) -> list[int]:
    """For each record the id of the one that began what led to it; one pass, since causes come first."""
    found: list[int] = []
    for record in history:
        found.append(record.id if record.cause == NO_CAUSE else found[record.cause])
    return found


@dataclass(slots=True)
class Loss:
    """One instance missing from `since` to `until` (ms).

    Attributes:
        cause: id of the initiating record.
        lost: uid of the instance that stopped being ready; None when more were desired.
        made_good: uid of the instance whose readiness ended it, or of the one that could have at the end of the
            run; None when there is none.
        ended: an instance became ready, or fewer were desired; else the run ended.
    """

    number: int
    cause: int
    since: int
    lost: int | None
    until: int = 0
    made_good: int | None = None
    ended: bool = False


class _Open:
    """The losses that are open: those whose instance may come back, by its uid, and the others, oldest first."""

    def __init__(self) -> None:
        self.own: dict[int, Loss] = {}
        self.vacant: list[tuple[int, Loss]] = []

    def __len__(self) -> int:
        return len(self.own) + len(self.vacant)

    def add(self, loss: Loss, *, going: bool) -> None:
        if loss.lost is None or going:
            heappush(self.vacant, (loss.number, loss))
        else:
            self.own[loss.lost] = loss

    def going(self, uid: int) -> None:
        """The instance will not come back."""
        if (loss := self.own.pop(uid, None)) is not None:
            heappush(self.vacant, (loss.number, loss))

    def for_ready(self, uid: int) -> Loss:
        """The loss that an instance's readiness ends."""
        if uid in self.own:
            return self.own.pop(uid)
        if self.vacant:
            return heappop(self.vacant)[1]
        return self.own.pop(next(iter(self.own)))

    def newest(self) -> Loss:
        loss = max((*self.own.values(), *(each for _, each in self.vacant)), key=lambda each: each.number)
        if loss.lost is not None and self.own.get(loss.lost) is loss:
            del self.own[loss.lost]
        else:
            self.vacant = [each for each in self.vacant if each[1] is not loss]
            heapify(self.vacant)
        return loss


def losses(history: History, ended_at: int) -> list[Loss]:
    """All losses of a run that ended at `ended_at` ms, in the order in which they began, empty ones left out."""
    found: list[Loss] = []
    began_with = roots(history)
    open_, ready, wanted = _Open(), set[int](), 0
    starting: dict[int, None] = {}
    for record in history:
        uid: int | None = None
        match record:
            case SpecApplied():
                wanted = record.replicas
            case InstanceCreated():
                starting[record.instance.uid] = None
                continue
            case InstanceReady():
                uid = record.instance.uid
                starting.pop(uid, None)
                ready.add(uid)
            case InstanceConcerning() | InstanceRestarting() | InstanceFailed():
                uid = record.instance.uid
                ready.discard(uid)
                starting[uid] = None
            case InstanceDeleting() | InstanceGone():
                uid = record.instance.uid
                ready.discard(uid)
                starting.pop(uid, None)
                open_.going(uid)
            case _:
                continue
        missing = max(0, wanted - len(ready))
        while len(open_) < missing:
            loss = Loss(len(found), began_with[record.id], record.at, uid)
            found.append(loss)
            open_.add(loss, going=isinstance(record, InstanceDeleting))
        while len(open_) > missing:
            _close(open_, record, uid, ready)
    _end(open_, list(starting), ended_at)
    return [loss for loss in found if loss.until > loss.since]


def _close(open_: _Open, record: Record, uid: int | None, ready: set[int]) -> None:
    if uid is not None and uid in ready:
        loss = open_.for_ready(uid)
        loss.made_good = uid
    else:
        loss = open_.newest()
        loss.made_good = loss.lost
    loss.until, loss.ended = record.at, True


def _end(open_: _Open, starting: list[int], ended_at: int) -> None:
    """The run is over: what is open is waited for with the instance itself, or the oldest that is not ready."""
    for uid, loss in open_.own.items():
        loss.until, loss.made_good = ended_at, uid
    others = iter(uid for uid in sorted(starting) if uid not in open_.own)
    for _, loss in sorted(open_.vacant):
        loss.until, loss.made_good = ended_at, next(others, None)

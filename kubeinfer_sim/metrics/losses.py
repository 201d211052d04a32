"""The times in which instances were missing: what began each, which instance was lost, which one replaced it.

Lost is what is missing: max(0, desired - ready), as everywhere. A loss opens when an instance stops being ready while
no more than desired are, or when more are desired, and is charged to what began that. It closes when an instance
becomes ready: that instance's own loss, else the oldest one nobody comes back from (its instance is being deleted, or
there never was one), else the oldest. When fewer are desired the newest ones close. So at any time as many losses are
open as instances are missing, and a surge instance that starts while all others serve is charged with nothing.

What hits an instance that is missing and not ready (a fault, a crash, a drain) has it start anew: from then on it is
charged, and no longer what began the loss. What only holds it up (a registry that gives no image) is charged until it
goes on; then what was charged before is again. What is asked of the KubeInfer itself only ever begins losses.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from heapq import heapify, heappop, heappush
from typing import Protocol

from msgspec import Struct

from kubeinfer_sim.cluster.records import ContainerDied, ImagePullFailed, ImagePullRetried, ImagePullStalled
from kubeinfer_sim.controllers.kubeinfer.records import (
    InstanceConcerning,
    InstanceCreated,
    InstanceDeleting,
    InstanceFailed,
    InstanceGone,
    InstanceReady,
    InstanceRestarting,
    PodRebuilding,
    RoleRebuilding,
    SpecApplied,
)
from kubeinfer_sim.engine.meter import End, Handlers


class Happening(Protocol):
    """What happens at a time, and the id of the record that began it: a record, or what stands for one."""

    @property
    def at(self) -> int: ...  # noqa: D102
    @property
    def root(self) -> int: ...  # noqa: D102


def is_held_up(record: ImagePullStalled | ImagePullFailed) -> bool:
    """Whether somebody or a fault has broken what is pulled from; an image that nobody has is the pod's own fault."""
    return record.cause == record.root


class Loss(Struct):
    """One instance missing from `since` to `until` (ms).

    Attributes:
        cause: id of the initiating record.
        lost: uid of the instance that stopped being ready; None when more were desired.
        made_good: uid of the instance whose readiness ended it, or of the one that could have at the end of the
            run; None when there is none.
        ended: an instance became ready, fewer were desired, or from then on another cause is charged; else the run
            ended.
        after: the part before it of the same time; from here on another cause is charged.
    """

    number: int
    cause: int
    since: int
    lost: int | None
    until: int = 0
    made_good: int | None = None
    ended: bool = False
    after: Loss | None = None

    @property
    def first(self) -> Loss:
        """The one with which it began."""
        loss = self
        while loss.after is not None:
            loss = loss.after
        return loss


def first_and_last_parts(losses: Iterable[Loss]) -> Iterator[tuple[Loss, Loss]]:
    """Of each time in which an instance was missing the part with which it began and the one with which it ended."""
    losses, gone_over = [*losses], set[int]()
    for loss in losses:
        # Empty parts between others are not among them.
        before = loss.after
        while before is not None and before.number not in gone_over:
            gone_over.add(before.number)
            before = before.after
    return ((loss.first, loss) for loss in losses if loss.number not in gone_over)


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

    def hit(self, uid: int, starting: int) -> Loss | None:
        """Take out the loss that an instance of so many `starting` ones would have ended; None where none is missed.

        Of several it would have been the last: the others are not hit.
        """
        if uid in self.own:
            return self.own.pop(uid)
        if not self.vacant or len(self.vacant) < starting - len(self.own):
            return None
        last = max(self.vacant)
        self.vacant.remove(last)
        heapify(self.vacant)
        return last[1]

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


class Losses:
    """Follows what is desired and what is ready, and opens and closes losses accordingly."""

    def __init__(self) -> None:
        self._all: list[Loss] = []
        self._open = _Open()
        self._wanted = 0
        self._ready: set[int] = set()
        self._starting: dict[int, None] = {}
        self._orders: set[int] = set()
        # What has hit instances since they became ready last: the initiating records.
        self._hits_of: dict[int, set[int]] = {}
        # What holds instances up, with what was charged before, and the pods that wait.
        self._held_up: dict[int, tuple[Loss, int, set[object]]] = {}

    def handlers(self) -> Handlers:
        """What it listens to."""
        return {
            SpecApplied: self._applied,
            InstanceCreated: self._created,
            InstanceReady: self._became_ready,
            InstanceConcerning: self._not_ready,
            InstanceRestarting: self._restarting,
            PodRebuilding: self._set_back,
            RoleRebuilding: self._set_back,
            ContainerDied: self._died,
            ImagePullStalled: self._waits,
            ImagePullFailed: self._waits,
            ImagePullRetried: self._goes_on,
            InstanceFailed: self._not_ready,
            InstanceDeleting: self._deleting,
            InstanceGone: self._deleting,
        }

    def finish(self, ended_at: int, end: End) -> list[Loss]:
        """All of them in the order in which they began; empty ones are left out, but those that last.

        What is open is waited for with the instance itself, or the oldest that is not ready.
        """
        for uid, loss in self._open.own.items():
            loss.until, loss.made_good = ended_at, uid
        others = iter(uid for uid in sorted(self._starting) if uid not in self._open.own)
        for _, loss in sorted(self._open.vacant):
            loss.until, loss.made_good = ended_at, next(others, None)
        return [loss for loss in self._all if loss.until > loss.since or not loss.ended]

    # -- what happens ----------------------------------------------------------------------------------------

    def wants(self, happening: Happening, number: int) -> None:
        """So many are desired from now on."""
        self._wanted = number
        self._orders.add(happening.root)
        self._balance(happening, None)

    def creates(self, uid: int) -> None:
        """One is on its way."""
        self._starting[uid] = None

    def has_ready(self, happening: Happening, uid: int) -> None:
        """It is ready."""
        self._starting.pop(uid, None)
        self._hits_of.pop(uid, None)
        self._held_up.pop(uid, None)
        self._ready.add(uid)
        self._balance(happening, uid)

    def loses(self, happening: Happening, uid: int) -> None:
        """It is not ready any more, and may be again."""
        self._ready.discard(uid)
        self._starting[uid] = None
        self._balance(happening, uid)

    def deletes(self, happening: Happening, uid: int) -> None:
        """It will not be ready again."""
        self._going(happening, uid, going=True)

    def hits(self, happening: Happening, uid: int) -> None:
        """It is not ready and has to start anew, or a part of it has."""
        root = happening.root
        if root in self._orders:
            return
        hits = self._hits_of.setdefault(uid, set())
        if root in hits:
            return
        hits.add(root)
        if uid not in self._starting or (loss := self._open.hit(uid, len(self._starting))) is None:
            return
        # What strikes in the instant in which it begins is one with what began it.
        if loss.cause != root and loss.since < happening.at:
            self._held_up.pop(uid, None)
            self._go_over(loss, happening, root, uid)
        else:
            self._open.add(loss, going=loss.lost != uid)

    def holds_up(self, happening: Happening, uid: int, pod: object) -> None:
        """A pod of it that is not ready waits for what somebody or a fault has broken."""
        if uid in self._held_up:
            self._held_up[uid][2].add(pod)
            return
        if happening.root in self._orders or uid not in self._starting:
            return
        loss = self._open.hit(uid, len(self._starting))
        if loss is None:
            return
        if loss.cause == happening.root:
            self._open.add(loss, going=loss.lost != uid)
            return
        part = self._go_over(loss, happening, happening.root, uid)
        self._held_up[uid] = part, loss.cause, {pod}

    def goes_on(self, happening: Happening, uid: int, pod: object) -> None:
        """What it waited for is there."""
        loss, before, pods = self._held_up.get(uid, (None, 0, set[object]()))
        pods.discard(pod)
        if loss is None or pods:
            return
        del self._held_up[uid]
        if self._open.own.get(uid) is loss:
            self._go_over(self._open.own.pop(uid), happening, before, uid)

    def _go_over(self, loss: Loss, happening: Happening, cause: int, uid: int) -> Loss:
        """From now on another cause is charged."""
        loss.until, loss.made_good, loss.ended = happening.at, uid, True
        part = Loss(len(self._all), cause, happening.at, uid, after=loss)
        self._all.append(part)
        self._open.add(part, going=False)
        return part

    # -- as records of KubeInfers tell it ----------------------------------------------------------------------

    def _applied(self, record: SpecApplied) -> None:
        self.wants(record, record.replicas)

    def _created(self, record: InstanceCreated) -> None:
        self.creates(record.instance.uid)

    def _became_ready(self, record: InstanceReady) -> None:
        self.has_ready(record, record.instance.uid)

    def _restarting(self, record: InstanceRestarting) -> None:
        self._set_back(record)
        self._not_ready(record)

    def _died(self, record: ContainerDied) -> None:
        # Init containers end without anything being wrong.
        instance = record.pod.instance
        if instance.has_roles and (record.exit_code or not record.init):
            self.hits(record, instance.uid)

    def _waits(self, record: ImagePullStalled | ImagePullFailed) -> None:
        if record.pod.instance.has_roles and is_held_up(record):
            self.holds_up(record, record.pod.instance.uid, record.pod)

    def _goes_on(self, record: ImagePullRetried) -> None:
        if record.pod.instance.has_roles:
            self.goes_on(record, record.pod.instance.uid, record.pod)

    def _set_back(self, record: InstanceRestarting | PodRebuilding | RoleRebuilding) -> None:
        self.hits(record, record.instance.uid)

    def _not_ready(self, record: InstanceConcerning | InstanceRestarting | InstanceFailed) -> None:
        self.loses(record, record.instance.uid)

    def _deleting(self, record: InstanceDeleting | InstanceGone) -> None:
        self._going(record, record.instance.uid, going=isinstance(record, InstanceDeleting))

    def _going(self, happening: Happening, uid: int, *, going: bool) -> None:
        self._ready.discard(uid)
        self._starting.pop(uid, None)
        self._hits_of.pop(uid, None)
        self._held_up.pop(uid, None)
        self._open.going(uid)
        self._balance(happening, uid, going=going)

    def _balance(self, happening: Happening, uid: int | None, *, going: bool = False) -> None:
        """As many losses are open as instances are missing."""
        more = max(0, self._wanted - len(self._ready)) - len(self._open)
        for _ in range(more):
            loss = Loss(len(self._all), happening.root, happening.at, uid)
            self._all.append(loss)
            self._open.add(loss, going=going)
        for _ in range(-more):
            self._close(happening.at, uid)

    def _close(self, at: int, uid: int | None) -> None:
        if uid is not None and uid in self._ready:
            loss = self._open.for_ready(uid)
            loss.made_good = uid
        else:
            loss = self._open.newest()
            loss.made_good = loss.lost
        loss.until, loss.ended = at, True

"""The times in which pods of a Deployment, or of its like, were missing, by the rules of `losses.py`.

They are worked out once the run is over, from the lives of its pods: each counts as an instance of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from kubeinfer_sim.cluster.records import (
    ContainerDied,
    ImagePullFailed,
    ImagePullRetried,
    ImagePullStalled,
    PodDeleting,
    PodGone,
    PodNotReady,
    PodReady,
)
from kubeinfer_sim.engine.history import Record
from kubeinfer_sim.engine.meter import End
from kubeinfer_sim.metrics.attribution import CauseSummary, attribute
from kubeinfer_sim.metrics.incidents import Incident
from kubeinfer_sim.metrics.lives import InstanceLife
from kubeinfer_sim.metrics.losses import Losses, first_and_last_parts

What = Literal["asked", "made", "ran", "unready", "died", "waits", "goesOn", "deleted", "ready"]


class Turn(Struct, frozen=True):
    """What happens to a workload or to a pod of it at a time, and the id of the record that began it.

    `what`: `pods` are asked for; a pod is made, ready (`ran`: from the beginning on), not ready any more, or gone or to
    go for good; a container of it is dead; it waits for its image, or goes on with it.
    """

    at: int
    what: What
    root: int = 0
    uid: int = 0
    pods: int = 0


#: What may befall a pod; it is ready again.
Strike = (
    PodNotReady
    | PodDeleting
    | PodGone
    | ContainerDied
    | PodReady
    | ImagePullStalled
    | ImagePullFailed
    | ImagePullRetried
)
_TOLD_AS: Mapping[type[Record], What] = {
    PodNotReady: "unready",
    PodDeleting: "deleted",
    PodGone: "deleted",
    ContainerDied: "died",
    PodReady: "ready",
    ImagePullStalled: "waits",
    ImagePullFailed: "waits",
    ImagePullRetried: "goesOn",
}
#: In which order those of one instant count: what is missing is, before another pod makes it good.
_ORDER = {
    "asked": 0,
    "made": 1,
    "ran": 2,
    "unready": 3,
    "died": 3,
    "waits": 3,
    "goesOn": 3,
    "deleted": 3,
    "ready": 4,
}


def pod_causes(
    asked: Sequence[Turn],
    struck: Iterable[Strike],
    lives: Iterable[InstanceLife],
    first_causes: Mapping[int, Record],
    span: tuple[int, int],
    end: End,
) -> tuple[CauseSummary, ...]:
    """What each initiating record cost a workload's pods, dearest first.

    Args:
        asked: how many pods were wanted when.
        struck: what befell its pods.
        lives: of its pods.
        first_causes: the initiating records of the run by id.
        span: from when until when losses are charged, ms.
        end: of the run.
    """
    by_uid = {life.instance.uid: life for life in lives}
    losses, going, last_root = Losses(), set[int](), dict[int, int]()
    everything = [
        *asked,
        *map(_turn_of, struck),
        *(turn for life in by_uid.values() for turn in _told_by(life)),
    ]
    for each in sorted(everything, key=lambda turn: (turn.at, _ORDER[turn.what])):
        uid = each.uid
        if each.what not in ("waits", "goesOn"):
            last_root[uid] = each.root or last_root.get(uid, 0)
        match each.what:
            case "asked":
                losses.wants(each, each.pods)
            case "made":
                losses.creates(uid)
            case _ if uid in going or uid not in by_uid:
                pass
            case "died":
                losses.hits(each, uid)
            case "waits":
                losses.holds_up(each, uid, uid)
            case "goesOn":
                losses.goes_on(each, uid, uid)
            case "deleted":
                going.add(uid)
                losses.deletes(replace(each, root=last_root[uid]), uid)
            case "unready":
                losses.loses(each, uid)
            case "ran" | "ready":
                losses.has_ready(each, uid)
    found = losses.finish(span[1], end)
    incidents = [
        Incident("", first.lost, first.cause, first.since, loss.until if loss.ended else None, first=False)
        for first, loss in first_and_last_parts(found)
        if first.lost is not None
    ]
    return tuple(attribute(found, incidents, by_uid, first_causes, *span))


def _turn_of(record: Strike) -> Turn:
    return Turn(record.at, _TOLD_AS[type(record)], record.root, record.pod.instance.uid)


def _told_by(life: InstanceLife) -> Iterator[Turn]:
    """When a pod was made, ready first, and ended by itself."""
    pod, uid = life.pods[0], life.instance.uid
    yield Turn(pod.created, "made", uid=uid)
    if pod.ready is not None:
        yield Turn(pod.ready, "ran" if pod.ready == pod.created else "ready", uid=uid)
    if pod.finished is not None:
        yield Turn(pod.finished, "deleted", uid=uid)

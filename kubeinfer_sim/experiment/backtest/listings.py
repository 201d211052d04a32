"""The pods of a workload as several listings of kubectl show them, one taken after the other.

A listing does not say when it was taken: not before the latest time in it, and before what only later ones hold was
created. Between two listings what is not written down with its time stays open.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from math import inf
from typing import Any

from msgspec import Struct, field

from kubeinfer_sim.errors import InputError
from kubeinfer_sim.experiment.backtest.rollout import Between, PodSeen, Readiness, Rollout, rollout_of
from kubeinfer_sim.manifest.kubernetes.well_known_labels import CONTROLLER_REVISION_HASH, POD_TEMPLATE_HASH
from kubeinfer_sim.manifest.model import KubeInfer, WorkloadSpec
from kubeinfer_sim.manifest.source import SourceText
from kubeinfer_sim.scenario.cluster.kubectl.listing import Item, Wrong, empty, mixed_items
from kubeinfer_sim.scenario.cluster.kubectl.owners import Owner, owners_of
from kubeinfer_sim.scenario.timings.calibration.observe import pod_times, seconds, usable
from kubeinfer_sim.scenario.timings.calibration.roles import entries, instance_of, mapping

#: What a listing may hold.
_KINDS = ("Pod", "Event")
#: Labels that say which template a pod was made from.
_REVISIONS = (POD_TEMPLATE_HASH, CONTROLLER_REVISION_HASH)


class Listing(Struct, frozen=True):
    """What kubectl wrote at one time.

    Attributes:
        pods: by uid.
        taken: not before then, s since 1970.
    """

    source: SourceText
    pods: dict[str, Item]
    events: tuple[Item, ...]
    taken: float


class Listings(Struct):
    """Several, in the order in which they were taken.

    Attributes:
        notes: what they do not tell.
    """

    listings: tuple[Listing, ...]
    notes: list[str] = field(default_factory=list)

    @property
    def pods(self) -> list[Item]:
        """Each pod as it was seen last."""
        last: dict[str, Item] = {}
        for listing in self.listings:
            last.update(listing.pods)
        return list(last.values())

    def ready_pods(self, owners: Sequence[Owner]) -> list[Item]:
        """Each pod of these owners as it was seen last when it was Ready, or as it was seen last."""
        best: dict[str, Item] = {}
        for listing in self.listings:
            for owner in owners:
                for uid, item in _own(listing, owner).items():
                    if uid not in best or pod_times(item.value).ready is not None:
                        best[uid] = item
        return list(best.values())

    @property
    def events(self) -> list[Item]:
        """Each event as it was seen last."""
        last: dict[str, Item] = {}
        for listing in self.listings:
            for each in listing.events:
                last[_uid(each)] = each
        return list(last.values())


def read_listings(sources: Sequence[SourceText]) -> Listings:
    """Read what kubectl wrote before, during and after a rollout; in any order.

    Raises:
        InputError: a file holds other things, or none holds a pod.
    """
    listings = sorted(map(_read, sources), key=lambda each: each.taken)
    if not any(each.pods for each in listings):
        events = sum(len(each.events) for each in listings)
        what = f"{events:,} events and no pods" if events else "no pods"
        raise InputError([empty(sources[0], f"there are {what} in what was listed", "Pod")])
    found = Listings(tuple(each for each in listings if each.taken > -inf))
    if not found.events:
        found.notes.append(
            "no events were listed: when pods were deleted is known as far as a listing shows them terminating"
        )
    return found


def _read(source: SourceText) -> Listing:
    wrong = Wrong()
    items = list(mixed_items(source, _KINDS))
    pods = list(usable((each for each in items if each.value["kind"] == "Pod"), wrong))
    wrong.raise_if_any(source)
    events = tuple(each for each in items if each.value["kind"] == "Event")
    times = [time for each in items for time in _times_in(each.value)]
    return Listing(source, {_uid(each): each for each in pods}, events, max(times, default=-inf))


def _uid(item: Item) -> str:
    metadata = mapping(item.value.get("metadata"))
    return str(metadata.get("uid") or f"{metadata.get('namespace')}/{metadata.get('name')}")


def _times_in(value: Any) -> Iterator[float]:
    """Every time in an object that is past when it is listed; a deletion timestamp lies ahead."""
    if isinstance(value, dict):
        for key, each in value.items():
            if isinstance(each, (dict, list)):
                yield from _times_in(each)
            elif key.endswith(("Time", "Timestamp", "At")) and key != "deletionTimestamp":
                time = seconds(each)
                if time is not None:
                    yield time
    elif isinstance(value, list):
        for each in value:
            yield from _times_in(each)


# -- the pods of a workload --------------------------------------------------------------------------------


def happened(listings: Listings, workload: WorkloadSpec) -> Rollout | None:
    """What the listings tell of the last rollout of a workload; None where none of its pods is in them.

    Raises:
        InputError: none of its pods was made by a rollout: all were there already in the first listing.
    """
    (owner,) = owners_of([workload])
    own = [_own(each, owner) for each in listings.listings]
    if not any(own):
        return None
    where = f"{workload.raw.get('kind')} {workload.namespace}/{workload.name}"
    known = _known_until(listings.listings)
    values: dict[str, list[tuple[int, Item]]] = {}
    for place, pods in enumerate(own):
        for uid, item in pods.items():
            values.setdefault(uid, []).append((place, item))
    stopped = _stopped(listings.events)
    new = _new(values, own)
    if not new:
        message = f"all pods of {where} were there in the first listing already: no rollout is to be seen"
        hint = "list again after it"
        source = listings.listings[-1].source
        raise InputError([source.diagnostic(None, message, hint=hint, code="backtest")])
    kind = workload.raw.get("kind")
    seen = {
        uid: _seen(
            uid, sightings, uid in new, known, listings.listings, stopped.get(uid), kind == KubeInfer.kind
        )
        for uid, sightings in values.items()
    }
    if len(new) == len(seen):
        listings.notes.append(
            f"{where}: no pod of before is listed, so how many were ready meanwhile is not known"
        )
    return rollout_of(list(seen.values()), [seen[uid] for uid in new], listings.listings[-1].taken)


def _own(listing: Listing, owner: Owner) -> dict[str, Item]:
    pods = {}
    for uid, item in listing.pods.items():
        metadata = item.value["metadata"]
        namespace = str(metadata.get("namespace") or "default")
        if owner.owns(str(metadata.get("name")), namespace, metadata):
            pods[uid] = item
    return pods


def _new(values: dict[str, list[tuple[int, Item]]], own: Sequence[dict[str, Item]]) -> set[str]:
    """The pods that the rollout made: those of the template of the newest, else those not there at first."""
    revisions = {uid: _revision(sightings[0][1]) for uid, sightings in values.items()}
    if "" not in revisions.values() and len(set(revisions.values())) > 1:
        newest = max(values, key=lambda uid: (_created(values[uid][0][1]), uid))
        return {uid for uid, each in revisions.items() if each == revisions[newest]}
    if len(own) == 1:
        return set(values)
    return {uid for uid in values if uid not in own[0]}


def _created(item: Item) -> float:
    return seconds(item.value["metadata"].get("creationTimestamp")) or -inf


def _revision(item: Item) -> str:
    labels = mapping(item.value["metadata"].get("labels"))
    return next((str(labels[each]) for each in _REVISIONS if labels.get(each)), "")


def _known_until(listings: Sequence[Listing]) -> list[float]:
    """Before when each listing was taken: before the first creation of something that only later ones hold."""
    created: list[tuple[float, int]] = []
    known: set[str] = set()
    for place, listing in enumerate(listings):
        created += [(_created(item), place) for uid, item in listing.pods.items() if uid not in known]
        known |= listing.pods.keys()
    return [
        min((at for at, first in created if first > place and at >= listing.taken), default=inf)
        for place, listing in enumerate(listings)
    ]


def _stopped(events: Iterable[Item]) -> dict[str, float]:
    """When the kubelet began to stop pods that were deleted, by uid."""
    stopped: dict[str, float] = {}
    for item in events:
        value = item.value
        text = str(value.get("message") or value.get("note") or "")
        if value.get("reason") != "Killing" or not text.startswith("Stopping container"):
            continue
        about = mapping(value.get("involvedObject") or value.get("regarding"))
        at = seconds(value.get("firstTimestamp")) or seconds(value.get("eventTime"))
        if at is not None and about.get("uid"):
            uid = str(about["uid"])
            stopped[uid] = min(at, stopped.get(uid, inf))
    return stopped


def _seen(
    uid: str,
    sightings: Sequence[tuple[int, Item]],
    new: bool,
    known: Sequence[float],
    listings: Sequence[Listing],
    stopped: float | None,
    of_instances: bool,
) -> PodSeen:
    told = [pod_times(item.value) for _, item in sightings]
    metadata = sightings[0][1].value["metadata"]
    name = str(metadata.get("name"))
    instance = instance_of(sightings[0][1].value) if of_instances else None
    own = name if instance is None else "/".join(instance)
    pod = PodSeen(
        name,
        f"{own} {'new' if new else 'old'}" if of_instances else uid,
        own.rpartition("-")[2] if instance is not None else "",
        created=told[0].created,
        scheduled=_first(each.scheduled for each in told),
        started=_first(each.started for each in told if not each.restarted),
        ready=_first(each.ready for each in told),
        restarted=any(each.restarted for each in told),
    )
    place, last = sightings[-1]
    deleted = seconds(last.value["metadata"].get("deletionTimestamp"))
    grace = last.value["metadata"].get("deletionGracePeriodSeconds")
    gone = place < len(listings) - 1
    finished = last.value["status"].get("phase") in ("Failed", "Succeeded")
    pod.stays = not gone and deleted is None and not finished
    if pod.stays:
        end = Between(inf, inf)
    elif deleted is not None:
        at = deleted - (grace if isinstance(grace, int) else 0)
        end = Between(at, at)
    elif stopped is not None:
        end = Between(stopped, stopped)
    else:
        end = Between(listings[place].taken, known[place + 1] if gone else inf)
    pod.readiness = list(_readiness(sightings, end, listings))
    return pod


def _readiness(
    sightings: Sequence[tuple[int, Item]], end: Between, listings: Sequence[Listing]
) -> Iterator[Readiness]:
    """When it was ready, up to its deletion: of what was between two listings no more is known than they show."""
    begins: list[tuple[float, float]] = []  # ready since, and surely still in that listing
    stops: list[float] = []
    for place, item in sightings:
        condition = next(
            (each for each in entries(item.value["status"].get("conditions")) if each.get("type") == "Ready"),
            {},
        )
        at = seconds(condition.get("lastTransitionTime"))
        if at is None:
            continue
        if condition.get("status") != "True":
            stops.append(at)
        elif begins and begins[-1][0] == at:
            begins[-1] = at, listings[place].taken
        else:
            begins.append((at, listings[place].taken))
    for each, (since, surely) in enumerate(begins):
        following = begins[each + 1][0] if each + 1 < len(begins) else inf
        stop = min((at for at in stops if since < at <= following), default=None)
        if stop is not None and stop <= end.high:
            yield Readiness(since, min(stop, end.low), min(stop, end.high))
        elif following < inf:
            yield Readiness(since, min(surely, end.low), min(following, end.high))
        else:
            yield Readiness(since, end.low, end.high)


def _first(moments: Iterable[float | None]) -> float | None:
    return min((each for each in moments if each is not None), default=None)

"""The pods of a workload as several listings of kubectl show them, one taken after the other.

A listing does not say when it was taken: not before the latest time in it, and before what only later ones hold was
created. Between two listings what is not written down with its time stays open.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from math import inf

from msgspec import Struct, field

from kubeinfer_sim.errors import InputError
from kubeinfer_sim.experiment.backtest.revisions import tell_apart
from kubeinfer_sim.experiment.rollout import Between, PodSeen, Readiness, Rollout, rollout_of
from kubeinfer_sim.manifest.model import KubeInfer, WorkloadSpec
from kubeinfer_sim.manifest.names_apart import full_name
from kubeinfer_sim.manifest.source import SourceText
from kubeinfer_sim.scenario.cluster.kubectl.listing import Item, Wrong, empty, items_of, mixed_items
from kubeinfer_sim.scenario.cluster.kubectl.owners import Owner, owners_of
from kubeinfer_sim.scenario.timings.calibration.observe import (
    Observed,
    PullsOf,
    init_length,
    pod_times,
    pulls_of,
    seconds,
    times_in,
    usable,
)
from kubeinfer_sim.scenario.timings.calibration.roles import entries, instance_of, mapping

#: What a listing may hold.
_KINDS = ("Pod", "Event", "Node")


class Listing(Struct, frozen=True):
    """What kubectl wrote at one time.

    Attributes:
        pods: by uid.
        taken: not before then, s since 1970; infinitely early where it holds no time.
        items: all of it.
    """

    source: SourceText
    pods: dict[str, Item]
    events: tuple[Item, ...]
    taken: float
    items: tuple[Item, ...]


class Listings(Struct):
    """Several, in the order in which they were taken.

    Attributes:
        listings: those that hold pods; of the others only their events say something.
        events: each as it was seen last.
        sources: all objects, file by file.
        notes: what they do not tell.
    """

    listings: tuple[Listing, ...]
    events: tuple[Item, ...]
    sources: tuple[tuple[Item, ...], ...] = ()
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


def read_listings(sources: Sequence[SourceText]) -> Listings:
    """Read what kubectl wrote before, during and after a rollout; in any order.

    Raises:
        InputError: a file holds other things, or none holds a pod.
    """
    listings = sorted(map(_read, sources), key=lambda each: each.taken)
    if not any(each.pods for each in listings):
        number = sum(len(each.events) for each in listings)
        if not number:
            list(items_of(sources[0], "Pod"))  # says what it holds instead
        what = f"{number:,} events and no pods" if number else "no pods"
        raise InputError([empty(sources[0], f"there are {what} in what was listed", "Pod")])
    events = {each.uid: each for listing in listings for each in listing.events}
    found = Listings(
        tuple(each for each in listings if each.pods),
        tuple(events.values()),
        tuple(each.items for each in listings),
    )
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
    others = [each for each in items if each.value["kind"] != "Pod"]
    events = tuple(each for each in others if each.value["kind"] == "Event")
    times = [time for each in items for time in times_in(each.value)]
    taken = max(times, default=-inf)
    return Listing(source, {each.uid: each for each in pods}, events, taken, (*pods, *others))


# -- the pods of a workload --------------------------------------------------------------------------------


class Happened(Struct, frozen=True):
    """What the listings tell of the last rollout of a workload.

    Attributes:
        rollout: None where it is not told which of the pods it made, and `why`.
        notes: what else they do not tell.
    """

    rollout: Rollout | None
    why: str = ""
    notes: tuple[str, ...] = ()


def happened(
    listings: Listings, workload: WorkloadSpec, last: WorkloadSpec, before: WorkloadSpec | None
) -> Happened | None:
    """What the listings tell of the last rollout of a workload; None where none of its pods is in them.

    Args:
        listings: all there are.
        workload: whose pods.
        last: what it is to be in the end, by the scenario.
        before: what it was when the scenario begins; None: it was not there.

    Raises:
        InputError: none of its pods was made by a rollout; they have no times.
    """
    (owner,) = owners_of([workload])
    own = [_own(each, owner) for each in listings.listings]
    if not any(own):
        return None
    where = f"{workload.kind} {full_name(workload)}"
    known = _known_until(listings.listings)
    values: dict[str, list[tuple[int, Item]]] = {}
    for place, pods in enumerate(own):
        for uid, item in pods.items():
            values.setdefault(uid, []).append((place, item))
    of_instances = workload.kind == KubeInfer.kind
    parted = tell_apart({uid: each[0][1] for uid, each in values.items()}, own, last, before)
    source = listings.listings[-1].source
    if parted.new is None:
        return Happened(None, parted.why)
    if not parted.new:
        message = f"{parted.why.format(where=where)}: no rollout is to be seen"
        raise InputError([source.diagnostic(None, message, hint="list again after it", code="backtest")])
    if all(_created(each[0][1]) == -inf for each in values.values()):
        first = next(iter(values.values()))[0][1]
        message = f"creationTimestamp: none of the {len(values):,} pods of {where} has one"
        hint = "the API server gives every pod one: was it taken out of the listing?"
        raise InputError([first.diagnostic(("metadata",), message, hint=hint)])
    stopped = _stopped(listings.events)
    pulls = pulls_of(listings.events, Observed())
    seen = {
        uid: _seen(
            uid, sightings, uid in parted.new, known, listings.listings, stopped.get(uid), pulls, of_instances
        )
        for uid, sightings in values.items()
    }
    notes = [parted.why.format(where=where)] if parted.why else []
    if len(parted.new) == len(seen):
        notes.append(f"{where}: no pod of before is listed, so how many were ready meanwhile is not known")
    rollout = rollout_of(list(seen.values()), [seen[uid] for uid in parted.new], listings.listings[-1].taken)
    return Happened(rollout, notes=tuple(notes))


def _own(listing: Listing, owner: Owner) -> dict[str, Item]:
    pods = {}
    for uid, item in listing.pods.items():
        metadata = item.value["metadata"]
        namespace = str(metadata.get("namespace") or "default")
        if owner.owns(str(metadata.get("name")), namespace, metadata):
            pods[uid] = item
    return pods


def _created(item: Item) -> float:
    return seconds(item.value["metadata"].get("creationTimestamp")) or -inf


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
    pulls: PullsOf,
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
    if pod.started is not None and pod.created is not None:
        pod.pulls, pod.inits = pulls.length(last.value), init_length(last.value)
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
        if condition.get("status") != "True":
            stops += [] if at is None else [at]
            continue
        at = -inf if at is None else at  # nobody knows since when
        if begins and begins[-1][0] == at:
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

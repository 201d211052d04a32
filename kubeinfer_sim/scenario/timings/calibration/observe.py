"""What a pod's conditions, container states and events tell of how long its stages took.

Kubernetes writes times in whole seconds, each rounded down, so a length is right to within 1 s. Sources of the
moments: pkg/kubelet/status/generate.go (conditions), pkg/kubelet/images/image_manager.go (events of pulls).
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from math import inf
from typing import Any

from msgspec import Struct, field

from kubeinfer_sim.diagnostics import Path
from kubeinfer_sim.manifest.accelerators import family_of
from kubeinfer_sim.manifest.checker import shown
from kubeinfer_sim.scenario.cluster.kubectl.listing import Item, Wrong
from kubeinfer_sim.scenario.timings.calibration.roles import entries, instance_of, mapping, role_of

_PULLED = re.compile(
    r'Successfully pulled image "(?P<image>[^"]+)" in (?P<alone>\S+?)'
    r"(?: \((?P<whole>\S+) including waiting\))?(?:\. Image size: (?P<size>\d+) bytes)?\.?$"
)
_PRESENT = re.compile(r'Container image "(?P<image>[^"]+)" already present')
_GO_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}
#: Pods that one controller makes in one go come within so many seconds of one another.
TOGETHER = 5.0
#: How the API server writes a time.
_A_TIME = "2026-01-31T08:00:00Z"
#: Words of a note for one and for more.
_EITHER = re.compile(r"\{(\w+)\|(\w+)\}")
_GO_DURATION = re.compile(r"(\d+(?:\.\d+)?)(h|ms|us|µs|ns|m|s)")


class Observed(Struct):
    """Lengths in seconds by role and stage, and what could not be used.

    Attributes:
        lengths: role → stage as a scenario names it → lengths.
        pods: role → how many pods of it there are.
        notes: what was left out and why, with how often; `{pod|pods}` is for one and for more.
        image_sizes: image → bytes, from events.
        with_events: whether events were given.
    """

    lengths: dict[str, dict[str, list[float]]] = field(default_factory=dict)
    pods: Counter[str] = field(default_factory=Counter)
    notes: Counter[str] = field(default_factory=Counter)
    image_sizes: dict[str, int] = field(default_factory=dict)
    with_events: bool = False

    def add(self, role: str, stage: str, length: float | None) -> None:
        """Note a length; one below zero says that clocks disagree and is left out."""
        if length is None:
            return
        if length < 0:
            self.notes[f"{{length|lengths}} of {stage} below zero (clocks disagree)"] += 1
            return
        self.lengths.setdefault(role, {}).setdefault(stage, []).append(length)

    def told(self) -> list[str]:
        """The notes in words, each with its number."""
        one, more = r"\1", r"\2"
        words = [(_EITHER.sub(one if n == 1 else more, note), n) for note, n in self.notes.items()]
        return [f"{count:,} {note}" for note, count in sorted(words)]


class Pulls(Struct):
    """What events tell of one pod's images, s.

    Attributes:
        alone: how long each pull took, by image, without waiting for others.
        behind: images whose pulls waited for others.
        whole: how long all of them took, with waiting.
        images: those of which the events tell.
        waited: the pod did not find a node at once.
    """

    alone: dict[str, float] = field(default_factory=dict)
    behind: set[str] = field(default_factory=set)
    whole: float = 0.0
    images: set[str] = field(default_factory=set)
    waited: bool = False

    def is_whole(self, pod: Mapping[str, Any]) -> bool:
        """Whether the events are there of all images of the pod's containers."""
        containers = entries(pod["spec"].get("containers")) or [{}]
        return len(self.images) >= len({str(each.get("image")) for each in containers})


class PullsOf(Struct):
    """What events tell of each pod's images: by namespace and name of the pod, then by its uid, "" where none is named.

    Pods that follow one another may have the same name.
    """

    pods: dict[tuple[str, str], dict[str, Pulls]] = field(default_factory=dict)

    def of(self, pod: Mapping[str, Any]) -> Pulls | None:
        """Of a pod, of one without uid the last of its name; None where no event is about it."""
        known = self.pods.get(_name(pod), {})
        uid = pod["metadata"].get("uid")
        return known.get(str(uid)) or known.get("") if uid else next(reversed(known.values()), None)

    def length(self, pod: Mapping[str, Any]) -> float | None:
        """How long its images were pulled, s, and waited for other pulls; None where the events do not tell it."""
        pulls = self.of(pod)
        return pulls.whole if pulls is not None and pulls.is_whole(pod) else None


class PodTimes(Struct):
    """One pod: the moments that are known, in seconds."""

    value: Mapping[str, Any]
    role: str
    instance: tuple[str, str] | None
    created: float | None
    scheduled: float | None
    sandbox: float | None
    started: float | None
    ready: float | None
    init: float
    restarted: bool

    @property
    def node(self) -> str:
        """The name of its node; "" where it has none."""
        return str(self.value["spec"].get("nodeName") or "")


def observe(pods: Iterable[Item], events: Iterable[Item] | None, role_label: str | None = None) -> Observed:
    """Read the lengths of stages off pods and, if given, their events.

    Args:
        pods: objects of kind Pod.
        events: objects of kind Event; without them pulls cannot be told from container creation.
        role_label: the label that names a pod's role; None for the usual ones.
    """
    observed = Observed(with_events=events is not None)
    pulls = pulls_of(events or (), observed)
    every = [pod_times(item.value, role_label) for item in pods]
    gangs = list(_gangs(every))
    if observed.with_events:
        _binding(gangs, pulls, observed)
    longest = _longest_pulls(every, pulls)
    for pod in every:
        observed.pods[pod.role] += 1
        _before_start(pod, pulls.of(pod.value), longest, observed)
    for gang in gangs:
        begun = _last_start(gang)
        for pod in gang:
            _load(pod, pod.started if pod.restarted else begun, observed)
    return observed


def _gangs(pods: Iterable[PodTimes]) -> Iterator[list[PodTimes]]:
    """The pods that start together: of an instance those created together, else each by itself.

    Listings over time hold what an instance was and what came after it under the same name. So a pod created later
    than those before it, or of the name of one of them, begins a gang anew; one of unknown creation was there first.
    """
    instances: dict[tuple[str, str], list[PodTimes]] = defaultdict(list)
    for pod in pods:
        if pod.instance is None:
            yield [pod]
        else:
            instances[pod.instance].append(pod)
    for together in instances.values():
        gang: list[PodTimes] = []
        for pod in sorted(together, key=_created):
            if gang and (
                _created(pod) > _created(gang[-1]) + TOGETHER
                or any(_name(each.value) == _name(pod.value) for each in gang)
            ):
                yield gang
                gang = []
            gang.append(pod)
        yield gang


def _created(pod: PodTimes) -> float:
    return -inf if pod.created is None else pod.created


def _last_start(gang: Iterable[PodTimes]) -> float | None:
    """When the engines of a gang had all started for the first time; None where that is not told."""
    starts = [None if each.restarted else each.started for each in gang]
    known = [each for each in starts if each is not None]
    return max(known) if len(known) == len(starts) else None


def _binding(gangs: Iterable[Sequence[PodTimes]], pulls: PullsOf, observed: Observed) -> None:
    """From the creation of an instance until the last of its pods has a node, where none had to wait for one.

    The pods of an instance are bound together, so they are one sample, not several.
    """
    for gang in gangs:
        known = [pulls.of(pod.value) for pod in gang]
        moments = [(pod.created, pod.scheduled) for pod in gang]
        if None in known or any(None in each for each in moments):
            observed.notes["{instance|instances} with pods without events or times: not in bind"] += 1
        elif any(each is not None and each.waited for each in known):
            observed.notes["{instance|instances} that waited for a place: not in bind"] += 1
        else:
            created = max(each for each, _ in moments if each is not None)
            observed.add(gang[0].role, "bind", max(each for _, each in moments if each is not None) - created)


def _longest_pulls(pods: Iterable[PodTimes], pulls: PullsOf) -> dict[tuple[str, str], float]:
    """How long a node took at most to pull an image, s, by their names: what it had by then is quickly pulled again."""
    longest: dict[tuple[str, str], float] = {}
    for pod in pods:
        known = pulls.of(pod.value)
        for image, took in known.alone.items() if known is not None else ():
            key = pod.node, image
            longest[key] = max(took, longest.get(key, 0.0))
    return longest


def _before_start(
    pod: PodTimes, pulls: Pulls | None, longest: Mapping[tuple[str, str], float], observed: Observed
) -> None:
    """Scheduling, images and containers of a pod's first start."""
    if pod.scheduled is None:
        observed.notes[
            "{pod|pods} of which it is not told when {it|they} got a node: no pull, no create"
            if pod.value["spec"].get("nodeName")
            else "{pod|pods} that {has|have} no node: no pull, no create"
        ] += 1
        return
    if pod.restarted or pod.started is None:
        observed.notes["{pod|pods} whose containers restarted or do not run: no pull, no create"] += 1
        return
    containers = entries(pod.value["spec"].get("containers")) or [{}]
    if pulls is not None and pulls.is_whole(pod.value):
        engine = containers[_engine(containers)].get("image")
        took = pulls.alone.get(engine) if isinstance(engine, str) else None
        if took is not None and engine in pulls.behind and took < longest[pod.node, engine]:
            observed.notes["{pull|pulls} of what had come for another pod meanwhile: not in imageCold"] += 1
        elif took is not None:
            observed.add(pod.role, "imageCold", took)
        observed.add(pod.role, "create", pod.started - pod.scheduled - pulls.whole - pod.init)
    elif pod.sandbox is not None:
        observed.add(pod.role, "create", pod.sandbox - pod.scheduled)
        observed.add(pod.role, "image", pod.started - pod.sandbox - pod.init)
        observed.notes[
            "{pod|pods} without events of {its|their} pulls: image holds pulls, warm or cold, and container start"
        ] += 1
    else:
        observed.add(pod.role, "image", pod.started - pod.scheduled - pod.init)
        observed.notes[
            "{pod|pods} with neither events nor PodReadyToStartContainers: image holds all before start"
        ] += 1


def _load(pod: PodTimes, begun: float | None, observed: Observed) -> None:
    """From the start of the engines of the instance until the pod is ready, without the probes' share."""
    if pod.ready is None:
        observed.notes[
            "{pod|pods} that {is|are} Ready, but not told since when: no load"
            if "Ready" in _conditions(pod.value)
            else "{pod|pods} that {is|are} not Ready: no load"
        ] += 1
        return
    if begun is None:
        observed.notes[
            "{pod|pods} in whose instance the first start of a container is not told: no load"
        ] += 1
        return
    containers = entries(pod.value["spec"].get("containers")) or [{}]
    length = pod.ready - begun - probe_share(containers[_engine(containers)])
    if not _has_npus(containers):
        observed.add(pod.role, "frameworkImport", length if length > 0 else 0.0)
    elif pod.restarted:
        observed.add(pod.role, "weightsWarm", length)
    else:
        observed.add(pod.role, "weights", length)


def probe_share(container: Mapping[str, Any]) -> float:
    """Seconds a container that answers waits for its probes, on average, until it is Ready.

    Half a period until the first tick that finds it answering, then the readiness successes still missing.
    """

    def period(name: str) -> float:
        return _number(mapping(container.get(name)).get("periodSeconds"), 10)

    ready, startup = container.get("readinessProbe"), container.get("startupProbe")
    if not ready:
        return period("startupProbe") / 2 if startup else 0.0
    first = period("startupProbe") if startup else period("readinessProbe")
    return first / 2 + (_number(mapping(ready).get("successThreshold"), 1) - 1) * period("readinessProbe")


def _number(value: object, default: float) -> float:
    return float(value) if isinstance(value, int) and value > 0 else default


def _engine(containers: list[dict[str, Any]]) -> int:
    """Which container runs the engine: the first that asks for NPUs, else the first."""
    return next((i for i, each in enumerate(containers) if _has_npus([each])), 0)


def _has_npus(containers: Iterable[Mapping[str, Any]]) -> bool:
    for each in containers:
        resources = mapping(each.get("resources"))
        for kind in ("requests", "limits"):
            if any(family_of(name) and str(n) != "0" for name, n in mapping(resources.get(kind)).items()):
                return True
    return False


def pod_times(value: Mapping[str, Any], role_label: str | None = None) -> PodTimes:
    """What a pod's conditions and container states tell of when it came how far; the pod is one that `usable` gave."""
    status = value["status"]
    conditions = _conditions(value)

    def at(name: str) -> float | None:
        return seconds(conditions.get(name, {}).get("lastTransitionTime"))

    states = entries(status.get("containerStatuses"))
    begun = [seconds(mapping(mapping(each.get("state")).get("running")).get("startedAt")) for each in states]
    runs = bool(begun) and None not in begun
    return PodTimes(
        value=value,
        role=role_of(value, role_label),
        instance=instance_of(value),
        created=seconds(value["metadata"].get("creationTimestamp")),
        scheduled=at("PodScheduled"),
        sandbox=at("PodReadyToStartContainers"),
        started=max(each for each in begun if each is not None) if runs else None,
        ready=at("Ready"),
        init=init_length(value) or 0.0,
        restarted=any(each.get("restartCount") for each in states),
    )


def _conditions(value: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The conditions of a pod that are true, by type."""
    conditions = entries(value["status"].get("conditions"))
    return {str(each.get("type")): each for each in conditions if each.get("status") == "True"}


def init_length(value: Mapping[str, Any]) -> float | None:
    """How long the init containers of a pod ran that have ended, s; None where none has."""
    states = (mapping(each.get("state")) for each in entries(value["status"].get("initContainerStatuses")))
    ended = [mapping(each["terminated"]) for each in states if each.get("terminated")]
    moments = [(seconds(each.get("startedAt")), seconds(each.get("finishedAt"))) for each in ended]
    lengths = [last - first for first, last in moments if first is not None and last is not None]
    return sum(lengths) if lengths else None


def pulls_of(events: Iterable[Item], observed: Observed) -> PullsOf:
    """Read the pulls off events; `observed` gets the sizes of images, and notes what cannot be read."""
    pulls: dict[tuple[str, str], dict[str, Pulls]] = defaultdict(lambda: defaultdict(Pulls))
    for item in events:
        value = item.value
        about = mapping(value.get("involvedObject") or value.get("regarding"))
        if about.get("kind") != "Pod":
            continue
        name = str(about.get("namespace") or "default"), str(about.get("name"))
        pod = pulls[name][str(about.get("uid") or "")]
        text = str(value.get("message") or value.get("note") or "")
        reason = value.get("reason")
        if reason == "FailedScheduling":
            pod.waited = True
        elif reason == "Pulled" and (match := _PULLED.match(text)):
            alone, whole = go_duration(match["alone"]), go_duration(match["whole"] or match["alone"])
            if alone is None or whole is None:
                observed.notes["{event|events} with a length that cannot be read"] += 1
                continue
            pod.images.add(match["image"])
            pod.alone[match["image"]] = alone
            if whole > alone:
                pod.behind.add(match["image"])
            pod.whole += whole
            if match["size"]:
                observed.image_sizes[match["image"]] = int(match["size"])
        elif reason == "Pulled" and (match := _PRESENT.match(text)):
            pod.images.add(match["image"])
    return PullsOf(dict(pulls))


def _name(value: Mapping[str, Any]) -> tuple[str, str]:
    metadata = value["metadata"]
    return str(metadata.get("namespace") or "default"), str(metadata.get("name"))


def go_duration(text: str) -> float | None:
    """Seconds of a duration as Go prints it, `3m2.5s`; None for other texts."""
    parts = list(_GO_DURATION.finditer(text))
    if not parts or "".join(part.group() for part in parts) != text:
        return None
    return sum(float(part[1]) * _GO_UNITS[part[2]] for part in parts)


def seconds(text: object) -> float | None:
    """A time of the API as seconds since 1970; None when there is none, or it is no time."""
    if not isinstance(text, str):
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment.timestamp() if moment.tzinfo is not None else None


def times_in(value: Any) -> Iterator[float]:
    """Every time in an object that is past when it is listed; a deletion timestamp lies ahead."""
    if isinstance(value, dict):
        for key, each in value.items():
            if isinstance(each, (dict, list)):
                yield from times_in(each)
            elif key.endswith(("Time", "Timestamp", "At")) and key != "deletionTimestamp":
                time = seconds(each)
                if time is not None:
                    yield time
    elif isinstance(value, list):
        for each in value:
            yield from times_in(each)


def usable(pods: Iterable[Item], wrong: Wrong) -> Iterator[Item]:
    """The pods whose parts have the shapes the API gives them; the others are noted in `wrong`."""
    for item in pods:
        parts = ("metadata", "spec", "status")
        misshapen = next((each for each in parts if not isinstance(item.value.get(each), dict)), None)
        if misshapen is not None:
            wrong.note(item, (misshapen,), "expected a mapping, as the API server writes pods")
            continue
        broken = [(path, text) for path, text in _written_times(item.value) if seconds(text) is None]
        for path, text in broken:
            wrong.note(item, path, f"{shown(text)} is no time; the API server writes them as {_A_TIME}")
        if not broken:
            yield item


def _written_times(value: Mapping[str, Any]) -> Iterator[tuple[Path, object]]:
    """Every time of a pod that lengths are read off, and where it stands; what is left out or null is none."""
    status = value["status"]
    times: list[tuple[Path, object]] = [
        (("metadata", "creationTimestamp"), value["metadata"].get("creationTimestamp"))
    ]
    for index, each in _numbered(status.get("conditions")):
        path: Path = ("status", "conditions", index, "lastTransitionTime")
        times.append((path, each.get("lastTransitionTime")))
    for index, each in _numbered(status.get("containerStatuses")):
        path = ("status", "containerStatuses", index, "state", "running", "startedAt")
        times.append((path, mapping(mapping(each.get("state")).get("running")).get("startedAt")))
    for index, each in _numbered(status.get("initContainerStatuses")):
        path = ("status", "initContainerStatuses", index, "state", "terminated")
        ended = mapping(mapping(each.get("state")).get("terminated"))
        times += [((*path, name), ended.get(name)) for name in ("startedAt", "finishedAt")]
    return ((path, text) for path, text in times if text is not None)


def _numbered(value: object) -> Iterator[tuple[int, dict[str, Any]]]:
    """The objects in a list with their places."""
    for index, each in enumerate(value if isinstance(value, list) else ()):
        if isinstance(each, dict):
            yield index, each

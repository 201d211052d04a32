"""Requests: when traffic reaches which instances, and which requests are lost when one stops.

A function of the history alone: nothing of it is simulated as events. A *unit* is what a Service sends requests
to: an instance as a whole (it serves when all its pods do), or each pod by itself. Readiness becomes traffic after
the EndpointSlice controller and the nodes' proxies have followed (`cluster/endpoints.py`); a unit that is told to stop
gets requests until then, and works off what it has until its engine ends.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from statistics import fmean, stdev

from kubeinfer_sim.cluster.endpoints import ProxyDelay
from kubeinfer_sim.cluster.records import (
    ContainerDied,
    ContainersRunning,
    GangScheduled,
    InstanceRef,
    NodeFailed,
    PodCreated,
    PodDeleting,
    PodGone,
    PodNotReady,
    PodReady,
    PodRef,
)
from kubeinfer_sim.cluster.stages import EXIT, PRE_STOP
from kubeinfer_sim.controllers.kubeinfer.records import InstanceReady
from kubeinfer_sim.engine.history import Record
from kubeinfer_sim.engine.streams import Streams
from kubeinfer_sim.metrics.steps import Steps
from kubeinfer_sim.scenario.model import Traffic

#: Draws of the length of a request; the interval beside each estimate tells what that is worth.
DRAWS = 4_000
#: Half the width of a 95 % interval in standard errors.
_Z95 = 1.96


@dataclass(slots=True)
class _Pod:
    """What is known of a pod now. `ends`: when its engine stops, as planned when it was told to."""

    ready: bool = False
    terminating: bool = False
    running: bool = False
    ends: int | None = None


@dataclass(frozen=True, slots=True)
class Stop:
    """A unit that stopped serving for good, or until it starts anew.

    Attributes:
        at: it was told to stop, or just stopped.
        out: from then on no proxy sends it anything.
        ends: its engine ends; what it has not answered by then is lost.
        reason: of the deletion or death.
        cut, refused: expected requests that are lost in its hands, and that reach it when it is dead.
        error: half the width of the 95 % interval of their sum.
    """

    unit: str
    at: int
    out: int
    ends: int
    reason: str
    cut: float
    refused: float
    error: float


@dataclass(frozen=True, slots=True)
class TrafficMeasures:
    """What traffic met.

    Attributes:
        serving: units that get requests and answer them, over time.
        unserved: time without any such unit once there has been one, in ms, and the longest stretch of it.
        misdirected: unit-ms in which requests go to units that do not answer (their addresses are published
            although they are not ready).
        stops: in order of time.
    """

    serving: Steps
    unserved: int
    longest_unserved: int
    misdirected: int
    stops: tuple[Stop, ...] = ()

    @property
    def lost(self) -> tuple[float, float]:
        """Expected requests lost in all, and half the width of the 95 % interval."""
        stops = self.stops
        return sum(s.cut + s.refused for s in stops), sum(s.error**2 for s in stops) ** 0.5


@dataclass(slots=True)
class _Unit:
    pods: dict[PodRef, _Pod] = field(default_factory=dict)
    serving: bool = False


class _Follower:
    """Goes through the history; `changes` are (ms, unit, serves) in order of time."""

    def __init__(self, *, whole: bool) -> None:
        self._whole = whole
        self._units: dict[str, _Unit] = {}
        self._node: dict[str, list[PodRef]] = {}
        self.changes: list[tuple[int, str, bool]] = []
        self.stops: list[tuple[int, str, int, str]] = []
        self.died: dict[str, int] = {}
        self.exposed = 0
        self._exposed_since: dict[str, int] = {}

    def follow(self, record: Record) -> None:
        match record:
            case PodCreated():
                self._unit(record.pod).pods[record.pod] = _Pod()
            case GangScheduled():
                for ref, node in record.nodes:
                    self._node.setdefault(node, []).append(ref)
            case ContainersRunning():
                self._pod(record.pod).running = True
            case InstanceReady():
                self._instance_ready(record)
            case PodReady():
                pod = self._pod(record.pod)
                pod.ready = pod.running = True
            case PodNotReady():
                self._pod(record.pod).ready = False
            case ContainerDied(init=False):
                self._ends(record.pod, record.at, record.at, record.reason)
                self._pod(record.pod).ready = self._pod(record.pod).running = False
            case PodDeleting():
                pod = self._pod(record.pod)
                stops = sum(s.duration or 0 for s in record.stages if s.name in (PRE_STOP, EXIT))
                pod.terminating = True
                if pod.ready or pod.running:
                    self._ends(record.pod, record.at, record.at + stops, record.reason)
                pod.ready = False
            case PodGone():
                self._unit(record.pod).pods.pop(record.pod, None)
            case NodeFailed() if record.mode in ("silent", "reboot"):
                for ref in self._node.get(record.node, ()):
                    if ref in self._unit(ref).pods:
                        if self._units[self._key(ref)].serving:
                            self.died.setdefault(self._key(ref), record.at)
                        self._ends(ref, record.at, record.at, "the node died")
            case _:
                return
        if not isinstance(record, InstanceReady | GangScheduled | NodeFailed):
            self._weigh(record.at, self._key(record.pod))

    def _key(self, pod: PodRef) -> str:
        return f"{pod.instance.name}#{pod.instance.uid}" if self._whole else f"{pod.name}#{pod.generation}"

    def _unit(self, pod: PodRef) -> _Unit:
        return self._units.setdefault(self._key(pod), _Unit())

    def _pod(self, pod: PodRef) -> _Pod:
        return self._unit(pod).pods.setdefault(pod, _Pod())

    def _instance_ready(self, record: InstanceReady) -> None:
        """Pods that ran at the start say nothing of themselves."""
        for key in self._keys_of(record.instance):
            for pod in self._units[key].pods.values():
                if not pod.terminating:
                    pod.ready = pod.running = True
            self._weigh(record.at, key)

    def _keys_of(self, instance: InstanceRef) -> Iterable[str]:
        return [key for key, unit in self._units.items() if any(p.instance == instance for p in unit.pods)]

    def _ends(self, ref: PodRef, at: int, ends: int, reason: str) -> None:
        """A pod of a unit that serves is told to stop, or dies: the unit ends with the first of its pods."""
        key = self._key(ref)
        if self._units[key].serving:
            self.stops.append((at, key, ends, reason))

    def _weigh(self, at: int, key: str) -> None:
        unit = self._units.get(key)
        if unit is None:
            return
        serves = bool(unit.pods) and all(pod.ready and not pod.terminating for pod in unit.pods.values())
        if serves is not unit.serving:
            unit.serving = serves
            self.changes.append((at, key, serves))
        exposed = not serves and any(pod.running for pod in unit.pods.values())
        if exposed and key not in self._exposed_since:
            self._exposed_since[key] = at
        elif not exposed and key in self._exposed_since:
            self.exposed += at - self._exposed_since.pop(key)

    def finish(self, at: int) -> None:
        """The run is over."""
        self.exposed += sum(at - since for since in self._exposed_since.values())


def measure_traffic(
    records: Iterable[Record],
    traffic: Traffic,
    *,
    whole: bool,
    publish_not_ready: bool = False,
    ended_at: int,
    seed: int,
) -> TrafficMeasures:
    """What traffic met in a recorded run.

    Args:
        records: the history.
        traffic: delays and requests.
        whole: an instance serves as a whole, else each pod by itself.
        publish_not_ready: a Service has `publishNotReadyAddresses`: its endpoints always count as ready.
        ended_at: end of the run, ms.
        seed: of the draws of request lengths.
    """
    follower = _Follower(whole=whole)
    for record in records:
        follower.follow(record)
    follower.finish(ended_at)
    delay = ProxyDelay(traffic.propagation, traffic.sync_period)
    effective = delay.effective([at for at, _, _ in follower.changes])
    # A unit on a dead machine answers no more, long before it leaves the endpoints.
    deltas: list[tuple[int, int]] = []
    out: dict[str, list[tuple[int, int]]] = {}
    for (at, key, serves), seen in zip(follower.changes, effective, strict=True):
        if serves:
            deltas.append((seen, 1))
            continue
        out.setdefault(key, []).append((at, seen))
        died = follower.died.pop(key, None)
        deltas.append((seen if died is None else died, -1))
    deltas += [(died, -1) for died in follower.died.values()]
    serving = Steps()
    count = 0
    for at, delta in sorted(deltas, key=lambda each: each[0]):
        count += delta
        serving.set(at, count)
    lengths = _lengths(traffic, seed)
    stops = tuple(
        _stop(key.partition("#")[0], at, _out(out.get(key, []), at, ended_at), ends, reason, traffic, lengths)
        for key, at, ends, reason in _first_ends(follower.stops)
    )
    # Without any ready endpoint the proxies fall back to those that still serve while they terminate.
    fallback = [(stop.at, stop.ends) for stop in stops]
    gaps = [length for gap in _gaps(serving, ended_at) for length in _uncovered(gap, fallback)]
    exposed = follower.exposed if publish_not_ready else 0
    return TrafficMeasures(serving, sum(gaps), max(gaps, default=0), exposed, stops)


def _out(changes: Sequence[tuple[int, int]], at: int, ended_at: int) -> int:
    """When the proxies have followed the first change not before `at`; the end of the run if there is none."""
    return next((seen for change, seen in changes if change >= at), ended_at)


def _first_ends(stops: Sequence[tuple[int, str, int, str]]) -> list[tuple[str, int, int, str]]:
    """One entry per unit and instant: the pod that ends first."""
    found: dict[tuple[str, int], tuple[int, str]] = {}
    for at, key, ends, reason in stops:
        if (key, at) not in found or ends < found[key, at][0]:
            found[key, at] = ends, reason
    return [(key, at, ends, reason) for (key, at), (ends, reason) in found.items()]


def _lengths(traffic: Traffic, seed: int) -> list[int]:
    if traffic.request_duration is None:
        return []
    source = Streams(seed).named("traffic/request-duration")
    drawn = (traffic.request_duration.sample(source) for _ in range(DRAWS))
    return [length for length in drawn if length is not None]


def _stop(unit: str, at: int, out: int, ends: int, reason: str, traffic: Traffic, lengths: list[int]) -> Stop:
    """Requests arrive as a Poisson stream of `rate` per unit; those of length L are in hand rate x L at a time.

    Of those that came up to the last moment the unit was sent any (or lived), the ones longer than what it has left
    are cut: rate x E[max(0, L - left)]. Those that reach it after its end are refused.
    """
    rate = traffic.requests_per_second or 0.0
    left = max(0, ends - out)
    over = [max(0, length - left) / 1000 for length in lengths]
    cut = rate * fmean(over) if over else 0.0
    error = rate * _Z95 * stdev(over) / len(over) ** 0.5 if len(over) > 1 else 0.0
    refused = rate * max(0, out - ends) / 1000
    return Stop(unit, at, out, ends, reason, cut, refused, error)


def _gaps(serving: Steps, ended_at: int) -> list[tuple[int, int]]:
    """Stretches without any unit in service, from the first on."""
    gaps = []
    points = [(at, value) for at, value in serving.points if at <= ended_at]
    for index, (at, value) in enumerate(points):
        if value == 0 and index:
            gaps.append((at, points[index + 1][0] if index + 1 < len(points) else ended_at))
    return gaps


def _uncovered(gap: tuple[int, int], covers: Sequence[tuple[int, int]]) -> list[int]:
    """Lengths of what is left of a gap without the stretches that cover it."""
    left = []
    at, until = gap
    for since, end in sorted(covers):
        if since > at:
            left.append(min(since, until) - at)
        at = max(at, end)
        if at >= until:
            return [length for length in left if length > 0]
    left.append(until - at)
    return [length for length in left if length > 0]

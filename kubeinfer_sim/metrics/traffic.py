"""Requests: when traffic reaches which instances, and which requests are lost when one stops.

A function of the history alone: nothing of it is simulated as events. A *unit* is what a Service sends requests
to: an instance as a whole (it serves when all its pods do), or each pod by itself. Readiness becomes traffic after
the EndpointSlice controller and the nodes' proxies have followed (`cluster/endpoints.py`); a unit that is told to stop
gets requests until then, and works off what it has until its engine ends.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean

from msgspec import Struct, field

from kubeinfer_sim.cluster.endpoints import ProxyDelay, conditions
from kubeinfer_sim.cluster.fault_records import PodSlowed
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
from kubeinfer_sim.engine.meter import End, Handlers
from kubeinfer_sim.metrics.lost_requests import Stop, request_lengths, stop_of
from kubeinfer_sim.metrics.steps import Steps
from kubeinfer_sim.scenario.model import Traffic


class _Pod(Struct):
    """What is known of a pod now."""

    ready: bool = False
    terminating: bool = False
    running: bool = False
    hangs: bool = False


class TrafficMeasures(Struct, frozen=True):
    """What traffic met.

    Attributes:
        serving: units that get requests and answer them, over time.
        unserved: time without any such unit once there has been one, in ms, and the longest stretch of it.
        misdirected: unit-ms in which requests go to units that do not answer (their addresses are published
            although they are not ready).
        stops: in order of time.
        hung: unit-ms in which requests go to units that compute nothing, though their checks pass.
        unanswered: expected requests that are lost so.
    """

    serving: Steps
    unserved: int
    longest_unserved: int
    misdirected: int
    stops: tuple[Stop, ...] = ()
    hung: int = 0
    unanswered: float = 0.0

    @property
    def lost(self) -> tuple[float, float]:
        """Expected requests lost in all, and half the width of the 95 % interval."""
        stops = self.stops
        lost = sum(s.cut + s.refused for s in stops) + self.unanswered
        return lost, sum(s.error**2 for s in stops) ** 0.5


class _Unit(Struct):
    """What a Service sends requests to: whether it serves, and since when it gets requests it does not answer.

    `exposed_since`: as it is not ready; `hangs_since`: as a pod of it computes nothing, while it counts as ready.
    """

    pods: dict[PodRef, _Pod] = field(default_factory=dict)
    serving: bool = False
    exposed_since: int | None = None
    hangs_since: int | None = None


class TrafficMeter:
    """Follows what serves and what stops.

    Args:
        traffic: delays and requests.
        whole: an instance serves as a whole, else each pod by itself.
        publish_not_ready: a Service has `publishNotReadyAddresses`: its endpoints always count as ready.
        seed: of the draws of request lengths.
    """

    def __init__(self, traffic: Traffic, *, whole: bool, publish_not_ready: bool = False, seed: int) -> None:
        self._traffic = traffic
        self._whole = whole
        self._publish_not_ready = publish_not_ready
        self._seed = seed
        self._units: dict[str, _Unit] = {}
        # Keys of the units in which an instance has pods; pods by node, and their nodes.
        self._keys: dict[InstanceRef, dict[str, None]] = {}
        self._on: dict[str, dict[PodRef, None]] = {}
        self._node: dict[PodRef, str] = {}
        # (ms, unit, serves) and (ms, unit, end, reason), in order of time.
        self._changes: list[tuple[int, str, bool]] = []
        self._stops: list[tuple[int, str, int, str]] = []
        # When units that served were on a machine that died.
        self._died: dict[str, int] = {}
        self._exposed = 0
        # (unit, since, until) of units that served and computed nothing.
        self._hangs: list[tuple[str, int, int]] = []

    def handlers(self) -> Handlers:
        """What it listens to."""
        return {
            PodCreated: self._pod_created,
            GangScheduled: self._scheduled,
            ContainersRunning: self._running,
            InstanceReady: self._instance_ready,
            PodReady: self._pod_ready,
            PodNotReady: self._pod_not_ready,
            PodSlowed: self._pod_slowed,
            ContainerDied: self._container_died,
            PodDeleting: self._pod_deleting,
            PodGone: self._pod_gone,
            NodeFailed: self._node_failed,
        }

    def finish(self, ended_at: int, end: End) -> TrafficMeasures:
        """What traffic met."""
        since = (unit.exposed_since for unit in self._units.values() if unit.exposed_since is not None)
        exposed = self._exposed + sum(ended_at - at for at in since)
        still = {key: unit.hangs_since for key, unit in self._units.items() if unit.hangs_since is not None}
        serving, out = self._endpoints(still)
        lengths = request_lengths(self._traffic, self._seed)
        hung = sum(until - at for _, at, until in self._hangs) + sum(ended_at - at for at in still.values())
        # Those in its hands when it began to hang are lost, too: where it ends, its stop counts as many.
        seconds = hung / 1000 + (len(still) * fmean(lengths) / 1000 if lengths else 0.0)
        unanswered = (self._traffic.requests_per_second or 0.0) * seconds
        stops = tuple(
            stop_of(
                key.partition("#")[0],
                at,
                _out(out.get(key, []), at, ended_at),
                ends,
                reason,
                self._traffic,
                lengths,
            )
            for key, at, ends, reason in _first_ends(self._stops)
        )
        # Without any ready endpoint the proxies fall back to those that still serve while they terminate.
        fallback = [(stop.at, stop.ends) for stop in stops]
        gaps = [length for gap in _gaps(serving, ended_at) for length in _uncovered(gap, fallback)]
        misdirected = exposed if self._publish_not_ready else 0
        longest = max(gaps, default=0)
        return TrafficMeasures(serving, sum(gaps), longest, misdirected, stops, hung, unanswered)

    def _endpoints(self, still: Mapping[str, int]) -> tuple[Steps, dict[str, list[tuple[int, int]]]]:
        """Units in service as the proxies have it; unit -> (it stopped, the proxies have followed).

        `still`: units that hang to the end, and since when.
        """
        delay = ProxyDelay(self._traffic.propagation, self._traffic.sync_period)
        effective = delay.effective([at for at, _, _ in self._changes])
        died = dict(self._died)
        # A unit on a dead machine answers no more, long before it leaves the endpoints.
        deltas: list[tuple[int, int]] = []
        out: dict[str, list[tuple[int, int]]] = {}
        for (at, key, serves), seen in zip(self._changes, effective, strict=True):
            if serves:
                deltas.append((seen, 1))
                continue
            out.setdefault(key, []).append((at, seen))
            deltas.append((died.pop(key, seen), -1))
        deltas += [(at, -1) for at in died.values()]
        deltas += [(at, -1) for at in still.values()]
        for key, since, until in self._hangs:
            # One that stops serving while it hangs answers nothing until the proxies know, either.
            seen = next((seen for at, seen in out.get(key, ()) if at == until), until)
            deltas += [(since, -1), (seen, 1)]
        serving = Steps()
        count = 0
        for at, delta in sorted(deltas, key=lambda each: each[0]):
            count += delta
            serving.set(at, count)
        return serving, out

    def _pod_created(self, record: PodCreated) -> None:
        self._pod(record.pod)
        self._update(record.at, record.pod)

    def _scheduled(self, record: GangScheduled) -> None:
        for ref, node in record.nodes:
            self._on.setdefault(node, {})[ref] = None
            self._node[ref] = node

    def _running(self, record: ContainersRunning) -> None:
        self._pod(record.pod).running = True
        self._update(record.at, record.pod)

    def _instance_ready(self, record: InstanceReady) -> None:
        """Pods that ran at the start say nothing of themselves."""
        for key in self._keys.get(record.instance, ()):
            unit = self._units[key]
            for pod in unit.pods.values():
                if not pod.terminating:
                    pod.ready = pod.running = True
            self._update_unit(record.at, key, unit)

    def _pod_ready(self, record: PodReady) -> None:
        pod = self._pod(record.pod)
        pod.ready = pod.running = True
        self._update(record.at, record.pod)

    def _pod_not_ready(self, record: PodNotReady) -> None:
        self._pod(record.pod).ready = False
        self._update(record.at, record.pod)

    def _pod_slowed(self, record: PodSlowed) -> None:
        unit = self._units.get(self._key(record.pod))
        if unit is not None and record.pod in unit.pods:
            unit.pods[record.pod].hangs = record.factor == 0
            self._update(record.at, record.pod)

    def _container_died(self, record: ContainerDied) -> None:
        if not record.init:
            pod = self._pod(record.pod)
            self._ends(record.pod, record.at, record.at, record.reason)
            pod.ready = pod.running = pod.hangs = False
            self._update(record.at, record.pod)

    def _pod_deleting(self, record: PodDeleting) -> None:
        pod = self._pod(record.pod)
        stops = sum(s.duration or 0 for s in record.stages if s.name in (PRE_STOP, EXIT))
        pod.terminating = True
        self._ends(record.pod, record.at, record.at + stops, record.reason)
        pod.ready = False
        self._update(record.at, record.pod)

    def _pod_gone(self, record: PodGone) -> None:
        ref, key = record.pod, self._key(record.pod)
        self._on.get(self._node.pop(ref, ""), {}).pop(ref, None)
        unit = self._units.get(key)
        if unit is None:
            return
        unit.pods.pop(ref, None)
        self._update_unit(record.at, key, unit)
        if not unit.pods:
            del self._units[key]
            del self._keys[ref.instance][key]
            if not self._keys[ref.instance]:
                del self._keys[ref.instance]

    def _node_failed(self, record: NodeFailed) -> None:
        if record.mode not in ("silent", "reboot"):
            return
        for ref in self._on.get(record.node, ()):
            key = self._key(ref)
            if key in self._units and self._units[key].serving:
                self._died.setdefault(key, record.at)
            self._ends(ref, record.at, record.at, "the node died")

    def _key(self, pod: PodRef) -> str:
        return f"{pod.instance.name}#{pod.instance.uid}" if self._whole else f"{pod.name}#{pod.generation}"

    def _pod(self, ref: PodRef) -> _Pod:
        key = self._key(ref)
        unit = self._units.get(key)
        if unit is None:
            unit = self._units[key] = _Unit()
            self._keys.setdefault(ref.instance, {})[key] = None
        return unit.pods.setdefault(ref, _Pod())

    def _ends(self, ref: PodRef, at: int, ends: int, reason: str) -> None:
        """A unit ends with the first of its pods that is told to stop, or dies."""
        key = self._key(ref)
        if key in self._units and self._units[key].serving:
            self._stops.append((at, key, ends, reason))

    def _update(self, at: int, pod: PodRef) -> None:
        key = self._key(pod)
        self._update_unit(at, key, self._units[key])

    def _update_unit(self, at: int, key: str, unit: _Unit) -> None:
        serves = bool(unit.pods) and all(
            conditions(pod_ready=pod.ready, pod_terminating=pod.terminating).ready
            for pod in unit.pods.values()
        )
        if serves is not unit.serving:
            unit.serving = serves
            self._changes.append((at, key, serves))
        hangs = serves and any(pod.hangs for pod in unit.pods.values())
        if hangs and unit.hangs_since is None:
            unit.hangs_since = at
        elif not hangs and unit.hangs_since is not None:
            self._hangs.append((key, unit.hangs_since, at))
            unit.hangs_since = None
        exposed = not serves and any(pod.running for pod in unit.pods.values())
        if exposed and unit.exposed_since is None:
            unit.exposed_since = at
        elif not exposed and unit.exposed_since is not None:
            self._exposed += at - unit.exposed_since
            unit.exposed_since = None


def _out(changes: Sequence[tuple[int, int]], at: int, ended_at: int) -> int:
    """When the proxies have followed the first change not before `at`; the end of the run if there is none."""
    return next((seen for change, seen in changes if change >= at), ended_at)


def _first_ends(stops: Sequence[tuple[int, str, int, str]]) -> list[tuple[str, int, int, str]]:
    """One entry per unit and instant: the pod that ends first."""
    first: dict[tuple[str, int], tuple[int, str]] = {}
    for at, key, ends, reason in stops:
        if (key, at) not in first or ends < first[key, at][0]:
            first[key, at] = ends, reason
    return [(key, at, ends, reason) for (key, at), (ends, reason) in first.items()]


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

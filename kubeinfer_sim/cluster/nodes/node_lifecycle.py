"""The node lifecycle controller: silent nodes become Unknown, nodes that are not ready are tainted.

pkg/controller/nodelifecycle/node_lifecycle_controller.go. It looks at all nodes every 5 s (the monitor pass)
and taints those that are not ready with NoExecute in a loop of 100 ms, limited per zone. Here a pass is
carried out only when it will find something (a node that changed, a grace period that is over), and looks
only at those nodes; the loop only when a node waits and its zone has a token. Which pass and which round that
is follows from the times alone, so healthy nodes cost nothing and the outcome is the same to the millisecond.

Rules that surprise, all seen in recorded traces:

- The grace period runs from the pass that first saw the newest sign of life, and the node becomes Unknown at
  the first pass strictly later than its end.
- A posted status makes the controller forget the lease it knew, so that the *next* pass takes that lease for
  a renewal: a node whose last sign of life is a post gets one pass more.
- The NoSchedule taint follows the Ready condition at once. NoExecute taints are added by the loop, exchanged
  and removed by passes only.
- When no counted node of any zone is ready, all NoExecute taints are taken away and none is added.
"""

from __future__ import annotations

from msgspec import Struct, field
from msgspec.structs import replace

from kubeinfer_sim.cluster.api import Api
from kubeinfer_sim.cluster.heartbeat import NEVER
from kubeinfer_sim.cluster.node import (
    NO_EXECUTE,
    NO_SCHEDULE,
    NOT_READY,
    UNREACHABLE,
    UNSCHEDULABLE,
    Node,
    Ready,
)
from kubeinfer_sim.cluster.nodes.passes import pass_from
from kubeinfer_sim.cluster.nodes.zone_state import EvictionRates, Zone, ZoneState
from kubeinfer_sim.cluster.pod import Pod
from kubeinfer_sim.cluster.rate_limit import TokenBucket
from kubeinfer_sim.cluster.watcher import Watcher
from kubeinfer_sim.engine.clock import Clock, Phase, Timer
from kubeinfer_sim.engine.history import NO_CAUSE
from kubeinfer_sim.manifest.releases import LATEST
from kubeinfer_sim.scenario.cluster.model import Taint

#: Period of the loop that adds NoExecute taints (scheduler.NodeEvictionPeriod).
TAINT_LOOP_PERIOD = 100

_NO_EXECUTE = {"False": Taint(NOT_READY, "", NO_EXECUTE), "Unknown": Taint(UNREACHABLE, "", NO_EXECUTE)}
_OPPOSITE = {"False": _NO_EXECUTE["Unknown"], "Unknown": _NO_EXECUTE["False"]}
_NO_SCHEDULE = {"False": Taint(NOT_READY, "", NO_SCHEDULE), "Unknown": Taint(UNREACHABLE, "", NO_SCHEDULE)}
_CORDONED = Taint(UNSCHEDULABLE, "", NO_SCHEDULE)
_MANAGED_NO_SCHEDULE = (*_NO_SCHEDULE.values(), _CORDONED)


class NodeLifecycleSettings(Struct, frozen=True):
    """Flags and phases of the controller; milliseconds.

    Attributes:
        first_pass: when the first monitor pass takes place; before 0: the controller runs already.
        period: --node-monitor-period, from the end of one pass to the beginning of the next.
        pass_duration: how long a pass takes. 0 is an ideal clock, with which detection takes one pass more.
        grace: --node-monitor-grace-period.
        startup_grace: --node-startup-grace-period, for nodes whose kubelet never posted.
    """

    first_pass: int = 0
    period: int = 5_000
    pass_duration: int = 10
    grace: int = LATEST.node_monitor_grace
    startup_grace: int = 60_000
    rates: EvictionRates = field(default_factory=EvictionRates)

    @property
    def for_long(self) -> NodeLifecycleSettings:
        """The same of a controller that has run for an hour when the simulation begins."""
        return replace(self, first_pass=self.first_pass - 720 * (self.period + self.pass_duration))


UPSTREAM_DEFAULTS = NodeLifecycleSettings()


class _Health(Struct):
    """What the controller remembers of a node.

    Attributes:
        first_seen: the pass that first saw it.
        zone: where it is counted and queued.
        seen: its Ready condition as the last pass that looked at it left it.
        counted: as ready or not ready; None while not at all.
    """

    first_seen: int
    zone: Zone
    seen: Ready | None = None
    counted: bool | None = None


class NodeLifecycleController(Watcher):
    """The controller; nodes the API holds when it is made are found by its first pass."""

    def __init__(self, clock: Clock, api: Api, settings: NodeLifecycleSettings = UPSTREAM_DEFAULTS) -> None:
        self.clock = clock
        self.api = api
        self.settings = settings
        self.zones: dict[str, Zone] = {}
        self._health: dict[str, _Health] = {}
        self._changed: dict[str, None] = {}
        self._deciding: dict[str, int] = {}
        self._passes: dict[int, dict[str, None]] = {}
        self._loops: dict[str, Timer] = {}
        self._last_pass = -1
        self._probes_reset = NEVER
        self._writing = False
        self._last_cause = NO_CAUSE  # of the node whose count changed last
        for node in api.nodes.values():
            self._sync_no_schedule(node)
            self._look_at(node.name)

    # What happens outside

    def node_added(self, node: Node) -> None:
        """The next pass will see the node."""
        self._sync_no_schedule(node)
        self._look_at(node.name)

    def node_removed(self, node: Node) -> None:
        """The next pass will miss the node."""
        self._deciding.pop(node.name, None)
        self._look_at(node.name)

    def node_ready_changed(self, node: Node) -> None:
        """The NoSchedule taint follows at once, everything else with the next pass."""
        self._sync_no_schedule(node)
        if not self._writing:
            self._look_at(node.name)

    def node_spec_changed(self, node: Node) -> None:
        """Taints somebody else added or removed are put right."""
        self._sync_no_schedule(node)
        if not self._writing:
            self._look_at(node.name)

    def node_labels_changed(self, node: Node) -> None:
        """The next pass finds the node in another zone, or counts it no more."""
        self._look_at(node.name)

    def pod_bound(self, pod: Pod) -> None:
        """A pod bound to a node that is known not to be ready is not ready."""
        assert pod.node is not None
        name = pod.node.name
        health = self._health.get(name)
        if health is not None and name in self.api.nodes and health.seen in ("False", "Unknown"):
            self._overrule(pod)

    def node_silent(self, node: Node) -> None:
        """A node sends no more signs of life.

        The controller cannot know, but that is when the pass that will notice can be told.
        """
        health = self._health.get(node.name)
        if health is not None and self.api.nodes.get(node.name) is node:
            self._decide(node, health)

    def _overrule(self, pod: Pod) -> None:
        assert pod.node is not None
        self.api.overrule(pod, pod.node.last)

    # Monitor passes

    def _look_at(self, name: str) -> None:
        """Have the next pass look at a node."""
        self._changed[name] = None
        self._pass_at(pass_from(self.settings, self._next_pass_from()))

    def _next_pass_from(self) -> int:
        """The earliest moment a pass that has not begun yet may have."""
        return max(self.clock.now, self._last_pass + 1)

    def _pass_at(self, when: int) -> dict[str, None]:
        nodes = self._passes.get(when)
        if nodes is None:
            nodes = self._passes[when] = {}
            self.clock.at(when, self._monitor, phase=Phase.CONTROLLER)
        return nodes

    def _grace_ends(self, node: Node, health: _Health) -> int:
        """The last moment at which the node is not yet overdue, unless it sends another sign of life."""
        if node.ready is None:
            created = node.created // 1000 * 1000
            return max(created, self._probes_reset) + self.settings.startup_grace
        probed = health.first_seen
        beat, now = node.heartbeat, self.clock.now
        if beat is not None:
            leased = max(probed, pass_from(self.settings, beat.renewed(now)))
            posted = max(probed, pass_from(self.settings, beat.reported(now)))
            probed = leased if posted <= leased else pass_from(self.settings, posted + 1)
        return max(probed, self._probes_reset) + self.settings.grace

    def _decide(self, node: Node, health: _Health) -> None:
        """Have the pass look at the node at which it will be overdue."""
        earliest = max(self._grace_ends(node, health) + 1, self._next_pass_from())
        when = pass_from(self.settings, earliest)
        self._deciding[node.name] = when
        self._pass_at(when)[node.name] = None

    def _monitor(self) -> None:
        """One monitor pass."""
        now = self._last_pass = self.clock.now
        names, self._changed = self._changed, {}
        names.update(self._passes.pop(now))
        self._writing = True
        for name in names:
            if name not in self.api.nodes:
                self._uncount(self._health.pop(name, None))
        # Nodes found overdue together are queued in the order of their creation; the real order is arbitrary.
        nodes = (self.api.nodes[name] for name in names if name in self.api.nodes)
        for node in sorted(nodes, key=lambda node: node.number):
            self._monitor_node(node)
        self._handle_disruption()
        self._writing = False
        for name in self.zones:
            self._plan_loop(name)

    def _monitor_node(self, node: Node) -> None:
        now, name = self.clock.now, node.name
        health = self._health.get(name)
        if health is None:
            health = self._first_seen(node)
        elif health.zone is not (zone := self._zone(node)):
            self._uncount(health)
            health.zone = zone
        observed = node.ready
        if self._deciding.get(name) == now:
            del self._deciding[name]
            if now > self._grace_ends(node, health):
                self.api.set_node_ready(node, "Unknown")
        health.seen = node.ready
        counted = node.ready == "True" if node.counted else None
        if counted is not health.counted:
            self._last_cause = node.last
            self._uncount(health)
            health.counted = counted
            if counted is not None:
                health.zone.ready += counted
                health.zone.not_ready += not counted
        if node.ready is None:
            return
        self._taint_or_reach(node, health.zone, node.ready)
        if observed == "True" and node.ready != "True":
            for pod in self.api.unfinished_on(name):
                self._overrule(pod)

    def _first_seen(self, node: Node) -> _Health:
        zone = self._zone(node)
        # Of nodes that were there before the simulation began, an earlier pass than this one.
        first_seen = min(self.clock.now, pass_from(self.settings, node.created))
        health = self._health[node.name] = _Health(first_seen, zone)
        self._mark_reachable(node, zone)
        if node.heartbeat is None or node.heartbeat.alive_since is None:
            self._decide(node, health)
        return health

    def _zone(self, node: Node) -> Zone:
        """The zone it is in by its label."""
        zone = self.zones.get(node.zone)
        if zone is None:
            bucket = TokenBucket(self.settings.rates.normal, 1, self.clock.now)
            zone = self.zones[node.zone] = Zone(bucket)
        return zone

    @staticmethod
    def _uncount(health: _Health | None) -> None:
        if health is not None and health.counted is not None:
            health.zone.ready -= health.counted
            health.zone.not_ready -= not health.counted
            health.counted = None

    def _taint_or_reach(self, node: Node, zone: Zone, ready: Ready) -> None:
        """processTaintBaseEviction: exchange the taint at once, queue for it, or take it away."""
        if ready == "True":
            self._mark_reachable(node, zone)
        elif _OPPOSITE[ready] in node.taints:
            self.api.change_taints(node, [_NO_EXECUTE[ready]], [_OPPOSITE[ready]])
        elif _NO_EXECUTE[ready] not in node.taints:
            zone.waiting[node.name] = None

    def _mark_reachable(self, node: Node, zone: Zone) -> None:
        self.api.change_taints(node, remove=_NO_EXECUTE.values())
        zone.waiting.pop(node.name, None)

    def _sync_no_schedule(self, node: Node) -> None:
        """doNoScheduleTaintingPass: these taints are a function of the node's condition and spec."""
        wanted = [_NO_SCHEDULE[node.ready]] if node.ready in _NO_SCHEDULE else []
        if node.unschedulable:
            wanted.append(_CORDONED)
        if any((taint in node.taints) != (taint in wanted) for taint in _MANAGED_NO_SCHEDULE):
            before, self._writing = self._writing, True
            self.api.change_taints(node, wanted, [t for t in _MANAGED_NO_SCHEDULE if t not in wanted])
            self._writing = before

    # Zones and the taint loop

    def _handle_disruption(self) -> None:
        """Change the rates of zones whose state changed; stop everything while no zone has a ready node."""
        rates, now = self.settings.rates, self.clock.now
        counted = [zone for zone in self.zones.values() if zone.counted]
        for zone in self.zones.values():
            if not zone.counted:
                zone.state = ZoneState.INITIAL
        states = [rates.state(zone.ready, zone.not_ready) for zone in counted]
        all_were = all(zone.state is ZoneState.FULL for zone in counted)
        if all(state is ZoneState.FULL for state in states):
            if not all_were:
                self._stop_tainting(counted)
            return
        if all_were:
            self._probes_reset = now
            for name in list(self._deciding):
                self._decide(self.api.nodes[name], self._health[name])
        for zone, state in zip(counted, states, strict=True):
            if all_were or zone.state is not state:
                zone.set_rate(rates.rate(state, zone.counted), now)
                self._enter(zone, state)

    def _stop_tainting(self, zones: list[Zone]) -> None:
        """Every zone is out: more likely the controller is cut off than all nodes dead."""
        for name, health in self._health.items():
            node = self.api.nodes[name]
            self._mark_reachable(node, health.zone)
            if node.ready != "True":
                self._look_at(name)  # and will be queued again
        for zone in zones:
            zone.set_rate(0, self.clock.now)
            self._enter(zone, ZoneState.FULL)

    def _enter(self, zone: Zone, state: ZoneState) -> None:
        """A zone is in this state from now on, which is told unless it was never in another than Normal."""
        before, zone.state = zone.state, state
        if state is ZoneState.NORMAL and before in (ZoneState.INITIAL, ZoneState.NORMAL):
            return
        name = next(name for name, each in self.zones.items() if each is zone)
        self.api.zone_changed(
            name,
            str(state),
            ready=zone.ready,
            nodes=zone.counted,
            evicts=zone.limiter is not None,
            cause=self._last_cause,
        )

    def _plan_loop(self, name: str) -> None:
        """Set the timer for the round of the loop that will find a node waiting and a token for it."""
        zone = self.zones[name]
        timer = self._loops.pop(name, None)
        if timer is not None:
            timer.cancel()
        if zone.waiting and zone.limiter is not None:
            when = zone.limiter.next_accept(self.clock.now, TAINT_LOOP_PERIOD)
            self._loops[name] = self.clock.at(when, self._taint_next, name, phase=Phase.CONTROLLER)

    def _taint_next(self, name: str) -> None:
        """One round of doNoExecuteTaintingPass; the token is spent even on a node that is ready again."""
        zone = self.zones[name]
        if zone.limiter is not None and zone.waiting and zone.limiter.try_accept(self.clock.now):
            first = next(iter(zone.waiting))
            del zone.waiting[first]
            node = self.api.nodes.get(first)
            if node is not None and node.ready in ("False", "Unknown"):
                self._writing = True
                self.api.change_taints(node, [_NO_EXECUTE[node.ready]], [_OPPOSITE[node.ready]])
                self._writing = False
        self._plan_loop(name)

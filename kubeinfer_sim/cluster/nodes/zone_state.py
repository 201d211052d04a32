"""How healthy a zone is, and how fast its failed nodes may be tainted.

The node lifecycle controller slows down, or stops, when so many nodes of a zone fail together that the fault
is more likely the network's than the nodes' (pkg/controller/nodelifecycle/node_lifecycle_controller.go,
ComputeZoneState, setLimiterInZone; scheduler/rate_limited_queue.go).
"""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct, field

from kubeinfer_sim.cluster.rate_limit import TokenBucket


class ZoneState(StrEnum):
    """The state of a zone; Initial until the end of the first pass that saw it."""

    INITIAL = "Initial"
    NORMAL = "Normal"
    PARTIAL = "PartialDisruption"
    FULL = "FullDisruption"


class EvictionRates(Struct, frozen=True):
    """The controller's flags for zones; rates in nodes per second.

    Attributes:
        normal: --node-eviction-rate.
        secondary: --secondary-node-eviction-rate, for large zones partially out; small ones stop.
        large_zone: --large-cluster-size-threshold: a zone is large above this many nodes.
        unhealthy: --unhealthy-zone-threshold: the share of nodes not ready from which a zone is partially out.
    """

    normal: float = 0.1
    secondary: float = 0.01
    large_zone: int = 50
    unhealthy: float = 0.55

    def state(self, ready: int, not_ready: int) -> ZoneState:
        """The state of a zone with so many nodes ready and not; one or two not ready never make it Partial."""
        if not ready and not_ready:
            return ZoneState.FULL
        if not_ready > 2 and not_ready / (ready + not_ready) >= self.unhealthy:
            return ZoneState.PARTIAL
        return ZoneState.NORMAL

    def rate(self, state: ZoneState, nodes: int) -> float:
        """Taints per second in a zone, unless every zone is fully out (then none)."""
        if state is ZoneState.PARTIAL:
            return self.secondary if nodes > self.large_zone else 0.0
        return self.normal


class Zone(Struct):
    """A zone as the controller keeps it.

    Attributes:
        waiting: names of the nodes that are to get their NoExecute taint. The real queue has no order
            either: every monitor pass queues all of them anew.
        limiter: None while nothing may be tainted.
        ready: how many of its counted nodes the last pass saw ready …
        not_ready: … and not ready.
    """

    limiter: TokenBucket | None
    waiting: dict[str, None] = field(default_factory=dict)
    ready: int = 0
    not_ready: int = 0
    state: ZoneState = ZoneState.INITIAL

    @property
    def counted(self) -> int:
        """How many nodes count."""
        return self.ready + self.not_ready

    def set_rate(self, rate: float, now: int) -> None:
        """Change the rate (SwapLimiter): the new bucket is full only if the old one had a token left.

        client-go's limiter that never lets anything through calls its rate 1, so that leaving rate 0 always
        makes a new bucket, an empty one.
        """
        if (1.0 if self.limiter is None else self.limiter.qps) == rate:
            return
        bucket = TokenBucket(rate, 1, now) if rate > 0 else None
        if bucket is not None and (self.limiter is None or not self.limiter.try_accept(now)):
            bucket.try_accept(now)
        self.limiter = bucket

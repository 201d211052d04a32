"""The kubelet's prober for one container: startup, liveness and readiness (pkg/kubelet/prober).

Contract of `ContainerProber`, all times in absolute simulated milliseconds:

- The caller is the pod's kubelet. It tells what happens to the container (`container_started`, `container_died`,
  `container_replaced`, `health_changed`, `pod_terminating`, `sync`), in order of time, and takes the consequences
  with `advance(to)`: what anybody outside can see (`Transition`s), up to and including `to`, in order.
- Each of these calls first lets happen everything that is due at or before its time. Transitions it brings about
  are returned by the next `advance`, so ask for `advance(at)` after a call.
- `next_at()` says when the next transition comes if nobody calls before: None means never. A healthy container has
  none. It is valid until the next call; ask anew after each. Only while a container flaps without consequence it may
  name a time at which `advance` returns nothing.
- After a `kill` the pod worker is busy killing: no syncs, but readiness goes on being probed. It ends with
  `container_died` (a sync sees the dead container; then `container_started` for the next one) or
  `container_replaced` (killed and restarted within the sync: what the kubelet does out of back-off).
- Before the first container runs nothing is probed, but the workers tick: `added_at` fixes their grids.
"""

from kubeinfer_sim.cluster.prober.container import ContainerProber, Transition
from kubeinfer_sim.cluster.prober.health import (
    PROBE_KINDS,
    Checks,
    Health,
    Outcome,
    ProbeKind,
    Segment,
    overlaid,
)
from kubeinfer_sim.cluster.prober.probes import Circumstances, Probes

__all__ = [
    "PROBE_KINDS",
    "Checks",
    "Circumstances",
    "ContainerProber",
    "Health",
    "Outcome",
    "ProbeKind",
    "Probes",
    "Segment",
    "Transition",
    "overlaid",
]

"""A container of a pod, of whatever kind, as the kubelet knows it."""

from __future__ import annotations

from kubeinfer_sim.cluster.kubelet.check_faults import Trouble
from kubeinfer_sim.cluster.kubelet.container_runs import ContainerRuns
from kubeinfer_sim.cluster.kubelet.pod_layout import ContainerKind, ContainerLayout
from kubeinfer_sim.cluster.prober import ContainerProber
from kubeinfer_sim.cluster.prober.forecast import Follower
from kubeinfer_sim.cluster.stages import Stage


class Container:
    """One container.

    Attributes:
        spec, kind, place, order, is_engine, probes, probed, delayed, longest: see `ContainerLayout`.
        prober: what its probes find out, once that is followed.
        runs: its restarts in place, since there are any.
        dead: it is not running, though it has been started once; `exit_code` of the run that ended last.
        ended: its process has ended, and the kubelet has yet to see that.
        since: of a sidecar, when it was started, or will be as far as the set-up is planned.
        serving_at: when the checks of one that runs no engine begin to pass; None: never.
        troubles: what goes wrong with the checks of its present run.
        began_at: of one with a postStart hook: when its process began, before the hook.
        kill: what its end goes through since its pod is stopped; () where it was not running.
        synced_from: when a sync begins, or has begun, to kill or to start it; None: no sync is about to.
    """

    __slots__ = (
        "began_at",
        "dead",
        "delayed",
        "ended",
        "exit_code",
        "is_engine",
        "kill",
        "kind",
        "layout",
        "longest",
        "order",
        "place",
        "probed",
        "prober",
        "probes",
        "runs",
        "serving_at",
        "since",
        "spec",
        "synced_from",
        "troubles",
    )

    def __init__(self, layout: ContainerLayout) -> None:
        self.layout = layout
        self.spec = layout.spec
        self.kind = layout.kind
        self.place = layout.place
        self.order = layout.order
        self.is_engine = layout.is_engine
        self.probes = layout.probes
        self.probed = layout.probed
        self.delayed = layout.delayed
        self.longest = layout.longest
        self.prober: ContainerProber | Follower | None = None
        self.runs: ContainerRuns | None = None
        self.dead = False
        self.exit_code = 0
        self.ended = False
        self.since: int | None = None
        self.serving_at: int | None = 0
        self.troubles: tuple[Trouble, ...] = ()
        self.began_at: int | None = None
        self.kill: tuple[Stage, ...] = ()
        self.synced_from: int | None = None

    @property
    def number(self) -> int:
        """What tells it from others in the names of random streams: its place, or of init container i -1 - i."""
        return -1 - self.place if self.kind is ContainerKind.INIT else self.place

    def runs_beside_set_up(self, now: int) -> bool:
        """Whether it is a sidecar that has been started by now."""
        return self.since is not None and self.since <= now

    def began(self, at: int) -> int:
        """When the process began of a container that was seen running from `at` on: before its postStart hook."""
        return at if self.began_at is None else self.began_at

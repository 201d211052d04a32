"""A pod's containers as their kubelet knows them at an instant, for others to read: `kubectl get pods` asks for it."""

from __future__ import annotations

from msgspec import Struct

from kubeinfer_sim.cluster.kubelet.container import Container
from kubeinfer_sim.cluster.kubelet.pod_layout import ContainerKind
from kubeinfer_sim.cluster.kubelet.pod_worker import PodWorker, Sync
from kubeinfer_sim.cluster.prober.forecast import Follower
from kubeinfer_sim.cluster.stages import StageKind
from kubeinfer_sim.manifest.model import Container as ContainerSpec


class ContainerView(Struct, frozen=True):
    """One container.

    Attributes:
        dead: it has been started, and does not run now.
        started, ready: what its probes have found, if it runs.
    """

    spec: ContainerSpec
    kind: ContainerKind
    dead: bool
    started: bool
    ready: bool

    @classmethod
    def of(cls, container: Container, now: int) -> ContainerView:
        """A container at `now` (ms)."""
        prober = container.prober
        if isinstance(prober, Follower):
            started, ready = prober.becomes("started") <= now, prober.becomes("ready") <= now
        elif prober is not None:
            started, ready = prober.started, prober.ready
        else:
            started = ready = True
        return cls(container.spec, container.kind, container.dead, started, ready)


class PodView(Struct, frozen=True):
    """One pod.

    Attributes:
        containers: in the order in which they are started: init containers first.
        at: the container, by its place there, that its set-up has come to, and whether that `runs` yet, or its image
            is being pulled. Of pods with init containers alone: others' containers all start together.
        heard: its kubelet knows of it.
        setting_up: its containers have yet to run, or to run again after all of them were restarted.
    """

    containers: tuple[ContainerView, ...]
    at: int
    runs: bool
    setting_up: bool
    heard: bool

    @classmethod
    def of(cls, worker: PodWorker, now: int) -> PodView:
        """A pod at `now` (ms)."""
        at, runs = 0, False
        if worker.awaits is not None:
            at, runs = worker.awaits.order, True
        elif worker.plan is not None:
            since, plan = worker.plan
            step = plan.now(now - since)
            if step is None:
                at = worker.layout.init
            else:
                at = plan.containers[step].order
                runs = plan.stages[step].name.kind in (StageKind.INIT, StageKind.SIDECAR)
        containers = tuple(ContainerView.of(each, now) for each in worker.every)
        return cls(containers, at, runs, worker.sync is Sync.SETTING_UP, worker.sync is not Sync.UNHEARD)

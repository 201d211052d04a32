"""What the containers of a pod are to its kubelet: the same for all pods of one template."""

from __future__ import annotations

from enum import Enum

from msgspec import Struct

from kubeinfer_sim.cluster.per_template import PerTemplate
from kubeinfer_sim.cluster.pod import is_sidecar
from kubeinfer_sim.cluster.prober import Probes
from kubeinfer_sim.manifest.model import Container as ContainerSpec
from kubeinfer_sim.manifest.model import PodTemplate


class ContainerKind(Enum):
    """What the kubelet does with a container."""

    INIT = "init"  # runs to its end before what follows it begins
    SIDECAR = "sidecar"  # an init container that runs on: what follows it waits until it has started
    ORDINARY = "container"


class ContainerLayout(Struct, frozen=True, eq=False):
    """One container.

    Attributes:
        place: its place among the init containers of its pod, or among those that run as long as the pod does (its
            ordinary containers, then its sidecars).
        order: its place in the order in which they are started: init containers and sidecars, then the others.
        is_engine: it runs the inference engine.
        probes: its probes, and whether it is `probed` at all.
        delayed: a probe has an initial delay, which counts from the start of the container, cut to whole seconds.
        longest: the longest period of its probes, in ms.
    """

    spec: ContainerSpec
    kind: ContainerKind
    place: int
    order: int
    is_engine: bool
    probes: Probes
    probed: bool
    delayed: bool
    longest: int


class PodLayout:
    """The containers of a template.

    Attributes:
        started: all of them, in the order in which they are started.
        init: how many of these are init containers or sidecars.
        engine: the place among them of the one that runs the inference engine.
        has_hooks: an ordinary container has a postStart hook.
        startup_probed: one that runs as long as the pod has a startup probe.
    """

    __slots__ = ("engine", "has_hooks", "init", "started", "startup_probed", "template")

    def __init__(self, template: PodTemplate) -> None:
        self.template = template
        self.init = len(template.init_containers)
        self.engine = self.init + template.containers.index(template.engine)
        self.has_hooks = template.has_hooks
        self.started: tuple[ContainerLayout, ...] = ()
        sidecars = 0
        for order, spec in enumerate((*template.init_containers, *template.containers)):
            kind, place = ContainerKind.ORDINARY, order - self.init
            if order < self.init:
                kind, place = ContainerKind.INIT, order
                if is_sidecar(spec):
                    kind, place = ContainerKind.SIDECAR, len(template.containers) + sidecars
                    sidecars += 1
            probes = Probes.of(spec)
            delayed = any(probe is not None and probe.initial_delay_seconds for probe in probes)
            longest = max((probe.period_seconds * 1000 for probe in probes if probe is not None), default=0)
            each = ContainerLayout(
                spec, kind, place, order, order == self.engine, probes, any(probes), delayed, longest
            )
            self.started += (each,)
        self.startup_probed = any(
            each.kind is not ContainerKind.INIT and each.probes.startup is not None for each in self.started
        )


#: The layout of a template.
layout_of = PerTemplate(PodLayout)

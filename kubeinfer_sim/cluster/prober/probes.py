"""The probes of a container, and what nobody knows of the kubelet that runs them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

from msgspec import Struct

from kubeinfer_sim.cluster.prober.health import ProbeKind
from kubeinfer_sim.manifest.model import Container, Probe
from kubeinfer_sim.scenario.units import Millis


class Probes(NamedTuple):
    """The probes of a container, None where it has none; in the order of `PROBE_KINDS`."""

    startup: Probe | None = None
    liveness: Probe | None = None
    readiness: Probe | None = None

    @classmethod
    def of(cls, container: Container) -> Probes:
        """Those of a container of a manifest."""
        return cls(container.startup_probe, container.liveness_probe, container.readiness_probe)


class Circumstances(Struct, frozen=True):
    """What of a kubelet nobody knows, or is a race in it.

    Attributes:
        wall_offset_ms: wall clock at simulated time 0, modulo 1000: start times are cut to whole seconds of it.
        first_wake_ms: when a worker wakes that sleeps first (absolute), per kind, where that is known and not drawn.
        tie: what a worker takes first when a tick and a manual trigger are both waiting.
        trigger_sees: whether a readiness worker that a sync wakes reads the status this sync writes (`new`) or the
            one before (`old`).
    """

    wall_offset_ms: Millis = 0
    first_wake_ms: Mapping[ProbeKind, Millis] | None = None
    tie: Literal["trigger", "tick"] = "trigger"
    trigger_sees: Literal["new", "old"] = "new"


#: Nothing special.
ORDINARY = Circumstances()

"""What a scenario says about all KubeInfers, beside their manifests."""

from __future__ import annotations

from msgspec import Struct

from kubeinfer_sim.controllers.kubeinfer.policies import RecoveryPlugin
from kubeinfer_sim.manifest.releases import LATEST, Release
from kubeinfer_sim.scenario.model import Assumptions
from kubeinfer_sim.scenario.recovery.rules import RecoveryRule
from kubeinfer_sim.scenario.timings.model import Timings


class Settings(Struct, frozen=True):
    """Settings of KubeInfers' controllers.

    Attributes:
        rules: what Custom recovery does, the first that matches; without any the kubelet decides.
        plugin: decides instead of them.
    """

    timings: Timings
    assumptions: Assumptions
    kubernetes: Release = LATEST
    rules: tuple[RecoveryRule, ...] = ()
    plugin: RecoveryPlugin | None = None

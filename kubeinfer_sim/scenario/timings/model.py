"""How long things take: stages by role, and what is read over shared links.

Plain records in milliseconds and bytes, filled by `compile.py` from the forms of `forms.py`.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct, field

from kubeinfer_sim.scenario.timings.distribution import Distribution
from kubeinfer_sim.scenario.timings.distributions import Constant
from kubeinfer_sim.scenario.units import Millis


class StageTimings(Struct, frozen=True):
    """How long each stage of a pod takes, for one role. The defaults' sources are in the timings docs page.

    `cold`/`warm` variants: which applies is decided by what is on the node when the stage begins.
    """

    bind: Distribution  # gang placed -> all its pods bound
    image_cold: Distribution  # pull of an image that is not on the node
    image_warm: Distribution  # image present
    init: Distribution  # the run of one init container
    volumes: Distribution  # its volumes are mounted, before anything else
    create: Distribution  # sandbox and containers
    post_start: Distribution  # a postStart hook whose length the manifest does not tell
    rank_table: Distribution  # last pod of the gang up -> engines start
    framework_import: Distribution
    communicator: Distribution  # HCCL / process groups
    weights_warm: Distribution  # page cache
    weights_local: Distribution  # cold, local disk
    weights_shared: Distribution  # cold, shared storage
    graph_warm: Distribution  # graph cache of this revision on this node
    graph_cold: Distribution
    warm_up: Distribution
    pre_stop: Distribution  # drain in a preStop hook whose length the manifest does not tell
    exit: Distribution  # SIGTERM -> process gone
    sidecar_exit: Distribution  # SIGTERM -> an init container, or a sidecar after all containers, gone
    cleanup: Distribution  # last container dead, devices free -> pod object gone
    relist: Distribution  # a container started or ended -> the kubelet sees that
    probe_latency: Distribution  # a probe that answers
    #: By image: the timings of a container that runs it, where they are others.
    images: Mapping[str, StageTimings] = field(default_factory=dict)


#: The names of the stages.
STAGE_NAMES = tuple(name for name in StageTimings.__struct_fields__ if name != "images")


class Timings(Struct, frozen=True):
    """Stage timings by role name, with the default for roles not named."""

    default: StageTimings
    roles: Mapping[str, StageTimings] = field(default_factory=dict)

    def of(self, role: str) -> StageTimings:
        """The timings of a role."""
        return self.roles.get(role, self.default)

    @property
    def constant(self) -> bool:
        """Whether no stage of any role is drawn."""
        each = (self.default, *self.roles.values())
        each = (*each, *(own for of in each for own in of.images.values()))
        return all(isinstance(getattr(of, name), Constant) for of in each for name in STAGE_NAMES)


class CrashBackOff(Struct, frozen=True):
    """Settings of CrashLoopBackOff.

    Attributes:
        maximum: the kubelet's `crashLoopBackOff.maxContainerRestartPeriod` (from 1.35); None: 300 s.
        reduced: feature gate ReduceDefaultCrashLoopBackOffDecay: 1 s doubling to 60 s.
    """

    maximum: Millis | None = None
    reduced: bool = False


class Link(Struct, frozen=True):
    """A registry or a storage that many nodes read from; bytes per second, None for no limit of that kind.

    At least one of the two is given. Transfers that run at once share `bandwidth` equally; one alone takes at
    most `per_client`.
    """

    bandwidth: int | None
    per_client: int | None = None


class Transfers(Struct, frozen=True):
    """What is read over shared links, and how much of it (bytes).

    Without a `registry` a cold pull takes `StageTimings.image_cold`; without a `storage` cold weights on shared
    storage take `StageTimings.weights_shared`; each pod for itself.

    Attributes:
        image_sizes: image -> bytes; `default_image_size` for the others.
        weights_sizes: role -> bytes one pod of it reads; `default_weights_size` for the others.
        parallel_pulls: pulls a node makes at once: 1 is the kubelet's default (serializeImagePulls), None no limit.
        registry_pull_qps, registry_burst: pulls a node may begin per second, and at once; qps 0: no limit.
    """

    registry: Link | None = None
    image_sizes: Mapping[str, int] = field(default_factory=dict)
    default_image_size: int = 16_000_000_000
    storage: Link | None = None
    weights_sizes: Mapping[str, int] = field(default_factory=dict)
    default_weights_size: int = 100_000_000_000
    parallel_pulls: int | None = 1
    registry_pull_qps: float = 5
    registry_burst: int = 10
